"""The directions themselves: components, norms by position, likeness, and the latents' norms."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    colour,
    dash,
    layered,
    named,
    names,
    rows,
    shape,
    tips,
)

DIVERGING = ["#b35806", "#f1a340", "#fee0b6", "#f7f7f7", "#d1e5f0", "#67a9cf", "#2166ac"]
POSITION = alt.Axis(title="Latent position", labelAngle=0, grid=False)


def direction_heatmap(
    components: pd.DataFrame, *, width: float = 320, height: float = 70
) -> alt.Chart:
    """Latent position × the first dimensions of one direction.

    Args:
        components: rows of `tables.direction_components` of one direction. `position`, `dimension`,
            `value`, and `limit`: the largest absolute value of them all.
    """
    limit = float(components["limit"].iloc[0])
    scale = alt.Scale(domain=[-limit, limit], range=DIVERGING, interpolate="lab", nice=False)
    every_tenth = alt.Axis(
        title="Dimension",
        labelAngle=0,
        labelExpr="datum.value % 10 == 0 ? datum.label : ''",
        ticks=False,
    )
    return (
        alt.Chart(rows(components, ["position", "dimension", "value"]))
        .mark_rect()
        .encode(
            x=alt.X("dimension", type="ordinal", axis=every_tenth),
            y=alt.Y("position", type="ordinal", axis=POSITION),
            color=alt.Color("value", type="quantitative", scale=scale, title="Component"),
            tooltip=tips("position", "dimension", "value"),
        )
        .properties(width=width, height=height)
    )


def direction_norms_chart(
    norms: pd.DataFrame, *, width: float = 150, height: float = 130
) -> alt.HConcatChart:
    """Norm of each direction by position, and as a share of the latent it is added to.

    Args:
        norms: rows of `tables.direction_norms`. `series`, `position`, `norm`, `relative` (norm
            over the mean norm of the latents).
    """
    norms = named(norms)
    domain = names(norms, "series")
    data = rows(norms, ["series", "position", "norm", "relative"])

    def panel(field: str, title: str, form: str) -> alt.LayerChart:
        """One measure of a norm over positions."""
        base = alt.Chart(data).encode(
            x=alt.X("position", type="ordinal", axis=POSITION),
            # Square root: directions of very different size share the axis, and 0 has a place.
            y=alt.Y(
                field,
                type="quantitative",
                axis=alt.Axis(title=title, format=form),
                scale=alt.Scale(type="sqrt", zero=True),
            ),
            color=colour("series", domain),
            tooltip=tips("series", "position", "norm", "relative"),
        )
        line = base.mark_line(strokeWidth=1.2)
        points = base.mark_point(filled=True, size=22, opacity=1).encode(
            shape=shape("series", domain)
        )
        return layered(line, points).properties(width=width, height=height)

    return alt.hconcat(
        panel("norm", "Norm of the direction", "~r"),
        panel("relative", "Norm relative to the latent (α = 1)", ".0%"),
    ).resolve_scale(color="shared", shape="shared")


def latent_norms_chart(
    growth: pd.DataFrame, *, width: float = 150, height: float = 130
) -> alt.FacetChart:
    """How the latents' norm grows by position, one line per alpha, against the baseline's.

    Args:
        growth: rows of `tables.latent_growth`. `series`, `position`, `alpha`, `alpha_label`,
            `sign` (of alpha, as text), `ratio` (mean norm after steering over the baseline's mean
            norm at that position).
    """
    growth = named(growth)
    scale = alt.Scale(domainMid=0, range=[*DIVERGING[:2], "#7f7f7f", *DIVERGING[-2:]])
    data = rows(growth, ["series", "position", "alpha", "alpha_label", "sign", "ratio"])
    line = (
        alt.Chart(data)
        .mark_line(strokeWidth=1)
        .encode(
            x=alt.X("position", type="ordinal", axis=POSITION),
            y=alt.Y(
                "ratio",
                type="quantitative",
                axis=alt.Axis(title="Norm after steering / baseline", format="~r"),
                scale=alt.Scale(zero=False),
            ),
            color=alt.Color("alpha", type="quantitative", scale=scale, title="α"),
            detail=alt.Detail("alpha_label", type="nominal"),
            strokeDash=dash("sign", ["α > 0", "α < 0"]),
            tooltip=tips("series", "position", "alpha_label", "ratio"),
        )
    )
    return (
        line.properties(width=width, height=height)
        .facet(column=alt.Column("series", type="nominal", title=None))
        .resolve_scale(y="independent")
    )


def cosine_chart(cosines: pd.DataFrame, *, size: float = 22) -> alt.LayerChart:
    """Cosines between directions, written into their cells.

    Args:
        cosines: rows of `tables.direction_cosines`. `first`, `second`, `cosine`, `label`, `dark`
            (whether the cell needs white ink).
    """
    order = names(cosines, "first")
    scale = alt.Scale(domain=[-1, 1], range=DIVERGING, interpolate="lab")
    axis = alt.Axis(title=None, ticks=False, domain=False, labelLimit=0)
    base = alt.Chart(rows(cosines, ["first", "second", "cosine", "label", "dark"])).encode(
        x=alt.X(
            "second",
            type="nominal",
            sort=order,
            axis=alt.Axis(title=None, ticks=False, domain=False, labelAngle=-45, labelLimit=0),
        ),
        y=alt.Y("first", type="nominal", sort=order, axis=axis),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("cosine", type="quantitative", scale=scale, title="Cosine"),
        tooltip=tips("first", "second", "cosine"),
    )
    text = base.mark_text(baseline="middle").encode(
        text=alt.Text("label", type="nominal"),
        color=alt.condition("datum.dark", alt.value("#ffffff"), alt.value("#000000")),
    )
    side = size * len(order)
    return layered(cells, text).properties(width=side, height=side)

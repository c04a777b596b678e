"""What happens to the problems themselves: transitions per alpha, and the grid of problems."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    DARK,
    OUTCOMES,
    layered,
    named,
    rows,
    tips,
)


def transitions_chart(
    transitions: pd.DataFrame, labels: pd.DataFrame, *, width: float = 220, height: float = 150
) -> alt.FacetChart:
    """Stacked counts per alpha: stayed right, gained, lost, stayed wrong; one column a direction.

    Args:
        transitions: rows of `tables.transitions_long` of one problem set. `series`,
            `alpha_label`, `outcome`, `order`, `problems`.
        labels: rows of `tables.transitions` of the same set. `series`, `alpha_label`, `total`,
            `gained_label`, `lost_label`: above each bar.
    """
    transitions, labels = named(transitions), named(labels)
    domain = [name for name in OUTCOMES if name in set(transitions["outcome"])]
    scale = alt.Scale(domain=domain, range=[OUTCOMES[name] for name in domain])
    alphas = list(dict.fromkeys(transitions.sort_values("alpha")["alpha_label"]))
    x = alt.X(
        "alpha_label",
        type="nominal",
        sort=alphas,
        axis=alt.Axis(title="α", labelAngle=0, labelOverlap=True),
    )
    bars = (
        alt.Chart()
        .transform_filter("isValid(datum.outcome)")
        .mark_bar(stroke=DARK, strokeWidth=0.25)
        .encode(
            x=x,
            y=alt.Y("problems", type="quantitative", title="Problems", stack="zero"),
            color=alt.Color("outcome", type="nominal", scale=scale, title=None),
            order=alt.Order("order", type="quantitative"),
            tooltip=tips("series", "alpha_label", "outcome", "problems"),
        )
    )
    labelled = alt.Chart().transform_filter("isValid(datum.gained_label)").encode(x=x)
    counts = [
        labelled.mark_text(baseline="bottom", dy=dy).encode(
            y=alt.Y("total", type="quantitative"), text=alt.Text(field, type="nominal")
        )
        for field, dy in (("gained_label", -9), ("lost_label", -2))
    ]
    long = rows(transitions, ["series", "alpha_label", "outcome", "order", "problems"]).values
    text = rows(labels, ["series", "alpha_label", "total", "gained_label", "lost_label"]).values
    return (
        layered(bars, *counts)
        .properties(width=width, height=height)
        .facet(
            column=alt.Column("series", type="nominal", title=None),
            data=alt.Data(values=[*long, *text]),
        )
    )


def problems_chart(
    blocks: pd.DataFrame, strata: pd.DataFrame, *, width: float = 220, height: float = 300
) -> alt.LayerChart:
    """One row per problem, one column per alpha: easy problems on top, strata apart.

    Args:
        blocks: rows of `tables.problem_blocks` of one direction and set. `first`, `last` (rows of
            the grid that the block covers), `alpha_label`, `outcome`.
        strata: rows of `tables.problem_strata` of the same. `first`, `middle`, `stratum_label`:
            where each stratum begins and is named.
    """
    domain = [name for name in OUTCOMES if name in set(blocks["outcome"])]
    scale = alt.Scale(domain=domain, range=[OUTCOMES[name] for name in domain])
    alphas = list(dict.fromkeys(blocks.sort_values("alpha")["alpha_label"]))
    y_scale = alt.Scale(reverse=True, nice=False, zero=True)
    cells = (
        alt.Chart(rows(blocks, ["first", "last", "alpha_label", "outcome", "problems"]))
        .mark_rect()
        .encode(
            x=alt.X(
                "alpha_label",
                type="nominal",
                sort=alphas,
                axis=alt.Axis(title="α", labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("first", type="quantitative", scale=y_scale, axis=None),
            y2="last",
            color=alt.Color("outcome", type="nominal", scale=scale, title=None),
            tooltip=tips("alpha_label", "outcome", "problems"),
        )
    )
    borders = alt.Chart(rows(strata, ["first", "middle", "stratum_label"]))
    lines = borders.mark_rule(color=DARK, strokeWidth=0.6).encode(
        y=alt.Y("first", type="quantitative", scale=y_scale)
    )
    text = borders.mark_text(angle=270, baseline="bottom", dx=0).encode(
        x=alt.value(-3),
        y=alt.Y("middle", type="quantitative", scale=y_scale),
        text=alt.Text("stratum_label", type="nominal"),
    )
    return layered(cells, lines, text).properties(width=width, height=height)

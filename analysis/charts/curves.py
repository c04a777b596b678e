"""Curves over alpha: accuracy, signed effect against damage, strata."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    DARK,
    GREY,
    POINTS,
    alpha_axis,
    colour,
    dots,
    ended,
    layered,
    named,
    names,
    percent_axis,
    rows,
    shape,
    tips,
)


def accuracy_chart(
    curves: pd.DataFrame, band: pd.DataFrame, *, width: float = 320, height: float = 190
) -> alt.LayerChart:
    """Accuracy over alpha with Tango's band, the control directions' range and the baseline.

    Args:
        curves: rows of `tables.accuracy_curves` of one problem set. One per direction and alpha:
            `accuracy`, `accuracy_low`, `accuracy_high`, `baseline_accuracy` (fractions), `stop`.
        band: rows of `tables.control_band` of the same set. `accuracy_low`, `accuracy_high`,
            `accuracy_mean` of the control directions per alpha.
    """
    curves = named(curves)
    domain = names(curves, "series")
    data = rows(
        curves.assign(ended=ended(curves)),
        ["series", "alpha", "accuracy", "accuracy_low", "accuracy_high", "baseline_accuracy",
         "gained", "lost", "n", "ended"],
    )  # fmt: skip
    y = alt.Y(
        "accuracy",
        type="quantitative",
        axis=percent_axis("Accuracy (%)"),
        scale=alt.Scale(zero=False, padding=6),
    )
    base = alt.Chart(data).encode(x=alpha_axis())
    baseline = _baselines(base, marked=curves["baseline_accuracy"].nunique() > 1)
    tango = base.mark_area(opacity=0.18).encode(
        y=alt.Y("accuracy_low", type="quantitative", axis=percent_axis("Accuracy (%)")),
        y2="accuracy_high",
        color=colour("series", domain),
    )
    line = base.mark_line(strokeWidth=1.2).encode(y=y, color=colour("series", domain))
    points = dots(
        base,
        22,
        bool(ended(curves).any()),
        y=y,
        color=colour("series", domain),
        shape=shape("series", domain),
        tooltip=tips("series", "alpha", "accuracy", "gained", "lost", "n"),
    )
    layers = [tango, baseline, *_band_layers(band), line, *points]
    return layered(*layers).properties(width=width, height=height)


def _baselines(base: alt.Chart, *, marked: bool) -> alt.Chart:
    """The baseline on the pairs of each dose, dashed: one line where no outcome is missing.

    `marked`: with a stroke at each dose, which is all there is of it where there is one dose.
    """
    stroke = alt.OverlayMarkDef(shape="stroke", size=40, color=DARK, filled=False, strokeWidth=0.7)
    line = base.mark_line(
        strokeDash=[2, 2], color=DARK, strokeWidth=0.7, point=stroke if marked else False
    )
    return line.encode(
        x=alpha_axis(),
        y=alt.Y("baseline_accuracy", type="quantitative", axis=percent_axis("Accuracy (%)")),
        detail=alt.Detail("series", type="nominal"),
    )


def _band_layers(band: pd.DataFrame) -> list[alt.Chart]:
    """The controls' range as a bar at each alpha they were run at; none where there are none."""
    if band.empty:
        return []
    base = alt.Chart(
        rows(band, ["alpha", "accuracy_low", "accuracy_high", "accuracy_mean", "k", "label"])
    ).encode(x=alpha_axis())
    stroke = alt.value(GREY)
    tooltip = tips("label", "alpha", "k", "accuracy_low", "accuracy_mean", "accuracy_high")
    span = base.mark_rule(strokeWidth=5, opacity=0.45).encode(
        y=alt.Y("accuracy_low", type="quantitative"),
        y2="accuracy_high",
        stroke=stroke,
        tooltip=tooltip,
    )
    middle = base.mark_tick(orient="horizontal", thickness=1.2, size=8, color=DARK).encode(
        y=alt.Y("accuracy_mean", type="quantitative"), tooltip=tooltip
    )
    return [span, middle]


def push_chart(curves: pd.DataFrame, *, width: float = 320, height: float = 150) -> alt.LayerChart:
    """Paired difference over the push, so that directions of unequal length are side by side.

    Args:
        curves: rows of `tables.push_curves` of one problem set. `series`, `push`, `estimate`,
            `low`, `high` (fractions).
    """
    curves = named(curves)
    domain = names(curves, "series")
    base = alt.Chart(
        rows(curves, ["series", "push", "alpha", "estimate", "low", "high", "n"])
    ).encode(
        x=alt.X(
            "push",
            type="quantitative",
            axis=percent_axis("Push α‖v‖/‖h‖ (%)", grid=False),
            scale=alt.Scale(padding=6),
        )
    )
    axis = percent_axis(POINTS)
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=DARK, strokeWidth=0.5)
    tango = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low", type="quantitative", axis=axis),
        y2="high",
        color=colour("series", domain),
    )
    y = alt.Y("estimate", type="quantitative", axis=axis)
    line = base.mark_line(strokeWidth=1.2).encode(y=y, color=colour("series", domain))
    points = base.mark_point(filled=True, size=22, opacity=1).encode(
        y=y,
        color=colour("series", domain),
        shape=shape("series", domain),
        tooltip=tips("series", "push", "alpha", "estimate", "low", "high", "n"),
    )
    baseline = zero.encode(y=alt.Y("zero", type="quantitative"))
    return layered(tango, baseline, line, points).properties(width=width, height=height)


def dose_chart(
    doses: pd.DataFrame, *, width: float = 150, height: float = 140
) -> alt.FacetChart | alt.LayerChart:
    """Signed effect [f(a) − f(−a)]/2 against damage [f(a) + f(−a)]/2 − f(0), per direction.

    Args:
        doses: rows of `tables.doses`. `series`, `dose` (positive), `quantity`, `estimate`,
            `low`, `high` (fractions).
    """
    doses = named(doses)
    domain = names(doses, "quantity")
    base = alt.Chart(rows(doses, ["series", "dose", "quantity", "estimate", "low", "high"])).encode(
        x=alt.X("dose", type="quantitative", axis=alt.Axis(title="|α|", grid=False))
    )
    axis = percent_axis(POINTS)
    zero = (
        alt.Chart()
        .mark_rule(strokeDash=[2, 2], color=DARK, strokeWidth=0.7)
        .encode(y=alt.datum(0.0))
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low", type="quantitative", axis=axis),
        y2="high",
        color=colour("quantity", domain),
    )
    y = alt.Y("estimate", type="quantitative", axis=axis)
    line = base.mark_line(strokeWidth=1.2).encode(y=y, color=colour("quantity", domain))
    points = base.mark_point(filled=True, size=20, opacity=1).encode(
        y=y,
        color=colour("quantity", domain),
        shape=shape("quantity", domain),
        tooltip=tips("series", "dose", "quantity", "estimate", "low", "high"),
    )
    whole = layered(band, zero, line, points, data=base.data)
    return whole.properties(width=width, height=height).facet(
        column=alt.Column("series", type="nominal", title=None)
    )


def strata_chart(
    strata: pd.DataFrame, *, width: float = 110, height: float = 90
) -> alt.VConcatChart:
    """Accuracy and paired difference over alpha within each stratum, discordant counts below.

    Args:
        strata: rows of `tables.strata` of one problem set and one scheme. `stratum_label`,
            `series`, `alpha`, `estimate`, `low`, `high`, `accuracy`, `baseline_accuracy`
            (fractions), `counts_label` (gained/lost; empty where there is no room).
    """
    strata = named(strata)
    domain = names(strata, "series")
    data = rows(
        strata.assign(ended=ended(strata)),
        ["stratum_label", "series", "alpha", "estimate", "low", "high", "gained", "lost",
         "accuracy", "baseline_accuracy", "n", "counts_label", "ended"],
    )  # fmt: skip
    some = bool(ended(strata).any())
    accuracy = _stratum_panel("accuracy", "Accuracy (%)", domain, some)
    difference = _stratum_panel("estimate", "Difference (points)", domain, some)
    counts = (
        alt.Chart()
        .mark_text(baseline="middle")
        .encode(
            x=alpha_axis(),
            y=alt.Y(
                "series", type="nominal", sort=domain, axis=alt.Axis(labels=False, ticks=False,
                domain=False, title=["gained/", "lost"], titleAngle=0, titleAlign="right"),
            ),
            text=alt.Text("counts_label", type="nominal"),
            color=colour("series", domain),
        )
        .properties(width=width, height=8 * len(domain))
    )  # fmt: skip

    def row(panel: alt.Chart | alt.LayerChart, header: alt.Header | None) -> alt.FacetChart:
        """One panel repeated over the strata."""
        column = alt.Column("stratum_label", type="nominal", title=None, header=header)
        return panel.facet(column=column, data=data)

    return alt.vconcat(
        row(accuracy.properties(width=width, height=height * 0.8), alt.Header(title=None)),
        row(difference.properties(width=width, height=height), None),
        row(counts, None),
        spacing=4,
    ).resolve_scale(color="shared", shape="shared")


def _stratum_panel(field: str, title: str, domain: list[str], ended_ones: bool) -> alt.LayerChart:
    """One row of the strata's panels: the difference has a band and 0, accuracy its baseline."""
    axis = percent_axis(title)
    base = alt.Chart().encode(x=alpha_axis(labelled=False))
    y = alt.Y(field, type="quantitative", axis=axis)
    if field == "estimate":
        rule = alt.Chart().mark_rule(strokeDash=[2, 2], color=DARK, strokeWidth=0.7)
        zero = rule.encode(y=alt.datum(0.0))
        limits = base.mark_area(opacity=0.15).encode(
            y=alt.Y("low", type="quantitative", axis=axis),
            y2="high",
            color=colour("series", domain),
        )
        layers = [limits, zero]
    else:
        layers = [_baselines(alt.Chart(), marked=True).encode(x=alpha_axis(labelled=False))]
    line = base.mark_line(strokeWidth=1).encode(y=y, color=colour("series", domain))
    points = dots(
        base,
        12,
        ended_ones,
        y=y,
        color=colour("series", domain),
        shape=shape("series", domain),
        tooltip=tips("stratum_label", "series", "alpha", field, "gained", "lost", "n"),
    )
    return layered(*layers, line, *points)

"""All paired differences at once, each with its interval and corrected p beside it."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    DARK,
    POINTS,
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


def forest_chart(
    forest: pd.DataFrame, *, width: float = 170, row_height: float = 9
) -> alt.HConcatChart:
    """One line per direction and alpha: difference, Tango interval, counts, corrected p.

    Args:
        forest: rows of `tables.forest`, in the order to be drawn. `series`, `alpha_label`,
            `estimate`, `low`, `high` (fractions), `counts_label` (gained/lost), `p_label`
            (Holm-corrected mid-p), `stop`.
    """
    forest = named(forest)
    # Two spaces part the series (which makes the label unique) from what is shown.
    forest = forest.assign(label=forest["series"] + "  " + forest["alpha_label"])
    domain = names(forest, "series")
    order = names(forest, "label")
    data = rows(
        forest.assign(ended=ended(forest)),
        ["label", "alpha_label", "series", "estimate", "low", "high", "counts_label", "p_label",
         "ended"],
    )  # fmt: skip
    height = row_height * len(order)
    axis = alt.Axis(
        title=None, ticks=False, domain=False, labelExpr="split(datum.label, '  ')[1]", labelLimit=0
    )
    y = alt.Y("label", type="nominal", sort=order, axis=axis)
    base = alt.Chart(data).encode(y=y)
    zero = (
        alt.Chart(alt.Data(values=[{}]))
        .mark_rule(strokeDash=[2, 2], color=DARK, strokeWidth=0.7)
        .encode(x=alt.datum(0.0))
    )
    x_axis = percent_axis(POINTS)
    span = base.mark_rule(strokeWidth=1).encode(
        x=alt.X("low", type="quantitative", axis=x_axis),
        x2="high",
        color=colour("series", domain),
    )
    points = dots(
        base,
        20,
        bool(ended(forest).any()),
        x=alt.X("estimate", type="quantitative", axis=x_axis),
        color=colour("series", domain),
        shape=shape("series", domain),
        tooltip=tips("series", "alpha_label", "estimate", "low", "high", "counts_label", "p_label"),
    )
    plot = layered(zero, span, *points).properties(width=width, height=height)
    return alt.hconcat(
        plot,
        _column(data, order, "counts_label", "gained/lost", height),
        _column(data, order, "p_label", "p (Holm)", height),
        spacing=2,
    ).resolve_scale(color="shared", shape="shared")


def _column(data: alt.Data, order: list[str], field: str, title: str, height: float) -> alt.Chart:
    """A column of text beside the plot, with its head."""
    return (
        alt.Chart(data)
        .mark_text(align="center", baseline="middle")
        .encode(
            y=alt.Y("label", type="nominal", sort=order, axis=None),
            text=alt.Text(field, type="nominal"),
        )
        .properties(
            width=42,
            height=height,
            title=alt.TitleParams(title, anchor="middle", style="column-head", offset=2),
        )
    )

"""Candidates among their control directions."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    DARK,
    GREY,
    POINTS,
    colour,
    layered,
    named,
    names,
    percent_axis,
    rows,
    shape,
    tips,
)

# Dots stand between −1 and 1; the interval by order statistics stands below them.
SCALE, BELOW = alt.Scale(domain=[-1.15, 1.15]), -1.08


def controls_chart(
    points: pd.DataFrame, intervals: pd.DataFrame, *, width: float = 320, height: float = 46
) -> alt.FacetChart:
    """Every control direction as a dot, their prediction interval, the candidates marked.

    Args:
        points: rows of `tables.controls_strip` of one problem set. `panel` (dose or signed dose, as
            text), `series`, `role`, `estimate` (fraction) and `stack` (−1…1: where the dot
            stands so that none hides another).
        intervals: rows of `tables.controls` of the same set. `panel`, `prediction_low`,
            `prediction_high`, `order_low`, `order_high`, `controls_mean`, `k`.
    """
    points = named(points)
    domain = names(points[points["role"] == "candidate"], "series")
    panels = names(points, "panel")
    data = rows(points, ["panel", "series", "role", "estimate", "stack"])
    spans = rows(
        intervals.drop_duplicates("panel").assign(order_at=BELOW),
        [
            "panel",
            "prediction_low",
            "prediction_high",
            "order_low",
            "order_high",
            "order_level",
            "order_at",
            "controls_mean",
            "k",
        ],
    )
    merged = alt.Data(values=[*data.values, *spans.values])
    base = alt.Chart().encode(y=alt.Y("stack", type="quantitative", axis=None, scale=SCALE))
    axis = percent_axis(POINTS)
    x = alt.X("estimate", type="quantitative", axis=axis)
    interval = (
        alt.Chart()
        .mark_rect(opacity=0.3, color=GREY)
        .encode(
            x=alt.X("prediction_low", type="quantitative", axis=axis),
            x2="prediction_high",
            tooltip=tips("panel", "k", "prediction_low", "controls_mean", "prediction_high"),
        )
    )
    order = (
        alt.Chart()
        .mark_rule(color=DARK, strokeWidth=0.8)
        .encode(
            x=alt.X("order_low", type="quantitative"),
            x2="order_high",
            y=alt.Y("order_at", type="quantitative", axis=None, scale=SCALE),
            tooltip=tips("panel", "k", "order_low", "order_high", "order_level"),
        )
    )
    middle = (
        alt.Chart()
        .mark_rule(color=DARK, strokeWidth=0.8)
        .encode(x=alt.X("controls_mean", type="quantitative"))
    )
    dots = (
        base.transform_filter("datum.role === 'control'")
        .mark_point(filled=True, size=9, color=DARK, opacity=0.75)
        .encode(x=x, tooltip=tips("series", "estimate"))
    )
    candidates = (
        base.transform_filter("datum.role === 'candidate'")
        .mark_point(filled=True, size=55, opacity=1, stroke="white", strokeWidth=0.6)
        .encode(
            x=x,
            color=colour("series", domain),
            shape=shape("series", domain),
            tooltip=tips("series", "estimate"),
        )
    )
    whole = layered(interval, order, middle, dots, candidates).properties(
        width=width, height=height
    )
    header = alt.Header(labelAngle=0, labelAlign="left", title=None, labelOrient="left")
    return whole.facet(
        row=alt.Row("panel", type="nominal", sort=panels, header=header, title=None), data=merged
    )

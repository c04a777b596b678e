"""Charts for planning and for trusting: power curves and calibration."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts.base import (
    DARK,
    colour,
    dash,
    layered,
    names,
    percent_axis,
    rows,
    shape,
    tips,
)


def power_chart(power: pd.DataFrame, *, width: float = 240, height: float = 150) -> alt.LayerChart:
    """Power of the mid-p test over the number of problems, one line per true difference.

    Args:
        power: rows of `tables.power_curves`. `n`, `power`, `difference_label`, `discordance`
            (fraction, the store's own).
    """
    domain = names(power, "difference_label")
    base = alt.Chart(rows(power, ["n", "power", "difference_label", "discordance"])).encode(
        x=alt.X(
            "n",
            type="quantitative",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(title="Problems", grid=False, values=sorted(set(power["n"].tolist()))),
        ),
        y=alt.Y(
            "power",
            type="quantitative",
            scale=alt.Scale(domain=[0, 1]),
            axis=percent_axis("Power (%)"),
        ),
        color=colour("difference_label", domain),
        tooltip=tips("difference_label", "n", "power", "discordance"),
    )
    target = (
        alt.Chart(alt.Data(values=[{}]))
        .mark_rule(strokeDash=[2, 2], color=DARK, strokeWidth=0.7)
        .encode(y=alt.datum(0.8))
    )
    line = base.mark_line(strokeWidth=1.2).encode(strokeDash=dash("difference_label", domain))
    points = base.mark_point(filled=True, size=16, opacity=1).encode(
        shape=shape("difference_label", domain)
    )
    return layered(target, line, points).properties(width=width, height=height)


def calibration_chart(
    calibration: pd.DataFrame, *, width: float = 150, height: float = 120
) -> alt.FacetChart:
    """Simulated size or coverage of every method against its nominal value.

    Args:
        calibration: a table with `quantity`, `method`, `x` (what varies), `value`, `error`.
            (Monte-Carlo standard error), `low`, `high` (value ∓ 2 errors) and `nominal`.
    """
    domain = names(calibration, "method")
    base = alt.Chart().encode(
        x=alt.X(
            "x",
            type="quantitative",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(title="Expected discordant pairs (or controls)", grid=False),
        )
    )
    axis = percent_axis("Simulated (%)")
    nominal = (
        alt.Chart()
        .mark_rule(strokeDash=[2, 2], color=DARK, strokeWidth=0.7)
        .encode(y=alt.Y("nominal", type="quantitative"))
    )
    y = alt.Y("value", type="quantitative", axis=axis, scale=alt.Scale(zero=False))
    span = base.mark_rule(strokeWidth=0.8).encode(
        y=alt.Y("low", type="quantitative", axis=axis, scale=alt.Scale(zero=False)),
        y2="high",
        color=colour("method", domain),
    )
    points = base.mark_point(filled=True, size=18, opacity=1).encode(
        y=y,
        color=colour("method", domain),
        shape=shape("method", domain),
        tooltip=tips("quantity", "method", "x", "value", "error"),
    )
    return (
        layered(nominal, span, points, data=rows(calibration))
        .properties(width=width, height=height)
        .facet(column=alt.Column("quantity", type="nominal", title=None))
        .resolve_scale(y="independent")
    )

"""What all charts share: data as plain rows, the palette, the shapes, the axes' words.

The colours are the Okabe–Ito palette's, chosen to differ in lightness too, so that they survive
grey printing; every colour that tells things apart has a shape or a dash beside it.
"""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair.typing import Optional

from analysis import words

# Candidates, darkest first; the order of a table's rows decides who gets which.
COLOURS = ["#00466b", "#d55e00", "#56b4e9", "#cc79a7", "#009e73", "#8a6d00"]
SHAPES = ["circle", "diamond", "square", "triangle-up", "cross", "triangle-down"]
DASHES: list[list[float]] = [[1, 0], [4, 2], [1.5, 1.5], [6, 2, 1, 2], [3, 1], [1, 3]]
GREY, DARK = "#8c8c8c", "#333333"
OUTCOMES = {
    "stayed right": "#00466b",
    "gained": "#56b4e9",
    "lost": "#d55e00",
    "stayed wrong": "#e6e6e6",
    "missing": "#ffffff",
}
POINTS = "Difference to the baseline (points)"
TEXTS = {
    "series",
    "direction",
    "label",
    "outcome",
    "panel",
    "problem",
    "quantity",
    "method",
    "role",
}
TEXTS |= {"first", "second"}


def rows(table: pd.DataFrame, columns: list[str] | None = None) -> alt.Data:
    """The table (or some of its columns) as inline values; missing numbers are null."""
    chosen = table if columns is None else table[columns]
    return alt.Data(
        values=[
            {name: json_value(value) for name, value in row.items()}
            for row in chosen.to_dict(orient="records")
        ]
    )


def named(table: pd.DataFrame, of: str = "direction") -> pd.DataFrame:
    """The table with `series`, what each curve is called: as given, else by what varies in it."""
    if "series" in table:
        return table
    labels = words.series_labels(table, of=of)
    return table.assign(series=pd.Series(labels, index=table.index, dtype=object))


def ended(table: pd.DataFrame) -> pd.Series:
    """Whether a sequential plan ended each row before the last problem: drawn hollow."""
    part = table["in_part"].astype(bool) if "in_part" in table else False
    return table["stop"].notna() & part


def dots(base: alt.Chart, size: float, ended_ones: bool, **channels: Any) -> list[alt.Chart]:
    """Filled points, and hollow ones where `ended` is true: those layers that have any."""
    filled = base.transform_filter("!datum.ended") if ended_ones else base
    layers = [filled.mark_point(filled=True, size=size, opacity=1).encode(**channels)]
    if ended_ones:
        hollow = base.transform_filter("datum.ended")
        layers.append(
            hollow.mark_point(filled=False, size=size, opacity=1, strokeWidth=1).encode(**channels)
        )
    return layers


def json_value(value: Any) -> Any:
    """A value that JSON has: numpy scalars unwrapped, NaN as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def names(table: pd.DataFrame, column: str) -> list[str]:
    """The values of a column in order of first appearance."""
    return [str(value) for value in dict.fromkeys(table[column]) if value is not None]


def colour(field: str, domain: list[str], **options: Any) -> alt.Color:
    """One colour per name, the same in every chart that is given the same names."""
    scale = alt.Scale(domain=domain, range=[COLOURS[i % len(COLOURS)] for i in range(len(domain))])
    return alt.Color(field, type="nominal", scale=scale, title=None, **options)


def shape(field: str, domain: list[str], **options: Any) -> alt.Shape:
    """One shape per name, beside `colour`."""
    scale = alt.Scale(domain=domain, range=[SHAPES[i % len(SHAPES)] for i in range(len(domain))])
    return alt.Shape(field, type="nominal", scale=scale, title=None, **options)


def dash(field: str, domain: list[str], **options: Any) -> alt.StrokeDash:
    """One dash per name, beside `colour`."""
    scale = alt.Scale(domain=domain, range=[DASHES[i % len(DASHES)] for i in range(len(domain))])
    return alt.StrokeDash(field, type="nominal", scale=scale, title=None, **options)


def layered(*charts: alt.Chart, data: Optional[alt.Data] = alt.Undefined) -> alt.LayerChart:
    """The charts over each other; `alt.layer` might give facets, which no chart here asks for."""
    return alt.LayerChart(layer=list(charts), data=data)


def alpha_axis(*, labelled: bool = True) -> alt.X:
    """The signed dose on the x axis; without labels where the panel below has them."""
    axis = alt.Axis(title="α", grid=False, labelExpr="replace(datum.label, '-', '−')")
    if not labelled:
        axis = alt.Axis(title=None, grid=False, labels=False)
    return alt.X("alpha", type="quantitative", axis=axis, scale=alt.Scale(padding=6))


def percent_axis(title: str, **options: Any) -> alt.Axis:
    """An axis of fractions, written as percentages with a true minus sign."""
    expression = "replace(format(datum.value * 100, '.3~f'), '-', '−')"
    return alt.Axis(title=title, labelExpr=expression, **options)


def tips(*fields: str) -> list[alt.Tooltip]:
    """Tooltips of named columns; a column is text if it is known as one or ends in `_label`."""
    return [
        alt.Tooltip(
            field, type="nominal" if field in TEXTS or field.endswith("_label") else "quantitative"
        )
        for field in fields
    ]

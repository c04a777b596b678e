"""Column widths, type sizes and the look of each venue; one chart unit is one point (1/72 inch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.charts.base import DARK
from analysis.vocabulary import StyleName

FONT = "Roboto"
POINTS_PER_INCH = 72.0
POINTS_PER_MM = POINTS_PER_INCH / 25.4


@dataclass(frozen=True, kw_only=True)
class Style:
    """A venue: total figure widths as the venue states them, and the type that it prints well.

    `single` and `double` are SVG lengths (``"89mm"``, ``"3.25in"``); `text` is the size in points
    of everything but the panel letters, which have `letter` points and are bold.
    """

    name: StyleName
    single: str
    double: str
    text: float = 7.0
    letter: float = 8.0

    def width(self, columns: int) -> str:
        """The total width of a figure of one or two columns."""
        return self.single if columns == 1 else self.double


STYLES: dict[StyleName, Style] = {
    style.name: style
    for style in (
        Style(name="nature", single="89mm", double="183mm", text=6.5),
        # NeurIPS has one text column of 5.5 in; a figure of half of it stands beside another.
        Style(name="neurips", single="2.7in", double="5.5in"),
        # ACL and ICML: columns of 3.25 in (ACL's own is 3.03 in wide at most figures), page 6.75.
        Style(name="acl", single="3.25in", double="6.75in"),
        Style(name="slides", single="5.5in", double="11in", text=12.0, letter=14.0),
        Style(name="report", single="5in", double="9.6in", text=9.5, letter=11.0),
    )
}


def points(length: str) -> float:
    """A length such as ``"89mm"`` or ``"3.25in"`` in points."""
    if length.endswith("mm"):
        return float(length[:-2]) * POINTS_PER_MM
    return float(length[:-2]) * POINTS_PER_INCH


def config(style: Style, columns: int = 1) -> dict[str, Any]:
    """The Vega-Lite configuration of a style: type, line weights, room between things.

    A legend above a figure of one column is broken after two entries, of two columns after four.
    """
    text = {"labelFont": FONT, "titleFont": FONT, "labelColor": "#000", "titleColor": "#000"}
    sizes = {"labelFontSize": style.text, "titleFontSize": style.text, "titleFontWeight": "normal"}
    scale = style.text / 7.0
    return {
        "font": FONT,
        "background": "white",
        "padding": 1,
        "view": {"stroke": None},
        "axis": text
        | sizes
        | {
            "gridColor": "#ececec",
            "gridWidth": 0.4 * scale,
            "domainColor": DARK,
            "domainWidth": 0.6 * scale,
            "tickColor": DARK,
            "tickWidth": 0.6 * scale,
            "tickSize": 3 * scale,
            "labelPadding": 2 * scale,
            "titlePadding": 3 * scale,
        },
        "legend": text
        | sizes
        | {
            "orient": "top",
            "columns": 2 * columns,
            # A band is drawn first and would lend its transparency to the legend.
            "symbolOpacity": 1,
            "direction": "horizontal",
            "symbolSize": 30 * scale,
            "columnPadding": 8 * scale,
            "rowPadding": 1,
            "titlePadding": 3,
            "labelLimit": 0,
            "offset": 4,
            "gradientLength": 80 * scale,
            "gradientThickness": 6 * scale,
        },
        "header": text | sizes | {"labelPadding": 3 * scale},
        "title": {
            "font": FONT,
            "fontSize": style.letter,
            "fontWeight": "bold",
            "anchor": "start",
            "color": "#000",
            "offset": 4,
        },
        "text": {"font": FONT, "fontSize": min(style.text, max(5.0, style.text - 1))},
        "style": {"column-head": {"fontSize": style.text, "fontWeight": "normal"}},
        "facet": {"spacing": 8 * scale},
        "concat": {"spacing": 12 * scale},
    }

"""From a chart to SVG, PDF and PNG of an exact total width, with the project's own font.

vl-convert drops every text whose font it does not know, silently; the fonts that ship beside this
module are registered before anything is drawn.
"""

from __future__ import annotations

import functools
import json
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.charts.styles import Style, config, points
from analysis.vocabulary import FigureFormat
from sql.printable import all_printable, one_line

if TYPE_CHECKING:
    from altair.typing import ChartType

FONTS = Path(__file__).parent / "fonts"
# A vector figure is drawn at this many pixels per inch as PNG: the least that journals accept.
PNG_PPI = 300
# vl-convert reads lengths at 96 pixels per inch and takes a pixel for a point; its PDF takes the
# numbers as they are.
POINTS_PER_PIXEL = 72 / 96
MOST_DRAWINGS = 6
CLOSE_ENOUGH = 1.0
_OPENING = re.compile(r"<svg\b[^>]*>")
_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_STATED = re.compile(r'<svg\b[^>]*? width="([\d.]+(?:mm|in))"')
_LENGTHS = re.compile(r'width="[\d.]+(?:mm|in)" height="[\d.]+pt"')
_SIZE = re.compile(r'\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"')


@functools.cache
def converter() -> Any:
    """The vl_convert module with the project's fonts registered."""
    import vl_convert

    vl_convert.register_font_directory(str(FONTS))
    return vl_convert


def specification(chart: ChartType, style: Style, columns: int = 1) -> dict[str, Any]:
    """The chart's Vega-Lite specification in the look of a style, its texts printable.

    A control character would be no SVG, and the converter ends the process over it.
    """
    spec: dict[str, Any] = _titled(all_printable(chart.to_dict(validate=False)))
    spec["config"] = config(style, columns)
    return spec


def _titled(spec: Any) -> Any:
    """The specification with titles that Vega-Lite can take.

    It pastes them into expressions, where a backslash or a line feed would be read as code.
    """
    if isinstance(spec, list):
        return [_titled(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    return {key: _part(key, value) for key, value in spec.items()}


def _part(key: str, value: Any) -> Any:
    if key == "values":
        return value
    if key == "title" and isinstance(value, str):
        return one_line(value).replace("\\", "/")
    return _titled(value)


def to_svg(chart: ChartType, style: Style, columns: int = 1) -> str:
    """The chart as SVG, one user unit per point, at whatever width it comes out."""
    return str(converter().vegalite_to_svg(specification(chart, style, columns)))


def size(svg: str) -> tuple[float, float]:
    """Width and height of an SVG in user units."""
    size = _SIZE.search(svg)
    if size is None:
        raise ValueError("the SVG has no width and height in its first element")
    return float(size[1]), float(size[2])


def fit(
    build: Callable[[float], ChartType],
    style: Style,
    columns: int = 1,
    *,
    plots: int = 1,
) -> str:
    """SVG whose *total* width, axes and legends included, is exactly the style's for `columns`.

    `build` takes the width of one plot area, of which `plots` stand side by side; labels take what
    they take, so the width is found by drawing: the total grows by `plots` for every unit, but for
    labels that appear or vanish. What then remains is white space on the right or, where nothing
    narrow enough was found, a change of scale.
    """
    total = style.width(columns)
    target = points(total)
    drawings: list[tuple[float, float, str]] = []
    width = 0.85 * target / plots
    # The converter draws whole units of each plot.
    unit = max(2.0, plots)
    while len(drawings) < MOST_DRAWINGS:
        svg = to_svg(unchecked(build, width), style, columns)
        drawings.append((width, size(svg)[0], svg))
        missing = target - drawings[-1][1]
        if -CLOSE_ENOUGH < missing < unit or _something_else_is_wider(drawings):
            break
        width = max(20.0, width + (missing if missing > 0 else missing - (plots - 1) / 2) / plots)
    narrow = [d for d in drawings if d[1] < target + CLOSE_ENOUGH]
    best = max(narrow, key=lambda d: d[1]) if narrow else min(drawings, key=lambda d: d[1])
    return exact_width(best[2], total)


def _something_else_is_wider(drawings: list[tuple[float, float, str]]) -> bool:
    """Whether another width of the plots changed nothing: a legend, say, decides the total."""
    if len(drawings) < 2:
        return False
    (before, drawn_before, _), (width, drawn, _) = drawings[-2:]
    return drawn == drawn_before and abs(width - before) > 0.1 * before


def unchecked(build: Callable[[float], ChartType], width: float) -> ChartType:
    """The chart of a plot width without altair's check of each part against the schema.

    The checks are most of the time that drawing takes; the tests make them for every chart.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        return build(width)


def exact_width(svg: str, total: str) -> str:
    """The SVG with its width stated as `total`: padded on the right, or scaled down to fit."""
    target = points(total)
    width, height = size(svg)
    scale = max(1.0, width / target)
    box_width, box_height = target * scale, height
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'version="1.1" class="marks" width="{total}" height="{box_height / scale:.2f}pt" '
        f'viewBox="0 0 {box_width:.3f} {box_height:.3f}">'
    )
    return _OPENING.sub(lambda _: opening, svg, count=1)


def with_metadata(svg: str, text: str) -> str:
    """The SVG with `text` (JSON, say) as its metadata element."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;")
    return _OPENING.sub(lambda m: f"{m[0]}<metadata>{safe}</metadata>", svg, count=1)


def to_pdf(svg: str) -> bytes:
    """The same drawing as PDF, its text embedded as text."""
    width, height = _BOX.findall(svg)[0]
    total = points(_STATED.findall(svg)[0])
    sized = f'width="{total:.3f}" height="{float(height) * total / float(width):.3f}"'
    return bytes(converter().svg_to_pdf(_LENGTHS.sub(sized, svg, count=1)))


def to_png(svg: str, *, ppi: float = PNG_PPI) -> bytes:
    """The same drawing as PNG at `ppi` pixels per inch of the stated width."""
    return bytes(converter().svg_to_png(svg, scale=POINTS_PER_PIXEL, ppi=ppi))


def encode(svg: str, form: FigureFormat, about: Mapping[str, Any]) -> bytes:
    """The drawing as a file of one format, `about` embedded as JSON."""
    if form == "svg":
        return svg.encode("utf-8")
    text = json.dumps(about, sort_keys=True)
    if form == "pdf":
        return pdf_with_keywords(to_pdf(svg), text)
    return png_with_text(to_png(svg), "steerstat", text)


def png_with_text(png: bytes, keyword: str, text: str) -> bytes:
    """The PNG with a tEXt chunk after its header."""
    body = keyword.encode("latin-1") + b"\0" + text.encode("latin-1", "replace")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"tEXt" + body))
    header = 8 + 12 + 13
    return png[:header] + chunk + png[header:]


def pdf_with_keywords(pdf: bytes, text: str) -> bytes:
    """The PDF with an information dictionary, as an incremental update at its end.

    The converter writes none; the update appends one object, its cross reference and a trailer.
    """
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    trailer = pdf[pdf.rindex(b"trailer") :]
    size, root = re.search(rb"/Size (\d+)", trailer), re.search(rb"/Root (\d+ \d+ R)", trailer)
    if size is None or root is None:
        raise ValueError("the PDF has no plain trailer to add to")
    number = int(size[1])
    safe = text.encode("ascii", "replace").replace(b"\\", b"\\\\")
    safe = safe.replace(b"(", b"\\(").replace(b")", b"\\)")
    head = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    body = b"%d 0 obj\n<< /Producer (steerstat) /Keywords (%b) >>\nendobj\n" % (number, safe)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, len(head))
    end = b"trailer\n<< /Size %d /Root %b /Info %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        number + 1,
        root[1],
        number,
        start,
        len(head) + len(body),
    )
    return head + body + table + end

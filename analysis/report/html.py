"""A report as one HTML file that opens offline: styles, font and figures are inside it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup

from analysis.charts.render import FONTS
from analysis.report.document import Block, Bullets, Cards, Grid, Heading, Text

TEMPLATES = Path(__file__).parent / "templates"
_BOLD, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`(.+?)`")
_ID = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')


def as_html(blocks: Sequence[Block], drawings: Mapping[str, str], *, store: str) -> str:
    """The blocks as a page; `drawings` holds the SVG of each figure, `store` is named in it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["inline"] = inline
    headings = [block for block in blocks if isinstance(block, Heading)]
    return environment.get_template("report.html.j2").render(
        title=headings[0].text if headings else "Report",
        contents=[heading for heading in headings if heading.level == 2],
        blocks=[(_kind(block), block) for block in blocks],
        drawings={name: isolated(svg, name) for name, svg in drawings.items()},
        store=store,
        font=base64.b64encode((FONTS / "Roboto-Regular.ttf").read_bytes()).decode(),
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
    )


def _kind(block: Block) -> str:
    if isinstance(block, Heading):
        return "heading"
    if isinstance(block, Text):
        return "stamp" if block.stamp else "text"
    if isinstance(block, Bullets):
        return "bullets"
    if isinstance(block, Cards):
        return "cards"
    return "grid" if isinstance(block, Grid) else "picture"


def inline(text: str) -> Markup:
    """Escaped text with its bold and code parts marked up."""
    safe = html.escape(text)
    safe = _BOLD.sub(r"<strong>\1</strong>", safe)
    return Markup(_CODE.sub(r"<code>\1</code>", safe))


def isolated(svg: str, name: str) -> str:
    """The SVG with its ids made its own (several share a page) and its width left to the page."""
    own = _ID.sub(lambda match: f"{match[1]}{name}-{match[2]}", svg)
    own = re.sub(r"<metadata>.*?</metadata>", "", own, count=1)
    return re.sub(r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r"\1", own, count=1)

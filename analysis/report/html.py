"""A report as one HTML file that opens offline: styles, font and figures are inside it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.charts.render import FONTS
from analysis.figures.figure import file_part, told_apart
from analysis.report.document import Block, Heading, Picture, Text
from sql.printable import all_printable, printable

TEMPLATES = Path(__file__).parent / "templates"
STYLES = ("report.css", "explorer.css")
SCRIPTS = ("marks.js", "explorer.js", "queries.js", "tables.js")
_BOLD, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`(.+?)`")
_ID = re.compile(r'(\bid="|url\(#|href="#)([^")]+)')


def as_html(
    blocks: Sequence[Block],
    drawings: Mapping[str, str],
    *,
    store: str,
    explorer: Mapping[str, Any] | None = None,
) -> str:
    """The blocks as a page; `drawings` holds the SVG of each figure, `store` is named in it.

    `explorer` (of `analysis.report.explorer`) is what the block `Explore` looks through.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"inline": inline, "shell": in_shell, "kind": kind, "name": file_part}
    headings = [block for block in blocks if isinstance(block, Heading)]
    levels = [block.level if isinstance(block, Heading) else 0 for block in blocks]
    # The first screen: what the directions come to, and the overview beside it.
    head = blocks[: levels.index(2)] if 2 in levels else blocks
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return environment.get_template("report.html.j2").render(
        title=headings[0].text if headings else "Report",
        contents=[heading for heading in headings if heading.level == 2],
        anchors=anchors(headings),
        first=[block for block in head if not isinstance(block, Picture)],
        beside=[block for block in head if isinstance(block, Picture)],
        rest=blocks[len(head) :],
        drawings={name: isolated(svg, name) for name, svg in drawings.items()},
        store=store,
        font=base64.b64encode((FONTS / "Roboto-Regular.ttf").read_bytes()).decode(),
        style="".join((TEMPLATES / name).read_text(encoding="utf-8") for name in STYLES),
        script=Markup(script),
        policy=policy(script),
        explorer=Markup(_json(all_printable(explorer or {}))),
        explored=bool(explorer and explorer["contexts"]),
    )


def anchors(headings: Sequence[Heading]) -> dict[str, str]:
    """A link target for each heading's text, no two of them alike.

    Raises:
        ValueError: Two headings have one text: an error in the report.
    """
    texts = [heading.text for heading in headings]
    if len(set(texts)) < len(texts):
        raise ValueError(f"two headings of the report are {max(texts, key=texts.count)!r}")
    return dict(zip(texts, told_apart([one.anchor for one in headings], texts), strict=True))


def policy(script: str) -> str:
    """A content security policy that lets a page run one script and reach for nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "font-src data:; img-src data:; form-action 'self'; base-uri 'none'"
    )


def _json(value: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def kind(block: Block) -> str:
    """What the template calls a block."""
    if isinstance(block, Text) and block.stamp:
        return "stamp"
    return type(block).__name__.lower()


def inline(text: str) -> Markup:
    """Escaped text with its bold and code parts marked up."""
    safe = html.escape(text)
    safe = _BOLD.sub(r"<strong>\1</strong>", safe)
    return Markup(_CODE.sub(r"<code>\1</code>", safe))


def in_shell(text: str) -> str:
    """A text as a shell reads it between double quotes, printable."""
    return re.sub(r'(["$`\\])', r"\\\1", printable(text))


def isolated(svg: str, name: str) -> str:
    """The SVG with its ids made its own (several share a page) and its width left to the page.

    It stands in an element with role `img` and a name, so that its parts are hidden from readers.
    """
    drawing = _ID.sub(lambda match: f"{match[1]}{name}-{match[2]}", svg)
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, count=1)
    return re.sub(
        r'(<svg\b[^>]*?) width="[^"]*" height="[^"]*"', r'\1 aria-hidden="true"', drawing, count=1
    )

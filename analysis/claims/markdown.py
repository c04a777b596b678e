"""Markdown as its reader sees it, by the tokens of markdown-it-py.

The parser knows the lines of a block and the text inside it; where each piece stands is found by
walking along the source. Code, links' targets, images and comments are no text; anchors are
comments, `<!-- claim:id -->`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.claims.documents import Anchor, Cell, Document, Grid
from analysis.claims.reader import NAMED_FIGURE

_ANCHOR = re.compile(r"<!--\s*claim:(?P<id>[^\s>]+?)\s*-->")
_CLOSE = re.compile(r"<!--\s*/claim\s*-->")
# What a reader sees in a cell: names in code too, although their digits are no figures.
_READ = ("text", "text_special", "code_inline", "softbreak")
_TAG = re.compile(r"(?s)<!--.*?-->|<[^>]*>")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Escapes stay apart from the text around them, so that both can be found in the source.
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")


def parse_markdown(document: Document, *, code: bool = False) -> None:
    """Fill a document from its Markdown source."""
    header: list[str] | None = None
    rows: list[list[Cell]] = []
    row: list[Cell] = []
    in_head, level, place, start, line = False, 0, 0, 0, 0
    for token in _parser().parse(_without_front_matter(document.source)):
        if token.map is not None and token.type != "td_open":
            place = max(place, document.line_start(token.map[0] + 1))
        if token.type == "table_open":
            header, rows, start = [], [], len(document.text)
            line = document.line_of(place)
        elif token.type == "table_close" and header is not None:
            name, span = document.heading_at(start), (start, len(document.text))
            document.tables += [Grid(name, header, rows, line, span)] if rows else []
            header = None
        elif token.type in ("thead_open", "thead_close"):
            in_head = token.type == "thead_open"
        elif token.type == "tr_close" and header is not None:
            if in_head:
                header = [cell.text for cell in row]
            else:
                rows.append(row)
            row = []
            _break(document, place)
        elif token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "inline":
            place, cell = _block(document, token, place, code=code, heading=level)
            level = 0
            if header is not None:
                row.append(cell)
        elif token.type in ("fence", "code_block") and code and token.map is not None:
            _code(document, token)
        elif token.type == "html_block" and token.map is not None:
            _html(document, document.line_start(token.map[0] + 1), token.content)
    document.anchors.sort(key=lambda anchor: anchor.start)


def _without_front_matter(source: str) -> str:
    """The source with a YAML header blanked."""
    head = re.match(r"(?s)---\n.*?\n---[ \t]*(?:\n|$)", source)
    if head is None:
        return source
    return re.sub(r"[^\n]", " ", head[0]) + source[head.end() :]


def _break(document: Document, place: int) -> None:
    document.add_at("\n", min(place, max(len(document.source) - 1, 0)))


def _block(
    document: Document, token: Token, place: int, *, code: bool, heading: int
) -> tuple[int, Cell]:
    """The text of one block; returns where it ends in the source, and it as a cell."""
    places = _places_of(document.source, token.content, place)
    start = len(document.text)
    _inline(document, token, places, code=code)
    text = document.text[start:]
    if heading:
        # A section's own number is none of the document's figures.
        number = re.match(r"\s*(?:\d+|[A-Z])(?:\.\d+)*[.):]?\s+", text)
        if number and re.match(r"\s*\d", text):
            document.text = document.text[:start] + " " * number.end() + text[number.end() :]
        document.headings.append((start, heading, text.strip()))
    end = places[-1] + 1 if places else place
    _break(document, end)
    line = document.line_of(places[0]) if places else document.line_of(place)
    shown = (c.content for c in token.children or () if c.type in _READ)
    return end, Cell(re.sub(r"\s+", " ", "".join(shown)).strip(), line)


def _places_of(source: str, content: str, place: int) -> list[int]:
    """Offset in the source of each character of a block's text, line by line."""
    places: list[int] = []
    for number, line in enumerate(content.split("\n")):
        if number:
            places.append(max(place - 1, 0))
        found = source.find(line, place)
        if found >= 0:
            places += range(found, found + len(line))
            place = found + len(line)
            continue
        # Of a table's cell the parser has taken away the escapes of its bars.
        for char in line:
            at = source.find(char, place)
            at = at if at >= 0 else place
            places.append(at)
            place = at + 1
    return places


def _inline(document: Document, token: Token, places: Sequence[int], *, code: bool) -> None:
    """Walk along a block's text, piece by piece."""
    content, here, linked = token.content, 0, False
    for child in token.children or ():
        kind = child.type
        if kind in ("link_open", "link_close"):
            linked = kind == "link_open"
        if kind == "text" and linked and re.fullmatch(r"[\d\s,;–-]+", child.content):
            here = max(content.find(child.content, here), here) + len(child.content)  # a citation
        elif kind == "text":
            here = _shown(document, content, places, here, child.content)
        elif kind == "text_special":
            at = content.find(child.markup, here)
            document.add_at(child.content, places[at] if at >= 0 else _at(places, here))
            here = at + len(child.markup) if at >= 0 else here
        elif kind == "code_inline":
            at = content.find(child.markup, here)
            inside = content.find(child.content.split("\n")[0], at + len(child.markup))
            if code and inside >= 0:
                document.add_at(" ", _at(places, here))
                _shown(document, content, places, inside, child.content)
            document.add_at(" ", _at(places, here))
            here = max(inside, at, here) + len(child.content) + len(child.markup)
        elif kind == "html_inline":
            at = content.find(child.content, here)
            here = at + len(child.content) if at >= 0 else here
            if at >= 0:
                _anchor(document, child.content, places[at], _at(places, here))
        elif kind == "image":
            here = _behind_target(content, content.find("![", here) + 2 + len(child.content))
        elif kind == "link_close":
            here = _behind_target(content, here)
        elif kind in ("softbreak", "hardbreak"):
            at = content.find("\n", here)
            document.add_at("\n", _at(places, at))
            here = at + 1 if at >= 0 else here


def _shown(document: Document, content: str, places: Sequence[int], here: int, text: str) -> int:
    """Append text that stands in the block from `here` on."""
    at = content.find(text, here)
    if at < 0:
        document.add_at(text, _at(places, here))
        return here
    document.add(text, list(places[at : at + len(text)]))
    return at + len(text)


def _at(places: Sequence[int], index: int) -> int:
    """The place of a character, or the one behind the last."""
    if not places:
        return 0
    return places[index] if 0 <= index < len(places) else places[-1] + 1


def _behind_target(content: str, here: int) -> int:
    """Behind `](…)` or `][…]` of a link or an image."""
    at = content.find("]", here)
    if at < 0 or content[at + 1 : at + 2] not in ("(", "["):
        return max(at + 1, here)
    opening, depth = content[at + 1], 0
    closing = {"(": ")", "[": "]"}[opening]
    for place in range(at + 1, len(content)):
        depth += (content[place] == opening) - (content[place] == closing)
        if not depth:
            return place + 1
    return len(content)


def _code(document: Document, token: Token) -> None:
    """The lines of a code block, where numbers in code count too."""
    place = document.line_start((token.map or [0])[0] + 1)
    for line in token.content.split("\n"):
        at = document.source.find(line, place) if line else -1
        if at >= 0:
            document.add(line, at)
            place = at + len(line)
        _break(document, place)


def _html(document: Document, place: int, content: str) -> None:
    """A block of HTML: what stands between its tags."""
    start = document.source.find(content.rstrip("\n"), place)
    start = start if start >= 0 else place
    here = 0
    for tag in _TAG.finditer(content):
        document.add(content[here : tag.start()], start + here)
        _anchor(document, tag[0], start + tag.start(), start + tag.end())
        here = tag.end()
    document.add(content[here:], start + here)


def _anchor(document: Document, tag: str, start: int, end: int) -> None:
    """An anchor of a claim with what it shows; the text behind the comment is looked at."""
    named = _ANCHOR.fullmatch(tag)
    if named is None:
        document.add_at(" ", start)
        return
    source = document.source
    line_end = source.find("\n", end)
    line = source[end : line_end if line_end >= 0 else len(source)]
    close = _CLOSE.search(line)
    other = _ANCHOR.search(line)
    if close is not None and (other is None or close.start() < other.start()):
        shown = Anchor(named["id"], end, end + close.start())
    else:
        figure = NAMED_FIGURE.match(line)
        length = figure.end() if figure is not None else 0
        shown = Anchor(named["id"], end, end + length, closed=False)
    document.anchors.append(shown)

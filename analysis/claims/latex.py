r"""LaTeX as its reader sees it, by the tokens of pylatexenc.

What is typeset becomes text (`\times10^{-48}` is `×10^-48`, `12{,}345` is `12,345`), what is not
is gone: the preamble, comments, lengths and layout, citations, labels, indices. Macros that a
document defines without arguments are put in; of unknown ones the arguments are text. A table's
rows end at `\\`, whatever lines they are written on; `\multirow` and `\multicolumn` fill the cells
that they span.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pylatexenc import latexwalker, macrospec

from analysis.claims.documents import Anchor, Cell, Document, Grid
from analysis.claims.reader import FACTORS, find_numbers

_SYMBOLS = {
    **{"times": "×", "cdot": "·", "pm": "±", "approx": "≈", "simeq": "≃", "sim": "∼", "ast": "*"},
    **{"leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "lt": "<"},
    **{"gt": ">", "ll": "≪", "gg": "≫", "neq": "≠", "infty": "∞", "to": "→", "rightarrow": "→"},
    **{"textless": "<", "textgreater": ">", "textminus": "−", "dots": "…", "ldots": "…"},
    **{"cdots": "…", "Delta": "Δ", "chi": "χ", "ell": "ℓ", "dag": "†", "ddag": "‡", "in": "∈"},
    **{"%": "%", "&": "&", "_": "_", "#": "#", "$": "$", "{": "{", "}": "}", "-": "", "/": ""},
    **{
        ",": "\u2009",
        ";": " ",
        ":": " ",
        "!": "",
        " ": " ",
        "\n": " ",
        ">": " ",
        "textendash": "–",
    },
    **{"quad": " ", "qquad": " ", "thinspace": "\u2009", "newline": "\n", "par": "\n"},
    **{"textendash": "–", "percent": "%", "textpm": "±", "texttimes": "×", "item": "\n"},
}
_SPECIALS = {"~": "\u00a0", "--": "–", "---": "—", "``": "“", "''": "”", "&": " "}
# Macros whose arguments are no text, whether or not the tokenizer knows them.
_UNSEEN = re.compile(
    r"\w*[cC]ite\w*|\w*ref|label|url|href|nolinkurl|bib\w*|include\w*|input|graphicspath|"
    r"set\w*|addto\w*|[hv]space|[hv]skip|(?:raise|lower)box|rule|phantom|[hv]phantom|"
    r"cmidrule|cline|specialrule|addlinespace|arraystretch|arrayrulewidth|tabcolsep|"
    r"rowcolors?|cellcolor|color|definecolor|colorlet|pagecolor|selectfont|fontsize|linespread|"
    r"usepackage|documentclass|RequirePackage|PassOptions\w*|hypersetup|captionsetup|sisetup|"
    r"new(?:command|environment|length|counter|theorem|columntype|float)|renew\w*|provide\w*|"
    r"Declare\w*|def|let|the\w+|page\w*|thispagestyle|pagestyle|vspace|nocite|index|gls\w*|"
    r"tikz\w*|pgf\w*|draw|node|path|si|unit|ang|hyphenation|patchcmd|at\w+|needspace|enlarge\w*|"
    r"verb|lstinline|mintinline|texttt|code|path|twocolumn|looseness|penalty|overfullrule"
)
_LENGTH = re.compile(
    r"(?:line|text|column|paper|page|h)(?:width|size|height)|baselineskip|parindent|parskip|fill"
)
_ARGUMENTS = {
    "multirow": "[{[{[{",
    "multicolumn": "{{{",
    "num": "[{",
    "numrange": "[{{",
    "SI": "[{[{",
    "qty": "[{{",
    "textcolor": "[{{",
    "colorbox": "[{{",
    "makecell": "*[{",
    "shortstack": "[{",
    "resizebox": "*{{{",
    "scalebox": "{[{",
    "rotatebox": "[{{",
    "parbox": "[[[{{",
    "href": "{{",
    "caption": "*[{",
    "adjustbox": "{{",
    "tabularnewline": "[",
    "frac": "{{",
    "tfrac": "{{",
    "dfrac": "{{",
    "ensuremath": "{",
}
# Of these, the last argument alone is text.
_LAST: tuple[str, ...] = (
    "multirow",
    "multicolumn",
    "num",
    "textcolor",
    "colorbox",
    "makecell",
    "shortstack",
    "href",
)
_LAST += ("resizebox", "scalebox", "rotatebox", "parbox", "caption", "adjustbox")
_TABULARS = {
    **{"tabular": "[{", "tabular*": "{[{", "tabularx": "{[{", "tabulary": "{[{", "tblr": "[{"},
    **{"longtable": "[{", "supertabular": "{", "tabu": "{", "longtblr": "[{", "array": "[{"},
}
_LAYOUT = {
    **{"minipage": "[[[{", "wrapfigure": "[{[{", "wraptable": "[{[{", "adjustbox": "{"},
    **{"table": "[", "table*": "[", "figure": "[", "figure*": "[", "multicols": "{"},
    **{"subfigure": "[{", "subtable": "[{", "enumerate": "[", "itemize": "[", "spacing": "{"},
}
_DISPLAYED = re.compile(
    r"(?:equation|align|alignat|gather|multline|eqnarray|displaymath|flalign|dmath|math)\*?"
)
_UNSEEN_PARTS = re.compile(r"tikzpicture|pgfpicture|axis|thebibliography|filecontents\*?")
_CODE = r"(?:verbatim|Verbatim|lstlisting|minted|alltt|BVerbatim|LVerbatim)\*?"
_HEADINGS = {"part": 0, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4}
_HEADINGS |= {"paragraph": 5, "subparagraph": 6}
_PARTIAL_RULES = ("cmidrule", "cline")
_RULES = ("hline", "midrule", "toprule", "bottomrule", "cmidrule", "cline", "specialrule", "Xhline")
_ROW_ENDS = ("\\", "tabularnewline", "cr")


@dataclass
class _State:
    """What the walk knows.

    Attributes:
        document: what is being built.
        defined: nodes behind macros that the document defines without arguments.
        place: offset that everything stands for, while a defined macro is put in.
        seen: defined macros that are being put in.
        in_cell: whether it is in a cell of a table, where names in code are seen.
    """

    document: Document
    defined: dict[str, list[Any]] = field(default_factory=dict)
    place: int | None = None
    seen: tuple[str, ...] = ()
    in_cell: bool = False

    def add(self, text: str, place: int) -> None:
        """Append text that stands at a place."""
        if self.place is None:
            self.document.add(text, place)
        else:
            self.document.add_at(text, self.place)

    def add_at(self, text: str, place: int) -> None:
        """Append text whose every character stands at one place."""
        self.document.add_at(text, place if self.place is None else self.place)


def parse_latex(document: Document, *, code: bool = False) -> None:
    """Fill a document from its LaTeX source."""
    source = _without_code(document.source, code=code)
    nodes = _nodes(source)
    state = _State(document)
    _define(nodes, state)
    body = next((n for n in _environments(nodes) if n.environmentname == "document"), None)
    _walk(body.nodelist if body is not None else nodes, state)


@lru_cache(maxsize=2048)
def latex_text(text: str) -> str:
    r"""A piece of LaTeX as its reader sees it: `$5.8\times10^{-48}$` is `5.8×10^-48`."""
    document = Document(text, latex=True)
    try:
        _walk(_nodes(text), _State(document))
    except RecursionError:
        return text
    return document.text


@lru_cache(maxsize=1)
def _context() -> Any:
    context = latexwalker.get_default_latex_context_db()
    context.add_context_category(
        "steerstat",
        prepend=True,
        macros=[macrospec.MacroSpec(name, spec) for name, spec in _ARGUMENTS.items()],
        environments=[
            macrospec.EnvironmentSpec(name, spec) for name, spec in {**_TABULARS, **_LAYOUT}.items()
        ],
    )
    return context


def _nodes(source: str) -> list[Any]:
    walker = latexwalker.LatexWalker(source, latex_context=_context(), tolerant_parsing=True)
    nodes, place, length = walker.get_latex_nodes()
    found = [node for node in nodes if node is not None]
    # A stray closing brace ends the walk: what is behind it is read all the same.
    end = place + length
    while end < len(source):
        more, place, length = walker.get_latex_nodes(pos=end + 1)
        found += [node for node in more if node is not None]
        end = max(place + length, end + 1)
    return found


def _without_code(source: str, *, code: bool) -> str:
    """The source with code and what is switched off blanked, offsets kept."""

    def blank(match: re.Match[str]) -> str:
        """As many spaces."""
        return re.sub(r"[^\n]", " ", match[0])

    off = r"(?s)(?<!\\)\\iffalse\b.*?\\fi\b|\\begin\{comment\}.*?\\end\{comment\}"
    source = re.sub(off, blank, source)
    pattern = rf"(?s)\\begin\{{({_CODE})\}}(.*?)\\end\{{\1\}}"
    if not code:
        return re.sub(pattern, blank, source)

    def bare(match: re.Match[str]) -> str:
        """The code alone, without what LaTeX would read in it."""
        inner = re.sub(r"[\\{}$%&~^#_]", " ", match[2])
        head = match.start(2) - match.start()
        return " " * head + inner + " " * (len(match[0]) - head - len(inner))

    return re.sub(pattern, bare, source)


def _environments(nodes: Sequence[Any]) -> list[Any]:
    return [n for n in nodes if n.isNodeType(latexwalker.LatexEnvironmentNode)]


def _define(nodes: Sequence[Any], state: _State) -> None:
    r"""Remember `\newcommand{\x}{…}` and `\def\x{…}` without arguments."""
    for index, node in enumerate(nodes):
        if node.isNodeType(latexwalker.LatexEnvironmentNode):
            _define([n for n in node.nodelist if n is not None], state)
        if not node.isNodeType(latexwalker.LatexMacroNode):
            continue
        arguments = _arguments(node)
        if node.macroname in ("newcommand", "renewcommand", "providecommand") and arguments:
            name, count, body = arguments[1], arguments[2], arguments[-1]
            macro = _first_macro(name)
            if macro and count is None and body is not None:
                state.defined[macro] = _children(body)
        elif node.macroname == "def" and index + 2 < len(nodes):
            macro, body = nodes[index + 1], nodes[index + 2]
            if _is_group(body) and macro.isNodeType(latexwalker.LatexMacroNode):
                state.defined[macro.macroname] = _children(body)


def _first_macro(node: Any) -> str:
    for child in [node, *_children(node)]:
        if child is not None and child.isNodeType(latexwalker.LatexMacroNode):
            return str(child.macroname)
    return ""


def _arguments(node: Any) -> list[Any]:
    parsed = getattr(node, "nodeargd", None)
    return list(parsed.argnlist or []) if parsed is not None else []


def _children(node: Any) -> list[Any]:
    return [n for n in getattr(node, "nodelist", None) or [] if n is not None]


def _is_group(node: Any) -> bool:
    return bool(node.isNodeType(latexwalker.LatexGroupNode))


def _walk(nodes: Sequence[Any], state: _State) -> None:
    """Append what a reader sees of nodes that follow each other."""
    index = 0
    while index < len(nodes):
        index = _step([n for n in nodes if n is not None] if None in nodes else nodes, index, state)


def _step(nodes: Sequence[Any], index: int, state: _State) -> int:
    """Append one node; returns the index of the next one to read."""
    node = nodes[index]
    if node.isNodeType(latexwalker.LatexCharsNode):
        return _chars(nodes, index, state)
    if node.isNodeType(latexwalker.LatexGroupNode):
        _walk(_children(node), state)
    elif node.isNodeType(latexwalker.LatexCommentNode):
        state.add_at("", node.pos)
    elif node.isNodeType(latexwalker.LatexSpecialsNode):
        state.add_at(_SPECIALS.get(node.specials_chars, node.specials_chars), node.pos)
    elif node.isNodeType(latexwalker.LatexMathNode):
        if node.displaytype == "display":
            _displayed(_children(node), state)
        else:
            _walk(_children(node), state)
    elif node.isNodeType(latexwalker.LatexEnvironmentNode):
        _environment(node, state)
    elif node.isNodeType(latexwalker.LatexMacroNode):
        return _macro(nodes, index, state)
    return index + 1


def _chars(nodes: Sequence[Any], index: int, state: _State, skip: int = 0) -> int:
    """Append characters; an index is left out, and so is a power that is none of ten."""
    node = nodes[index]
    text = node.chars[skip:]
    place = node.pos + skip
    for part in re.finditer(r"[_^]\s*|[^_^]+", text):
        if part[0][0] not in "_^":
            state.add(part[0], place + part.start())
            continue
        behind = text[part.end() :]
        raised = part[0][0] == "^"
        if behind:  # the index is the next character, which belongs to this node
            rest = part.end() + 1
            if raised and (behind[0] in "*†‡" or (behind[0].isdigit() and _of_ten(state))):
                state.add(
                    "^" + behind[0] if behind[0].isdigit() else behind[0], place + part.start()
                )
            return _chars(nodes, index, state, skip + rest)
        if index + 1 < len(nodes):
            _index(nodes[index + 1], raised, state)
            return index + 2
    return index + 1


def _index(node: Any, raised: bool, state: _State) -> None:
    """A power of ten, or marks of significance; other indices are no text."""
    inner = Document(state.document.source, latex=True)
    _walk(_children(node) or [node], _State(inner, state.defined))
    if raised and _of_ten(state) and re.fullmatch(r"\s*[+\-−–]?\s*\d+\s*", inner.text):
        state.add_at("^", node.pos)
        state.document.add(inner.text, inner.places)
    elif raised and re.fullmatch(r"[\s*†‡§a-z]*", inner.text):
        state.document.add(inner.text, inner.places)


def _of_ten(state: _State) -> bool:
    return re.search(r"(?<![\d.,])10$", state.document.text[-12:]) is not None


def _displayed(nodes: Sequence[Any], state: _State) -> None:
    """A displayed formula, in which a bare whole number is an index or a factor and no claim."""
    start = len(state.document.text)
    state.add_at("\n", state.document.places[-1] if state.document.places else 0)
    _walk(nodes, state)
    text = state.document.text[start:]
    for number in find_numbers(text):
        if number.unit not in FACTORS and "." not in number.mantissa and not number.power:
            hidden = " " * (number.end - number.start)
            text = text[: number.start] + hidden + text[number.end :]
    state.document.text = state.document.text[:start] + text
    state.add_at("\n", state.document.places[-1])


def _environment(node: Any, state: _State) -> None:
    name, children = node.environmentname, _children(node)
    if _UNSEEN_PARTS.fullmatch(name):
        return
    if name in _TABULARS and name != "array":
        _tabular(node, children, state)
    elif _DISPLAYED.fullmatch(name):
        _displayed(children, state)
    else:
        state.add_at("\n", node.pos)
        _walk(children, state)
        state.add_at("\n", node.pos + node.len - 1)


def _macro(nodes: Sequence[Any], index: int, state: _State) -> int:
    """Append what a macro shows; returns the index behind it and what it takes."""
    node = nodes[index]
    name, arguments = node.macroname, _arguments(node)
    if name == "claim":
        return _claim(nodes, index, state)
    if name in state.defined and name not in state.seen:
        place = node.pos if state.place is None else state.place
        inner = _State(state.document, state.defined, place, (*state.seen, name))
        _walk(state.defined[name], inner)
    elif name in _HEADINGS:
        _heading(_HEADINGS[name], arguments, node, state)
    elif name in _ROW_ENDS:
        state.add_at("\n", node.pos)
    elif _LENGTH.fullmatch(name):
        state.add_at("w", node.pos)  # a number before it is a length
    elif name in _SYMBOLS:
        state.add_at(_SYMBOLS[name], node.pos)
    elif name == "texttt" and state.in_cell:
        _other_macro(node, arguments, state)
    elif _UNSEEN.fullmatch(name) or name in _RULES:
        state.add_at(" ", node.pos)
        return _behind_arguments(nodes, index)
    elif name in ("frac", "tfrac", "dfrac"):
        state.add_at("x", node.pos)  # a fraction of a formula is no claim
    elif name in _LAST:
        _walk(_children(arguments[-1]) if arguments and arguments[-1] is not None else [], state)
    else:
        _other_macro(node, arguments, state)
    return index + 1


def _other_macro(node: Any, arguments: Sequence[Any], state: _State) -> None:
    """A Greek letter, or the braced arguments of a macro that shows them."""
    greek = _greek(node.macroname)
    if greek:
        state.add_at(greek, node.pos)
    for argument in arguments:
        if argument is None or not _is_group(argument) or argument.delimiters[0] != "{":
            continue
        _walk(_children(argument), state)


def _greek(name: str) -> str:
    for size in ("SMALL", "CAPITAL"):
        if name == (name.lower() if size == "SMALL" else name.capitalize()):
            try:
                return unicodedata.lookup(f"GREEK {size} LETTER {name.upper()}")
            except KeyError:
                continue
    return ""


def _behind_arguments(nodes: Sequence[Any], index: int) -> int:
    """The index behind the arguments that follow a macro of which the tokenizer knows none."""
    node, place = nodes[index], index + 1
    if any(argument is not None for argument in _arguments(node)):
        return place
    while place < len(nodes):
        follower = nodes[place]
        if follower.isNodeType(latexwalker.LatexCharsNode):
            rest = re.match(r"\*?(?:\([^()]*\)|\[[^\]]*\])?|\s*(?=\[)", follower.chars)
            closed = rest is not None and rest.end() == len(follower.chars) and rest.end() > 0
            if not closed:
                break
        elif not (_is_group(follower) or (node.macroname in ("def", "let") and place == index + 1)):
            break
        place += 1
    return place


def _heading(level: int, arguments: Sequence[Any], node: Any, state: _State) -> None:
    document = state.document
    state.add_at("\n", node.pos)
    start = len(document.text)
    braced = [a for a in arguments if a is not None and _is_group(a) and a.delimiters[0] == "{"]
    if braced:
        _walk(_children(braced[-1]), state)
    document.headings.append((start, level, document.text[start:].strip()))
    state.add_at("\n", node.pos)


def _claim(nodes: Sequence[Any], index: int, state: _State) -> int:
    r"""`\claim{id}{what is shown}`, or `\claim{id}` where nothing is shown yet."""
    document = state.document
    first = _argument(nodes, index + 1)
    if first is None:
        return index + 1
    group = nodes[first]
    name = document.source[group.pos + 1 : group.pos + group.len - 1].strip()
    second = _argument(nodes, first + 1)
    if second is None:
        end = group.pos + group.len
        document.anchors.append(Anchor(name, end, end, insert="{%s}"))
        return first + 1
    shown = nodes[second]
    document.anchors.append(Anchor(name, shown.pos + 1, shown.pos + shown.len - 1))
    _walk(_children(shown), state)
    return second + 1


def _argument(nodes: Sequence[Any], place: int) -> int | None:
    """The index of a braced argument that begins there, past spaces, one line end and comments."""
    while place < len(nodes):
        node = nodes[place]
        if _is_group(node):
            return place
        chars = getattr(node, "chars", "x") if node.isNodeType(latexwalker.LatexCharsNode) else "x"
        skipped = not chars.strip() and chars.count("\n") < 2
        if not skipped and not node.isNodeType(latexwalker.LatexCommentNode):
            return None
        place += 1
    return None


def _tabular(node: Any, children: Sequence[Any], state: _State) -> None:
    """A table: its cells as text, one after the other, and as a grid."""
    document = state.document
    start = len(document.text)
    state.add_at("\n", node.pos)
    rows: list[list[_Span]] = [[]]
    ruled: dict[int, bool] = {}
    pending: list[Any] = []

    def finish() -> None:
        """Close a cell."""
        rows[-1].append(_cell(pending, state))
        state.add_at(" ; ", node.pos)
        pending.clear()

    for child in children:
        macro = child.macroname if child.isNodeType(latexwalker.LatexMacroNode) else ""
        if child.isNodeType(latexwalker.LatexSpecialsNode) and child.specials_chars == "&":
            finish()
        elif macro in _ROW_ENDS:
            finish()
            state.add_at("\n", child.pos)
            rows.append([])
        elif macro in _RULES and not any(_visible(n) for n in pending):
            above = len(rows) - 1
            ruled[above] = ruled.get(above, False) or macro not in _PARTIAL_RULES
            pending.append(child)
        else:
            pending.append(child)
    if any(_visible(n) for n in pending):
        finish()
    state.add_at("\n", node.pos + node.len - 1)
    grid = _grid(
        document.heading_at(start),
        [row for row in rows if row],
        ruled,
        line=document.line_of(node.pos),
        span=(start, len(document.text)),
    )
    if grid.rows:
        document.tables.append(grid)


@dataclass(frozen=True)
class _Span:
    """A cell with how far it reaches."""

    cell: Cell
    columns: int = 1
    rows: int = 1


def _visible(node: Any) -> bool:
    if node.isNodeType(latexwalker.LatexCommentNode):
        return False
    if node.isNodeType(latexwalker.LatexMacroNode):
        return node.macroname not in _RULES
    text = getattr(node, "chars", "x")
    # What is left of `\cmidrule(lr){1-4}` behind its name.
    return bool(text.strip()) and not re.fullmatch(r"\s*\([lr]*\)\s*", text)


def _cell(nodes: Sequence[Any], state: _State) -> _Span:
    document = state.document
    start = len(document.text)
    columns = rows = 1
    for node in nodes:
        if not node.isNodeType(latexwalker.LatexMacroNode):
            continue
        arguments = _arguments(node)
        if node.macroname == "multicolumn" and arguments:
            columns = _whole(arguments[0], document.source)
            inner = [
                n for n in _children(arguments[-1]) if n.isNodeType(latexwalker.LatexMacroNode)
            ]
            node = inner[0] if inner and inner[0].macroname == "multirow" else node
            arguments = _arguments(node)
        if node.macroname == "multirow" and arguments:
            rows = _whole(arguments[1], document.source)
    _walk(list(nodes), replace(state, in_cell=True))
    text = re.sub(r"\s+", " ", document.text[start:]).strip(" *")
    seen = zip(document.text[start:], document.places[start:], strict=True)
    first = next((p for char, p in seen if not char.isspace()), nodes[0].pos if nodes else 0)
    return _Span(Cell(text, document.line_of(first)), columns, rows)


def _whole(node: Any, source: str) -> int:
    digits = re.search(r"\d+", source[node.pos : node.pos + node.len]) if node is not None else None
    return max(1, min(int(digits[0]), 1000)) if digits else 1


def _grid(
    name: str, rows: list[list[_Span]], ruled: dict[int, bool], *, line: int, span: tuple[int, int]
) -> Grid:
    """Rows of one length; the header is what stands above the first rule inside the table.

    `ruled` tells of each row with a rule above it whether that goes over all columns: one over some
    stands between two lines of headings.
    """
    width = max(sum(spanned.columns for spanned in row) for row in rows) if rows else 0
    width = min(width, 1000)
    hanging: dict[int, tuple[Cell, int]] = {}
    full: list[list[Cell]] = []
    headings: list[list[str]] = []
    for row in rows:
        cells: list[Cell] = []
        heading: list[str] = []
        for spanned in row:
            column = len(cells)
            cell = spanned.cell
            if not cell.text and column in hanging:
                above, left = hanging.pop(column)
                cell = Cell(above.text, cell.line)
                if left > 1:
                    hanging[column] = (above, left - 1)
            elif spanned.rows > 1:
                hanging[column] = (cell, spanned.rows - 1)
            cells += [cell] + [Cell("", cell.line)] * (spanned.columns - 1)
            heading += [cell.text] * spanned.columns
        headings.append((heading + [""] * width)[:width])
        full.append((cells + [Cell("")] * width)[:width])
    head = min((r for r in ruled if 0 < r < len(full)), default=1)
    while (
        not ruled.get(head, True)
        and head + 1 < len(full)
        and (ruled.get(head + 1) or not any(_IS_FIGURE.fullmatch(text) for text in headings[head]))
    ):
        head += 1
    header = [_joined([headings[r][c] for r in range(head)]) for c in range(width)]
    filled = [row for row in full[head:] if any(cell.text for cell in row)]
    return Grid(name, header, filled, line, span)


_IS_FIGURE = re.compile(r"[\W\d]*\d[\W\d]*")


def _joined(texts: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(text for text in texts if text))

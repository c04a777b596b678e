r"""Write the current values of claims into a document, at their anchors.

Markdown: `<!-- claim:id -->32.6%` (the figure behind the anchor is replaced; where none follows,
it is written there), or `<!-- claim:id -->any words<!-- /claim -->` for more than a figure.

LaTeX: `\claim{id}{32.6\%}` with `\newcommand{\claim}[2]{#2}` in the preamble; a bare `\claim{id}`
gets its second argument.

Only the digits change: what stands around them (`p = `, `\textbf{…}`, a unit, dollars) stays. What
cannot be placed so is left as it is, with a message.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.claims.check import Checked
from analysis.claims.documents import Anchor, Document
from analysis.claims.parsing import parse_document
from analysis.claims.printed import Figure, parse_figure, parse_interval, plain, print_like
from analysis.claims.reader import find_numbers
from sql.errors import UserError

_BOUND = re.compile(r"[<>≤≥]=?|\\(?:leq?|geq?|lt|gt|leqslant|geqslant)(?![A-Za-z])")


@dataclass(frozen=True)
class Rendered:
    """A document with its claims' current values.

    Attributes:
        text: the document.
        changed: ids whose printed value changed, with the old and the new one.
        kept: ids without a value to write, with the reason; their text stays.
    """

    text: str
    changed: Mapping[str, tuple[str, str]]
    kept: Mapping[str, str]


def render_document(text: str, checked: Sequence[Checked], *, latex: bool = False) -> Rendered:
    """Write the recomputed value of each anchored claim into a document.

    Only values, counts, p-values and intervals have one text to write. Decisions and what is
    undetermined keep the author's words and are reported in `kept`, unless they pass.

    Raises:
        UserError: an anchor names no claim.
    """
    claims = {c.id: c for c in checked}
    document = parse_document(text, latex=latex)
    changed: dict[str, tuple[str, str]] = {}
    kept: dict[str, str] = {}
    pieces, here = [], 0
    for anchor in sorted(document.anchors, key=lambda a: a.start):
        if anchor.claim not in claims:
            known = ", ".join(sorted(claims)[:8])
            raise UserError(f"the anchor {anchor.claim!r} names no claim; there are {known}, ...")
        old = text[anchor.start : anchor.end]
        new, why = _shown(claims[anchor.claim], anchor, old, latex=latex)
        if why:
            kept[anchor.claim] = why
        if new != old:
            changed[anchor.claim] = (old, new)
        pieces += [text[here : anchor.start], new]
        here = anchor.end
    done = Rendered("".join([*pieces, text[here:]]), changed, kept)
    _same_frame(document, done, latex=latex)
    return done


def _same_frame(document: Document, done: Rendered, *, latex: bool) -> None:
    """The document that was made has the anchors of the one that was read."""
    made = parse_document(done.text, latex=latex)
    if [a.claim for a in made.anchors] != [a.claim for a in document.anchors]:
        raise UserError("the values cannot be written without breaking the document's anchors")


def current_text(claim: Checked) -> str | None:
    """What a document should print for a claim now; None where words cannot be computed."""
    if claim.verdict == "PASS":
        return claim.printed
    if claim.verdict not in ("VALUE-DRIFT", "DECISION-DRIFT") or not claim.recomputed:
        return None
    return claim.recomputed if claim.kind in ("value", "count", "interval", "p") else None


def _shown(claim: Checked, anchor: Anchor, old: str, *, latex: bool) -> tuple[str, str]:
    """What an anchor shows now, and why it could not be changed."""
    value = current_text(claim)
    if value is None:
        why = "" if claim.verdict == "PASS" else f"{claim.verdict}: {claim.reason}"
        return old, why
    if not plain(old):
        value = _escaped(value) if latex else value
        return (anchor.insert % value if anchor.start == anchor.end else value), ""
    if plain(old) == plain(value):
        return old, ""
    if claim.kind not in ("value", "count", "interval", "p"):
        # Words that pass are the author's.
        return old, ""
    new = _in_form(old, value, interval=claim.kind == "interval", latex=latex)
    if new is None and not re.search(r"\d", plain(old)):
        return (_escaped(value) if latex else value), ""
    if new is None:
        return old, f"{plain(old)!r} is no figure into which {value} could be put"
    return new, ""


def _in_form(old: str, value: str, *, interval: bool, latex: bool) -> str | None:
    """The source `old` with its figure replaced by that of `value`; None where it has no place."""
    document = parse_document(old, latex=True) if latex else None
    text, places = (document.text, document.places) if document else (old, list(range(len(old))))
    numbers = list(find_numbers(text))
    try:
        if interval:
            limits, news = parse_interval(text), parse_interval(value)
            forms = [limits.low, limits.high]
            values = [news.low, news.high]
        else:
            forms, values = [parse_figure(text)], [parse_figure(value)]
    except ValueError:
        return None
    if len(numbers) < len(forms) or any(n.spread for n in numbers):
        return None
    numbers = numbers[-len(forms) :]
    for number, form, new in reversed(list(zip(numbers, forms, values, strict=True))):
        digits = number.end - len(number.unit) if number.unit else number.end
        digits = len(text[:digits].rstrip())
        start = places[number.start]
        end = _closed(old, start, places[digits - 1] + 1)
        if end is None:
            return None
        old = old[:start] + _digits(new, form, old[start:end], latex=latex) + old[end:]
        if form.relation != new.relation:
            head, count = _BOUND.subn("=", old[:start])
            old = head + old[start:] if count == 1 else ""
    return old if old and _says(old, values, interval=interval) else None


def _digits(value: Figure, form: Figure, source: str, *, latex: bool) -> str:
    """The digits of a value in the form of others, at its own precision."""
    like = copy.copy(form)
    like.relation, like.decimals = "=", value.decimals
    like.digits = min(value.digits, form.digits) if form.in_powers else value.digits
    like.factor = value.factor if not form.unit else form.factor
    shown = print_like(value, like)
    number = next(find_numbers(shown[len(like.before) :]))
    digits = shown[len(like.before) :][number.start : number.end - len(number.unit)].strip()
    if latex:
        digits = digits.replace(",", "{,}") if "{,}" in source else digits
        digits = digits.replace("×", r"\times ").replace("\\times 10", r"\times10")
        digits = re.sub(r"\^([+\-−–]?\d+)", r"^{\1}", digits)
    return digits


def _closed(source: str, start: int, end: int) -> int | None:
    """Where a stretch of source ends that has no open brace; None where it closes one too many."""
    depth = source.count("{", start, end) - source.count("}", start, end)
    while depth > 0 and end < len(source):
        depth += (source[end] == "{") - (source[end] == "}")
        end += 1
    return end if depth == 0 else None


def _says(text: str, values: Sequence[Figure], *, interval: bool) -> bool:
    """Whether the new source reads as the values that were to be written."""
    try:
        read = parse_interval(text) if interval else parse_figure(text)
    except ValueError:
        return False
    found = [read.low, read.high] if not isinstance(read, Figure) else [read]
    return all(
        math.isclose(f / f.factor, v / v.factor, rel_tol=1e-9, abs_tol=1e-12)
        for f, v in zip(found, values, strict=True)
    )


def _escaped(text: str) -> str:
    """A figure in LaTeX."""
    text = re.sub(r"(?<!\\)([%&#_])", r"\\\1", text)
    text = re.sub(r"(?<!\$)([<>≤≥≈×])", _math, text)
    return text.replace("−", "$-$")


def _math(match: re.Match[str]) -> str:
    signs = {"≤": r"\leq", "≥": r"\geq", "≈": r"\approx", "×": r"\times"}
    return f"${signs.get(match[1], match[1])}$"

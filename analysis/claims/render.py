r"""Write the current values of claims into a document, at their anchors.

Markdown: `<!-- claim:id -->32.6%` (the figure behind the anchor is replaced; where none follows,
it is written there), or `<!-- claim:id -->any words<!-- /claim -->` for more than a figure.

LaTeX: `\claim{id}{32.6\%}` with `\newcommand{\claim}[2]{#2}` in the preamble; a bare `\claim{id}`
gets its second argument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.claims.check import Checked
from sql.errors import UserError

NUMBER = r"[+\-−–]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?"

_FIGURE = rf"(?:p\s*)?(?:[<>=≤≥≈~]\s*)?{NUMBER}(?:\s?(?:%|pts\b|points\b|x\b|×))?"
_MARKDOWN = re.compile(
    r"(?P<anchor><!--\s*claim:(?P<id>[^\s>]+?)\s*-->)"
    r"(?:(?P<words>(?:(?!<!--)[^\n])*)(?P<close><!--\s*/claim\s*-->)|"
    rf"(?P<figure>(?=(?:p\s*)?[<>=≤≥≈~+\-−–.\d])(?:{_FIGURE}))?)"
)
_LATEX = re.compile(r"\\claim\{(?P<id>[^}]+)\}(?:\{(?P<old>[^}]*)\})?")


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

    Only values and counts have one text to write. Decisions and what is undetermined keep the
    author's words and are reported in `kept`, unless they pass.

    Raises:
        UserError: an anchor names no claim.
    """
    claims = {c.id: c for c in checked}
    changed: dict[str, tuple[str, str]] = {}
    kept: dict[str, str] = {}

    def value(claim_id: str, old: str) -> str:
        """The figure of a claim as it reads now; what stood there where it cannot be told."""
        if claim_id not in claims:
            known = ", ".join(sorted(claims)[:8])
            raise UserError(f"the anchor {claim_id!r} names no claim; there are {known}, ...")
        claim = claims[claim_id]
        new = current_text(claim)
        if new is None:
            if claim.verdict != "PASS":
                kept[claim_id] = f"{claim.verdict}: {claim.reason}"
            return old or claim.printed
        if latex:
            new = re.sub(r"(?<!\\)%", r"\\%", new)
        if new != old:
            changed[claim_id] = (old, new)
        return new

    def markdown(match: re.Match[str]) -> str:
        """An anchor of Markdown with its figure."""
        old = match["words"] if match["close"] else match["figure"] or ""
        return f"{match['anchor']}{value(match['id'], old)}{match['close'] or ''}"

    def tex(match: re.Match[str]) -> str:
        """A macro of LaTeX with its figure."""
        return rf"\claim{{{match['id']}}}{{{value(match['id'], match['old'] or '')}}}"

    new_text = _LATEX.sub(tex, text) if latex else _MARKDOWN.sub(markdown, text)
    return Rendered(new_text, changed, kept)


def current_text(claim: Checked) -> str | None:
    """What a document should print for a claim now; None where words cannot be computed."""
    if claim.verdict == "PASS":
        return claim.printed
    if claim.verdict in ("UNDETERMINED", "FAIL") or not claim.recomputed:
        return None
    if claim.kind in ("value", "count", "interval", "p"):
        return claim.recomputed
    return None

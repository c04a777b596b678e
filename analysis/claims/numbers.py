"""The numbers of a document that say something: no dates, versions, citations or references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.claims.documents import Document
from analysis.claims.reader import FACTORS, Found, find_numbers

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_YEAR = r"(?:19|20)\d{2}"
# A reference is a whole number, and never one of percent.
_WHOLE = r"\d+(?:\.\d+)*(?:\([a-z]\))?(?![\d.,]*\s?(?:%|pts|points|pp))"
# Words of a language, not markup: what a reader knows to be no figure of the document.
_NOISE = (
    r"https?://\S+|doi:\S+|arXiv:\S+|\S+@\S+",
    r"\[\^?\d+(?:\s*[,;–-]\s*\d+)*\]",  # [12], [3, 4], [^1]
    rf"(?<!\d){_YEAR}-\d{{2}}(?:-\d{{2}})?(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?Z?)?",
    rf"\b\d{{1,2}}\.?\s+{_MONTH}\b(?:\s+{_YEAR})?|\b{_MONTH}\s+\d{{1,2}}(?:,?\s+{_YEAR})?\b",
    rf"\b{_MONTH}\s+{_YEAR}",
    r"\b\d{1,2}:\d{2}(?::\d{2})?\b",
    r"\bv\d+(?:\.\d+)*\b|\b\d+\.\d+\.\d+\S*",
    r"(?i)\b(?:version|python|release|CUDA)\s+\d+(?:\.\d+)*",
    rf"(?i)\b(?:et al\.?|and \w+),?\s*\(?{_YEAR}[a-z]?\)?",
    rf"(?<=[(\s,;]){_YEAR}[a-z]?(?=[);])",
    rf"(?i)\b(?:in|since|until)\s+{_YEAR}\b(?!\s*%|\s+[a-z]+s\b)|[©]\s*{_YEAR}",
    rf"(?i)(?:\b(?:figures?|figs?\.|tables?|tab\.|sections?|sec\.|equations?|eqs?\.|appendix|"
    rf"chapters?|pages?|pp?\.|hypothes[ie]s|footnotes?|lines?|algorithms?|theorem|lemma)|§)"
    rf"[\s\u00a0]*{_WHOLE}(?:\s*(?:–|-|and|,)\s*{_WHOLE})*",
    r"(?i)\b(?:error|step|question|part)\s+\d+(?=:)",
    r"(?m)^\s*\d+[.)]\s",  # an item's own number
)


@dataclass(frozen=True)
class Number:
    """One number of a document.

    Attributes:
        text: the number as a reader sees it, with its unit.
        value: its value; of percent and points a fraction.
        share: whether it is of percent or points.
        line: line in the source, from 1.
        column: column in the source, from 1.
        start: offset in the source.
        end: offset behind it.
        position: offset in the document's text.
        context: the line it stands in.
    """

    text: str
    value: float
    share: bool
    line: int
    column: int
    start: int
    end: int
    position: int
    context: str


def numbers_in(document: Document) -> Iterator[Number]:
    """The numbers of a document that could be claims, in their order."""
    text = document.text
    hidden = _hidden(text)
    found = [n for n in find_numbers(text) if not any(hidden[n.start : n.end])]
    for index, number in enumerate(found):
        start, end = document.places[number.start], document.places[number.end - 1] + 1
        line = document.line_of(start)
        unit = number.unit or _shared_unit(text, found, index)
        factor = FACTORS.get(unit, 1.0)
        yield Number(
            text=re.sub(r"\s+", " ", text[number.start : number.end]).strip(),
            value=number.value * factor,
            share=factor == FACTORS["%"],
            line=line,
            column=start - document.line_start(line) + 1,
            start=start,
            end=end,
            position=number.start,
            context=document.line_text(line),
        )


def _shared_unit(text: str, found: list[Found], index: int) -> str:
    """The unit of a range's other end: both are of percent in `32.6 to 34.9%`."""
    if index + 1 >= len(found):
        return ""
    between = text[found[index].end : found[index + 1].start]
    joined = re.fullmatch(r"[^\S\n]*(?:–|-|to|and|or|/|,|→|vs\.?)[^\S\n]*", between)
    return found[index + 1].unit if joined else ""


def _hidden(text: str) -> list[bool]:
    hidden = [False] * len(text)
    for pattern in _NOISE:
        for match in re.finditer(pattern, text):
            hidden[match.start() : match.end()] = [True] * (match.end() - match.start())
    return hidden

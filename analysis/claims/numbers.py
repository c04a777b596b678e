"""Numbers in a document: those that say something, and not dates, versions and citations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
# What is blanked before looking for numbers. Order matters: long things first.
_CODE = (r"(?ms)^(```|~~~).*?^\1[^\n]*$", r"`[^`\n]+`")
_NOISE = (
    r"(?s)<!--.*?-->",
    r"(?m)(?<!\\)%[^\n]*$",  # replaced for Markdown, where a percent sign is no comment
    r"\\(?:cite\w*|ref|eqref|autoref|cref|label|url|includegraphics|input|bibitem|vspace|hspace)"
    r"\*?(?:\[[^\]]*\])*\{[^}]*\}",
    r"\\claim\{[^}]*\}",
    r"\\(?:documentclass|usepackage|begin|end)(?:\[[^\]]*\])?\{[^}]*\}",
    r"https?://\S+|doi:\S+|arXiv:\S+",
    r"\]\([^)\n]*\)",
    r"\[\^?\d+(?:\s*[,–-]\s*\d+)*\](?!\()",  # [12], [3, 4], [^1]
    r"\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2}(?::\d{2})?Z?)?",
    rf"\b\d{{1,2}}\.?\s+{_MONTH}(?:\s+\d{{4}})?|{_MONTH}\s+\d{{1,2}}(?:,?\s+\d{{4}})?\b",
    rf"{_MONTH}\s+\d{{4}}",
    r"\b\d{1,2}:\d{2}(?::\d{2})?\b",
    r"\bv\d+(?:\.\d+)*\b|\b\d+\.\d+\.\d+\S*",
    r"(?i)\b(?:version|python|release)\s+\d+(?:\.\d+)*",
    r"(?i)\b(?:et al\.?|and \w+),?\s*\(?(?:19|20)\d{2}[a-z]?\)?",
    r"(?<=[(\s,;])(?:19|20)\d{2}[a-z]?(?=[);])",
    r"(?i)\b(?:in|since|until|from|of|©)\s+(?:19|20)\d{2}\b(?!\s*(?:problems|pairs|%))",
    r"(?i)\b(?:figures?|figs?\.|tables?|tab\.|sections?|sec\.|§|equations?|eqs?\.|appendix|"
    r"chapters?|pages?|p\.|pp\.|step|hypothesis|error|lines?|algorithm)\s*~?\d+(?:\.\d+)*"
    r"(?:\s*(?:–|-|and|,)\s*\d+(?:\.\d+)*)*",
    r"(?m)^\s*(?:[-*]\s+)?#*\s*\d+(?:\.\d+)*[.):]\s",  # list markers and numbered headings
    r"(?m)^#+\s*\d+(?:\.\d+)*\.?\s",
)
_LATEX_COMMENT = _NOISE[1]
_NUMBER = re.compile(
    r"(?<![\w.,])(?<![A-Za-zα-ω]-)"
    r"(?P<number>[+\-−–]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+))(?!\w*\d)"
    r"(?P<unit>\s?(?:%|\\%|pts\b|points\b|percentage points\b|x\b|×))?"
)
_LIST_SIGN = re.compile(r"(?<=\d)[–-](?=\d)")


@dataclass(frozen=True)
class Number:
    """One number of a document.

    Attributes:
        text: the number as printed, with its unit.
        line: line, from 1.
        column: column, from 1.
        start: offset in the document.
        end: offset behind it.
        context: the line it stands in.
    """

    text: str
    line: int
    column: int
    start: int
    end: int
    context: str

    @property
    def digits(self) -> str:
        """The number without sign, unit and thousands separators."""
        return bare(self.text)


def bare(text: str) -> str:
    """A printed number without sign, unit and thousands separators: what coverage compares."""
    match = re.search(r"\d[\d,]*(?:\.\d+)?|\.\d+", text)
    return match[0].replace(",", "") if match else ""


def numbers_in(text: str, *, latex: bool = False, code: bool = False) -> Iterator[Number]:
    """The numbers of a document that could be claims.

    Args:
        text: the document.
        latex: whether percent signs start comments.
        code: whether numbers in code count too.
    """
    masked = _mask(text, latex=latex, code=code)
    # A range such as 9-10 is two numbers, not a number and its negative.
    masked = _LIST_SIGN.sub(" ", masked)
    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    line = 0
    for match in _NUMBER.finditer(masked):
        while line + 1 < len(starts) and starts[line + 1] <= match.start():
            line += 1
        end = starts[line + 1] - 1 if line + 1 < len(starts) else len(text)
        yield Number(
            text=match[0].strip(),
            line=line + 1,
            column=match.start() - starts[line] + 1,
            start=match.start(),
            end=match.end(),
            context=text[starts[line] : end].strip(),
        )


def _mask(text: str, *, latex: bool, code: bool) -> str:
    """The text with everything that is no claim blanked, offsets kept."""
    patterns = [p for p in _NOISE if latex or p != _LATEX_COMMENT]
    for pattern in [*(() if code else _CODE), *patterns]:
        text = re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    return text

"""What a document computes of counts that it prints: p and intervals beside gained and lost.

Only what cannot be about anything else is taken: between the counts and what was computed of them
stand names of the usual tests and words that say nothing of other problems, doses or corrections.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from analysis.audit.printed import COUNT, THINGS
from analysis.claims.documents import Document
from analysis.claims.parsing import parse_document
from analysis.claims.printed import Figure, Interval, parse_figure, parse_interval
from analysis.claims.reader import find_numbers

T = TypeVar("T")

_UP = r"(?:gained|improved|became (?:correct|right))"
_DOWN = r"(?:lost|degraded|worsened|became (?:wrong|incorrect))"
_COUNTS = re.compile(
    rf"(?i)(?P<gained>{COUNT})(?:\s+{THINGS})?(?:\s+were)?\s+{_UP}\b[^.\d]{{0,40}}?"
    rf"(?P<lost>{COUNT})(?:\s+{THINGS})?(?:\s+were)?\s+{_DOWN}\b"
    rf"|\b{_UP}\s+(?P<gained_>{COUNT})(?:\s+{THINGS})?[^.\d]{{0,20}}?"
    rf"\b{_DOWN}\s+(?P<lost_>{COUNT})(?:\s+{THINGS})?\b"
)
_SIGNED = r"[+−–-]?\d+(?:\.\d+)?"
_SAYS_NOTHING = re.compile(
    rf"(?i)(?:of|among|out of)\s+(?:the\s+)?{COUNT}|\bn\s*=\s*{COUNT}"
    r"|(?:χ²?|χ\^?2|chi2|X2|z)\s*(?:\(\s*1\s*(?:,\s*N\s*=\s*[\d,]+\s*)?\)\s*)?=\s*[+−–-]?\d+(?:\.\d+)?"
    rf"|\d{{2}}(?:\.\d+)?\s*%\s*(?:CI|confidence interval|interval)\b|\[[^\]\n]{{3,40}}\]"
    rf"|(?:at\s+)?(?:α|alpha)\s*=\s*{_SIGNED}|[+−–-]\d+(?:\.\d+)?\s*(?:%|points?|pts|pp)"
    r"|(?:McNemar(?:['’]s)?|exact|mid(?:[- ]?p)?|two|one|sided|tailed|sign|binomial|"
    rf"chi|squared?|tests?|uncorrected|continuity[ -]correct(?:ed|ion)|{THINGS}|pairs?|"
    r"discordant|statistically|"
    r"significant(?:ly)?|not|is|was|are|were|gives?|gave|which|by|the|an?|with|without|"
    r"points?|pts|pp|confidence|interval|CI)\b|%|[\s,;:.()–—*-]"
)
_P = re.compile(r"(?<![\w-])[pP](?:[ -]value)?\s*(?:is\s+|of\s+)?(?P<sign>[<>=≤≥≈~]{1,2})\s*")
_LIMITS = re.compile(r"\[[^\]\n]{3,60}\]\s*(?:%|percentage points|points|pts|pp)?")
_OF = re.compile(rf"(?i)(?:\b(?:of|among)\s+(?:the\s+)?|\bn\s*=\s*)({COUNT})")
_LEVEL = re.compile(r"(?i)(\d{2}(?:\.\d+)?)\s*%\s*(?:CI|confidence|interval)")


@dataclass(frozen=True, kw_only=True)
class PrintedTest:
    """Counts with a p beside them.

    Attributes:
        text: as printed.
        line: in the source, from 1.
        gained: problems gained.
        lost: problems lost.
        figure: the printed p.
        one_sided: whether the test is said to be one-sided.
    """

    text: str
    line: int
    gained: int
    lost: int
    figure: Figure
    one_sided: bool


@dataclass(frozen=True, kw_only=True)
class PrintedInterval:
    """Counts with an interval beside them; `confidence` is 95 % where none is named."""

    text: str
    line: int
    gained: int
    lost: int
    n: int
    limits: Interval
    confidence: float


def printed_tests(text: str, *, latex: bool = False) -> Iterator[PrintedTest]:
    """Every p of a document that stands beside counts of gained and lost."""
    document, flat = _flat(text, latex)
    for match in _COUNTS.finditer(flat):
        found = _beside(flat, match.end(), _p_at)
        if found is not None:
            figure, start, end = found
            yield PrintedTest(
                text=" ".join(flat[match.start() : end].split()),
                line=document.line_of(document.places[match.start()]),
                gained=_whole(match["gained"] or match["gained_"]),
                lost=_whole(match["lost"] or match["lost_"]),
                figure=figure,
                one_sided="one" in re.findall(r"\w+", flat[match.end() : start].lower()),
            )


def printed_intervals(text: str, *, latex: bool = False) -> Iterator[PrintedInterval]:
    """Every interval of a document that stands beside counts of gained and lost of n."""
    document, flat = _flat(text, latex)
    for match in _COUNTS.finditer(flat):
        found = _beside(flat, match.end(), _limits_at)
        between = flat[match.end() : found[1]] if found is not None else ""
        of, level = _OF.search(between), _LEVEL.search(between)
        if found is not None and of is not None:
            yield PrintedInterval(
                text=" ".join(flat[match.start() : found[2]].split()),
                line=document.line_of(document.places[match.start()]),
                gained=_whole(match["gained"] or match["gained_"]),
                lost=_whole(match["lost"] or match["lost_"]),
                n=_whole(of[1]),
                limits=found[0],
                confidence=float(level[1]) / 100 if level else 0.95,
            )


def _flat(text: str, latex: bool) -> tuple[Document, str]:
    """A document, and its text with each paragraph on one line, character by character."""
    document = parse_document(text, latex=latex)
    return document, re.sub(r"(?<=\S)\n(?=[^\s\n])", " ", document.text)


def _beside(
    text: str, start: int, at: Callable[[str, int], tuple[T, int] | None]
) -> tuple[T, int, int] | None:
    """What stands behind counts, where and up to where; None where something else comes first."""
    place = start
    while place < len(text) and "\n" not in text[start:place]:
        found = at(text, place)
        if found is not None:
            return found[0], place, found[1]
        step = _SAYS_NOTHING.match(text, place)
        if step is None:
            return None
        place = step.end()
    return None


def _p_at(text: str, place: int) -> tuple[Figure, int] | None:
    sign = _P.match(text, place)
    if sign is None:
        return None
    behind = text[sign.end() : sign.end() + 40]
    number = next(find_numbers(behind), None)
    if number is None or number.start:
        return None
    try:
        return parse_figure(f"p {sign['sign']} {behind[: number.end]}"), sign.end() + number.end
    except ValueError:
        return None


def _limits_at(text: str, place: int) -> tuple[Interval, int] | None:
    limits = _LIMITS.match(text, place)
    try:
        return (parse_interval(limits[0]), limits.end()) if limits is not None else None
    except ValueError:
        return None


def _whole(text: str) -> int:
    return int(text.replace(",", ""))

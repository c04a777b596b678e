"""The one reader of numbers, for claims, tables and running text alike.

It works on plain text, such as `plain` makes of LaTeX and `parse_document` of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_POINTS = (
    *("%", "percent", "per cent", "%-points", "% points", "percentage points", "percentage point"),
    *("pts", "pts.", "pt", "pp", "pps", "p.p.", "points", "point"),
)
_MILLES = ("‰", "per mille", "permille")
_BASIS_POINTS = ("bp", "bps", "basis point", "basis points")
FACTORS = {
    **dict.fromkeys(_POINTS, 0.01),
    **dict.fromkeys(_MILLES, 0.001),
    **dict.fromkeys(_BASIS_POINTS, 0.0001),
    **{"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9},
}
MINUS = "-−–"
SPACES = "\u2009\u202f\u00a0"
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_DIGITS = rf"(?:\d{{1,3}}(?:(?:,|\{{,\}})\d{{3}})+(?!\d)|\d{{1,3}}(?:[{SPACES}]\d{{3}})+(?!\d)|\d+)"
_MANTISSA = rf"(?:{_DIGITS}(?:\.\d+)?|\.\d+)"
_RAISED = r"\s?\^\s?(?:\{\s?[+\-−–]?\s?\d{1,3}\s?\}|[+\-−–]?\s?\d{1,3})"
_POWER = (
    r"(?:[eE][+\-−]?\d{1,3}(?!\w)"
    rf"|[\s{SPACES}]?(?:[×x·⋅∙*]|\\times|\\cdot)[\s{SPACES}]?10"
    rf"(?:{_RAISED}|[\-−–]\d{{1,3}}|[⁺⁻]?[⁰¹²³⁴-⁹]{{1,3}})"
    # A bare power of ten, 10^-3.
    rf"|(?<=(?<!\d)10)(?:{_RAISED}|[⁺⁻]?[⁰¹²³⁴-⁹]{{1,3}}))"
)
_UNIT = (
    rf"[\s{SPACES}]?(?:%(?:[\s-]points?\b)?|pts\b|pps?\b|p\.p\.|percentage points?\b|points?\b|"
    r"per ?cent\b|‰|per ?mille\b|bps?\b|basis points?\b|x\b|×(?!\s?\d)|[kKMB]\b)"
)
# A part of a version, a word or a larger number is no number.
NUMBER = re.compile(
    rf"(?<![\w.])(?P<mantissa>{_MANTISSA})(?P<power>{_POWER})?"
    rf"(?:[\s{SPACES}]?(?:±|\+/-|\+-)[\s{SPACES}]?(?P<spread>{_MANTISSA}))?"
    rf"(?!\.\d)(?P<unit>{_UNIT})?(?!\w|\.\d)"
)
# `Llama-3.2-` before 1B, but not `α=-` before 1.5.
_RUN = re.compile(r"[\w.\-]+$")


@dataclass(frozen=True)
class Found:
    """A number in a text.

    Attributes:
        start: where it begins, its sign included.
        end: where it ends, its unit included.
        sign: "-", "+" or nothing.
        mantissa: its digits as printed.
        power: its power of ten as printed, or nothing.
        spread: digits behind a ±, or nothing.
        unit: its unit as printed.
    """

    start: int
    end: int
    sign: str
    mantissa: str
    power: str
    spread: str
    unit: str

    @property
    def value(self) -> float:
        """The number, its unit left aside."""
        return float(
            f"{self.sign}{'1' if self.of_ten else bare_digits(self.mantissa)}e{self.exponent}"
        )

    @property
    def of_ten(self) -> bool:
        """Whether it is a bare power of ten, 10^-3."""
        return self.power.strip()[:1] in (*"^⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹",) and bool(self.power)

    @property
    def exponent(self) -> int:
        """The power of ten; 0 where none is printed."""
        if not self.power:
            return 0
        tail = self.power.translate(RAISED).replace("−", "-").replace("–", "-")
        if not self.of_ten:
            tail = tail[1:] if tail[0] in "eE" else tail.partition("10")[2]
        return int(re.sub(r"[^\d+-]", "", tail))


def find_numbers(text: str) -> Iterator[Found]:
    """The numbers of a plain text, in their order.

    A dash is a sign where no number or word stands before it: `= − 4.46` is negative, `3–5` are two
    numbers, `5 - 3` too, and the 2 of `GPT-2` is none.
    """
    for match in NUMBER.finditer(text):
        start, sign = _sign_before(text, match.start())
        if sign is None:
            continue
        yield Found(
            start=start,
            end=match.end(),
            sign=sign,
            mantissa=match["mantissa"],
            power=match["power"] or "",
            spread=match["spread"] or "",
            unit=(match["unit"] or "").strip(),
        )


def _sign_before(text: str, start: int) -> tuple[int, str | None]:
    """Where the number begins with its sign, and the sign; None where it is part of a word."""
    run = _RUN.search(text, max(0, start - 40), start)
    if run is not None and re.search(r"[^\W\d_]", run[0]):
        return start, None
    ahead = text[:start].rstrip(f" {SPACES}")
    if not ahead or ahead[-1] not in f"+{MINUS}":
        return start, ""
    place = len(ahead) - 1
    sign = "+" if ahead[-1] == "+" else "-"
    before = text[:place]
    if place + 1 < start:  # a space between: a sign only where a value is due
        due = before.rstrip()[-1:] in ("", *"=<>≤≥≈~([{,;:|&∈")
        return (place, sign) if due and start - place <= 2 else (start, "")
    if before[-1:].isdigit() or before[-1:] in (*")]}%.", "²"):
        return start, ""
    return place, sign


def bare_digits(digits: str) -> str:
    """Digits without separators of thousands."""
    return re.sub(rf"[,{{}}{SPACES}]", "", digits)


# A figure at the beginning of a text, with a name and a relation before it, as in `p = .45`.
NAMED_FIGURE = re.compile(
    r"(?:\*\*|__|\$|\*)?(?:[^\W\d_]{1,2}\s*)?(?:[=<>≤≥≈~]\s*)?"
    rf"(?:[+{MINUS}]\s?)?{NUMBER.pattern}"
)

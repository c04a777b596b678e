"""Figures as text: rounded here, and nowhere before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import SupportsFloat, SupportsInt, TypeGuard, TypeVar

from analysis.vocabulary import SIGNIFICANCE
from sql.printable import one_line

T = TypeVar("T")

MINUS = "−"
MISSING = "–"
# A p so near the level of a test keeps a digit more.
BESIDE_IT = 0.005
LEAST_P = 0.0001


def signed(value: SupportsFloat | None, digits: int = 1) -> str:
    """A number with its sign, a true minus, and plain 0 without one: ``+2.3``, ``−12.8``, ``0``."""
    value = math.nan if value is None else float(value)
    if not math.isfinite(value):
        return MISSING
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def points(fraction: SupportsFloat | None, digits: int = 1, *, sign: bool = True) -> str:
    """A fraction as percentage points, signed where it is a difference."""
    if not _known(fraction):
        return MISSING
    value = float(fraction) * 100
    return signed(value, digits) if sign else f"{value:.{digits}f}"


def compact(value: SupportsFloat, *, sign: bool = False) -> str:
    """A number in whatever unit, three significant digits."""
    value = float(value)
    return f"{value:+.3g}".replace("-", MINUS) if sign else f"{value:.3g}".replace("-", MINUS)


def precise(value: SupportsFloat | None, digits: int = 4, *, sign: bool = False) -> str:
    """A number as the calculator shows it, `digits` significant; or that it is undefined."""
    if not _known(value):
        return "undefined"
    value = float(value)
    return f"{value:{'+' if sign and value else ''}.{digits}g}".replace("-", MINUS)


def precise_points(fraction: SupportsFloat, *, sign: bool = True) -> str:
    """A fraction in points or percent, four significant digits."""
    return precise(float(fraction) * 100, sign=sign)


def precise_range(low: SupportsFloat | None, high: SupportsFloat | None) -> str:
    """Two numbers as an interval, four significant digits each."""
    return f"{precise(low)} to {precise(high)}"


def precise_interval(low: SupportsFloat, high: SupportsFloat, *, sign: bool = True) -> str:
    """Two fractions as an interval in points or percent: ``−4.16 to +9.443``."""
    return f"{precise_points(low, sign=sign)} to {precise_points(high, sign=sign)}"


def level(confidence: SupportsFloat) -> str:
    """The confidence of an interval: ``95 %``, ``99.9 %``."""
    return f"{float(confidence) * 100:g} %"


def percent(fraction: SupportsFloat | None, digits: int = 1) -> str:
    """A fraction as a percentage."""
    return f"{float(fraction) * 100:.{digits}f} %" if _known(fraction) else MISSING


def alpha(value: float) -> str:
    """A dose as it is written on an axis: ``−3``, ``+0.5``, ``0``."""
    return "0" if value == 0 else ("+" if value > 0 else MINUS) + f"{abs(value):g}"


def alphas(values: Sequence[float]) -> str:
    """Doses in a sentence: ``−3, +1 and +3``."""
    said = [alpha(value) for value in values]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def interval(low: SupportsFloat | None, high: SupportsFloat | None, digits: int = 1) -> str:
    """Two fractions as an interval in points."""
    if not (_known(low) and _known(high)):
        return MISSING
    return f"[{points(low, digits)}, {points(high, digits)}]"


def limits(low: SupportsFloat, high: SupportsFloat, confidence: float) -> str:
    """Two fractions as an interval in points, with its confidence, for a sentence."""
    return f"{level(confidence)} interval {points(low)} to {points(high)} points"


def nats(low: SupportsFloat | None, high: SupportsFloat | None) -> str:
    """Two changes of a log-probability as an interval."""
    if not (_known(low) and _known(high)):
        return MISSING
    return f"[{signed(low, 3)}, {signed(high, 3)}]"


def p_value(p: SupportsFloat | None) -> str:
    """A p-value: ``0.45``, ``0.003``, ``0.0497``, ``< 0.0001``."""
    if not _known(p):
        return MISSING
    p = float(p)
    if p < LEAST_P:
        return f"< {LEAST_P:.4f}"
    if p < 0.001 or abs(p - SIGNIFICANCE) < BESIDE_IT:
        digits = 4
        while p != SIGNIFICANCE and float(f"{p:.{digits}f}") == SIGNIFICANCE:
            digits += 1
        return f"{p:.{digits}f}"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_is(p: SupportsFloat | None, name: str = "p") -> str:
    """``p = 0.003`` or ``p < 0.0001``, for a sentence; `name` says which p."""
    text = p_value(p)
    return f"{name} {text}" if text.startswith("<") else f"{name} = {text}"


def p_from_controls(p: SupportsFloat | None, k: SupportsFloat | None) -> str:
    """A p that assumes normal controls, never printed below what k of them can tell: 1/(k + 1)."""
    if p is None or k is None or not _known(p) or float(p) >= 1 / (float(k) + 1):
        return p_value(p)
    return f"< 1/{int(float(k)) + 1}"


def count(value: SupportsInt | None) -> str:
    """A number of problems, pairs or directions."""
    return str(int(value)) if _known(value) else MISSING


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 control``, ``99 controls``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def moved(gained: SupportsInt | None, lost: SupportsInt | None) -> str:
    """Discordant pairs: gained/lost."""
    return f"{count(gained)}/{count(lost)}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns for a terminal; the first row is the head."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _known(value: T | None) -> TypeGuard[T]:
    """Whether there is a number: neither None nor NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))

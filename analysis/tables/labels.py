"""Words and figures for charts: what is written beside a mark is made here, never in a chart."""

from __future__ import annotations

import math
from typing import Any

MINUS = "−"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a true minus, and plain 0 without one: ``+2.3``, ``−12.8``, ``0``."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def points(fraction: float, digits: int = 1) -> str:
    """A fraction as signed percentage points."""
    return signed(fraction * 100, digits) if fraction is not None else "–"


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as a percentage."""
    return "–" if _missing(fraction) else f"{fraction * 100:.{digits}f} %"


def alpha(value: float) -> str:
    """A dose as it is written on an axis: ``−3``, ``+0.5``, ``0``."""
    return "0" if value == 0 else ("+" if value > 0 else MINUS) + f"{abs(value):g}"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Two fractions as an interval in points."""
    if _missing(low) or _missing(high):
        return "–"
    return f"[{points(low, digits)}, {points(high, digits)}]"


def p_value(p: Any) -> str:
    """A p-value as a paper prints it: three significant places, never 0."""
    if _missing(p):
        return "–"
    if p < 0.0001:
        return "< 0.0001"
    if p < 0.001:
        return f"{p:.4f}"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_is(p: Any) -> str:
    """``p = 0.003`` or ``p < 0.0001``, for a sentence."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))

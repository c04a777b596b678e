"""Counts behind printed percentages, where the number of problems is known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from analysis.statistics.results import Refusal


def restored_count(printed: str, n: int) -> int:
    """The whole number of problems whose percentage of `n` is printed as `printed`.

    Args:
        printed: percentage points as they stand in the document, e.g. ``"-12.8"``; the number of
            decimals says how they were rounded.
        n: problems.

    Raises:
        Refusal: not a number, or no count, or more than one, rounds to it.
    """
    try:
        value = Decimal(printed.strip().lstrip("+").rstrip("%").replace("−", "-"))
    except InvalidOperation:
        raise Refusal(
            f"{printed!r} is not a number: pass percentage points such as -12.8"
        ) from None
    exponent = value.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    half = Decimal(5) / Decimal(10) ** (decimals + 1)
    nearest = round(value * n / 100)
    fits = [
        k for k in (nearest - 1, nearest, nearest + 1) if abs(Decimal(100 * k) / n - value) <= half
    ]
    if not fits:
        raise Refusal(
            f"{printed} points of n = {n} would be {float(value) * n / 100:.2f} problems: no whole "
            "number rounds to it; check n, or leave it out to compute from the rounded points"
        )
    if len(fits) > 1:
        raise Refusal(
            f"{printed} points of n = {n} may be {' or '.join(map(str, fits))} problems: "
            "pass more decimals, or leave n out"
        )
    return fits[0]


def restored_counts(printed: Sequence[str], n: int) -> list[int]:
    """`restored_count` of each."""
    return [restored_count(figure, n) for figure in printed]

"""Counts behind printed percentages, where the number of problems is known."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from analysis.statistics import checks
from analysis.statistics.results import Refusal


def restored_count(printed: str, n: int, *, difference: bool = False) -> int:
    """The whole number of problems whose percentage of `n` is printed as `printed`.

    Args:
        printed: percentage points as they stand in the document, e.g. ``"-12.8"``; the number of
            decimals says how they were rounded.
        n: problems.
        difference: it may be the difference of two rounded accuracies, and so off by one in its
            last digit: where no count rounds to it, one within that is taken.

    Raises:
        Refusal: not a number, or no count, or more than one, rounds to it.
    """
    n, value = checks.count("n", n, least=1), _value(printed)
    nearest = round(value * n / 100)
    near = (nearest - 1, nearest, nearest + 1)
    fits = [k for k in near if rounds_to(k, n, printed)]
    if difference and not fits:
        fits = [k for k in near if rounds_to(k, n, printed, times=2)]
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


def rounds_to(count: int, n: int, printed: str, *, times: int = 1) -> bool:
    """Whether `count` of `n` is printed so, with `times` the error of rounding."""
    value = _value(printed)
    exponent = value.as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    half = Decimal(5) / Decimal(10) ** (decimals + 1)
    return abs(Decimal(100 * count) / n - value) <= times * half


def _value(printed: str) -> Decimal:
    try:
        value = Decimal(printed.strip().lstrip("+").rstrip("%").replace("−", "-"))
    except InvalidOperation:
        value = Decimal("NaN")
    # Larger shares of problems there are none, and digits without end stop the arithmetic.
    if not value.is_finite() or abs(value) > 1_000 or len(printed) > 40:
        raise Refusal(f"{printed[:40]!r} is not a number: pass percentage points such as -12.8")
    return value


def restored_counts(printed: Sequence[str], n: int) -> list[int]:
    """`restored_count` of each."""
    return [restored_count(figure, n) for figure in printed]

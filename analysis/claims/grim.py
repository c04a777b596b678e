"""GRIM: is a printed percentage possible at all?

With n problems only n + 1 percentages exist. One that no whole number of problems rounds to is a
misprint or has another denominator.

References:
    Brown and Heathers (2017), The GRIM test. Social Psychological and Personality Science 8.
"""

from __future__ import annotations

import math

from analysis.claims.printed import Figure, agrees


def possible_counts(figure: Figure, n: int) -> tuple[int, ...]:
    """Whole numbers of n that print as `figure`.

    Args:
        figure: a printed share of n, such as `19.8%`.
        n: number of problems.

    Returns:
        Every k with 0 <= k <= n whose share k/n rounds to the figure; empty where none does.
    """
    if n < 1:
        raise ValueError(f"n must be a positive number of problems, found {n}")
    first = max(0, math.floor((figure - figure.half_unit) * n) - 1)
    last = min(n, math.ceil((figure + figure.half_unit) * n) + 1)
    return tuple(k for k in range(first, last + 1) if agrees(k / n, figure))


def whole(figure: Figure, n: float) -> int:
    """The one whole number of n problems that a printed percentage stands for.

    Raises:
        ValueError: no whole number of n rounds to the figure, or several do.
    """
    counts = possible_counts(figure, _whole_number(n))
    if not counts:
        raise ValueError(
            f"{figure.text} of {n:g} is no whole number of problems: "
            f"{' and '.join(_neighbours(figure, int(n)))} are the nearest"
        )
    if len(counts) > 1:
        raise ValueError(
            f"{figure.text} of {n:g} may be {counts[0]} to {counts[-1]} problems: "
            "print more digits or the count"
        )
    return counts[0]


def whole_change(figure: Figure, n: float) -> int:
    """The one whole net change among n problems that printed percentage points stand for.

    Raises:
        ValueError: no whole number fits, or several do.
    """
    size = _whole_number(n)
    fits = [k for k in range(-size, size + 1) if agrees(k / size, figure)]
    if len(fits) != 1:
        raise ValueError(
            f"{figure.text} of {n:g} stands for {len(fits)} whole net changes, not one"
        )
    return fits[0]


def _neighbours(figure: Figure, n: int) -> list[str]:
    below = math.floor(figure * n)
    return [
        f"{k}/{n} = {100 * k / n:.{max(figure.decimals, 0)}f}%"
        for k in (below, below + 1)
        if 0 <= k <= n
    ]


def _whole_number(n: float) -> int:
    if n != int(n):
        raise ValueError(f"a number of problems must be whole, found {n}")
    return int(n)

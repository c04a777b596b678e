"""GRIM: is a printed percentage possible at all, and which counts may stand behind it?

With n problems only n + 1 percentages exist. One that no whole number of problems rounds to is a
misprint or has another denominator. With more than about a thousand problems several counts round
to a percentage of one decimal, and none of them may be preferred.

References:
    Brown and Heathers (2017), The GRIM test. Social Psychological and Personality Science 8.
"""

from __future__ import annotations

import math

from analysis.claims.errors import ExpressionError, ImpossibleError
from analysis.claims.printed import Figure, agrees, parse_figure

# More of them are no experiment, and every count that prints so is tried.
MOST_PROBLEMS = 1_000_000


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
    return _between(figure, n, 0, figure.half_unit)


def possible_changes(figure: Figure, n: int) -> tuple[int, ...]:
    """Whole net changes among n problems that print as `figure`.

    A change may have been printed as the difference of two rounded accuracies, and is then off by
    as much as one in its last digit: where no count rounds to it, those within that are taken.

    Returns:
        Every k with -n <= k <= n whose share fits, empty where none does.
    """
    if n < 1:
        raise ValueError(f"n must be a positive number of problems, found {n}")
    return _between(figure, n, -n, figure.half_unit) or tuple(
        k
        for k in range(
            max(-n, math.floor((figure - 2 * figure.half_unit) * n)),
            min(n, math.ceil((figure + 2 * figure.half_unit) * n)) + 1,
        )
        if abs(k / n - figure) <= 2 * figure.half_unit + 1e-9
    )


def whole(figure: Figure | str, n: float) -> tuple[int, ...]:
    """Whole numbers of n problems that a printed percentage may stand for; a claim tries each.

    Raises:
        ImpossibleError: no whole number of n rounds to the figure.
    """
    figure, size = _figure(figure), _whole_number(n)
    counts = possible_counts(figure, size)
    if not counts:
        raise ImpossibleError(
            f"{figure.text} of {size} is no whole number of problems: "
            f"{' and '.join(_neighbours(figure, size))} are the nearest"
        )
    return counts


def whole_change(figure: Figure | str, n: float) -> tuple[int, ...]:
    """Whole net changes among n problems that printed points may stand for; a claim tries each.

    Raises:
        ImpossibleError: no whole number fits, not even as a difference of rounded accuracies.
    """
    figure, size = _figure(figure), _whole_number(n)
    changes = possible_changes(figure, size)
    if not changes:
        raise ImpossibleError(f"{figure.text} of {size} is no whole net change of problems")
    return changes


def _between(figure: Figure, n: int, least: int, half: float) -> tuple[int, ...]:
    first = max(least, math.floor((figure - half) * n) - 1)
    last = min(n, math.ceil((figure + half) * n) + 1)
    return tuple(k for k in range(first, last + 1) if agrees(k / n, figure))


def _neighbours(figure: Figure, n: int) -> list[str]:
    below = min(max(math.floor(figure * n), 0), n - 1)
    return [f"{k}/{n} = {100 * k / n:.{max(figure.decimals, 0)}f}%" for k in (below, below + 1)]


def _figure(figure: Figure | str) -> Figure:
    """The figure, also where an expression holds it as text or as a bare number."""
    if isinstance(figure, Figure):
        return figure
    if isinstance(figure, str):
        return parse_figure(figure)
    raise ExpressionError(f"needs a printed figure such as '32.6%', found {figure!r}")


def _whole_number(n: float) -> int:
    if isinstance(n, str) or not math.isfinite(n) or n != int(n) or n < 1:
        raise ExpressionError(f"a number of problems must be a positive whole number, found {n}")
    if n > MOST_PROBLEMS:
        raise ExpressionError(f"counts are tried for up to {MOST_PROBLEMS:,} problems, found {n:g}")
    return int(n)

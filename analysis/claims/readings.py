"""What printed figures may stand for: every count that fits, every value that prints so.

A *reading* takes each figure for one of the values behind it. Expressions are computed under many
readings; what comes out is not one number but the range of them. A count (`whole`) is one of a few
whole numbers, a rounding is anything between two limits, tried at both and at what is printed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.printed import Figure

MOST = 64  # Readings that are tried one by one; with more, one figure is varied at a time.


@dataclass(frozen=True)
class Choice:
    """What one figure may stand for.

    Attributes:
        options: values, that which is nearest to what is printed first.
        counted: whether it is one of these whole numbers, rather than anything between them.
    """

    options: tuple[float, ...]
    counted: bool


class Reading:
    """Each figure taken for one of the values behind it.

    Args:
        chosen: values by the key of the figure; others stand for what is printed.

    Attributes:
        met: the figures that an expression has used so far, and what each may stand for.
    """

    def __init__(self, chosen: Mapping[str, float] | None = None) -> None:
        self.chosen = dict(chosen or {})
        self.met: dict[str, Choice] = {}

    def settle(self, value: Any, *, statistic: bool = False) -> Any:
        """The value with each figure replaced by what it stands for.

        Args:
            value: a figure, a tuple of them, or anything else, which is returned as it is.
            statistic: whether a whole number is rounded as well, as a printed t = 3 is.
        """
        if isinstance(value, tuple):
            return tuple(self.settle(item, statistic=statistic) for item in value)
        if isinstance(value, Figure) and (value.rounded or (statistic and not value.exact)):
            choice = Choice((float(value), *value.limits), counted=False)
            return self._of(value.key, choice)
        return value

    def pick(self, key: str, figure: Figure | str, counts: Sequence[int]) -> int:
        """One of the whole numbers that a figure may stand for."""
        middle = sorted(counts, key=lambda count: abs(count - (counts[0] + counts[-1]) / 2))
        return int(self._of(key, Choice(tuple(middle), counted=True)))

    def _of(self, key: str, choice: Choice) -> float:
        if len(choice.options) > 1:
            self.met[key] = choice
        return self.chosen.get(key, choice.options[0])


class _Printed(Reading):
    """Every figure stands for itself, as it is printed."""

    def settle(self, value: Any, *, statistic: bool = False) -> Any:
        """The value as it is."""
        return value

    def _of(self, key: str, choice: Choice) -> float:
        return choice.options[0]


PRINTED: Reading = _Printed()

Compute = Callable[[Reading], Any]


def choices_of(compute: Compute, chosen: Mapping[str, float] | None = None) -> dict[str, Choice]:
    """What the figures behind a value may stand for."""
    reading = Reading(chosen)
    compute(reading)
    return reading.met


def combinations(choices: Mapping[str, Choice]) -> Iterator[dict[str, float]]:
    """Every way to choose."""
    for values in itertools.product(*(choice.options for choice in choices.values())):
        yield dict(zip(choices, values, strict=True))


def size(choices: Mapping[str, Choice]) -> int:
    """How many ways to choose there are."""
    product = 1
    for choice in choices.values():
        product *= len(choice.options)
    return product


def spread(
    compute: Compute, choices: Mapping[str, Choice], fixed: Mapping[str, float]
) -> tuple[float, float]:
    """Smallest and largest number that a computation gives.

    All combinations are tried where they are few, else one figure is varied at a time, from what
    is printed on, until nothing moves: exact where each figure moves the result one way.
    """

    def at(chosen: Mapping[str, float]) -> float | None:
        """The number under one reading; None where that reading cannot be."""
        try:
            return float(compute(Reading({**fixed, **chosen})))
        except (ExpressionError, ImpossibleError, NoEvidenceError):
            return None

    if size(choices) <= MOST:
        tried = [value for c in combinations(choices) if (value := at(c)) is not None]
        return min(tried), max(tried)
    low, high = (_climb(at, choices, sign) for sign in (-1, 1))
    return low, high


def _climb(
    at: Callable[[Mapping[str, float]], float | None], choices: Mapping[str, Choice], sign: int
) -> float:
    """The extreme that is reached by varying one figure at a time."""
    chosen = {key: choice.options[0] for key, choice in choices.items()}
    best = at(chosen)
    for _ in range(3):
        moved = False
        for key, choice in choices.items():
            for option in (min(choice.options), max(choice.options)):
                value = at({**chosen, key: option})
                if value is not None and (best is None or sign * value > sign * best):
                    chosen[key], best, moved = option, value, True
        if not moved:
            break
    if best is None:
        raise ImpossibleError("no reading of the rounded figures can be")
    return best


def spreads(
    compute: Compute, choices: Mapping[str, Choice], fixed: Mapping[str, float], length: int
) -> list[tuple[float, float]]:
    """`spread` of each entry of a list, over the figures that move the entry."""
    still = compute(Reading(fixed))
    moving: list[dict[str, Choice]] = [{} for _ in range(length)]
    for key, choice in choices.items():
        for option in choice.options[1:]:
            moved = compute(Reading({**fixed, key: option}))
            for place in range(length):
                if moved[place] != still[place]:
                    moving[place][key] = choice

    def entry(place: int) -> Compute:
        """One entry of the list, under a reading."""
        return lambda reading: compute(reading)[place]

    return [spread(entry(place), moving[place], fixed) for place in range(length)]

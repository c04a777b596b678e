"""The one place where counts of pairs are checked, before anything is computed from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.results import Refusal

Counts = NDArray[np.int64]


class Pairs(NamedTuple):
    """Checked counts of one shape (at least one-dimensional), and whether scalars came in."""

    gained: Counts
    lost: Counts
    n: Counts
    scalar: bool

    @property
    def changed(self) -> Counts:
        """Discordant pairs."""
        return self.gained + self.lost


def whole(name: str, values: ArrayLike) -> Counts:
    """`values` as integers of at least zero.

    Raises:
        Refusal: negative, fractional or missing counts.
    """
    given = np.asarray(values)
    if given.dtype.kind == "O":
        # Whole numbers from a data frame or a database may arrive as Python objects.
        try:
            given = given.astype(np.float64)
        except (TypeError, ValueError):
            raise Refusal(f"{name} must be counts, found {values!r}: pass whole numbers") from None
    if given.dtype.kind not in "iuf":
        raise Refusal(f"{name} must be counts, found {given.dtype}: pass whole numbers")
    if given.dtype.kind == "f" and not np.all(np.isfinite(given) & (given == np.floor(given))):
        raise Refusal(
            f"{name} must be whole numbers, found {values!r}: pass counts of problems, not "
            "percentages or means over seeds (for several outcomes per problem call "
            "clustered_difference)"
        )
    if np.any(given < 0):
        raise Refusal(f"{name} must not be negative, found {given.min()}: pass counts of problems")
    return given.astype(np.int64)


def pairs(gained: ArrayLike, lost: ArrayLike, n: ArrayLike | None = None) -> Pairs:
    """Check and broadcast the counts of one or many 2x2 tables of pairs.

    Without `n` the number of problems is taken to be the number of discordant pairs.

    Raises:
        Refusal: counts that are not counts, or more changes than problems.
    """
    g, lo = whole("gained", gained), whole("lost", lost)
    total = np.int64(0) if n is None else whole("n", n)
    scalar = np.ndim(g) == np.ndim(lo) == np.ndim(total) == 0
    try:
        g, lo, total = np.broadcast_arrays(*np.atleast_1d(g, lo, total))
    except ValueError:
        shapes = f"{g.shape}, {lo.shape} and {total.shape}"
        raise Refusal(f"gained, lost and n have shapes {shapes}: pass equal shapes") from None
    if n is None:
        total = g + lo
    if np.any(g + lo > total):
        at = int(np.argmax((g + lo > total).ravel()))
        raise Refusal(
            f"gained + lost = {(g + lo).ravel()[at]} is more than n = {total.ravel()[at]} problems:"
            " a problem counts once (for several outcomes per problem call clustered_difference)"
        )
    if n is not None and np.any(total == 0):
        raise Refusal("n = 0: there are no pairs; check the filter that selected the problems")
    return Pairs(g, lo, total, scalar)


def one_outcome_each(outcomes_per_problem: int) -> None:
    """Nothing, where each problem was answered once: counts of pairs can then be tested.

    Raises:
        Refusal: several seeds per problem.
    """
    if outcomes_per_problem != 1:
        raise Refusal(
            f"{outcomes_per_problem} outcomes per problem are not {outcomes_per_problem} "
            "independent pairs (size .11-.21 instead of .05): call clustered_difference, which "
            "takes the problem as the unit"
        )


def fraction(name: str, value: float, *, low: float = 0.0, high: float = 1.0) -> float:
    """`value` if strictly between `low` and `high`.

    Raises:
        Refusal: outside; the usual slip is a percentage where a fraction is meant.
    """
    if not low < value < high:
        raise Refusal(
            f"{name} must lie between {low:g} and {high:g}, found {value:g}: "
            "pass a fraction (5 points = 0.05, a 95 % level = 0.95)"
        )
    return float(value)

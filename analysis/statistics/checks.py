"""The one door of the statistics: every argument is checked here before anything is computed.

Numbers come as Python's, numpy's or a data frame's; what they say decides, not their type: 4.0
is the count 4, None, NaN and pandas' NA are missing. Text is no number, even if it reads as one,
and True and False are outcomes (`answers`), not numbers. What a check returns is computed with,
never what came in.
Words (methods, tails, scopes) are checked by `analysis.vocabulary.checked`.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.results import Refusal
from analysis.vocabulary import shown

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# No set has more problems; from 10^9 the inverse of the beta distribution is wrong.
LARGEST_COUNT = 10**8
# What is summed over every possible count, one by one, ends within seconds up to here.
LARGEST_LISTED = 10**6
# More draws than this do not fit into memory, and change no digit that is printed.
MOST_DRAWS = 10**7
# With fewer no p, (1 + reached)/(1 + drawn), reaches .05.
FEWEST_DRAWS = 19
# Beyond these sizes the squares of numbers leave the range of a double.
SMALLEST, LARGEST = 1e-150, 1e100


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


def _number(value: Any) -> float:
    """`value` as a double; NaN where it is missing.

    Raises:
        TypeError: It is no real number.
    """
    # pandas' NA is known by its name, so that this package needs no pandas.
    if value is None or type(value).__name__ == "NAType" or value is np.ma.masked:
        return float("nan")
    if isinstance(value, Real | np.bool_) or type(value).__name__ == "Decimal":
        return float(value)
    raise TypeError(f"{value!r} is no number")


def _array(name: str, values: Any, meant: str, *, truths: bool = False) -> NDArray[Any]:
    """`values` as an array of integers or doubles (or `truths`); missing elements become NaN."""
    if not truths and _holds_truth(values):
        raise Refusal(
            f"{name} must be {meant}, found {shown(values)}: True and False are outcomes, not "
            f"numbers; pass {meant}"
        )
    try:
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(float), np.nan)
        given = np.asarray(values)
        if given.dtype.kind == "O":
            # Numbers from a data frame or a database may arrive as Python objects.
            numbers = [_number(value) for value in given.ravel().tolist()]
            given = np.array(numbers, dtype=float).reshape(given.shape)
    except (TypeError, ValueError, OverflowError):
        raise Refusal(f"{name} must be {meant}, found {shown(values)}: pass {meant}") from None
    if given.dtype.kind not in "iufb":
        raise Refusal(f"{name} must be {meant}, found {shown(values)}: pass {meant}")
    # Half precision does not hold the limits that counts are compared with.
    return given.astype(np.float64) if given.dtype.kind == "f" else given


def _holds_truth(values: Any) -> bool:
    """Whether True or False stands among `values`; numpy would make 1 of [True, 2]."""
    if isinstance(values, bool | np.bool_):
        return True
    if isinstance(values, list | tuple):
        return any(map(_holds_truth, values))
    kind = getattr(getattr(values, "dtype", None), "kind", "")
    if kind == "O" and hasattr(values, "tolist"):
        # A 0-d array holds no list but its one element.
        listed = values.tolist()
        return any(map(_holds_truth, listed if isinstance(listed, list) else [listed]))
    return kind == "b"


def whole(name: str, values: ArrayLike, *, most: int = LARGEST_COUNT) -> Counts:
    """`values` as integers from 0 to `most`.

    Raises:
        Refusal: negative, fractional, missing or larger counts.
    """
    given = _array(name, values, "counts")
    if given.dtype.kind == "f" and not np.all(np.isfinite(given) & (given == np.floor(given))):
        raise Refusal(
            f"{name} must be whole numbers, found {shown(values)}: pass counts of problems, not "
            "percentages or means over seeds (for several outcomes per problem call "
            "clustered_difference)"
        )
    if np.any(given < 0):
        raise Refusal(f"{name} must not be negative, found {given.min()}: pass counts of problems")
    if np.any(given > most):
        raise Refusal(f"{name} must be at most {most:,}, found {given.max():,}: pass fewer")
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
    if not g.size:
        raise Refusal("gained, lost and n hold no table: check the filter that selected them")
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


def one_table(gained: Any, lost: Any, n: Any, *, most: int = LARGEST_COUNT) -> tuple[int, int, int]:
    """The counts of one 2x2 table.

    Raises:
        Refusal: as `pairs`, and where counts of several tables came.
    """
    counts = pairs(gained, lost, n)
    if not counts.scalar:
        raise Refusal(
            f"gained, lost and n hold {counts.n.size} tables of pairs: pass the numbers of one"
        )
    count("n", counts.n[0], most=most)
    return int(counts.gained[0]), int(counts.lost[0]), int(counts.n[0])


def one_outcome_each(outcomes_per_problem: int) -> None:
    """Nothing, where each problem was answered once: counts of pairs can then be tested.

    Raises:
        Refusal: several seeds per problem.
    """
    if outcomes_per_problem != 1:
        raise Refusal(
            f"{outcomes_per_problem} outcomes per problem are not {outcomes_per_problem} "
            "independent pairs (size .06-.24 instead of .05): call clustered_difference, which "
            "takes the problem as the unit"
        )


def number(name: str, value: Any) -> float:
    """`value` as one finite number.

    Raises:
        Refusal: text, an array, missing or infinite.
    """
    given = _array(name, value, "a number")
    if given.ndim or not np.isfinite(given):
        raise Refusal(f"{name} must be one finite number, found {shown(value)}")
    return float(given)


def together(**arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """The arrays, broadcast to one shape.

    Raises:
        Refusal: shapes that do not go together.
    """
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays.values())
        raise Refusal(f"{' and '.join(arrays)} have shapes {shapes}: pass equal shapes") from None


def count(name: str, value: Any, *, least: int = 0, most: int = LARGEST_COUNT) -> int:
    """`value` as one integer from `least` to `most`.

    Raises:
        Refusal: as `whole`, and an array or a smaller number.
    """
    given = whole(name, value, most=most)
    if given.ndim or given < least:
        raise Refusal(f"{name} must be one whole number of at least {least}, found {shown(value)}")
    return int(given)


def fraction(name: str, value: Any, *, low: float = 0.0, high: float = 1.0) -> float:
    """`value` if strictly between `low` and `high`.

    Raises:
        Refusal: outside; the usual slip is a percentage where a fraction is meant.
    """
    given = number(name, value)
    if not low < given < high:
        raise Refusal(
            f"{name} must lie between {low:g} and {high:g}, found {given:g}: "
            "pass a fraction (5 points = 0.05, a 95 % level = 0.95)"
        )
    return given


def level(name: str, value: Any) -> float:
    """`value` as a confidence or a significance: a fraction that a double tells from 0 and 1.

    Raises:
        Refusal: outside, or so close to 0 or 1 that no quantile belongs to it.
    """
    given = fraction(name, value)
    if not 1e-9 <= given <= 1 - 1e-9:
        raise Refusal(f"{name} must lie between 1e-9 and 1 - 1e-9, found {given!r}")
    return given


def answers(name: str, values: ArrayLike) -> Floats:
    """`values` as doubles of any shape: right and wrong, True and False, a metric; NaN: missing.

    Raises:
        Refusal: as `numbers`.
    """
    return numbers(name, values, missing=True, truths=True)


def one_scale(before: Floats, after: Floats) -> None:
    """Nothing, where neither side is right and wrong while the other is something else.

    Raises:
        Refusal: one side holds 0 and 1 alone, the other numbers outside [0, 1].
    """
    for one, other in ((before, after), (after, before)):
        known, beyond = one[~np.isnan(one)], other[(other < 0) | (other > 1)]
        if beyond.size and set(np.unique(known)) == {0.0, 1.0}:
            raise Refusal(
                f"one side of the pairs is right and wrong (1 and 0), the other holds {beyond[0]:g}"
                ": pass outcomes of one kind on both sides"
            )


def numbers(
    name: str,
    values: ArrayLike,
    *,
    missing: bool = False,
    truths: bool = False,
    smallest: float = SMALLEST,
) -> Floats:
    """`values` as doubles of any shape; NaN where missing, if `missing` is allowed.

    Numbers below `smallest`, other than 0, would vanish when they are squared.

    Raises:
        Refusal: text, ragged lists, infinities, missing values where none may be, sizes of which
            the square is no double.
    """
    floats = np.array(_array(name, values, "numbers", truths=truths), dtype=np.float64)
    absent = np.isnan(floats)
    if absent.any() and not missing:
        raise Refusal(
            f"{name}: {int(absent.sum())} of {floats.size} are missing: pass finite numbers, leave "
            "out by name what has none, and say so"
        )
    size = np.abs(floats[~absent & (floats != 0)])
    if size.size and not (smallest <= size.min() and size.max() <= LARGEST):
        raise Refusal(
            f"{name} holds numbers from {size.min():g} to {size.max():g}: pass finite ones of "
            f"ordinary size ({smallest:g} to {LARGEST:g}, or 0)"
        )
    return floats


def text(name: str, value: Any) -> str:
    """`value` if it is text that says something.

    Raises:
        Refusal: anything else, or nothing but spaces.
    """
    if not isinstance(value, str) or not value.strip():
        raise Refusal(f"{name} must be text, found {shown(value)}: pass a name, or leave it out")
    return value


def flag(name: str, value: Any) -> bool:
    """`value` if it is True or False.

    Raises:
        Refusal: anything else, also what merely counts as one of them.
    """
    if not isinstance(value, bool | np.bool_):
        raise Refusal(f"{name} must be True or False, found {shown(value)}")
    return bool(value)


def labels(name: str, values: Any) -> tuple[NDArray[np.intp], int]:
    """The number of each id among the sorted ones, and how many there are.

    Raises:
        Refusal: not a list of ids of one type, or an id that is missing.
    """
    meant = f"{name} must be a list of ids of one type"
    unordered = isinstance(values, str | bytes | dict | set | frozenset)
    if unordered or not hasattr(values, "__len__"):
        raise Refusal(f"{meant}, found {shown(values)}")
    try:
        # Before numpy makes one type of them: as text, 1 and "1" are one id, and NaN is "nan".
        items = values.tolist() if hasattr(values, "tolist") else list(values)
        if not isinstance(items, list):
            raise TypeError("an array without a dimension")
        absent = [at for at, item in enumerate(items) if _is_missing(item)]
        kinds = {"number" if isinstance(item, Real) else type(item).__name__ for item in items}
        place = {item: at for at, item in enumerate(sorted(set(items)))} if not absent else {}
    except (TypeError, ValueError):
        raise Refusal(f"{meant}, found {shown(values)}: pass text or numbers") from None
    if absent:
        raise Refusal(
            f"{name} holds a missing id at position {absent[0]}: what has no id belongs to no one; "
            "leave it out, and say so"
        )
    if len(kinds) > 1:
        raise Refusal(f"{meant}, found {' and '.join(sorted(kinds))}")
    return np.array([place[item] for item in items], dtype=np.intp), len(place)


def _is_missing(item: Any) -> bool:
    kind = type(item).__name__
    return (
        item is None or kind in ("NAType", "NaTType") or (isinstance(item, Real) and item != item)
    )


def draws(resamples: Any, *, least: int = FEWEST_DRAWS) -> int:
    """How often to draw.

    Raises:
        Refusal: fewer than `least`, no whole number, or more than fit into memory.
    """
    given = count("resamples", resamples, most=MOST_DRAWS)
    if given < least:
        raise Refusal(
            f"resamples = {given} is too few for a p of .05 or 95 % limits: pass at least {least}"
        )
    return given


def generator(rng: Any, otherwise: str = "") -> np.random.Generator:
    """`rng` if it is a generator of numpy's.

    Raises:
        Refusal: none, or a seed; `otherwise` says how to do without.
    """
    if not isinstance(rng, np.random.Generator):
        raise Refusal(f"rng is missing: pass numpy.random.default_rng(seed){otherwise}")
    return rng

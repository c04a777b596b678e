"""Sign-flip permutation test of per-problem differences, enumerated where that is possible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.checks import draws, generator, numbers
from analysis.statistics.results import NO_INFORMATION, OK, Estimate, Refusal
from analysis.vocabulary import PermutationMethod, checked

_BLOCK = 1 << 22
# 2^15 sign patterns are fewer than most numbers of draws, and exact.
_ENUMERATE_UP_TO = 15


@dataclass(frozen=True, kw_only=True)
class SignFlipTest(Estimate):
    """The mean of per-problem differences, and the test that they are symmetric around 0."""

    estimate: float
    p: float = field()


def _per_problem(differences: ArrayLike) -> NDArray[np.float64]:
    """One difference per problem; seeds [n, seeds] are averaged first."""
    values = numbers("differences", differences, missing=True, smallest=0.0)
    if values.ndim not in (1, 2) or values.shape[0] == 0 or values.size == 0:
        raise Refusal(
            f"differences have shape {values.shape}: pass [problems] or [problems, seeds]"
        )
    if np.isnan(values).any():
        raise Refusal(
            "differences hold missing values: drop those problems and say so, or call "
            "missing_bounds on the counts"
        )
    return values if values.ndim == 1 else values.mean(axis=1)


def _enumerated(values: NDArray[np.float64], threshold: float) -> float:
    """Share of all sign patterns whose |sum| reaches `threshold`; the observed one is among them.

    Flipping every sign keeps |sum|, so the first sign may stay.
    """
    sums = values[:1].copy()
    for value in values[1:]:
        sums = np.concatenate([sums + value, sums - value])
    return float((np.abs(sums) >= threshold).mean())


def _drawn(
    values: NDArray[np.float64], threshold: float, rng: np.random.Generator, resamples: int
) -> float:
    """(r + 1)/(B + 1): the observed pattern counts as one of the draws, so p is never 0."""
    reached, step = 0, max(1, _BLOCK // values.size)
    for start in range(0, resamples, step):
        size = (min(step, resamples - start), values.size)
        signs = rng.integers(0, 2, size=size, dtype=np.int8)
        sums = 2 * (signs @ values) - values.sum()
        reached += int((np.abs(sums) >= threshold).sum())
    return (reached + 1) / (resamples + 1)


def permutation_test(
    differences: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    resamples: int = 9999,
    method: PermutationMethod = "auto",
) -> SignFlipTest:
    """Test whether per-problem differences are symmetric around 0, by flipping their signs.

    Args:
        differences: steered minus baseline, [problems], or [problems, seeds]: seeds are averaged
            first, because the problem is the unit.
        rng: generator of the signs; needed unless all patterns are enumerated.
        resamples: number of random sign patterns B.
        method: ``"auto"`` enumerates up to 15 non-zero problems, ``"exact"`` up to 25.

    Returns:
        `SignFlipTest` with the mean difference, the two-sided p ((r + 1)/(B + 1) where drawn) and
        the number of unchanged problems in `dropped` (they change no sum). All unchanged: p = 1 and
        status ``no_information``.

    Raises:
        Refusal: missing values, no `rng` where signs are drawn, too many problems to enumerate.

    Notes:
        Under the null the sign of each problem's difference is a fair coin, independently. For
        differences of single 0/1 outcomes the enumerated p is the exact sign test.

    References:
        Fisher, The Design of Experiments (1935), section 21; Phipson and Smyth, Statistical
        Applications in Genetics and Molecular Biology 9 (2010) 39, for (r + 1)/(B + 1).
    """
    checked(method, PermutationMethod, "method")
    values, resamples = _per_problem(differences), draws(resamples)
    moved = values[values != 0]
    exact = method == "exact" or (method == "auto" and moved.size <= _ENUMERATE_UP_TO)
    # Sums of the same numbers in another order differ in the last bits.
    threshold = abs(float(moved.sum())) - 1e-9 * float(np.abs(moved).sum())
    if moved.size == 0:
        p = 1.0
    elif exact:
        if moved.size > 25:
            raise Refusal(f"2^{moved.size} sign patterns are too many: pass method='random'")
        p = _enumerated(moved, threshold)
    else:
        p = _drawn(moved, threshold, generator(rng), resamples)
    return SignFlipTest(
        method="sign flips, enumerated" if exact else f"sign flips, {resamples} draws",
        estimate=float(values.mean()),
        n=int(values.size),
        p=p,
        statistic=float(values.sum()),
        status=OK if moved.size else NO_INFORMATION,
        dropped=int(values.size - moved.size),
        dropped_what="unchanged problems",
    )

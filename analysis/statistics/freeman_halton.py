"""Exact p of a 2 × S table by the network algorithm: all tables, without listing them.

Tables too large for that get the same p from draws.

Given both margins, the probability of a table with g_s gained of N_s discordant pairs is
∏ C(N_s, g_s) / C(N, G). The p-value sums the tables that are at most as probable as the observed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from analysis.statistics.checks import LARGEST_LISTED

Array = np.ndarray[Any, Any]

# Two tables of mathematically equal probability must compare equal (R uses the same tolerance).
TOLERANCE = 1e-7
# Log probabilities closer than this are one; the next is tried when there are too many of them.
GRAINS = (1e-9, 1e-5, 1e-3)
# Sums after which a grain is given up, counted and not timed so that p is the same everywhere:
# less than a second. One bundle of tables, one table sorted into its node, and one comparison of
# completions cost as much as this many of them.
MOST_STEPS = 2e7
BUNDLE_STEPS, SORT_STEPS, COMPLETION_STEPS = 1_000, 10, 0.1
# p of a table that is too large, of at least 1 in so many; the seed makes it repeatable. More
# strata than that leave time for get fewer draws.
DRAWS, SEED = 99_999, 20_251_951
MOST_DRAWN, FEWEST_DRAWS = 4_000_000, 999
LARGEST_STRATA = 10_000


def fisher_freeman_halton(gained: Array, lost: Array) -> tuple[float, int]:
    """P-value of homogeneity of the odds gained : lost over strata, and its draws (0: exact).

    Args:
        gained, lost: int array, shape (S,).

    Notes:
        Strata are passed one by one. A node is the number of gained pairs placed so far; at it only
        distinct probabilities are kept, with weights. The most and least probable completions of a
        node decide whole bundles of tables at once. In very large tables probabilities are grouped
        within a grain of at most 0.1 %, and a table within the grain of the observed one counts: p
        is then an upper bound. Where the network would not end within seconds, as many tables
        as `drawn_tables` says are drawn from the same distribution, always the same ones, and p is
        (1 + at most as probable) / (1 + drawn).

    References:
        Freeman & Halton (1951), Biometrika 38, 141–149. Mehta & Patel (1983), JASA 78, 427–434.
    """
    sizes = np.asarray(gained) + np.asarray(lost)
    kept = sizes > 0
    sizes, observed = sizes[kept], np.asarray(gained)[kept]
    total = int(observed.sum())
    if len(sizes) < 2 or total in (0, int(sizes.sum())):
        return 1.0, 0
    # Large strata last: the early stages, where little can be decided, then stay narrow.
    order = np.argsort(sizes)
    sizes, observed = sizes[order], observed[order]
    if len(sizes) == 2:
        mass = _listed(sizes, observed) if min(*sizes, total) < LARGEST_LISTED else None
    else:
        mass = _network(sizes, observed)
    if mass is not None:
        return min(1.0, mass), 0
    return _drawn(sizes, observed), drawn_tables(len(sizes))


def drawn_tables(strata: int) -> int:
    """How many tables are drawn where too many could be listed."""
    return int(np.clip(MOST_DRAWN // strata, FEWEST_DRAWS, DRAWS))


def _drawn(sizes: Array, observed: Array) -> float:
    """(r + 1)/(B + 1) of tables drawn with both margins as they are."""
    rng, total = np.random.default_rng(SEED), int(observed.sum())
    limit = _limit(sizes, observed)
    draws, reached, block = drawn_tables(len(sizes)), 0, max(1, 2**20 // len(sizes))
    for start in range(0, draws, block):
        tables = rng.multivariate_hypergeometric(
            sizes, total, size=min(block, draws - start), method="marginals"
        )
        reached += int((_log_choose(sizes, tables).sum(axis=1) <= limit).sum())
    return (reached + 1) / (draws + 1)


def _limit(sizes: Array, observed: Array) -> float:
    """Log product of the observed table; sums in another order differ from it by rounding."""
    limit = float(_log_choose(sizes, observed).sum())
    return limit + max(TOLERANCE, 1e-12 * abs(limit))


def _listed(sizes: Array, observed: Array) -> float:
    """Probability of the tables of two strata at most as probable as `observed`."""
    total = int(observed.sum())
    first = np.arange(max(0, total - int(sizes[1])), min(int(sizes[0]), total) + 1)
    log_product = _log_choose(sizes[0], first) + _log_choose(sizes[1], total - first)
    normaliser = _log_choose(int(sizes.sum()), total)
    return float(np.exp(log_product[log_product <= _limit(sizes, observed)] - normaliser).sum())


def _network(sizes: Array, observed: Array) -> float | None:
    """Probability of the tables at most as probable as `observed`; None where it takes too long."""
    total = int(observed.sum())
    if COMPLETION_STEPS * (total + 1.0) * float(sizes.sum() + len(sizes)) > MOST_STEPS:
        return None
    terms = [_log_choose(size, np.arange(size + 1)) for size in sizes]
    completions = _completions(terms, total)
    for grain in GRAINS:
        mass = _mass(terms, completions, observed, grain)
        if mass is not None:
            return mass
    return None


def _mass(
    terms: list[Array], completions: tuple[list[Array], list[Array]], observed: Array, grain: float
) -> float | None:
    """`_network` with log probabilities that are told apart at `grain`."""
    total, steps = int(observed.sum()), 0.0
    left_in = np.cumsum([0, *(len(term) - 1 for term in reversed(terms))])[::-1].tolist()
    limit = float(sum(term[g] for term, g in zip(terms, observed, strict=True)))
    limit += max(TOLERANCE, grain * len(terms) / 2)
    normaliser = _log_choose(left_in[0], total)
    longest, shortest = completions
    nodes = {0: (np.zeros(1), np.zeros(1))}
    mass = 0.0
    for stage, term in enumerate(terms):
        rest = left_in[stage + 1]
        following: dict[int, list[tuple[Array, Array]]] = {}
        for placed, (past, weight) in nodes.items():
            first = max(0, total - placed - rest)
            g = np.arange(first, min(len(term) - 1, total - placed) + 1)
            left = total - placed - g
            steps += float(len(past)) * len(g)
            if steps > MOST_STEPS:
                return None
            here = past[:, None] + term[g]
            # `weight` is the log of how many paths share this probability.
            bundle = weight[:, None] + here + _log_choose(rest, left) - normaliser
            below = here + longest[stage + 1][left] <= limit
            mass += float(np.exp(bundle[below]).sum())
            undecided = ~below & (here + shortest[stage + 1][left] <= limit)
            columns = np.flatnonzero(undecided.any(axis=0))
            steps += BUNDLE_STEPS * len(columns) + SORT_STEPS * int(undecided.sum())
            if steps > MOST_STEPS:
                return None
            for column in columns:
                rows = undecided[:, column]
                part = here[rows, column], weight[rows]
                following.setdefault(placed + int(g[column]), []).append(part)
        nodes = {node: _merge(parts, grain) for node, parts in following.items()}
    return mass


def _log_choose(n: Array | int, k: Array | int) -> Array:
    return gammaln(n + 1) - gammaln(np.asarray(k) + 1) - gammaln(n - np.asarray(k) + 1)


def _completions(terms: list[Array], total: int) -> tuple[list[Array], list[Array]]:
    """Largest and smallest log product of the strata from each stage on, per number left."""
    longest = [np.full(total + 1, -np.inf) for _ in range(len(terms) + 1)]
    shortest = [np.full(total + 1, np.inf) for _ in range(len(terms) + 1)]
    longest[-1][0] = shortest[-1][0] = 0.0
    for stage in range(len(terms) - 1, -1, -1):
        for g, value in enumerate(terms[stage][: total + 1]):
            stop = total + 1 - g
            np.maximum(
                longest[stage][g:], value + longest[stage + 1][:stop], out=longest[stage][g:]
            )
            np.minimum(
                shortest[stage][g:], value + shortest[stage + 1][:stop], out=shortest[stage][g:]
            )
    return longest, shortest


def _merge(parts: list[tuple[Array, Array]], grain: float) -> tuple[Array, Array]:
    past = np.concatenate([part[0] for part in parts])
    weight = np.concatenate([part[1] for part in parts])
    rounded, index = np.unique(np.round(past / grain), return_inverse=True)
    counts = np.zeros(len(rounded))
    top = weight.max()
    np.add.at(counts, index, np.exp(weight - top))
    return rounded * grain, np.log(counts) + top

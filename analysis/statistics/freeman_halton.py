"""Exact p of a 2 × S table by the network algorithm: all tables, without listing them.

Tables too large for that get the same p from draws.

Given both margins, the probability of a table with g_s gained of N_s discordant pairs is
∏ C(N_s, g_s) / C(N, G). The p-value sums the tables that are at most as probable as the observed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

Array = np.ndarray[Any, Any]

# Two tables of mathematically equal probability must compare equal (R uses the same tolerance).
TOLERANCE = 1e-7
# Log probabilities closer than this are one; the next is tried when there are too many of them.
GRAINS = (1e-9, 1e-5, 1e-3, 1e-2)
MOST_STATES = 2_000_000
# Steps after which the network is given up: a minute or two.
MOST_STEPS = 1e10
# The same for the table of completions, which is stored.
MOST_COMPLETIONS = 4e9
# Taking up one bundle of tables costs as much as this many sums.
BUNDLE_STEPS = 30_000
# p of a table that is too large, of at least 1 in so many; the seed makes it repeatable.
DRAWS, SEED = 99_999, 20_251_951


def fisher_freeman_halton(gained: Array, lost: Array) -> tuple[float, bool]:
    """P-value of homogeneity of the odds gained : lost over strata, and whether it was drawn.

    Args:
        gained, lost: int array, shape (S,).

    Notes:
        Strata are passed one by one. A node is the number of gained pairs placed so far; at it only
        distinct probabilities are kept, with weights. The most and least probable completions of a
        node decide whole bundles of tables at once. In very large tables probabilities are grouped
        within a grain of at most 1 %, and a table within the grain of the observed one is counted:
        p is then an upper bound. Where the network would not end within minutes, as many
        tables as `DRAWS` are drawn from the same distribution, always the same ones, and p is
        (1 + at most as probable) / (1 + drawn): also an upper bound, and never below 0.00001.

    References:
        Freeman & Halton (1951), Biometrika 38, 141–149. Mehta & Patel (1983), JASA 78, 427–434.
    """
    sizes = np.asarray(gained) + np.asarray(lost)
    kept = sizes > 0
    sizes, observed = sizes[kept], np.asarray(gained)[kept]
    total = int(observed.sum())
    if len(sizes) < 2 or total in (0, int(sizes.sum())):
        return 1.0, False
    # Large strata last: the early stages, where little can be decided, then stay narrow.
    order = np.argsort(sizes)
    sizes, observed = sizes[order], observed[order]
    for grain in GRAINS:
        mass = _mass(sizes, observed, grain)
        if mass is not None:
            return min(1.0, mass), False
    return _drawn(sizes, observed), True


def _drawn(sizes: Array, observed: Array) -> float:
    """(r + 1)/(B + 1) of tables drawn with both margins as they are."""
    rng, total = np.random.default_rng(SEED), int(observed.sum())
    limit = float(_log_choose(sizes, observed).sum())
    # Sums of large logarithms in another order differ by rounding: equal tables must count.
    limit += max(TOLERANCE, 1e-12 * abs(limit))
    reached, block = 0, max(1, 2**20 // len(sizes))
    for start in range(0, DRAWS, block):
        tables = rng.multivariate_hypergeometric(
            sizes, total, size=min(block, DRAWS - start), method="marginals"
        )
        reached += int((_log_choose(sizes, tables).sum(axis=1) <= limit).sum())
    return (reached + 1) / (DRAWS + 1)


def _mass(sizes: Array, observed: Array, grain: float) -> float | None:
    """Probability of the tables at most as probable as `observed`; None where it takes too long."""
    total = int(observed.sum())
    if float(total + 1) * float(sizes.sum() + len(sizes)) > MOST_COMPLETIONS:
        return None
    steps = 0
    terms = [_log_choose(size, np.arange(size + 1)) for size in sizes]
    limit = float(sum(term[g] for term, g in zip(terms, observed, strict=True)))
    limit += max(TOLERANCE, grain * len(terms) / 2)
    normaliser = _log_choose(int(sizes.sum()), total)
    longest, shortest = _completions(terms, total)
    nodes = {0: (np.zeros(1), np.zeros(1))}
    mass = 0.0
    for stage, term in enumerate(terms):
        rest = int(sizes[stage + 1 :].sum())
        following: dict[int, list[tuple[Array, Array]]] = {}
        for placed, (past, weight) in nodes.items():
            first = max(0, total - placed - rest)
            g = np.arange(first, min(len(term) - 1, total - placed) + 1)
            left = total - placed - g
            steps += len(past) * len(g)
            here = past[:, None] + term[g]
            # `weight` is the log of how many paths share this probability.
            bundle = weight[:, None] + here + _log_choose(rest, left) - normaliser
            below = here + longest[stage + 1][left] <= limit
            mass += float(np.exp(bundle[below]).sum())
            undecided = ~below & (here + shortest[stage + 1][left] <= limit)
            columns = np.flatnonzero(undecided.any(axis=0))
            steps += BUNDLE_STEPS * len(columns)
            if steps > MOST_STEPS:
                return None
            for column in columns:
                rows = undecided[:, column]
                part = here[rows, column], weight[rows]
                following.setdefault(placed + int(g[column]), []).append(part)
        nodes = {node: _merge(parts, grain) for node, parts in following.items()}
        if sum(len(past) for past, _ in nodes.values()) > MOST_STATES and grain < GRAINS[-1]:
            return None
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

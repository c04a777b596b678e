"""Speed of the pair statistics against loops over scipy and statsmodels, as ratios in one run.

    python -m benchmarks.statistics_pairs [--json]

Slow references are timed on a sample of the conditions and extrapolated per condition; every
reference is also compared with the fast result on its sample (bca with scipy's percentile limits,
since its own BCa jackknife takes minutes a condition). Best of three for the fast side,
one pass for the slow side; both on whatever else the machine is doing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from analysis import bootstrap_difference, mcnemar, paired_difference, sign_test, wilson

CONDITIONS, SAMPLE, N = 10_000, 300, 1319
BOOTSTRAP_CONDITIONS, BOOTSTRAP_SAMPLE, RESAMPLES = 1000, 3, 9999
Z = float(stats.norm.ppf(0.975))


def seconds(function: Callable[[], Any], repeats: int = 1) -> float:
    """The best time of several runs."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return float(best)


def tango_by_brentq(gained: int, lost: int, n: int) -> tuple[float, float]:
    """Tango's limits as one would write them with scipy for one table."""

    def z(delta: float) -> float:
        """Tango's score at a difference."""
        b = (2 * n - gained + lost) * delta - gained - lost
        p = (np.sqrt(b * b + 8 * n * lost * delta * (1 - delta)) - b) / (4 * n)
        return float((gained - lost - n * delta) / np.sqrt(n * (2 * p + delta * (1 - delta))))

    effect = (gained - lost) / n
    low = optimize.brentq(lambda d: z(d) - Z, -1 + 1e-9, effect)
    return float(low), float(optimize.brentq(lambda d: z(d) + Z, effect, 1 - 1e-9))


def scipy_midp(gained: int, lost: int) -> float:
    """Mid-p of one table with scipy."""
    smaller, changed = min(gained, lost), gained + lost
    p = 2 * stats.binom.cdf(smaller, changed, 0.5) - stats.binom.pmf(smaller, changed, 0.5)
    return float(min(1.0, p))


def statsmodels_p(gained: int, lost: int, *, exact: bool) -> float:
    """McNemar's p of one table with statsmodels."""
    table = [[N - gained - lost, lost], [gained, 0]]
    return float(statsmodels_mcnemar(table, exact=exact, correction=False).pvalue)


def scipy_sign_test(gained: int, lost: int) -> tuple[float, float, float]:
    """p and limits of one sign test with scipy."""
    test = stats.binomtest(gained, gained + lost)
    interval = test.proportion_ci()
    return float(test.pvalue), float(interval.low), float(interval.high)


def row(name: str, fast: float, slow: float, asked: float, agreement: float) -> dict[str, Any]:
    """One line of the table: both times, their ratio, and how well they agree."""
    return {
        "name": name,
        "fast_ms": 1000 * fast,
        "slow_s": slow,
        "ratio": slow / fast,
        "asked": asked,
        "largest_difference": agreement,
    }


def count_rows(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Tests and intervals of 10,000 conditions with 2-40 % discordance."""
    rate = rng.uniform(0.01, 0.2, (2, CONDITIONS))
    gained, lost = rng.binomial(N, rate)
    pairs = [(int(g), int(lo)) for g, lo in zip(gained[:SAMPLE], lost[:SAMPLE], strict=True)]
    cases: list[tuple[str, Callable[[], Any], Callable[[int, int], Any], Callable[[Any], Any]]] = [
        ("McNemar mid-p", lambda: mcnemar(gained, lost), scipy_midp, lambda r: r.p),
        (
            "McNemar exact",
            lambda: mcnemar(gained, lost, method="exact"),
            lambda g, lo: statsmodels_p(g, lo, exact=True),
            lambda r: r.p,
        ),
        (
            "McNemar chi-square",
            lambda: mcnemar(gained, lost, method="chi2"),
            lambda g, lo: statsmodels_p(g, lo, exact=False),
            lambda r: r.p,
        ),
        (
            "sign test with interval",
            lambda: sign_test(gained, lost),
            scipy_sign_test,
            lambda r: np.stack([r.p, r.low, r.high], axis=1),
        ),
        (
            "Tango interval and mid-p",
            lambda: paired_difference(gained, lost, N),
            lambda g, lo: (*tango_by_brentq(g, lo, N), scipy_midp(g, lo)),
            lambda r: np.stack([r.low, r.high, r.p], axis=1),
        ),
        (
            "Wilson interval",
            lambda: wilson(gained, N),
            lambda g, lo: proportion_confint(g, N, method="wilson"),
            lambda r: np.stack([r.low, r.high], axis=1),
        ),
    ]
    rows = []
    for name, fast, slow, values in cases:
        reference: list[Any] = []
        slow(*pairs[0])

        def by_loop(
            slow: Callable[[int, int], Any] = slow, reference: list[Any] = reference
        ) -> None:
            """One call for each pair."""
            reference.extend(slow(*pair) for pair in pairs)

        sampled = seconds(by_loop)
        gap = np.abs(values(fast())[:SAMPLE] - np.array(reference)).max()
        whole = sampled / SAMPLE * CONDITIONS
        rows.append(row(f"{name}, {CONDITIONS:,}", seconds(fast, 3), whole, 100, float(gap)))
    return rows


def bootstrap_rows(rng: np.random.Generator) -> list[dict[str, Any]]:
    """1,000 conditions, n = 1319, 9,999 resamples, against scipy's vectorised paired bootstrap."""
    rate = rng.uniform(0.01, 0.2, (2, BOOTSTRAP_CONDITIONS))
    gained, lost = rng.binomial(N, rate)
    limits, slow = [], 0.0
    for g, lo in zip(gained[:BOOTSTRAP_SAMPLE], lost[:BOOTSTRAP_SAMPLE], strict=True):
        before = np.repeat([0.0, 1.0, 0.0], [g, lo, N - g - lo])
        after = np.repeat([1.0, 0.0, 0.0], [g, lo, N - g - lo])
        start = time.perf_counter()
        result = stats.bootstrap(
            (after, before),
            lambda a, b, axis: (a - b).mean(axis=axis),
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=rng,
        ).confidence_interval
        slow += time.perf_counter() - start
        limits.append((result.low, result.high))
    whole = slow / BOOTSTRAP_SAMPLE * BOOTSTRAP_CONDITIONS
    rows = []
    for method, asked in (("percentile", 100.0), ("bca", 100.0), ("exact", 300.0)):

        def fast(method: Any = method) -> Any:
            """One bootstrap of ours."""
            return bootstrap_difference(
                gained, lost, N, rng=np.random.default_rng(1), resamples=RESAMPLES, method=method
            )

        result = fast()
        ours = np.stack([result.low, result.high], axis=1)[:BOOTSTRAP_SAMPLE]
        gap = float(np.abs(ours - np.array(limits)).max())
        rows.append(
            row(
                f"bootstrap {method}, {BOOTSTRAP_CONDITIONS:,}", seconds(fast, 2), whole, asked, gap
            )
        )
    return rows


def main() -> int:
    """Print every ratio; 1 where one is below what was asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rng = np.random.default_rng(20251021)
    rows = [*count_rows(rng), *bootstrap_rows(rng)]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{'what':36} {'here':>10} {'loop':>10} {'ratio':>8} {'asked':>6} {'max diff':>9}")
        for r in rows:
            print(
                f"{r['name']:36} {r['fast_ms']:>7.1f} ms {r['slow_s']:>8.1f} s "
                f"{r['ratio']:>8.0f} {r['asked']:>6.0f} {r['largest_difference']:>9.1e}"
            )
    return 0 if all(r["ratio"] >= r["asked"] for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

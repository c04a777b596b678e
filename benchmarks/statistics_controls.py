"""Speed and memory of max-T over a large sweep, checked against a loop that does the obvious.

    python -m benchmarks.statistics_controls [--json] [--conditions 1300] [--problems 1319]

The loop draws the same signs one flip at a time; it is timed on a sample of flips and
extrapolated, and its counts must equal the fast ones. Exits 1 when a mark is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from analysis import compare_to_controls, max_t, stratum_homogeneity
from analysis.statistics.signflips import SignFlips, t_squared

SECONDS_ASKED, GIBIBYTES_ASKED = 5.0, 2.0
FLIPS, SAMPLE = 9999, 50


def sweep(rng: np.random.Generator, problems: int, conditions: int) -> tuple[Any, Any]:
    """0/1 outcomes of a baseline and conditions that change 10 % of them."""
    baseline = rng.random(problems) < 0.4
    changed = rng.random((problems, conditions)) < 0.10
    return (baseline[:, None] ^ changed).astype(np.float32), baseline.astype(np.float32)


def loop_counts(d: Any, seed: int, flips: int) -> tuple[Any, float]:
    """Largest T² of each flip by one matrix-vector product a flip, and the time it took."""
    drawn = SignFlips(np.eye(len(d)), rng=np.random.default_rng(seed), resamples=flips)
    signs = np.concatenate([sums for _, sums in drawn]).astype(float)
    squares = (d**2).sum(axis=0)
    start = time.perf_counter()
    largest = [((sign @ d) ** 2 / squares).max() for sign in signs]
    return np.array(largest), time.perf_counter() - start


def fast_counts(d: Any, seed: int, flips: int) -> Any:
    """The largest statistic of each flip, by the library's matrix product."""
    squares = (d**2).sum(axis=0)
    drawn = SignFlips(d, rng=np.random.default_rng(seed), resamples=flips)
    return np.concatenate([t_squared(sums, squares).max(axis=1) for _, sums in drawn])


def timed(function: Any) -> tuple[float, float]:
    """Seconds by the clock and by the processors."""
    start, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - busy


def measure(problems: int, conditions: int) -> dict[str, Any]:
    """Time, memory and agreement of max-T, and of what else takes arrays."""
    rng = np.random.default_rng(0)
    y, baseline = sweep(rng, problems, conditions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runs = [
        timed(lambda: max_t(y, baseline, rng=np.random.default_rng(1), resamples=FLIPS))
        for _ in range(3)
    ]
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    d = (y - baseline[:, None]).astype(float)
    # Rows without any change are left out by the fast side: give both the same rows.
    d = d[(d != 0).any(axis=1)]
    slow, spent = loop_counts(d, 2, SAMPLE)
    seconds = min(elapsed for elapsed, _ in runs)
    strata = np.random.default_rng(3).integers(10, 50, (2, 6))
    return {
        "max_t_seconds": seconds,
        "max_t_seconds_each": [elapsed for elapsed, _ in runs],
        "max_t_processor_seconds": min(busy for _, busy in runs),
        "max_t_gibibytes": after / 2**20,
        "max_t_gibibytes_added": (after - before) / 2**20,
        "loop_seconds": spent * FLIPS / SAMPLE,
        "ratio": spent * FLIPS / SAMPLE / seconds,
        "same_counts": bool(np.array_equal(slow, fast_counts(d, 2, SAMPLE))),
        "controls_1000x99_seconds": timed(
            lambda: compare_to_controls(rng.normal(size=1000), rng.normal(size=(1000, 99)))
        )[0],
        "freeman_halton_6_strata_seconds": timed(lambda: stratum_homogeneity(*strata))[0],
    }


def main() -> int:
    """Print what was measured; 1 where a figure that was asked is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--conditions", type=int, default=1300)
    parser.add_argument("--problems", type=int, default=1319)
    arguments = parser.parse_args()
    measured = measure(arguments.problems, arguments.conditions)
    measured["meets"] = bool(
        measured["max_t_seconds"] < SECONDS_ASKED
        and measured["max_t_gibibytes"] < GIBIBYTES_ASKED
        and measured["same_counts"]
    )
    if arguments.json:
        print(json.dumps(measured, indent=2))
    else:
        print(
            f"max-T, {arguments.conditions} conditions x {arguments.problems} problems x {FLIPS} "
            f"flips: {measured['max_t_seconds']:.2f} s (asked < {SECONDS_ASKED:g}), peak "
            f"{measured['max_t_gibibytes']:.2f} GiB (asked < {GIBIBYTES_ASKED:g}), "
            f"{measured['max_t_processor_seconds']:.2f} s of processor time\n"
            f"flip by flip: {measured['loop_seconds']:.0f} s, ratio {measured['ratio']:.0f}; "
            f"same counts: {measured['same_counts']}\n"
            f"compare_to_controls, 1000 candidates x 99 controls with both intervals of d: "
            f"{measured['controls_1000x99_seconds']:.2f} s\n"
            f"Fisher-Freeman-Halton, 6 strata: {measured['freeman_halton_6_strata_seconds']:.3f} s"
        )
    return 0 if measured["meets"] else 1


if __name__ == "__main__":
    sys.exit(main())

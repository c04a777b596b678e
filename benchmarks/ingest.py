"""How fast committed shards become rows, and how cheap a second ingest of 1 % more is.

    python benchmarks/ingest.py --outcomes 10000000

The reference, in the same run, is DuckDB's own copy of the same shards into one table of a new file
(`CREATE TABLE … AS FROM read_parquet`): no hashes verified, no copies looked for, no ids mapped.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sweep import write_sweep
from store import create_store, ingest

PROBLEMS, SEEDS = 1000, 4


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock and processor seconds of some work, the disk quiet beforehand."""
    os.sync()
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def copy_plainly(root: Path, target: Path) -> None:
    """The reference: the shards as they are, in one table."""
    files = [str(path) for path in (root / "shards" / "outcomes").glob("*.parquet")]
    with duckdb.connect(str(target)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("CREATE TABLE t AS FROM read_parquet($files)", {"files": files})


def measure(outcomes: int, shard_rows: int, norms: bool, folder: Path) -> dict[str, Any]:
    """Write a sweep, ingest it, ingest 1 % more; rates, ratios and the reference."""
    rng = np.random.default_rng(1)
    conditions = max(100, outcomes // (PROBLEMS * SEEDS))
    write = partial(
        write_sweep, problems=PROBLEMS, seeds=SEEDS, shard_rows=shard_rows, norms=norms, rng=rng
    )
    root = create_store(folder / "store")
    n_outcomes = write(root, conditions=conditions)
    reference, reference_cpu = timed(lambda: copy_plainly(root, folder / "plain.duckdb"))
    first, first_cpu = timed(lambda: ingest(root))
    more = write(root, conditions=conditions // 100, first_condition=conditions)
    second, second_cpu = timed(lambda: ingest(root))
    nothing, _ = timed(lambda: ingest(root))
    return {
        "outcomes": n_outcomes,
        "norms": norms,
        "first_seconds": first,
        "first_cpu_seconds": first_cpu,
        "outcomes_per_second": n_outcomes / first,
        "outcomes_per_cpu_second": n_outcomes / first_cpu,
        "reference_seconds": reference,
        "reference_cpu_seconds": reference_cpu,
        "first_over_reference": first / reference,
        "second_outcomes": more,
        "second_seconds": second,
        "second_cpu_seconds": second_cpu,
        "second_over_first": second / first,
        "nothing_new_seconds": nothing,
        "file_bytes_per_outcome": (root / "results.duckdb").stat().st_size / (n_outcomes + more),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    """Write a sweep, ingest it, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outcomes", type=int, default=4_000_000)
    parser.add_argument("--shard-rows", type=int, default=250_000)
    parser.add_argument("--norms", action="store_true", help="with all norms (slower, larger)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(given.outcomes, given.shard_rows, given.norms, Path(folder))
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()

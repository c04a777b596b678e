"""Bytes per outcome on disk, by column, of a sweep's committed shards.

    python benchmarks/disk.py --outcomes 10000000

The reference, in the same run, is the same rows as plain Parquet (pyarrow's defaults, rows in the
order in which a collector makes them). Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sweep import write_sweep
from store import create_store
from store.compact import compact

PROBLEMS, SEEDS = 1000, 4
GROUPS = {
    "ids_answer_status_correct": (
        ["condition_id", "problem_id", "seed", "run_id", "answer", "status", "correct", "fragile"]
    ),
    "logprob_margin": ["gold_logprob", "margin"],
    "norms": ["norm_before", "norm_after", "norm_fed", "cosine"],
    "tokens_text": ["tokens", "text"],
}


def column_bytes(files: list[Path]) -> tuple[Counter[str], int]:
    """Compressed bytes of every column over all files, and the number of rows."""
    total: Counter[str] = Counter()
    n_rows = 0
    for path in files:
        metadata = pq.read_metadata(path)
        n_rows += metadata.num_rows
        for group in range(metadata.num_row_groups):
            for i in range(metadata.num_columns):
                column = metadata.row_group(group).column(i)
                total[column.path_in_schema.split(".")[0]] += column.total_compressed_size
    return total, n_rows


def grouped(files: list[Path]) -> dict[str, float]:
    """Bytes per outcome of each group of columns."""
    columns, n_rows = column_bytes(files)
    return {name: sum(columns[c] for c in group) / n_rows for name, group in GROUPS.items()}


def plainly(files: list[Path], folder: Path) -> list[Path]:
    """The same rows with pyarrow's defaults, problem by problem as a collector makes them."""
    written = []
    for i, path in enumerate(files):
        table = pq.read_table(path).sort_by([("problem_id", "ascending"), ("seed", "ascending")])
        written.append(folder / f"{i}.parquet")
        pq.write_table(table, written[-1])
    return written


def measure(outcomes: int, shard_rows: int, compacted: bool, folder: Path) -> dict[str, Any]:
    """Write a sweep with all norms and weigh it."""
    root = create_store(folder / "store")
    n_outcomes = write_sweep(
        root,
        problems=PROBLEMS,
        conditions=max(1, outcomes // (PROBLEMS * SEEDS)),
        seeds=SEEDS,
        shard_rows=shard_rows,
        norms=True,
        rng=np.random.default_rng(1),
    )
    if compacted:
        compact(root)
    files = sorted((root / "shards" / "outcomes").glob("*.parquet"))
    ours = grouped(files)
    reference = grouped(plainly(files[:4], folder))
    base = ours["ids_answer_status_correct"]
    scores = base + ours["logprob_margin"]
    return {
        "outcomes": n_outcomes,
        "shards": len(files),
        "bytes_ids_answer_status_correct": base,
        "bytes_with_logprob_margin": scores,
        "bytes_with_all_norms": scores + ours["norms"],
        "bytes_tokens_text": ours["tokens_text"],
        "bytes_whole_files": sum(path.stat().st_size for path in files) / n_outcomes,
        "reference_by_group": reference,
        "ours_by_group": ours,
        "ours_over_reference": sum(ours.values()) / sum(reference.values()),
    }


def main() -> None:
    """Write a sweep and weigh it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--shard-rows", type=int, default=250_000)
    parser.add_argument("--compact", action="store_true", help="compact before weighing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(given.outcomes, given.shard_rows, given.compact, Path(folder))
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()

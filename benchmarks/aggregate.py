"""How fast is gained/lost/n for every (direction, alpha, stratum)? Views against pandas merges.

    python benchmarks/aggregate.py                      # 10 million outcomes, view and pandas
    python benchmarks/aggregate.py --outcomes 100_000_000 --no-pandas

The store is made in DuckDB directly: conditions x problems x two seeds, a greedy baseline with seed
0 alone, 2 % missing outcomes, two schemes of strata. The view is timed as a reader meets it: a new
read-only connection with two threads and 1.6 GB for DuckDB, result fetched.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

N_PROBLEMS = 10_000
SEEDS = (0, 1)
ALPHAS = [a / 2 for a in range(-6, 7) if a]
QUERY = """
SELECT direction, alpha, scheme, level, n_pairs, gained, lost
FROM accuracy_by_stratum WHERE direction IS NOT NULL
"""
Row = tuple[Any, ...]
SETTINGS = "SET threads = 2; SET memory_limit = '1600MB'; SET temp_directory = ''"


class Timing(TypedDict, total=False):
    """What one kind took: seconds of each repeat, and what the rows were."""

    seconds: list[float]
    cpu: list[float]
    n_rows: int
    digest: int
    peak_mb: float


def build(path: Path, outcomes: int) -> int:
    """Write a results file with about `outcomes` rows; return their exact number."""
    from store.database import create

    n_directions = max(1, round(outcomes / N_PROBLEMS / len(SEEDS) / len(ALPHAS)))
    with create(path) as connection:
        connection.execute("SET preserve_insertion_order = false; SET threads = 2")
        connection.execute("SET memory_limit = '4GB'")
        _catalogue(connection, n_directions)
        _outcomes(connection)
        connection.execute("CHECKPOINT")
        return int(connection.execute("SELECT count(*) FROM outcome_rows").fetchall()[0][0])


def _catalogue(connection: duckdb.DuckDBPyConnection, n_directions: int) -> None:
    size = {"n": n_directions, "problems": N_PROBLEMS}
    alphas = {"n": n_directions, "alphas": ALPHAS}
    connection.execute("INSERT INTO models (model_id, name) VALUES ('m', 'model')")
    connection.execute(
        "INSERT INTO directions (direction_id, name, kind, role, site) "
        "SELECT md5('d' || i), 'direction_' || i, 'random', 'control', 'latent' "
        "FROM range($n) AS t(i)",
        {"n": n_directions},
    )
    connection.execute(
        "INSERT INTO conditions (condition_id, model_id, direction_id, alpha, site, protocol, "
        "dtype) SELECT md5('c' || i || '/' || a), 'm', md5('d' || i), a, 'latent', 'codi', "
        "'float32' FROM range($n) AS t(i), unnest($alphas) AS u(a) "
        "UNION ALL SELECT md5('baseline'), 'm', NULL, 0, NULL, 'codi', 'float32'",
        alphas,
    )
    connection.execute(
        "INSERT INTO problems (problem_id, question, answer, n_steps) "
        "SELECT md5('p' || i), 'question ' || i, '1', i % 4 + 1 FROM range($problems) AS t(i)",
        {"problems": size["problems"]},
    )
    connection.execute(
        "INSERT INTO problem_sets (set_name, problem_id, split, selection) "
        "SELECT 'primary', problem_id, 'test', 'random' FROM problems"
    )
    connection.execute(
        "INSERT INTO strata (scheme, problem_id, level, source) "
        "SELECT 'operation', problem_id, 'o' || hash(problem_id) % 3, 'made' FROM problems"
    )
    connection.execute(
        "INSERT INTO condition_keys SELECT row_number() OVER (ORDER BY condition_id), condition_id "
        "FROM conditions"
    )
    connection.execute(
        "INSERT INTO problem_keys SELECT row_number() OVER (ORDER BY problem_id), problem_id "
        "FROM problems"
    )


def _outcomes(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows sorted as ingest sorts them; whether one is right hangs on its numbers alone."""
    connection.execute(
        "INSERT INTO outcome_rows (condition_no, problem_no, seed, run_no, shard_no, status, "
        "correct, fragile, margin) "
        "SELECT condition_no, problem_no, seed, 1, 1, "
        "  CASE WHEN missing THEN 'parse_fail' ELSE 'ok' END, "
        "  CASE WHEN NOT missing THEN (h % 100) < 30 + problem_no % 40 END, h % 997 = 0, "
        "  (h % 1000) / 100 "
        "FROM (SELECT k.condition_no, p.problem_no, s.seed, "
        "        hash(k.condition_no, p.problem_no, s.seed) AS h, "
        "        hash(s.seed, p.problem_no, k.condition_no) % 50 = 0 AS missing "
        "      FROM condition_keys AS k JOIN conditions AS c USING (condition_id), "
        "        problem_keys AS p, unnest([0, 1]) AS s(seed) "
        "      WHERE c.direction_id IS NOT NULL OR s.seed = 0)"
    )


def time_view(path: Path, repeats: int) -> Timing:
    """Seconds of each repeat on a new connection, and the rows' digest."""
    import duckdb

    seconds, cpu = [], []
    for _ in range(repeats):
        with duckdb.connect() as connection:
            connection.execute(SETTINGS)
            connection.execute(f"ATTACH '{path}' AS results (READ_ONLY)")
            connection.execute("USE results")
            started, worked = time.perf_counter(), time.process_time()
            rows = connection.execute(QUERY).fetchall()
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
    digest = hash(tuple(sorted(rows)))
    return {"seconds": seconds, "cpu": cpu, "n_rows": len(rows), "digest": digest}


def time_pandas(path: Path, repeats: int) -> Timing:
    """The same table by pandas merges, on frames with the same integer keys; loading not timed."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        outcomes, conditions, strata = (
            connection.execute(text).df()
            for text in (
                "SELECT condition_no, problem_no, seed, correct FROM outcome_rows",
                "SELECT condition_no, baseline_no, direction, alpha FROM condition_details",
                "SELECT problem_no, scheme, level FROM problem_strata JOIN problem_keys "
                "USING (problem_id)",
            )
        )
    seconds, cpu = [], []
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        rows = _by_pandas(outcomes, conditions, strata)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - worked)
    digest = hash(tuple(sorted(rows)))
    return {"seconds": seconds, "cpu": cpu, "n_rows": len(rows), "digest": digest}


def _by_pandas(outcomes: pd.DataFrame, conditions: pd.DataFrame, strata: pd.DataFrame) -> list[Row]:
    baseline_no = conditions.loc[conditions["direction"].isna(), "condition_no"]
    base = outcomes[outcomes["condition_no"].isin(baseline_no) & (outcomes["seed"] == 0)]
    base = base.rename(columns={"condition_no": "baseline_no", "correct": "before"})
    steered = outcomes.merge(conditions.dropna(subset="direction"), on="condition_no")
    pairs = steered.merge(
        base[["baseline_no", "problem_no", "before"]], on=["baseline_no", "problem_no"]
    )
    known = pairs["correct"].notna() & pairs["before"].notna()
    after, before = pairs["correct"].eq(True), pairs["before"].eq(True)
    pairs = pairs.assign(
        n_pairs=known, gained=known & after & ~before, lost=known & ~after & before
    )
    spread = pairs.merge(strata, on="problem_no")
    key = ["direction", "alpha", "scheme", "level"]
    totals = spread.groupby(key, observed=True)[["n_pairs", "gained", "lost"]].sum()
    return [
        (*index, *map(int, row)) for index, row in zip(totals.index, totals.to_numpy(), strict=True)
    ]


def _child(kind: str, path: Path, repeats: int) -> Timing:
    """Measure in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--measure", kind, "--store", str(path)]
    command += ["--repeats", str(repeats)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    timing: Timing = json.loads(done.stdout)
    return timing


def main() -> None:
    """Make the file, time both sides turn by turn, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outcomes", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=4, help="of two timings each")
    parser.add_argument("--repeats", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--no-pandas", action="store_true")
    parser.add_argument("--store", type=Path, help="a results file to use, made if it is missing")
    parser.add_argument("--measure", choices=["view", "pandas"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measured = (
            time_view(given.store, given.repeats)
            if given.measure == "view"
            else time_pandas(given.store, given.repeats)
        )
        measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(measured))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder) / "results.duckdb"
        if not path.exists():
            started = time.perf_counter()
            n = build(path, given.outcomes)
            print(
                f"made {n:,} outcomes in {time.perf_counter() - started:.1f} s, "
                f"{path.stat().st_size / n:.2f} bytes each"
            )
        kinds = ["view"] if given.no_pandas else ["view", "pandas"]
        # Turn by turn, so that other load on the machine meets both.
        rounds = [{kind: _child(kind, path, 2) for kind in kinds} for _ in range(given.rounds)]
        best = {kind: _merged([each[kind] for each in rounds]) for kind in kinds}
        for kind in kinds:
            _print_timing(kind, best[kind])
        if not given.no_pandas:
            view, pandas = best["view"], best["pandas"]
            cpu = min(pandas["cpu"]) / min(view["cpu"])
            print(
                f"ratio:  {min(pandas['seconds']) / min(view['seconds']):.1f} of best times, "
                f"{cpu:.1f} of CPU times (the view has two threads)"
            )
            print(f"equal:  {pandas['digest'] == view['digest']}")


def _merged(rounds: list[Timing]) -> Timing:
    """All times of one kind; the rest is that of the first round."""
    return {
        **rounds[0],
        "seconds": [s for each in rounds for s in each["seconds"]],
        "cpu": [s for each in rounds for s in each["cpu"]],
        "peak_mb": max(each["peak_mb"] for each in rounds),
    }


def _print_timing(name: str, measured: Timing) -> None:
    print(
        f"{name + ':':8}{min(measured['seconds']):.2f} s best of {len(measured['seconds'])} "
        f"(CPU {min(measured['cpu']):.2f} s), {measured['n_rows']:,} rows, "
        f"peak {measured['peak_mb']:,.0f} MB"
    )


if __name__ == "__main__":
    main()

"""Kill collectors and ingest at random moments until the work is done; nothing may be lost.

    python benchmarks/chaos.py --kills 200
    python benchmarks/chaos.py --kills 20 --command "steerstat collect {store} plan.toml"

Writers (two at once, over the same units in different orders, unless `--command` names another
collector), an ingest loop and a reader work on one store. Writers and ingest are ended by SIGKILL
at random moments and started again. In the end the store must equal that of an uninterrupted run:
same digest over sorted rows, every unit once, `store check` without a fault.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CONDITIONS, PROBLEMS, BATCH = 20, 20, 10
UNITS_PER_KILL = 120  # more than writers get done before they are killed


@dataclasses.dataclass
class Report:
    """What the run showed; `whole` is the verdict."""

    kills: int
    ingest_kills: int
    units: int
    rows: int
    doubled: int
    ignored: int
    digest: str
    reference: str
    faults: list[str]
    reads: int
    reader_error: str
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, doubled or altered."""
        return (
            self.digest == self.reference
            and self.rows == self.units
            and not (self.doubled or self.faults or self.reader_error)
        )


def unit(condition: int, problem: int, seed: int) -> dict[str, Any]:
    """The outcome of a unit, the same whoever computes it."""
    rng = random.Random(f"{condition}/{problem}/{seed}")
    right, failed = rng.random() < 0.5, rng.random() < 0.05
    answer = None if failed else str(problem if right else problem + 1)
    return {
        "condition_id": f"condition{condition:04d}",
        "problem_id": f"problem{problem:04d}",
        "seed": seed,
        "run_id": "chaos",
        "tokens": [3, problem, condition],
        "text": f": {answer}",
        "answer": answer,
        "status": "parse_fail" if failed else "ok",
        "correct": None if failed else right,
        "gold_logprob": -rng.random(),
        "margin": rng.random(),
        "fragile": False,
        "norm_before": [rng.random() for _ in range(6)],
    }


def write(store: Path, order: int, seeds: int) -> None:
    """A small collector: computes what is missing, a committed shard per batch of units."""
    from store import append, committed, create_store

    root = create_store(store)
    keys = ["condition_id", "problem_id", "seed"]
    done = set(zip(*committed(root, "outcomes", keys).to_pydict().values(), strict=True))
    every = itertools.product(range(CONDITIONS), range(PROBLEMS), range(seeds))
    rows = [unit(*numbers) for numbers in every]
    random.Random(order).shuffle(rows)
    todo = [row for row in rows if tuple(row[name] for name in keys) not in done]
    run = {"run_id": "chaos", "created_at": datetime(2026, 1, 1), "status": "running"}
    append(root, "runs", [run])
    print("ready", flush=True)
    for start in range(0, len(todo), BATCH):
        append(root, "outcomes", todo[start : start + BATCH], run_id="chaos")
        time.sleep(0.02)
    append(root, "runs", [run | {"status": "complete"}])


def keep_ingesting(store: Path) -> None:
    """The ingest loop that is killed again and again."""
    from store import ingest

    print("ready", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # nobody is left to end an orphan
        ingest(store)
        time.sleep(0.2)


def keep_reading(store: Path) -> None:
    """Open again and again in one process: rows never go back, an old connection never breaks."""
    from sql.errors import UserError
    from store import connect

    count = "SELECT count(*), count(DISTINCT (condition_id, problem_id, seed)) FROM outcomes"
    seen = reads = 0
    old: Any = None
    parent = os.getppid()
    while os.getppid() == parent and not (store / "stop").exists():
        try:
            new = connect(store)
        except UserError as error:
            if "is not there yet" not in str(error) and "is no store" not in str(error):
                raise
            time.sleep(0.05)
            continue
        n_rows, distinct = new.execute(count).fetchall()[0]
        assert n_rows == distinct, f"{n_rows} rows of {distinct} units"
        assert n_rows >= seen, f"{n_rows} rows after {seen}"
        if old is not None:
            assert old.execute(count).fetchall()[0][0] == seen, "an open connection changed"
            old.close()
        old, seen, reads = new, n_rows, reads + 1
        time.sleep(0.2)
    print(reads)


def _seeds(kills: int) -> int:
    return max(1, -(-kills * UNITS_PER_KILL // (CONDITIONS * PROBLEMS)))


def start(role: str, store: Path, *more: str) -> subprocess.Popen[str]:
    """A process of this file in a role; its first line of output says that it is at work."""
    command = [sys.executable, __file__, "--role", role, str(store), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def writers(command: str | None, store: Path, seeds: int) -> list[subprocess.Popen[str]]:
    """Collectors at work on the store: the given command, or two of our own."""
    if command:
        words = shlex.split(command.format(store=store))
        return [subprocess.Popen(words, stdout=subprocess.DEVNULL, text=True, env=_environment())]
    return [start("writer", store, str(order), str(seeds)) for order in (1, 2)]


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """SIGKILL after a while; whether the process was still running."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _ready(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        _first_line(process.stdout)


def _first_line(stream: IO[str]) -> str:
    return stream.readline().strip()


def torment(
    store: Path, kills: int, command: str | None, longest: float, seed: int
) -> tuple[int, int]:
    """Run until done, killing `kills` times at random moments; returns (kills, ingest kills)."""
    rng = random.Random(seed)
    done = ingest_kills = 0
    ingester = start("ingest", store)
    while True:
        at_work = writers(command, store, _seeds(kills))
        for process in at_work:
            _ready(process)
        if done >= kills:
            codes = [process.wait() for process in at_work]
            break
        killed = sum(kill_after(process, rng.uniform(0, longest)) for process in at_work)
        done += killed
        codes = [process.returncode for process in at_work]
        if not killed and not any(codes):
            break  # everything was done before the last kill
        if rng.random() < 0.3 or ingester.poll() is not None:
            ingest_kills += kill_after(ingester, 0)
            ingester = start("ingest", store)
            _ready(ingester)
    kill_after(ingester, 0)
    if any(codes):
        raise SystemExit(f"a writer that was left alone ended with {codes}")
    return done, ingest_kills


def run(kills: int, command: str | None, longest: float, seed: int, work: Path) -> Report:
    """The whole trial in an empty folder."""
    from store import connect, create_store, ingest, rows_digest
    from store.check import check

    begun = time.perf_counter()
    reference = create_store(work / "reference")
    for process in writers(command, reference, _seeds(kills)):
        if process.wait():
            raise SystemExit("the uninterrupted run failed")
    ingest(reference)
    store = create_store(work / "chaos")
    reader = start("reader", store)
    done, ingest_kills = torment(store, kills, command, longest, seed)
    ingest(store)
    (store / "stop").touch()
    reads, _ = reader.communicate()
    with connect(store) as connection:
        n_rows, distinct = connection.execute(
            "SELECT count(*), count(DISTINCT (condition_id, problem_id, seed)) FROM outcomes"
        ).fetchall()[0]
        ignored = connection.execute("SELECT sum(rows_ignored) FROM shards").fetchall()[0][0]
    with connect(reference) as connection:
        units = connection.execute("SELECT count(*) FROM outcomes").fetchall()[0][0]
    return Report(
        kills=done,
        ingest_kills=ingest_kills,
        units=units,
        rows=n_rows,
        doubled=n_rows - distinct,
        ignored=int(ignored or 0),
        digest=rows_digest(store),
        reference=rows_digest(reference),
        faults=check(store).faults,
        reads=int(reads or 0),
        reader_error="" if reader.returncode == 0 else f"exit code {reader.returncode}",
        seconds=time.perf_counter() - begun,
    )


def main() -> None:
    """Run one role, or the whole of it; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--command", help="another collector; {store} stands for the folder")
    parser.add_argument("--longest", type=float, default=0.3, help="seconds before a kill, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", choices=["writer", "ingest", "reader"], help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "writer":
        write(Path(given.rest[0]), int(given.rest[1]), int(given.rest[2]))
    elif given.role == "ingest":
        keep_ingesting(Path(given.rest[0]))
    elif given.role == "reader":
        keep_reading(Path(given.rest[0]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            report = run(given.kills, given.command, given.longest, given.seed, Path(folder))
        print(json.dumps({**dataclasses.asdict(report), "whole": report.whole}, indent=1))
        sys.exit(0 if report.whole else 1)


if __name__ == "__main__":
    main()

"""The writers of a store that meet faults: a small store for each, and what it does there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Writer:
    """How the store is made before, what is done to it, and how else it may end than `done`."""

    name: str
    prepare: Callable[[Path], None]
    act: Callable[[Path], Any]
    may_end: tuple[str, ...] = ()


def _outcome(number: int, **changes: Any) -> dict[str, Any]:
    row = {"condition_id": f"c{number % 3}", "problem_id": f"p{number}", "seed": 0}
    row |= {"run_id": "r1", "tokens": [number], "answer": "1", "status": "ok", "correct": True}
    return row | {"margin": 1.0, "fragile": False} | changes


def _problem(number: int, **changes: Any) -> dict[str, Any]:
    row = {"problem_id": f"p{number}", "question": f"q {number}?", "answer": "1"}
    return row | changes


def _store(root: Path) -> None:
    """A store with what outcomes refer to, ingested."""
    from store import append, create_store, ingest

    create_store(root)
    shared = {"model_id": "m", "protocol": "codi", "dtype": "float32", "alpha": 0.0}
    append(root, "conditions", [{"condition_id": f"c{i}", **shared} for i in range(3)])
    hashes = {"weights_sha256": "w", "tokenizer_sha256": "t"}
    append(root, "models", [{"model_id": "m", "name": "m", "family": "codi", **hashes}])
    append(root, "problems", [_problem(i) for i in range(12)])
    append(root, "outcomes", [_outcome(i) for i in range(4)], run_id="r1")
    ingest(root)


def _append(root: Path) -> None:
    from store import append

    append(root, "outcomes", [_outcome(i) for i in range(4, 8)], run_id="r1")


def _pending(root: Path) -> None:
    """Shards that await an ingest: new rows, equal ones, a torn one, a description otherwise."""
    from store import append

    _store(root)
    _append(root)
    append(root, "outcomes", [_outcome(0), _outcome(8)])
    torn = append(root, "outcomes", [_outcome(9)])
    path = root / "shards" / "outcomes" / f"{torn}.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    append(root, "problems", [_problem(0, n_steps=3)])


def _dropped(root: Path) -> None:
    """A file that another program wrote, and one that fits no table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    _store(root)
    folder = root / "shards" / "problems"
    pq.write_table(pa.Table.from_pylist([_problem(20)]), folder / "mine.parquet")
    pq.write_table(pa.table({"a": [1]}), folder / "other.parquet")


def _ingest(root: Path) -> None:
    from store import ingest

    ingest(root)


def _contradicted(root: Path) -> None:
    """Outcomes that two shards tell otherwise, and the record of it."""
    from sql.errors import UserError
    from store import append, ingest

    _store(root)
    append(root, "outcomes", [_outcome(0, answer="2"), _outcome(5)])
    try:
        ingest(root)
    except UserError:
        return
    raise RuntimeError("no contradiction was found")


def _small_shards(root: Path) -> None:
    """Many small shards with rows in quarantine, to be compacted."""
    from store import append

    _contradicted(root)
    for i in range(6, 9):
        append(root, "outcomes", [_outcome(i)], run_id="r1")
    append(root, "problems", [_problem(13)])


def _compact(root: Path) -> None:
    from store.compact import compact

    compact(root)


def _with_source(root: Path) -> None:
    """A store, and beside it another one with rows that it lacks."""
    from store import append, create_store

    _store(root)
    source = create_store(root.parent / "source")
    append(source, "problems", [_problem(30)])
    append(source, "outcomes", [_outcome(i) for i in range(2, 7)])


def _source_alone(root: Path) -> None:
    _store(root.parent / "source")


def _merge(root: Path) -> None:
    from store.merge import merge

    merge(root, [root.parent / "source"])


def _file(root: Path) -> None:
    text = "problem,direction,alpha,correct\na,,0,1\na,d,1,0\nb,,0,0\nb,d,1,1\n"
    (root.parent / "theirs.csv").write_text(text)


def _file_and_store(root: Path) -> None:
    _store(root)
    _file(root)


def _import(root: Path) -> None:
    from store import ingest
    from store.exchange.importers import import_file

    import_file(root, root.parent / "theirs.csv")
    ingest(root)


def _conflict(root: Path) -> None:
    from store import append, ingest

    _store(root)
    append(root, "problems", [_problem(0, n_steps=3)])
    ingest(root)


def _resolve(root: Path) -> None:
    from store.quarantine import resolve, unresolved

    for note in unresolved(root):
        resolve(root, note["name"])


def _damaged(root: Path) -> None:
    """A whole shard in quarantine behind its damaged commit, and one whose commit is lost."""
    from store import append, ingest

    _store(root)
    hurt = append(root, "outcomes", [_outcome(9), _outcome(10)])
    lost = append(root, "outcomes", [_outcome(11)])
    (root / "commits" / f"{hurt}.json").write_text("{")
    (root / "commits" / f"{lost}.json").unlink()
    ingest(root)


def _adopt(root: Path) -> None:
    from store.adopt import adopt

    adopt(root)


def _steered(root: Path) -> None:
    """Outcomes of a direction at two doses, on a set."""
    import numpy as np

    from tests.synthetic import synthetic_store

    small: dict[str, Any] = {"n_problems": 6, "n_balanced": 4, "n_train": 4, "alphas": (-1.0, 1.0)}
    synthetic_store(root, rng=np.random.default_rng(0), n_controls=0, report=False, **small)


def _analyze(root: Path) -> None:
    from analysis.recorded import analyze

    analyze(root, families=["alphas"], contrast={"direction": "mean_difference"})


def _rebuild(root: Path) -> None:
    from store import rebuild

    rebuild(root)


WRITERS = (
    Writer(name="append", prepare=_store, act=_append),
    Writer(name="ingest", prepare=_pending, act=_ingest),
    Writer(name="dropped", prepare=_dropped, act=_ingest),
    Writer(name="rebuild", prepare=_pending, act=_rebuild),
    Writer(name="compact", prepare=_small_shards, act=_compact),
    Writer(name="merge", prepare=_with_source, act=_merge),
    Writer(name="merge_new", prepare=_source_alone, act=_merge),
    Writer(name="import", prepare=_file_and_store, act=_import),
    Writer(name="import_new", prepare=_file, act=_import),
    Writer(name="resolve", prepare=_conflict, act=_resolve),
    Writer(name="adopt", prepare=_damaged, act=_adopt),
    Writer(name="analyze", prepare=_steered, act=_analyze),
)

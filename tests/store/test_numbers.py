"""One rule each for numbers at the edge: infinities, NaN, minus zero, 2^31, 2^63, lists."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import append, committed, condition_id, create_store, ingest, rows_digest
from store.ingestion import rebuild
from tests.reading import read

INF, NAN = math.inf, math.nan
OUTCOME = {
    "condition_id": "c", "problem_id": "p", "seed": 0, "run_id": "r", "tokens": [1], "text": "x",
    "answer": "1", "status": "ok", "correct": True,
}  # fmt: skip
CONDITION = {
    "condition_id": "c", "model_id": "m", "direction_id": "d", "alpha": 1.0, "protocol": "codi",
    "dtype": "float32",
}  # fmt: skip
RUN = {"run_id": "r", "created_at": "2026-01-01", "status": "complete"}
VECTOR = {"direction_id": "d", "position": 0, "values": [1.0]}


@pytest.fixture
def root(tmp_path):
    return create_store(tmp_path / "store")


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("outcomes", OUTCOME | {"seed": 1.5}, "seed of table outcomes holds integers, found 1.5"),
        ("outcomes", OUTCOME | {"seed": NAN}, "holds integers, found nan"),
        ("outcomes", OUTCOME | {"seed": np.float32(0.5)}, "holds integers, found 0.5"),
        ("outcomes", OUTCOME | {"tokens": [1, 2.5]}, "tokens of table outcomes holds integers"),
        ("outcomes", OUTCOME | {"seed": 2**31}, "cannot take these rows"),
        ("outcomes", OUTCOME | {"seed": 2**63}, "cannot take these rows"),
        ("outcomes", OUTCOME | {"seed": -(2**63) - 1}, "cannot take these rows"),
        ("outcomes", OUTCOME | {"tokens": [2**63]}, "cannot take these rows"),
        ("outcomes", OUTCOME | {"margin": 1e39}, "a finite number beyond 3.4e38"),
        ("outcomes", OUTCOME | {"norm_before": [1.0, -1e300]}, "a finite number beyond 3.4e38"),
        ("conditions", CONDITION | {"alpha": INF}, "alpha of table conditions must hold finite"),
        ("conditions", CONDITION | {"alpha": NAN}, "alpha of table conditions must hold finite"),
        ("direction_vectors", VECTOR | {"values": [1.0, NAN]}, "must hold finite numbers"),
        ("direction_vectors", VECTOR | {"values": [-INF]}, "must hold finite numbers"),
        ("direction_vectors", VECTOR | {"values": [1e39]}, "a finite number beyond 3.4e38"),
    ],
)  # fmt: skip
def test_what_a_column_cannot_hold_is_refused(root, table, row, said):
    with pytest.raises(UserError, match=said):
        append(root, table, [row])
    assert not committed(root, table).num_rows


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("seed", pa.array([0.5]), "truncated"),
        ("seed", pa.array([2**63], pa.uint64()), "not in range"),
        ("margin", pa.array([1e39]), "a finite number beyond 3.4e38"),
        ("norm_after", pa.array([[1e39, 1.0]]), "a finite number beyond 3.4e38"),
    ],
)
def test_tables_of_arrow_are_held_to_the_same(root, column, values, said):
    row = pa.table({name: pa.array([value]) for name, value in OUTCOME.items() if name != column})
    with pytest.raises(UserError, match=said):
        append(root, "outcomes", row.append_column(column, values))


def test_dropped_rows_are_held_to_the_same(root):
    folder = root / "shards" / "conditions"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([CONDITION | {"alpha": INF}]), folder / "mine.parquet")
    (item,) = ingest(root).quarantined
    assert "alpha of table conditions must hold finite numbers" in item.reason
    assert not committed(root, "conditions").num_rows


def test_whole_numbers_of_any_type_are_integers(root):
    append(root, "outcomes", [OUTCOME | {"seed": 2.0, "tokens": [np.float64(3), np.int64(4)]}])
    assert committed(root, "outcomes", ["seed", "tokens"]).to_pylist() == [
        {"seed": 2, "tokens": [3, 4]}
    ]


def test_infinities_and_nan_are_measured_values_and_stay(root):
    measured = {"margin": INF, "gold_logprob": -INF, "norm_before": [1.0, INF, NAN]}
    append(root, "outcomes", [OUTCOME | measured])
    append(root, "outcomes", [OUTCOME | measured | {"run_id": "again"}])
    report = ingest(root)
    assert not report.quarantined
    query = "SELECT margin, gold_logprob, norm_before FROM outcomes"
    (row,) = read(root, query).to_pylist()
    assert (row["margin"], row["gold_logprob"], row["norm_before"][:2]) == (INF, -INF, [1.0, INF])
    assert math.isnan(row["norm_before"][2])
    digest = rows_digest(root)
    rebuild(root)
    assert rows_digest(root) == digest


@pytest.mark.parametrize(("one", "other"), [(INF, 1.0), (INF, -INF), (NAN, INF), (NAN, 0.0)])
def test_an_infinity_agrees_with_itself_alone(root, one, other):
    append(root, "outcomes", [OUTCOME | {"margin": one}])
    append(root, "outcomes", [OUTCOME | {"margin": other}])
    with pytest.raises(UserError, match="margin"):
        ingest(root)


def test_minus_zero_is_zero(root):
    def made(alpha):
        return condition_id(
            model_id="m", direction_id="d", alpha=alpha, protocol="codi", dtype="float32"
        )

    assert made(-0.0) == made(0.0)
    append(root, "outcomes", [OUTCOME | {"margin": -0.0}])
    append(root, "outcomes", [OUTCOME | {"margin": 0.0}])
    assert not ingest(root).quarantined


def test_lists_of_unequal_length_differ_and_end_in_null(root):
    append(root, "outcomes", [OUTCOME | {"norm_before": [1.0], "norm_after": [2.0, 3.0]}])
    append(root, "outcomes", [OUTCOME | {"seed": 1, "norm_before": [1.0, 2.0], "cosine": [0.5]}])
    ingest(root)
    found = read(root, "SELECT * EXCLUDE (condition_id, problem_id) FROM latent_norms").to_pylist()
    rows = sorted(tuple(row.values()) for row in found)
    assert rows == [
        (0, 0, 1.0, 2.0, None, None),
        (0, 1, None, 3.0, None, None),
        (1, 0, 1.0, None, None, 0.5),
        (1, 1, 2.0, None, None, None),
    ]
    append(root, "outcomes", [OUTCOME | {"norm_before": [1.0, 1.0], "norm_after": [2.0, 3.0]}])
    with pytest.raises(UserError, match="norm_before"):
        ingest(root)

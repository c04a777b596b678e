"""Directions enter as rows, are chosen by name, kind or condition, and are refused in one line."""

import numpy as np
import pytest

from collect.directions import selection
from collect.directions.directions import (
    NewDirection,
    add_direction,
    add_directions,
)
from collect.directions.selection import select_directions
from sql.errors import UserError
from store import shards
from store.direction_rules import check_model_shape
from store.layout import create_store


@pytest.fixture
def root(tmp_path):
    return create_store(tmp_path / "store")


@pytest.fixture
def filled(root):
    rng = np.random.default_rng(0)
    parent = add_direction(root, rng.standard_normal((3, 4)), name="mean", kind="mean_difference")
    controls = [
        NewDirection(
            vectors=rng.standard_normal((3, 4)),
            name=f"random_{i:03d}",
            kind="random_per_position",
            role="control",
            parent_id=parent,
            rng_seed=i,
        )
        for i in range(3)
    ]
    add_directions(root, controls)
    return root


def test_vectors_come_back_as_they_went_in(root):
    vectors = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    direction_id = add_direction(
        root, vectors, name="a", kind="my own kind", recipe={"by": "hand"}, fitted_on={"set": "t"}
    )
    (found,) = select_directions(root, "a")
    np.testing.assert_array_equal(found.vectors, vectors)
    assert found.direction_id == direction_id
    assert (found.kind, found.role, found.site) == ("my own kind", "candidate", "latent")
    assert found.recipe == {"by": "hand"}
    row = shards.committed(root, "directions").to_pylist()[0]
    assert row["norm"] == pytest.approx(np.linalg.norm(vectors), rel=1e-6)
    assert row["norm_by_position"] == pytest.approx(np.linalg.norm(vectors, axis=1), rel=1e-6)


def test_a_vector_for_all_positions_and_one_for_several_sites(root):
    add_direction(root, np.arange(4.0), name="flat", kind="k")
    add_direction(root, np.ones((2, 3, 4)), name="two", kind="k", site="residual:1,residual:3")
    flat, two = select_directions(root, "flat,two")
    assert flat.vectors.shape == (1, 4)
    assert two.vectors.shape == (6, 4)
    positions = shards.committed(root, "direction_vectors")["position"].to_pylist()
    assert sorted(positions) == [-1, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("mean", ["mean"]),
        ("random_001, mean", ["mean", "random_001"]),
        ("random_*", ["random_000", "random_001", "random_002"]),
        ("kind=mean_difference", ["mean"]),
        ("role=control", ["random_000", "random_001", "random_002"]),
        ("role = 'control' and rng_seed >= 1", ["random_001", "random_002"]),
        ("kind like 'mean%' or name = 'random_002'", ["mean", "random_002"]),
        ("parent_id is null", ["mean"]),
        ("parent_id is null -- a comment", ["mean"]),
    ],
)
def test_selection(filled, expression, names):
    assert [direction.name for direction in select_directions(filled, expression)] == names


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("meen", "no direction is named 'meen'"),
        ("kind=unheard", "no direction fits"),
        ("role = 'control' and", "is no name, kind or condition"),
        ("exists (select * from read_text('/etc/hostname'))", "is no name, kind or condition"),
        ("true; drop table directions", "is no name, kind or condition"),
        ("list_sum(range(3000000000)) > 0", "more memory than"),
    ],
)
def test_selection_that_finds_nothing(filled, expression, message):
    with pytest.raises(UserError, match=message) as caught:
        select_directions(filled, expression)
    assert "\n" not in str(caught.value)


def test_a_condition_that_takes_for_ever_is_ended(filled, monkeypatch):
    monkeypatch.setattr(selection, "SECONDS", 1.0)
    with pytest.raises(UserError, match="stopped after 1 s"):
        select_directions(filled, "levenshtein(repeat('a', 200000), repeat('b', 200000)) > 0")


def test_adding_twice_changes_nothing_and_a_taken_name_is_refused(root):
    first = add_direction(root, np.ones((2, 3)), name="a", kind="k")
    assert add_direction(root, np.ones((2, 3)), name="a", kind="k") == first
    assert shards.committed(root, "directions").num_rows == 1
    with pytest.raises(UserError, match="'a' is taken"):
        add_direction(root, 2 * np.ones((2, 3)), name="a", kind="k")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.full((2, 3), np.nan)}, "NaN"),
        ({"vectors": np.full((2, 3), 1e300)}, "infinite"),
        ({"vectors": np.zeros((2, 3))}, "all vectors are zero"),
        ({"vectors": np.ones((2, 2, 3))}, r"shape \[2, 2, 3\]"),
        ({"vectors": np.ones((0, 3))}, "shape"),
        ({"vectors": np.ones((3, 3)), "site": "residual:1,residual:2"}, "shape"),
        ({"vectors": np.array([["a"]])}, "no array of numbers"),
        ({"site": "residual:x"}, "unknown site"),
        ({"site": "latent,latent"}, "twice"),
        ({"name": "../up"}, "no usable name"),
        ({"name": "a b"}, "no usable name"),
        ({"kind": " "}, "kind must be"),
        ({"role": "king"}, "role 'king'"),
    ],
)
def test_refusals_are_one_line_and_store_nothing(root, change, message):
    fields = {"vectors": np.ones((2, 3)), "name": "a", "kind": "k", **change}
    with pytest.raises(UserError, match=message) as caught:
        add_direction(root, fields.pop("vectors"), **fields)
    assert "\n" not in str(caught.value)
    assert not shards.committed(root, "directions").num_rows


def test_vectors_must_fit_a_model_of_the_store(root):
    vectors = np.ones((6, 4), dtype=np.float32)
    check_model_shape(root, vectors, "latent", "a")
    model = {"model_id": "m", "name": "tiny", "family": "codi", "weights_sha256": "w"}
    shards.append(root, "models", [{**model, "tokenizer_sha256": "t", "n_latent": 6, "d_model": 4}])
    check_model_shape(root, vectors, "latent", "a")
    check_model_shape(root, vectors[0], "latent", "a")
    with pytest.raises(UserError, match=r"need \[6, 4\] for tiny"):
        check_model_shape(root, vectors[:5], "latent", "a")
    with pytest.raises(UserError, match="width 3"):
        check_model_shape(root, vectors[:, :3], "latent", "a")

"""Ids: the same content gives the same id, whoever computes it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from sql.errors import UserError
from store import identity


def test_an_id_is_the_hash_of_one_canonical_json() -> None:
    fields = {"b": 1.0, "a": ["é", None, True]}
    assert identity.canonical_json(fields) == '{"a":["\\u00e9",null,true],"b":1.0}'
    assert identity.content_id(fields) == identity.content_id(dict(reversed(fields.items())))
    assert len(identity.content_id(fields)) == 32
    assert identity.content_id({"x": np.float64(0.1)}) == identity.content_id({"x": 0.1})
    assert identity.content_id({"x": -0.0}) == identity.content_id({"x": 0.0})
    assert identity.content_id({"x": 1}) != identity.content_id({"x": True})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x"])
def test_what_json_cannot_say_has_no_id(value: object) -> None:
    with pytest.raises(UserError, match="cannot make an id"):
        identity.content_id({"x": value})


def test_problems_are_the_same_up_to_white_space() -> None:
    assert identity.problem_id(" Two  and\ntwo? ", "4") == identity.problem_id("Two and two?", "4")
    assert identity.problem_id("Two and two?", "4") != identity.problem_id("Two and two?", "5")


def test_conditions_differ_in_everything_that_decides_the_outcome() -> None:
    base: dict[str, Any] = {
        "model_id": "m",
        "direction_id": "d",
        "alpha": 1,
        "protocol": "codi",
        "dtype": "float32",
        "site": "latent",
        "decoding": {"mode": "greedy"},
    }
    same = identity.condition_id(
        **base | {"decoding": json.dumps({"mode": "greedy"}), "alpha": 1.0}
    )
    assert identity.condition_id(**base) == same
    for change in (
        {"alpha": -1},
        {"site": "residual:2"},
        {"dtype": "bfloat16"},
        {"decoding": {"mode": "sample"}},
        {"protocol_fields": {"n_latent": 6}},
        {"operator": "project_out"},
    ):
        assert identity.condition_id(**base | change) != same
    rounded = identity.condition_id(**base | {"alpha": 0.3})
    assert identity.condition_id(**base | {"alpha": 0.1 + 0.2}) == rounded
    assert identity.condition_id(**base | {"alpha": 0.3 + 1e-11}) != rounded
    with pytest.raises(UserError, match="baseline"):
        identity.condition_id(**base | {"direction_id": None})
    with pytest.raises(UserError, match="finite"):
        identity.condition_id(**base | {"alpha": float("nan")})


def test_directions_are_their_vectors_at_float32() -> None:
    vectors = np.arange(12, dtype=np.float64).reshape(3, 4)
    fields: dict[str, Any] = {
        "name": "n",
        "kind": "k",
        "role": "candidate",
        "site": "latent",
        "recipe": {"a": 1},
    }
    first = identity.direction_id(**fields, vectors=vectors)
    assert identity.direction_id(**fields, vectors=vectors.astype(np.float32)) == first
    assert identity.direction_id(**fields, vectors=vectors.reshape(4, 3)) != first
    assert identity.direction_id(**fields, vectors=vectors + 1e-3) != first

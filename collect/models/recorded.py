"""A model in a store: the id it is known by, its row and what its identity covers.

Earlier versions made a model's id of weight files, tokenizer and family alone. Rows under such an
id are gone on with: the first model that fits it is taken to be the one that was meant, which is
recorded with what nobody can know of the earlier rows. Another model with the same files (another
`n_head`, another chat template) has an id of its own from then on.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from collect.models.checkpoints import model_row
from collect.models.model import Model
from store import identity, shards

STANDS_FOR = "stands_for"
"""Fact of an earlier id: the id, by what it is, of the model that goes on with it."""

NOT_KNOWN = (
    "recorded before the identity of a model covered its configuration, chat template and special "
    "tokens: what they were then is not known, and is taken to be what they are now"
)


def known_in(root: Path, model: Model) -> Model:
    """The model with the id that a store knows it by; nothing is written.

    That is its own, but where the store holds rows of an earlier version under `earlier_id` that
    no other model has gone on with.
    """
    earlier = model.earlier_id
    if earlier is None:
        return model
    rows = {
        row["model_id"]: row
        for row in shards.committed(
            root, "models", where={"model_id": [earlier, model.own_id]}
        ).to_pylist()
    }
    if earlier not in rows or model.own_id in rows:
        return model
    taken = _facts(root, earlier).get(STANDS_FOR)
    shape = {"n_layer": model.n_layer, "d_model": model.d_model, "n_latent": model.n_latent}
    fits = all(rows[earlier][name] in (None, value) for name, value in shape.items())
    if taken != model.own_id and (taken is not None or not fits):
        return model
    return dataclasses.replace(model, stored_id=earlier)


def record_model(root: Path, model: Model) -> str:
    """Write the model's row and facts unless they are there; its id in this store.

    Args:
        root: the store.
        model: as `known_in` gave it.
    """
    key = model.model_id
    ids = shards.committed(root, "models", ["model_id"], {"model_id": [key]})
    if not ids.num_rows:
        shards.append(root, "models", [model_row(model)])
    facts = {name: _text(value) for name, value in model.facts.items()}
    if model.stored_id is not None:
        facts |= {STANDS_FOR: model.own_id, "not_known": NOT_KNOWN}
    known = _facts(root, key)
    rows = [
        {"model_id": key, "fact": name, "value": value}
        for name, value in facts.items()
        if name not in known and value is not None
    ]
    shards.append(root, "model_facts", rows)
    return key


def _facts(root: Path, model_id: str) -> dict[str, str]:
    rows = shards.committed(root, "model_facts", where={"model_id": [model_id]}).to_pylist()
    return {row["fact"]: row["value"] for row in rows}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else identity.canonical_json(value)

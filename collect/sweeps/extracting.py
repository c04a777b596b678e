"""What `steerstat extract` is asked for, checked at the door, and done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.vocabulary import ProtocolName, checked
from collect.directions.extraction import extract, extracted, sites_of
from collect.engine.interventions import Steering
from collect.engine.protocol import (
    Protocol,
    ProtocolChanges,
    checked_changes,
    reading_name,
    resolve_protocol,
)
from collect.models.choice import ModelChoice, choose_model
from collect.models.model import Model
from collect.models.recorded import known_in
from collect.problems.problem_sets import set_problems
from collect.sweeps.gates import run_gates
from collect.sweeps.runs import describe_run, recorded_run
from store.ingestion import ingest
from store.layout import open_store
from store.names import checked_sites, residual_layer

GATED_PROBLEMS = 16


@dataclass(frozen=True, kw_only=True)
class Request:
    """An extraction that can be met, as far as that is known without the model.

    Attributes:
        root: the store.
        problems: (problem_id, question) of the set.
        sites: sites with commas, or `all`.
        protocol: name of the protocol; None is the model's own.
        fields: what of it is otherwise.
        model: the model, not loaded yet.
    """

    root: Path
    problems: tuple[tuple[str, str], ...]
    sites: str
    protocol: str | None
    fields: ProtocolChanges
    model: ModelChoice


def make_request(
    store: Path,
    *,
    set_name: str,
    sites: str,
    protocol: str | None = None,
    fields: Mapping[str, Any] | None = None,
    model: str | None = None,
    base: str | None = None,
    lora_alpha: float | None = None,
    pad_id: int | None = None,
    bot_id: int | None = None,
    eot_id: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> Request:
    """The request that options make; those of the model are as `choose_model` takes them.

    Raises:
        UserError: an option is not usable, or the store has no such set.
    """
    if sites != "all":
        checked_sites(sites)
    if protocol is not None:
        checked(protocol, ProtocolName, "protocol")
    changes = checked_changes(**(fields or {}))
    choice = choose_model(
        model,
        base=base,
        lora_alpha=lora_alpha,
        pad_id=pad_id,
        bot_id=bot_id,
        eot_id=eot_id,
        device=device,
        dtype=dtype,
    )
    root = open_store(store)
    problems = tuple((row["problem_id"], row["question"]) for row in set_problems(root, set_name))
    return Request(
        root=root, problems=problems, sites=sites, protocol=protocol, fields=changes, model=choice
    )


def run_request(request: Request) -> str:
    """Store what is missing, once the gates are passed; return a line for a person.

    A run records the gates with dtype, device and protocol, as one of outcomes does.

    Raises:
        UserError: the model is damaged, has no such site or protocol, or fails a gate.
    """
    model = known_in(request.root, request.model.load())
    protocol = resolve_protocol(request.protocol, model, **request.fields)
    sites = sites_of(request.sites, model)
    name = reading_name(protocol, model)
    done = extracted(request.root, model.model_id, name, sites)
    added = 0
    if any((problem, site) not in done for problem, _ in request.problems for site in sites):
        gates = _gates(request, model, protocol, sites)
        row = describe_run(device=str(model.device), rng_seed=0, gates={name: gates})
        with recorded_run(request.root, row):
            added = extract(request.root, model, request.problems, sites=sites, protocol=protocol)
    ingest(request.root)
    return (
        f"{added:,} rows of activations added ({model.name}, {name}, "
        f"{len(request.problems)} problems)"
    )


def _gates(
    request: Request, model: Model, protocol: Protocol, sites: Sequence[str]
) -> dict[str, Any]:
    """The gates on the problems, with a random push at each site."""
    random = np.random.default_rng(0)
    shape = (protocol.n_positions, model.d_model)
    pushes = [random.standard_normal(shape).astype(np.float32) for _ in sites]
    # Without thoughts there is no latent to steer; it is read all the same.
    steered = [s for s in sites if not (protocol.open_ended and residual_layer(s) is None)]
    return run_gates(
        model,
        [question for _, question in request.problems],
        None,
        [Steering(push, 1.0, site) for push, site in zip(pushes, steered, strict=False)],
        protocol=protocol,
        n_questions=GATED_PROBLEMS,
    )

"""What a loaded model is, and whether it runs as it should: `steerstat model info` and `check`."""

from __future__ import annotations

from typing import Any

import numpy as np

from collect.directions.extraction import sites_of
from collect.engine.interventions import Steering
from collect.engine.paths import path_of
from collect.engine.protocol import ProtocolChanges, default_protocol, resolve_protocol
from collect.models.checkpoints import model_row
from collect.models.model import Model
from collect.problems.problems import generated


def describe(model: Model) -> dict[str, Any]:
    """A model in words and numbers, JSON-able."""
    projection = model.projection
    parameters = sum(p.numel() for p in model.lm.parameters())
    if projection is not None:
        parameters += sum(p.numel() for p in projection.parameters())
    return {
        **model_row(model),
        "architecture": type(model.lm).__name__,
        "network": path_of(model),
        "parameters": parameters,
        "projection": None if projection is None else str(list(projection.children())),
        "vocabulary": model.vocab_size,
        "pad_id": model.pad_id,
        "bot_id": model.bot_id,
        "eot_id": model.eot_id,
        "eos_id": model.eos_id,
        "device": str(model.device),
        "dtype": str(model.dtype).removeprefix("torch."),
        "protocol": default_protocol(model),
    }


def example_problems(model: Model, count: int) -> tuple[list[str], list[str]]:
    """Generated questions in the spelling that the model's tokenizer knows, and their answers."""
    rows = generated(count, spaced=False).rows
    text = " ".join(row["question"] for row in rows)
    unknown = getattr(model.tokenizer, "unk_token_id", None)
    if unknown in model.tokenizer(text, add_special_tokens=False)["input_ids"]:
        rows = generated(count).rows
    return [row["question"] for row in rows], [row["answer"] for row in rows]


def check(
    model: Model,
    *,
    protocol: str | None = None,
    questions: list[str] | None = None,
    answers: list[str] | None = None,
    count: int = 16,
    changes: ProtocolChanges | None = None,
) -> dict[str, Any]:
    """Run the gates on a model: the baseline, and a random push at every site that it has.

    Args:
        model: a loaded model.
        protocol: name; the model's own where None.
        questions, answers: what it is asked; generated problems where None.
        count: how many are generated.
        changes: fields of the protocol that are otherwise.

    Raises:
        UserError: the protocol does not fit the model.
    """
    from collect.sweeps.gates import run_gates

    resolved = resolve_protocol(protocol, model, **(changes or {}))
    if questions is None or answers is None:
        questions, answers = example_problems(model, count)
    rng = np.random.default_rng(0)
    shape = (resolved.n_positions, model.d_model)
    push = rng.standard_normal(shape).astype(np.float32)
    steerings = [Steering(push, 1.0, site=site) for site in sites_of("all", model)]
    steerings.append(Steering(push, -1.0, site=steerings[0].site))
    return run_gates(model, questions, answers, steerings, protocol=resolved, strict=False)

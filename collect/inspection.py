"""What a loaded model is, and whether it runs as it should: `steerstat model info` and `check`."""

from __future__ import annotations

from typing import Any

import numpy as np

from collect.checkpoints import model_row
from collect.interventions import Steering
from collect.model import Model
from collect.problems import generated
from collect.protocol import resolve_protocol


def default_protocol(model: Model) -> str:
    """The protocol that a model is run under unless something else is said."""
    if model.family != "plain":
        return model.family
    return "chat" if getattr(model.tokenizer, "chat_template", None) else "plain"


def describe(model: Model) -> dict[str, Any]:
    """A model in words and numbers, JSON-able."""
    projection = model.projection
    parameters = sum(p.numel() for p in model.lm.parameters())
    if projection is not None:
        parameters += sum(p.numel() for p in projection.parameters())
    return {
        **model_row(model),
        "architecture": type(model.lm).__name__,
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
) -> dict[str, Any]:
    """Run the gates on a model: the baseline and a random push in both directions.

    Args:
        model: a loaded model.
        protocol: name; the model's own where None.
        questions, answers: what it is asked; generated problems where None.
        count: how many are generated.

    Raises:
        UserError: the protocol does not fit the model.
    """
    from collect.gates import run_gates

    resolved = resolve_protocol(protocol or default_protocol(model), model)
    if questions is None or answers is None:
        questions, answers = example_problems(model, count)
    positions = resolved.n_latent or 1
    rng = np.random.default_rng(0)
    push = rng.standard_normal((positions, model.d_model)).astype(np.float32)
    site = "latent" if model.n_latent else f"residual:{model.n_layer // 2}"
    steerings = [Steering(None), Steering(push, 1.0, site=site), Steering(push, -1.0, site=site)]
    return dict(run_gates(model, questions, answers, steerings, protocol=resolved))


def gate_rows(gates: dict[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    """The gates' findings, one row per leaf, names joined by dots."""
    rows = []
    for key, value in gates.items():
        if isinstance(value, dict):
            rows += gate_rows(value, f"{prefix}{key}.")
        else:
            rows.append({"gate": prefix + key, "result": value})
    return rows

"""Answers to a list of questions, steered or not: the engine for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.vocabulary import Effect, Operator
from collect.engine.engine import run
from collect.engine.interventions import Steering
from collect.engine.protocol import Protocol, ProtocolChanges, read_answer, resolve_protocol
from collect.models.model import Model


@dataclass(frozen=True)
class Outcome:
    """What a model answered.

    Attributes:
        tokens: ids after the answer's start, end-of-text included where it is reached.
        text: those tokens as text, without special tokens.
        latent_norms: norm of each thought fed back, one per latent; NaN for one that is never
            fed (the last of protocol `report`); empty for a plain model.
        margin: smallest difference between the best two logits over the answer.
        truncated: whether `max_new_tokens` came before end-of-text.
    """

    tokens: list[int]
    text: str
    latent_norms: list[float]
    margin: float
    truncated: bool


def answer(
    model: Model,
    questions: Sequence[str],
    *,
    direction: ArrayLike | None = None,
    alpha: float = 0.0,
    site: str = "latent",
    schedule: str = "uniform",
    operator: Operator = "add",
    effect: Effect = "total",
    protocol: str | Protocol | None = None,
    max_new_tokens: int | None = None,
    temperature: float | None = None,
    seed: int = 0,
) -> list[Outcome]:
    """One outcome per question, in order.

    Args:
        model: from `load_model`.
        questions: their texts.
        direction: vectors [T, d], or [d] for all positions alike; None for the baseline.
        alpha: signed dose.
        site, schedule, operator, effect: see `collect.engine.interventions.Steering`.
        protocol: a protocol or its name; None is the model's own.
        max_new_tokens: tokens after which an answer is truncated; None is the protocol's own.
        temperature: samples at this temperature; None decodes greedily.
        seed: of the sampling; a draw depends on the question and the seed alone.

    Raises:
        UserError: names or shapes do not fit.
    """
    if isinstance(questions, str):
        questions = [questions]
    vectors = None if direction is None else np.asarray(direction, dtype=np.float32)
    steering = Steering(vectors, alpha, site, schedule, operator, effect, key="direction")
    limit: ProtocolChanges = {} if max_new_tokens is None else {"max_new_tokens": max_new_tokens}
    chosen = resolve_protocol(protocol, model, **limit)
    decoding: dict[str, str | float] = {"mode": "greedy"}
    if temperature is not None:
        decoding = {"mode": "sample", "temperature": temperature}
    outcomes: dict[int, Outcome] = {}
    for block in run(
        model, questions, None, [steering], protocol=chosen, decoding=decoding, seeds=(seed,)
    ):
        for i, problem in enumerate(block.problem.tolist()):
            text, truncated = read_answer(model, chosen, block.tokens[i], bool(block.truncated[i]))
            norms = [float(norm) for norm in block.norm_fed[i]] if chosen.n_latent else []
            outcomes[problem] = Outcome(
                block.tokens[i],
                text,
                norms,
                float(block.margin[i]),
                truncated,
            )
    return [outcomes[i] for i in range(len(questions))]

"""A plain decode: one question at a time, through the transformers modules, with their cache.

It is what a person would write without an engine, and what the first gate and the benchmark
compare the engine with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from collect.engine.protocol import Protocol, answer_start_tokens, prompt_tokens
from collect.models.model import Model
from collect.models.parts import head_of


@dataclass(frozen=True)
class PlainAnswer:
    """One answer: ids with end-of-text where it was reached, and the smallest top-2 margin."""

    tokens: list[int]
    margin: float


class _Stream:
    """One sequence fed piece by piece to the model's body."""

    def __init__(self, model: Model) -> None:
        self.model, self.cache = model, DynamicCache(config=model.lm.config)

    def feed(self, x: Tensor) -> Tensor:
        """Feed [c, d]; returns the final state [d] at the last place."""
        out = self.model.lm.base_model(inputs_embeds=x[None], past_key_values=self.cache)
        state: Tensor = out.last_hidden_state[0, -1]
        return state

    def embed(self, tokens: list[int]) -> Tensor:
        """Input embeddings [c, d]."""
        ids = torch.tensor(tokens, device=self.model.device)
        x: Tensor = self.model.lm.get_input_embeddings()(ids)
        return x


@torch.inference_mode()
def plain_answer(
    model: Model,
    protocol: Protocol,
    question: str,
    steer: Callable[[int, Tensor], Tensor] | None = None,
) -> PlainAnswer:
    """Greedy answer to one question; `steer(t, state)` may change the t-th final state [d].

    Args:
        model: the model.
        protocol: a resolved protocol.
        question: its text.
        steer: steering at site `latent`; None for the baseline.
    """
    stream = _Stream(model)
    state = stream.feed(stream.embed(prompt_tokens(model, protocol, question)))
    for t in range(protocol.n_latent or 0):
        if steer is not None:
            state = steer(t, state)
        if t < protocol.n_fed:
            thought = state[None]
            state = stream.feed(thought if model.projection is None else model.projection(thought))
    start = answer_start_tokens(model, protocol)
    if start:
        state = stream.feed(stream.embed(start))
    return _decode(stream, protocol, state)


def _decode(stream: _Stream, protocol: Protocol, state: Tensor) -> PlainAnswer:
    model = stream.model
    n_choices = model.vocab_size - (protocol.vocabulary == "less_last")
    head = head_of(model.lm)
    tokens, margins = list[int](), list[float]()
    while True:
        logits = head(state).float()[:n_choices]
        best = logits.topk(2).values
        tokens.append(int(logits.argmax()))
        margins.append(float(best[0] - best[1]))
        if tokens[-1] in model.ends or len(tokens) == protocol.max_new_tokens:
            return PlainAnswer(tokens, min(margins))
        state = stream.feed(stream.embed(tokens[-1:]))

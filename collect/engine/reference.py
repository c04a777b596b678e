"""A plain decode: one unit at a time, through the transformers modules, with their cache.

It is what a person would write without an engine, and what the first gate and the benchmark
compare the engine with. Nothing is shared with the engine but the protocol's prompts: steering,
schedules and the noise of sampling are worked out here once more, from their definitions.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers.cache_utils import DynamicCache

from collect.engine.interventions import Steering
from collect.engine.protocol import (
    Protocol,
    answer_start_tokens,
    gold_tokens,
    prompt_tokens,
)
from collect.models.model import Model
from collect.models.parts import blocks_of, head_of
from store.names import residual_layer

NAN = math.nan


@dataclass(frozen=True)
class PlainAnswer:
    """One outcome, with the fields of `collect.engine.engine.Block`.

    Attributes:
        tokens: ids with end-of-text where it was reached.
        margin: smallest top-2 margin, in logits.
        gold_logprob: log-probability of the gold answer; NaN without one.
        truncated: no end-of-text within the protocol's limit.
        norm_before, norm_after, norm_fed, cosine: one number per position, T.
    """

    tokens: list[int]
    margin: float
    truncated: bool
    gold_logprob: float
    norm_before: list[float]
    norm_after: list[float]
    norm_fed: list[float]
    cosine: list[float]


@dataclass
class _Steered:
    """A steering in its plainest terms, and what it has met so far: {position: norms}."""

    steering: Steering
    factor: float
    n_positions: int
    open_ended: bool
    met: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def vectors(self, site: str) -> tuple[np.ndarray[Any, Any], list[float]]:
        """The direction's vectors at one site, [k, d], and the schedule's weight of each."""
        place, n_sites = self.steering.sites.index(site), len(self.steering.sites)
        every = np.asarray(self.steering.vectors, dtype=np.float64)
        everywhere = every.ndim == 1 or self.steering.everywhere
        every = every.reshape(-1, every.shape[-1])
        if everywhere:
            mine = np.tile(every[place if len(every) > 1 else 0], (self.n_positions, 1))
        else:
            mine = every.reshape(n_sites, -1, every.shape[-1])[place]
            if not self.open_ended:  # positions without a vector count in a schedule
                mine = np.pad(mine, ((0, self.n_positions - len(mine)), (0, 0)))
        return mine, self.weights(np.linalg.norm(mine, axis=1))

    def weights(self, norms: np.ndarray[Any, Any]) -> list[float]:
        """The schedule's weights for vectors of these norms."""
        schedule, n = self.steering.schedule, len(norms)
        if schedule.startswith("["):
            listed = [float(weight) for weight in json.loads(schedule)]
            return listed + [0.0] * (n - len(listed))
        if schedule == "magnitude":
            return [float(norm / norms.mean()) if norms.any() else 0.0 for norm in norms]
        if schedule == "uniform":
            return [1.0] * n
        only = {"first": 0, "last": n - 1}.get(schedule)
        only = int(schedule.partition(":")[2]) if only is None else only
        return [float(t == only) for t in range(n)]

    def at(self, site: str, t: int | None, x: Tensor) -> Tensor:
        """A state [d] at a site and position, steered where this steering acts there."""
        if t is None or site not in self.steering.sites:
            return x
        vectors, weights = self.vectors(site)
        known = t < len(vectors) and bool(vectors[t].any())
        y = self.moved(vectors[t], weights[t], x) if known and weights[t] else x
        if site == self.steering.sites[0] and t not in self.met:
            direction = torch.from_numpy(vectors[t]).to(x.device, torch.float32) if known else None
            cosine = NAN if direction is None else float(x.float() @ direction)
            cosine /= NAN if direction is None else float(x.float().norm() * direction.norm())
            self.met[t] = (float(x.float().norm()), float(y.float().norm()), cosine)
        return y

    def moved(self, vector: np.ndarray[Any, Any], weight: float, x: Tensor) -> Tensor:
        """x after the operator, with this vector and weight; worked out in float32."""
        v, wide = torch.from_numpy(vector).to(x.device, torch.float32), x.float()
        along = (wide @ v) / (v @ v) * v
        push = self.steering.alpha * self.factor * weight * v
        y = {
            "add": lambda: wide + push,
            "norm_preserving_add": lambda: (wide + push) * (wide.norm() / (wide + push).norm()),
            "project_out": lambda: wide - along,
            "clamp": lambda: wide - along + push,
        }[self.steering.operator]()
        return y.to(x.dtype)


class _Stream:
    """One sequence fed piece by piece to the model's body, its blocks' outputs steered."""

    def __init__(self, model: Model, steered: _Steered | None) -> None:
        self.model, self.steered = model, steered
        self.cache = DynamicCache(config=model.lm.config)

    def fork(self, steered: _Steered | None) -> _Stream:
        """The sequence so far, to go on with in another way."""
        other = _Stream.__new__(_Stream)
        other.model, other.steered = self.model, steered
        other.cache = copy.deepcopy(self.cache)
        return other

    def feed(self, x: Tensor, places: Sequence[int | None]) -> Tensor:
        """Feed [c, d], each at its steered position or None; returns the final states [c, d]."""
        handles = self._hooks(places)
        try:
            out = self.model.lm.base_model(inputs_embeds=x[None], past_key_values=self.cache)
        finally:
            for handle in handles:
                handle.remove()
        states: Tensor = out.last_hidden_state[0]
        return states

    def _hooks(self, places: Sequence[int | None]) -> list[Any]:
        if self.steered is None:
            return []
        thread, steered = threading.get_ident(), self.steered
        blocks = blocks_of(self.model.lm)

        def steering(site: str) -> Any:
            def hook(module: nn.Module, args: Any, output: Any) -> Any:
                if threading.get_ident() != thread:  # another unit goes through this block too
                    return None
                x = output[0] if isinstance(output, tuple) else output
                rows = [steered.at(site, t, x[0, i]) for i, t in enumerate(places)]
                y = torch.stack(rows)[None]
                return (y, *output[1:]) if isinstance(output, tuple) else y

            return hook

        layers = {site: residual_layer(site) for site in steered.steering.sites}
        return [
            blocks[layer].register_forward_hook(steering(site))
            for site, layer in layers.items()
            if layer is not None
        ]

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
    steering: Steering | None = None,
    *,
    gold: str | None = None,
    factor: float = 1.0,
    temperature: float | None = None,
    seed: int = 0,
) -> PlainAnswer:
    """The outcome of one unit, slowly.

    Args:
        model: the model.
        protocol: a resolved protocol.
        question: its text.
        steering: what is done to its thoughts; None for the baseline.
        gold: canonical answer, for its log-probability.
        factor: the problem's factor on alpha.
        temperature: samples at it; None decodes greedily.
        seed: of the sampling.
    """
    prompt = prompt_tokens(model, protocol, question)
    steered = None
    if steering is not None and not steering.is_baseline:
        steered = _Steered(steering, factor, protocol.n_steered, protocol.open_ended)
    mind = _Mind(model, protocol, steered)
    stream, state = mind.think(prompt)
    start = answer_start_tokens(model, protocol)
    if start:
        state = stream.feed(stream.embed(start), [None] * len(start))[-1]
    logprob = NAN
    if gold is not None:
        logprob = mind.score(stream.fork(steered), state, gold_tokens(model, protocol, gold))
    noise = None if temperature is None else (temperature, _key(prompt, seed))
    tokens, margin = mind.write(stream, state, noise)
    positions = range(protocol.n_positions)
    met = mind.met if steered is None else steered.met
    before, after, cosine = zip(*(met.get(t, (NAN,) * 3) for t in positions), strict=True)
    fed = [mind.fed.get(t, NAN) for t in positions]
    truncated = tokens[-1] not in model.ends
    return PlainAnswer(
        tokens, margin, truncated, logprob, list(before), list(after), fed, list(cosine)
    )


class _Mind:
    """The steps of one unit: thoughts, score, answer."""

    def __init__(self, model: Model, protocol: Protocol, steered: _Steered | None) -> None:
        self.model, self.protocol, self.steered = model, protocol, steered
        self.head = head_of(model.lm)
        self.n_choices = model.vocab_size - (protocol.vocabulary == "less_last")
        self.fed: dict[int, float] = {}
        self.met: dict[int, tuple[float, float, float]] = {}  # of the baseline, at `latent`

    def think(self, prompt: list[int]) -> tuple[_Stream, Tensor]:
        """What was fed up to the last thought, and the final state [d] there."""
        stream = _Stream(self.model, self.steered)
        x, places = stream.embed(prompt), [*[None] * (len(prompt) - 1), 0]
        if self.steered is not None and self.steered.steering.effect == "direct":
            thoughts = self.separate_thoughts(x, places)
        else:
            thoughts = None
        state = stream.feed(x, places)[-1]
        if not self.protocol.n_latent:
            self.note(0, state)
        for t in range(self.protocol.n_latent or 0):
            thought = self.thought(t, state) if thoughts is None else thoughts[t]
            if t < self.protocol.n_fed:
                state = stream.feed(thought[None], [self.place(t + 1)])[-1]
        return stream, state

    def separate_thoughts(self, x: Tensor, places: Sequence[int | None]) -> list[Tensor]:
        """Each thought as steering at its position alone makes it, after a baseline's past."""
        base, thoughts = _Stream(self.model, None), []
        for t in range(self.protocol.n_latent or 0):
            alone = base.fork(self.steered).feed(x, places if t == 0 else [t])[-1]
            thoughts.append(self.thought(t, alone))
            state = base.feed(x, [None] * len(x))[-1]
            x = self.project(state)[None]
        return thoughts

    def place(self, t: int) -> int | None:
        return t if t < (self.protocol.n_latent or 0) else None

    def project(self, state: Tensor) -> Tensor:
        if self.model.projection is None:
            return state
        thought: Tensor = self.model.projection(state[None])[0]
        return thought

    def note(self, t: int, state: Tensor) -> None:
        norm = float(state.float().norm())
        self.met[t] = (norm, norm, NAN)

    def thought(self, t: int, state: Tensor) -> Tensor:
        """The t-th thought, made of the t-th final state."""
        self.note(t, state)
        if self.steered is None:
            thought = self.project(state)
        else:
            state = self.steered.at("latent", t, state)
            thought = self.steered.at("latent_projected", t, self.project(state))
        if t < self.protocol.n_fed:
            self.fed[t] = float(thought.float().norm())
        return thought

    def logits(self, states: Tensor) -> Tensor:
        logits: Tensor = self.head(states).float()
        return logits[..., : self.n_choices]

    def written(self, count: int) -> int | None:
        """Where the `count`-th written token is steered: in models without thoughts alone."""
        return None if self.protocol.n_latent else min(count, self.protocol.max_new_tokens)

    def score(self, stream: _Stream, state: Tensor, gold: list[int]) -> float:
        """Log-probability of the tokens."""
        states = state[None]
        if len(gold) > 1:
            places = [self.written(count) for count in range(1, len(gold))]
            states = torch.cat([states, stream.feed(stream.embed(gold[:-1]), places)])
        logprobs = torch.log_softmax(self.logits(states), -1)
        targets = [min(token, self.n_choices - 1) for token in gold]
        return sum(float(row[token]) for row, token in zip(logprobs, targets, strict=True))

    def write(
        self, stream: _Stream, state: Tensor, noise: tuple[float, bytes] | None
    ) -> tuple[list[int], float]:
        """The answer's tokens and their smallest margin."""
        tokens, margins = list[int](), list[float]()
        while True:
            logits = self.logits(state)
            if noise is not None:
                temperature, key = noise
                logits = logits + temperature * _gumbel(key, len(tokens), logits)
            best = logits.topk(2).values
            tokens.append(int(logits.argmax()))
            margins.append(float(best[0] - best[1]))
            ended = tokens[-1] in self.model.ends
            if ended or len(tokens) == self.protocol.max_new_tokens:
                return tokens, min(margins)
            state = stream.feed(stream.embed(tokens[-1:]), [self.written(len(tokens))])[-1]


def _key(prompt: list[int], seed: int) -> bytes:
    return hashlib.sha256(repr((prompt, seed)).encode()).digest()[:16]


def _gumbel(key: bytes, step: int, like: Tensor) -> Tensor:
    """The noise of one step, of the prompt and seed alone: what a draw is defined by."""
    bits = np.random.Philox(key=int.from_bytes(key, "little"), counter=step << 64)
    noise = np.random.Generator(bits).gumbel(size=len(like))
    return torch.from_numpy(noise).float().to(like.device)

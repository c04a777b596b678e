"""The engine's oracle: one question, one steering, the whole sequence anew for every token.

Everything runs through the transformers modules from input embeddings, with a hook on the blocks
for residual sites. No cache, no batch, no padding; nothing is taken from the engine but the
protocol's prompt and the noise of sampling.
"""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from collect.engine.decoding import Noise
from collect.engine.protocol import answer_start_tokens, gold_tokens, prompt_tokens


def weights_of(steering, t, vectors):
    """The schedule's weight at position t, written out."""
    norms = [float(np.linalg.norm(v)) for v in vectors]
    name, _, where = steering.schedule.partition(":")
    if steering.schedule.startswith("["):
        listed = json.loads(steering.schedule)
        return listed[t] if t < len(listed) else 0.0
    return {
        "uniform": lambda: 1.0,
        "first": lambda: float(t == 0),
        "last": lambda: float(t == len(vectors) - 1),
        "position": lambda: float(t == int(where)),
        "magnitude": lambda: norms[t] / (sum(norms) / len(norms)),
    }[name]()


def steer(steering, problem, site, t, x, n_positions):
    """`x` [d] steered at position t of one site, and the direction there."""
    vectors = np.asarray(steering.vectors, dtype=np.float32).reshape(-1, x.shape[-1])
    index = steering.sites.index(site)
    if np.ndim(steering.vectors) == 1 or steering.everywhere:
        one = vectors[min(index, len(vectors) - 1)]
        vectors = np.stack([one] * n_positions)
    else:
        each = len(vectors) // len(steering.sites)
        vectors = vectors[index * each : (index + 1) * each]
    if t >= len(vectors):
        return x, None
    weight = weights_of(steering, t, vectors)
    v = torch.tensor(vectors[t])
    if weight == 0 or float(v.norm()) == 0:
        return x, v
    factor = 1.0 if steering.alpha_factors is None else steering.alpha_factors[problem]
    alpha = steering.alpha * weight * factor
    component = (x.float() @ v) / v.norm() ** 2
    if steering.operator == "add":
        y = x + alpha * v
    elif steering.operator == "norm_preserving_add":
        y = x + alpha * v
        y = y * x.norm() / y.norm()
    elif steering.operator == "project_out":
        y = x - component * v
    else:
        y = x - component * v + alpha * v
    return y, v


class Reference:
    """One unit, computed slowly."""

    def __init__(self, model, protocol, steering, problem=0):
        self.model, self.protocol, self.steering, self.problem = model, protocol, steering, problem
        self.lm = model.lm
        self.body = self.lm.base_model
        lists = (m for m in self.body.modules() if isinstance(m, torch.nn.ModuleList))
        self.blocks = next(blocks for blocks in lists if len(blocks) == model.n_layer)
        self.plain = not protocol.n_latent
        self.n_positions = 1 + protocol.max_new_tokens if self.plain else protocol.n_latent
        self.norms: dict[int, tuple[float, float, float]] = {}
        self.fed: dict[int, float] = {}

    def embed(self, token):
        return self.lm.get_input_embeddings()(torch.tensor([token]))

    @contextmanager
    def hooked(self, steered: dict[int, int]):
        """Steer residual sites at the given sequence places: {place: position t}."""
        handles = []

        def make(site):
            def hook(module: Any, args: Any, output: Any) -> Any:
                x = output[0] if isinstance(output, tuple) else output
                x = x.clone()
                for place, t in steered.items():
                    x[0, place] = self.at(site, t, x[0, place])
                return (x, *output[1:]) if isinstance(output, tuple) else x

            return hook

        try:
            if not self.steering.is_baseline:
                for site in self.steering.sites:
                    if site.startswith("residual:"):
                        block = self.blocks[int(site.split(":")[1])]
                        handles.append(block.register_forward_hook(make(site)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def at(self, site, t, x):
        if self.steering.is_baseline or site not in self.steering.sites:
            if site == "latent" and self.steering.is_baseline:
                self.norms[t] = (float(x.norm()), float(x.norm()), math.nan)
            return x
        y, v = steer(self.steering, self.problem, site, t, x, self.n_positions)
        if site == self.steering.sites[0]:
            known = v is not None and float(v.norm()) > 0
            cosine = float(x @ v / x.norm() / v.norm()) if known else math.nan
            # Later passes go over the same place again.
            self.norms.setdefault(t, (float(x.norm()), float(y.norm()), cosine))
        return y

    def state(self, sequence, steered):
        """Final state [d] at the last place of a sequence [L, d]."""
        with self.hooked(steered), torch.no_grad():
            return self.body(inputs_embeds=sequence[None]).last_hidden_state[0, -1]

    def thought(self, state):
        return state if self.model.projection is None else self.model.projection(state[None])[0]

    def baseline_sequence(self, sequence):
        """The sequence with every baseline thought, and each pass's final state."""
        states = []
        for _ in range(self.protocol.n_latent):
            with torch.no_grad():
                state = self.body(inputs_embeds=sequence[None]).last_hidden_state[0, -1]
                states.append(state)
                sequence = torch.cat([sequence, self.thought(state)[None]])
        return sequence, states

    def think(self, sequence):
        """The sequence with its steered thoughts, and which places are steered."""
        anchor, steered = len(sequence) - 1, {}
        direct = not self.steering.is_baseline and self.steering.effect == "direct"
        base, base_states = self.baseline_sequence(sequence) if direct else (sequence, [])
        for t in range(self.protocol.n_latent):
            steered[anchor + t] = t
            if direct:
                alone = {anchor + t: t}
                residual = any(s.startswith("residual") for s in self.steering.sites)
                state = self.state(base[: anchor + t + 1], alone) if residual else base_states[t]
            else:
                state = self.state(sequence, steered)
            state = self.at("latent", t, state)
            with torch.no_grad():
                thought = self.at("latent_projected", t, self.thought(state))
            if t < self.protocol.n_fed:
                self.fed[t] = float(thought.norm())
                sequence = torch.cat([sequence, thought[None]])
        return sequence, steered

    def run(self, question, gold=None, seed=0, temperature=None):
        model, protocol = self.model, self.protocol
        prompt = prompt_tokens(model, protocol, question)
        with torch.no_grad():
            sequence = torch.cat([self.embed(token) for token in prompt])
            steered = {len(prompt) - 1: 0}
            if not self.plain:
                sequence, steered = self.think(sequence)
            for token in answer_start_tokens(model, protocol):
                sequence = torch.cat([sequence, self.embed(token)])
            n = model.vocab_size - (protocol.vocabulary == "less_last")
            noise = None
            if temperature is not None:
                noise = Noise([prompt], [seed], n)
            tokens, margin = self.generate(sequence, steered, n, noise, temperature)
            logprob = math.nan
            if gold is not None:
                logprob = self.score(sequence, steered, gold_tokens(model, protocol, gold), n)
        return {"tokens": tokens, "margin": margin, "gold_logprob": logprob}

    def next_logits(self, sequence, steered, n):
        with self.hooked(steered), torch.no_grad():
            return self.lm(inputs_embeds=sequence[None]).logits[0, -1].float()[:n]

    def extend(self, sequence, steered, token, count):
        if self.plain:
            steered = {**steered, len(sequence): count}
        return torch.cat([sequence, self.embed(token)]), steered

    def generate(self, sequence, steered, n, noise, temperature):
        tokens: list[int] = []
        margins: list[float] = []
        while len(tokens) < self.protocol.max_new_tokens:
            logits = self.next_logits(sequence, steered, n)
            if noise is not None:
                drawn = noise.at([0], [len(tokens)], torch.device("cpu"))[0]
                logits = logits + temperature * drawn
            best = torch.sort(logits, descending=True).values
            tokens.append(int(logits.argmax()))
            margins.append(float(best[0] - best[1]))
            if tokens[-1] == self.model.eos_id:
                break
            sequence, steered = self.extend(sequence, steered, tokens[-1], len(tokens))
        return tokens, min(margins)

    def score(self, sequence, steered, gold, n):
        total = 0.0
        for count, token in enumerate(gold):
            logits = self.next_logits(sequence, steered, n)
            total += float(torch.log_softmax(logits, -1)[token])
            sequence, steered = self.extend(sequence, steered, token, count + 1)
        return total

"""The answer: greedy or sampled tokens, their margins and the gold answer's log-probability.

The gold answer is fed as a draft together with the answer's start. Its logits give its
log-probability, and as far as the model would have written the same tokens they are its answer,
so that a right answer needs one pass. Every token is the one that step-by-step decoding gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from collect.engine.networks import Network
from collect.engine.reasoning import Thoughts, residual_hook
from collect.engine.rows import ROOM, Hook, Rows, SteeringTable, Which
from sql.errors import UserError

LOGIT_BYTES = 64 * 2**20  # logits are judged in slices of at most this size


@dataclass(frozen=True)
class Decoding:
    """How a token is chosen.

    Attributes:
        n_choices: vocabulary entries among which is chosen.
        max_new_tokens: most tokens of an answer.
        ends: tokens that end an answer.
        temperature: None for greedy.
    """

    n_choices: int
    max_new_tokens: int
    ends: tuple[int, ...]
    temperature: float | None = None

    def ended(self, tokens: Tensor) -> Tensor:
        """Which of the tokens end an answer."""
        ended = tokens == self.ends[0]
        for end in self.ends[1:]:
            ended = ended | (tokens == end)
        return ended


def parse_decoding(
    decoding: Mapping[str, str | float],
    *,
    n_choices: int,
    max_new_tokens: int,
    ends: tuple[int, ...],
) -> Decoding:
    """A condition's decoding as the engine takes it.

    Raises:
        UserError: neither `{"mode": "greedy"}` nor `{"mode": "sample", "temperature": 0.7}`.
    """
    mode, temperature = decoding.get("mode", "greedy"), decoding.get("temperature")
    if mode == "greedy":
        return Decoding(n_choices, max_new_tokens, ends)
    if mode != "sample" or temperature is None or not float(temperature) > 0:
        raise UserError(
            f"decoding {dict(decoding)} is not known; use mode greedy, or mode sample with a "
            "temperature above 0"
        )
    return Decoding(n_choices, max_new_tokens, ends, float(temperature))


class Noise:
    """Gumbel noise for sampling, a function of (prompt, seed, step) and of nothing else.

    Adding it to logits / temperature and taking the arg-max is sampling, so that a draw does not
    depend on the batch; conditions of one problem and seed share their draws.
    """

    def __init__(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int], n: int) -> None:
        self.keys = [
            hashlib.sha256(repr((list(prompt), seed)).encode()).digest()
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        self.n, self.drawn = n, dict[tuple[bytes, int], Tensor]()

    def at(self, rows: Sequence[int], steps: Sequence[int], device: torch.device) -> Tensor:
        """Noise [N, n] for (row, step) pairs."""
        parts = []
        for row, step in zip(rows, steps, strict=True):
            key = (self.keys[row], step)
            if key not in self.drawn:
                number = int.from_bytes(key[0][:16], "little")
                generator = np.random.Generator(np.random.Philox(key=number, counter=step << 64))
                self.drawn[key] = torch.from_numpy(generator.gumbel(size=self.n)).float()
            parts.append(self.drawn[key])
        return torch.stack(parts).to(device)


@dataclass
class Answers:
    """Columns over the rows of a batch; `states` [B, k, d] predict the first tokens.

    `scored` says whether there were gold answers.
    """

    tokens: list[list[int]]
    truncated: np.ndarray[Any, np.dtype[np.bool_]]
    gold_logprob: np.ndarray[Any, np.dtype[np.float32]]
    margin: np.ndarray[Any, np.dtype[np.float32]]
    states: Tensor
    scored: bool


def judge(
    net: Network,
    states: Tensor,
    rule: Decoding,
    targets: Tensor | None = None,
    noise: Callable[[slice], Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """For each final state [N, d]: the token chosen, its margin over the next, log p(target).

    The margin is in units of logits; with noise (for a slice of the states) it is that of the
    noisy choice.
    """
    step = max(1, LOGIT_BYTES // (4 * rule.n_choices))
    chosen, margins, logprobs = [], [], []
    for start in range(0, len(states), step):
        part = slice(start, start + step)
        logits = net.logits(states[part])[:, : rule.n_choices]
        if targets is not None:
            picked = logits.gather(1, targets[part].clamp(0, rule.n_choices - 1)[:, None])[:, 0]
            logprobs.append(picked - torch.logsumexp(logits, -1))
        if noise is not None and rule.temperature is not None:
            logits = logits + rule.temperature * noise(part)
        best, token = logits.max(-1)
        second = logits.scatter_(1, token[:, None], float("-inf")).amax(-1)
        chosen.append(token)
        margins.append(best - second)
    return torch.cat(chosen), torch.cat(margins), torch.cat(logprobs) if logprobs else None


def decode(
    rows: Rows,
    thoughts: Thoughts,
    start: Sequence[int],
    golds: Sequence[Sequence[int]] | None,
    rule: Decoding,
    table: SteeringTable,
    noise: Noise | None,
) -> Answers:
    """Answers of all rows, after their thoughts.

    Args:
        rows: rows that have been fed all but the pending thoughts.
        thoughts: what thinking left.
        start: tokens between thoughts and answer.
        golds: each row's gold answer, end-of-text last; None without.
        rule: how tokens are chosen.
        table: steerings, for models that are steered at generated tokens.
        noise: for sampling.
    """
    return _Decoder(rows, thoughts, start, golds, rule, table, noise).run()


class _Decoder:
    def __init__(
        self,
        rows: Rows,
        thoughts: Thoughts,
        start: Sequence[int],
        golds: Sequence[Sequence[int]] | None,
        rule: Decoding,
        table: SteeringTable,
        noise: Noise | None,
    ) -> None:
        self.rows, self.thoughts, self.start, self.rule = rows, thoughts, list(start), rule
        self.table, self.noise, self.device = table, noise, thoughts.pending.device
        self.plain = thoughts.state is not None
        n = len(rows)
        self.tokens = torch.full((n, rule.max_new_tokens), -1, device=self.device)
        self.margin = torch.full((n,), float("inf"), device=self.device)
        self.count = torch.zeros(n, dtype=torch.long, device=self.device)
        self.gold_logprob = torch.full((n,), float("nan"), device=self.device)
        longest = max((len(gold) for gold in golds), default=0) if golds is not None else 0
        # [B, k + 1]: the draft, end-of-text included; -1 beyond it.
        self.gold = torch.full((n, longest), -1, device=self.device)
        if golds is not None:
            padded = [[*gold, *[-1] * (longest - len(gold))] for gold in golds]
            self.gold = torch.tensor(padded, device=self.device)

    def run(self) -> Answers:
        states, first = self._opening()
        alive, at, last = self._accept(states, first)
        rows = self.rows.select(alive, int(at.max()), int(at.max()) + ROOM) if len(alive) else None
        while rows is not None and len(alive):
            alive, at, last, rows = self._step(alive, at, last, rows)
        truncated = ~self.rule.ended(self._last_tokens())
        tokens = self.tokens.cpu().numpy()
        counts = self.count.tolist()
        return Answers(
            [row[:n].tolist() for row, n in zip(tokens, counts, strict=True)],
            truncated.cpu().numpy(),
            self.gold_logprob.float().cpu().numpy(),
            self.margin.cpu().numpy(),
            states,
            bool(self.gold.shape[1]),
        )

    def _noise(self, rows: list[int], steps: list[int]) -> Callable[[slice], Tensor] | None:
        source = self.noise
        if source is None:
            return None
        return lambda part: source.at(rows[part], steps[part], self.device)

    def _last_tokens(self) -> Tensor:
        return self.tokens.gather(1, (self.count - 1)[:, None])[:, 0]

    def _opening(self) -> tuple[Tensor, int]:
        """Feed thoughts, start and draft; returns states [B, 1 + k, d] and entries before k."""
        net, n, k = self.rows.net, len(self.rows), max(0, self.gold.shape[1] - 1)
        parts = [self.thoughts.pending]
        if self.start:
            start = torch.tensor(self.start, device=self.device)
            parts.append(net.embed(start).expand(n, -1, -1))
        if k:
            parts.append(net.embed(self.gold[:, :k].clamp_min(0)))
        chunk = torch.cat(parts, 1)
        first = self.rows.used + chunk.shape[1] - k
        states = []
        if self.thoughts.state is not None:
            states.append(self.thoughts.state[:, None])
        if chunk.shape[1]:
            hook = self._draft_hook(chunk.shape[1] - k) if self.plain else None
            out = self.rows.feed(chunk, hook)
            predicting = k if self.plain else k + 1
            states.append(net.final(out[:, chunk.shape[1] - predicting :]))
        return torch.cat(states, 1), first

    def _draft_hook(self, lead: int) -> Hook | None:
        """Steers every generated token of a chunk at its own position."""
        if all(layer is None for layer in self.table.layers):
            return None

        def hook(layer: int, x: Tensor, rows: Which) -> Tensor:
            """Steer a layer's output at the drafted tokens."""
            for site, wanted in enumerate(self.table.layers):
                if wanted == layer:
                    table = self.table.select(rows)
                    steered = [
                        table.apply(site, min(j + 1, self.rule.max_new_tokens), x[:, j])
                        for j in range(lead, x.shape[1])
                    ]
                    x = torch.cat([x[:, :lead], torch.stack(steered, 1)], 1)
            return x

        return hook

    def _accept(self, states: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
        """Take the draft as far as it is what the model chooses.

        Returns the rows that go on, where each of them writes next, and its last token.
        """
        n, width, _ = states.shape
        noise = self._noise([i for i in range(n) for _ in range(width)], list(range(width)) * n)
        targets = self.gold.flatten() if self.gold.shape[1] else None
        flat = states.reshape(n * width, -1)
        chosen, margins, logprobs = judge(self.rows.net, flat, self.rule, targets, noise)
        chosen, margins = chosen.view(n, width), margins.view(n, width)
        if logprobs is not None:
            held = torch.where(self.gold >= 0, logprobs.view(n, width), 0.0)
            self.gold_logprob = held.sum(-1)
        k = width - 1
        draft = self.gold[:, :k]
        same = (chosen[:, :k] == draft) & (self.gold[:, 1:] >= 0) & ~self.rule.ended(draft)
        accepted = same.long().cumprod(1).sum(1)
        self.count = (accepted + 1).clamp_max(self.rule.max_new_tokens)
        column = torch.arange(width, device=self.device)
        taken = column < self.count[:, None]
        kept = min(width, self.rule.max_new_tokens)
        self.tokens[:, :kept] = torch.where(taken, chosen, -1)[:, :kept]
        self.margin = torch.where(taken, margins, float("inf")).amin(-1)
        last = self._last_tokens()
        going = ~self.rule.ended(last) & (self.count < self.rule.max_new_tokens)
        alive = going.nonzero()[:, 0]
        return alive, first + accepted[alive], last[alive]

    def _step(
        self, alive: Tensor, at: Tensor, last: Tensor, rows: Rows
    ) -> tuple[Tensor, Tensor, Tensor, Rows | None]:
        """One more token for the rows `alive`, written at `at`."""
        if int(at.max()) >= rows.capacity:
            everyone = torch.arange(len(rows), device=self.device)
            rows = rows.select(everyone, rows.used, rows.capacity + ROOM)
        hook = None
        if self.plain:
            hook = residual_hook(self.table.select(alive), self.count[alive])
        out = rows.feed_at(rows.net.embed(last)[:, None], at, hook)
        noise = self._noise(alive.tolist(), self.count[alive].tolist())
        token, margin, _ = judge(rows.net, rows.net.final(out[:, 0]), self.rule, None, noise)
        self.tokens[alive, self.count[alive]] = token
        self.count[alive] += 1
        self.margin[alive] = torch.minimum(self.margin[alive], margin)
        going = ~self.rule.ended(token) & (self.count[alive] < self.rule.max_new_tokens)
        keep = going.nonzero()[:, 0]
        if not len(keep):
            return keep, keep, keep, None
        if len(keep) < len(rows):
            used = int(at[keep].max()) + 1
            rows = rows.select(keep, used, used + ROOM)
        return alive[keep], at[keep] + 1, token[keep], rows

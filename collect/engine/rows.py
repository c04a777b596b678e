"""A batch of units on their way through the network, and the steering of each of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from collect.engine.caches import Prefix, Segment, SuffixCache, attend, make_segment
from collect.engine.interventions import Steering, site_vectors
from collect.engine.networks import FusedNetwork, Network
from store.names import residual_layer

# Called after each block as (layer, x [n, c, d], which of the rows x holds); returns what the next
# block reads.
Which = Tensor | slice
Hook = Callable[[int, Tensor, Which], Tensor]
EVERY = slice(None)
ROOM = 8  # entries a suffix cache grows by


class Rows(ABC):
    """Rows that are fed together; those of one question stand next to each other.

    Attributes:
        net: the network.
        used: entries that every row was fed after its prompt.
        capacity: entries that there is room for.
        drop_last: whether the prompt's last token is still to be fed (again, steered).
    """

    net: Network
    used: int
    capacity: int
    drop_last: bool

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def anchor_states(self) -> Tensor:
        """Final state [B, d] at each row's last prompt token."""

    @abstractmethod
    def anchor_tokens(self) -> Tensor:
        """Each row's last prompt token, [B]."""

    @abstractmethod
    def select(self, keep: Tensor, used: int, capacity: int) -> Rows:
        """Some of the rows, in order, with the first `used` entries that they were fed."""

    @abstractmethod
    def feed(self, x: Tensor, hook: Hook | None = None) -> Tensor:
        """Feed c inputs [B, c, d] to every row; returns what `net.final` takes, [B, c, d]."""

    @abstractmethod
    def feed_at(self, x: Tensor, at: Tensor, hook: Hook | None = None) -> Tensor:
        """Feed one input [B, 1, d] at each row's own place `at` [B]; entries beyond are unseen."""


@dataclass
class FusedRows(Rows):
    """Rows of a fused network: one shared cache per question, one small cache per row.

    Attributes:
        net: the network.
        prefixes: caches of questions, one entry per prompt length.
        source: for each row, which of `prefixes`, non-decreasing, [B].
        owner: which question within it, non-decreasing within a source, [B].
        drop_last: read the prefixes without their last token (it is fed again, steered).
    """

    net: FusedNetwork
    prefixes: Sequence[Prefix]
    source: Tensor
    owner: Tensor
    drop_last: bool = False
    capacity: int = ROOM
    used: int = 0
    segments: list[Segment] = field(init=False)
    lengths: Tensor = field(init=False)
    cache: SuffixCache = field(init=False)

    def __post_init__(self) -> None:
        self._lay_out()
        like = self.prefixes[0].keys
        self.cache = SuffixCache(self.net, len(self.owner), self.capacity, like)

    def _lay_out(self) -> None:
        cut = 1 if self.drop_last else 0
        counts = torch.bincount(self.source, minlength=len(self.prefixes)).tolist()
        self.segments, start = [], 0
        for prefix, count in zip(self.prefixes, counts, strict=True):
            if count:
                owners = self.owner[start : start + count]
                first, last = int(owners[0]), int(owners[-1]) + 1
                end = prefix.length - cut
                keys = prefix.keys[:, first:last, :, :end]
                values = prefix.values[:, first:last, :, :end]
                self.segments.append(make_segment(start, owners - first, keys, values))
                start += count
        lengths = torch.tensor([p.length - cut for p in self.prefixes], device=self.source.device)
        self.lengths = lengths[self.source]

    def __len__(self) -> int:
        return len(self.owner)

    def anchor_states(self) -> Tensor:
        """See `Rows.anchor_states`."""
        parts = [p.states[self.owner[self.source == i]] for i, p in enumerate(self.prefixes)]
        return torch.cat(parts)

    def anchor_tokens(self) -> Tensor:
        """See `Rows.anchor_tokens`."""
        parts = [p.tokens[self.owner[self.source == i], -1] for i, p in enumerate(self.prefixes)]
        return torch.cat(parts)

    def select(self, keep: Tensor, used: int, capacity: int) -> FusedRows:
        """See `Rows.select`."""
        other = FusedRows.__new__(FusedRows)
        other.net, other.prefixes, other.drop_last = self.net, self.prefixes, self.drop_last
        other.source, other.owner = self.source[keep], self.owner[keep]
        other.capacity, other.used = capacity, used
        other._lay_out()
        other.cache = self.cache.taken(keep, used, capacity)
        return other

    def feed(self, x: Tensor, hook: Hook | None = None) -> Tensor:
        """See `Rows.feed`; what comes back is the last block's output."""
        n_rows, c, width = x.shape
        start, stop = self.used, self.used + c
        device = x.device
        positions = (self.lengths[:, None] + torch.arange(start, stop, device=device)).flatten()
        hidden = None
        if c > 1:
            seen = torch.arange(start, stop, device=device)[:, None]
            hidden = torch.arange(stop, device=device) > seen
        flat = self.net.place(x.reshape(n_rows * c, width), positions)
        for layer in range(self.net.n_layer):
            q, k, v = (
                part.view(n_rows, c, -1, self.net.d_head)
                for part in self.net.qkv(layer, flat, positions)
            )
            keys, values = self.cache.keys[layer], self.cache.values[layer]
            keys[start:stop] = k.transpose(0, 1)
            values[start:stop] = v.transpose(0, 1)
            flat = self._block(layer, flat, q, stop, hidden, hook)
        self.used = stop
        return flat.view(n_rows, c, width)

    def feed_at(self, x: Tensor, at: Tensor, hook: Hook | None = None) -> Tensor:
        """See `Rows.feed_at`."""
        n_rows, _, width = x.shape
        stop = int(at.max()) + 1
        hidden = torch.arange(stop, device=x.device) > at[:, None]
        positions = self.lengths + at
        index = torch.arange(n_rows, device=x.device)
        flat = self.net.place(x.reshape(n_rows, width), positions)
        for layer in range(self.net.n_layer):
            q, k, v = self.net.qkv(layer, flat, positions)
            self.cache.keys[layer][at, index] = k
            self.cache.values[layer][at, index] = v
            q = q.reshape(n_rows, 1, self.net.n_head, self.net.d_head)
            flat = self._block(layer, flat, q, stop, hidden, hook)
        self.used = max(self.used, stop)
        return flat.view(n_rows, 1, width)

    def _block(
        self, layer: int, x: Tensor, q: Tensor, stop: int, hidden: Tensor | None, hook: Hook | None
    ) -> Tensor:
        keys, values = self.cache.keys[layer][:stop], self.cache.values[layer][:stop]
        out = attend(self.net, layer, q, self.segments, keys, values, hidden)
        x = self.net.finish(layer, x, out.view(len(x), -1))
        if hook is not None:
            x = hook(layer, x.view(*q.shape[:2], -1), EVERY).view(len(x), -1)
        return x


class SteeringTable:
    """The vectors of many steerings of one site text, and which row takes which of them.

    Attributes:
        sites: the sites, in the order in which the steering names them.
        layers: for each site its block, or None for the latent sites.
    """

    def __init__(
        self,
        steerings: Sequence[Steering],
        of_row: Sequence[int],
        factor: Sequence[float] | None,
        *,
        n_positions: int,
        width: int,
        device: torch.device,
        open_ended: bool,
    ) -> None:
        named = next((s for s in steerings if not s.is_baseline), None)
        self.sites = named.sites if named is not None else ("latent",)
        self.layers = [residual_layer(site) for site in self.sites]
        shape = (len(self.sites), len(steerings), n_positions)
        unit = np.zeros((*shape, width), dtype=np.float32)
        dose, active = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
        for index, steering in enumerate(steerings):
            parts = site_vectors(steering, n_positions, width, open_ended=open_ended)
            for site, part in enumerate(parts):
                unit[site, index], active[site, index] = part.unit, part.weight != 0
                dose[site, index] = 0 if steering.operator == "project_out" else part.dose
        operators = [s.operator if not s.is_baseline else "add" for s in steerings]
        removes = [operator in ("project_out", "clamp") for operator in operators]
        rescales = [operator == "norm_preserving_add" for operator in operators]
        self.any_removes, self.any_rescales = any(removes), any(rescales)
        self.removes = torch.tensor(removes, device=device)
        self.rescales = torch.tensor(rescales, device=device)
        self.unit = torch.from_numpy(unit).to(device)
        self.dose, self.active = (torch.from_numpy(a).to(device) for a in (dose, active))
        self.row = torch.tensor(list(of_row), device=device, dtype=torch.long)
        self.factor = None if factor is None else torch.tensor(list(factor), device=device)

    def select(self, keep: Which) -> SteeringTable:
        """The table for some of the rows."""
        other = SteeringTable.__new__(SteeringTable)
        other.__dict__.update(self.__dict__)
        other.row = self.row[keep]
        other.factor = None if self.factor is None else self.factor[keep]
        return other

    def unit_at(self, site: int, t: int | Tensor) -> Tensor:
        """Each row's unit vector [B, d] at position `t`."""
        return self.unit[site, self.row, t]

    def apply(self, site: int, t: int | Tensor, x: Tensor) -> Tensor:
        """Each row of `x` [B, d] steered at position `t` (one for all rows, or one each)."""
        unit, dose = self.unit_at(site, t), self.dose[site, self.row, t]
        if self.factor is not None:
            dose = dose * self.factor
        wide = x.float()
        if self.any_removes:
            component = (wide * unit).sum(-1)
            taken = self.removes[self.row] & self.active[site, self.row, t]
            dose = dose - component * taken
        steered = torch.addcmul(wide, dose[:, None], unit)
        if self.any_rescales:
            before = torch.linalg.vector_norm(wide, dim=-1)
            after = torch.linalg.vector_norm(steered, dim=-1)
            rescaled = self.rescales[self.row] & self.active[site, self.row, t] & (after > 0)
            ratio = torch.where(rescaled, before / after.clamp_min(1e-30), 1.0)
            steered = steered * ratio[:, None]
        return steered.to(x.dtype)


class Norms:
    """What is kept of every steered position, each [B, T]; NaN where it has no meaning."""

    def __init__(self, n_rows: int, n_positions: int, device: torch.device) -> None:
        self.before, self.after, self.fed, self.cosine = (
            torch.full((n_rows, n_positions), float("nan"), device=device) for _ in range(4)
        )

    def note(
        self, t: int, before: Tensor, after: Tensor, unit: Tensor, rows: Which = EVERY
    ) -> None:
        """Record a state [n, d] of some rows before and after steering along `unit` [n, d]."""
        wide = before.float()
        norm = torch.linalg.vector_norm(wide, dim=-1)
        self.before[rows, t] = norm
        self.after[rows, t] = torch.linalg.vector_norm(after.float(), dim=-1)
        directed = unit.square().sum(-1) > 0
        cosine = (wide * unit).sum(-1) / norm
        self.cosine[rows, t] = torch.where(directed, cosine, float("nan"))

    def note_fed(self, t: int, thought: Tensor) -> None:
        """Record the norm of the vector [B, d] that is fed back."""
        self.fed[:, t] = torch.linalg.vector_norm(thought.float(), dim=-1)

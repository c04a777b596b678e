"""Keys and values: one shared cache per question, one small cache of its own per row.

A row is one unit: (question, steering, seed). All rows of a question read the same prefix cache,
as one matrix product with all their queries; only what they were fed after it is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from collect.engine.networks import FusedNetwork


@dataclass(frozen=True)
class Prompts:
    """The prefilled prompts of questions of one length.

    Attributes:
        questions: indices of the questions.
        states: normed final hidden state at the last prompt token, [n, d].
        tokens: prompt ids [n, P].
    """

    questions: list[int]
    states: Tensor
    tokens: Tensor

    @property
    def length(self) -> int:
        """Prompt tokens."""
        return int(self.tokens.shape[1])


@dataclass(frozen=True)
class Prefix(Prompts):
    """Prefilled prompts with a fused network's keys and values, [layers, n, n_kv, P, dh]."""

    keys: Tensor
    values: Tensor


@dataclass
class Segment:
    """Consecutive rows of a batch whose questions have equal length.

    Attributes:
        start, stop: the rows.
        keys, values: the questions' caches [layers, n, n_kv, P, dh].
        width: most rows of one question.
        place: each row's place in the grid [n * width]; None where every question has `width`
            rows, in order.
    """

    start: int
    stop: int
    keys: Tensor
    values: Tensor
    width: int
    place: Tensor | None

    @property
    def n(self) -> int:
        """Questions in the segment."""
        return int(self.keys.shape[1])


def make_segment(start: int, owners: Tensor, keys: Tensor, values: Tensor) -> Segment:
    """A segment from each row's question (sorted indices into the caches' second axis)."""
    counts = torch.bincount(owners, minlength=keys.shape[1])
    width = int(counts.max())
    place = None
    if bool((counts != width).any()):
        first = torch.cumsum(counts, 0) - counts
        place = owners * width + torch.arange(len(owners), device=owners.device) - first[owners]
    return Segment(start, start + len(owners), keys, values, width, place)


class SuffixCache:
    """Keys and values of what each row was fed after its prompt, [layers][S, B, n_kv, dh].

    Entries come first, so that writing one and reading one are each a single contiguous pass.
    """

    def __init__(self, net: FusedNetwork, n_rows: int, capacity: int, like: Tensor) -> None:
        shape = (capacity, n_rows, net.n_kv, net.d_head)
        self.keys = [like.new_empty(shape) for _ in range(net.n_layer)]
        self.values = [like.new_empty(shape) for _ in range(net.n_layer)]

    def taken(self, rows: Tensor, used: int, capacity: int) -> SuffixCache:
        """A copy with some of the rows, the first `used` entries and room for `capacity`."""
        other = SuffixCache.__new__(SuffixCache)
        for name in ("keys", "values"):
            copies = []
            for old in getattr(self, name):
                new = old.new_zeros((capacity, len(rows), *old.shape[2:]))
                torch.index_select(old[:used], 1, rows, out=new[:used])
                copies.append(new)
            setattr(other, name, copies)
        return other


@dataclass
class Gathered:
    """Attention over part of the entries, not yet divided by its sum.

    Attributes:
        values: weighted values [B, n_kv, m, dh].
        top: the largest score, [B, n_kv, m]; weights are exp(score - top).
        total: the weights' sum, [B, n_kv, m].
    """

    values: Tensor
    top: Tensor
    total: Tensor

    def joined(self, other: Gathered) -> Tensor:
        """Attention over both parts, [B, n_kv, m, dh], in float32."""
        top = torch.maximum(self.top, other.top)
        mine, theirs = torch.exp(self.top - top), torch.exp(other.top - top)
        total = self.total * mine + other.total * theirs
        mine, theirs = mine.div_(total).unsqueeze(-1), theirs.div_(total).unsqueeze(-1)
        return torch.addcmul(self.values * mine, other.values, theirs)


def attend(
    net: FusedNetwork,
    layer: int,
    query: Tensor,
    segments: list[Segment],
    keys: Tensor,
    values: Tensor,
    hidden: Tensor | None,
) -> Tensor:
    """Attention of each row over its question's cache and its own entries.

    Both parts are computed apart and joined by their weights, so that the question's cache is
    never repeated.

    Args:
        net: the network.
        layer: which layer's prefix caches to read.
        query: [B, c, h, dh], c new tokens a row.
        segments: who shares which prefix.
        keys, values: own entries [S, B, n_kv, dh], the new tokens' included.
        hidden: True where a token must not look: [c, S], or [B, S] where c is 1 and rows differ;
            None where all may.

    Returns:
        [B, c, h * dh].
    """
    n_rows, c, heads, width = query.shape
    group = heads // net.n_kv
    # [B, n_kv, c * group, dh]: queries that share keys lie together.
    grouped = (query * net.scales[layer]).view(n_rows, c, net.n_kv, group, width).transpose(1, 2)
    grouped = grouped.reshape(n_rows, net.n_kv, c * group, width)
    if c == 1 and query.dtype == torch.float32 and query.device.type == "cpu":
        suffix = _over_suffix_by_entry(grouped, keys, values, hidden)
    else:
        suffix = _over_suffix(grouped, keys, values, hidden, c)
    like = suffix.top
    prefix = Gathered(
        suffix.values.new_empty(grouped.shape),
        like.new_empty(like.shape),
        like.new_empty(like.shape),
    )
    for segment in segments:
        part = slice(segment.start, segment.stop)
        of_segment = _over_prefix(grouped[part], segment, layer)
        prefix.values[part], prefix.top[part] = of_segment.values, of_segment.top
        prefix.total[part] = of_segment.total
    joined = prefix.joined(suffix).to(query.dtype)
    joined = joined.view(n_rows, net.n_kv, c, group, width).transpose(1, 2)
    return joined.reshape(n_rows, c, heads * width)


def _over_suffix(
    query: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None, c: int
) -> Gathered:
    """Attention of [B, n_kv, m, dh] over own entries, as one small product a row."""
    keys, values = keys.permute(1, 2, 0, 3), values.permute(1, 2, 0, 3)
    scores = torch.matmul(query, keys.transpose(-1, -2)).float()
    if hidden is not None:
        by_token = scores.view(*scores.shape[:2], c, -1, scores.shape[-1])
        mask = hidden[None, None, :, None] if c > 1 else hidden[:, None, None, None]
        by_token.masked_fill_(mask, float("-inf"))
    top = scores.amax(-1)
    weights = scores.sub_(top.unsqueeze(-1)).exp_()
    gathered = torch.matmul(weights.to(values.dtype), values).float()
    return Gathered(gathered, top, weights.sum(-1))


def _over_suffix_by_entry(
    query: Tensor, keys: Tensor, values: Tensor, hidden: Tensor | None
) -> Gathered:
    """The same for one token a row, entry by entry: a product of so few numbers is all overhead."""
    scores = torch.stack([(query * key.unsqueeze(2)).sum(-1) for key in keys])
    if hidden is not None:
        scores.masked_fill_(hidden.t()[:, :, None, None], float("-inf"))
    top = scores.amax(0)
    weights = scores.sub_(top).exp_()
    gathered = values[0].unsqueeze(2) * weights[0].unsqueeze(-1)
    for value, weight in zip(values[1:], weights[1:], strict=True):
        gathered.addcmul_(value.unsqueeze(2), weight.unsqueeze(-1))
    return Gathered(gathered, top, weights.sum(0))


def _over_prefix(query: Tensor, segment: Segment, layer: int) -> Gathered:
    """Attention of [rows, n_kv, m, dh] over the prefixes of their questions."""
    n_rows, n_kv, m, width = query.shape
    keys, values = segment.keys[layer], segment.values[layer]
    if not keys.shape[2]:
        nothing = query.new_zeros((n_rows, n_kv, m), dtype=torch.float32)
        return Gathered(query.float() * 0, nothing - float("inf"), nothing)
    if segment.place is not None:
        grid = query.new_zeros((segment.n * segment.width, n_kv, m, width))
        grid[segment.place] = query
        query = grid
    # [n, n_kv, width * m, dh]: all rows of a question in one product.
    query = query.view(segment.n, segment.width, n_kv, m, width).transpose(1, 2)
    query = query.reshape(segment.n, n_kv, segment.width * m, width)
    scores = torch.matmul(query, keys.transpose(-1, -2)).float()
    top = scores.amax(-1)
    weights = scores.sub_(top.unsqueeze(-1)).exp_()
    total = weights.sum(-1)
    gathered = torch.matmul(weights.to(values.dtype), values).float()
    parts = [
        part.view(segment.n, n_kv, segment.width, m, -1).transpose(1, 2).reshape(-1, n_kv, m, size)
        for part, size in ((gathered, width), (top, 1), (total, 1))
    ]
    if segment.place is not None:
        parts = [part[segment.place] for part in parts]
    return Gathered(parts[0], parts[1][..., 0], parts[2][..., 0])

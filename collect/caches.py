"""Keys and values: one shared cache per question, one small cache of its own per row.

A row is one unit: (question, steering, seed). All rows of a question read the same prefix cache,
as one matrix product with all their queries; only what they were fed after it is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from collect.networks import Network


@dataclass(frozen=True)
class Prefix:
    """The prefilled prompts of questions of one length.

    Attributes:
        questions: indices of the questions.
        keys, values: [layers, n, n_kv, P, dh].
        states: normed final hidden state at the last prompt token, [n, d].
        tokens: prompt ids [n, P].
    """

    questions: list[int]
    keys: Tensor
    values: Tensor
    states: Tensor
    tokens: Tensor

    @property
    def length(self) -> int:
        """Prompt tokens."""
        return int(self.tokens.shape[1])


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
    """Keys and values of what each row was fed after its prompt, [layers][B, n_kv, S, dh]."""

    def __init__(self, net: Network, rows: int, capacity: int, like: Tensor) -> None:
        shape = (rows, net.n_kv, capacity, net.d_head)
        self.keys = [like.new_empty(shape) for _ in range(net.n_layer)]
        self.values = [like.new_empty(shape) for _ in range(net.n_layer)]

    def taken(self, rows: Tensor, used: int, capacity: int) -> SuffixCache:
        """A copy with some of the rows, the first `used` entries and room for `capacity`."""
        other = SuffixCache.__new__(SuffixCache)
        for name in ("keys", "values"):
            copies = []
            for old in getattr(self, name):
                new = old.new_zeros((len(rows), old.shape[1], capacity, old.shape[3]))
                new[:, :, :used] = old[:, :, :used].index_select(0, rows)
                copies.append(new)
            setattr(other, name, copies)
        return other


def attend(
    net: Network,
    layer: int,
    query: Tensor,
    segments: list[Segment],
    keys: Tensor,
    values: Tensor,
    hidden: Tensor | None,
) -> Tensor:
    """Attention of each row over its question's cache and its own entries.

    Both parts are computed apart and joined by their log-sum-exp, so that the question's cache
    is never repeated.

    Args:
        net: the network.
        layer: which layer's prefix caches to read.
        query: [B, c, h, dh], c new tokens a row.
        segments: who shares which prefix.
        keys, values: own entries [B, n_kv, S, dh], the new tokens' included.
        hidden: [B or 1, 1, c, S], True where a token must not look; None where all may.

    Returns:
        [B, c, h * dh].
    """
    rows, c, heads, width = query.shape
    group = heads // net.n_kv
    # [B, n_kv, c * group, dh]: queries that share keys lie together.
    grouped = query.view(rows, c, net.n_kv, group, width).transpose(1, 2)
    grouped = grouped.reshape(rows, net.n_kv, c * group, width)
    scores = torch.matmul(grouped, keys.transpose(-1, -2)).float() * net.scales[layer]
    if hidden is not None:
        by_token = scores.view(rows, net.n_kv, c, group, -1)
        by_token.masked_fill_(hidden[:, :, :, None], float("-inf"))
    own_weight = torch.logsumexp(scores, -1)
    own = torch.matmul(torch.softmax(scores, -1).to(values.dtype), values)
    shared, shared_weight = torch.empty_like(own), torch.empty_like(own_weight)
    for segment in segments:
        part = slice(segment.start, segment.stop)
        shared[part], shared_weight[part] = _shared(
            grouped[part], segment, layer, net.scales[layer]
        )
    share = torch.sigmoid(shared_weight - own_weight).unsqueeze(-1).to(own.dtype)
    joined = torch.lerp(own, shared, share)
    joined = joined.view(rows, net.n_kv, c, group, width).transpose(1, 2)
    return joined.reshape(rows, c, heads * width)


def _shared(query: Tensor, segment: Segment, layer: int, scale: float) -> tuple[Tensor, Tensor]:
    """Attention of [rows, n_kv, m, dh] over the prefixes, with its log-sum-exp [rows, n_kv, m]."""
    _, n_kv, m, width = query.shape
    if segment.place is not None:
        grid = query.new_zeros((segment.n * segment.width, n_kv, m, width))
        grid[segment.place] = query
        query = grid
    # [n, n_kv, width * m, dh]: all rows of a question in one product.
    query = query.view(segment.n, segment.width, n_kv, m, width).transpose(1, 2)
    query = query.reshape(segment.n, n_kv, segment.width * m, width)
    out, weight = _with_logsumexp(query, segment.keys[layer], segment.values[layer], scale)
    out = out.reshape(segment.n, n_kv, segment.width, m, width).transpose(1, 2)
    weight = weight.reshape(segment.n, n_kv, segment.width, m).transpose(1, 2)
    out, weight = out.reshape(-1, n_kv, m, width), weight.reshape(-1, n_kv, m)
    if segment.place is not None:
        return out[segment.place], weight[segment.place]
    return out, weight


def _with_logsumexp(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    scores = torch.matmul(q, k.transpose(-1, -2)).float() * scale
    weight = torch.logsumexp(scores, -1)
    return torch.matmul(torch.softmax(scores, -1).to(v.dtype), v), weight

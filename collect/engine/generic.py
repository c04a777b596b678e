"""The generic network: any causal language model that transformers loads, by its own modules.

Nothing of a family is known here but that it has blocks, keeps keys and values in transformers'
cache classes, and takes input embeddings. Rows of equal length go through the modules together,
each with a cache of its own; hooks on the blocks read and steer what leaves them. A cache always
holds every entry, also of layers that look through a window, since entries are taken back: the
masks that the modules make hide what a window hides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

from collect.engine.caches import Prompts
from collect.engine.networks import Network
from collect.engine.rows import EVERY, Hook, Rows, Which
from collect.models.parts import blocks_of, head_of, text_config
from sql.errors import UserError, first_line

Layers = list[tuple[Tensor, Tensor]]  # keys and values of each cached layer, [n, heads, L, dh]
UNBOUNDED = 2**31  # of positions, where a model has no table of them
PROBE = 5  # tokens that a new network is tried on


class GenericNetwork(Network):
    """A causal language model run by its own modules."""

    fused = False

    def __init__(self, lm: Any, name: str) -> None:
        """Find the parts of a model and try them.

        Raises:
            UserError: the parts do not give what the model gives, or it keeps more of its past than
                keys and values, so that nothing can be taken back.
        """
        config = text_config(lm.config)
        self.lm, self.name = lm, name
        self.head, self.embedding = head_of(lm), lm.get_input_embeddings()
        self.blocks = blocks_of(lm)
        self.n_layer, self.d_model = len(self.blocks), config.hidden_size
        inner = [getattr(config, key, None) for key in ("intermediate_size", "ffn_dim")]
        self.d_inner = next((n for n in inner if isinstance(n, int)), 4 * self.d_model)
        self.max_positions = getattr(config, "max_position_embeddings", None) or UNBOUNDED
        self._try()

    @torch.inference_mode()
    def _try(self) -> None:
        """Feed a few tokens, whole and in pieces with some taken back, and compare."""
        device = self.embedding.weight.device
        tokens = torch.arange(PROBE, device=device)[None] % self.embedding.weight.shape[0]
        seen: list[int] = []

        def look(layer: int, x: Tensor, rows: Which) -> Tensor:
            if x.shape[-1] != self.d_model:
                raise UserError(f"blocks of {self.name} give {x.shape[-1]} numbers a token")
            seen.append(layer)
            return x

        try:
            cache = DynamicCache()
            states = self.advance(self.embed(tokens), cache, look)
            layers = cached(cache, PROBE)
            self.cache_width = sum(k[0, :, 0].numel() + v[0, :, 0].numel() for k, v in layers)
            again = cache_of([(k[:, :, :2], v[:, :, :2]) for k, v in layers])
            rest = self.advance(self.embed(tokens[:, 2:]), again)
            whole = self.lm(input_ids=tokens, use_cache=False).logits
        except UserError:
            raise
        except Exception as error:  # models with other inputs or caches fail in any way
            raise UserError(
                f"{self.name} cannot be run: {type(self.lm).__name__} does not take input "
                f"embeddings and a cache of keys and values ({first_line(error)})"
            ) from error
        if seen != list(range(self.n_layer)):
            raise UserError(f"{self.name} cannot be run: its blocks do not follow one another")
        given = torch.cat([states[:, :2], rest], 1)
        for mine in (self.logits(states), self.logits(given)):
            gap = (mine - whole.float()).abs().max()
            # Loose enough for the rounding of half formats, far below any fault.
            if not gap <= 0.05 * whole.float().abs().max().clamp_min(1):
                raise UserError(
                    f"{self.name} cannot be run: fed in pieces, {type(self.lm).__name__} does not "
                    f"give the logits that it gives at once (they differ by {float(gap):.3g})"
                )

    def advance(
        self, x: Tensor, cache: DynamicCache, hook: Hook | None = None, rows: Which = EVERY
    ) -> Tensor:
        """Normed final states [n, c, d] of inputs [n, c, d] after what a cache holds, and add them.

        The hook is called as (layer, block output, rows).
        """

        def on(layer: int) -> Callable[..., Any]:
            def after(module: Any, args: Any, output: Any) -> Any:
                if not isinstance(output, tuple):
                    return hook(layer, output, rows) if hook is not None else None
                return (hook(layer, output[0], rows), *output[1:]) if hook is not None else None

            return after

        blocks = enumerate(self.blocks) if hook is not None else ()
        handles = [block.register_forward_hook(on(layer)) for layer, block in blocks]
        try:
            out = self.lm.base_model(inputs_embeds=x, past_key_values=cache, use_cache=True)
        finally:
            for handle in handles:
                handle.remove()
        states: Tensor = out.last_hidden_state
        return states

    def final(self, x: Tensor) -> Tensor:
        """See `Network.final`; the modules' own last norm was there before."""
        return x

    def embed(self, tokens: Tensor) -> Tensor:
        """See `Network.embed`."""
        x: Tensor = self.embedding(tokens)
        return x

    def logits(self, states: Tensor) -> Tensor:
        """See `Network.logits`."""
        return self.head(states).float()


def cached(cache: DynamicCache, length: int) -> Layers:
    """Keys and values of a cache of `length` entries.

    Raises:
        UserError: a layer keeps something else.
    """
    layers: Layers = []
    for layer in cache.layers:
        if type(layer) is not DynamicLayer or layer.get_seq_length() != length:
            raise UserError(
                f"a model cannot be run of which a layer keeps a {type(layer).__name__} of its "
                "past: what it was fed could not be taken back"
            )
        layers.append((cast(Tensor, layer.keys), cast(Tensor, layer.values)))
    return layers


def cache_of(layers: Layers) -> DynamicCache:
    """A cache of these entries."""
    cache = DynamicCache()
    for index, (keys, values) in enumerate(layers):
        cache.update(keys, values, index)
    return cache


@dataclass(frozen=True)
class ModulePrefix(Prompts):
    """Prefilled prompts with the modules' keys and values, [n, heads, P, dh] a layer."""

    layers: Layers


def prefill_modules(
    net: GenericNetwork,
    tokens: Tensor,
    questions: list[int],
    watch: Callable[[int, Tensor, list[int]], None] | None,
) -> ModulePrefix:
    """Prompts [n, P] through the modules; `watch` is called as (layer, outputs, questions)."""

    def look(layer: int, x: Tensor, rows: Which) -> Tensor:
        if watch is not None:
            watch(layer, x, questions)
        return x

    cache = DynamicCache()
    states = net.advance(net.embed(tokens), cache, None if watch is None else look)
    return ModulePrefix(questions, states[:, -1], tokens, cached(cache, tokens.shape[1]))


def joined_modules(parts: Sequence[ModulePrefix]) -> ModulePrefix:
    """Prompts of one length as one."""
    layers = [
        (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer]))
        for layer in zip(*(part.layers for part in parts), strict=True)
    ]
    return ModulePrefix(
        [question for part in parts for question in part.questions],
        torch.cat([part.states for part in parts]),
        torch.cat([part.tokens for part in parts]),
        layers,
    )


@dataclass
class _Group:
    """Rows of which the caches are of one length."""

    rows: Tensor
    length: int
    cache: DynamicCache


class GenericRows(Rows):
    """Rows of a generic network, in groups of equal length."""

    net: GenericNetwork

    def __init__(
        self,
        net: GenericNetwork,
        prefixes: Sequence[ModulePrefix],
        source: Tensor,
        owner: Tensor,
        drop_last: bool,
    ) -> None:
        """Rows of questions.

        Args:
            net: the network.
            prefixes: prompts, one entry per length.
            source: for each row, which of `prefixes`, [B].
            owner: which question within it, [B].
            drop_last: leave out the prompts' last token (it is fed again, steered).
        """
        self.net, self.drop_last = net, drop_last
        self.used, self.capacity = 0, UNBOUNDED
        cut = 1 if drop_last else 0
        self.states = torch.stack(
            [prefixes[i].states[j] for i, j in zip(source.tolist(), owner.tolist(), strict=True)]
        )
        self.tokens = torch.stack(
            [
                prefixes[i].tokens[j, -1]
                for i, j in zip(source.tolist(), owner.tolist(), strict=True)
            ]
        )
        lengths = torch.tensor([prefix.length - cut for prefix in prefixes], device=source.device)
        self.lengths = lengths[source]
        self.groups = []
        for index, prefix in enumerate(prefixes):
            rows = (source == index).nonzero()[:, 0]
            if len(rows):
                mine, end = owner[rows], prefix.length - cut
                layers = [(k[mine, :, :end], v[mine, :, :end]) for k, v in prefix.layers]
                self.groups.append(_Group(rows, end, cache_of(layers)))

    def __len__(self) -> int:
        return len(self.lengths)

    def anchor_states(self) -> Tensor:
        """See `Rows.anchor_states`."""
        return self.states

    def anchor_tokens(self) -> Tensor:
        """See `Rows.anchor_tokens`."""
        return self.tokens

    def select(self, keep: Tensor, used: int, capacity: int) -> GenericRows:
        """See `Rows.select`."""
        other = GenericRows.__new__(GenericRows)
        other.net, other.drop_last = self.net, self.drop_last
        other.used, other.capacity = used, UNBOUNDED
        other.states, other.tokens = self.states[keep], self.tokens[keep]
        other.lengths = self.lengths[keep]
        held = torch.empty_like(self.lengths)
        for group in self.groups:
            held[group.rows] = group.length
        other.groups = self._grouped(keep, torch.minimum(held[keep], other.lengths + used))
        return other

    def _grouped(self, keep: Tensor, lengths: Tensor) -> list[_Group]:
        """Groups of the rows `keep`, each with its first `lengths` entries."""
        place = {
            row: (number, index)
            for number, group in enumerate(self.groups)
            for index, row in enumerate(group.rows.tolist())
        }
        members: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for new, (row, length) in enumerate(zip(keep.tolist(), lengths.tolist(), strict=True)):
            members[length].append((*place[row], new))
        groups = []
        for length, of_length in sorted(members.items()):
            of_length.sort()
            parts: list[Layers] = []
            for number in sorted({number for number, _, _ in of_length}):
                old = self.groups[number]
                index = torch.tensor([i for n, i, _ in of_length if n == number])
                index = index.to(keep.device)
                layers = cached(old.cache, old.length)
                parts.append([(k[index, :, :length], v[index, :, :length]) for k, v in layers])
            together = [
                (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer]))
                for layer in zip(*parts, strict=True)
            ]
            rows = torch.tensor([new for _, _, new in of_length], device=keep.device)
            groups.append(_Group(rows, length, cache_of(together)))
        return groups

    def feed(self, x: Tensor, hook: Hook | None = None) -> Tensor:
        """See `Rows.feed`."""
        out = self._feed(x, hook)
        self.used += x.shape[1]
        return out

    def feed_at(self, x: Tensor, at: Tensor, hook: Hook | None = None) -> Tensor:
        """See `Rows.feed_at`."""
        lengths = self.lengths + at
        if any(bool((lengths[group.rows] != group.length).any()) for group in self.groups):
            self.groups = self._grouped(torch.arange(len(self), device=at.device), lengths)
        self.used = max(self.used, int(at.max()) + 1)
        return self._feed(x, hook)

    def _feed(self, x: Tensor, hook: Hook | None) -> Tensor:
        out: Tensor | None = None
        for group in self.groups:
            states = self.net.advance(x[group.rows], group.cache, hook, group.rows)
            group.length += x.shape[1]
            if out is None:
                out = states.new_empty((len(self), *states.shape[1:]))
            out[group.rows] = states
        return x if out is None else out

"""What the engine asks of a network, and GPT-2 and Llama as plain functions of their weights.

The transformers modules keep one cache per sequence; a sweep needs one question cache under many
conditions. The fused networks read the modules' own weights (queries, keys and values merged into
one product) and leave attention to the caller, who knows what is shared. Other families run
through their modules (`collect.engine.generic`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from analysis.vocabulary import Architecture
from collect.engine.affine import Affine, activation_function

UNBOUNDED = 2**31
WIDE_WINDOW = 1024
"""Windows from here on are run fused, by texts that they do not cut."""
LENGTH_DEPENDENT = ("dynamic", "longrope")
"""Rotary positions whose angles change, for all positions, with the longest sequence so far."""


class Network(ABC):
    """A decoder-only transformer, as the engine runs it.

    Attributes:
        fused: whether it is a `FusedNetwork`.
        n_layer: transformer blocks.
        d_model, d_inner: widths of the residual stream and of the MLP.
        cache_width: numbers that are cached per token, over all layers.
        max_positions: longest sequence.
        project: makes the next thought [..., d] of a final state.
    """

    fused: bool
    n_layer: int
    d_model: int
    d_inner: int
    cache_width: int
    max_positions: int
    project: Callable[[Tensor], Tensor]

    @abstractmethod
    def final(self, x: Tensor) -> Tensor:
        """The normed final state of what rows return when they are fed."""

    @abstractmethod
    def embed(self, tokens: Tensor) -> Tensor:
        """Token embeddings [..., d], without positions."""

    @abstractmethod
    def logits(self, states: Tensor) -> Tensor:
        """Logits [N, V] of normed final states [N, d], in float32."""


class FusedNetwork(Network):
    """A decoder-only transformer, as its weights.

    Attributes:
        n_head, n_kv, d_head: sizes; `n_kv` heads of keys serve `n_head` of queries.
        scales: what each layer's attention scores are multiplied by.
        head: the output layer.
    """

    fused = True
    n_head: int
    n_kv: int
    d_head: int
    scales: list[float]
    head: Affine

    @property
    def cache_width(self) -> int:  # type: ignore[override]
        """See `Network`."""
        return 2 * self.n_layer * self.n_kv * self.d_head

    @abstractmethod
    def place(self, x: Tensor, positions: Tensor) -> Tensor:
        """Input embeddings [N, d] at `positions` [N], as the first block takes them."""

    @abstractmethod
    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [N, h, dh], keys and values [N, n_kv, dh] of the layer's input [N, d]."""

    @abstractmethod
    def finish(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """The block's output, from its input [N, d] and what attention gathered [N, h * dh]."""

    def logits(self, states: Tensor) -> Tensor:
        """See `Network.logits`."""
        return self.head(states).float()


class Gpt2Network(FusedNetwork):
    """GPT-2: learned positions, LayerNorm, one merged map for queries, keys and values."""

    def __init__(self, lm: Any) -> None:
        body, config = lm.transformer, lm.config
        self.n_layer, self.n_head = len(body.h), config.n_head
        self.n_kv, self.d_model = self.n_head, config.n_embd
        self.d_head = self.d_model // self.n_head
        self.scales = [float(block.attn.scaling) for block in body.h]
        self.max_positions = config.n_positions
        act = config.activation_function
        self.wte, self.wpe = body.wte.weight.detach(), body.wpe.weight.detach()
        self.head = Affine(lm.lm_head.weight.detach(), None)
        self.norm = (body.ln_f.weight.detach(), body.ln_f.bias.detach(), body.ln_f.eps)
        self.blocks = [
            (
                (block.ln_1.weight.detach(), block.ln_1.bias.detach(), block.ln_1.eps),
                Affine(*_conv1d(block.attn.c_attn)),
                Affine(*_conv1d(block.attn.c_proj)),
                (block.ln_2.weight.detach(), block.ln_2.bias.detach(), block.ln_2.eps),
                Affine(*_conv1d(block.mlp.c_fc), act),
                Affine(*_conv1d(block.mlp.c_proj)),
            )
            for block in body.h
        ]
        self.d_inner = self.blocks[0][4].weight.shape[0]

    def place(self, x: Tensor, positions: Tensor) -> Tensor:
        """See `Network.place`."""
        return x + self.wpe[positions]

    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Network.qkv`."""
        (weight, bias, eps), merge, *_ = self.blocks[layer]
        normed = F.layer_norm(x, (self.d_model,), weight, bias, eps)
        merged = merge(normed).view(len(x), 3, self.n_head, self.d_head)
        return merged[:, 0], merged[:, 1], merged[:, 2]

    def finish(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """See `Network.finish`."""
        _, _, gather, (weight, bias, eps), widen, narrow = self.blocks[layer]
        x = gather.plus(attended, x)
        normed = F.layer_norm(x, (self.d_model,), weight, bias, eps)
        return narrow.plus(widen(normed), x)

    def final(self, x: Tensor) -> Tensor:
        """See `Network.final`."""
        weight, bias, eps = self.norm
        return F.layer_norm(x, (self.d_model,), weight, bias, eps)

    def embed(self, tokens: Tensor) -> Tensor:
        """See `Network.embed`."""
        return F.embedding(tokens, self.wte)


class LlamaNetwork(FusedNetwork):
    """Llama, Mistral, Qwen 2 and 3: rotary positions, RMSNorm, grouped keys and a gated MLP.

    Projections are merged. Qwen 2 has biases at queries, keys and values, Qwen 3 a norm over each
    head of queries and keys.
    """

    def __init__(self, lm: Any) -> None:
        body, config = lm.model, lm.config
        first = body.layers[0].self_attn
        self.n_layer, self.d_model = len(body.layers), config.hidden_size
        self.n_head, self.n_kv = config.num_attention_heads, config.num_key_value_heads
        self.d_head, self.d_inner = first.head_dim, config.intermediate_size
        self.scales = [float(layer.self_attn.scaling) for layer in body.layers]
        self.max_positions = min(config.max_position_embeddings, _window(config) or UNBOUNDED)
        self.act = activation_function(config.hidden_act)
        self.rotary = body.rotary_emb
        self.wte = body.embed_tokens.weight.detach()
        self.head = Affine(lm.lm_head.weight.detach(), None)
        self.norm = (body.norm.weight.detach(), body.norm.variance_epsilon)
        self.tables: tuple[Tensor, Tensor] | None = None
        self.head_norms = [
            [
                (norm.weight.detach(), norm.variance_epsilon)
                for norm in (layer.self_attn.q_norm, layer.self_attn.k_norm)
            ]
            if hasattr(layer.self_attn, "q_norm")
            else []
            for layer in body.layers
        ]
        self.blocks = [
            (
                (layer.input_layernorm.weight.detach(), layer.input_layernorm.variance_epsilon),
                Affine(*_stacked(*(getattr(layer.self_attn, f"{name}_proj") for name in "qkv"))),
                Affine(*_stacked(layer.self_attn.o_proj)),
                (
                    layer.post_attention_layernorm.weight.detach(),
                    layer.post_attention_layernorm.variance_epsilon,
                ),
                Affine(*_stacked(layer.mlp.gate_proj, layer.mlp.up_proj)),
                Affine(*_stacked(layer.mlp.down_proj)),
            )
            for layer in body.layers
        ]

    def _rms(self, x: Tensor, norm: tuple[Tensor, float]) -> Tensor:
        weight, eps = norm
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
        return weight * wide.to(x.dtype)

    def _angles(self, positions: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine [N, 1, dh] for each position."""
        longest = int(positions.max()) + 1
        if self.tables is None or len(self.tables[0]) < longest:
            steps = torch.arange(max(256, 2 * longest), device=like.device)[None]
            cos, sin = self.rotary(like, steps)
            self.tables = (cos[0], sin[0])
        return self.tables[0][positions][:, None], self.tables[1][positions][:, None]

    def place(self, x: Tensor, positions: Tensor) -> Tensor:
        """See `Network.place`; rotary positions act on queries and keys instead."""
        return x

    def qkv(self, layer: int, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `Network.qkv`."""
        norm, merge, *_ = self.blocks[layer]
        merged = merge(self._rms(x, norm)).view(len(x), -1, self.d_head)
        turned = merged[:, : self.n_head + self.n_kv]
        if self.head_norms[layer]:
            parts = turned.split((self.n_head, self.n_kv), dim=1)
            normed = map(self._rms, parts, self.head_norms[layer])
            turned = torch.cat(tuple(normed), dim=1)
        cos, sin = self._angles(positions, x)
        half = self.d_head // 2
        swapped = torch.cat((-turned[..., half:], turned[..., :half]), dim=-1)
        turned = turned * cos + swapped * sin
        return turned[:, : self.n_head], turned[:, self.n_head :], merged[:, -self.n_kv :]

    def finish(self, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """See `Network.finish`."""
        _, _, gather, norm, widen, narrow = self.blocks[layer]
        x = gather.plus(attended, x)
        gate, up = widen(self._rms(x, norm)).split(self.d_inner, dim=-1)
        return narrow.plus(self.act(gate) * up, x)

    def final(self, x: Tensor) -> Tensor:
        """See `Network.final`."""
        return self._rms(x, self.norm)

    def embed(self, tokens: Tensor) -> Tensor:
        """See `Network.embed`."""
        return F.embedding(tokens, self.wte)


def _conv1d(module: Any) -> tuple[Tensor, Tensor]:
    return module.weight.detach().t(), module.bias.detach()


def _stacked(*modules: Any) -> tuple[Tensor, Tensor | None]:
    """Several linear maps of one input as a single one; their biases all there or all absent."""
    weight = torch.cat([module.weight.detach() for module in modules])
    if modules[0].bias is None:
        return weight, None
    return weight, torch.cat([module.bias.detach() for module in modules])


_NETWORKS: dict[Architecture, Callable[[Any], FusedNetwork]] = {
    "gpt2": Gpt2Network,
    "llama": LlamaNetwork,
    "mistral": LlamaNetwork,
    "qwen2": LlamaNetwork,
    "qwen3": LlamaNetwork,
}


def fused_kind(lm: Any) -> Callable[[Any], FusedNetwork]:
    """The fused network of a family that has one."""
    kind: Architecture = lm.config.model_type
    return _NETWORKS[kind]


def why_not_fused(lm: Any) -> str | None:
    """Why a model has no fused network, for people; None where it has one."""
    config = lm.config
    if config.model_type not in _NETWORKS:
        return f"no fused network for {config.model_type}"
    window = _window(config)
    if window is not None and window < WIDE_WINDOW:
        return f"windows of {window} tokens"
    if getattr(config, "add_cross_attention", False):
        return "cross-attention"
    return None


def _window(config: Any) -> int | None:
    """How many tokens the narrowest layer sees; None where every layer sees all of them."""
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if window is None or (kinds is not None and "sliding_attention" not in kinds):
        return None
    return int(window)

"""Affine maps with what follows them in one kernel.

On a CPU in float32 they go to oneDNN directly: on processors where MKL takes its slower path it
multiplies at about twice the rate, and it applies the activation or adds the residual while the
product is still in the cache. Everywhere else they are the usual functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.activations import ACT2FN

# oneDNN's names (operation, algorithm) of the activations that it can fuse.
FUSED = {
    "gelu_new": ("gelu", "tanh"),
    "gelu_pytorch_tanh": ("gelu", "tanh"),
    "gelu_fast": ("gelu", "tanh"),
    "gelu": ("gelu", "none"),
    "relu": ("relu", ""),
}
PACKED_BYTES = 256 * 2**20  # weights up to this size are kept in oneDNN's own layout as well


class Affine:
    """x -> activation(x W^T + b), optionally plus a residual.

    Args:
        weight: [out, in]; may be a transposed view.
        bias: [out] or None.
        activation: its transformers name; None for none.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str | None = None) -> None:
        self.weight, self.bias = weight, bias
        self.fused = _has_onednn(weight) and (activation is None or activation in FUSED)
        self.name, self.algorithm = FUSED.get(activation or "", ("none", ""))
        self.after = None if activation is None else activation_function(activation)
        self.ready = weight
        if self.fused and weight.numel() * weight.element_size() <= PACKED_BYTES:
            self.ready = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())

    def __call__(self, x: Tensor) -> Tensor:
        """[N, in] to [N, out]."""
        if self.fused:
            out: Tensor = torch.ops.mkldnn._linear_pointwise(
                x.contiguous(), self.ready, self.bias, self.name, [], self.algorithm
            )
            return out
        out = F.linear(x, self.weight, self.bias)
        return out if self.after is None else self.after(out)

    def plus(self, x: Tensor, residual: Tensor) -> Tensor:
        """The map of `x` plus `residual` [N, out]; without activation."""
        if self.fused:
            out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
                x.contiguous(), residual.contiguous(), self.ready, self.bias, "add"
            )
            return out
        return F.linear(x, self.weight, self.bias).add_(residual)


def _has_onednn(weight: Tensor) -> bool:
    available = torch.backends.mkldnn.is_available() and hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    )
    return bool(available and weight.device.type == "cpu" and weight.dtype == torch.float32)


def activation_function(name: str) -> Callable[[Tensor], Tensor]:
    """A transformers activation; GELU's tanh form as one kernel instead of its formula."""
    if FUSED.get(name) == ("gelu", "tanh"):
        return lambda x: F.gelu(x, approximate="tanh")
    module: Callable[[Tensor], Tensor] = ACT2FN[name]
    return module


def projection_function(module: nn.Module | None) -> Callable[[Tensor], Tensor]:
    """What makes the next thought of a final state [..., d]; the identity without a module.

    A sequence of linear maps, exact GELUs and norms is run as affine maps with their activation;
    any other module is called as it is.
    """
    if module is None:
        return lambda state: state
    if not isinstance(module, nn.Sequential) or not all(map(_known, module)):
        return module
    parts = [part for part in module if not isinstance(part, nn.Dropout)]
    steps: list[Callable[[Tensor], Tensor]] = []
    for index, part in enumerate(parts):
        if isinstance(part, nn.Linear):
            follower = parts[index + 1] if index + 1 < len(parts) else None
            gelu = "gelu" if isinstance(follower, nn.GELU) else None
            bias = None if part.bias is None else part.bias.detach()
            steps.append(Affine(part.weight.detach(), bias, gelu))
        elif not (isinstance(part, nn.GELU) and index and isinstance(parts[index - 1], nn.Linear)):
            steps.append(part)

    def project(state: Tensor) -> Tensor:
        """Apply every step to the last axis."""
        flat = state.reshape(-1, state.shape[-1])
        for step in steps:
            flat = step(flat)
        return flat.view(*state.shape[:-1], -1)

    return project


def _known(part: Any) -> bool:
    kinds = (nn.Linear, nn.LayerNorm, nn.Dropout, nn.GELU)
    return isinstance(part, kinds) and getattr(part, "approximate", "none") == "none"

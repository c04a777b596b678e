"""Parts of a transformers causal language model that every family has: blocks, and a head.

Families name them differently, and some do more than multiply at the end (soft caps, scales), so
that nothing here is built anew: the parts are the model's own modules.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPast

from sql.errors import UserError


def text_config(config: Any) -> Any:
    """The part of a configuration that describes the language model."""
    return config.get_text_config(decoder=True)


def blocks_of(lm: Any) -> nn.ModuleList:
    """The transformer blocks, in order.

    Raises:
        UserError: no list of modules is as long as the configuration says.
    """
    n_layer = text_config(lm.config).num_hidden_layers
    for module in lm.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layer:
            return module
    raise UserError(f"{type(lm).__name__} has no list of {n_layer} blocks")


class _Final(BaseModelOutputWithPast):
    """A body's output with a final state; whatever else a family's body returns is None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class _Given(nn.Module):
    """Stands where the body was, and returns what it is given as the body's final state."""

    @property
    def decoder(self) -> nn.Module:
        """OPT calls the decoder within its body."""
        return self

    def forward(self, *args: Any, inputs_embeds: Tensor, **kwargs: Any) -> Any:
        return _Final(last_hidden_state=inputs_embeds)


def head_of(lm: Any) -> Callable[[Tensor], Tensor]:
    """What makes logits [..., V] of normed final states [..., d]: all that the model does to them.

    It is the model itself with its body left out, so that caps and scales of logits are its own.
    """
    head = copy.copy(lm)
    head._modules = {**lm._modules, lm.base_model_prefix: _Given()}

    def logits(states: Tensor) -> Tensor:
        flat = states.reshape(1, -1, states.shape[-1])
        out: Tensor = head(inputs_embeds=flat, use_cache=False).logits
        return out.view(*states.shape[:-1], -1)

    return logits

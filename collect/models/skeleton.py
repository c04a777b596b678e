"""A model's configuration, held against its tensors before it is believed.

A configuration is a few numbers in a file: believed at once, it could ask for a million blocks, or
for more memory than there is. The model is laid out without memory first.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from collect.models.parts import text_config
from collect.models.tensors import Tensors
from sql.errors import UserError, first_line

_COUNTS = ("num_hidden_layers", "num_experts", "num_local_experts", "n_routed_experts")


def attention_of(config: Any, what: str) -> str:
    """The attention that a model is run with, whatever its configuration names.

    Raises:
        UserError: the configuration is that of no causal language model.
    """
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UserError(f"{what}: model type {config.model_type} is no causal language model")
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    return "sdpa" if kind._supports_sdpa else "eager"


def believed(config: Any, tensors: Tensors, what: str) -> str:
    """The name of the token embedding, after the configuration was held against the tensors.

    Raises:
        UserError: the configuration describes more than the tensors could fill, or no model.
    """
    held = sum(tensor.numel() for tensor in tensors.values())
    described = text_config(config)
    for key in _COUNTS:
        count = getattr(described, key, None)
        if isinstance(count, int) and count > min(held, 10_000):
            raise UserError(f"{what}: config.json asks for {key} {count}; its files hold {held}")
    if described.num_hidden_layers > len(tensors):
        raise UserError(
            f"{what}: config.json describes {described.num_hidden_layers} blocks, but its files "
            f"hold {len(tensors)} tensors"
        )
    attention = attention_of(config, what)
    try:
        with torch.device("meta"):
            lm = AutoModelForCausalLM.from_config(
                copy.deepcopy(config), attn_implementation=attention, trust_remote_code=False
            )
    except Exception as error:  # a configuration can be wrong in any way
        raise UserError(
            f"{what}: transformers builds no model of it: {first_line(error)}"
        ) from error
    wanted = sum(parameter.numel() for parameter in lm.parameters())
    embedding = lm.get_input_embeddings().weight
    # Twice: tied weights count once where they were saved once.
    if wanted > 2 * held + embedding.numel():
        raise UserError(
            f"{what}: config.json describes a model of {wanted} numbers, but its files hold {held}"
        )
    return next(name for name, each in lm.named_parameters() if each is embedding)

"""A model's configuration, held against its tensors before it is believed.

A configuration is a few numbers in a file: believed at once, it could ask for a million blocks, or
for more memory than there is. The model is laid out without memory first.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from collect.models.tensors import Tensors
from sql.errors import UserError, first_line

# What there cannot be more of than tensors (blocks) or numbers (experts).
_BLOCKS = re.compile("(num_(hidden_)?|n_|decoder_)layers?")
_EXPERTS = re.compile("(num|n)_(local_|routed_)?experts")


def attention_of(config: Any, what: str) -> str:
    """The attention that a model is run with, whatever its configuration names.

    Raises:
        UserError: the configuration is that of no causal language model.
    """
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UserError(f"{what}: model type {config.model_type} is no causal language model")
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    return "sdpa" if kind._supports_sdpa else "eager"


def count_first(config: Mapping[str, Any], tensors: Tensors, what: str) -> None:
    """Hold the counts of a `config.json` against the tensors, before anything is made of it.

    Raises:
        UserError: it asks for more blocks or experts than the tensors could be.
    """
    held = sum(tensor.numel() for tensor in tensors.values())
    for part in (config, config.get("text_config")):
        for key, count in part.items() if isinstance(part, dict) else ():
            if not isinstance(count, int | float):
                continue
            if _BLOCKS.fullmatch(key) and not 0 < count <= len(tensors):
                raise UserError(
                    f"{what}: config.json has {key} {count}, but its files hold {len(tensors)} "
                    "tensors"
                )
            if _EXPERTS.fullmatch(key) and not 0 <= count <= held:
                raise UserError(
                    f"{what}: config.json has {key} {count}, but its files hold {held} numbers"
                )


def believed(config: Any, tensors: Tensors, what: str) -> str:
    """The name of the token embedding, after the configuration was held against the tensors.

    Raises:
        UserError: the configuration describes more than the tensors could fill, or no model.
    """
    held = sum(tensor.numel() for tensor in tensors.values())
    lm = skeleton(config, what)
    wanted = sum(parameter.numel() for parameter in lm.parameters())
    embedding = lm.get_input_embeddings().weight
    # Twice: tied weights count once where they were saved once.
    if wanted > 2 * held + embedding.numel():
        raise UserError(
            f"{what}: config.json describes a model of {wanted} numbers, but its files hold {held}"
        )
    return next(name for name, each in lm.named_parameters() if each is embedding)


def skeleton(config: Any, what: str) -> Any:
    """The model of a configuration, without memory for its weights.

    Raises:
        UserError: transformers builds none of it.
    """
    attention = attention_of(config, what)
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(
                copy.deepcopy(config), attn_implementation=attention, trust_remote_code=False
            )
    except Exception as error:  # a configuration can be wrong in any way
        raise UserError(
            f"{what}: transformers builds no model of it: {first_line(error)}"
        ) from error

"""CODI checkpoints: a causal language model with LoRA, and a projection, under published names.

Names are those of the authors' training code (Shen et al. 2025, "CODI: Compressing
Chain-of-Thought into Continuous Space via Self-Distillation"): `codi.base_model.model.` before a
language model that peft wraps, `codi.` before one without LoRA, and `prj.` before the projection.
"""

from __future__ import annotations

import re
from collections import OrderedDict

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from collect.models.tensors import Tensors
from sql.errors import UserError

N_LATENT = 6  # what the authors train and evaluate with
N_EXTRA_TOKENS = 3  # pad, bot and eot, in this order, after the base's vocabulary
_PEFT_PREFIX = "base_model.model."
_LORA = re.compile(r"(?P<module>.+)\.(?P<part>base_layer|lora_A\.default|lora_B\.default)\.weight")
# Constants that older versions of transformers saved among the weights.
_CONSTANTS = re.compile(r"(.+\.)?(attn\.(bias|masked_bias)|rotary_emb\.inv_freq)")


def language_prefix(tensors: Tensors) -> str:
    """What stands before the language model's names, with the dot."""
    wrapped = any(name.startswith(f"codi.{_PEFT_PREFIX}") for name in tensors)
    return f"codi.{_PEFT_PREFIX}" if wrapped else "codi."


def split(tensors: Tensors, what: str) -> tuple[Tensors, Tensors]:
    """The tensors of the language model (prefixes gone) and those of the projection.

    Raises:
        UserError: a tensor belongs to neither.
    """
    language, projection = {}, {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part == "prj":
            projection[rest] = tensor
        elif part != "codi":
            raise UserError(f"{what}: tensor {name} is left over: it is neither codi.* nor prj.*")
        elif not _CONSTANTS.fullmatch(rest):
            language[rest.removeprefix(_PEFT_PREFIX)] = tensor
    return language, projection


def merge_lora(tensors: Tensors, language_model: nn.Module, *, alpha: float, what: str) -> Tensors:
    """The language model's tensors with every LoRA pair merged into its base layer.

    weight + alpha / rank * B @ A, in float32, with the rank of each pair read from its shapes.
    GPT-2 keeps linear maps as Conv1D, [in, out], so that the product is transposed there.

    Args:
        tensors: names without the peft prefix.
        language_model: tells which layers are Conv1D.
        alpha: LoRA's scaling numerator.
        what: the checkpoint, for messages.

    Raises:
        UserError: a pair is not complete, or shapes do not fit together.
    """
    plain: Tensors = {}
    layers: dict[str, Tensors] = {}
    for name, tensor in tensors.items():
        match = _LORA.fullmatch(name)
        if match:
            layers.setdefault(match["module"], {})[match["part"].split(".")[0]] = tensor
        else:
            # A bias has no LoRA of its own, but moves to the base layer with the weight.
            plain[name.replace(".base_layer.", ".")] = tensor
    modules = dict(language_model.named_modules())
    for name, parts in layers.items():
        missing = sorted({"base_layer", "lora_A", "lora_B"} - parts.keys())
        if missing:
            raise UserError(f"{what}: {name} has no {missing[0]} weight, but {sorted(parts)[0]}")
        transposed = isinstance(modules.get(name), Conv1D)
        plain[f"{name}.weight"] = _merged(name, parts, alpha, transposed, what)
    return plain


def _merged(name: str, parts: Tensors, alpha: float, transposed: bool, what: str) -> torch.Tensor:
    base, a, b = (parts[part].float() for part in ("base_layer", "lora_A", "lora_B"))
    rank = len(a) if a.ndim == 2 else 0
    expected = (base.shape[1], base.shape[0]) if transposed else tuple(base.shape)
    if not rank or b.ndim != 2 or b.shape[1] != rank or (len(b), a.shape[1]) != expected:
        raise UserError(
            f"{what}: wrong shape: {name} has lora_A {list(a.shape)} and lora_B {list(b.shape)} "
            f"for a base layer {list(base.shape)}"
        )
    update = (alpha / rank) * (b @ a)
    return base + (update.T if transposed else update)


def has_lora(tensors: Tensors) -> bool:
    """Whether any tensor is part of a LoRA pair."""
    return any(".lora_" in name for name in tensors)


def vocabulary_size(tensors: Tensors, embedding: str, what: str) -> int:
    """Rows of the token embedding, a tensor that its family calls `embedding`.

    Raises:
        UserError: there is no token embedding.
    """
    if embedding not in tensors or tensors[embedding].ndim != 2:
        raise UserError(f"{what}: missing: no token embedding ({embedding})")
    return len(tensors[embedding])


def build_projection(tensors: Tensors, d_model: int, what: str) -> nn.Sequential:
    """Linear, exact GELU, Linear and, where the checkpoint has one, LayerNorm.

    The width is read from `prj.1.weight`. Numbers are those of the authors' module, whose index
    0 is dropout.

    Raises:
        UserError: `prj.1.weight` is missing or of the wrong shape (the rest is for `load_all`).
    """
    first = tensors.get("1.weight")
    if first is None:
        raise UserError(f"{what}: missing: prj.1.weight; a CODI checkpoint has a projection")
    if first.ndim != 2 or first.shape[1] != d_model:
        raise UserError(
            f"{what}: wrong shape: prj.1.weight {list(first.shape)} (wanted [width, {d_model}])"
        )
    width = len(first)
    layers: list[tuple[str, nn.Module]] = [
        ("1", nn.Linear(d_model, width)),
        ("2", nn.GELU()),
        ("3", nn.Linear(width, d_model)),
    ]
    if any(name.startswith("ln.") for name in tensors):
        layers.append(("ln", nn.LayerNorm(d_model)))
    return nn.Sequential(OrderedDict(layers))

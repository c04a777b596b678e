"""LoRA adapters as peft saves them: merged into their base's weights, or refused."""

from __future__ import annotations

import math
import re
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from collect.models.fingerprint import PUBLISHED_LORA_ALPHA
from collect.models.skeleton import skeleton
from collect.models.sources import Source, json_object
from collect.models.tensors import Tensors
from sql.errors import UserError

CONFIG = "adapter_config.json"
_PAIR = re.compile(r"(base_model\.model\.)?(?P<module>.+)\.lora_(?P<part>[AB])(\.default)?\.weight")
# Kinds of which the weights are not those of the base + scale * B A alone.
_KINDS = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "alpha_pattern",
    "modules_to_save",
    "layer_replication",
    "trainable_token_indices",
    "alora_invocation_tokens",
)


def is_adapter(source: Source) -> bool:
    """Whether a model's files are an adapter's."""
    return all(path.stem == "adapter_model" for path in source.weights) and bool(source.weights)


def merged(adapter: Tensors, base: Tensors, source: Source, config: Any, alpha: float) -> Tensors:
    """The base's tensors with every pair of the adapter added, in float32.

    Args:
        adapter: the adapter's tensors.
        base: the base's, by the names of its files.
        source: the adapter's files.
        config: the base's transformers configuration.
        alpha: `--lora-alpha`; another than the published default has to be the adapter's own.

    Raises:
        UserError: it is no LoRA, of a kind that is not merged, or does not fit its base.
    """
    scale_of = _scale(source, alpha)
    lm = skeleton(config, source.name)
    modules = dict(lm.named_modules())
    pairs: dict[str, Tensors] = {}
    for name, tensor in adapter.items():
        match = _PAIR.fullmatch(name)
        if match is None:
            raise UserError(
                f"{source.name}: tensor {name} is no part of a LoRA pair: merge the adapter with "
                "peft (merge_and_unload) and give the merged model"
            )
        pairs.setdefault(match["module"], {})[match["part"]] = tensor
    out = dict(base)
    for module, pair in pairs.items():
        if set(pair) != {"A", "B"}:
            raise UserError(f"{source.name}: {module} has half of a LoRA pair")
        names = (f"{module}.weight", f"{module}.weight".removeprefix(f"{lm.base_model_prefix}."))
        name = next((each for each in names if each in base), "")
        if not name or module not in modules:
            raise UserError(f"{source.name}: its base has no {module}.weight: another base?")
        a, b, weight = pair["A"].float(), pair["B"].float(), base[name].float()
        if a.ndim != 2 or b.ndim != 2 or not len(a) or b.shape[1] != len(a):
            raise UserError(
                f"{source.name}: wrong shape: {module} has lora_A {list(a.shape)} and lora_B "
                f"{list(b.shape)}"
            )
        update = b @ a
        if isinstance(modules[module], Conv1D):
            update = update.T
        if update.shape != weight.shape:
            raise UserError(
                f"{source.name}: wrong shape: {module} is {list(weight.shape)} in the base and "
                f"{list(update.shape)} in the adapter"
            )
        if not torch.isfinite(update).all():
            raise UserError(f"{source.name}: {module} holds NaN or infinite values")
        out[name] = weight + scale_of(len(a)) * update
    return out


def _scale(source: Source, alpha: float) -> Any:
    """The function from a pair's rank to what its product is multiplied by."""
    path = source.folder / CONFIG
    config = json_object(path)
    if config.get("peft_type") != "LORA":
        raise UserError(f"{path}: peft_type is {config.get('peft_type')!r}; only LORA is merged")
    odd = [key for key in _KINDS if config.get(key)]
    if config.get("bias", "none") != "none":
        odd.append("bias")
    if odd:
        raise UserError(
            f"{path} has {', '.join(odd)}: merge the adapter with peft (merge_and_unload) and give "
            "the merged model"
        )
    own = config.get("lora_alpha")
    if isinstance(own, bool) or not isinstance(own, int | float) or not 0 < own < math.inf:
        raise UserError(f"{path}: lora_alpha is {own!r}, wanted a number above 0")
    if alpha not in (own, PUBLISHED_LORA_ALPHA):
        raise UserError(f"--lora-alpha {alpha:g}, but {path} says {own:g}")
    if config.get("use_rslora"):
        return lambda rank: own / math.sqrt(rank)
    return lambda rank: own / rank

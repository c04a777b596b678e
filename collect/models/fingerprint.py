"""What makes a loaded model the same one: everything that decides its output but the dtype.

The two hashes of a model's row are of what was loaded, not of where it lay: the tensors that were
read, the configuration as it took effect, the scale of the LoRA that was merged and the ids of the
special tokens; and of the tokenizer its files, chat template and special tokens. Dtype and device
are recorded with conditions and runs instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

from analysis.vocabulary import ModelFamily
from collect.models.sources import Source, files_sha256
from collect.models.tensors import Tensors
from store import identity

PUBLISHED_LORA_ALPHA = 32
# Names, bookkeeping and what acts in training alone: no answer depends on it.
_NO_MATTER = frozenset(
    {
        "_attn_implementation",
        "_name_or_path",
        "architectures",
        "chunk_size_feed_forward",
        "dtype",
        "id2label",
        "initializer_range",
        "label2id",
        "output_attentions",
        "output_hidden_states",
        "problem_type",
        "return_dict",
        "torch_dtype",
        "transformers_version",
        "use_cache",
    }
)
_TRAINING = ("dropout", "_pdrop", "summary_")


def tensors_sha256(tensors: Tensors) -> str:
    """sha256 of tensors by name: their shapes, formats and bytes, whatever file they lay in."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def effective_config(config: Any) -> dict[str, Any]:
    """A transformers configuration as it took effect, less what no answer depends on."""
    return {
        name: value
        for name, value in config.to_dict().items()
        if value is not None
        and name not in _NO_MATTER
        and not any(part in name for part in _TRAINING)
    }


def identified(
    source: Source,
    *,
    family: ModelFamily,
    tensors: str,
    config: Any,
    tokenizer: Mapping[str, Any],
    token_ids: Mapping[str, Any],
    base: Source | None = None,
    lora_alpha: float | None = None,
) -> dict[str, Any]:
    """The fields of `Model` that say which model it is.

    Args:
        source: where it came from.
        family: how it is run.
        tensors: hash of what was read (`tensors_sha256`).
        config: its transformers configuration.
        tokenizer: as `load_tokenizer` has it.
        token_ids: special tokens by what they are for.
        base: where configuration and tokenizer came from, if not from `source`.
        lora_alpha: scale with which a LoRA was merged; None without one.
    """
    facts: dict[str, Any] = {
        "tensors": tensors,
        "weight_files": {path.name: files_sha256((path,)) for path in source.weights},
        "config": effective_config(config),
        "token_ids": dict(token_ids),
        **tokenizer,
    }
    if base is not None:
        facts["base"] = base.name
    if lora_alpha is not None:
        facts["lora_alpha"] = float(lora_alpha)
    return {
        "weights_sha256": _sha256(facts, ("tensors", "config", "token_ids", "lora_alpha")),
        "tokenizer_sha256": _sha256(facts, tuple(tokenizer)),
        "facts": facts,
        "earlier_id": _earlier_id(source, family, str(tokenizer["tokenizer"]), lora_alpha),
    }


def _sha256(facts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    chosen = {name: facts.get(name) for name in names}
    return hashlib.sha256(identity.canonical_json(chosen).encode()).hexdigest()


def _earlier_id(
    source: Source, family: ModelFamily, tokenizer: str, lora_alpha: float | None
) -> str:
    """The id that earlier versions gave: of weight files, tokenizer and family alone."""
    weights = files_sha256(source.weights)
    if lora_alpha not in (None, PUBLISHED_LORA_ALPHA):
        weights = hashlib.sha256(f"{weights} lora_alpha={lora_alpha!r}".encode()).hexdigest()
    return identity.model_id(weights_sha256=weights, tokenizer_sha256=tokenizer, family=family)

"""Coconut checkpoints: a causal language model whose final hidden state is fed back as it is.

Reference: Hao et al. (2024), "Training Large Language Models to Reason in a Continuous Latent
Space". The authors' checkpoints are state dicts of their wrapper: `base_causallm.` before the
language model, and `embedding.weight`, the token embedding again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from collect.models.sources import Source
from collect.models.tensors import Tensors
from sql.errors import UserError

N_LATENT = 6  # three stages of two thoughts, as the authors train on GSM8K
START, END, LATENT = "<|start-latent|>", "<|end-latent|>", "<|latent|>"
_WRAPPER = "base_causallm."
_EMBEDDING = "embedding.weight"


def is_coconut(names: Iterable[str], source: Source, base: Source | None) -> bool:
    """Whether this is a Coconut checkpoint, by its names, its configuration or its tokenizer."""
    if "coconut" in source.config or any(name.startswith(_WRAPPER) for name in names):
        return True
    folders = [each.folder for each in (source, base) if each is not None]
    return any(_mentions(folder / "tokenizer.json", START) for folder in folders)


def _mentions(path: Any, token: str) -> bool:
    return path.is_file() and token in path.read_text("utf-8", errors="replace")


def language_tensors(tensors: Tensors, what: str) -> Tensors:
    """The language model's tensors, under their own names.

    Raises:
        UserError: the wrapper's copy of the embedding differs from the embedding.
    """
    if not any(name.startswith(_WRAPPER) for name in tensors):
        return tensors
    copy = tensors.get(_EMBEDDING)
    language = {}
    for name, tensor in tensors.items():
        if name == _EMBEDDING:
            continue
        if not name.startswith(_WRAPPER):
            raise UserError(f"{what}: tensor {name} is left over: it is not {_WRAPPER}*")
        language[name.removeprefix(_WRAPPER)] = tensor
    for name in ("transformer.wte.weight", "model.embed_tokens.weight"):
        if copy is not None and name in language and not torch.equal(copy, language[name]):
            raise UserError(f"{what}: {_EMBEDDING} and {_WRAPPER}{name} differ")
    constants = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
    return {name: tensor for name, tensor in language.items() if not name.endswith(constants)}


def latent_tokens(tokenizer: Any, vocab_size: int, what: str) -> tuple[int, int]:
    """Ids of the tokens that open and close the thoughts.

    A base tokenizer without them gets the three tokens that the authors add, in their order,
    where the embedding has exactly three rows more.

    Raises:
        UserError: the tokenizer has none and the embedding no room for exactly three.
    """
    known = tokenizer.get_vocab()
    if START not in known and len(tokenizer) + 3 == vocab_size:
        tokenizer.add_tokens([START, END, LATENT])
        known = tokenizer.get_vocab()
    missing = [token for token in (START, END) if token not in known]
    if missing:
        raise UserError(
            f"{what}: its tokenizer has no token {missing[0]} ({len(tokenizer)} tokens, "
            f"{vocab_size} embeddings): give the tokenizer it was trained with"
        )
    if max(known[START], known[END]) >= vocab_size:
        raise UserError(f"{what}: its tokenizer has more tokens than the {vocab_size} embeddings")
    return int(known[START]), int(known[END])

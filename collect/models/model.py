"""What the engine needs to know of a loaded language model, whatever its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from analysis.vocabulary import ModelFamily
from store import identity


@dataclass(frozen=True)
class Model:
    """A causal language model in evaluation mode, ready to be run.

    Attributes:
        name: how a person calls it.
        family: `codi` (thoughts pass a projection), `coconut` (thoughts are fed back as they
            are) or `plain` (no thoughts).
        lm: the transformers causal language model, LoRA merged, on `device` in `dtype`.
        projection: what maps a final hidden state to the next thought; None feeds it as it is.
        tokenizer: a transformers fast tokenizer.
        bot_id, eot_id: the tokens that open and close the thoughts; None for a plain model.
        eos_id: end-of-text.
        other_ends: further tokens that end an answer, where the configuration names several.
        pad_id: padding; the engine never attends to it.
        n_latent: thoughts per question, T; 0 for a plain model.
        n_layer: transformer blocks.
        d_model: width of the residual stream.
        device, dtype: where and in what the weights are.
        weights_sha256: hash of the tensors that were loaded, of the configuration as it took
            effect, of the scale of a LoRA and of the special tokens' ids.
        tokenizer_sha256: hash of the tokenizer's files, chat template and special tokens.
        facts: what these two are hashes of, and the files they came from, by name; JSON-able.
        earlier_id: the id that earlier versions gave to this model, where they could load it.
        stored_id: the id that a store knows it by, where that is `earlier_id`.
    """

    name: str
    family: ModelFamily
    lm: Any
    projection: torch.nn.Module | None
    tokenizer: Any
    bot_id: int | None
    eot_id: int | None
    eos_id: int
    pad_id: int
    n_latent: int
    n_layer: int
    d_model: int
    device: torch.device
    dtype: torch.dtype
    weights_sha256: str
    tokenizer_sha256: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    earlier_id: str | None = None
    stored_id: str | None = None
    other_ends: tuple[int, ...] = ()

    @property
    def ends(self) -> tuple[int, ...]:
        """Tokens that end an answer, end-of-text first."""
        return (self.eos_id, *self.other_ends)

    @property
    def model_id(self) -> str:
        """Id of the model's row in a store."""
        return self.stored_id or self.own_id

    @property
    def own_id(self) -> str:
        """Id by what the model is."""
        return identity.model_id(
            weights_sha256=self.weights_sha256,
            tokenizer_sha256=self.tokenizer_sha256,
            family=self.family,
        )

    @property
    def vocab_size(self) -> int:
        """Rows of the output layer."""
        return int(self.lm.get_output_embeddings().weight.shape[0])

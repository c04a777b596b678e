"""What the engine needs to know of a loaded language model, whatever its family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from analysis.vocabulary import ModelFamily


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
        pad_id: padding; the engine never attends to it.
        n_latent: thoughts per question, T; 0 for a plain model.
        n_layer: transformer blocks.
        d_model: width of the residual stream.
        device, dtype: where and in what the weights are.
        weights_sha256, tokenizer_sha256: content hashes, for provenance.
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

    @property
    def vocab_size(self) -> int:
        """Rows of the output layer."""
        return int(self.lm.get_output_embeddings().weight.shape[0])

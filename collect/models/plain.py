"""Plain causal language models: no thoughts; from a folder, the hub, or one GGUF file."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import torch

from collect.models.model import Model
from collect.models.sources import Source, files_sha256
from collect.models.tokenizers import end_of_text, load_tokenizer, with_hash
from collect.models.transformers_output import quiet
from sql.errors import UserError, first_line


def load_plain(source: Source, *, device: torch.device, dtype: torch.dtype) -> Model:
    """A transformers causal language model from its folder.

    Raises:
        UserError: transformers does not know the model type, a file is damaged, or tensors are
            missing, left over or of the wrong shape.
    """
    from collect.models.tensors import tensor_names

    if not source.config.get("model_type"):
        raise UserError(
            f"{source.name} has no config.json that names a model type: it is no CODI or Coconut "
            "checkpoint either (no tensor is named codi.* or base_causallm.*)"
        )
    for path in source.weights:
        tensor_names(path)  # refuses damaged files and pickles with code in one clear line
    lm = _from_pretrained(source, dtype)
    tokenizer, sha256 = load_tokenizer([source.folder], lm.config.to_dict())
    return _model(source, lm, tokenizer, sha256, device, dtype)


def load_gguf(source: Source, *, device: torch.device, dtype: torch.dtype) -> Model:
    """A GGUF file, its weights dequantised to `dtype`.

    Raises:
        UserError: the gguf package is missing, or the file is damaged or of an unknown kind.
    """
    if importlib.util.find_spec("gguf") is None:
        raise UserError("GGUF files need the gguf package: pip install 'steerstat[smollm]'")
    from transformers import AutoTokenizer

    name = source.weights[0].name
    lm = _from_pretrained(source, dtype, gguf_file=name)
    with quiet(), _one_line(source):
        tokenizer = AutoTokenizer.from_pretrained(
            source.folder, gguf_file=name, local_files_only=True, trust_remote_code=False
        )
    return _model(source, lm, *with_hash(tokenizer), device, dtype)


def _from_pretrained(source: Source, dtype: torch.dtype, **options: Any) -> Any:
    from transformers import AutoModelForCausalLM

    with quiet(), _one_line(source):
        # Declared to return the model alone, whatever `output_loading_info` says.
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source.folder,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    lm, info = loaded
    names = {"missing_keys": "missing", "unexpected_keys": "left over"}
    names["mismatched_keys"] = "wrong shape"
    for key, what in names.items():
        tensors = sorted(map(str, info.get(key) or ()))
        if tensors:
            more = f" and {len(tensors) - 5} more" if len(tensors) > 5 else ""
            raise UserError(f"{source.name}: tensors {what}: {', '.join(tensors[:5])}{more}")
    return lm.eval()


@contextlib.contextmanager
def _one_line(source: Source) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # damaged files make transformers fail in any way
        raise UserError(f"transformers cannot load {source.name}: {first_line(error)}") from error


def _model(
    source: Source,
    lm: Any,
    tokenizer: Any,
    tokenizer_sha256: str,
    device: torch.device,
    dtype: torch.dtype,
) -> Model:
    config = lm.config.to_dict()
    eos = end_of_text(tokenizer, config, source.name)
    for parameter in lm.parameters():
        parameter.requires_grad_(False)
    return Model(
        name=source.name,
        family="plain",
        lm=lm.to(device),
        projection=None,
        tokenizer=tokenizer,
        bot_id=None,
        eot_id=None,
        eos_id=eos,
        pad_id=eos if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id),
        n_latent=0,
        n_layer=lm.config.num_hidden_layers,
        d_model=lm.config.hidden_size,
        device=device,
        dtype=dtype,
        weights_sha256=files_sha256(source.weights),
        tokenizer_sha256=tokenizer_sha256,
    )

"""Plain causal language models: no thoughts; from a folder, the hub, or one GGUF file."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from collect.models.fingerprint import identified, tensors_sha256
from collect.models.model import Model
from collect.models.parts import text_config
from collect.models.skeleton import attention_of, believed, count_first
from collect.models.sources import Source, files_sha256
from collect.models.tensors import Tensors, read_tensors
from collect.models.tokenizers import end_of_text, load_tokenizer, other_ends, with_ends, with_facts
from collect.models.transformers_output import quiet
from sql.errors import UserError, first_line


def load_plain(
    source: Source,
    *,
    device: torch.device,
    dtype: torch.dtype,
    base: Source | None = None,
    tensors: Tensors | None = None,
) -> Model:
    """A transformers causal language model from its folder.

    With a base it is that model, with other tensors: an adapter's, merged.

    Raises:
        UserError: transformers does not know the model type, a file is damaged, or tensors are
            missing, left over or of the wrong shape.
    """
    folder = source if base is None else base
    if not folder.config.get("model_type"):
        raise UserError(
            f"{source.name} has no config.json that names a model type: it is no CODI or Coconut "
            "checkpoint either (no tensor is named codi.* or base_causallm.*)"
        )
    # Read here: refused in one clear line where damaged, and from the very files that were named.
    if tensors is None:
        tensors = read_tensors(source.weights)
    digest = tensors_sha256(tensors)
    lm = _from_tensors(folder, tensors, dtype)
    folders = [source.folder] if base is None else [source.folder, base.folder]
    tokenizer, facts = load_tokenizer(folders, lm.config.to_dict())
    return _model(source, lm, tokenizer, facts, digest, device, dtype, base)


def load_gguf(source: Source, *, device: torch.device, dtype: torch.dtype) -> Model:
    """A GGUF file, its weights dequantised to `dtype`.

    Raises:
        UserError: the gguf package is missing, or the file is damaged or of an unknown kind.
    """
    if importlib.util.find_spec("gguf") is None:
        raise UserError("GGUF files need the gguf package: pip install 'steerstat[smollm]'")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    name = source.weights[0].name
    with quiet(), _one_line(source):
        lm = _accounted(
            source,
            AutoModelForCausalLM.from_pretrained(
                source.folder,
                dtype=dtype,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                gguf_file=name,
                attn_implementation="eager",
            ),
        )
    with quiet(), _one_line(source):
        tokenizer = AutoTokenizer.from_pretrained(
            source.folder, gguf_file=name, local_files_only=True, trust_remote_code=False
        )
    return _model(source, lm, *with_facts(tokenizer), files_sha256(source.weights), device, dtype)


def _from_tensors(source: Source, tensors: Tensors, dtype: torch.dtype) -> Any:
    """The model of the folder's configuration with these weights, under any name that fits."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    count_first(source.config, tensors, source.name)
    with quiet(), _one_line(source):
        config = AutoConfig.from_pretrained(
            source.folder, local_files_only=True, trust_remote_code=False
        )
        attention = attention_of(config, source.name)
        believed(config, tensors, source.name)
        kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        return _accounted(
            source,
            kind.from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                dtype=dtype,
                attn_implementation=attention,
                output_loading_info=True,
            ),
        )


def _accounted(source: Source, loaded: Any) -> Any:
    """The model of what `from_pretrained` returned with its loading information.

    Raises:
        UserError: tensors are missing, left over or of the wrong shape.
    """
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
    tokenizer_facts: Mapping[str, Any],
    tensors: str,
    device: torch.device,
    dtype: torch.dtype,
    base: Source | None = None,
) -> Model:
    config = lm.config.to_dict()
    eos = end_of_text(tokenizer, config, source.name)
    folders = [each.folder for each in (source, base) if each is not None and not each.is_gguf]
    ends = other_ends(eos, config, folders)
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
        other_ends=ends,
        pad_id=eos if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id),
        n_latent=0,
        n_layer=text_config(lm.config).num_hidden_layers,
        d_model=text_config(lm.config).hidden_size,
        device=device,
        dtype=dtype,
        **identified(
            source,
            family="plain",
            tensors=tensors,
            config=lm.config,
            tokenizer=tokenizer_facts,
            token_ids=with_ends({"eos": eos}, ends),
            base=base,
        ),
    )

"""`load_model`: a CODI, Coconut or plain checkpoint, whatever form it comes in."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.initialization import no_init_weights

from analysis.vocabulary import Dtype, checked
from collect.models import coconut, codi
from collect.models.adapter import CONFIG as ADAPTER_CONFIG
from collect.models.adapter import is_adapter, merged
from collect.models.fingerprint import PUBLISHED_LORA_ALPHA, identified, tensors_sha256
from collect.models.model import Model
from collect.models.plain import load_gguf, load_plain
from collect.models.skeleton import attention_of, believed, count_first
from collect.models.sources import DEFAULT_CODI_BASE_HINT, Source, find_model, json_object
from collect.models.tensors import Tensors, load_all, read_tensors, tensor_names
from collect.models.tokenizers import end_of_text, load_tokenizer, other_ends, with_ends
from sql.errors import UserError, first_line

DTYPES: dict[Dtype, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def load_model(
    path_or_name: str | Path,
    *,
    base: str | Path | None = None,
    lora_alpha: float = PUBLISHED_LORA_ALPHA,
    pad_id: int | None = None,
    bot_id: int | None = None,
    eot_id: int | None = None,
    device: str = "auto",
    dtype: str = "float32",
) -> Model:
    """Load a model, ready to be run.

    Args:
        path_or_name: `bundled`; `smollm2`; a folder with `model.safetensors` or
            `pytorch_model.bin`; a weight file; a GGUF file; or a hub id.
        base: folder or hub id that gives configuration and tokenizer where the checkpoint has
            none of its own, as CODI's and Coconut's published ones; and weights to an adapter
            that peft saved, which is merged into them.
        lora_alpha: scaling of CODI's LoRA; 32 in the published checkpoints.
        pad_id, bot_id, eot_id: CODI's special tokens, where the checkpoint has another number of
            tokens than its base and three (SIM-CoT's has five more); all of them or none.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`…
        dtype: `float32`, `bfloat16` or `float16`.

    Raises:
        UserError: a file is missing, damaged, or would run code; a tensor is missing, left over
            or of the wrong shape, or not finite; a device or dtype is unknown. Nothing is guessed.
    """
    place, number = checked_device(device), checked_dtype(dtype)
    ids = checked_ids(pad_id, bot_id, eot_id)
    source = find_model(path_or_name)
    if ids is not None and (source.is_gguf or is_adapter(source)):
        raise _of_codi_alone(source.name, "a GGUF file" if source.is_gguf else "an adapter")
    if source.is_gguf:
        return _finite(load_gguf(source, device=place, dtype=number))
    if is_adapter(source):
        return _finite(_load_adapter(source, base, lora_alpha, place, number))
    base_source = None if base is None else find_model(base, weights=False)
    names = tensor_names(source.weights[0])
    if "codi" in source.config or any(name.startswith(("codi.", "prj.")) for name in names):
        model = _load_codi(source, base_source, lora_alpha, ids, number)
        ids = None
    elif coconut.is_coconut(names, source, base_source):
        model = _load_coconut(source, base_source, number)
    else:
        model = load_plain(source, device=place, dtype=number)
    if ids is not None:
        raise _of_codi_alone(source.name, model.family)
    return _placed(_finite(model), place)


def _of_codi_alone(name: str, what: str) -> UserError:
    return UserError(f"--pad-id, --bot-id and --eot-id are CODI's; {name} is {what}")


def _finite(model: Model) -> Model:
    """The model, if all its weights are numbers."""
    modules = {"": model.lm, "projection.": model.projection}
    for prefix, module in modules.items():
        for name, weight in () if module is None else module.named_parameters():
            # The sum is finite where every weight is, but for weights at the edge of their range.
            if not weight.sum().isfinite() and not weight.isfinite().all():
                raise UserError(
                    f"{model.name}: tensor {prefix}{name} has weights that are not finite in "
                    f"{str(model.dtype).removeprefix('torch.')}; the file is damaged, or needs "
                    "another --dtype"
                )
    return model


def model_row(model: Model) -> dict[str, Any]:
    """The model's row in the table `models`."""
    return {
        "model_id": model.model_id,
        "name": model.name,
        "family": model.family,
        "weights_sha256": model.weights_sha256,
        "tokenizer_sha256": model.tokenizer_sha256,
        "n_layer": model.n_layer,
        "d_model": model.d_model,
        "n_latent": model.n_latent,
    }


def checked_device(name: str) -> torch.device:
    """The device of that name; `auto` is a GPU where there is one.

    Raises:
        UserError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {name!r} cannot be used here: use auto, cpu or cuda") from error
    return device


def checked_dtype(name: str) -> torch.dtype:
    """The dtype of that name.

    Raises:
        UserError: models are not run in it.
    """
    return DTYPES[checked(cast(Dtype, name), Dtype, "dtype")]


def _config(source: Source, base: Source | None, tensors: Tensors, hint: str) -> Any:
    """The transformers configuration of the checkpoint itself, else of its base."""
    holder = source if source.config.get("model_type") or base is None else base
    if not holder.config.get("model_type"):
        raise UserError(f"{holder.name} has no config.json that names a model type: {hint}")
    count_first(holder.config, tensors, holder.name)
    try:
        return AutoConfig.from_pretrained(
            holder.folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a configuration can be wrong in any way
        raise UserError(
            f"transformers cannot read {holder.folder / 'config.json'}: {first_line(error)}"
        ) from error


def _empty_model(config: Any, vocab_size: int, dtype: torch.dtype) -> Any:
    """The causal language model of a configuration, its weights not set yet."""
    config = copy.deepcopy(config)
    config.vocab_size = vocab_size
    attention = attention_of(config, str(config.model_type))
    with no_init_weights():
        lm = AutoModelForCausalLM.from_config(
            config, dtype=dtype, attn_implementation=attention, trust_remote_code=False
        )
    lm.tie_weights()
    return lm.eval()


def _folders(source: Source, base: Source | None) -> list[Path]:
    return [each.folder for each in (source, base) if each is not None]


def checked_ids(
    pad_id: int | None, bot_id: int | None, eot_id: int | None
) -> tuple[int, int, int] | None:
    """The three ids; None where none is given.

    Raises:
        UserError: one is missing or below 0, or two are the same.
    """
    if pad_id is None and bot_id is None and eot_id is None:
        return None
    if pad_id is None or bot_id is None or eot_id is None:
        raise UserError("--pad-id, --bot-id and --eot-id belong together: give all three")
    if min(pad_id, bot_id, eot_id) < 0 or len({pad_id, bot_id, eot_id}) < 3:
        raise UserError(
            f"--pad-id {pad_id}, --bot-id {bot_id} and --eot-id {eot_id} should be three ids from 0"
        )
    return pad_id, bot_id, eot_id


def _load_codi(
    source: Source,
    base: Source | None,
    alpha: float,
    special: tuple[int, int, int] | None,
    dtype: torch.dtype,
) -> Model:
    tensors = read_tensors(source.weights)
    config = _config(source, base, tensors, DEFAULT_CODI_BASE_HINT)
    section = source.config.get("codi", {})
    language, projection_tensors = codi.split(tensors, source.name)
    rows = codi.vocabulary_size(language, believed(config, tensors, source.name), source.name)
    # A checkpoint that carries its own configuration counts its three tokens in; a base does not.
    expected = config.vocab_size + (0 if "codi" in source.config else codi.N_EXTRA_TOKENS)
    if special is None and rows != expected:
        raise UserError(
            f"{source.name}: wrong shape: its vocabulary has {rows} tokens, {expected} are needed "
            "(the base's and pad, bot, eot): give another base, or say which tokens are special "
            f"with --pad-id, --bot-id and --eot-id ({config.vocab_size}, {config.vocab_size + 1}, "
            f"{config.vocab_size + 2} in SIM-CoT's)"
        )
    pad, bot, eot = special or (rows - 3, rows - 2, rows - 1)
    if max(pad, bot, eot) >= rows:
        raise UserError(f"{source.name}: special tokens {pad}, {bot}, {eot} of {rows} tokens")
    lm = _empty_model(config, rows, dtype)
    with_lora = codi.has_lora(language)
    language = codi.merge_lora(language, lm, alpha=alpha, what=source.name)
    load_all(lm, language, what=source.name, prefix=codi.language_prefix(tensors))
    projection = codi.build_projection(projection_tensors, lm.config.hidden_size, source.name)
    projection = projection.to(dtype).eval()
    load_all(projection, projection_tensors, what=source.name, prefix="prj.")
    tokenizer, tokenizer_facts = load_tokenizer(_folders(source, base), config.to_dict())
    eos = end_of_text(tokenizer, config.to_dict(), source.name)
    ends = other_ends(eos, config.to_dict(), _folders(source, base))
    ids = {"pad": pad, "bot": bot, "eot": eot, "eos": eos}
    return Model(
        name=source.name,
        family="codi",
        lm=lm,
        projection=projection,
        tokenizer=tokenizer,
        pad_id=ids["pad"],
        bot_id=ids["bot"],
        eot_id=ids["eot"],
        eos_id=eos,
        other_ends=ends,
        n_latent=_n_latent(section, codi.N_LATENT, source),
        n_layer=lm.config.num_hidden_layers,
        d_model=lm.config.hidden_size,
        device=torch.device("cpu"),
        dtype=dtype,
        **identified(
            source,
            family="codi",
            tensors=tensors_sha256(tensors),
            config=lm.config,
            tokenizer=tokenizer_facts,
            token_ids=with_ends(ids, ends),
            base=base,
            lora_alpha=alpha if with_lora else None,
        ),
    )


def _load_adapter(
    source: Source,
    base: str | Path | None,
    alpha: float,
    device: torch.device,
    dtype: torch.dtype,
) -> Model:
    if base is None:
        named = json_object(source.folder / ADAPTER_CONFIG).get("base_model_name_or_path")
        raise UserError(
            f"{source.name} is a LoRA adapter: give the model it was trained on with --base"
            + (f" ({named})" if named else "")
        )
    base_source = find_model(base)
    if base_source.is_gguf or is_adapter(base_source):
        raise UserError(f"{base_source.name} cannot be an adapter's base: give its safetensors")
    tensors = read_tensors(base_source.weights)
    config = _config(base_source, None, tensors, "an adapter's base needs one")
    believed(config, tensors, base_source.name)
    tensors = merged(read_tensors(source.weights), tensors, source, config, alpha)
    return load_plain(source, device=device, dtype=dtype, base=base_source, tensors=tensors)


def _load_coconut(source: Source, base: Source | None, dtype: torch.dtype) -> Model:
    read = read_tensors(source.weights)
    config = _config(source, base, read, DEFAULT_CODI_BASE_HINT)
    tensors = coconut.language_tensors(read, source.name)
    rows = codi.vocabulary_size(tensors, believed(config, tensors, source.name), source.name)
    lm = _empty_model(config, rows, dtype)
    load_all(lm, tensors, what=source.name)
    tokenizer, tokenizer_facts = load_tokenizer(_folders(source, base), config.to_dict())
    start, end = coconut.latent_tokens(tokenizer, rows, source.name)
    eos = end_of_text(tokenizer, config.to_dict(), source.name)
    ends = other_ends(eos, config.to_dict(), _folders(source, base))
    return Model(
        name=source.name,
        family="coconut",
        lm=lm,
        projection=None,
        tokenizer=tokenizer,
        pad_id=eos if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id),
        bot_id=start,
        eot_id=end,
        eos_id=eos,
        other_ends=ends,
        n_latent=_n_latent(source.config.get("coconut", {}), coconut.N_LATENT, source),
        n_layer=lm.config.num_hidden_layers,
        d_model=lm.config.hidden_size,
        device=torch.device("cpu"),
        dtype=dtype,
        **identified(
            source,
            family="coconut",
            tensors=tensors_sha256(read),
            config=lm.config,
            tokenizer=tokenizer_facts,
            token_ids=with_ends({"bot": start, "eot": end, "eos": eos}, ends),
            base=base,
        ),
    )


def _n_latent(section: Any, default: int, source: Source) -> int:
    n_latent = section.get("n_latent", default) if isinstance(section, dict) else None
    if not isinstance(n_latent, int) or isinstance(n_latent, bool) or not 1 <= n_latent <= 1024:
        raise UserError(
            f"{source.folder / 'config.json'}: n_latent is {n_latent!r}, wanted 1 to 1024"
        )
    return n_latent


def _placed(model: Model, device: torch.device) -> Model:
    import dataclasses

    model.lm.to(device)
    if model.projection is not None:
        model.projection.to(device)
    for parameter in model.lm.parameters():
        parameter.requires_grad_(False)
    return dataclasses.replace(model, device=device)

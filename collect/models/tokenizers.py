"""Tokenizers, exactly as their `tokenizer.json` describes them, and their identity."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collect.models.sources import files_sha256, json_object
from collect.models.transformers_output import quiet
from sql.errors import UserError, first_line

FILES = (
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)
"""What a tokenizer can be read from; each that is there is part of its identity."""

_LEGACY_FILES = ("vocab.json", "tokenizer.model", "tokenizer_config.json")


def load_tokenizer(folders: list[Path], config: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The tokenizer of the first folder that has one, and what it is, by name (`with_facts`).

    Args:
        folders: looked through in order (the checkpoint, then its base).
        config: the model's configuration; names the special tokens by id where the tokenizer
            does not name them itself.

    Raises:
        UserError: there is none, or it is damaged.
    """
    for folder in folders:
        path = folder / "tokenizer.json"
        try:
            if path.is_file():
                return with_facts(_from_json(path, config), folder)
            if any((folder / name).is_file() for name in _LEGACY_FILES):
                return with_facts(_converted(folder), folder)
        except UserError:
            raise
        except Exception as error:  # the Rust tokenizers raise bare exceptions
            raise UserError(f"the tokenizer in {folder} is damaged: {first_line(error)}") from error
    places = " and ".join(map(str, folders))
    raise UserError(f"no tokenizer in {places}: looked for tokenizer.json")


def with_facts(tokenizer: Any, folder: Path | None = None) -> tuple[Any, dict[str, Any]]:
    """A tokenizer, and what decides how a text becomes tokens: JSON-able, by name.

    `tokenizer` is the sha256 of `tokenizer.json`, or of what the tokenizer does where it was read
    from other files; beside it stand its files' hashes, chat template and special tokens. `folder`
    is None for one that came out of a weight file.
    """
    files: dict[str, str] = {}
    if folder is not None:
        there = [folder / name for name in FILES if (folder / name).is_file()]
        files = {path.name: files_sha256((path,)) for path in there}
    does = tokenizer.backend_tokenizer.to_str().encode()
    special = tokenizer.special_tokens_map
    return tokenizer, {
        "tokenizer": files.get("tokenizer.json") or hashlib.sha256(does).hexdigest(),
        "tokenizer_files": files,
        "chat_template": getattr(tokenizer, "chat_template", None),
        "special_tokens": {name: str(token) for name, token in special.items()},
    }


def _from_json(path: Path, config: Mapping[str, Any]) -> Any:
    """The generic class: one named after a model would rebuild parts of the pipeline itself."""
    from transformers import PreTrainedTokenizerFast

    if (path.parent / "tokenizer_config.json").is_file():
        with quiet():  # it would say that another class wrote the file
            tokenizer = PreTrainedTokenizerFast.from_pretrained(path.parent, local_files_only=True)
    else:
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path))
    for name in ("bos", "eos", "pad"):
        token_id = _first(config.get(f"{name}_token_id"))
        if getattr(tokenizer, f"{name}_token") is None and token_id is not None:
            token = tokenizer.convert_ids_to_tokens(token_id)
            if token is not None:
                setattr(tokenizer, f"{name}_token", token)
    unknown = getattr(tokenizer.backend_tokenizer.model, "unk_token", None)
    if tokenizer.unk_token is None and unknown:
        tokenizer.unk_token = unknown
    return tokenizer


def _converted(folder: Path) -> Any:
    from transformers import AutoTokenizer

    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise UserError(f"the tokenizer in {folder} has no fast form: save it as tokenizer.json")
    return tokenizer


def end_of_text(tokenizer: Any, config: Mapping[str, Any], what: str) -> int:
    """The id of end-of-text: the tokenizer's, else the configuration's.

    Raises:
        UserError: neither names one.
    """
    for token in (tokenizer.eos_token_id, _first(config.get("eos_token_id"))):
        if token is not None:
            return int(token)
    raise UserError(f"{what}: neither the tokenizer nor config.json names an end-of-text token")


def other_ends(eos: int, config: Mapping[str, Any], folders: list[Path]) -> tuple[int, ...]:
    """Further tokens that end an answer: what config.json or generation_config.json name.

    Raises:
        UserError: what is named there is no token id.
    """
    said = [config, *(json_object(folder / "generation_config.json") for folder in folders)]
    ends = set()
    for each in said:
        named = each.get("eos_token_id")
        for token in named if isinstance(named, list) else [named]:
            if token is None:
                continue
            if not isinstance(token, int) or isinstance(token, bool) or token < 0:
                raise UserError(f"eos_token_id {token!r} is no token id")
            ends.add(token)
    return tuple(sorted(ends - {eos}))


def with_ends(ids: Mapping[str, int | None], ends: tuple[int, ...]) -> dict[str, Any]:
    """Special tokens' ids by name with the further end tokens, where there are any."""
    return {**ids, **({"ends": list(ends)} if ends else {})}


def _first(ids: Any) -> int | None:
    """Configurations name one id or a list of them; the first counts."""
    if isinstance(ids, list):
        return ids[0] if ids else None
    return ids

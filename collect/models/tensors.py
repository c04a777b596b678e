"""Reading weight files without running what is in them."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from sql.errors import UserError, first_line

Tensors = dict[str, torch.Tensor]
WRAPPERS = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
"""What DistributedDataParallel, torch.compile and FSDP put before the names of what they wrap."""


def read_tensors(files: Iterable[Path]) -> Tensors:
    """All tensors of the files by name, on the CPU, in the dtype in which they were saved.

    Raises:
        UserError: a file is damaged, holds anything but tensors, or two hold the same name.

    Prefixes of wrappers that every name has (`WRAPPERS`) are taken off.
    """
    tensors: Tensors = {}
    for path in files:
        _check_kind(path)
        part = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
        twice = sorted(tensors.keys() & part.keys())
        if twice:
            raise UserError(f"{path} holds {twice[0]} again: another weight file has it too")
        tensors.update(part)
    wrapped = wrapper_of(tensors)
    return {name.removeprefix(wrapped): tensor for name, tensor in tensors.items()}


def wrapper_of(names: Iterable[str]) -> str:
    """What wrappers of training put before all the names, alone or nested."""
    every, prefix = list(names), ""
    while every and (
        found := next((w for w in WRAPPERS if all(n.startswith(prefix + w) for n in every)), "")
    ):
        prefix += found
    return prefix


def _check_kind(path: Path) -> None:
    """Refuse what a failed download leaves in a weight file's place."""
    try:
        with path.open("rb") as handle:
            start = handle.read(256).lstrip().lower()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {first_line(error)}") from error
    if start.startswith(b"version https://git-lfs"):
        raise UserError(
            f"{path} is a Git LFS pointer, not the weights: fetch them with `git lfs pull`"
        )
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise UserError(f"{path} is a web page, not weights: download the file itself")


def _safetensors(path: Path) -> Tensors:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no safetensors file: {first_line(error)}") from error


def unpickled(path: Path) -> Any:
    """What a PyTorch file holds, read with `weights_only=True`: no code in it can run.

    Raises:
        UserError: the file is damaged, or a pickle that would run code.
    """
    try:
        # Old files are plain pickles, which cannot be mapped into memory.
        mapped = zipfile.is_zipfile(path)
        with warnings.catch_warnings():
            # An unusual pickle protocol is said below, if it matters.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        if not re.search("Unsupported|GLOBAL|REDUCE", str(error)):
            raise UserError(f"{path} is damaged or no PyTorch file") from error
        raise UserError(
            f"{path} is refused: it is a pickle that holds more than tensors, so loading it could "
            "run code; ask its authors for a safetensors file"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged or no PyTorch file: {first_line(error)}") from error


def _pickled(path: Path) -> Tensors:
    value = unpickled(path)
    if not isinstance(value, dict):
        raise UserError(f"{path} holds a {type(value).__name__}, not named tensors")
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise UserError(
                f"{path} holds more than named tensors: {str(name)[:60]!r} is a "
                f"{type(tensor).__name__}"
            )
    return dict(value)


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors of one file, without reading them where the format allows it.

    Raises:
        UserError: as `read_tensors`.
    """
    names = _raw_names(path)
    wrapped = wrapper_of(names)
    return [name.removeprefix(wrapped) for name in names]


def _raw_names(path: Path) -> list[str]:
    _check_kind(path)
    if path.suffix != ".safetensors":
        return sorted(_pickled(path))
    try:
        with safe_open(path, framework="pt") as file:
            return sorted(file.keys())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no safetensors file: {first_line(error)}") from error


def load_all(module: torch.nn.Module, tensors: Tensors, *, what: str, prefix: str = "") -> None:
    """Load tensors into a module, every one accounted for on both sides.

    A parameter that is tied to another may be left out; where both are given they must agree.
    `prefix` is put before names in messages, so that they are those of the file.

    Raises:
        UserError: tensors are missing, left over, of the wrong shape, or not finite.
    """
    wanted = module.state_dict(keep_vars=True)
    aliases: dict[int, list[str]] = {}
    for name, parameter in wanted.items():
        aliases.setdefault(parameter.data_ptr(), []).append(name)
    complete = dict(tensors)
    for names in aliases.values():
        given = [name for name in names if name in tensors]
        for name in given[1:]:
            if not torch.equal(tensors[given[0]], tensors[name]):
                raise UserError(
                    f"{what}: {prefix}{given[0]} and {prefix}{name} differ, but the "
                    "configuration ties them"
                )
        if given:
            complete.update(dict.fromkeys(names, tensors[given[0]]))
    _account(
        {prefix + name: tensor for name, tensor in wanted.items()},
        {prefix + name: tensor for name, tensor in complete.items()},
        what,
    )
    with torch.no_grad():
        for name, parameter in wanted.items():
            value = complete[name].to(parameter.dtype)
            if not torch.isfinite(value).all():
                raise UserError(f"{what}: tensor {prefix}{name} holds NaN or infinite values")
            parameter.copy_(value)


def _account(wanted: Tensors, given: Tensors, what: str) -> None:
    problems = {
        "missing": sorted(wanted.keys() - given.keys()),
        "left over": sorted(given.keys() - wanted.keys()),
        "wrong shape": sorted(
            f"{name} {list(given[name].shape)} (wanted {list(wanted[name].shape)})"
            for name in wanted.keys() & given.keys()
            if given[name].shape != wanted[name].shape
        ),
    }
    parts = [f"{kind}: {_listed(names)}" for kind, names in problems.items() if names]
    if parts:
        raise UserError(f"{what} does not fit its configuration; {'; '.join(parts)}")


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

"""Which directions a file of vectors gives: what its rows are, and what its numbers of layers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from analysis.vocabulary import VectorRows
from collect.directions.directions import EVERYWHERE
from collect.directions.vector_files import VectorFile
from sql.errors import UserError
from store.names import checked_sites

_LAYER_WORDS = frozenset(
    {"direction", "directions", "vector", "vectors", "layer", "layers", "block", "blocks", "blk"}
    | {"h", "model", "transformer", "decoder", "gpt_neox", "language_model"}
    | {"residual", "resid", "resid_post", "hook_resid_post"}
)
_IN_ONE = re.compile(r"(?:layer|block|blk|residual|l|h)_?(\d{1,6})")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was said of a file.

    Attributes:
        name: of the direction; with one per layer, `_layer_<n>` is put after it.
        site: where it is to be added; None is what the file says, or `latent`.
        key: the array, by its name or by its number of a layer.
        rows: what the rows of [n, d] are.
        first_layer: the number that the file gives the first block.
    """

    name: str
    site: str | None = None
    key: str | None = None
    rows: VectorRows | None = None
    first_layer: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class FileDirection:
    """A direction of a file: its name, its site, its vectors, and what they were called there."""

    name: str
    site: str
    vectors: NDArray[Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)


def layer_of(key: str) -> int | None:
    """The number of a layer in the name of an array: 12 of `12`, `direction.12`, `h.12.weight`."""
    numbers = []
    for part in re.split(r"[./:\s-]+", re.sub(r"(?<=[A-Za-z])_(?=\d+(\b|_))", ".", key.lower())):
        joined = _IN_ONE.fullmatch(part)
        if joined or re.fullmatch(r"\d{1,6}", part):
            numbers.append(int(joined[1] if joined else part))
        elif part not in _LAYER_WORDS:
            return None
    return numbers[0] if len(numbers) == 1 else None


def directions_of(
    file: VectorFile, what: str, asked: Asked, models: Sequence[Mapping[str, Any]]
) -> tuple[list[FileDirection], list[str]]:
    """The directions that a file gives, and the layers that it leaves out because they hold zeros.

    Args:
        file: what was read.
        what: the file's name, for messages.
        asked: what was said of it.
        models: the store's models (`name`, `d_model`, `n_latent`, `n_layer`).

    Raises:
        UserError: it is not clear which array is meant, where it acts or what its rows are.
    """
    arrays = _layers_of_rows(file, what, asked)
    layers = {key: layer_of(key) for key in arrays}
    known = {layer for layer in layers.values() if layer is not None}
    by_layer = len(known) == len(layers) > 0
    if asked.key is not None or len(arrays) == 1:
        key = _chosen(arrays, layers if by_layer else {}, what, asked.key)
        one = _direction(file, what, asked, models, key, arrays[key], layers[key])
        return [one], []
    if not by_layer:
        raise UserError(f"{what} holds {_listed(arrays)}: say which with --key")
    if asked.site is not None:
        raise UserError(
            f"{what} holds {_listed(arrays)}: say which with --key, or leave --site out to add "
            "every layer at its own"
        )
    found, left_out = [], []
    for key in sorted(arrays, key=lambda key: layers[key] or 0):
        if arrays[key].size and arrays[key].dtype.kind in "fiu" and not arrays[key].any():
            left_out.append(key)
            continue
        one = _direction(file, what, asked, models, key, arrays[key], layers[key])
        block = one.site.partition(":")[2]
        found.append(
            FileDirection(
                name=f"{asked.name}_layer_{block}",
                site=one.site,
                vectors=one.vectors,
                recipe=one.recipe,
            )
        )
    if not found:
        raise UserError(f"{what}: the vectors of all layers are zero, nothing would be added")
    return found, left_out


def _layers_of_rows(file: VectorFile, what: str, asked: Asked) -> Mapping[str, NDArray[Any]]:
    """The arrays; with --rows layers those of the one array's rows, by number."""
    if asked.rows != "layers":
        return file.arrays
    given = file.arrays
    if len(given) > 1 and asked.key in given:
        given = {str(asked.key): given[str(asked.key)]}
    if len(given) != 1:
        raise UserError(f"{what} holds {_listed(given)}: --rows layers needs one array [layers, d]")
    (array,) = given.values()
    if array.ndim != 2:
        raise UserError(f"{what} has shape {list(array.shape)}: --rows layers needs [layers, d]")
    return {str(number): row for number, row in enumerate(array)}


def _chosen(
    arrays: Mapping[str, Any], layers: Mapping[str, int | None], what: str, key: str | None
) -> str:
    if key is None:
        return next(iter(arrays))
    if key in arrays:
        return key
    number = layer_of(key)
    same = [name for name, layer in layers.items() if layer == number is not None]
    if len(same) != 1:
        raise UserError(f"{what} holds {_listed(arrays)}: none is named {key!r}")
    return same[0]


def _listed(arrays: Mapping[str, Any], most: int = 12) -> str:
    names = sorted(arrays, key=lambda key: (layer_of(key) or 0, key))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "no arrays") + more


def _direction(
    file: VectorFile,
    what: str,
    asked: Asked,
    models: Sequence[Mapping[str, Any]],
    key: str,
    array: NDArray[Any],
    layer: int | None,
) -> FileDirection:
    site = asked.site or file.site
    if site is None and file.elsewhere is not None:
        raise UserError(f"{what} was made at {file.elsewhere}: say where it acts here with --site")
    if site is None and layer is not None:
        block = layer - asked.first_layer
        if block < 0:
            raise UserError(
                f"{what}: {key} lies before the first block, which --first-layer counts as "
                f"{asked.first_layer}"
            )
        site = f"residual:{block}"
    site = site or "latent"
    vectors, rows = _rows(file, what, asked, models, key, array, site)
    recipe: dict[str, Any] = dict(file.recipe)
    if asked.key is not None or len(file.arrays) > 1 or asked.rows == "layers":
        recipe["key"] = key
    return FileDirection(name=asked.name, site=site, vectors=vectors, recipe=recipe | rows)


def _rows(
    file: VectorFile,
    what: str,
    asked: Asked,
    models: Sequence[Mapping[str, Any]],
    key: str,
    array: NDArray[Any],
    site: str,
) -> tuple[NDArray[Any], dict[str, str]]:
    """The vectors as the store wants them, and what its recipe has to say of their rows."""
    n_sites = len(checked_sites(site))
    said = asked.rows or file.rows
    if array.ndim == 3 and len(array) == n_sites:
        array = array.reshape(-1, array.shape[-1])
    if array.ndim != 2 or not array.size or len(array) % n_sites or said == "layers":
        if array.ndim == 1 and asked.rows == "positions":
            raise UserError(f"{what}: {key} is one vector {list(array.shape)}: it has no positions")
        return array, {}
    if array.shape[1] == 1:
        raise UserError(
            f"{what}: {key} has shape {list(array.shape)}, a column: needs [positions, d] or [d]"
        )
    each = len(array) // n_sites
    if each == 1:
        if said is None:
            raise UserError(
                f"{what}: {key} has shape {list(array.shape)}, which is one vector for all "
                "positions (--rows everywhere) or for position 0 alone (--rows positions)"
            )
        if said == "everywhere":
            return (array[0], {}) if n_sites == 1 else (array, dict(EVERYWHERE))
        return array, {}
    if asked.rows == "everywhere":
        raise UserError(
            f"{what}: {key} has {each} rows per site, --rows everywhere needs one: give "
            "--rows positions or --rows layers"
        )
    fits = [model for model in models if model["d_model"] in (None, array.shape[1])]
    as_positions = any(model["n_latent"] == each for model in fits)
    as_layers = any(model["n_layer"] == each for model in fits)
    if said is None and not as_positions and (as_layers or file.open_rows):
        raise UserError(
            f"{what}: {key} has shape {list(array.shape)}: say whether its rows are those of "
            "positions (--rows positions) or of layers (--rows layers)"
        )
    return array, {}

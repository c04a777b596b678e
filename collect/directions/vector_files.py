"""Vectors of a direction from a file or from a query over the store; nothing is unpickled."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.vocabulary import Role, VectorRows, checked
from sql.errors import UserError, first_line
from store.direction_rules import BROADCAST

UNNAMED = "vectors"
"""How an array is called that its file gives no name."""

EXPORTED = "steerstat direction"
"""The `format` in the metadata of a safetensors file that was exported."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorFile:
    """What a file holds, before it is said which of it is a direction, and where.

    Attributes:
        arrays: the arrays by the names that the file gives them, as text.
        recipe: what the file says of itself, for the direction's recipe.
        name, kind, role, site, rows: what the file says of its direction; None where it does not.
        elsewhere: a place that the file says of its vectors and that is no site here.
        open_rows: whether [n, d] can be vectors of positions or of layers in this format.
    """

    arrays: Mapping[str, NDArray[Any]]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    kind: str | None = None
    role: Role | None = None
    site: str | None = None
    rows: VectorRows | None = None
    elsewhere: str | None = None
    open_rows: bool = False


def read_file(path: Path) -> VectorFile:
    """All that a file or a repsteer folder holds; nothing in it is run.

    Raises:
        UserError: the format is unknown, or the file is damaged or holds objects.
    """
    if path.is_dir():
        return _repsteer(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path}: vectors come in {', '.join(READERS)} or a repsteer folder, "
            f"not {path.suffix!r}"
        )
    if not path.is_file():
        raise UserError(f"no file {path}")
    try:
        return reader(path)
    except UserError:
        raise
    except Exception as error:  # each format's library has its own kinds
        if "pickle" in str(error):
            raise UserError(f"{path} holds pickled objects, which are never loaded") from error
        raise UserError(f"{path} is damaged: {first_line(error)}") from error


def _npy(path: Path) -> VectorFile:
    with path.open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    return VectorFile(arrays={UNNAMED: _widened(array)})


def _npz(path: Path) -> VectorFile:
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path} is damaged: it is no zip file, as .npz files are")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return VectorFile(arrays={name: _widened(archive[name]) for name in archive.files})


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    """bfloat16, which numpy writes as two bytes without a name, as float32: its upper half."""
    if array.dtype.kind == "V" and array.dtype.itemsize == 2 and array.dtype.names is None:
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array


def _parquet(path: Path) -> VectorFile:
    import pyarrow.parquet as pq

    vectors = vectors_of_table(pq.read_table(path), str(path))
    return VectorFile(arrays={UNNAMED: vectors}, rows=_rows_of(vectors))


def _rows_of(vectors: NDArray[Any]) -> VectorRows:
    return "everywhere" if vectors.ndim == 1 else "positions"


def _safetensors(path: Path) -> VectorFile:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        said = dict(file.metadata() or {})
        arrays = {key: _numpy(file.get_tensor(key)) for key in file.keys()}  # noqa: SIM118
    recipe = {"metadata": said} if said else {}
    if said.get("format") != EXPORTED:
        return VectorFile(arrays=arrays, recipe=recipe)
    for key, array in arrays.items():
        if said.get("sha256") != sha256_of(array):
            raise UserError(f"{path} was altered: {key} has not the sha256 of its metadata")
    if said.get("rows") is not None:
        checked(said["rows"], VectorRows, f"rows in {path}")
    words: dict[str, Any] = {key: said.get(key) for key in ("name", "kind", "role", "site", "rows")}
    return VectorFile(arrays=arrays, recipe=recipe, **words)


def sha256_of(array: NDArray[Any]) -> str:
    """SHA-256 of an array's numbers as little-endian float32."""
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f4").tobytes()).hexdigest()


def _numpy(tensor: Any) -> NDArray[Any]:
    """A torch tensor as numpy: what numpy has no type for (bfloat16, float8) as float32."""
    import torch

    dense = (tensor.dequantize() if tensor.is_quantized else tensor).detach().to_dense()
    if dense.is_floating_point() and dense.dtype not in (torch.float16, torch.float64):
        dense = dense.float()
    return np.array(dense.numpy())


def _torch(path: Path) -> VectorFile:
    from collect.models.tensors import unpickled

    arrays: dict[str, NDArray[Any]] = {}
    said: dict[str, Any] = {}
    _sorted_out(unpickled(path), "", path, arrays, said)
    if list(arrays) == [""]:
        arrays = {UNNAMED: arrays[""]}
    return VectorFile(arrays=arrays, recipe={"metadata": said} if said else {}, open_rows=True)


def _sorted_out(
    value: Any, key: str, path: Path, arrays: dict[str, NDArray[Any]], said: dict[str, Any]
) -> None:
    """Sort what a PyTorch file holds into arrays and what is said of them, by dotted names."""
    import torch

    inner_kinds = (dict, list, tuple, torch.Tensor)
    if isinstance(value, torch.Tensor):
        arrays[key] = _numpy(value)
    elif isinstance(value, list | tuple) and not any(
        isinstance(part, inner_kinds) for part in value
    ):
        said[key] = _plain(list(value))
    elif isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for inner, part in items:
            name = f"{key}.{inner}" if key else str(inner)
            if name in arrays or name in said:
                raise UserError(f"{path} holds {name} twice, as a number and as text")
            _sorted_out(part, name, path, arrays, said)
    elif value is None or isinstance(value, str | int | float | bool):
        said[key] = _plain(value)
    else:
        raise UserError(f"{path} holds more than tensors: {key[:60]!r} is a {type(value).__name__}")


def _plain(value: Any) -> Any:
    """What a file says of itself, as JSON can hold it: lists by their lengths alone."""
    if isinstance(value, list):
        return f"{len(value)} values"
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _gguf(path: Path) -> VectorFile:
    if importlib.util.find_spec("gguf") is None:
        raise UserError(
            f"{path} is read with the gguf package: pip install gguf (or 'steerstat[smollm]')"
        )
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(path)
    said = {
        name: _plain(part.contents())
        for name, part in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    kind = said.get("general.architecture")
    if kind != "controlvector":
        raise UserError(
            f"{path} holds no control vector (general.architecture is {kind!r}): give a file that "
            "llama.cpp, repeng or EasySteer wrote"
        )
    arrays = {
        part.name: np.array(dequantize(part.data, part.tensor_type), dtype=np.float32)
        for part in reader.tensors
    }
    return VectorFile(arrays=arrays, recipe={"metadata": said}, rows="everywhere")


def _svec(path: Path) -> VectorFile:
    """A steering vector of AISteer360: JSON with [K][d] by layer; K of 1 acts everywhere."""
    said = json.loads(path.read_text("utf-8"))
    by_layer = said.pop("directions", None) if isinstance(said, dict) else None
    if not isinstance(by_layer, dict):
        raise UserError(f"{path} is no .svec file: it has no 'directions' by layer")
    if said.get("num_heads") is not None:
        raise UserError(
            f"{path} holds vectors of attention heads (num_heads {said['num_heads']}): a direction "
            "is added to the residual stream or the thoughts"
        )
    arrays = {}
    for layer, values in by_layer.items():
        array = np.array(values, dtype=np.float64)
        arrays[layer] = array[0] if array.ndim == 2 and len(array) == 1 else array
    kept = {key: value for key, value in said.items() if isinstance(value, str)}
    return VectorFile(arrays=arrays, recipe={"metadata": kept} if kept else {}, open_rows=True)


def _repsteer(folder: Path) -> VectorFile:
    """A folder that repsteer wrote: manifest.json, tensors.safetensors, checksums.json."""
    manifest, tensors = folder / "manifest.json", folder / "tensors.safetensors"
    for path in (manifest, tensors):
        if not path.is_file():
            raise UserError(f"{folder} is no folder of a repsteer artifact: it has no {path.name}")
    said = _object(manifest)
    sums = folder / "checksums.json"
    listed = _object(sums).get("files", {}) if sums.is_file() else {}
    for path in (manifest, tensors):
        told = listed.get(path.name) if isinstance(listed, dict) else None
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if told is not None and str(told).removeprefix("sha256:") != found:
            raise UserError(f"{path} was altered: it has not the sum that checksums.json gives")
    kept = ("artifact_type", "method", "model", "site", "normalization", "artifact_fingerprint")
    recipe = {"metadata": {key: said[key] for key in kept if said.get(key) is not None}}
    place = said.get("site")
    where = _repsteer_site(place) if isinstance(place, dict) else None
    return VectorFile(
        arrays=read_file(tensors).arrays,
        recipe=recipe,
        site=where,
        elsewhere=None if where or not place else json.dumps(place),
        open_rows=True,
    )


def _repsteer_site(place: Mapping[str, Any]) -> str | None:
    """Its residual stream as a site: after block L, or before it, which is after the one before."""
    before = {"resid_post": 0, "resid_pre": 1}.get(str(place.get("component")))
    layer = place.get("layer")
    if before is None or not isinstance(layer, int) or layer < before:
        return None
    plain = place.get("unit") is None and place.get("stream", "language") == "language"
    return f"residual:{layer - before}" if plain else None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: it holds no JSON object")
    return value


READERS: dict[str, Callable[[Path], VectorFile]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
    ".pt": _torch,
    ".pth": _torch,
    ".gguf": _gguf,
    ".svec": _svec,
}
"""Formats of files by how their names end."""


def vectors_of_table(table: pa.Table, what: str) -> NDArray[np.float64]:
    """Vectors from rows of (position, values): [T, d], or [d] from position -1 alone.

    Raises:
        UserError: a column is missing, a position is missing or doubled, or lengths differ.
    """
    missing = [name for name in ("position", "values") if name not in table.column_names]
    if missing:
        raise UserError(
            f"{what} has the columns {', '.join(table.column_names)}: needs position and values"
        )
    positions = table["position"].to_pylist()
    values = table["values"].to_pylist()
    if not positions:
        raise UserError(f"{what} gave no rows: needs one per position")
    if positions != [BROADCAST] and sorted(positions, key=str) != sorted(
        range(len(positions)), key=str
    ):
        raise UserError(
            f"{what} has positions {sorted(set(positions), key=str)[:8]} in {len(positions)} rows: "
            "needs 0, 1, 2 … once each, or -1 alone"
        )
    if any(not isinstance(row, list) or None in row for row in values):
        raise UserError(f"{what}: values must be lists of numbers without NULLs")
    if len({len(row) for row in values}) != 1:
        raise UserError(f"{what}: the lists of values differ in length")
    by_position = dict(zip(positions, values, strict=True))
    array = np.array([by_position[position] for position in sorted(by_position)], dtype=np.float64)
    return array[0] if positions == [BROADCAST] else array


def query_text(query: str) -> str:
    """The text of a query: that of a `.sql` file, or the query itself.

    Raises:
        UserError: there is no such file.
    """
    if not query.endswith(".sql"):
        return query
    if not Path(query).is_file():
        raise UserError(f"no file {query}")
    return Path(query).read_text("utf-8")


def query_vectors(root: Path, query: str) -> NDArray[np.float64]:
    """Vectors from a query over the store.

    The query is answered as every text of a stranger is (read-only, no files, no network, limits
    of time and memory) and returns `position` and `values`.

    Args:
        root: the store.
        query: a `.sql` file, or SQL text.

    Raises:
        UserError: the query fails, or does not return vectors.
    """
    from store.querying import read

    query_text(query)
    what = Path(query).name if query.endswith(".sql") else "the query"
    try:
        table = read(root, query)
    except UserError as error:
        raise UserError(f"{what} failed: {error}") from error
    return vectors_of_table(table, what)

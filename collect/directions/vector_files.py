"""Vectors of a direction from a file or from a query over the store; nothing is unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sql.errors import UserError, first_line
from store.direction_rules import BROADCAST

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")


def read_vectors(path: Path, *, key: str | None = None) -> NDArray[Any]:
    """Vectors [T, d], [d] or [n_sites, T, d] from a file.

    Args:
        path: `.npy`; `.npz` or `.safetensors` with one array, or with `key`; or Parquet with
            the columns `position` and `values`.
        key: name of the array, where a file holds several.

    Raises:
        UserError: the file is damaged, holds objects, or does not say which array is meant.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: vectors come in {', '.join(SUFFIXES)}, not {path.suffix!r}")
    if not path.is_file():
        raise UserError(f"no file {path}")
    try:
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            return vectors_of_table(pq.read_table(path), str(path))
        return _one_array(_arrays(path), path, key)
    except UserError:
        raise
    except ValueError as error:
        if "pickle" in str(error):
            raise UserError(f"{path} holds pickled objects, which are never loaded") from error
        raise UserError(f"{path} is damaged: {first_line(error)}") from error
    except Exception as error:  # pyarrow, zip and safetensors each have their own kinds
        raise UserError(f"{path} is damaged: {first_line(error)}") from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return dict(load_file(path))
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path} is damaged: it is no zip file, as .npz files are")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _one_array(arrays: dict[str, NDArray[Any]], path: Path, key: str | None) -> NDArray[Any]:
    if key is None and len(arrays) == 1:
        return next(iter(arrays.values()))
    if key is None or key not in arrays:
        what = "say which with --key" if key is None else f"none is named {key!r}"
        raise UserError(f"{path} holds {', '.join(sorted(arrays)) or 'no arrays'}: {what}")
    return arrays[key]


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

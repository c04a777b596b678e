"""Numbers at the door of a store: what a column cannot hold is refused, never altered in silence.

A column of 32-bit floats holds infinities and NaN, which are values that latents can have; but a
finite number that is too large for it would become one, a fraction in a column of integers would
lose its part, and both are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sql.errors import UserError
from store.schema import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

FINITE = {"conditions": ("alpha",), "direction_vectors": ("values",)}
"""Columns whose numbers are given, not measured: an infinity or NaN among them means nothing."""


def refuse_fractions(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise UserError where a row has a fraction, or NaN, in a column of integers.

    pyarrow casts such a column of its own strictly, and cuts what comes from Python.
    """
    for column in table.columns:
        if "int" not in column.type:
            continue
        for row in rows:
            for value in _items(row.get(column.name)):
                if hasattr(value, "is_integer") and not value.is_integer():
                    raise UserError(
                        f"column {column.name} of table {table.name} holds integers, found {value}"
                    )


def refuse_altered(
    table: Table, rows: Sequence[Mapping[str, Any]] | pa.Table, data: pa.Table
) -> None:
    """Raise UserError where `data`, made of `rows`, holds an infinity that `rows` do not."""
    for column in table.columns:
        if not any(kind in column.type for kind in ("float", "double")):
            continue
        infinite = _infinite(data[column.name])
        if infinite and _infinite_given(rows, column) < infinite:
            raise UserError(
                f"column {column.name} of table {table.name} holds 32-bit floats, found a finite "
                "number beyond 3.4e38"
            )


def refuse_not_finite(table: Table, data: pa.Table) -> None:
    """Raise UserError where a column of `FINITE` holds an infinity or NaN."""
    for name in FINITE.get(table.name, ()):
        if name in data.column_names and not _all_finite(data[name]):
            raise UserError(
                f"column {name} of table {table.name} must hold finite numbers, found an "
                "infinity or NaN"
            )


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    nested = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    return pc.list_flatten(column) if nested else column


def _infinite(column: pa.ChunkedArray) -> int:
    """How many infinities a column holds."""
    import pyarrow.compute as pc

    return pc.sum(pc.is_inf(_flat(column))).as_py() or 0


def _infinite_given(rows: Sequence[Mapping[str, Any]] | pa.Table, column: Column) -> int:
    """How many infinities the rows hold in a column, before they were made ours."""
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        given = rows[column.name]
        return _infinite(given) if pa.types.is_floating(_flat(given).type) else 0
    values = (value for row in rows for value in _items(row.get(column.name)))
    return sum(value in (float("inf"), float("-inf")) for value in values)


def _all_finite(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return pc.all(pc.is_finite(_flat(column))).as_py() is not False

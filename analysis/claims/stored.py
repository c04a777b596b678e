"""What claims ask of a store: a column of a query, or one field of one stored result."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.claims.binding import show_value
from analysis.claims.errors import ExpressionError, NoEvidenceError
from analysis.claims.schema import Planned, Query, Stored


class StoreRows:
    """The answers of one store, read once per query."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._answers: dict[str, list[dict[str, Any]]] = {}

    def query(self, binding: Query) -> Any:
        """One value of `column`, or a tuple of them where several rows fit `where`.

        Without a column the rows themselves count: an absence is a query without rows.

        Raises:
            ExpressionError: the column does not exist.
        """
        rows = [
            row
            for row in self._rows(binding.query, binding.params)
            if all(_same(row.get(key), wanted) for key, wanted in binding.where.items())
        ]
        column = binding.column
        if not column:
            return tuple(show_value(tuple(row.values())) for row in rows)
        if any(column not in row for row in rows):
            raise ExpressionError(
                f"{binding.query!r} has no column {column!r}; there are {', '.join(rows[0])}"
            )
        if not rows:
            raise NoEvidenceError(f"no row of {binding.query!r} fits {json.dumps(binding.where)}")
        values = tuple(_json_value(row[column]) for row in rows)
        return values[0] if len(values) == 1 else values

    def stored(self, binding: Stored) -> Any:
        """One field of the one row of `results` that fits the binding.

        Raises:
            ExpressionError: no row fits, or rows with different values do.
        """
        rows = [row for row in self._rows("results", {}) if _fits(row, binding)]
        if not rows:
            raise NoEvidenceError(f"no stored result fits {_describe(binding)}")
        columns = ["low", "high"] if binding.field == "interval" else [binding.field]
        if columns[0] not in rows[0]:
            raise ExpressionError(
                f"results have no field {binding.field!r}; there are {', '.join(rows[0])}"
            )
        values = {tuple(_json_value(row[column]) for column in columns) for row in rows}
        if len(values) > 1:
            raise ExpressionError(
                f"{len(rows)} stored results with different values fit {_describe(binding)}: "
                "name the `analysis`, the `method` or more of the `contrast`"
            )
        entry = values.pop()
        return entry if len(columns) > 1 else entry[0]

    def planned(self, binding: Planned) -> Any:
        """One entry of the frozen plan, as its text has it.

        Raises:
            NoEvidenceError: no plan is frozen, or the plan names no such entry.
        """
        plans = [
            row
            for row in self._rows("plans", {})
            if (row["plan_id"].startswith(binding.plan) if binding.plan else not row["superseded"])
        ]
        if len(plans) != 1:
            raise NoEvidenceError(
                f"{len(plans)} frozen plans fit, one is needed: freeze one, or name it by `plan`"
            )
        entry: Any = tomllib.loads(plans[0]["text"])
        for part in binding.key.split("."):
            entry = _entry(entry, part)
            if entry is None:
                raise NoEvidenceError(f"the frozen plan names no {binding.key!r}")
        return tuple(entry) if isinstance(entry, list) else entry

    def _rows(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        from store import committed, read

        key = json.dumps([query, dict(params)], sort_keys=True, default=str)
        if key not in self._answers:
            table = (
                committed(self.store, query)
                if query in ("results", "analyses", "plans")
                else read(self.store, query, **params)
            )
            self._answers[key] = table.to_pylist()
        return self._answers[key]


def _entry(parent: Any, name: str) -> Any:
    """An entry of a table by its key, of a list by its number or its `name`; None without one."""
    if isinstance(parent, Mapping):
        return parent.get(name)
    if isinstance(parent, list) and name.isdigit() and int(name) < len(parent):
        return parent[int(name)]
    if isinstance(parent, list):
        return next((e for e in parent if isinstance(e, Mapping) and e.get("name") == name), None)
    return None


def _fits(row: Mapping[str, Any], binding: Stored) -> bool:
    for key in ("name", "quantity", "method", "family"):
        wanted = getattr(binding, key)
        if wanted and row.get(key) != wanted:
            return False
    if binding.analysis and not str(row.get("analysis_id", "")).startswith(binding.analysis):
        return False
    contrast = json.loads(row.get("contrast") or "{}")
    return all(_same(contrast.get(key), wanted) for key, wanted in binding.contrast.items())


def _same(stored: Any, wanted: Any) -> bool:
    """Equal, numbers within the noise of their decimal form; an empty text is absence."""
    if wanted == "":
        return stored is None or stored == ""
    if isinstance(stored, int | float) and isinstance(wanted, int | float):
        return abs(stored - wanted) <= 1e-9 * max(1.0, abs(wanted))
    return bool(stored == wanted)


def _json_value(value: Any) -> Any:
    if value is None:
        raise NoEvidenceError("the stored value is missing (NULL)")
    return tuple(value) if isinstance(value, list) else value


def _describe(binding: Stored) -> str:
    given = {k: v for k, v in binding.model_dump().items() if v and k != "field"}
    return json.dumps(given, sort_keys=True)

"""Rows in a results database in memory, as if they had been ingested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from analysis.audit.copies import Copy
from analysis.audit.selftest.clean import Rows
from sql.loader import quote
from store.database import create
from store.schema import TABLES


class Sandbox(Copy):
    """A results database in memory whose rows are replaced at will."""

    def __init__(self) -> None:
        super().__init__("", create(None))
        self._filled: dict[str, list[dict[str, Any]]] = {}

    def load(self, rows: Rows) -> Copy:
        """Readings of these rows alone; tables that hold them already stay as they are."""
        for name in TABLES:
            wanted = rows.get(name, [])
            if wanted != self._filled.get(name):
                self._fill(name, wanted)
                self._filled[name] = [dict(row) for row in wanted]
        return Copy(self.path, self.connection)

    def _fill(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if name == "outcomes":
            self._fill_outcomes(rows)
            return
        self._insert(name, pa.Table.from_pylist(list(rows), schema=TABLES[name].arrow))

    def _fill_outcomes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        table = pa.Table.from_pylist(list(rows), schema=TABLES["outcomes"].arrow)
        for key in ("condition", "problem", "run"):
            ids = pa.array(table[f"{key}_id"].combine_chunks()).dictionary_encode()
            names = pa.table(
                {f"{key}_no": pa.array(range(len(ids.dictionary)), pa.int32()),
                 f"{key}_id": ids.dictionary}
            )  # fmt: skip
            self._insert(f"{key}_keys", names)
            table = table.append_column(f"{key}_no", ids.indices).drop_columns([f"{key}_id"])
        self._insert("outcome_rows", table)

    def _insert(self, name: str, rows: pa.Table) -> None:
        self.connection.execute(f"DELETE FROM {quote(name)}")  # noqa: S608
        self.connection.register("filling", rows)
        self.connection.execute(f"INSERT INTO {quote(name)} BY NAME FROM filling")
        self.connection.unregister("filling")

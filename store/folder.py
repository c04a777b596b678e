"""A store as a notebook meets it: its folder, shown by what is in it."""

from __future__ import annotations

from pathlib import Path, PosixPath

from sql.html_tables import html_table
from store import layout
from store.info import info


class Folder(PosixPath):
    """The folder of a store: a path like any other."""

    def _repr_html_(self) -> str | None:
        """Rows, shards and bytes by table; nothing of a path that is no store."""
        if not layout.is_store(self):
            return None
        found = info(self)
        rows: list[tuple[object, ...]] = [("", "rows", "shards", "bytes")]
        rows += [
            (table.table, f"{table.rows:,}", f"{table.shards:,}", f"{table.bytes:,}")
            for table in found.tables
            if table.rows or table.shards
        ]
        below = []
        if found.pending:
            below.append(f"{found.pending} shards await: steerstat store ingest {self}")
        if found.quarantine:
            below.append(f"{len(found.quarantine)} entries in quarantine: steerstat store resolve")
        return html_table(f"Store {self}", rows, below)


def open_store(path: str | Path) -> Folder:
    """The store at `path`, its version checked.

    Raises:
        UserError: If there is no store, or it was written by a newer version.
    """
    return Folder(layout.open_store(path))

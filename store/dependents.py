"""What cannot be told because something it depends on is missing or set aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sql import loader
from store.quarantine import row_files, unresolved

if TYPE_CHECKING:
    import duckdb


def broken_references(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """One line for each kind of row that refers to something the store does not have."""
    found = loader.execute(connection, loader.internal("broken_references")).fetchall()
    for what, lacks, n, row_id, missing in found:
        more = f" and {n - 1} more" if n > 1 else ""
        name = f" {missing}" if missing else ""
        yield (
            f"{what} {row_id} lacks its {lacks}{name}{more}: views leave it out or show NULL; "
            "merge or collect what is missing"
        )


def not_computed_anew(connection: duckdb.DuckDBPyConnection, root: Path) -> Iterator[str]:
    """One line for each record of outcomes that are set aside and that no later row stands for."""
    open_records = {note["name"] for note in unresolved(root, "rows-")}
    for path in row_files(root, "outcomes"):
        if path.name not in open_records:
            continue
        units = loader.internal("not_computed_anew")
        lacking = loader.execute(connection, units, files=loader.exact_paths([path])).fetchall()
        if not lacking:
            continue
        conditions = sorted({condition for condition, _, _ in lacking})
        others = loader.internal("compared_with")
        compared = loader.execute(connection, others, conditions=conditions).fetchall()[0][0]
        first = "condition {} problem {} seed {}".format(*lacking[0])
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        also = f" and {compared} compared with them" if compared else ""
        yield (
            f"{path.name}: outcome of {first}{more} set aside and not computed anew: "
            f"{len(conditions)} conditions{also} lack it; collect again, or `steerstat store "
            "resolve` accepts that it is missing"
        )

"""Files that a person dropped into a store's folders: taken in, set aside, or left and told of."""

from __future__ import annotations

from pathlib import Path

from sql.errors import UserError, first_line
from store.commits import read_commit
from store.direction_rules import check_table
from store.layout import commit_path, disk_errors, names_in, sync_folder
from store.orphans import Left, judged, mark
from store.quarantine import Quarantined, quarantine_file
from store.schema import TABLES
from store.shards import append, conform


def adopt_dropped(root: Path) -> tuple[list[Quarantined], list[Left]]:
    """Commit the Parquet files that a person dropped into shards/<table>/.

    A file that was not written under its name here is read, checked as every row is, written anew
    as a committed shard and removed. A shard without a commit is left alone and told of (see
    `store.orphans`). What does not fit goes to quarantine.
    """
    bad: list[Quarantined] = []
    left: list[Left] = []
    shards = root / "shards"
    for name in sorted(names_in(shards)):
        folder = shards / name
        if name[0] != "." and not folder.is_dir():
            bad.append(_refused(root, folder, "shards", "foreign: it lies in no table's folder"))
        if not folder.is_dir() or folder.is_symlink():
            continue
        for path in sorted(folder.iterdir()):
            if path.name[0] == "." or _is_committed(root, path):
                continue
            told = _adopt(root, path)
            if isinstance(told, Left):
                left.append(told)
            elif told:
                bad.append(_refused(root, path, folder.name, told))
    return bad, left


def _is_committed(root: Path, path: Path) -> bool:
    """Whether a file is one that a commit speaks of: of another table's it is a copy."""
    if path.suffix != ".parquet" or not commit_path(root, path.stem).exists():
        return False
    try:
        return read_commit(root, path.stem).table == path.parent.name
    except (ValueError, UserError, FileNotFoundError):
        return True  # the commit is judged with its shard, and this file with it


def _refused(root: Path, path: Path, table: str, reason: str) -> Quarantined:
    return quarantine_file(root, path, table, reason, with_commit=False)


def _adopt(root: Path, path: Path) -> str | Left | None:
    """Take one dropped file in; returns why it cannot be, that it was left alone, or nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = TABLES.get(path.parent.name)
    if table is None:
        return f"foreign: no table is called {path.parent.name}"
    try:
        written_as = mark(path)
    except UserError as error:
        return f"foreign: {error}"
    if written_as and written_as == path.stem:
        return judged(root, table, path)
    try:
        rows = conform(table, pq.read_table(path))
        check_table(root, table, rows)
        append(root, table.name, rows)
    except (pa.ArrowException, OSError) as error:
        return f"foreign: not a Parquet file ({first_line(error)})"
    except UserError as error:
        if isinstance(error.__cause__, OSError):
            raise
        return f"wrong schema: {error}"
    with disk_errors(path):
        path.unlink()
        sync_folder(path.parent)
    return None

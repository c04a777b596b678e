"""Audit result files of others: imported into a store that is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def imported(files: Sequence[Path]) -> Iterator[tuple[Path, list[str]]]:
    """A store of some result files, for the block, and what of them could not be used.

    Raises:
        UserError: a file cannot be read, or is of no known format.
    """
    from store import ingest
    from store.exchange.importers import import_files

    with TemporaryDirectory(prefix="steerstat-audit-") as folder:
        root = Path(folder) / "store"
        reports = import_files(root, files, allow_bad=True)
        ingest(root)
        lost = [f"{file}: {line}" for file, report in reports for line in report.errors]
        yield root, lost

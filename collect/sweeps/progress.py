"""Progress bars of a long run, on stderr: one line per step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sql.printable import one_line


class Steps:
    """The steps of a run, each with a bar or, where its length is unknown, a moving one."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<28}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr, quiet=quiet),
        )

    def __enter__(self) -> Steps:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show one step; the value advances its bar by a number of units."""
        task = self._progress.add_task(one_line(name), total=total)
        yield lambda units: self._progress.advance(task, units)
        self._progress.update(task, total=total or 1, completed=total or 1)

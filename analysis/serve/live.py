"""The report page kept up with its store: written in the background whenever the store changes."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from analysis.serve import pages
from store import open_store
from store.layout import database_path

STALE = "The store has new rows and the page is being written again: reload in a minute."


class LivePage:
    """The newest page there is; `get` never waits for one that is being written."""

    def __init__(self, store: Path) -> None:
        self._store = open_store(store)
        self._lock = threading.Lock()
        self._writing = False
        self._page, self._failed = "", ""
        self._written_for: tuple[int, ...] = ()

    def get(self, token: str) -> tuple[int, str]:
        """HTTP status and page; starts the writing where the store has changed."""
        state = self._state()
        with self._lock:
            stale = state != self._written_for
            if stale and not self._writing:
                self._writing = True
                threading.Thread(target=self._write, args=(state,), daemon=True).start()
            page, failed = self._page, self._failed
        if failed and not stale:
            return 500, pages.with_bar(
                pages.notice("The report could not be written", failed), token
            )
        if not page:
            wait = "The report is being written; this page will show it by itself."
            return 200, pages.with_bar(pages.notice("One moment", wait, again=2), token)
        return 200, pages.with_bar(page, token, STALE if stale else "")

    def _state(self) -> tuple[int, ...]:
        """What changes when an ingest renames a new results file into place."""
        path = database_path(self._store)
        if not path.exists():
            return (0,)
        status = path.stat()
        return (status.st_ino, status.st_mtime_ns, status.st_size)

    def _write(self, state: tuple[int, ...]) -> None:
        from analysis.report import write_report

        page = failed = ""
        try:
            with tempfile.TemporaryDirectory(prefix="steerstat-") as folder:
                (path,) = write_report(self._store, folder, ["html"])
                page = path.read_text(encoding="utf-8")
        except Exception as error:
            failed = pages.first_error(error)
        with self._lock:
            self._page, self._failed = page or self._page, failed
            self._written_for, self._writing = state, False

"""Two plugins of pytest: which lines each test runs, and the tests of a list in its order."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

SLOW_FIXTURES = {"whole_report", "published_data"}
settings.register_profile(
    "one example",
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class Reached:
    """Which lines of the code each test runs, and how long it takes; a pytest plugin."""

    def __init__(self, files: list[str]) -> None:
        self.files = {str(Path(file).resolve()): file for file in files}
        self.lines: dict[str, dict[int, set[str]]] = {file: defaultdict(set) for file in files}
        self.seconds: dict[str, float] = {}
        self.test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Trace a test, unless it needs a fixture that takes long to make."""
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            return (yield)
        self.test = item.nodeid
        started = time.process_time()
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.seconds[item.nodeid] = time.process_time() - started

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        file = self.files.get(frame.f_code.co_filename)
        if file is None:
            return None
        lines, test = self.lines[file], self.test

        def line(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
            """Note that the test reached the line."""
            lines[frame.f_lineno].add(test)
            return line

        return line(frame, event, arg)


class Only:
    """Runs the tests of a list, in its order; a pytest plugin."""

    def __init__(self, tests: list[str]) -> None:
        self.order = {test: place for place, test in enumerate(tests)}

    def pytest_pycollect_makemodule(self) -> None:
        """Leave shrinking out."""
        # After the folder's conftest chose its profile. One failing example is enough: to find
        # the smallest would take most of the time.
        settings.load_profile("one example")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the tests that cover a mutant, the fastest first."""
        chosen = [item for item in items if item.nodeid in self.order]
        items[:] = sorted(chosen, key=lambda item: self.order[item.nodeid])

"""Which cases of a long list are tried at every run of the tests, and which by `make slow`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[Any], kept: Collection[Any]) -> list[Any]:
    """The cases, marked slow but those that are kept, by themselves or by their position."""
    positions = {one for one in kept if isinstance(one, int)}
    return [
        case
        if i in positions or (isinstance(case, str) and case in kept)
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for i, case in enumerate(cases)
    ]

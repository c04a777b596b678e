"""Rows on stdout: a table for people, JSON for programs; notes on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from store.formats import WRITERS


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print the given columns of the rows; JSON prints every field."""
    names = list(rows[0]) if as_json and rows else list(columns)
    values = [[row[name] for name in names] for row in rows]
    sys.stdout.write(WRITERS["json" if as_json else "table"](names, values))


def note(*lines: str) -> None:
    """Say something to a person, where it does not mix with data."""
    for line in lines:
        print(line, file=sys.stderr)

"""The query behind a figure or a table, as a reader copies it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sql import loader


def every_row(table: str) -> str:
    """A query for all rows of a table or view."""
    return f"FROM {table}"


def named_query(query: str) -> str:
    """A named query that takes no parameters, for a reader to copy."""
    return loader.queries()[query].statement


def shown(query: str, context: Mapping[str, Any]) -> str:
    """A query of sql/internal for a reader to copy, its parameters replaced by their values."""
    script = loader.internal(query)
    values = script.values({p.name: context[p.name] for p in script.parameters})

    def value(match: re.Match[str]) -> str:
        """The literal in place of a parameter."""
        return loader.literal(values[match[1]])

    return re.sub(r"\$(\w+)", value, script.statement)

"""The query behind each figure: the rows of the store that it is computed from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analysis.figures.catalogue import Figure
from sql import loader

# By the start of a figure's name, the first that fits: the file in sql/internal.
FIGURES = {
    "overview": "behind_curves",
    "accuracy": "behind_curves",
    "forest": "behind_effects",
    "doses": "behind_problems",
    "problems": "behind_problems",
    "strata": "behind_strata",
    "controls": "behind_controls",
    "transitions": "behind_transitions",
    "direction-norms": "behind_direction_norms",
    "direction": "behind_vectors",
    "cosines": "behind_vectors",
    "latent-norms": "behind_latent_norms",
    "power": "behind_power",
}


def figure_sql(figure: Figure) -> str:
    """A query that gives the rows behind a figure; "" for a figure that this list does not know."""
    for start, query in FIGURES.items():
        if figure.name.startswith(start):
            return shown(query, figure.context)
    return ""


def every_row(table: str) -> str:
    """A query for all rows of a table or view."""
    return f"FROM {table}"


def shown(query: str, context: Mapping[str, Any]) -> str:
    """A query of sql/internal for a reader to copy, its parameters replaced by their values."""
    script = loader.internal(query)
    values = script.values({p.name: context[p.name] for p in script.parameters})

    def value(match: re.Match[str]) -> str:
        return loader.literal(values[match[1]])

    return re.sub(r"\$(\w+)", value, script.statement)

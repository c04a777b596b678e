"""The query behind each figure: the rows of the store that it is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.figures.catalogue import Figure

CURVES = (
    "SELECT direction, role, alpha, n_pairs, gained, lost, accuracy FROM accuracy_by_alpha "
    "WHERE set_name = $set_name AND protocol = $protocol ORDER BY role, direction, alpha"
)
STRATA = (
    "SELECT direction, alpha, level, n_pairs, gained, lost, accuracy FROM accuracy_by_stratum "
    "WHERE scheme = 'n_steps' AND set_name = $set_name AND protocol = $protocol "
    "AND role = 'candidate' ORDER BY direction, alpha, level"
)
PROBLEMS = (
    "SELECT direction, alpha, problem_id, n_steps, baseline_correct, correct FROM paired_outcomes "
    "JOIN problem_sets USING (problem_id) WHERE set_name = $set_name AND protocol = $protocol "
    "AND role = 'candidate' ORDER BY direction, alpha, n_steps, problem_id"
)
VECTORS = (
    "SELECT d.name, v.position, v.values FROM direction_vectors AS v JOIN directions AS d "
    "USING (direction_id) WHERE d.role = 'candidate' ORDER BY d.name, v.position"
)
# By the start of a figure's name, the first that fits; `$set_name`, `$protocol` are the figure's.
FIGURES = {
    "overview": CURVES,
    "accuracy": CURVES,
    "forest": CURVES,
    "doses": PROBLEMS,
    "problems": PROBLEMS,
    "strata": STRATA,
    "controls": (
        "SELECT candidate, direction, alpha, estimate FROM control_effects "
        "WHERE set_name = $set_name AND protocol = $protocol ORDER BY alpha, estimate"
    ),
    "transitions": (
        "SELECT * FROM transitions WHERE set_name = $set_name AND protocol = $protocol "
        "AND role = 'candidate' ORDER BY direction, alpha"
    ),
    "direction-norms": (
        "SELECT name, norm, norm_by_position FROM directions WHERE role = 'candidate' ORDER BY name"
    ),
    "direction": VECTORS,
    "cosines": VECTORS,
    "latent-norms": "SELECT * FROM norms_by_position ORDER BY direction, alpha, position",
    "power": (
        "SELECT set_name, direction, alpha, n_pairs, gained, lost FROM accuracy_by_alpha "
        "WHERE role = 'candidate' ORDER BY set_name, direction, alpha"
    ),
}


def figure_sql(figure: Figure) -> str:
    """A query that gives the rows behind a figure; "" for a figure that this list does not know."""
    for start, query in FIGURES.items():
        if figure.name.startswith(start):
            return shown(query, figure.context)
    return ""


def shown(sql: str, context: Mapping[str, Any]) -> str:
    """A query for a reader to copy: `$name` becomes the context's value, quoted as SQL quotes."""
    for name, value in context.items():
        sql = sql.replace(f"${name}", "'" + str(value).replace("'", "''") + "'")
    return sql

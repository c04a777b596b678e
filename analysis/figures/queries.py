"""The queries behind the figures; `$set_name` and `$protocol` are those of a figure's place."""

from __future__ import annotations

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
CONTROLS = (
    "SELECT candidate, direction, alpha, estimate FROM control_effects "
    "WHERE set_name = $set_name AND protocol = $protocol ORDER BY alpha, estimate"
)
TRANSITIONS = (
    "SELECT * FROM transitions WHERE set_name = $set_name AND protocol = $protocol "
    "AND role = 'candidate' ORDER BY direction, alpha"
)
NORMS = "SELECT name, norm, norm_by_position FROM directions WHERE role = 'candidate' ORDER BY name"
LATENTS = "SELECT * FROM norms_by_position ORDER BY direction, alpha, position"
PAIRS = (
    "SELECT set_name, direction, alpha, n_pairs, gained, lost FROM accuracy_by_alpha "
    "WHERE role = 'candidate' ORDER BY set_name, direction, alpha"
)

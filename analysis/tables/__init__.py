"""Tables of a store, as DataFrames with all arithmetic done: what charts, reports and tests read.

Each is a function of the store's path (`calibration_curves`: of simulated rows)::

    from analysis import tables
    tables.effects("runs/demo")

Effects and accuracies are fractions; they become percentage points only where they are printed.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "accuracy": "paired",
    "accuracy_curves": "curves",
    "calibration_curves": "calibration",
    "control_band": "curves",
    "control_points": "comparisons",
    "controls": "comparisons",
    "controls_strip": "curves",
    "direction_components": "directions",
    "direction_cosines": "directions",
    "direction_norms": "directions",
    "doses": "problems",
    "effects": "paired",
    "forest": "curves",
    "homogeneity": "difficulty",
    "latent_growth": "directions",
    "norms": "directions",
    "power_curves": "problems",
    "problem_blocks": "problems",
    "problem_grid": "problems",
    "problem_strata": "problems",
    "strata": "difficulty",
    "transitions": "curves",
    "transitions_long": "curves",
    "trends": "problems",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """The table function, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis.tables' has no attribute {name!r}")
    return getattr(importlib.import_module(f"analysis.tables.{_HOMES[name]}"), name)

"""Plans: what will be tested, fixed before the first outcome is seen.

    from analysis.plans import load_plan, check_plan, freeze, stamps, decide

A frozen plan makes the results that it names *confirmatory*; everything else is *exploratory*.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "CONFIRMATORY": "freezing",
    "EXPLORATORY": "freezing",
    "FrozenPlan": "freezing",
    "Plan": "schema",
    "PlanReport": "power",
    "Stamps": "freezing",
    "check_plan": "power",
    "decide": "stopping",
    "freeze": "freezing",
    "history": "freezing",
    "load_plan": "schema",
    "parse_plan": "schema",
    "problem_order": "stopping",
    "record_stops": "stopping",
    "stamps": "freezing",
    "walk": "stopping",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis.plans' has no attribute {name!r}")
    return getattr(importlib.import_module(f"analysis.plans.{_HOMES[name]}"), name)

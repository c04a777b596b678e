"""Altair charts of the tables: encodings only, all arithmetic is in `analysis.tables`."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "accuracy_chart": "curves",
    "dose_chart": "curves",
    "strata_chart": "curves",
    "controls_chart": "strip",
    "forest_chart": "forest",
    "transitions_chart": "transitions",
    "problems_chart": "transitions",
    "direction_heatmap": "directions",
    "direction_norms_chart": "directions",
    "cosine_chart": "directions",
    "latent_norms_chart": "directions",
    "lettered": "panels",
    "power_chart": "planning",
    "calibration_chart": "planning",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"analysis.charts.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'analysis.charts' has no attribute {name!r}")

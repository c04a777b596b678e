"""Statistics for paired outcomes and few controls, charts, claims and reports.

The public names are imported when first used, so that ``import analysis`` costs nothing::

    from analysis import mcnemar, paired_difference
    mcnemar(4, 2).p
"""

from __future__ import annotations

import importlib
from typing import Any

# public name: module that holds it
_HOME = {
    "Refusal": "results",
    "Result": "results",
    "adjust": "families",
    "best_alpha": "selection",
    "bootstrap_difference": "bootstrap",
    "bootstrap_mean": "bootstrap",
    "candidate_minus_controls": "one_against_controls",
    "clustered_difference": "clustered",
    "cochrans_q": "families",
    "compare_signed_to_controls": "controls",
    "compare_to_controls": "controls",
    "confidence_sequence": "sequential",
    "control_spread": "spread",
    "controls_power": "one_against_controls",
    "discordance": "paired",
    "dose_response": "dose",
    "e_value": "sequential",
    "equivalence": "equivalence",
    "fragility": "fragility",
    "futility": "sequential",
    "max_t": "signflips",
    "mcnemar": "paired",
    "mcnemar_power": "power",
    "minimum_detectable_effect": "power",
    "missing_bounds": "missing",
    "missing_table": "missing",
    "non_inferiority": "equivalence",
    "paired_counts": "paired",
    "paired_difference": "intervals",
    "permutation_test": "permutation",
    "sample_size": "power",
    "sign_test": "paired",
    "stratified_difference": "strata",
    "stratum_homogeneity": "strata",
    "wilson": "intervals",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """The public name, imported from its module now."""
    if name not in _HOME:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(importlib.import_module(f"analysis.statistics.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

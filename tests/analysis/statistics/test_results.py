"""The result type, the lazy names, and the promise that no NaN comes without a status."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analysis
from analysis import calibration, statistics
from analysis.statistics import results
from analysis.statistics.results import Result
from analysis.vocabulary import Status

ISSUE_NAMES = [
    "sign_test",
    "mcnemar",
    "paired_difference",
    "bootstrap_difference",
    "permutation_test",
    "clustered_difference",
    "compare_to_controls",
    "candidate_minus_controls",
    "controls_power",
    "adjust",
    "max_t",
    "best_alpha",
    "dose_response",
    "cochrans_q",
    "stratified_difference",
    "stratum_homogeneity",
    "equivalence",
    "mcnemar_power",
    "minimum_detectable_effect",
    "e_value",
    "confidence_sequence",
    "futility",
    "missing_bounds",
    "fragility",
    "wilson",
]


def test_every_public_name_is_importable_and_documented() -> None:
    assert set(ISSUE_NAMES) <= set(analysis.__all__)
    for name in analysis.__all__:
        value = getattr(analysis, name)
        assert callable(value), name
        assert value.__doc__, name
    with pytest.raises(AttributeError, match="attribute nonsense"):
        analysis.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, analysis; print([m for m in ('numpy', 'scipy', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_results_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        analysis.mcnemar(4, 2).p = 0.01  # type: ignore[misc]


def check(value: Any, status: str, where: str) -> None:
    """No NaN and no p = 0 unless the status says why."""
    for name, number in value.items():
        if isinstance(number, float) and status == "ok":
            assert not np.isnan(number), f"{where}.{name}"
    if isinstance(value.get("p"), float):
        assert 0 < value["p"] <= 1, where


@settings(max_examples=80)
@given(st.integers(0, 90), st.integers(0, 90), st.integers(0, 90))
def test_no_nan_and_no_zero_p_without_a_status(gained: int, lost: int, rest: int) -> None:
    n = max(gained + lost + rest, 1)
    made: list[results.Result] = [
        *(analysis.mcnemar(gained, lost, method=m) for m in ("midp", "exact", "chi2")),
        analysis.sign_test(gained, lost, n=n),
        *(
            analysis.paired_difference(gained, lost, n, method=m)
            for m in ("tango", "bonett-price", "wald")
        ),
        analysis.bootstrap_difference(gained, lost, n, method="exact"),
        analysis.bootstrap_difference(
            gained, lost, n, method="bca", rng=np.random.default_rng(1), resamples=999
        ),
        analysis.equivalence(gained, lost, n, margin=0.05),
        analysis.non_inferiority(gained, lost, n, margin=0.05),
        analysis.e_value(gained, lost),
        analysis.confidence_sequence(gained, lost),
        analysis.confidence_sequence(gained, lost, n),
        analysis.missing_bounds([[0, lost, 1], [gained, rest, 0], [0, 1, 0]]),
        analysis.fragility(gained, lost, n, fragile_gained=min(gained, 1), fragile_lost=0),
    ]
    for result in made:
        assert result.status in get_args(Status)
        assert result.scope == "new problems"
        check(dataclasses.asdict(result), str(result.status), result.method)
        json.dumps(result.as_dict(), allow_nan=False)
        if isinstance(result, results.Interval) and not np.isnan(result.estimate):
            assert result.low - 1e-12 <= result.estimate <= result.high + 1e-12, result.method


def test_what_is_chosen_by_its_outcome_speaks_of_itself_only() -> None:
    result = analysis.fragility(7, 18, 86, fragile_gained=1, fragile_lost=2)
    stamped = analysis.stamped(result)
    for one in (stamped, stamped.worst, stamped.without):
        assert isinstance(one, results.Result)
        assert (one.selected_on_outcome, one.scope) == (True, "these problems only")
    assert (result.selected_on_outcome, result.scope) == (False, "new problems")
    assert (stamped.p, stamped.worst.p, stamped.n) == (result.p, result.worst.p, 86)


def test_new_directions_on_a_chosen_set_stay_new_directions() -> None:
    stamped = analysis.stamped(analysis.compare_to_controls(-5.0, [1.0, 2.0, 4.0]))
    assert (stamped.selected_on_outcome, stamped.scope) == (True, "new directions")


KEYS = ["method", "estimate", "n", "low", "high", "level", "p", "statistic", "status", "scope"]
KEYS += ["dropped", "dropped_what", "selected_on_outcome"]


@pytest.mark.parametrize(
    ("result", "written"),
    [
        (analysis.e_value(2, 9), {"estimate": "e", "log_e": "log_e", "prior": "prior"}),
        (
            analysis.mcnemar_power(40, effect=0.1, discordance=0.3, significance=0.04),
            {"estimate": "power", "effect": "effect", "discordance": "discordance"}
            | {"alpha": "significance"},
        ),
        (
            analysis.minimum_detectable_effect(90, discordance=0.3, power=0.7),
            {"estimate": "effect", "power": "asked", "asked": "asked"}
            | {"discordance": "discordance", "alpha": "significance"},
        ),
        (
            analysis.sample_size(effect=0.2, discordance=0.3, power=0.7),
            {"estimate": "problems", "power": "power", "asked": "asked"}
            | {"discordance": "discordance", "alpha": "significance"},
        ),
        (
            analysis.futility(2, 5, 40, planned_n=90, effect=0.1, discordance=0.3),
            {"estimate": "conditional_power", "stop": "stop", "threshold": "threshold"}
            | {"planned_n": "planned_n"},
        ),
        (
            analysis.adjust([0.01, 0.2], method="bh", family_size=3),
            {"estimate": "unadjusted", "p": "p", "unadjusted": "unadjusted"}
            | {"family_size": "family_size", "controls": "controls"},
        ),
        (
            analysis.equivalence(4, 2, 86, margin=0.1, significance=0.04),
            {"level": "confidence", "margin": "margin", "alpha": "significance", "shown": "shown"},
        ),
    ],
)
def test_results_are_written_under_the_names_that_stores_know(
    result: results.Result, written: dict[str, str]
) -> None:
    content = result.as_dict()
    assert list(content) == KEYS + [key for key in written if key not in KEYS]
    for key, name in written.items():
        assert content[key] == results.json_value(getattr(result, name)), key


def test_the_level_of_a_power_is_written_as_the_coverage_that_belongs_to_it() -> None:
    result = analysis.controls_power(5, gap=2.0, model="random", significance=0.04)
    content = result.as_dict()
    assert list(content) == [*KEYS, "gap", "fixed", "random", "rank_floor"]
    assert (content["estimate"], content["level"]) == (result.random, 0.96)
    assert content["estimate"] != content["fixed"]


def test_as_dict_is_plain() -> None:
    content = analysis.paired_difference([4, 0], [2, 0], 86).as_dict()
    assert content["n"] == [86, 86]
    assert content["status"] == ["ok", "no_information"]
    assert analysis.discordance(4, 0, 86).as_dict()["odds"] == "inf"
    assert analysis.sign_test(0, 0).as_dict()["estimate"] is None


def _subclasses(kind: type[Result[Any]]) -> set[type[Result[Any]]]:
    return {kind}.union(*(_subclasses(below) for below in kind.__subclasses__()))


@functools.cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """The classes of a module as they are written."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _documented(kind: type) -> set[str]:
    """Fields of a class that have a text under themselves."""
    tree = _classes(kind.__module__)[kind.__name__]
    return {
        field.target.id
        for field, text in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(text.value.value, str) and text.value.value.strip()
    }


def test_every_field_of_a_result_says_what_it_is() -> None:
    for package in (statistics, calibration):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    kinds = {kind for kind in _subclasses(Result) if kind.__module__.startswith("analysis.")}
    assert len(kinds) > 25
    silent = {
        f"{kind.__name__}.{field.name}"
        for kind in kinds
        for field in dataclasses.fields(kind)
        if not any(field.name in _documented(one) for one in kind.__mro__ if one in kinds)
    }
    assert silent == set()

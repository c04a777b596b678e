"""No argument gets past the door: each public function answers honestly, or refuses in one line.

Honestly: a status of the vocabulary, no NaN and no infinity beside "ok", no p outside (0, 1]; and
within seconds, without a warning. The functions are those that the package names, so that a new one
is tried without a line here; what it needs beyond the usual arguments goes into `GOOD`.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import inspect
import itertools
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analysis
from analysis.statistics.results import Refusal, Result
from analysis.vocabulary import Status
from tests.marks import slow_but

OUTCOMES = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 1, 1]], float)
BASELINE = np.array([0.0, 1, 0, 1, 0, 0])
TABLE = {
    "problem": [1, 1, 2, 2, 3, 3, 4, 4],
    "direction": [1, 2, 1, 2, 1, 2, 1, 2],
    "steered": [0, 1, 1, 1, 0, 1, 0, 0],
    "baseline": [0, 0, 1, 0, 0, 1, 1, 0],
}

# Good arguments by name, and where a function means something else by the name.
USUAL: dict[str, Any] = {
    "gained": 4, "lost": 2, "n": 20, "k": 9, "outcomes": OUTCOMES, "baseline": BASELINE,
    "steered": [1, 1, 0, 1, 0, 1], "resamples": 999, "planned_n": 60, "effect": 0.1,
    "discordance": 0.3, "margin": 0.1, "model": "random", "table": TABLE, "values": [1.0, 2.5, 2.0],
    "differences": [0.5, -0.2, 0.3], "p": [0.01, 0.2], "family_size": 3, "alphas": [-1, 0, 1],
    "candidate": BASELINE, "controls": [0.1, 0.3, -0.1], "plus": 0.3, "minus": 0.2,
    "control_plus": [0.2, 0.1, 0.3], "control_minus": [0.1, 0.2, 0.25], "fragile_gained": 1,
    "fragile_lost": 1, "result": analysis.mcnemar(4, 2),
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "beyond_controls": {"values": OUTCOMES, "side": "greater"},
    "control_correlation": {"signed": OUTCOMES - 0.5},
    "best_alpha": {"controls": np.stack([OUTCOMES, 1 - OUTCOMES])},
    "candidate_minus_controls": {"controls": OUTCOMES},
    "dose_response": {"baseline": None},
    "missing_bounds": {"table": [[9, 2, 1], [4, 8, 0], [1, 0, 1]]},
    "missingness_trend": {"unreadable": OUTCOMES, "alphas": [-1, 0, 2]},
    "stratified_difference": {"gained": [4, 1], "lost": [2, 3], "n": [20, 30]},
    "stratum_homogeneity": {"gained": [4, 1], "lost": [2, 3]},
    "sample_size": {"largest": 2_000},
    "confidence_curve": {"levels": [0.5, 0.95]},
    "dose_against_controls": {
        "candidate": OUTCOMES,
        "controls": np.stack([OUTCOMES] * 2),
        "alphas": [-1, 1, 2],
    },
    "mixed_model": {
        "table": {
            "problem": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5] * 2,
            "right": [1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1],
            "steered": [0, 1] * 12,
            "direction": [1, 2, 2] * 8,
        }
    },
    "signed_power": {"signed": 0.05},
    "trend_power": {"slope": 0.02, "alphas": [1.0, 2.0]},
}
# What one call may take, in seconds of the processor, on any argument.
SLOWEST = 10.0

# Infinite because it is so: the odds of gains without a loss.
INFINITE = {"odds", "odds_high"}

# Not defined rather than unknown, and said so in the docstring of the result.
UNDEFINED = {
    "shares": "a stratum without change",
    "z": "a dose at which all are equal",
    "g": "two controls",
    "odds_high": "no loss",
}

# These read files, stores and frames of others; tests/analysis/pairs has what is wrong with those.
READING = {"compare", "compare_conditions", "compare_files"}

FUNCTIONS = {
    name: member
    for name in analysis.__all__
    if name not in READING and not inspect.isclass(member := getattr(analysis, name))
}


def good(name: str) -> dict[str, Any]:
    known = USUAL | GOOD.get(name, {})
    taken = inspect.signature(FUNCTIONS[name]).parameters
    arguments = {key: known[key] for key in taken if key in known}
    return arguments | ({"rng": np.random.default_rng(1)} if "rng" in taken else {})


def elements(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray([] if value is None else value).ravel()


def honest(result: Any, within: str = "") -> None:
    """Nothing that a reader could take for a number and is none."""
    if not isinstance(result, Result):
        if not isinstance(result, analysis.Refusal | str | type(None)):
            assert np.all(np.asarray(result) >= 0), result
        return
    status = elements(result.status)
    assert set(status.tolist()) <= set(get_args(Status)), status
    for field in fields(result):
        value, place = getattr(result, field.name), f"{within}.{field.name}"
        if isinstance(value, Result):
            honest(value, place)
            continue
        numbers = elements(value)
        if numbers.dtype.kind != "f":
            continue
        fine = (
            np.broadcast_to(status, numbers.shape) == "ok"
            if status.size in (1, numbers.size)
            else np.full(numbers.shape, (status == "ok").all())
        )
        if field.name not in UNDEFINED:
            assert not np.isnan(numbers[fine]).any(), (place, value, result)
        if field.name not in INFINITE:
            assert not np.isinf(numbers[fine]).any(), (place, value, result)
        words = field.name.split("_")
        if "p" in words or field.name.startswith("against"):
            known = numbers[~np.isnan(numbers)]
            assert ((known > 0) & (known <= 1)).all(), (place, value)


def tried(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """What `function` makes of the arguments; None where it refuses, in one line."""
    message, started = None, time.process_time()
    try:
        result = function(**arguments)
    except Refusal as refusal:
        message = str(refusal)
    finally:
        took = time.process_time() - started
    assert took < SLOWEST, took
    if message is None:
        honest(result)
        return result
    assert message.strip()
    assert "\n" not in message
    return None


NUMBERS: list[Any] = [
    None, float("nan"), float("inf"), -float("inf"), pd.NA, pd.NaT, np.ma.masked, True, "", "4",
    "nonsense", b"4", 0, -1, -5, 1, 2, 3, 4.0, 4.5, 0.3, 95, 1e-320, 5e-324, 1e-200, 1e308, -1e308,
    2**53, 2**63, 2**70, -(2**70), 3_000_000_000, 10**12, 10**30, 1 + 2j, np.float32(4),
    np.int8(4), np.uint64(2**63), np.datetime64("2026-01-01"), decimal.Decimal("4"),
    decimal.Decimal("sNaN"), datetime.date(2026, 1, 1), object(), int, len, np.nextafter(1, 0),
    decimal.Decimal("0.1"), decimal.Decimal("NaN"), decimal.Decimal("Infinity"),
    decimal.Decimal("1e400"), fractions.Fraction(1, 10), fractions.Fraction(4),
    fractions.Fraction(10**400, 3), np.float64(0.1), np.float16(0.1), np.array(0.1), np.array(4),
    np.array(True), np.array(None, dtype=object), np.array("4"), np.bool_(False), 1e-6,
    1e-9, 10**6, " ", "two\nlines", np.str_("exact"), datetime.timedelta(1),
    np.timedelta64(1, "s"), NotImplemented, Ellipsis, ZeroDivisionError("x"), 10**400, 1 - 1e-10,
]  # fmt: skip
LISTS: list[Any] = [
    [], {}, set(), {1, 2}, {"a": 1}, [[]], [[1], [1, 2]], [None, 1], ["1", "2"], [pd.NA, 1, 2],
    [np.nan] * 6, [0.5] * 6, [0, 1, 2, 0, 1, 2], [1e200] * 6, [1e-170] * 6, [-1, 0, 1],
    [1, "1", 1.0], [[1, 2], [3, 4]], np.zeros((0, 3)), np.zeros((6, 0)), np.zeros((6, 3)),
    np.full((6, 3), np.nan), np.ones((2, 6, 3)), np.ones((6, 3)) * np.inf, np.zeros((3, 3)),
    np.array(["a"] * 6), np.array([object()] * 6), np.ones(6, bool), np.ones(6, complex),
    np.arange("2026-01", "2026-07", dtype="datetime64[M]"), range(6), iter([1, 2]), 10**13,
    np.ma.masked_array([0, 1, 0, 1, 0, 1], mask=[False] * 5 + [True]), [3_000_000_000, 4],
    pd.Series([1, 0, None, 1, 0, 1], dtype="Int64"), pd.Series([1, 0, 1]),
    pd.DataFrame({"problem": [1, 2], "steered": [0, 1], "baseline": [1, 1]}),
    TABLE | {"problem": [np.nan, np.nan, 1, 1, 2, 2, 3, 3]}, TABLE | {"problem": [1, "1"] * 4},
    TABLE | {"problem": [None] * 8}, TABLE | {"steered": [1] * 7}, TABLE | {"steered": ["x"] * 8},
    TABLE | {"direction": [{}] * 8}, TABLE | {"baseline": [np.inf] * 8},
    TABLE | {"problem": "abcd"},
    np.full((3, 3), 10**12), np.full((3, 3), 10**7), [400_000, 300_000], 7,
    [0.1, 0.2, 0.30000000000000004],
    [True, 2], [True, False], [True] * 6, [fractions.Fraction(1, 3)] * 6,
    [decimal.Decimal("0.5")] * 6, [[[1]]], [[[]]], [[1, [2]], 3], [0] * 6, [7] * 6, [1.0] * 6,
    np.array([1, None, 0, 1, 0, 1], dtype=object), np.array([[1], [2, 3]], dtype=object),
    np.ma.masked_all(6), np.ma.masked_array([[0.0, 1.0]] * 6, mask=[[True, False]] * 6),
    np.ones((1, 1, 1, 1)), np.arange(6)[::-2], np.ones((6, 3))[:, ::-1], np.zeros(6, np.float16),
    pd.array([True, None, False, True, False, True], dtype="boolean"), pd.Categorical(["a"] * 6),
    pd.Series(["1"] * 6), pd.date_range("2026-01-01", periods=6), memoryview(b"abc"), bytearray(6),
    frozenset({1}), {"problem": [], "steered": [], "baseline": []}, (1, 2, 3), "abc" * 2,
    [430, 450] * 6, [10**8] * 12, [0.1] * 6, list("abcdef"), [object()] * 6, [float("inf")] * 6,
    TABLE | {"baseline": [7] * 8}, TABLE | {"steered": [True, None] * 4}, TABLE | {"steered": 1},
    TABLE | {"problem": [fractions.Fraction(1, 3)] * 8}, TABLE | {"problem": [float("nan")] * 8},
    TABLE | {"problem": [(1, 2)] * 8}, TABLE | {"problem": [pd.NaT] * 8},
    [2**70, 1], np.random.default_rng(1), np.random.RandomState(1), "two-sided", "exact",
]  # fmt: skip
GARBAGE = [*NUMBERS, *LISTS]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_good_arguments_are_answered(name: str) -> None:
    assert tried(FUNCTIONS[name], good(name)) is not None


@pytest.mark.parametrize("name", slow_but(FUNCTIONS, kept=range(0, len(FUNCTIONS), 2)))
def test_one_bad_argument_among_good_ones(name: str) -> None:
    for parameter in inspect.signature(FUNCTIONS[name]).parameters:
        for value in GARBAGE:
            arguments = good(name) | {parameter: value}
            try:
                tried(FUNCTIONS[name], arguments)
            except Exception as error:
                error.add_note(f"{name}({parameter}={value!r})")
                raise


def some(data: st.DataObject, name: str) -> None:
    """`name` with one to all of its arguments drawn."""
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters)
    bad = data.draw(st.lists(st.sampled_from(parameters), min_size=1, unique=True))
    number = st.one_of(
        st.integers(-(2**70), 2**70),
        st.integers(-3, 30),
        st.floats(),
        st.floats(0, 1),
        st.fractions(-2, 2),
        st.decimals(),
        st.booleans(),
        st.none(),
    )
    shape = st.tuples(st.integers(0, 6), st.integers(0, 4))
    array = shape.flatmap(
        lambda size: st.lists(number, min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
            lambda drawn: [drawn[i * size[1] : (i + 1) * size[1]] for i in range(size[0])]
        )
    )
    value = st.one_of(
        st.sampled_from(GARBAGE), number, st.text(max_size=3), st.lists(number), array
    )
    tried(FUNCTIONS[name], good(name) | {key: data.draw(value, label=key) for key in bad})


@pytest.mark.parametrize("name", slow_but(FUNCTIONS, kept=range(1, len(FUNCTIONS), 2)))
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_several_bad_arguments(name: str, data: st.DataObject) -> None:
    some(data, name)


@pytest.mark.trial
@pytest.mark.parametrize("name", FUNCTIONS)
@settings(deadline=None, max_examples=2_000, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_very_many_bad_arguments(name: str, data: st.DataObject) -> None:
    some(data, name)


@pytest.mark.trial
@pytest.mark.parametrize("name", FUNCTIONS)
def test_two_bad_arguments_of_every_kind(name: str) -> None:
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters)
    rng = np.random.default_rng(7)
    for one, other in itertools.combinations(parameters, 2):
        for _ in range(150):
            values = [GARBAGE[at] for at in rng.integers(0, len(GARBAGE), 2)]
            tried(FUNCTIONS[name], good(name) | dict(zip((one, other), values, strict=True)))

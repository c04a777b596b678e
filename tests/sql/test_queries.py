"""Every named query: a few rows in, exact rows out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from analysis import mcnemar, paired_difference
from sql import loader
from sql.errors import UserError
from tests.sql.few_rows import R, W, database, insert, rows

UP = {"up": {"direction": "d", "alpha": 1.0}}
SIGNS = {**UP, "down": {"direction": "d", "alpha": -1.0}}
CONTROLS = {
    **SIGNS,
    "r1": {"direction": "r1", "alpha": -1.0},
    "r2": {"direction": "r2", "alpha": -1.0},
    "r3": {"direction": "r3", "alpha": -1.0},
}
RANDOM = {
    name: {"role": "control", "kind": "random_per_position", "parent_id": "d"}
    for name in ("r1", "r2", "r3")
}
ABC = {"primary": ("random", ["a", "b", "c"])}
FRAGILE_RIGHT = {"correct": True, "fragile": True, "margin": 0.5}

CASES: dict[str, Callable[[], None]] = {}


def case(function):
    CASES[function.__name__] = function
    return function


def _signs(sets=ABC):
    return database(
        {
            "base": {"a": W, "b": R, "c": R},
            "up": {"a": R, "b": R, "c": R},
            "down": {"a": W, "b": W, "c": W},
        },
        conditions=SIGNS,
        sets=sets,
        problems={"a": 1, "b": 2, "c": 2},
    )


def _controls():
    return database(
        {
            "base": {"a": W, "b": R, "c": R},
            "down": {"a": W, "b": W, "c": W},
            "r1": {"a": W, "b": W, "c": R},
            "r2": {"a": W, "b": W, "c": R},
            "r3": {"a": R, "b": W, "c": R},
        },
        conditions=CONTROLS,
        directions=RANDOM,
        sets=ABC,
    )


@case
def mcnemar_by_alpha():
    columns = "direction, alpha, seed, n_pairs, gained, lost, estimate, selected_on_outcome"
    assert rows(_signs(), "mcnemar_by_alpha", columns) == [
        ("d", -1.0, 0, 3, 0, 2, -2 / 3, False),
        ("d", 1.0, 0, 3, 1, 0, 1 / 3, False),
    ]
    found = rows(_signs(), "mcnemar_by_alpha", "low, high, p, p_exact")[0]
    interval = paired_difference(0, 2, 3)
    exact = mcnemar(0, 2, method="exact").p
    assert found == pytest.approx((interval.low, interval.high, mcnemar(0, 2).p, exact), abs=1e-9)
    assert rows(_signs(), "mcnemar_by_alpha", "alpha", set_name="none") == []
    assert rows(_signs(), "mcnemar_by_alpha", "alpha", set_name=None, direction="d") == [
        (-1.0,),
        (1.0,),
    ]


def stopped(connection, *, condition_id, **of_result):
    """The database with a sequential plan that ended a condition."""
    contrast = {
        "set_name": "primary",
        "direction": "d",
        "alpha": -1.0,
        "condition_id": condition_id,
    }
    parameters = {"level": 0.05, "estimand": "readable right answer"}
    row: dict[str, Any] = {
        "analysis_id": "stop",
        "name": "push at alpha -1",
        "contrast": json.dumps(contrast),
    }
    row |= {"estimate": 0.0, "status": "decided", "n": 3, "p": 0.5, "family_size": 2}
    insert(connection, "results", [row | of_result])
    analysis = {"analysis_id": "stop", "method": "sequential stop", "plan_id": "plan"}
    insert(connection, "analyses", [analysis | {"parameters": json.dumps(parameters)}])
    return connection


def test_what_a_plan_ended_has_no_p_for_a_fixed_number_of_problems():
    c = stopped(_signs(), condition_id="down")
    columns = "alpha, low, high, p, p_exact, stop, p_anytime"
    down, up = rows(c, "mcnemar_by_alpha", columns)
    # 1/e of 0 gained and 2 lost is 3/4, but it was 1/2 when the plan ended it.
    assert down == (-1.0, None, None, None, None, "decided", 0.5)
    assert None not in up[:5]
    assert up[5:] == (None, None)
    columns = "alpha, level, low, p, stop, p_anytime"
    assert rows(c, "effect_by_difficulty", columns, alpha=-1.0) == [
        (-1.0, "1", None, None, "decided", 1.0),
        (-1.0, "2", None, None, "decided", pytest.approx(0.75)),
    ]
    assert [row[0] for row in rows(c, "effect_by_difficulty", "stop", alpha=1.0)] == [None, None]
    found = dict(rows(c, "fragile_decisions", "alpha, p"))
    assert found == {-1.0: pytest.approx(0.75), 1.0: pytest.approx(0.5)}


def test_a_shift_that_a_plan_ended_has_the_p_that_holds_at_any_look():
    def at(*values):
        return {p: {"gold_logprob": v} for p, v in zip("abc", values, strict=True)}

    c = database({"base": at(-1, -1, -1), "down": at(-3, -3, -2)}, conditions=SIGNS, sets=ABC)
    columns = "n_up, n_down, p, stop, p_anytime"
    assert rows(c, "gold_logprob_shift", columns) == [(0, 3, pytest.approx(0.25), None, None)]
    (found,) = rows(stopped(c, condition_id="down"), "gold_logprob_shift", columns)
    assert found == (0, 3, None, "decided", pytest.approx(0.5))


@case
def candidate_against_controls():
    columns = (
        "direction, alpha, estimate, k, control_min, control_median, control_max, rank_p_lower, "
        "rank_p_upper"
    )
    assert rows(_controls(), "candidate_against_controls", columns) == [
        ("d", -1.0, -2 / 3, 3, -1 / 3, -1 / 3, 0.0, 0.25, 1.0)
    ]


@case
def candidate_outcomes():
    found = rows(_controls(), "candidate_outcomes", "direction, alpha, problem_id, correct")
    assert found == [("d", -1.0, p, W) for p in "abc"]


@case
def direction_outcomes():
    steered = {"a": R, "b": "truncated", "c": "error", "z": W}
    c = database(
        {"base": {"a": R, "b": W, "c": R, "z": "parse_fail"}, "up": steered, ("up", 1): {"a": W}},
        conditions=UP,
        sets=ABC | {"other": ("random", ["a"])},
    )
    number = c.execute(
        "SELECT condition_no FROM condition_keys WHERE condition_id = 'up'"
    ).fetchone()
    columns = "condition_no, set_name, n_seeds, accuracy, low, high, baseline"
    assert rows(c, "direction_outcomes", columns) == [
        (*number, "other", 2, 0.5, 0.5, 0.5, 1.0),
        (*number, "primary", 2, 0.5, 0.5, 0.5, 1.0),
        (*number, "primary", 1, 0.0, 0.0, 1.0, 0.0),
        (*number, "primary", 1, None, 0.0, 1.0, 1.0),
        (*number, None, 1, 0.0, 0.0, 0.0, 0.0),
    ]
    digests = rows(c, "direction_outcomes", "n_seeds, seeds")
    assert len({seeds for n, seeds in digests if n == 1}) == 1
    assert len(set(digests)) == 2


@case
def flips_under_every_control():
    columns = "problem_id, n_controls, gained, lost"
    query = "flips_under_every_control"
    assert rows(_controls(), query, columns, alpha=-1.0) == [("b", 3, 0, 3)]
    assert rows(_controls(), query, columns, alpha=-1.0, least=4) == []
    assert rows(_controls(), query, columns) == []


@case
def never_right():
    c = database(
        {"base": {"a": W, "b": W, "c": "error"}, "up": {"a": W, "b": R, "c": "truncated"}},
        conditions=UP,
        sets=ABC,
        problems={"a": 2, "b": 2, "c": 1},
    )
    found = rows(c, "never_right", "problem_id, n_steps, n_conditions")
    assert found == [("c", 1, 1), ("a", 2, 2)]


def _with_norms(correct, *norms):
    return {"correct": correct, "norm_before": [1.0, 1.0], "norm_after": list(norms)}


@case
def norms_before_accuracy():
    far = {"far": {"direction": "d", "alpha": 2.0}}
    c = database(
        {
            "base": {"a": _with_norms(R, 1.0, 1.0)},
            "up": {"a": _with_norms(R, 2.5, 1.0)},
            "far": {"a": _with_norms(W, 5.0, 1.5)},
        },
        conditions={**UP, **far},
        sets={"primary": ("random", ["a"])},
    )
    columns = "direction, position, alpha_norm, alpha_accuracy, norm_first"
    assert rows(c, "norms_before_accuracy", columns) == [
        ("d", 0, 1.0, 2.0, True),
        ("d", 1, None, 2.0, False),
    ]


@case
def fragile_outcomes():
    c = database(
        {"base": {"a": W, "b": R, "c": R}, "up": {"a": FRAGILE_RIGHT, "b": FRAGILE_RIGHT, "c": W}},
        conditions=UP,
    )
    columns = "problem_id, margin, fragile, baseline_fragile, gained, lost"
    assert rows(c, "fragile_outcomes", columns) == [
        ("a", 0.5, True, False, True, False),
        ("b", 0.5, True, False, False, False),
    ]
    assert rows(c, "fragile_outcomes", "problem_id", changed=True) == [("a",)]


@case
def fragile_decisions():
    names = [f"p{i}" for i in range(6)]
    c = database(
        {
            "base": dict.fromkeys(names, W),
            "up": {name: FRAGILE_RIGHT if i < 2 else R for i, name in enumerate(names)},
        },
        conditions=UP,
        sets={"primary": ("random", names)},
    )
    columns = "gained, lost, fragile_gained, fragile_lost, p, p_without, p_worst, decision_changes"
    assert rows(c, "fragile_decisions", columns) == [
        (6, 0, 2, 0, pytest.approx(2**-6), pytest.approx(2**-4), pytest.approx(2**-4), True)
    ]


@case
def missing_by_condition():
    c = database(
        {
            "base": {"a": R, "b": R, "c": "truncated", "d": R, "e": "error"},
            "up": {"a": "parse_fail", "b": "truncated", "c": R, "d": "error", "e": R},
            "down": dict.fromkeys("abd", R),
        },
        conditions=SIGNS,
    )
    columns = (
        "alpha, n, parse_fail, truncated, error, n_unreadable, baseline_unreadable, n_missing, "
        "baseline_missing, became_unreadable, became_readable, p"
    )
    assert rows(c, "missing_by_condition", columns) == [
        (1.0, 5, 1, 1, 1, 2, 1, 1, 1, 2, 1, pytest.approx(mcnemar(2, 1).p, abs=1e-9))
    ]


@case
def signed_effect():
    columns = "direction, alpha, up, down, signed, damage"
    assert rows(_signs(), "signed_effect", columns) == [
        ("d", 1.0, 1 / 3, -2 / 3, 0.5, pytest.approx(-1 / 6))
    ]


def _two_ways(up, down, directions=None):
    """A dose with one sign, and another one; what is different between them is given."""
    return database(
        {"base": {"a": W}, "base_report": {"a": W}, "up": {"a": R}, "down": {"a": W}},
        conditions={
            "base_report": {"protocol": "report"},
            "up": {"direction": "d", "alpha": 1.0, **up},
            "down": {"direction": "d", "alpha": -1.0, **down},
        },
        directions=directions,
        sets={"primary": ("random", ["a"])},
    )


@pytest.mark.parametrize(
    "other",
    [
        {"direction": "e"},
        {"protocol": "report"},
        {"site": "residual:5"},
        {"schedule": "first"},
        {"operator": "project_out"},
        {"effect": "direct"},
        {"alpha": -2.0},
    ],
)
def test_a_signed_effect_is_of_one_direction_and_one_way_of_applying_it(other):
    assert rows(_two_ways({}, other), "signed_effect") == []
    # A way that is not said is one way, and none that is said.
    (name,) = other
    if name in {"site", "schedule", "operator", "effect"}:
        unsaid = {name: None}
        assert rows(_two_ways(unsaid, unsaid), "signed_effect", "up, down") == [(1.0, 0.0)]
        assert rows(_two_ways(unsaid, {}), "signed_effect") == []


def test_a_signed_effect_is_of_one_set():
    c = _two_ways({}, {})
    assert rows(c, "signed_effect", "up", set_name="other") == []


@case
def effect_by_difficulty():
    columns = "alpha, level, n_pairs, gained, lost, estimate, p"
    assert rows(_signs(), "effect_by_difficulty", columns) == [
        (-1.0, "1", 1, 0, 0, 0.0, 1.0),
        (-1.0, "2", 2, 0, 2, -1.0, pytest.approx(0.25)),
        (1.0, "1", 1, 1, 0, 1.0, pytest.approx(0.5)),
        (1.0, "2", 2, 0, 0, 0.0, 1.0),
    ]
    assert rows(_signs(), "effect_by_difficulty", "level", alpha=1.0) == [("1",), ("2",)]


@case
def seed_disagreement():
    c = database(
        {
            "base": {"a": R},
            ("up", 0): {"a": R, "b": R, "c": R},
            ("up", 1): {"a": W, "b": R, "c": "error"},
        },
        conditions=UP,
    )
    found = rows(c, "seed_disagreement", "condition_id, n_problems, n_disagree, share")
    assert found == [("up", 2, 1, 0.5)]


@case
def shared_losses():
    columns = "direction, control, n, lost, control_lost, lost_by_both, jaccard"
    assert rows(_controls(), "shared_losses", columns, alpha=-1.0) == [
        ("d", "r1", 3, 2, 1, 1, 0.5),
        ("d", "r2", 3, 2, 1, 1, 0.5),
        ("d", "r3", 3, 2, 1, 1, 0.5),
    ]


@case
def problem_history():
    columns = "problem_id, gold, direction, alpha, status, correct"
    expected = [
        ("a", "1", None, 0.0, "ok", W),
        ("a", "1", "d", -1.0, "ok", W),
        ("a", "1", "d", 1.0, "ok", R),
    ]
    assert rows(_signs(), "problem_history", columns, problem="a") == expected
    assert rows(_signs(), "problem_history", columns, problem="question a") == expected
    with pytest.raises(UserError, match=r"needs problem .*-p problem=…"):
        rows(_signs(), "problem_history", columns)


@case
def coverage():
    c = database(
        {"base": {"a": R, "b": R, "c": R}, "up": {"a": R, "b": "truncated"}},
        conditions=UP,
        sets=ABC,
    )
    found = rows(c, "coverage", "set_name, direction, alpha, n, n_set, n_lacking")
    assert found == [("primary", "d", 1.0, 2, 3, 1)]


@case
def direction_cosines():
    c = database({}, directions={"d": {}, "e": {}, "r": {"role": "control"}})
    for name, vectors in {"d": [[1, 0], [0, 1]], "e": [[1, 0], [0, -2]], "r": [[1, 1]]}.items():
        insert(
            c,
            "direction_vectors",
            [{"direction_id": name, "position": t, "values": v} for t, v in enumerate(vectors)],
        )
    expected = (1 - 2) / (math.sqrt(2) * math.sqrt(5))
    columns = "direction, other, n_positions, cosine"
    assert rows(c, "direction_cosines", columns) == [("d", "e", 2, pytest.approx(expected))]
    assert len(rows(c, "direction_cosines", columns, role=None)) == 3


@case
def frequent_answers():
    answers = {
        "a": {"answer": "1", "correct": True},
        "b": {"answer": "2", "correct": False},
        "c": {"answer": "2", "correct": False},
        "d": "truncated",
    }
    c = database({"up": answers}, conditions=UP)
    columns = "direction, answer, n, n_correct, share"
    assert rows(c, "frequent_answers", columns) == [
        ("d", "2", 2, 0, 2 / 3),
        ("d", "1", 1, 1, 1 / 3),
    ]
    assert rows(c, "frequent_answers", "answer", most=1) == [("2",)]


@case
def gold_logprob_shift():
    def at(*values):
        return {p: {"gold_logprob": v} for p, v in zip("abc", values, strict=True)}

    c = database({"base": at(-1, -1, None), "up": at(-0.5, -3, -1)}, conditions=UP, sets=ABC)
    columns = "direction, seed, n, median_shift, n_up, n_down, p"
    assert rows(c, "gold_logprob_shift", columns) == [("d", 0, 2, -0.75, 1, 1, 1.0)]


@case
def stored_results():
    shared = {"analysis_id": "x", "quantity": "effect", "stamp": "exploratory"}
    results = [
        {**shared, "name": "b", "p": 0.01, "p_adjusted": 0.2},
        {**shared, "name": "a", "p": 0.02, "p_adjusted": 0.1},
        {**shared, "name": "c", "estimate": 0.5, "stamp": "confirmatory"},
    ]
    c = database({}, results=results)
    assert rows(c, "stored_results", "name, p") == [("a", 0.02), ("b", 0.01), ("c", None)]
    assert rows(c, "stored_results", "name", stamp="confirmatory") == [("c",)]


@pytest.mark.parametrize("name", sorted(loader.queries()))
def test_query_returns_exact_rows(name):
    assert name in CASES, f"queries/{name}.sql has no test here"
    CASES[name]()


def test_there_are_at_least_a_dozen_queries():
    assert len(loader.queries()) >= 14
    assert not set(loader.queries()) & set(loader.scripts("views"))

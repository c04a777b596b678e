"""The views on a few rows: baseline matching, missing outcomes, several sets and seeds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from store import identity
from tests.sql.few_rows import STEERED, R, W, database, insert, rows

UP = {"up": {"direction": "d", "alpha": 1.0}}


def test_a_pair_is_gained_lost_or_unknown():
    c = database(
        {
            "base": {"a": W, "b": R, "c": R, "d": "truncated", "e": W, "g": R},
            "up": {"a": R, "b": W, "c": R, "d": R, "e": "parse_fail", "f": R, "g": "error"},
        },
        conditions=UP,
        problems={**dict.fromkeys("abcdeg", 2), "f": None},
    )
    assert rows(
        c,
        "SELECT * FROM paired_outcomes ORDER BY problem_id",
        "problem_id, n_steps, correct, baseline_correct, gained, lost, status, baseline_status",
    ) == [
        ("a", 2, R, W, True, False, "ok", "ok"),
        ("b", 2, W, R, False, True, "ok", "ok"),
        ("c", 2, R, R, False, False, "ok", "ok"),
        ("d", 2, R, None, True, False, "ok", "truncated"),
        ("e", 2, None, W, False, False, "parse_fail", "ok"),
        ("f", None, R, None, None, None, "ok", None),
        ("g", 2, None, R, None, None, "error", "ok"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": "report"},
        {"protocol_fields": '{"n_latent":5}'},
        {"decoding": '{"mode":"sample"}'},
        {"dtype": "bfloat16"},
        {"model_id": "m2"},
    ],
)
def test_a_baseline_of_another_setting_is_no_baseline(other):
    c = database({"base": {"a": W}, "up": {"a": R}}, conditions={**UP, "base": other})
    assert rows(c, "paired_outcomes", "baseline_correct, gained") == [(None, None)]


def test_each_setting_has_its_own_baseline():
    c = database(
        {"base": {"a": W}, "base2": {"a": R}, "up": {"a": R}, "up2": {"a": W}},
        conditions={
            **UP,
            "base2": {"protocol": "report"},
            "up2": {"protocol": "report", "direction": "d", "alpha": 1.0},
        },
    )
    assert rows(
        c, "SELECT * FROM paired_outcomes ORDER BY condition_id", "condition_id, gained, lost"
    ) == [("up", True, False), ("up2", False, True)]


def test_a_direction_at_alpha_zero_is_no_baseline():
    c = database(
        {"zero": {"a": W}, "up": {"a": R}},
        conditions={**UP, "zero": {"direction": "d", "alpha": 0.0, "operator": "project_out"}},
    )
    assert rows(c, "paired_outcomes", "condition_id, baseline_correct") == [
        ("zero", None),
        ("up", None),
    ]


def test_the_same_seed_is_paired_else_seed_zero():
    c = database(
        {
            ("base", 0): {"a": W, "b": W},
            ("base", 1): {"a": R},
            ("up", 0): {"a": R, "b": R},
            ("up", 1): {"a": R, "b": R},
        },
        conditions=UP,
    )
    found = rows(
        c,
        "SELECT * FROM paired_outcomes ORDER BY problem_id, seed",
        "problem_id, seed, baseline_correct, gained",
    )
    assert found == [
        ("a", 0, W, True),
        ("a", 1, R, False),
        ("b", 0, W, True),
        ("b", 1, W, True),
    ]


def test_a_missing_baseline_of_the_same_seed_is_not_replaced_by_seed_zero():
    c = database(
        {("base", 0): {"a": W}, ("base", 1): {"a": "error"}, ("up", 1): {"a": R}},
        conditions=UP,
    )
    assert rows(c, "paired_outcomes", "seed, gained, baseline_status") == [(1, None, "error")]


SETS = {
    "primary": ("random", ["a", "b", "c"]),
    "balanced": ("balanced_on_baseline", ["b", "c", "d"]),
}


def _two_sets():
    return database(
        {
            "base": {"a": W, "b": R, "c": R, "d": "error"},
            "up": {"a": R, "b": W, "c": "error", "d": R},
        },
        conditions=UP,
        sets=SETS,
        problems={"a": 1, "b": 2, "c": 2, "d": 2},
    )


def test_accuracy_counts_a_problem_in_each_of_its_sets():
    columns = (
        "set_name, direction, alpha, n, n_correct, n_missing, accuracy, n_pairs, gained, lost, "
        "baseline_n_correct, selection, selected_on_outcome"
    )
    assert rows(_two_sets(), "accuracy_by_alpha", columns) == [
        ("balanced", None, 0.0, 3, 2, 1, 1.0, 2, 0, 0, 2, "balanced_on_baseline", True),
        ("balanced", "d", 1.0, 3, 1, 1, 0.5, 1, 0, 1, 1, "balanced_on_baseline", True),
        ("primary", None, 0.0, 3, 2, 0, 2 / 3, 3, 0, 0, 2, "random", False),
        ("primary", "d", 1.0, 3, 1, 1, 0.5, 2, 1, 1, 1, "random", False),
    ]


def test_transitions_add_up_and_keep_the_missing():
    columns = "set_name, n, stayed_right, gained, lost, stayed_wrong, missing"
    assert rows(_two_sets(), "transitions", columns) == [
        ("balanced", 3, 0, 0, 1, 0, 2),
        ("primary", 3, 0, 1, 1, 0, 1),
    ]


def test_strata_have_the_number_of_steps_and_every_scheme():
    c = _two_sets()
    c.execute("INSERT INTO strata VALUES ('size', 'a', 'big', 'me', NULL, 1)")
    columns = "set_name, scheme, level, n, n_pairs, gained, lost, baseline_n_correct"
    query = "SELECT * FROM accuracy_by_stratum WHERE direction = 'd'"
    assert rows(c, query, columns) == [
        ("balanced", "n_steps", "2", 3, 1, 0, 1, 1),
        ("primary", "n_steps", "1", 1, 1, 1, 0, 0),
        ("primary", "n_steps", "2", 2, 1, 0, 1, 1),
        ("primary", "size", "big", 1, 1, 1, 0, 0),
    ]


def test_strata_cut_from_the_tested_baseline_are_stamped():
    c = _two_sets()
    c.execute("INSERT INTO strata VALUES ('cut', 'a', 'wrong', 'baseline', 'run', 1)")
    c.execute("INSERT INTO strata VALUES ('other', 'a', 'x', 'another run', 'run2', 1)")
    query = "SELECT DISTINCT scheme, cut_from_baseline FROM accuracy_by_stratum ORDER BY scheme"
    assert rows(c, query) == [("cut", True), ("n_steps", False), ("other", False)]


def test_seeds_are_kept_apart_in_discordant_and_pooled_in_accuracy():
    c = database(
        {"base": {"a": W}, ("up", 0): {"a": R}, ("up", 1): {"a": W}},
        conditions=UP,
        sets={"s": ("random", ["a"])},
    )
    steered = "SELECT * FROM {} WHERE direction IS NOT NULL"
    assert rows(c, steered.format("discordant"), "seed, n_pairs, gained") == [(0, 1, 1), (1, 1, 0)]
    found = rows(c, steered.format("accuracy_by_alpha"), "n_seeds, n, n_pairs, gained, accuracy")
    assert found == [(2, 2, 2, 1, 0.5)]


def test_a_problem_of_no_set_has_no_set_name():
    c = database({"base": {"a": W}, "up": {"a": R}}, conditions=UP)
    assert rows(c, "transitions", "set_name, gained, selected_on_outcome") == [(None, 1, False)]


def test_control_effects_stand_beside_their_candidate():
    control = {"role": "control", "kind": "random_per_position", "parent_id": "d"}
    c = database(
        {
            "base": {"a": W, "b": R},
            "up": {"a": R, "b": R},
            "random": {"a": W, "b": W},
            "random_far": {"a": W, "b": W},
        },
        conditions={
            **UP,
            "random": {"direction": "r", "alpha": 1.0},
            "random_far": {"direction": "r", "alpha": 2.0},
        },
        directions={"r": control},
        sets={"s": ("random", ["a", "b"])},
    )
    columns = "direction, alpha, estimate, candidate, candidate_estimate, candidate_gained"
    assert rows(c, "control_effects", columns) == [
        ("r", 1.0, -0.5, "d", 0.5, 1),
        ("r", 2.0, -0.5, "d", None, None),
    ]


def test_two_baselines_of_one_setting_do_not_double_the_pairs():
    c = database(
        {"base": {"a": W}, "up": {"a": R}},
        conditions={**UP, "a_base_without_outcomes": {}},
    )
    c.execute("DELETE FROM condition_keys WHERE condition_id = 'a_base_without_outcomes'")
    assert rows(c, "paired_outcomes", "condition_id, gained") == [("up", True)]


def test_norms_are_one_row_per_position_and_unfinite_ones_are_counted():
    lists = ("norm_before", "norm_after", "norm_fed")
    infinite = float("inf")
    c = database(
        {
            "base": {"a": {key: [1.0, 2.0] for key in lists}},
            "up": {
                "a": {**{key: [3.0, infinite] for key in lists}, "cosine": [0.5, 0.25]},
                "b": {**{key: [5.0, 8.0] for key in lists}, "cosine": [0.25, 0.25]},
            },
        },
        conditions=UP,
    )
    assert rows(c, "latent_norms", "condition_id, problem_id, position, norm_after, cosine") == [
        ("base", "a", 0, 1.0, None),
        ("base", "a", 1, 2.0, None),
        ("up", "a", 0, 3.0, 0.5),
        ("up", "a", 1, infinite, 0.25),
        ("up", "b", 0, 5.0, 0.25),
        ("up", "b", 1, 8.0, 0.25),
    ]
    columns = "direction, position, n, n_not_finite, mean_after, median_after, mean_cosine"
    assert rows(c, "norms_by_position", columns) == [
        (None, 0, 1, 0, 1.0, 1.0, None),
        (None, 1, 1, 0, 2.0, 2.0, None),
        ("d", 0, 2, 0, 4.0, 4.0, 0.375),
        ("d", 1, 2, 1, 8.0, 8.0, 0.25),
    ]


def test_runs_and_directions_say_what_they_left():
    c = database(
        {
            "base": {"a": W, "b": "truncated", "c": "error", "d": "parse_fail"},
            "up": {"a": {"correct": True, "fragile": True}},
        },
        conditions=UP,
        directions={"r": {"role": "control", "parent_id": "d"}},
        runs=[
            {"run_id": "run", "created_at": "2026-01-01", "finished_at": "2026-01-01 00:00:02"},
            {"run_id": "empty", "created_at": "2026-01-02"},
        ],
    )
    columns = (
        "run_id, seconds, models, n_outcomes, n_conditions, n_problems, n_unreadable, n_missing, "
        "n_fragile"
    )
    assert rows(c, "runs_overview", columns) == [
        ("run", 2.0, ["model"], 5, 2, 4, 2, 1, 1),
        ("empty", None, None, 0, 0, 0, 0, 0, 0),
    ]
    assert rows(c, "directions_overview", "name, parent, n_conditions, alphas") == [
        ("d", None, 1, [1.0]),
        ("r", "d", 0, None),
    ]


def test_classes_hold_problems_of_the_same_sets_and_strata():
    c = database(
        {"base": dict.fromkeys("abcd", W)},
        problems={"a": 1, "b": 1, "c": 2, "d": 1},
        sets={"s": ("random", ["a", "b", "c"])},
    )
    found = rows(c, "SELECT * FROM problem_classes ORDER BY problem_no")
    assert found == [(1, 1), (2, 1), (3, 3), (4, 4)]


def test_ways_of_applying_a_direction_stay_apart():
    ways = {
        "once": {"direction": "d", "alpha": 1.0, "schedule": "first"},
        "all": {"direction": "d", "alpha": 1.0},
    }
    c = database({"base": {"a": W}, "once": {"a": R}, "all": {"a": W}}, conditions=ways)
    found = rows(c, "SELECT * FROM transitions ORDER BY schedule", "schedule, gained")
    assert found == [("first", 1), (STEERED["schedule"], 0)]


def _ended(records: list[dict[str, Any]], **named: Any) -> Any:
    """Two directions at one dose on three of four problems, and what plans recorded of them."""
    outcomes = {name: {"a": R, "b": W, "c": W} for name in ("base", "up", "other", "down")}
    conditions = {
        "up": {"direction": "d", "alpha": 1.0},
        "other": {"direction": "d", "alpha": 1.0, "protocol": "report"},
        "down": {"direction": "d", "alpha": -1.0},
    }
    c = database(
        outcomes, conditions=conditions, sets={"primary": ("random", list("abcd"))}, **named
    )
    for number, record in enumerate(records):
        known = {"condition_id": "up", "direction": "d", "alpha": 1.0, "set_name": "primary"}
        contrast = {name: record.pop(name, value) for name, value in known.items()}
        parameters = {"level": 0.025, "estimand": record.pop("estimand", "readable right answer")}
        row = {"status": "decided", "n": 3, "estimate": 0.25, "p": 0.01, "family_size": 2}
        row |= {"analysis_id": f"s{number}", "name": "push", "contrast": json.dumps(contrast)}
        insert(c, "results", [row | record])
        analysis = {"analysis_id": f"s{number}", "method": "sequential stop", "plan_id": "plan"}
        insert(c, "analyses", [analysis | {"parameters": json.dumps(parameters)}])
    return c


def test_a_recorded_stop_names_its_condition_its_reason_and_its_family() -> None:
    (found,) = rows(_ended([{"gained": 0, "lost": 2}]), "stops")
    assert found == (
        "up", "primary", "d", 1.0, "push", "decided", 3, 4, 0, 2, 0.01, 2, 0.025, "plan",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("records", "stop", "n"),
    [
        # What was decided stays so, at its first decision.
        ([("decided", 20), ("decided", 40), ("continue", 40)], "decided", 20),
        ([("futile", 10), ("decided", 40)], "decided", 40),
        # Futility does not bind: whoever went on ran to the end.
        ([("futile", 10), ("continue", 40)], "ran to the end", 40),
        ([("futile", 30), ("futile", 10)], "futile", 30),
    ],
)
def test_of_several_stops_the_first_decision_counts_else_the_last_end(records, stop, n) -> None:
    c = _ended(
        [{"status": status, "n": count, "estimate": 1 - count / 40} for status, count in records]
    )
    assert rows(c, "stops", "stop, n, planned_n") == [(stop, n, 40)]


FROZEN, LATER = datetime(2026, 1, 2), datetime(2026, 1, 3)


def _planned(*, problems: str = "abc", seen: datetime = LATER, **changed: Any) -> Any:
    """The conditions of `_ended` on a whole set, steered after a plan that names one was frozen."""
    runs = [{"run_id": "run", "created_at": seen}]
    c = _ended([], runs=runs)
    c.execute("DELETE FROM problem_sets")
    insert(c, "problem_sets", [{"set_name": "primary", "problem_id": one} for one in problems])
    superseded = changed.pop("superseded", None)
    insert(c, "plans", [{"plan_id": "plan", "frozen_at": FROZEN, "superseded": superseded}])
    known = {"direction": "d", "alpha": 1.0, "set_name": "primary", "protocol": "codi"}
    row = {"analysis_id": "p", "name": "push", "n": 3, "family_size": 7}
    insert(c, "results", [row | {"contrast": json.dumps(known | changed)}])
    analysis = {"analysis_id": "p", "method": "sequential plan", "plan_id": "plan"}
    insert(c, "analyses", [analysis | {"parameters": '{"level":0.01}'}])
    return c


def test_what_a_sequential_plan_names_has_its_test_where_no_end_was_recorded() -> None:
    assert rows(_planned(), "stops") == [
        ("up", "primary", "d", 1.0, "push", "no end recorded", 3, 3, None, None, None, 7, 0.01,
         "plan"),
    ]  # fmt: skip
    by_alpha = {
        (row[0], row[1]): row[2:]
        for row in rows(_planned(), "mcnemar_by_alpha", "protocol, alpha, p, stop, p_anytime")
    }
    assert by_alpha["codi", 1.0] == (None, "no end recorded", 1.0)
    assert by_alpha["codi", -1.0] == (1.0, None, None)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"protocol": ""}, ["other", "up"]),
        ({"protocol": "report"}, ["other"]),
        ({"alpha": 1.0 + 1e-12}, ["up"]),
        ({"alpha": 1.1}, []),
        ({"alpha": -1.0}, ["down"]),
        ({"direction": "e"}, []),
        ({"set_name": "small"}, []),
        # A part of the set that no end was recorded of is no result yet.
        ({"problems": "abcd"}, []),
        # The direction was steered with before the plan: its outcomes are not of this plan.
        ({"seen": datetime(2026, 1, 1)}, []),
        ({"seen": FROZEN}, ["up"]),
        ({"superseded": "another"}, []),
    ],
)
def test_each_condition_of_a_planned_test_without_an_end(changed, expected) -> None:
    assert [row[0] for row in rows(_planned(**changed), "stops", "condition_id")] == expected


@pytest.mark.parametrize(
    ("alpha", "stop"), [(1.0, "no end recorded"), (-1.0, "no end recorded"), (2.0, None)]
)
def test_a_signed_effect_says_where_a_plan_ended_either_dose(alpha, stop) -> None:
    found = rows(_planned(alpha=alpha), "signed_effect", "direction, protocol, stop")
    assert found == [("d", "codi", stop)]


def test_a_recorded_end_comes_before_none() -> None:
    c = _planned()
    contrast = {"condition_id": "up", "direction": "d", "alpha": 1.0, "set_name": "primary"}
    row = {"analysis_id": "s", "name": "push", "status": "futile", "n": 2, "estimate": 0.5}
    insert(c, "results", [row | {"contrast": json.dumps(contrast)}])
    insert(c, "analyses", [{"analysis_id": "s", "method": "sequential stop", "parameters": "{}"}])
    assert rows(c, "stops", "condition_id, stop") == [("up", "futile")]


def test_another_result_is_no_stop_and_another_set_another_row() -> None:
    c = _ended([{}, {"set_name": "small"}])
    insert(c, "results", [{"analysis_id": "x", "name": "push", "contrast": "{}"}])
    insert(c, "analyses", [{"analysis_id": "x", "method": "paired effects"}])
    assert rows(c, "stops", "set_name") == [("primary",), ("small",)]


def test_a_stop_of_an_earlier_version_is_found_by_names_among_the_runs_of_its_plan() -> None:
    runs = [{"run_id": "run", "plan_id": "plan"}]
    c = _ended([{"condition_id": None, "estimand": None}], runs=runs)
    # Its p counted unreadable answers out, and does not count.
    assert rows(c, "SELECT * FROM stops ORDER BY 1", "condition_id, stop, p_anytime") == [
        ("other", "decided", None),
        ("up", "decided", None),
    ]
    elsewhere = [{"run_id": "run", "plan_id": "another"}]
    assert rows(_ended([{"condition_id": None}], runs=elsewhere), "stops") == []


def test_directions_of_one_name_are_curves_of_their_own():
    c = database(
        {"base": {"a": W, "b": R}, "x": {"a": R, "b": R}, "y": {"a": W, "b": W}, "z": {"a": W}},
        conditions={
            "x": {"direction": "first000-x", "alpha": 1.0},
            "y": {"direction": "second00-y", "alpha": 1.0},
            "z": {"direction": "alone", "alpha": 1.0},
        },
        directions={"alone": {"role": "control", "parent_id": "second00-y"}},
    )
    c.execute("UPDATE directions SET name = 'd' WHERE direction_id <> 'alone'")
    names = [("alone",), ("d (first000)",), ("d (second00)",)]
    assert rows(c, "SELECT name FROM named_directions ORDER BY name") == names
    curves = "SELECT * FROM accuracy_by_alpha WHERE direction IS NOT NULL ORDER BY direction"
    assert rows(c, curves, "direction, gained, lost") == [
        ("alone", 0, 0),
        ("d (first000)", 1, 0),
        ("d (second00)", 0, 1),
    ]
    assert rows(c, "control_effects", "direction, candidate") == [("alone", "d (second00)")]
    overview = rows(c, "SELECT * FROM directions_overview ORDER BY name", "name, parent")
    assert overview == [("alone", "d (second00)"), ("d (first000)", None), ("d (second00)", None)]


def test_doses_that_are_one_but_for_rounding_are_joined():
    steered = {"direction": "d", "site": "latent"}
    c = database(
        {
            "base": {"a": W},
            "one": {"a": R, "b": W},
            "two": {"a": W, "c": R},
            "up": {"a": R},
        },
        conditions={
            "one": {**steered, "alpha": 0.3},
            "two": {**steered, "alpha": 0.1 + 0.2},
            "up": {**steered, "alpha": 0.31},
        },
    )
    assert rows(
        c,
        "SELECT * FROM condition_doses ORDER BY condition_id",
        "condition_id, dose, joined_id, n_alike",
    ) == [
        ("base", 0.0, "base", 1),
        ("one", 0.3, "one", 2),
        ("two", 0.3, "one", 2),
        ("up", 0.31, "up", 1),
    ]
    assert rows(
        c,
        "SELECT * FROM outcomes_by_dose ORDER BY joined_id, problem_id",
        "joined_id, problem_id, condition_id, correct, n_copies, differs",
    ) == [
        ("base", "a", "base", W, 1, False),
        ("one", "a", "one", R, 2, True),
        ("one", "b", "one", W, 1, False),
        ("one", "c", "two", R, 1, False),
        ("up", "a", "up", R, 1, False),
    ]


@pytest.mark.parametrize("alpha", [0.1 + 0.2, -0.0, 1 / 3, 1e-13 / 7, 12345678.9012345, 1e300])
def test_a_dose_in_sql_is_that_of_an_id(alpha):
    [(found,)] = database({}).execute("SELECT dose($a::DOUBLE)", {"a": alpha}).fetchall()
    assert repr(found) == repr(identity.dose(alpha))

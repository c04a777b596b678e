"""Cases in which one condition of a view or of a named query decides alone."""

from __future__ import annotations

import pytest

from tests.sql.few_rows import R, W, database, insert, rows

CONTROL = {"role": "control", "kind": "random_per_position", "parent_id": "d"}
PRIMARY = {"primary": ("random", ["a", "b"])}
# A control belongs to a candidate's row only if it was run in the same way; each differs in one.
OTHER_WAYS = {
    "site": "residual:5",
    "schedule": "first",
    "operator": "project_out",
    "effect": "direct",
    "protocol": "report",
}


def _control_beside(control=None, candidate=None, parent="d"):
    """A candidate that loses both problems, and a control that loses one."""
    return database(
        {
            "base": {"a": R, "b": R},
            "base_report": {"a": R, "b": R},
            "down": {"a": W, "b": W},
            "r": {"a": W, "b": R},
        },
        conditions={
            "base_report": {"protocol": "report"},
            "down": {"direction": "d", "alpha": -1.0, **(candidate or {})},
            "r": {"direction": "r", "alpha": -1.0, **(control or {})},
        },
        directions={"r": {**CONTROL, "parent_id": parent}, "e": {}},
        sets=PRIMARY,
    )


@pytest.mark.parametrize("other", [*OTHER_WAYS.items(), ("alpha", -2.0), ("parent", "e")])
def test_a_control_stands_beside_its_candidate_only(other):
    name, value = other
    c = _control_beside(parent=value) if name == "parent" else _control_beside({name: value})
    columns = "direction, estimate, candidate_estimate"
    assert rows(c, "control_effects", columns) == [("r", -0.5, None)]
    assert rows(c, "candidate_against_controls") == []
    assert rows(c, "shared_losses", alpha=-1.0) == []


@pytest.mark.parametrize("name", ["site", "schedule", "operator", "effect"])
def test_ways_that_are_not_said_are_one_way(name):
    unsaid = {name: None}
    c = _control_beside(unsaid, unsaid)
    assert rows(c, "control_effects", "candidate_estimate") == [(-1.0,)]
    assert rows(c, "shared_losses", "n, lost_by_both", alpha=-1.0) == [(2, 1)]


def test_a_control_without_a_set_stands_beside_a_candidate_without_one():
    c = _control_beside()
    c.execute("DELETE FROM problem_sets")
    assert rows(c, "control_effects", "set_name, candidate_estimate") == [(None, -1.0)]
    assert rows(c, "candidate_against_controls") == []
    assert rows(c, "candidate_against_controls", "k", set_name=None) == [(1,)]


def test_a_control_without_a_pair_is_none_of_the_sample():
    c = database(
        {"base": {"a": R, "b": R}, "down": {"a": W, "b": R}, "r": {"a": W}, "q": {"a": "error"}},
        conditions={
            name: {"direction": direction, "alpha": -1.0}
            for name, direction in {"down": "d", "r": "r", "q": "q"}.items()
        },
        directions={"r": CONTROL, "q": CONTROL},
        sets=PRIMARY,
    )
    columns = "k, control_min, rank_p_lower"
    assert rows(c, "candidate_against_controls", columns) == [(1, -1.0, 1.0)]


def test_shared_losses_are_of_one_problem_and_one_seed():
    c = database(
        {
            ("base", 0): {"a": R, "b": R, "c": R},
            ("down", 0): {"a": W, "b": R},
            ("down", 1): {"a": R, "b": "error", "c": W},
            ("r", 0): {"a": R, "b": W, "c": W},
        },
        conditions={
            "down": {"direction": "d", "alpha": -1.0},
            "r": {"direction": "r", "alpha": -1.0},
        },
        directions={"r": CONTROL},
    )
    columns = "seed, n, lost, control_lost, lost_by_both"
    assert rows(c, "shared_losses", columns, alpha=-1.0) == [(0, 2, 1, 1, 0)]
    assert rows(c, "shared_losses", alpha=1.0) == []


@pytest.mark.parametrize(
    ("site", "vectors", "found"),
    [
        ("latent", [[1.0, 0.0], [0.0, 1.0]], [("d", "e", 2)]),
        ("residual:5", [[1.0, 0.0], [0.0, 1.0]], []),
        ("latent", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], []),
        ("latent", [[1.0, 0.0]], [("d", "e", 1)]),
    ],
)
def test_cosines_are_of_one_site_position_and_width(site, vectors, found):
    c = database({}, directions={"d": {}, "e": {"site": site}})
    for name, of_name in {"d": [[1.0, 0.0], [0.0, 1.0]], "e": vectors}.items():
        for position, values in enumerate(of_name):
            row = {"direction_id": name, "position": position, "values": values}
            insert(c, "direction_vectors", [row])
    assert rows(c, "direction_cosines", "direction, other, n_positions") == found


def _flips(**changes):
    """Two controls under which problem a turns wrong, one changed."""
    second = {"direction": "q", "alpha": -3.0, **changes.pop("condition", {})}
    return database(
        {"base": {"a": R}, "r": {"a": W}, "q": {"a": changes.pop("outcome", W)}},
        conditions={"r": {"direction": "r", "alpha": -3.0}, "q": second},
        directions={"r": CONTROL, "q": {**CONTROL, **changes}},
    )


@pytest.mark.parametrize(
    ("changes", "n_controls"),
    [
        ({}, 2),
        ({"role": "candidate"}, 1),
        ({"condition": {"alpha": 3.0}}, 1),
        ({"outcome": "error"}, 1),
        ({"outcome": R}, None),
    ],
)
def test_a_problem_flips_under_every_control_of_the_dose(changes, n_controls):
    expected = [] if n_controls is None else [(n_controls,)]
    found = rows(_flips(**changes), "flips_under_every_control", "n_controls", least=1)
    assert found == expected
    assert rows(_flips(), "flips_under_every_control", least=3) == []


def test_a_problem_that_is_right_once_or_in_another_set_is_not_never_right():
    c = database(
        {"base": {"a": W, "b": R, "x": W}, "up": {"a": "error", "b": W}},
        conditions={"up": {"direction": "d", "alpha": 1.0}},
        sets={**PRIMARY, "other": ("random", ["x"])},
    )
    assert rows(c, "never_right", "problem_id, n_conditions") == [("a", 1)]


def test_shifts_are_of_the_set_and_from_the_baseline_at_seed_zero():
    def at(**values):
        return {name: {"gold_logprob": value} for name, value in values.items()}

    c = database(
        {
            ("base", 0): at(a=-1.0, x=-1.0),
            ("base", 1): at(a=-8.0),
            ("up", 1): at(a=-2.0, x=-9.0),
            ("up_report", 0): at(a=-5.0),
        },
        conditions={
            "up": {"direction": "d", "alpha": 1.0},
            "up_report": {"direction": "d", "alpha": 1.0, "protocol": "report"},
        },
        sets=PRIMARY,
    )
    columns = "protocol, seed, n, median_shift, n_up, n_down"
    assert rows(c, "gold_logprob_shift", columns) == [("codi", 1, 1, -1.0, 0, 1)]


def test_effects_by_difficulty_are_of_candidates_in_one_scheme_and_set():
    c = database(
        {"base": {"a": W, "b": W}, "up": {"a": R, "b": R}, "r": {"a": R, "b": R}},
        conditions={
            "up": {"direction": "d", "alpha": 1.0},
            "r": {"direction": "r", "alpha": 1.0},
        },
        directions={"r": CONTROL},
        problems={"a": 1, "b": 2},
        sets={"primary": ("random", ["a"]), "other": ("random", ["b"])},
        strata=[{"scheme": "size", "problem_id": "a", "level": "big"}],
    )
    columns = "direction, scheme, level"
    assert rows(c, "effect_by_difficulty", columns) == [("d", "n_steps", "1")]
    assert rows(c, "effect_by_difficulty", columns, scheme="size") == [("d", "size", "big")]
    assert rows(c, "effect_by_difficulty", columns, set_name="other") == [("d", "n_steps", "2")]
    assert rows(c, "effect_by_difficulty", columns, alpha=2.0) == []


def test_frequent_answers_are_of_what_was_asked_for():
    answer = {"a": {"answer": "1", "correct": True}}
    c = database(
        {"base": answer, "up": answer, "r": answer},
        conditions={
            "up": {"direction": "d", "alpha": 1.0},
            "r": {"direction": "r", "alpha": 1.0},
        },
        directions={"r": CONTROL},
    )
    assert rows(c, "frequent_answers", "direction") == [(None,), ("d",)]
    assert rows(c, "frequent_answers", "direction", direction="r") == [("r",)]


def test_problems_of_no_set_have_strata_too():
    c = database(
        {"base": {"a": W}, "up": {"a": R}},
        conditions={"up": {"direction": "d", "alpha": 1.0}},
        problems={"a": 3},
    )
    query = "SELECT * FROM accuracy_by_stratum WHERE direction = 'd'"
    columns = "set_name, level, gained, selected_on_outcome"
    assert rows(c, query, columns) == [(None, "3", 1, False)]


@pytest.mark.parametrize("name", ["protocol_fields", "decoding"])
def test_settings_that_are_not_said_are_one_setting(name):
    unsaid = {name: None}
    steered = {"direction": "d", "alpha": 1.0}

    def gained(base, up):
        c = database(
            {"base": {"a": W}, "up": {"a": R}}, conditions={"base": base, "up": {**steered, **up}}
        )
        return rows(c, "paired_outcomes", "gained")

    assert gained(unsaid, unsaid) == [(True,)]
    assert gained({}, unsaid) == gained(unsaid, {}) == [(None,)]


def test_only_seed_zero_stands_in_for_other_seeds():
    c = database(
        {("base", 1): {"a": W}, ("up", 2): {"a": R}},
        conditions={"up": {"direction": "d", "alpha": 1.0}},
    )
    assert rows(c, "paired_outcomes", "seed, baseline_correct") == [(2, None)]


def test_norms_are_compared_at_one_position_of_the_own_baseline_and_set():
    def norms(*values):
        return {"a": {"correct": R, "norm_before": list(values), "norm_after": list(values)}}

    c = database(
        {
            "base": norms(1.0, 8.0),
            "base_report": norms(4.0, 4.0),
            "up": norms(3.0, 3.0),
            "zero": norms(9.0, 99.0),
        },
        conditions={
            "base_report": {"protocol": "report"},
            "up": {"direction": "d", "alpha": 1.0},
            "zero": {"direction": "d", "alpha": 0.0},
        },
        sets={"primary": ("random", ["a"])},
    )
    columns = "position, alpha_norm"
    assert rows(c, "norms_before_accuracy", columns) == [(0, 1.0), (1, None)]
    assert rows(c, "norms_before_accuracy", columns, set_name="other") == []


def test_strata_are_cut_from_the_baselines_of_their_run_alone():
    steered = {"direction": "d", "alpha": 1.0}
    c = database(
        {"base": {"a": W}, "base_report": {"a": W}, "up": {"a": R}, "up_report": {"a": R}},
        conditions={
            "base_report": {"protocol": "report"},
            "up": steered,
            "up_report": {**steered, "protocol": "report"},
        },
        strata=[{"scheme": "cut", "problem_id": "a", "level": "wrong", "run_id": "run"}],
    )
    insert(c, "run_keys", [{"run_no": 2, "run_id": "later"}])
    c.execute(
        "UPDATE outcome_rows SET run_no = 2 WHERE condition_no = (SELECT condition_no "
        "FROM condition_keys WHERE condition_id = 'base_report')"
    )
    query = "SELECT * FROM accuracy_by_stratum WHERE direction = 'd' ORDER BY protocol"
    assert rows(c, query, "protocol, cut_from_baseline") == [("codi", True), ("report", False)]


def test_baseline_rows_are_those_of_baselines():
    c = database(
        {"base": {"a": W}, "up": {"a": R}, "second": {"a": R}},
        conditions={"up": {"direction": "d", "alpha": 1.0}},
    )
    query = "SELECT * FROM baseline_rows JOIN condition_keys USING (condition_no)"
    assert rows(c, query, "condition_id, correct, own_seed") == [("base", W, True)]

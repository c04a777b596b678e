"""Plans: the file, its power, freezing, stamps and stopping."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis import e_value, futility, mcnemar_power
from analysis.cli.plan import app
from analysis.plans import (
    check_plan,
    decide,
    freeze,
    history,
    load_plan,
    parse_plan,
    problem_order,
    record_stops,
    stamps,
    walk,
)
from analysis.plans.pilot import measured_discordance
from analysis.plans.stopping import Stop
from analysis.recorded.analyses import analyze
from sql.errors import UserError
from store import committed, ingest
from tests.reading import read
from tests.synthetic import CREATED, synthetic_store

PLAN = """
title = "Does the mean difference move accuracy?"
set = "primary"
problems = 400
alphas = [-3.0, 3.0]
smallest_effect = "5 pts"
discordance = "15%"

[[contrast]]
name = "push"
direction = "mean_difference"
against = "both"

[[contrast]]
name = "gentle"
direction = "mean_difference_matched"
alphas = [1.0]
expected = "gain"

[controls]
kind = "random_per_position"
number = 99

[stopping]
rule = "e-value"
order_seed = 7
"""
EARLY = CREATED.replace(tzinfo=UTC) - timedelta(days=1)
LATE = CREATED.replace(tzinfo=UTC) + timedelta(days=1)
PUSH = {"direction": "mean_difference", "alpha": 3.0, "set_name": "primary"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    return synthetic_store(
        tmp_path_factory.mktemp("plans") / "s", rng=np.random.default_rng(5), report=False
    )


@pytest.fixture(scope="module")
def few_outcomes(tmp_path_factory):
    return synthetic_store(
        tmp_path_factory.mktemp("few") / "s",
        rng=np.random.default_rng(5),
        report=False,
        n_problems=10,
        n_balanced=6,
        n_train=6,
        alphas=(1.0, 3.0),
        control_alphas=(3.0,),
        n_controls=2,
    )


@pytest.fixture
def store(tmp_path, few_outcomes):
    """A store of its own for tests that freeze."""
    return Path(shutil.copytree(few_outcomes, tmp_path / "s"))


def test_a_plan_knows_its_family():
    plan = parse_plan(PLAN)
    assert (plan.smallest_effect, plan.discordance) == pytest.approx((0.05, 0.15))
    assert plan.family_size == 3
    assert plan.level_per_test == pytest.approx(0.05 / 3)
    assert parse_plan('correction = "none"\n' + PLAN).level_per_test == 0.05


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"5 pts"', '"5"', "key 'smallest_effect'.*has no unit"),
        ('"5 pts"', "5", "key 'smallest_effect'.*is not a fraction"),
        ('"5 pts"', '"20 pts"', "exceeds discordance"),
        ("problems = 400", "problems = 0", "key 'problems'"),
        ("problems = 400", "problem = 400", "key 'problem': is not a key"),
        ('direction = "mean_difference"\n', "", "contrast 'push': key 'direction'"),
        ('name = "gentle"', 'name = "push"', "one name: push"),
        ("order_seed = 7", "", "order_seed"),
        ("problems = 400", "problems = 400\nseeds = [0, 1]", "takes one seed, found 2"),
        ("[controls]", "[collect]", "no .controls."),
        ('"both"', '"all"', "contrast 'push': key 'against'"),
        ("title =", "title", "is not TOML"),
    ],
)
def test_errors_name_the_key(old, new, says):
    with pytest.raises(UserError, match=says):
        parse_plan(PLAN.replace(old, new, 1), name="plan.toml")


def test_power_is_that_of_the_test_that_will_be_used():
    plan = parse_plan(PLAN)
    report = check_plan(plan)
    push = report.contrasts[0]
    power = mcnemar_power(
        400, effect=0.05, discordance=0.15, method="e-value", significance=0.05 / 3
    ).power
    assert push.power == pytest.approx(power)
    assert not push.enough
    assert not report.enough
    assert push.problems_needed is not None
    assert push.problems_needed > 400
    assert push.detectable is not None
    assert push.detectable > 0.05


def test_the_problems_asked_for_suffice():
    needed = check_plan(parse_plan(PLAN)).contrasts[0].problems_needed
    more = parse_plan(PLAN.replace("problems = 400", f"problems = {needed}"))
    assert all(c.enough for c in check_plan(more).contrasts)


def test_controls_have_a_floor():
    few = check_plan(parse_plan(PLAN.replace("number = 99", "number = 5"))).controls
    assert few is not None
    # Two-sided at .05/3: 2/(k + 1) <= .0167 asks for 119 controls.
    assert (few.floor, few.needed) == (pytest.approx(2 / 6), 119)  # type: ignore[comparison-overlap]
    assert not few.enough
    none = check_plan(parse_plan(PLAN.replace("number = 99", "number = 0"))).controls
    assert none is not None
    assert (none.floor, none.power) == (1.0, 0.0)
    enough = check_plan(parse_plan(PLAN.replace("number = 99", "number = 119"))).controls
    assert enough is not None
    assert enough.enough


def test_discordance_is_needed_from_somewhere(collected):
    plan = parse_plan(PLAN.replace('discordance = "15%"\n', ""))
    with pytest.raises(UserError, match="no `discordance`"):
        check_plan(plan)
    found = measured_discordance(collected, plan)
    rows = [
        r
        for r in read(collected, "discordant").to_pylist()
        if r["set_name"] == "primary" and r["direction"] and 1 <= abs(r["alpha"]) <= 3
    ]
    changed = sum(r["gained"] + r["lost"] for r in rows)
    assert found == pytest.approx(changed / sum(r["n_pairs"] for r in rows))
    assert check_plan(plan, discordance=found).discordance_from == "store"
    elsewhere = PLAN.replace("[-3.0, 3.0]", "[50.0]").replace("[1.0]", "[50.0]")
    # Before the first outcome the plan's own share stands.
    assert measured_discordance(collected, parse_plan(elsewhere)) is None
    far = parse_plan(elsewhere.replace('discordance = "15%"\n', ""))
    with pytest.raises(UserError, match="no steered outcomes"):
        measured_discordance(collected, far)


def test_a_plan_frozen_first_makes_its_contrasts_confirmatory(store, file):
    frozen = freeze(store, file, now=EARLY)
    ingest(store)
    stamp = stamps(store)
    assert stamp(PUSH) == "confirmatory"
    assert stamp({**PUSH, "against": "controls"}) == "confirmatory"
    assert stamp.plan_of(PUSH) == frozen
    for other in (
        {"alpha": 1.0},
        {"set_name": "balanced"},
        {"direction": "random_000"},
        {"direction": None},
        {"level": "2", "scheme": "n_steps"},
        {"quantity": "signed effect"},
        {"quantity": "damage", "alpha": None},
    ):
        assert stamp({**PUSH, **other}) == "exploratory"
    gentle = {"direction": "mean_difference_matched", "alpha": 1.0, "set_name": "primary"}
    assert stamp(gentle) == "confirmatory"
    assert stamp({**gentle, "against": "controls"}) == "exploratory"
    assert "before any steered outcome" in stamp.notes()[0]


def test_other_quantities_are_planned_by_name(store, file):
    file.write_text(PLAN.replace('against = "both"', 'against = "both"\nquantities = ["damage"]'))
    freeze(store, file, now=EARLY)
    ingest(store)
    stamp = stamps(store)
    assert stamp({**PUSH, "quantity": "damage"}) == "confirmatory"
    assert stamp({**PUSH, "quantity": "accuracy difference"}) == "confirmatory"
    assert stamp({**PUSH, "quantity": "signed effect"}) == "exploratory"


def test_a_plan_says_its_estimand_and_an_older_one_is_read_as_saying_it(file):
    text = file.read_text()
    assert "estimand" not in text
    assert parse_plan(text).estimand == "readable right answer"
    declared = 'estimand = "readable right answer"\n'
    assert parse_plan(declared + text) == parse_plan(text)
    with pytest.raises(UserError, match="estimand"):
        parse_plan('estimand = "complete cases"\n' + text)


def test_results_of_an_analysis_carry_the_stamp(store, file):
    freeze(store, file, now=EARLY)
    ingest(store)
    found = analyze(store, families=["alphas"])
    rows = [row for analysis in found for row in analysis.results]
    named = {
        (c["direction"], c["alpha"], c["set_name"]): row["stamp"]
        for row in rows
        if row["quantity"] == "accuracy difference"
        for c in [json.loads(row["contrast"])]
    }
    # Complete cases and bounds stand beside the planned estimand: the plan does not name them.
    beside = {row["stamp"] for row in rows if row["quantity"] != "accuracy difference"}
    assert beside == {"exploratory"}
    assert named["mean_difference", 3.0, "primary"] == "confirmatory"
    assert named["mean_difference", 1.0, "primary"] == "exploratory"
    assert named["mean_difference_matched", 1.0, "primary"] == "confirmatory"
    assert named["mean_difference", 3.0, "balanced"] == "exploratory"
    assert {a.plan_id for a in found} - {None} == {history(store)[0].plan_id}


def test_a_plan_frozen_late_confirms_nothing(store, file):
    freeze(store, file, now=LATE)
    ingest(store)
    assert stamps(store)(PUSH) == "exploratory"
    assert "after the first steered outcome" in stamps(store).notes()[0]


def test_without_a_plan_everything_is_exploratory(store):
    assert stamps(store)(PUSH) == "exploratory"
    assert stamps(store).notes() == ["No plan was frozen: every result is exploratory."]


def test_a_plan_changed_after_the_data_is_kept_beside_the_old_one(store, file):
    old = freeze(store, file, now=EARLY)
    file.write_text(PLAN.replace("alphas = [1.0]", "alphas = [3.0]"))
    new = freeze(store, file, now=LATE)
    ingest(store)
    first, second = history(store)
    assert (first.plan_id, first.superseded) == (old.plan_id, new.plan_id)
    assert (second.plan_id, second.superseded) == (new.plan_id, None)
    gentle = {"direction": "mean_difference_matched", "set_name": "primary"}
    assert stamps(store)({**gentle, "alpha": 1.0}) == "confirmatory"
    assert stamps(store)({**gentle, "alpha": 3.0}) == "exploratory"
    before, after = stamps(store).notes()
    assert f"later replaced by plan {new.plan_id[:8]}; both are kept" in before
    assert "after the first steered outcome" in after
    rows = {r["plan_id"]: r for r in read(store, "SELECT * FROM plans").to_pylist()}
    assert rows[old.plan_id]["superseded"] == new.plan_id
    assert rows[old.plan_id]["text"] == PLAN


def test_a_plan_replaced_in_time_is_void(store, file):
    freeze(store, file, now=EARLY)
    file.write_text(PLAN.replace('"mean_difference"', '"another"'))
    freeze(store, file, now=EARLY + timedelta(hours=1))
    ingest(store)
    assert stamps(store)(PUSH) == "exploratory"


def test_freezing_again_changes_nothing_and_going_back_is_a_new_plan(tmp_path, file):
    root = tmp_path / "new"
    first = freeze(root, file, now=EARLY)
    assert freeze(root, file, now=LATE) == first
    assert committed(root, "plans").num_rows == 1
    file.write_text(PLAN + "# a remark\n")
    second = freeze(root, file, now=EARLY + timedelta(hours=1))
    file.write_text(PLAN)
    third = freeze(root, file, now=EARLY + timedelta(hours=2))
    assert len({first.plan_id, second.plan_id, third.plan_id}) == 3
    assert [p.superseded for p in history(root)] == [second.plan_id, third.plan_id, None]
    assert third.sha256 == first.sha256


def test_decisions():
    plan = parse_plan(PLAN)
    # 2^8 B(1, 9) = 28.4 falls short of 3/.05 = 60; 2^10 B(1, 11) = 93.1 does not.
    assert decide(0, 8, plan) == "continue"
    assert decide(0, 10, plan) == decide(10, 0, plan) == "decided"
    assert decide(20, 20, plan, seen=380) == "futile"
    assert decide(20, 20, plan) == "continue"
    assert decide(4, 2, plan, seen=40) == "continue"
    assert decide(20, 20, plan, seen=400) == "continue"
    never = parse_plan(PLAN.replace('rule = "e-value"', 'rule = "none"'))
    assert decide(0, 300, never, seen=390) == "continue"


def test_futility_asks_whether_the_e_value_gets_there():
    """Not mid-p, which would: the level is the e-value's from the first look to the last."""
    plan = parse_plan(PLAN)
    rest: dict[str, Any] = {
        "planned_n": 400,
        "effect": -0.05,
        "discordance": 0.15,
        "significance": 0.05 / 3,
    }
    assert futility(5, 15, 340, method="midp", **rest).conditional_power > 0.5
    assert futility(5, 15, 340, method="e-value", **rest).conditional_power < 0.04
    assert decide(5, 15, plan, seen=340) == "futile"


def test_a_contrast_against_controls_alone_never_stops():
    plan = parse_plan(PLAN)
    push = plan.contrast[0]
    alone = push.model_copy(update={"against": "controls"})
    assert decide(0, 40, plan, seen=100, contrast=push) == "decided"
    assert decide(0, 40, plan, seen=100, contrast=alone) == "continue"
    assert decide(20, 20, plan, seen=380, contrast=alone) == "continue"


def test_futility_asks_for_the_expected_side_only():
    plan = parse_plan(PLAN)
    push, gentle = plan.contrast
    losing = {"gained": 8, "lost": 24, "seen": 300}
    assert decide(**losing, plan=plan, contrast=push) == "continue"
    assert decide(**losing, plan=plan, contrast=gentle) == "futile"


def test_peeking_after_every_problem_keeps_the_level():
    plan = parse_plan(PLAN.replace("[1.0]", "[1.0, 2.0]"))
    rng, runs, crossed = np.random.default_rng(11), 2000, 0
    reached = 1 / plan.level_per_test
    gained, lost = np.indices((101, 101))
    stops = np.asarray(e_value(gained, lost).e) >= reached
    for _ in range(runs):
        steps = rng.integers(0, 2, 100)
        up = np.cumsum(steps)
        crossed += bool(stops[up, np.arange(1, 101) - up].any())
    assert crossed / runs <= plan.level_per_test + 2 * np.sqrt(plan.level_per_test / runs)


def test_a_walk_ends_early_where_there_is_something_to_find_or_nothing():
    plan, rng = parse_plan(PLAN), np.random.default_rng(2)

    def outcomes(gain: float, loss: float) -> tuple[list[bool], list[bool]]:
        draw = rng.random(400)
        return (draw < gain).tolist(), ((draw >= gain) & (draw < gain + loss)).tolist()

    decision, seen = walk(*outcomes(0.02, 0.25), plan)
    assert decision == "decided"
    assert seen < 200
    assert seen % plan.stopping.look_every == 0
    ends = [walk(*outcomes(0.075, 0.075), plan) for _ in range(30)]
    assert sum(decision == "decided" for decision, _ in ends) <= 3
    assert sum(seen < 400 for decision, seen in ends if decision == "futile") > 15
    assert walk([True] * 3, [False] * 3, plan) == ("continue", 3)
    assert walk([], [], plan) == ("continue", 0)


def test_the_order_of_problems_is_fixed_by_the_plan():
    plan, ids = parse_plan(PLAN), [f"{i:03}" for i in range(50)]
    order = problem_order(ids, plan)
    assert sorted(order) == ids
    assert order != ids
    assert problem_order(ids[::-1], plan) == order
    other = parse_plan(PLAN.replace("order_seed = 7", "order_seed = 8"))
    assert problem_order(ids, other) != order
    unordered = parse_plan(PLAN.replace('rule = "e-value"\norder_seed = 7', ""))
    with pytest.raises(UserError, match="order_seed"):
        problem_order(ids, unordered)


def test_what_stopping_saved_is_stored(store, file):
    frozen = freeze(store, file, now=EARLY)
    stop = Stop("push", "mean_difference", 3.0, "decided", 100, 1, 14)
    analysis_id = record_stops(store, frozen.plan, frozen.plan_id, [stop])
    ingest(store)
    (row,) = read(store, "SELECT * FROM results WHERE status = 'decided'").to_pylist()
    assert (row["analysis_id"], row["estimate"]) == (analysis_id, 0.75)
    assert (row["n"], row["gained"], row["lost"], row["stamp"]) == (100, 1, 14, "confirmatory")
    assert json.loads(row["contrast"])["direction"] == "mean_difference"
    before = committed(store, "analyses").num_rows
    assert record_stops(store, frozen.plan, frozen.plan_id, []) == ""
    assert record_stops(store, frozen.plan, frozen.plan_id, [stop]) == analysis_id
    assert committed(store, "analyses").num_rows == before


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def test_check_command(file, collected):
    result = run("check", file)
    assert result.exit_code == 1
    assert "not enough" in result.stdout
    assert "needs 119 controls" in result.stdout
    report = json.loads(run("check", file, "--json", "--store", collected).stdout)
    assert report["discordance_from"] == "store"
    file.write_text(
        PLAN.replace("problems = 400", "problems = 1200").replace("number = 99", "number = 199")
    )
    assert run("check", file).exit_code == 0


def test_freeze_and_show_commands(file, tmp_path):
    root = tmp_path / "store"
    result = run("freeze", root, file)
    assert result.exit_code == 0
    assert "push: will be confirmatory" in result.stdout
    assert "before any steered outcome" in run("show", root).stdout
    (row,) = json.loads(run("show", root, "--json").stdout)
    assert datetime.fromisoformat(row["frozen_at"]).year >= 2025
    assert load_plan(file).title == row["title"]
    assert isinstance(run("freeze", root, tmp_path / "none.toml").exception, UserError)

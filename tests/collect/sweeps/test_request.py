"""`steerstat collect`: what it computes, what it leaves alone, and what a plan supplies."""

import sys
from typing import Any

import numpy as np
import pytest

import steerstat
from collect.directions.control_vectors import random_per_position
from collect.directions.directions import add_direction
from collect.directions.selection import select_directions
from collect.sweeps import planned
from collect.sweeps.request import make_request
from collect.sweeps.work import run_request, work_out
from sql.errors import UserError
from store import committed, rows_digest
from tests.collect.sweeps.small_scale import SMALL
from tests.reading import read

N = SMALL["primary"]
PLAN = """
title = "push"
set = "primary"
problems = 40
alphas = [-3.0, 3.0]
smallest_effect = "20 pts"
discordance = "40%"
[[contrast]]
name = "push"
direction = "{direction}"
against = "{against}"
[controls]
kind = "random_per_position"
number = {number}
[stopping]
rule = "{rule}"
order_seed = 7
look_every = 10
[collect]
max_new_tokens = 5
"""


@pytest.fixture(autouse=True)
def _few_gated_problems(monkeypatch):
    monkeypatch.setattr("collect.sweeps.work.GATED_PROBLEMS", 2)


def collected(store, **options):
    """The lines of a request on the primary set; answers of five tokens make units new."""
    options = {
        "problems": "primary",
        "max_new_tokens": 5,
        "device": "cpu",
        **options,
    }
    return list(run_request(make_request(store, **options)))


def test_each_candidate_of_a_plan_has_its_own_controls_at_its_own_doses(fresh, tmp_path):
    path = plan_file(tmp_path, number=1)
    second = """
[[contrast]]
name = "raw"
direction = "mean_difference"
alphas = [2.0]
against = "controls"
[[contrast]]
name = "alone"
direction = "mean_difference"
alphas = [1.5]
[controls]"""
    path.write_text(path.read_text().replace("[controls]", second.lstrip(), 1))
    plan = planned.read(path).plan
    ids = {one.name: one.direction_id for one in select_directions(fresh, "role = 'candidate'")}
    found = planned.directions(fresh, plan, "primary", "codi")
    doses = [(d.parent_id, alphas) for d, alphas in found if d.role == "control"]
    assert doses == [(ids["fresh"], [-3.0, 3.0]), (ids["mean_difference"], [2.0])]
    assert [d.name for d, _ in found if d.role == "candidate"] == [
        "fresh", "mean_difference", "mean_difference"
    ]  # fmt: skip


def plan_file(tmp_path, **values):
    path = tmp_path / "plan.toml"
    defaults = {"direction": "fresh", "against": "both", "number": 4, "rule": "e-value"}
    path.write_text(PLAN.format(**{**defaults, **values}))
    return path


@pytest.fixture
def fresh(store):
    """A store with a direction that no run has steered with."""
    found = select_directions(store, "mean_difference")[0]
    vectors = found.vectors * 1.01
    candidate = add_direction(store, vectors, name="fresh", kind="rescaled")
    for number in range(4):
        add_direction(
            store, random_per_position(vectors, np.random.default_rng(number)),
            name=f"fresh_random_{number}", kind="random_per_position", role="control",
            parent_id=candidate,
        )  # fmt: skip
    add_direction(store, vectors * 0.99, name="weak", kind="rescaled")
    return store


def outcome_rows(store, condition_ids):
    rows = committed(store, "outcomes").to_pylist()
    return [row for row in rows if row["condition_id"] in condition_ids]


def test_only_missing_units_are_computed(store):
    first = collected(store, directions="mean_difference", alphas="1")
    assert first[0].startswith(f"{2 * N} units computed")
    more = collected(store, directions="mean_difference", alphas="1,2")
    assert more[0].startswith(f"{N} units computed")
    again = collected(store, directions="mean_difference", alphas="1,2")
    assert again == [f"nothing to do: all {3 * N} units are in {store}"]


def test_a_dry_run_counts_and_writes_nothing(store, capsys, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    arguments = ["collect", str(store), "--problems", "primary", "--directions", "mean_difference"]
    arguments += ["--alphas=-3:3:1", "--max-new-tokens", "5", "--dry-run"]
    monkeypatch.setattr(sys, "argv", ["steerstat", *arguments])
    with pytest.raises(SystemExit) as caught:
        steerstat.main()
    assert not caught.value.code
    told = capsys.readouterr()
    assert told.out == ""
    assert "40 problems x 7 conditions x 1 seeds = 280 units, 280 of them missing" in told.err
    assert "MB on disk" in told.err
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_alpha_zero_of_any_adding_direction_is_the_baseline(store):
    options: dict[str, Any] = {
        "problems": "primary",
        "directions": "kind=random_per_position",
        "alphas": "0",
    }
    for operator in ("add", "norm_preserving_add"):
        work = work_out(make_request(store, operator=operator, **options))
        assert [one.row["direction_id"] for one in work.conditions] == [None]
        assert work.units == N


def test_projecting_out_at_alpha_zero_is_no_baseline(store):
    options: dict[str, Any] = {
        "directions": "mean_difference",
        "alphas": "0",
        "operator": "project_out",
    }
    work = work_out(make_request(store, problems="primary", **options))
    assert [one.row["operator"] for one in work.conditions] == [None, "project_out"]
    collected(store, **options)
    rows = read(
        store,
        "select direction, n from accuracy_by_alpha where operator = 'project_out'",
    ).to_pylist()
    assert {(row["direction"], row["n"]) for row in rows} >= {("mean_difference", N)}


def test_an_answer_that_has_not_ended_is_neither_right_nor_wrong(store):
    work = work_out(make_request(store, problems="primary", max_new_tokens=1))
    collected(store, max_new_tokens=1)
    rows = outcome_rows(store, {one.condition_id for one in work.conditions})
    assert len(rows) == N
    assert {(row["status"], row["correct"]) for row in rows} == {("truncated", None)}


def test_seeds_are_outcomes_of_their_own(store):
    options: dict[str, Any] = {"temperature": 2.0, "seeds": "0:2"}
    collected(store, **options)
    work = work_out(make_request(store, problems="primary", max_new_tokens=5, **options))
    rows = outcome_rows(store, {one.condition_id for one in work.conditions})
    by_seed = {
        seed: {row["problem_id"]: row["tokens"] for row in rows if row["seed"] == seed}
        for seed in (0, 1)
    }
    assert [len(found) for found in by_seed.values()] == [N, N]
    assert by_seed[0] != by_seed[1]
    with pytest.raises(UserError, match="greedy decoding gives the same answer for every seed"):
        collected(store, seeds="0:2")


def test_sampled_outcomes_do_not_depend_on_what_else_is_collected(store, small_store, tmp_path):
    import shutil

    other = shutil.copytree(small_store, tmp_path / "other")
    collected(store, temperature=1.0, seeds="0:2")
    collected(other, temperature=1.0, seeds="1")
    collected(other, temperature=1.0, seeds="0")
    assert rows_digest(store) == rows_digest(other)


def test_a_plan_supplies_what_options_leave_out(fresh, tmp_path):
    path = plan_file(tmp_path, rule="none")
    work = work_out(make_request(fresh, plan=path))
    steered = [one for one in work.conditions if one.row["direction_id"]]
    assert work.setting.protocol.max_new_tokens == 5
    assert {one.row["alpha"] for one in steered} == {-3.0, 3.0}
    names = {one.steering.key for one in steered}
    assert names == {"fresh", *(f"fresh_random_{i}" for i in range(4))}
    given = make_request(fresh, plan=path, alphas="1", max_new_tokens=4)
    work = work_out(given)
    assert {one.row["alpha"] for one in work.conditions} == {0.0, 1.0}
    assert work.setting.protocol.max_new_tokens == 4
    only = work_out(make_request(fresh, plan=plan_file(tmp_path, against="baseline")))
    assert len(only.conditions) == 3


def test_stopping_when_decided_saves_units_and_is_stored(fresh, tmp_path):
    request = make_request(fresh, plan=plan_file(tmp_path), stop_when_decided=True)
    computed, *ends, saved = list(run_request(request))
    assert "stopping when decided saved" in saved
    assert [line.split(":")[0] for line in sorted(ends)] == [
        "push at alpha +3", "push at alpha -3",
    ]  # fmt: skip
    rows = read(fresh, "select * from results where quantity = 'problems saved'").to_pylist()
    assert {row["stamp"] for row in rows} == {"confirmatory"}
    work = work_out(make_request(fresh, plan=plan_file(tmp_path)))
    used = {row["contrast"]: row["n"] for row in rows}
    assert computed.startswith(f"{work.units - work.missing} units computed")
    assert min(used.values()) < N
    for row in rows:
        alpha = 3.0 if "+3" in row["name"] else -3.0
        for one in work.conditions:
            if one.row["alpha"] == alpha:
                assert len(outcome_rows(fresh, {one.condition_id})) == row["n"]
    frozen = read(fresh, "select frozen_at from plans").to_pylist()[0]["frozen_at"]
    run = read(fresh, "select created_at from runs order by created_at desc limit 1").to_pylist()
    assert frozen <= run[0]["created_at"]
    digest = rows_digest(fresh)
    runs = read(fresh, "runs").num_rows
    again = list(run_request(request))
    assert again[0] == (
        "nothing to do: every contrast of the plan has ended, "
        f"{work.missing:,} of {work.units:,} units were not needed"
    )
    assert again[1:] == ends
    assert rows_digest(fresh) == digest
    # A run without outcomes would be the newest run of the store, and say nothing.
    assert read(fresh, "runs").num_rows == runs
    # Besides the ends, the two tests that were planned.
    assert read(fresh, "results").num_rows == len(rows) + 2


def test_stopping_ends_where_the_whole_data_would_have_ended_it(fresh, tmp_path):
    """The walk over all outcomes, in the plan's order, is the slow oracle."""
    from analysis.plans import load_plan, problem_order, walk

    path = plan_file(tmp_path, against="baseline")
    list(run_request(make_request(fresh, plan=path, stop_when_decided=True)))
    stored = read(fresh, "select * from results where quantity = 'problems saved'").to_pylist()
    list(run_request(make_request(fresh, plan=path)))
    plan = load_plan(path)
    for alpha in (-3.0, 3.0):
        pairs = read(
            fresh,
            "select problem_id, gained, lost from paired_outcomes where direction = 'fresh' "
            "and alpha = $alpha",
            alpha=alpha,
        ).to_pylist()
        by_id = {row["problem_id"]: row for row in pairs}
        order = problem_order(sorted(by_id), plan)
        ups = np.array([bool(by_id[one]["gained"]) for one in order])
        downs = np.array([bool(by_id[one]["lost"]) for one in order])
        decision, seen = walk(ups.tolist(), downs.tolist(), plan, contrast=plan.contrast[0])
        row = next(r for r in stored if f"alpha {alpha:+g}" in r["name"])
        assert (row["status"], row["n"]) == (decision, seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"problems": None}, "which problems"),
        ({"problems": "gone"}, "no problem set 'gone': the store has balanced, primary"),
        ({"stop_when_decided": True}, "needs a PLAN.toml"),
        ({"temperature": -1.0}, "should be 0"),
        ({"directions": "gone"}, "gone"),
        ({"protocol": "codec"}, "unknown protocol"),
        ({"directions": "mean_difference", "alphas": "x"}, "no list of doses"),
    ],
)
def test_bad_requests_are_one_line(store, options, message):
    with pytest.raises(UserError, match=message) as caught:
        make_request(store, **{"problems": "primary", "device": "cpu", **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "text", "message"),
    [
        # The store has more of this kind, drawn for other candidates.
        (
            {"number": 5},
            "",
            "asks for 5 controls of kind random_per_position, fresh has 4 of its own: draw them "
            "with `steerstat directions controls STORE --of fresh",
        ),
        (
            {"direction": "weak", "number": 1},
            "",
            "asks for 1 controls of kind random_per_position, weak has 0 of its own",
        ),
        ({"rule": "none"}, "", "needs a PLAN.toml with"),
        ({"direction": "gone"}, "", "gone"),
        ({}, "speed = 1", "'speed' is no option of `steerstat collect`"),
        ({}, "protocol = 1", "'protocol' is 1; it should be text"),
        ({}, "protocol = 'report'\nproblems = 'balanced'", "no contrast of the plan"),
    ],
)
def test_plans_that_do_not_fit_the_store_are_refused(fresh, tmp_path, values, text, message):
    path = plan_file(tmp_path, **values)
    path.write_text(path.read_text() + text)
    with pytest.raises(UserError, match=message):
        make_request(fresh, plan=path, stop_when_decided=True)
    assert not committed(fresh, "plans").num_rows


def test_a_plan_of_another_size_is_refused(fresh, tmp_path):
    path = plan_file(tmp_path)
    path.write_text(path.read_text().replace("problems = 40", "problems = 400"))
    with pytest.raises(UserError, match="the plan says 400 problems, set primary has 40"):
        make_request(fresh, plan=path)

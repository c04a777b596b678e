"""When conditions of a sequential sweep end: their question decides, for controls as well."""

from typing import Any

import numpy as np
import pytest

from analysis.plans import parse_plan, problem_order
from collect.engine.interventions import Steering
from collect.sweeps import stopping
from collect.sweeps.stopping import committed_ends, sweep_until_decided
from collect.sweeps.sweep import Condition, Problem
from store import append, create_store

PLAN = """
title = "push"
set = "primary"
problems = 40
alphas = [-2.0, 2.0]
smallest_effect = "40 pts"
discordance = "40%"
[[contrast]]
name = "push"
direction = "candidate"
[controls]
kind = "random"
number = 1
[stopping]
rule = "e-value"
order_seed = 7
look_every = 10
"""
VECTORS = np.ones((1, 2), dtype=np.float32)


@pytest.fixture
def conditions():
    """The baseline, and a candidate and a control at two doses."""
    steerings = [Steering(None)]
    steerings += [
        Steering(VECTORS, alpha, key=key)
        for key in ("candidate", "control")
        for alpha in (-2.0, 2.0)
    ]
    return [Condition(f"{one.key}{one.alpha:+g}", one, {}) for one in steerings]


@pytest.fixture
def steps(monkeypatch):
    """Sweeps that compute nothing: the candidate at +2 is right, all else is wrong."""
    seen = []

    def sweep(root, setting, problems, active, *, seeds, **_):
        seen.append((problems, {one.condition_id for one in active}))
        rows = [
            {
                "condition_id": one.condition_id,
                "problem_id": problem.problem_id,
                "seed": seeds[0],
                "run_id": "r",
                "status": "ok",
                "correct": one.condition_id == "candidate+2",
            }
            for one in active
            for problem in problems
        ]
        append(root, "outcomes", rows)
        return len(rows)

    monkeypatch.setattr(stopping, "sweep", sweep)
    return seen


def swept(root, conditions, text=PLAN):
    plan = parse_plan(text, name="plan.toml")
    problems = [Problem(f"{i:032d}", "Q?", "1") for i in range(40)]
    asked: dict[str, Any] = {"plan": plan, "contrasts": plan.contrast}
    computed = sweep_until_decided(
        root,
        None,  # type: ignore[arg-type]
        problems,
        conditions,
        run_id="run",
        seeds=[0],
        fragile_below=0.0,
        **asked,
    )
    return computed, committed_ends(root, problems, conditions, seed=0, **asked)


def test_controls_end_with_the_last_contrast_at_their_dose(tmp_path, steps, conditions):
    """At +2 every problem is gained, which decides early; at -2 nothing changes."""
    computed, stops = swept(create_store(tmp_path / "store"), conditions)
    at_both = {"+0", "candidate-2", "candidate+2", "control-2", "control+2"}
    at_minus_two = {"+0", "candidate-2", "control-2"}
    seen = {stop.alpha: stop.seen for stop in stops}
    assert seen[2.0] < seen[-2.0]
    early, late = seen[2.0] // 10, (seen[-2.0] - seen[2.0]) // 10
    assert [active for _, active in steps] == [at_both] * early + [at_minus_two] * late
    assert computed == 10 * (5 * early + 3 * late)
    assert {stop.alpha: (stop.gained, stop.lost) for stop in stops} == {
        2.0: (seen[2.0], 0),
        -2.0: (0, 0),
    }


def test_a_contrast_about_the_controls_alone_runs_to_the_end(tmp_path, steps, conditions):
    """Its baseline would decide early; that is not what it asks. The end is a stop as well."""
    text = PLAN.replace(
        'direction = "candidate"\n', 'direction = "candidate"\nagainst = "controls"\n'
    )
    _, stops = swept(create_store(tmp_path / "store"), conditions, text)
    found = [(stop.alpha, stop.decision, stop.seen, stop.gained) for stop in stops]
    assert found == [(-2.0, "continue", 40, 0), (2.0, "continue", 40, 40)]


def test_problems_are_taken_in_the_order_of_the_plan(tmp_path, steps, conditions):
    swept(create_store(tmp_path / "store"), conditions)
    taken = [problem.problem_id for problems, _ in steps for problem in problems]
    plan = parse_plan(PLAN, name="plan.toml")
    ids = [f"{i:032d}" for i in range(40)]
    assert taken == list(problem_order(ids, plan))[: len(taken)]
    assert taken != ids[: len(taken)]


def test_an_answer_that_cannot_be_read_is_lost_and_an_error_is_neither(
    tmp_path, conditions, monkeypatch
):
    """Of ten problems that the baseline solves, the candidate leaves six unread and loses one."""
    statuses = {"candidate+2": ["truncated"] * 4 + ["parse_fail"] * 2 + ["error"] * 2 + ["ok"] * 2}

    def sweep(root, setting, problems, active, *, seeds, **_):
        rows = []
        for one in active:
            for i, problem in enumerate(problems):
                status = statuses.get(one.condition_id, ["ok"] * 10)[i % 10]
                right = {"ok": i % 10 != 9 or one.condition_id == "+0"}.get(status)
                rows.append(
                    {
                        "condition_id": one.condition_id,
                        "problem_id": problem.problem_id,
                        "seed": seeds[0],
                        "run_id": "r",
                        "status": status,
                        "correct": right,
                    }
                )
        append(root, "outcomes", rows)
        return len(rows)

    monkeypatch.setattr(stopping, "sweep", sweep)
    _, stops = swept(create_store(tmp_path / "store"), conditions)
    stop = next(stop for stop in stops if stop.alpha == 2.0)
    assert (stop.seen, stop.gained, stop.lost) == (20, 0, 14)

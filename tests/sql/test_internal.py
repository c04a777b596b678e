"""The queries that the program asks itself: a few rows in, exact rows out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sql import loader
from tests.sql.few_rows import R, W, database, insert, rows

UP = {"up": {"direction": "d", "alpha": 1.0}}
CONTROL = {"r": {"role": "control", "kind": "random_per_position", "parent_id": "d"}}
# What is behind a number is of one baseline and one set; another differs in one of these.
CONTEXT: dict[str, Any] = {
    "model": "model",
    "protocol": "codi",
    "decoding": '{"mode":"greedy"}',
    "dtype": "float32",
    "set_name": "primary",
    "baseline_id": "base",
}
ELSEWHERE = {
    "model": "other",
    "protocol": "report",
    "decoding": '{"mode":"sample"}',
    "dtype": "bfloat16",
    "set_name": "small",
    "baseline_id": "base_model",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "model": {"model_id": "m2"},
    "protocol": {"protocol": "report"},
    "decoding": {"decoding": '{"mode":"sample"}'},
    "dtype": {"dtype": "bfloat16"},
    "fields": {"protocol_fields": '{"n_latent":5}'},
    "undecoded": {"decoding": None},
}
CASES: dict[str, Callable[[], None]] = {}


def case(function):
    CASES[function.__name__] = function
    return function


@pytest.fixture(scope="module")
def settings():
    return _settings()


def _settings():
    """One curve and a control in seven settings, each with a baseline and outcomes of its own."""
    conditions: dict[str, Any] = {}
    outcomes: dict[str, Any] = {}
    for name, setting in {"": {}, **{f"_{key}": value for key, value in SETTINGS.items()}}.items():
        right = W if name else R
        conditions |= {
            f"base{name}": setting,
            f"up{name}": {"direction": "d", "alpha": 1.0, **setting},
            f"r{name}": {"direction": "r", "alpha": 1.0, **setting},
        }
        outcomes |= {
            f"base{name}": {"a": W, "b": R, "c": R},
            f"up{name}": {"a": right, "b": R, "c": W},
            f"r{name}": {"a": W, "b": R, "c": W},
        }
    return database(
        outcomes,
        conditions=conditions,
        directions=CONTROL,
        problems={"a": 1, "b": 2, "c": 2},
        sets={"primary": ("random", ["a", "b", "c"]), "small": ("random", ["b"])},
    ).execute("INSERT INTO models (model_id, name) VALUES ('m2', 'other')")


BEHIND: dict[str, list[tuple[Any, ...]]] = {
    "behind_curves": [
        ("d", "candidate", 1.0, 3, 1, 1, 2 / 3, 0, 0),
        ("r", "control", 1.0, 3, 0, 1, 1 / 3, 0, 0),
        (None, None, 0.0, 3, 0, 0, 2 / 3, 0, 0),
    ],
    "behind_effects": [("d", 1.0, 3, 1, 1, 2 / 3, 0, 0)],
    "behind_strata": [("d", 1.0, "1", 1, 1, 0, 1.0), ("d", 1.0, "2", 2, 0, 1, 0.5)],
    "behind_problems": [
        ("d", 1.0, "a", 1, W, R, "ok", "ok"),
        ("d", 1.0, "b", 2, R, R, "ok", "ok"),
        ("d", 1.0, "c", 2, R, W, "ok", "ok"),
    ],
    "behind_controls": [("d", "r", 1.0, 3, -1 / 3)],
    "behind_transitions": [("d", 1.0, 1, 1, 1, 0, 0)],
    "behind_missing": [
        ("d", "candidate", 1.0, 3, 0, 0, 0, 0, 3, 1, 1, 0, 0, 0),
        ("r", "control", 1.0, 3, 0, 0, 0, 0, 3, 0, 1, 0, 0, 0),
        (None, None, 0.0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0),
    ],
}
COLUMNS = {
    "behind_transitions": "direction, alpha, stayed_right, gained, lost, stayed_wrong, missing"
}
WAY = ("site", "schedule", "operator", "effect")
WITHOUT_WAY = "* EXCLUDE (site, schedule, operator, effect)"


@case
def behind_ends():
    c = _settings()
    insert(c, "analyses", [{"analysis_id": "s", "method": "sequential stop", "plan_id": "plan"}])
    row = {"analysis_id": "s", "name": "push at alpha +1", "status": "futile", "estimate": 0.25}
    row |= {"n": 3, "p": 0.01, "family_size": 5}
    contrast = {"direction": "d", "alpha": 1.0, "set_name": "primary", "condition_id": "up"}
    insert(c, "results", [{**row, "contrast": json.dumps(contrast)}])
    # No estimand is named, so p at the stop is of an earlier version and does not count.
    ended = ("d", 1.0, "futile", 3, 4, 3, 1, 1, 1.0, 5, "plan")
    assert rows(c, "behind_ends", WITHOUT_WAY, **CONTEXT) == [ended]
    for field, elsewhere in ELSEWHERE.items():
        assert rows(c, "behind_ends", **{**CONTEXT, field: elsewhere}) == []


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_a_number_has_the_rows_of_its_setting_behind_it(settings, name):
    assert rows(settings, name, COLUMNS.get(name, WITHOUT_WAY), **CONTEXT) == BEHIND[name]
    way = rows(settings, name, ", ".join(WAY), **CONTEXT)
    assert set(way) <= {("latent", "uniform", "add", "total"), (None,) * 4}


@pytest.mark.parametrize("field", sorted(CONTEXT))
@pytest.mark.parametrize("name", sorted(BEHIND))
def test_every_field_of_the_setting_decides(settings, name, field):
    columns = COLUMNS.get(name, WITHOUT_WAY)
    found = rows(settings, name, columns, **{**CONTEXT, field: ELSEWHERE[field]})
    # The small set has rows of this baseline, but other ones.
    assert found != BEHIND[name] if field == "set_name" else found == []
    assert len(found) <= len(BEHIND[name])


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_a_setting_without_decoding_and_problems_of_no_set_are_found(settings, name):
    undecoded: dict[str, Any] = {"decoding": None, "baseline_id": "base_undecoded"}
    assert len(rows(settings, name, **{**CONTEXT, **undecoded})) == len(BEHIND[name])
    c = database(
        {"base": {"a": W}, "up": {"a": R}, "r": {"a": W}},
        conditions={**UP, "r": {"direction": "r", "alpha": 1.0}},
        directions=CONTROL,
        problems={"a": 1},
    )
    assert rows(c, name, "count(*) > 0", **{**CONTEXT, "set_name": None}) == [(True,)]


@case
def behind_vectors():
    c = database({}, directions={"d": {}, **CONTROL})
    for name, position in (("d", 1), ("d", 0), ("r", 0)):
        vector = {"direction_id": name, "position": position, "values": [float(position)]}
        insert(c, "direction_vectors", [vector])
    assert rows(c, "behind_vectors") == [("d", 0, [0.0]), ("d", 1, [1.0])]


@case
def behind_direction_norms():
    norms = {"norm": 5.0, "norm_by_position": [3.0, 4.0]}
    c = database({}, directions={"e": norms, "d": {}, **CONTROL})
    assert rows(c, "behind_direction_norms") == [("d", None, None), ("e", 5.0, [3.0, 4.0])]


@case
def behind_directions():
    c = database({"base": {"a": W}, "up": {"a": R}}, conditions=UP, directions=CONTROL)
    assert rows(c, "behind_directions", "name, role, alphas") == [("d", "candidate", [1.0])]


def _with_norms():
    def norms(*values):
        return {"a": {"norm_before": list(values), "norm_after": list(values)}}

    return database({"base": norms(1.0, 2.0), "up": norms(3.0, 4.0)}, conditions=UP)


@case
def behind_latent_norms():
    assert rows(_with_norms(), "behind_latent_norms", "direction, position, mean_after") == [
        ("d", 0, 3.0),
        ("d", 1, 4.0),
        (None, 0, 1.0),
        (None, 1, 2.0),
    ]


@case
def behind_baseline_norms():
    assert rows(_with_norms(), "behind_baseline_norms") == [
        ("model", "codi", "float32", 0, 1.0),
        ("model", "codi", "float32", 1, 2.0),
    ]


@case
def alike_doses():
    c = database(
        {"base": {"a": W}, "one": {"a": R}, "two": {"a": R}, "up": {"a": R}},
        conditions={
            "one": {"direction": "d", "alpha": 0.1 + 0.2},
            "two": {"direction": "d", "alpha": 0.3},
            "up": {"direction": "d", "alpha": 0.31},
        },
    )
    assert rows(c, "alike_doses") == [("d", 0.3, [0.3, 0.1 + 0.2])]


@case
def export_instances():
    c = database({"base": {"a": W}, "up": {"a": R}}, conditions=UP)
    found = rows(c, "export_instances", "condition_id, problem_id, seed, direction, alpha, correct")
    assert found == [("base", "a", 0, None, 0.0, False), ("up", "a", 0, "d", 1.0, True)]
    found = rows(_scored(), "export_instances", "condition_id, problem_id, seed, score_name, score")
    assert found == [
        ("base", "a", 0, "f1", 0.25), ("base", "b", 0, "f1", None), ("base", "c", 0, None, None),
        ("up", "a", 0, "f1", 0.75), ("up", "b", 0, "f1", 1.0),
    ]  # fmt: skip


SCORES = [
    {"condition_id": condition, "problem_id": problem, "seed": seed, "name": "f1", "value": value}
    for condition, problem, seed, value in [
        ("base", "a", 0, 0.25), ("base", "b", 0, None), ("base", "a", 1, 0.5),
        ("up", "a", 0, 0.75), ("up", "b", 0, 1.0), ("up", "a", 1, 0.0), ("up", "a", 2, 2.0),
        ("up", "c", 0, 3.0),
    ]
]  # fmt: skip


def _scored():
    outcomes: dict[Any, dict[str, Any]] = {"base": {"a": W, "b": W, "c": W}, "up": {"a": R, "b": R}}
    sets: dict[str, Any] = {"primary": ("random", ["a", "b"])}
    return database(outcomes, conditions=UP, sets=sets, scores=SCORES)


@case
def score_pairs():
    assert rows(_scored(), "score_pairs") == [
        ("up", "primary", "f1", "a", 0, 0.75, 0.25),
        ("up", "primary", "f1", "a", 1, 0.0, 0.5),
        ("up", "primary", "f1", "a", 2, 2.0, 0.25),  # the baseline of seed 0 stands in
        ("up", "primary", "f1", "b", 0, 1.0, None),
    ]


@case
def behind_scores():
    asked = {**CONTEXT, "protocol": "codi"}
    assert rows(_scored(), "behind_scores", **asked) == [
        ("d", 1.0, "f1", "a", 0, 0.25, 0.75),
        ("d", 1.0, "f1", "a", 1, 0.5, 0.0),
        ("d", 1.0, "f1", "a", 2, 0.25, 2.0),
        ("d", 1.0, "f1", "b", 0, None, 1.0),
    ]
    for name, value in ELSEWHERE.items():
        assert rows(_scored(), "behind_scores", **{**asked, name: value}) == []


@case
def cut_off_conditions():
    cut = "truncated"
    outcomes: dict[Any, dict[str, Any]] = {
        "base": {"a": R, "b": cut, "c": cut, "d": W, "e": W},
        "up": {"a": R, "b": cut, "c": "parse_fail", "d": W, "e": W},
        "other": {"a": cut},
    }
    c = database(outcomes, conditions={**UP, "other": {"direction": "e", "alpha": 2.0}})
    asked: dict[str, Any] = {"conditions": ["base", "up"]}
    assert rows(c, "cut_off_conditions", **asked) == [(None, 0.0, 2, 5)]
    assert rows(c, "cut_off_conditions", **asked, share=0.1) == [
        (None, 0.0, 2, 5), ("d", 1.0, 1, 5),
    ]  # fmt: skip
    assert rows(c, "cut_off_conditions", conditions=["other"]) == [("e", 2.0, 1, 1)]


@case
def runs_with_rows():
    c = database({"base": {"a": W}})
    at = datetime(2026, 1, 2)
    insert(c, "runs", [{"run_id": "r", "created_at": at, "status": "complete", "command": "x"}])
    assert rows(c, "runs_with_rows") == [("r", at, "complete", "x", 0)]


@case
def behind_power():
    found = rows(_settings(), "behind_power", "DISTINCT set_name, direction, n_pairs")
    assert sorted(found) == [("primary", "d", 3), ("small", "d", 1)]


@case
def behind_verdicts():
    c = database({})
    insert(c, "analyses", [{"analysis_id": "one", "method": "m", "code_version": "0+a"}])

    def result(name: str, method: str, p: float, **contrast: Any) -> None:
        place = {**CONTEXT, "direction": "d", **contrast}
        row = {"analysis_id": "one", "name": name, "method": method, "p": p}
        insert(c, "results", [{**row, "contrast": json.dumps(place)}])

    claim = {"claim": "amplification", "control_kind": "random"}
    result("up", "McNemar mid-p, Tango", 0.5, alpha=1.0)
    result("a stop", "e-value, confidence sequence", 0.25, alpha=2.0)
    result("a rank", "rank of the share, own controls", 0.125, **claim)
    # Of these a verdict asks nothing.
    result("a stratum", "McNemar mid-p, Tango", 0.5, alpha=1.0, stratum="2")
    result("another test", "sign test", 0.5, alpha=1.0)
    result("another rank", "Crawford–Howell", 0.5, alpha=1.0)
    rank = ("d", None, *claim.values(), "rank of the share, own controls", 0.125, "0+a")
    paired = [
        ("d", 1.0, None, None, "McNemar mid-p, Tango", 0.5, "0+a"),
        ("d", 2.0, None, None, "e-value, confidence sequence", 0.25, "0+a"),
    ]
    columns = "direction, alpha, claim, control_kind, method, p, code_version"
    assert rows(c, "behind_verdicts", columns, **CONTEXT) == [rank, *paired]
    for field, elsewhere in ELSEWHERE.items():
        assert rows(c, "behind_verdicts", **{**CONTEXT, field: elsewhere}) == []
    result("no set", "McNemar mid-p, Tango", 1.0, set_name=None, decoding=None)
    no_set = {**CONTEXT, "set_name": None, "decoding": None}
    assert rows(c, "behind_verdicts", "p", **no_set) == [(1.0,)]


LOGPROBS: dict[Any, dict[str, Any]] = {
    "base": {"a": {"gold_logprob": -2.0}, "b": {"gold_logprob": -1.0}, "c": R},
    ("up", 0): {"a": {"gold_logprob": -1.5}, "b": R, "c": {"gold_logprob": -3.0}},
    ("up", 1): {"a": {"gold_logprob": -0.5}},
}


@case
def gold_logprobs():
    c = database(LOGPROBS, conditions=UP, sets={"primary": ("random", ["a", "b"])})
    # Seed 0 of the baseline stands in for the seed that it lacks; b and c have one side alone.
    columns = "condition_id, set_name, seed, steered, baseline"
    assert rows(c, "gold_logprobs", columns) == [
        ("up", "primary", 0, -1.5, -2.0),
        ("up", "primary", 1, -0.5, -2.0),
    ]


@case
def behind_logprobs():
    c = database(LOGPROBS, conditions=UP, sets={"primary": ("random", ["a", "b"])})
    columns = "direction, alpha, problem_id, seed, baseline, steered"
    assert rows(c, "behind_logprobs", columns, **CONTEXT) == [
        ("d", 1.0, "a", 0, -2.0, -1.5),
        ("d", 1.0, "a", 1, -2.0, -0.5),
    ]
    for name, value in ELSEWHERE.items():
        assert rows(c, "behind_logprobs", columns, **(CONTEXT | {name: value})) == []


@case
def behind_gates():
    c = database({}, runs=[{"run_id": "one", "gates": '{"a":1}'}, {"run_id": "two", "gates": "{}"}])
    assert rows(c, "behind_gates", run_id="one") == [("one", '{"a":1}')]


@case
def known_values():
    c = _settings()
    assert rows(c, "known_values", "parameter, value") == [
        ("direction", "d"),
        ("direction", "r"),
        ("scheme", "n_steps"),
        ("set_name", "primary"),
        ("set_name", "small"),
    ]


@case
def first_steered():
    c = database({"base": {"a": W}, "up": {"a": R}}, conditions=UP)
    insert(c, "run_keys", [{"run_no": 2, "run_id": "early"}, {"run_no": 3, "run_id": "nothing"}])
    c.execute(
        "INSERT INTO outcome_rows (condition_no, problem_no, seed, run_no, status) "
        "SELECT condition_no, problem_no, 1, 2, status FROM outcome_rows"
    )
    days = {"run": 3, "early": 2, "nothing": 1}
    runs = [{"run_id": name, "created_at": f"2026-01-0{day}"} for name, day in days.items()]
    insert(c, "runs", runs)
    assert rows(c, "first_steered") == [("d", datetime(2026, 1, 2))]


@case
def pilot_discordance():
    doses = {"down": -2.0, "up": 2.0, "far": 4.0, "near": 1.0}
    c = database(
        {
            "base": {"a": W, "b": R, "c": R},
            "down": {"a": R, "b": W, "c": R},
            "up": {"a": R, "b": R, "c": "error"},
            "far": dict.fromkeys("abc", W),
            "near": dict.fromkeys("abc", W),
        },
        conditions={name: {"direction": "d", "alpha": alpha} for name, alpha in doses.items()},
        sets={"primary": ("random", ["a", "b"]), "other": ("random", ["c"])},
    )
    assert rows(c, "pilot_discordance", least=1.5, most=2.5) == [(3, 5)]
    assert rows(c, "pilot_discordance", least=1.5, most=2.5, set_name="primary") == [(3, 4)]
    assert rows(c, "pilot_discordance", least=1.5, most=2.5, set_name="other") == [(0, 1)]
    assert rows(c, "pilot_discordance", least=0.0, most=0.0) == [(None, None)]


def _exported():
    """A direction with a control, another candidate, two protocols and two seeds."""
    return database(
        {
            "base": {"a": W, "b": R, "c": R},
            "up": {"a": R, "b": "truncated", "c": W},
            "up_again": {"a": W},
            "r": {"a": W},
            "e": {"a": R},
            ("up", 1): {"a": W},
            "base_report": {"a": R},
            "up_report": {"a": W},
        },
        conditions={
            "base": {},
            "up": {"direction": "d", "alpha": 1.0},
            "up_again": {"direction": "d", "alpha": 1.0, "schedule": "first"},
            "r": {"direction": "r", "alpha": 1.0},
            "e": {"direction": "e", "alpha": 1.0},
            "base_report": {"protocol": "report"},
            "up_report": {"direction": "d", "alpha": 1.0, "protocol": "report"},
        },
        directions={"d": {}, "e": {}, **CONTROL},
        sets={"primary": ("random", ["a", "b"]), "train": ("random", ["c"])},
    )


@case
def export_settings():
    c = _exported()
    columns = "direction, protocol, schedule, condition_id"
    assert rows(c, "export_settings", columns) == [
        ("d", "codi", "first", "up_again"),
        ("d", "codi", "uniform", "up"),
        ("d", "report", "uniform", "up_report"),
        ("e", "codi", "uniform", "e"),
    ]
    assert rows(c, "export_settings", columns, direction="r") == [("r", "codi", "uniform", "r")]
    c = database(
        {"r": {"a": W}, "d": {"a": W}},
        conditions={"r": {"direction": "r"}, "d": {"direction": "d", "alpha": 0.0}},
        directions={"d": {}, **CONTROL},
    )
    assert rows(c, "export_settings", columns) == []


@case
def condition_outcomes():
    outcomes: dict[Any, dict[str, Any]] = {
        ("base", 0): {"a": R},
        ("up", 0): {"b": "truncated", "a": W, "c": "error"},
        ("up", 1): {"a": R},
    }
    c = database(outcomes, conditions=UP)
    c.execute("UPDATE problems SET attributes = '{\"key\":\"1\"}' WHERE problem_id = 'a'")
    assert rows(c, "condition_outcomes", condition="up") == [
        ("a", 0, W, W, "question a", '{"key":"1"}'),
        ("a", 1, R, R, "question a", '{"key":"1"}'),
        ("b", 0, W, None, "question b", None),
        ("c", 0, None, None, "question c", None),
    ]
    assert rows(c, "condition_outcomes") == []


@case
def export_outcomes():
    columns = "direction, role, alpha, problem_id, correct, status, gold"
    assert rows(_exported(), "export_outcomes", columns, condition="up") == [
        (None, None, 0.0, "a", W, "ok", "1"),
        (None, None, 0.0, "b", R, "ok", "1"),
        ("d", "candidate", 1.0, "a", R, "ok", "1"),
        ("d", "candidate", 1.0, "b", None, "truncated", "1"),
        ("r", "control", 1.0, "a", W, "ok", "1"),
    ]
    found = rows(_exported(), "export_outcomes", columns, condition="up", set_name="train")
    assert found == [
        (None, None, 0.0, "c", R, "ok", "1"),
        ("d", "candidate", 1.0, "c", W, "ok", "1"),
    ]
    found = rows(_exported(), "export_outcomes", columns, condition="up_report")
    assert [row[:5] for row in found] == [
        (None, None, 0.0, "a", R),
        ("d", "candidate", 1.0, "a", W),
    ]
    found = rows(_exported(), "export_outcomes", columns, condition="up_again")
    assert [row[:5] for row in found] == [
        (None, None, 0.0, "a", W),
        (None, None, 0.0, "b", R),
        ("d", "candidate", 1.0, "a", W),
    ]


@case
def export_pair_ids():
    c = database({}, problems={})
    told = {"a": "7", "b": None, "c": '"a12"', "d": "1.7", "e": '"12"', "f": "[3]", "g": "1" * 19}
    insert(
        c,
        "problems",
        [
            {"problem_id": name, "attributes": text and f'{{"pair_id":{text}}}'}
            for name, text in told.items()
        ],
    )
    numbers = {"a": 7, "e": 12}
    assert rows(c, "export_pair_ids") == [(name, numbers.get(name)) for name in told]


@case
def export_problems():
    c = database({"base": {"b": W, "a": W}}, problems={"b": 2, "a": None})
    assert rows(c, "export_problems") == [
        ("a", "question a", "1", None),
        ("b", "question b", "1", 2),
    ]


@case
def export_split():
    given = {"condition": "up"}
    c = database(
        {
            "base": {"a": {"correct": R, "answer": "1"}, "b": W, "c": R},
            ("base", 1): {"b": R},
            "up": {"a": W},
        },
        conditions={"base": {}, **UP},
        problems={"a": 1, "b": 2, "c": 3, "d": 4},
        sets={
            "primary": ("random", ["a", "b"]),
            "train": ("random", ["c", "d"]),
            "aside": ("random", ["a"]),
        },
    )
    c.execute("UPDATE problem_sets SET label = false WHERE problem_id = 'c'")
    assert rows(c, "export_split", **given) == [
        ("primary", "a", "1", 1, "1", True),
        ("primary", "b", "1", 2, None, False),
        ("train", "c", "1", 3, None, False),
        ("train", "d", "1", 4, None, None),
    ]
    assert rows(c, "export_split", "set_name", **given, train="aside", test="aside") == [("aside",)]
    other = rows(c, "export_split", "problem_id, label", condition="none")
    assert other == [("a", None), ("b", None), ("c", False), ("d", None)]


@case
def export_vectors():
    c = database({}, directions={"d": {}, "e": {}, **CONTROL})
    for name, position in (("d", 1), ("d", 0), ("e", 0), ("r", 0)):
        vector = {"direction_id": name, "position": position, "values": [float(position)]}
        insert(c, "direction_vectors", [vector])
    columns = "direction_id, name, values"
    found = rows(c, "export_vectors", columns, direction="d")
    assert found == [("d", "d", [0.0]), ("d", "d", [1.0])]
    found = rows(c, "export_vectors", columns, direction="d", controls=True)
    assert found == [("r", "r", [0.0])]


@case
def export_activations():
    c = database(
        {},
        problems=dict.fromkeys("abc", 1),
        sets={"train": ("random", ["a", "b"]), "primary": ("random", ["c"])},
    )
    c.execute("UPDATE problem_sets SET label = problem_id <> 'a' WHERE problem_id <> 'b'")
    place = {"model_id": "m", "protocol": "codi", "site": "latent"}
    places = [
        place,
        {**place, "model_id": "n"},
        {**place, "protocol": "report"},
        {**place, "site": "residual:5"},
    ]
    for i, where in enumerate(places):
        for problem, position in (("a", 1), ("a", 0), ("b", 0), ("c", 0)):
            key = {**where, "problem_id": problem, "position": position}
            insert(c, "activations", [{**key, "values": [float(i), float(position)]}])
    columns = "problem_id, label, values, protocol, site"
    assert rows(c, "export_activations", columns, model="m") == [
        ("a", False, [0.0, 0.0], "codi", "latent"),
        ("a", False, [0.0, 1.0], "codi", "latent"),
    ]
    found = rows(c, "export_activations", columns, model="n", train="primary")
    assert found == [("c", True, [1.0, 0.0], "codi", "latent")]
    assert rows(c, "export_activations", columns, model="none") == []


@case
def outcome_lines():
    c = database(
        {
            "up": {"b": {"answer": "", "correct": W, "tokens": [5, 1]}, "a": "truncated"},
            "base": {"a": {"answer": "7", "correct": R}},
        },
        conditions={"base": {}, **UP},
    )
    lines = ["base|a|0|-|=7|ok|true\n", "up|a|0|-|-|truncated|-\n", "up|b|0|5,1|=|ok|false\n"]
    assert rows(c, "outcome_lines") == [(line,) for line in lines]
    assert rows(c, "outcome_lines", conditions=["up"]) == [(line,) for line in lines[1:]]
    assert rows(c, "outcome_lines", problems=["a"]) == [(line,) for line in lines[:2]]
    assert rows(c, "outcome_lines", problems=[]) == []


def _with_shards():
    c = database({})
    shards = [(1, "b", 0, "e-c"), (3, "e-c", 2, None), (2, "a", 3, None)]
    for number, shard_id, ignored, replaced_by in shards:
        row = {"shard_no": number, "shard_id": shard_id, "rows_ignored": ignored}
        insert(c, "shards", [{**row, "replaced_by": replaced_by}])
    return c


@case
def shards_with_ignored_rows():
    c = _with_shards()
    c.execute("UPDATE shards SET table_name = 'outcomes', rows_ignored = 1")
    assert rows(c, "shards_with_ignored_rows") == [("a",), ("e-c",)]
    c.execute("UPDATE shards SET rows_ignored = 0 WHERE shard_id = 'a'")
    assert rows(c, "shards_with_ignored_rows", table="outcomes") == [("e-c",)]
    assert rows(c, "shards_with_ignored_rows", table="problems") == []


@case
def replace_shards():
    c = _with_shards()
    c.execute("UPDATE shards SET table_name = 'outcomes'")
    known = "SELECT shard_id, replaced_by FROM shards ORDER BY shard_id"
    before = [("a", None), ("b", "e-c"), ("e-c", None)]
    script = loader.internal("replace_shards")
    for given in ({"parts": ["other"]}, {"parts": ["a"], "table": "problems"}):
        assert loader.execute(c, script, shard="f-c", **given).fetchall() == [(0,)]
        assert c.execute(known).fetchall() == before
    # The shard that was compacted before and the one that holds its rows now.
    assert loader.execute(c, script, shard="f-c", parts=["e-c"]).fetchall() == [(2,)]
    assert c.execute(known).fetchall() == [("a", None), ("b", "f-c"), ("e-c", "f-c")]


@case
def ingested_shards():
    assert rows(database({}), "ingested_shards") == []
    assert rows(_with_shards(), "ingested_shards") == [("a",), ("e-c",)]


@case
def ignored_rows():
    assert rows(database({}), "ignored_rows") == [(0,)]
    assert rows(_with_shards(), "ignored_rows") == [(5,)]


@case
def next_shard_no():
    assert rows(database({}), "next_shard_no") == [(1,)]
    assert rows(_with_shards(), "next_shard_no") == [(4,)]


@case
def broken_references():
    # Whole: steered and baseline, a control with its candidate, a set; a baseline yet to be run.
    whole: dict[str, Any] = {
        "outcomes": {"up": {"a": R}},
        "conditions": {"base": {}, **UP},
        "directions": CONTROL,
        "sets": {"primary": ("random", ["a"])},
    }
    assert rows(database(**whole), "broken_references") == []
    for statement, row in (
        ("DELETE FROM models", ("condition", "model", 2, "base", "m")),
        ("DELETE FROM conditions WHERE direction_id IS NULL", BASELESS),
        ("UPDATE conditions SET dtype = 'other' WHERE direction_id IS NULL", BASELESS),
        (
            "DELETE FROM conditions WHERE condition_id = 'up'",
            ("outcome", "condition", 1, "up a", "up"),
        ),
        ("UPDATE directions SET norm = 1 WHERE direction_id = 'd'", VECTORLESS),
        ("UPDATE directions SET parent_id = 'gone'", ("control", "candidate", 2, "d", "gone")),
    ):
        c = database(**whole)
        c.execute(statement)
        assert rows(c, "broken_references") == [row]
    c = database(**whole)
    c.execute("DELETE FROM directions WHERE direction_id = 'd'")
    assert rows(c, "broken_references") == [
        ("condition", "direction", 1, "up", "d"),
        ("control", "candidate", 1, "r", "d"),
    ]
    c = database(**whole)
    c.execute("DELETE FROM problems")
    assert rows(c, "broken_references") == [
        ("outcome", "problem", 1, "up a", "a"),
        ("problem set", "problem", 1, "primary", "a"),
    ]
    # A steered condition that nothing was collected with yet lacks no baseline; outcomes alone
    # describe nothing.
    c = database({}, conditions=UP)
    assert rows(c, "broken_references") == []
    c = database(**whole)
    c.execute("DELETE FROM conditions")
    assert rows(c, "broken_references") == []


BASELESS = ("condition", "baseline", 1, "up", None)
VECTORLESS = ("direction", "vectors", 1, "d", None)


@case
def applied_migrations():
    c = database({})
    made = [(script.version, script.sha256) for script in loader.migrations()]
    assert rows(c, "applied_migrations") == made
    c.execute("UPDATE schema_migrations SET version = 7 WHERE version = 1")
    c.execute("DELETE FROM schema_migrations WHERE version BETWEEN 2 AND 6")
    insert(c, "schema_migrations", [{"version": 5, "sha256": "abc"}])
    assert rows(c, "applied_migrations") == [(5, "abc"), (7, made[0][1])]


@case
def store_fact():
    c = database({})
    facts = [{"name": name, "value": value} for name, value in (("a", "1"), ("b", "2"))]
    insert(c, "store_info", facts)
    assert rows(c, "store_fact", name="b") == [("2",)]
    assert rows(c, "store_fact", name="c") == []


@case
def record_migration():
    c = database({})
    c.execute("DELETE FROM schema_migrations")
    given = {"version": 5, "name": "0005_more", "sha256": "abc"}
    assert loader.execute(c, loader.internal("record_migration"), **given).fetchall() == [(1,)]
    recorded = "SELECT version, name, sha256, now() - applied_at < INTERVAL 1 DAY"
    found = c.execute(f"{recorded} FROM schema_migrations").fetchall()
    assert found == [(5, "0005_more", "abc", True)]


@case
def keep_store_fact():
    c = database({})
    c.execute("DELETE FROM store_info")
    for name, value in (("a", "1"), ("b", "2"), ("a", "3")):
        script = loader.internal("keep_store_fact")
        assert loader.execute(c, script, name=name, value=value).fetchall() == [(1,)]
    found = c.execute("SELECT name, value FROM store_info ORDER BY name").fetchall()
    assert found == [("a", "3"), ("b", "2")]


@case
def not_computed_anew():
    c = database({"up": {"a": R, "b": W}, ("up", 1): {"a": R}}, conditions=UP)
    with TemporaryDirectory() as folder:
        file = f"{folder}/aside.parquet"
        units = "('up', 'b', 0), ('up', 'b', 1), ('up', 'a', 1), ('down', 'a', 0), ('up', 'b', 1)"
        c.execute(f"COPY (FROM (VALUES {units}) AS t(condition_id, problem_id, seed)) TO '{file}'")
        lacking = [("down", "a", 0), ("up", "b", 1)]
        assert rows(c, "not_computed_anew", files=[file]) == lacking


@case
def compared_with():
    c = database(
        {"base": {"a": W}, "up": {"a": R}, "r": {"a": W}},
        conditions={**UP, "r": {"direction": "r", "alpha": 1.0}},
    )
    assert rows(c, "compared_with", conditions=["base"]) == [(2,)]
    assert rows(c, "compared_with", conditions=["base", "up"]) == [(1,)]
    assert rows(c, "compared_with", conditions=["up"]) == [(0,)]


@case
def outcome_extent():
    assert rows(database({}), "outcome_extent") == [(0, 0, None, None, None, None)]
    c = database({})
    for numbers in ((4, 1, 2, 1), (0, 6, 5, 2), (1, 0, 3, 3)):
        names = ("condition_no", "problem_no", "seed", "shard_no")
        insert(c, "outcome_rows", [dict(zip(names, numbers, strict=True))])
    assert rows(c, "outcome_extent", first=2) == [(3, 2, 5, 7, 2, 5)]
    assert rows(c, "outcome_extent", first=4) == [(3, 0, 5, 7, 2, 5)]


def _ran(connection: Any, name: str, **given: Any) -> int:
    """How many rows a statement says that it changed."""
    return int(loader.execute(connection, loader.internal(name), **given).fetchall()[0][0])


def _steered_on_two_sets():
    return database(
        {"base": {"a": W, "b": R}, "up": {"a": R, "b": R}},
        conditions=UP,
        sets={"one": ("random", ["a", "b"]), "two": ("random", ["a"])},
    )


@case
def without_sets():
    c = _steered_on_two_sets()
    assert _ran(c, "without_sets", ids=["one", "none"]) == 2
    assert rows(c, "problem_sets", "set_name, problem_id") == [("two", "a")]


@case
def without_problems():
    c = _steered_on_two_sets()
    assert _ran(c, "without_problems", ids=["one\na", "two\nb"]) == 1
    assert rows(c, "problem_sets", "set_name, problem_id") == [("one", "b"), ("two", "a")]


@case
def without_directions():
    c = _steered_on_two_sets()
    assert _ran(c, "without_directions", ids=["d"]) == 1
    assert rows(c, "conditions", "condition_id") == [("base",)]


@case
def without_conditions():
    c = _steered_on_two_sets()
    assert _ran(c, "without_conditions", ids=["up", "down"]) == 1
    assert rows(c, "conditions", "condition_id") == [("base",)]


@case
def without_outcomes():
    c = _steered_on_two_sets()
    assert _ran(c, "without_outcomes", ids=["b"]) == 2
    assert rows(c, "outcomes", "condition_id, problem_id") == [("base", "a"), ("up", "a")]


@case
def grade_anew():
    c = _steered_on_two_sets()
    c.execute(
        "CREATE TEMP TABLE graded AS SELECT 'up' AS condition_id, 'a' AS problem_id, 0 AS seed, "
        "'error' AS status, NULL::BOOLEAN AS correct"
    )
    assert _ran(c, "grade_anew") == 1
    graded = rows(c, "outcomes", "condition_id, problem_id, status, correct")
    assert ("up", "a", "error", None) in graded
    assert ("up", "b", "ok", True) in graded
    assert ("base", "a", "ok", False) in graded


@pytest.mark.parametrize("name", sorted(set(loader.scripts("internal")) - set(BEHIND)))
def test_query_returns_exact_rows(name):
    assert name in CASES, f"internal/{name}.sql has no test here"
    CASES[name]()


def test_no_user_reaches_an_internal_query_by_name():
    named = {*loader.queries(), *loader.scripts("views"), *loader.scripts("macros")}
    assert not set(loader.scripts("internal")) & named

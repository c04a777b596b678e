"""A store of some 2,000 outcomes in which nothing is wrong, as rows by table.

24 test problems and 24 training problems, each of other words; a direction that is fitted, run at
two doses and at 0, and beaten by none of its 39 controls; a second decode that agrees, a plan that
came first, results, claims, and a document that says what is there.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np

Rows = dict[str, list[dict[str, Any]]]

N, CONTROLS, POSITIONS, WIDTH = 24, 39, 3, 4
GAINED = 8  # of the candidate at +1, and as many lost at −1
START = datetime(2026, 1, 2, 12)
MODEL, RUN = "m" * 32, "r" * 32
PLAN = """title = "Push"
set = "test"
problems = 24
alphas = [-1.0, 1.0]
smallest_effect = "20 pts"
discordance = "30%"

[[contrast]]
name = "push"
direction = "push"
against = "both"

[controls]
kind = "random_per_position"
number = 39
"""
DOCUMENT = """# Push

Steering with push on n = 24 problems, against 39 control directions.

| α | accuracy |
|---|---|
| 0 | 50.0% |
| +1 | 83.3% |

At α = +1 8 gained and 0 lost of 24: [+14.9, +53.3] points.

With 8 gained and 0 lost, p = 0.004.
"""
_FIELDS = {"name": "codi", "n_latent": POSITIONS, "parser": "number", "parser_version": 2}
_NAMES = ("Ana", "Ben", "Cem", "Dora", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jill", "Kai", "Lea")
_THINGS = ("keys", "shells", "coins", "books")
_STEPS = (("add", "+"), ("lose", "-"))


def clean_rows() -> Rows:
    """The rows of every table."""
    rng = np.random.default_rng(0)
    rows: Rows = {"problems": _problems(), "models": [_model()], "runs": [_run()]}
    ids = [row["problem_id"] for row in rows["problems"]]
    test, train = ids[:N], ids[N:]
    right = {problem: i % 2 == 0 for i, problem in enumerate(ids)}
    rows["problem_sets"] = [
        *(_member("test", "test", "random", one, None) for one in test),
        *(_member("train", "train", "balanced_on_baseline", one, right[one]) for one in train),
    ]
    # Strata that are neither the outcome nor the order.
    rows["strata"] = [
        {"scheme": "thing", "problem_id": one, "level": str(i // 2 % 3), "source": "made",
         "run_id": None}
        for i, one in enumerate(ids)
    ]  # fmt: skip
    rows |= _directions(rng)
    rows["activations"] = _activations(train, right, rng)
    rows |= _outcomes(rows, ids, right, rng)
    rows["plans"] = [
        {"plan_id": "p" * 32, "text": PLAN, "sha256": hashlib.sha256(PLAN.encode()).hexdigest(),
         "frozen_at": START - timedelta(days=1), "superseded": None}
    ]  # fmt: skip
    return rows | _concluded()


def _problems() -> list[dict[str, Any]]:
    rows = []
    for i in range(2 * N):
        name, thing = _NAMES[i % len(_NAMES)], _THINGS[i // len(_NAMES)]
        steps = 1 + i // 2 % 2
        (verb, sign), first, second = _STEPS[i // 4 % 2], 20 + i // 4, 3 + i % 7 // 2
        value = first + second if sign == "+" else first - second
        text = f"{name} has {first} {thing} and will {verb} {second} of them."
        worked = f"<<{first}{sign}{second}={value}>>{value}"
        if steps == 2:
            text += f" Then {second + 50} more {thing} come."
            worked += f" <<{value}+{second + 50}={value + second + 50}>>"
            value += second + 50
        attributes = {"operations": sign * steps, "worked": f"{worked} #### {value}"}
        rows.append(
            {"problem_id": f"problem{i:03d}".ljust(32, "0"), "question": text,
             "answer": str(value), "n_steps": steps, "attributes": json.dumps(attributes),
             "source": "made"}
        )  # fmt: skip
    return rows


def _model() -> dict[str, Any]:
    return {"model_id": MODEL, "name": "tiny", "family": "codi", "weights_sha256": "a" * 64,
            "tokenizer_sha256": "b" * 64, "n_layer": 2, "d_model": WIDTH,
            "n_latent": POSITIONS}  # fmt: skip


def _run() -> dict[str, Any]:
    gates = {"codi": {"protocol": "codi", "live": {"dead": []}}}
    return {"run_id": RUN, "created_at": START, "finished_at": START + timedelta(minutes=1),
            "status": "complete", "command": "steerstat collect", "code_version": "0.1.0",
            "git_commit": "c" * 40, "library_versions": '{"torch": "2.9"}', "host": "here",
            "device": "cpu", "rng_seed": 0, "plan_id": None,
            "gates": json.dumps(gates)}  # fmt: skip


def _member(name: str, split: str, selection: str, problem: str, label: bool | None) -> Any:
    return {"set_name": name, "problem_id": problem, "split": split, "selection": selection,
            "run_id": RUN, "label": label}  # fmt: skip


def _directions(rng: np.random.Generator) -> Rows:
    """The candidate, and controls of its norm at each position."""
    push = np.array([[1.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 1.5, 0]])
    norms = np.linalg.norm(push, axis=1)
    directions, vectors = [], []
    for i in range(CONTROLS + 1):
        drawn = rng.standard_normal(push.shape)
        values = drawn * (norms / np.linalg.norm(drawn, axis=1))[:, None] if i else push
        key = "push".ljust(32, "0") if i == 0 else f"control{i:03d}".ljust(32, "0")
        directions.append(
            {
                "direction_id": key,
                "name": "push" if i == 0 else f"random_{i:03d}",
                "kind": "mean_difference" if i == 0 else "random_per_position",
                "role": "candidate" if i == 0 else "control",
                "site": "latent",
                "norm": float(np.linalg.norm(values)),
                "norm_by_position": norms.tolist(),
                "parent_id": None if i == 0 else "push".ljust(32, "0"),
                "recipe": json.dumps({"fit": "mean_difference", "fitted_at": "latent"})
                if i == 0
                else json.dumps({"control": "random_per_position"}),
                "fitted_on": json.dumps({"set": "train"}) if i == 0 else None,
                "rng_seed": None if i == 0 else 0,
                "created_at": START,
            }
        )
        vectors += [
            {"direction_id": key, "position": t, "values": values[t].tolist()}
            for t in range(POSITIONS)
        ]
    return {"directions": directions, "direction_vectors": vectors}


def _activations(
    train: list[str], right: dict[str, bool], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Activations that tell right from wrong along the candidate, with a little noise."""
    push = np.array([[1.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 1.5, 0]])
    return [
        {"model_id": MODEL, "protocol": "codi", "problem_id": problem, "site": "latent",
         "position": t,
         "values": (push[t] * (0.5 if right[problem] else -0.5)
                    + 0.3 * rng.standard_normal(WIDTH)).tolist()}
        for problem in train for t in range(POSITIONS)
    ]  # fmt: skip


def _condition(name: str, **fields: Any) -> dict[str, Any]:
    return {"condition_id": name.ljust(32, "0"), "model_id": MODEL, "direction_id": None,
            "alpha": 0.0, "schedule": None, "site": None, "operator": None, "effect": None,
            "protocol": "codi", "protocol_fields": json.dumps(_FIELDS),
            "decoding": '{"mode": "greedy"}', "dtype": "float32", **fields}  # fmt: skip


def _outcomes(rows: Rows, ids: list[str], right: dict[str, bool], rng: np.random.Generator) -> Rows:
    """Baselines of all problems, and every direction on the test problems."""
    answers = {row["problem_id"]: int(row["answer"]) for row in rows["problems"]}
    conditions = [_condition("baseline"), _condition("again", dtype="bfloat16")]
    outcomes = [
        _outcome(one["condition_id"], problem, right[problem], answers[problem], 0.0)
        for one in conditions
        for problem in ids
    ]
    how = {"schedule": "uniform", "site": "latent", "operator": "add", "effect": "total"}
    test = ids[:N]
    for i, direction in enumerate(rows["directions"]):
        for alpha in (-1.0, 0.0, 1.0) if i == 0 else (-1.0, 1.0):
            condition = _condition(
                f"{direction['name']}{alpha:+g}".replace("_", ""),
                direction_id=direction["direction_id"], alpha=alpha, **how,
            )  # fmt: skip
            conditions.append(condition)
            now = _steered(i, alpha, test, right, rng)
            outcomes += [
                _outcome(condition["condition_id"], one, now[one], answers[one], alpha)
                for one in test
            ]
    return {"conditions": conditions, "outcomes": outcomes}


def _steered(
    i: int, alpha: float, test: list[str], right: dict[str, bool], rng: np.random.Generator
) -> dict[str, bool]:
    """Which test problems are right: the candidate moves with its dose, controls at random."""
    now = {one: right[one] for one in test}
    if not alpha:
        return now
    wrong_ones = [one for one in test if not right[one]]
    right_ones = [one for one in test if right[one]]
    if i == 0:
        moved = (wrong_ones if alpha > 0 else right_ones)[:GAINED]
        return now | dict.fromkeys(moved, alpha > 0)
    # Changes of controls spread as normal quantiles do, with an order of their own at each dose.
    order = np.random.default_rng(10 + int(alpha)).permutation(CONTROLS)
    net = round(1.6 * _quantile((int(order[i - 1]) + 0.5) / CONTROLS))
    gained, lost = 2 + max(net, 0), 2 + max(-net, 0)
    up = rng.permutation(wrong_ones)[:gained]
    down = rng.permutation(right_ones)[:lost]
    return now | dict.fromkeys(up.tolist(), True) | dict.fromkeys(down.tolist(), False)


def _quantile(share: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(share))


def _outcome(condition: str, problem: str, right: bool, gold: int, alpha: float) -> Any:
    """An outcome whose wording says its condition, so that no two give the same outputs."""
    answer = gold if right else gold + 1
    words = f"({condition.rstrip('0')}) The answer is {answer}."
    before = [10.0] * POSITIONS
    after = [10.0 + abs(alpha) * 0.3] * POSITIONS
    return {"condition_id": condition, "problem_id": problem, "seed": 0, "run_id": RUN,
            "tokens": None, "text": words, "answer": str(answer), "status": "ok",
            "correct": right, "gold_logprob": -1.0, "margin": 1.0, "fragile": False,
            "norm_before": before, "norm_after": after, "norm_fed": after,
            "cosine": [0.1] * POSITIONS}  # fmt: skip


def _concluded() -> Rows:
    """What was stored of an analysis, and of the claims of the document."""
    contrast = {"direction": "push", "set_name": "test", "alpha": 1.0}
    result = {"analysis_id": "n" * 32, "name": "alpha=1.0: primary",
              "quantity": "accuracy difference", "contrast": json.dumps(contrast),
              "estimate": GAINED / N, "low": 0.149, "high": 0.533, "level": 0.95, "p": 0.00390625,
              "p_adjusted": 0.01171875, "statistic": None, "n": N, "gained": GAINED, "lost": 0,
              "k": None, "family_size": 3, "method": "McNemar mid-p, Tango", "status": "ok",
              "family": "alphas of push on test", "scope": "new problems",
              "selected_on_outcome": False, "stamp": "confirmatory"}  # fmt: skip
    analysis = {"analysis_id": "n" * 32, "method": "paired effects", "parameters": "{}",
                "rows_digest": None, "code_version": "0.1.0", "rng_seed": None,
                "plan_id": "p" * 32}  # fmt: skip
    claims = [
        {"claim_id": f"claim{i}", "document": "Push", "text": "a number", "printed": printed,
         "recomputed": printed, "verdict": "PASS", "reason": "it prints the same"}
        for i, printed in enumerate(
            ("24", "39", "0", "+1", "1", "50.0%", "83.3%", "8", "[+14.9, +53.3] pts", "p=0.004")
        )
    ]  # fmt: skip
    return {"results": [result], "analyses": [analysis], "claims": claims}

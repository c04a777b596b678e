"""Three gates that a model passes before a sweep writes a row.

1. The baseline's tokens are those of a plain, unbatched decode without hooks.
2. Outcomes do not depend on how units are batched, but where their margin is fragile.
3. Every steered position and layer changes the logits when nudged; one that does not is dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from collect.engine.batches import Unit
from collect.engine.engine import Engine
from collect.engine.interventions import Steering, site_vectors
from collect.engine.protocol import Protocol
from collect.engine.reading import activations
from collect.engine.reference import plain_answer
from collect.engine.workers import ordered, worker_count
from collect.models.model import Model
from sql.errors import UserError

FRAGILE_FACTOR = 10.0  # margins below this many times the batch difference are fragile
SINGLE_UNITS = 24  # units that are also computed all alone
UNEVEN_ROWS = 5
NUDGE_SEED = 0
# Rounding can move a logit by this share of the largest one; more is a fault, not rounding.
ROUNDING = {"float32": 1e-3, "float64": 1e-6, "bfloat16": 0.1, "float16": 0.02}


class GateFailure(UserError):
    """A gate was not passed: nothing may be collected with this model and protocol."""


def run_gates(
    model: Model,
    questions: Sequence[str],
    gold: Sequence[str] | None,
    steerings: Sequence[Steering],
    *,
    protocol: str | Protocol | None = None,
    decoding: Mapping[str, str | float] | None = None,
    strict: bool = True,
) -> dict[str, Any]:
    """Run the gates on some questions; the result is JSON-able and stored with the run.

    Args:
        model: the model.
        questions: a handful of texts (every steering is run on each).
        gold: their canonical answers, or None.
        steerings: some of the sweep's, for the batch gate and for the sites to nudge.
        protocol: the sweep's protocol; None is the model's own.
        decoding: its decoding; the first gate is always greedy.
        strict: raise where a gate fails, rather than say so in the result.

    Returns:
        `passed`, `fragile_below` (logits: 10 times the largest difference between batches, or
        10 rounding units of the largest logit where that is more), and one entry per gate:
        `baseline`, `batch`, `live` (with `dead`, a list such as `latent[5]`).

    Raises:
        GateFailure: the first or the second gate fails.
    """
    steerings = [Steering(None), *(s for s in steerings if not s.is_baseline)]
    chosen = [_for_questions(s, len(questions)) for s in steerings]
    engine = Engine(model, questions, gold, chosen, protocol, decoding, 2**30, None)
    batch = _batch_gate(engine, len(questions))
    # A few questions that happen to agree exactly do not make all others do so.
    noise = max(batch["largest_logit_difference"], batch["rounding_unit"])
    fragile = FRAGILE_FACTOR * noise
    baseline = _baseline_gate(engine, questions, gold, fragile)
    live = _live_gate(engine, questions, gold, fragile)
    passed = baseline["passed"] and batch["passed"]
    result = {
        "passed": passed,
        "protocol": engine.protocol.name,
        "dtype": str(model.dtype).removeprefix("torch."),
        "n_questions": len(questions),
        "fragile_below": fragile,
        "baseline": baseline,
        "batch": batch,
        "live": live,
    }
    if strict and not passed:
        failed = [gate for gate in ("baseline", "batch") if not result[gate]["passed"]]
        raise GateFailure(
            f"gate {' and '.join(failed)} failed for {model.name}, protocol "
            f"{engine.protocol.name}: {result[failed[0]]['differing']} answers differ and logits "
            f"move by {batch['largest_logit_difference']:.1e} between batches; nothing was "
            "collected, so check the checkpoint and its protocol"
        )
    return result


def _for_questions(steering: Steering, n: int) -> Steering:
    """Doses per problem belong to the whole sweep's problems, not to the gates' few."""
    if steering.alpha_factors is None or len(steering.alpha_factors) == n:
        return steering
    return replace(steering, alpha_factors=None)


Logits = np.ndarray[Any, np.dtype[np.float32]]
Seen = dict[Unit, tuple[list[int], float, Logits]]


def _seen(engine: Engine, units: Sequence[Unit], max_rows: int | None) -> Seen:
    """Tokens, margin and the logits at the answer's start, by unit, for one way of batching."""
    engine.max_rows = max_rows
    seen: Seen = {}
    for block, logits in engine.blocks_with_logits(units):
        keys = zip(
            block.problem.tolist(), block.steering.tolist(), block.seed.tolist(), strict=True
        )
        for i, key in enumerate(keys):
            seen[Unit(*key)] = (block.tokens[i], float(block.margin[i]), logits[i])
    engine.max_rows = None
    return seen


def _difference(seen: Seen, reference: Seen, unit: Unit, against: Unit) -> float:
    """Largest logit difference of two units, over as many tokens as both were fed."""
    mine, theirs = seen[unit][2], reference[against][2]
    common = min(len(mine), len(theirs))
    return float(np.abs(mine[:common] - theirs[:common]).max())


def _batch_gate(engine: Engine, n_questions: int) -> dict[str, Any]:
    units = [Unit(p, s, 0) for p in range(n_questions) for s in range(len(engine.steerings))]
    whole = _seen(engine, units, None)
    spread = units[:: max(1, len(units) // SINGLE_UNITS)]
    layouts = {
        "alone": _seen(engine, spread, 1),
        "uneven": _seen(engine, units, UNEVEN_ROWS),
        "every_third": _seen(engine, units[::3], None),
    }
    largest = max(
        _difference(seen, whole, unit, unit) for seen in layouts.values() for unit in seen
    )
    changed = [
        min(margin, whole[unit][1])
        for seen in layouts.values()
        for unit, (tokens, margin, _) in seen.items()
        if tokens != whole[unit][0]
    ]
    top = max(float(np.abs(logits).max()) for _, _, logits in whole.values())
    unit = torch.finfo(engine.model.dtype).eps * top
    differing = sum(margin >= FRAGILE_FACTOR * max(largest, unit) for margin in changed)
    rounding = ROUNDING.get(str(engine.model.dtype).removeprefix("torch."), 1e-3) * top
    return {
        "passed": differing == 0 and largest <= rounding,
        "rounding_unit": unit,
        "differing": differing,
        "fragile": len(changed) - differing,
        "largest_logit_difference": largest,
        "layouts": sorted(layouts),
        "n_units": len(units),
    }


def _baseline_gate(
    engine: Engine, questions: Sequence[str], gold: Sequence[str] | None, fragile: float
) -> dict[str, Any]:
    greedy = Engine(
        engine.model, questions, gold, [Steering(None)], engine.protocol, None, 2**30, None
    )
    ours = _seen(greedy, [Unit(p, 0, 0) for p in range(len(questions))], None)
    differing, near = [], 0
    asked = (questions[unit.problem] for unit in ours)
    decode = partial(plain_answer, engine.model, engine.protocol)
    answers = ordered(decode, asked, worker_count(engine.model))
    for (unit, (tokens, margin, _)), plain in zip(ours.items(), answers, strict=True):
        if plain.tokens != tokens:
            if min(plain.margin, margin) >= fragile:
                differing.append(unit.problem)
            else:
                near += 1
    return {
        "passed": not differing,
        "differing": len(differing),
        "fragile": near,
        "n_questions": len(ours),
    }


def _live_gate(
    engine: Engine, questions: Sequence[str], gold: Sequence[str] | None, noise: float
) -> dict[str, Any]:
    """Nudge every steered position of every site by a vector as long as what stands there."""
    model, steered = engine.model, [s for s in engine.steerings if not s.is_baseline]
    sites = sorted({site for s in steered for site in s.sites}) or [
        "latent" if engine.protocol.n_latent else f"residual:{model.n_layer // 2}"
    ]
    asked = list(questions[:4])
    nudges, names = _nudges(engine, sites, asked)
    probe = Engine(
        model, asked, None if gold is None else gold[:4],
        [Steering(None), *nudges], engine.protocol, None, 2**30, None,
    )  # fmt: skip
    units = [Unit(p, s, 0) for p in range(len(asked)) for s in range(len(nudges) + 1)]
    seen = _seen(probe, units, None)
    moved: dict[str, float] = {}
    for index, name in enumerate(names, start=1):
        moved[name] = max(
            _difference(seen, seen, Unit(p, index, 0), Unit(p, 0, 0)) for p in range(len(asked))
        )
    dead = [name for name, difference in moved.items() if difference <= noise]
    used = _used_positions(engine, steered)
    return {
        "largest_logit_change": moved,
        "dead": dead,
        "steered_and_dead": [name for name in dead if name in used],
    }


def _nudges(
    engine: Engine, sites: Sequence[str], questions: Sequence[str]
) -> tuple[list[Steering], list[str]]:
    model, n = engine.model, engine.protocol.n_positions
    states = activations(model, questions, sites=sites, protocol=engine.protocol)
    random = np.random.default_rng(NUDGE_SEED)
    nudges, names = [], []
    for site in sites:
        lengths = np.linalg.norm(states[site], axis=-1).mean(axis=0)
        for t in range(n):
            vector = random.standard_normal((n, model.d_model))
            vector *= (lengths / np.linalg.norm(vector, axis=1))[:, None]
            nudges.append(Steering(vector.astype(np.float32), 1.0, site, f"position:{t}"))
            names.append(f"{site}[{t}]")
    return nudges, names


def _used_positions(engine: Engine, steered: Sequence[Steering]) -> set[str]:
    """Names of the positions that some steering has a weight and a vector at."""
    used = set()
    for steering in steered:
        for part in site_vectors(
            steering, engine.n_steered, engine.model.d_model, open_ended=engine.open_ended
        ):
            live = (part.weight != 0) & (np.linalg.norm(part.unit, axis=1) > 0)
            used |= {f"{part.site}[{t}]" for t in np.flatnonzero(live)}
    return used


def summary(gates: Mapping[str, Any]) -> list[str]:
    """The gates' result in a few lines."""
    batch, live = gates["batch"], gates["live"]
    word = {True: "passed", False: "FAILED"}
    return [
        f"baseline equals a plain decode: {word[gates['baseline']['passed']]} on "
        f"{gates['baseline']['n_questions']} questions",
        f"outcomes do not depend on batching: {word[batch['passed']]} on {batch['n_units']} units; "
        f"largest logit difference {batch['largest_logit_difference']:.1e}, "
        f"fragile below {gates['fragile_below']:.1e}",
        "dead positions: " + (", ".join(live["dead"]) or "none"),
    ]


__all__ = ["GateFailure", "run_gates", "summary"]

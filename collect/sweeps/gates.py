"""Three gates that a model passes before a sweep writes a row.

1. Outcomes are those of a plain, unbatched decode: the baseline's, and steered ones of every
   site, operator, schedule, effect and sign of the sweep, with norms and log-probability.
2. Outcomes do not depend on how units are batched, but where their margin is fragile.
3. Every steered position and layer changes the logits when nudged; one that does not is dead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from collect.engine.batches import MIN_ROWS, Unit, batch_rows
from collect.engine.engine import DEFAULT_MEMORY, Engine
from collect.engine.interventions import Steering, site_vectors
from collect.engine.protocol import Protocol
from collect.engine.reading import activations
from collect.engine.reference import plain_answer
from collect.engine.workers import ordered, worker_count
from collect.models.model import Model
from sql.errors import UserError

FRAGILE_FACTOR = 10.0  # margins below this many times the batch difference are fragile
BATCH_UNITS = 96  # units of each site and effect that are batched in several ways
QUESTIONS = 16  # of the sweep's, from the shortest to the longest
REFERENCE_UNITS = 24  # steered units that are decoded plainly, two of each kind at the least
SINGLE_UNITS = 8  # units that are also computed all alone
UNEVEN_UNITS, UNEVEN_ROWS = 40, 5
NUDGED_QUESTIONS = 4
NUDGE_SEED = 0
LOGIT_BYTES = 64 * 2**20
# Rounding can move a number by this share of its size; more is a fault, not rounding. Half of all
# numbers move by less than a tenth of that.
ROUNDING = {"float32": 1e-4, "float64": 1e-4, "bfloat16": 0.15, "float16": 0.03}
TYPICAL = 0.1

Array = npt.NDArray[np.float32]


class GateFailure(UserError):
    """A gate was not passed: nothing may be collected with this model and protocol."""

    exit_code = 1


@dataclass(frozen=True)
class Seen:
    """What one unit came to; `states` [k, d] are at the answer's start and along its draft."""

    tokens: list[int]
    numbers: Mapping[str, Array]
    states: Array

    @property
    def margin(self) -> float:
        """The smallest difference of the best two logits."""
        return float(self.numbers["margin"][0])


NORMS = ("norm_before", "norm_after", "norm_fed")
OF_ANSWERS = ("margin", "truncated")  # compared where the answers are the same
NUMBERS = (*OF_ANSWERS, "gold_logprob", *NORMS, "cosine")


def run_gates(
    model: Model,
    questions: Sequence[str],
    gold: Sequence[str] | None,
    steerings: Sequence[Steering],
    *,
    protocol: str | Protocol | None = None,
    decoding: Mapping[str, str | float] | None = None,
    seeds: Sequence[int] = (0,),
    memory: int = DEFAULT_MEMORY,
    n_questions: int = QUESTIONS,
    strict: bool = True,
) -> dict[str, Any]:
    """Run the gates on a sweep; the result is JSON-able and stored with the run.

    Args:
        model: the model.
        questions: all that the sweep asks; the gates take some, the shortest and longest of them.
        gold: their canonical answers, or None.
        steerings: all of the sweep's; the gates take some of each kind.
        protocol: the sweep's protocol; None is the model's own.
        decoding: its decoding.
        seeds: its seeds.
        memory: bytes that the sweep may take, which decide how large its batches are.
        n_questions: how many of the questions are taken.
        strict: raise where a gate fails, rather than say so in the result.

    Returns:
        `passed`, `fragile_below` (logits: 10 times the largest difference between batches, and no
        less than one rounding unit of the largest logit), and one entry per gate: `reference`,
        `batch`, `live` (with `dead`, a list such as `latent[5]`).

    Raises:
        GateFailure: the first or the second gate fails.
    """
    steerings = [Steering(None), *(s for s in steerings if not s.is_baseline)]
    engine = Engine(
        model, questions, gold, steerings, protocol, decoding, memory, None, lenient=True
    )
    asked = _asked(engine, n_questions)
    batch, whole = _batch_gate(engine, asked, seeds)
    fragile = max(FRAGILE_FACTOR * batch["largest_logit_difference"], batch["rounding_unit"])
    reference = _reference_gate(engine, questions, gold, asked, seeds, whole, fragile)
    live = _live_gate(engine, [questions[i] for i in asked])
    passed = reference["passed"] and batch["passed"]
    result = {
        "passed": passed,
        "protocol": engine.protocol.name,
        "dtype": _dtype(model),
        "n_questions": len(asked),
        "fragile_below": fragile,
        "reference": reference,
        "batch": batch,
        "live": live,
    }
    if strict and not passed:
        failed = [gate for gate in ("reference", "batch") if not result[gate]["passed"]]
        raise GateFailure(
            f"gate {' and '.join(failed)} failed for {model.name}, protocol "
            f"{engine.protocol.name}: {_what_failed(result[failed[0]])}; nothing was collected, "
            "so check the checkpoint and its protocol"
        )
    return result


def _what_failed(gate: Mapping[str, Any]) -> str:
    return f"{gate['differing']} answers differ; beyond rounding: {', '.join(gate['off']) or 'no'}"


def _dtype(model: Model) -> str:
    return str(model.dtype).removeprefix("torch.")


def _asked(engine: Engine, wanted: int) -> list[int]:
    """Some questions from the shortest prompt to the longest, both among them."""
    usable = [i for i in range(len(engine.prompts)) if i not in engine.faults]
    if not usable:
        raise UserError(f"no question can be asked: {next(iter(engine.faults.values()))}")
    order = sorted(usable, key=lambda i: (len(engine.prompts[i]), i))
    return [order[i] for i in _spread(len(order), wanted)]


def _spread(n: int, wanted: int) -> list[int]:
    """At most `wanted` of n places, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, wanted)).round().astype(int)).tolist()


def _kinds(steerings: Sequence[Steering]) -> list[list[int]]:
    """Steered conditions by what the engine does differently for them, strongest first."""
    kinds: dict[tuple[Any, ...], list[int]] = {}
    for index, s in enumerate(steerings):
        if not s.is_baseline:
            adaptive = s.alpha_factors is not None
            kind = (s.site, s.operator, s.schedule, s.effect, np.sign(s.alpha), adaptive)
            kinds.setdefault(kind, []).append(index)
    return [sorted(kind, key=lambda i: -_strength(steerings[i])) for kind in kinds.values()]


def _strength(steering: Steering) -> float:
    if steering.vectors is None:
        return 0.0
    return float(abs(steering.alpha) * np.linalg.norm(steering.vectors))


def _seen(
    engine: Engine, units: Iterable[Unit], *, rows: int | None = None, workers: int | None = None
) -> list[tuple[Unit, Seen]]:
    """Units and their outcomes, for one way of batching."""
    found: list[tuple[Unit, Seen]] = []
    for block, states in engine.blocks_with_states(list(units), rows=rows, workers=workers):
        numbers = {name: np.asarray(getattr(block, name)) for name in NUMBERS}
        keys = zip(
            block.problem.tolist(), block.steering.tolist(), block.seed.tolist(), strict=True
        )
        values = states.float().cpu().numpy()
        for i, key in enumerate(keys):
            row = {name: np.atleast_1d(column[i]) for name, column in numbers.items()}
            found.append((Unit(*key), Seen(block.tokens[i], row, values[i])))
    return found


def _logits(engine: Engine, states: Sequence[Array]) -> npt.NDArray[np.float32]:
    wide = torch.from_numpy(np.concatenate(states)).to(engine.model.device, engine.model.dtype)
    with torch.inference_mode():
        return engine.net.logits(wide)[:, : engine.rule.n_choices].cpu().numpy()


def _logit_differences(engine: Engine, pairs: Sequence[tuple[Seen, Seen]]) -> Iterable[float]:
    """Largest logit difference of each pair, over as many tokens as both were fed."""
    width = max((len(one.states) for one, _ in pairs), default=1)
    step = max(1, LOGIT_BYTES // (4 * width * engine.model.vocab_size))
    for start in range(0, len(pairs), step):
        part = pairs[start : start + step]
        common = [min(len(one.states), len(other.states)) for one, other in part]
        mine = _logits(engine, [one.states[:n] for (one, _), n in zip(part, common, strict=True)])
        other = _logits(engine, [o.states[:n] for (_, o), n in zip(part, common, strict=True)])
        ends = np.cumsum([0, *common])[:-1]
        yield from np.maximum.reduceat(np.abs(mine - other).max(axis=1), ends).tolist()


@dataclass
class _Differences:
    """How far numbers of two ways of computing units are apart, by name."""

    top: float  # the largest logit, to which differences of logits are compared
    rounding: float
    apart: dict[str, list[float]]

    def note(self, mine: Mapping[str, Array], theirs: Mapping[str, Array], *, same: bool) -> None:
        """Compare a unit's numbers; those of its answer where both wrote the same."""
        for name in NUMBERS:
            if name in OF_ANSWERS and not same:
                continue
            a, b = np.asarray(mine[name], np.float64), np.asarray(theirs[name], np.float64)
            if not np.array_equal(np.isfinite(a), np.isfinite(b)):
                self.apart.setdefault(name, []).append(math.inf)
                continue
            there = np.isfinite(a)
            if there.any():
                gap = np.abs(a - b)[there]
                gap = gap / np.maximum(np.abs(b[there]), 1e-30) if name in NORMS else gap
                self.apart.setdefault(name, []).append(float(gap.max()))

    def size(self, name: str) -> float:
        """What the differences of a number are measured by; those of norms are relative."""
        return 1.0 if name in (*NORMS, "cosine") else self.top

    def off(self) -> list[str]:
        """Names of the numbers that differ by more than rounding."""
        return [
            name
            for name, gaps in self.apart.items()
            if not max(gaps) <= self.rounding * self.size(name)
            or not float(np.median(gaps)) <= TYPICAL * self.rounding * self.size(name)
        ]

    def largest(self) -> dict[str, float | None]:
        """The largest difference of each; None where one has a number and the other none."""
        most = {name: max(gaps) for name, gaps in self.apart.items()}
        return {name: gap if math.isfinite(gap) else None for name, gap in most.items()}


def _batch_units(
    engine: Engine, asked: Sequence[int], seeds: Sequence[int]
) -> list[tuple[list[Unit], int]]:
    """For each site and effect some units, and how many rows the sweep's batches of them have."""
    memory = engine.memory // worker_count(engine.model)
    most = batch_rows(engine.model, engine.net, engine.opening, memory)
    alike: dict[tuple[str, str], list[int]] = {("latent", "total"): [0]}  # as `group_units` does
    for index, steering in enumerate(engine.steerings):
        if not steering.is_baseline:
            alike.setdefault((steering.site, steering.effect), []).append(index)
    groups = []
    for conditions in alike.values():
        rows = min(most, len(engine.prompts) * len(conditions) * len(seeds))
        each = math.ceil(min(rows, BATCH_UNITS) / len(asked))
        pairs = [(s, seed) for s in conditions for seed in seeds]
        chosen = [pairs[i] for i in _spread(len(pairs), each)]
        groups.append(([Unit(p, s, seed) for p in asked for s, seed in chosen], rows))
    return groups


def _batch_gate(
    engine: Engine, asked: Sequence[int], seeds: Sequence[int]
) -> tuple[dict[str, Any], dict[Unit, Seen]]:
    small, pairs, largest_batch = dict[Unit, Seen](), list[tuple[Seen, Seen]](), 0
    for units, rows in _batch_units(engine, asked, seeds):
        small.update(_seen(engine, units, rows=MIN_ROWS - 1))
        # A large batch holds each unit several times: every row of it has one to be compared with.
        copies = math.ceil(rows / len(units))
        many = [unit for unit in units for _ in range(copies)][: max(rows, len(units))]
        large = _seen(engine, many, rows=len(many), workers=1)
        alone = _seen(engine, [units[i] for i in _spread(len(units), SINGLE_UNITS)], rows=1)
        few = [units[i] for i in _spread(len(units), UNEVEN_UNITS)]
        for layout in (large, alone, _seen(engine, few, rows=UNEVEN_ROWS)):
            pairs += [(one, small[unit]) for unit, one in layout]
        largest_batch = max(largest_batch, len(many))
    gaps = list(_logit_differences(engine, pairs))
    largest = max(gaps, key=lambda gap: math.inf if math.isnan(gap) else gap)
    top = _largest_logit(engine, list(small.values()))
    rounding = ROUNDING.get(_dtype(engine.model), ROUNDING["float32"])
    unit = torch.finfo(engine.model.dtype).eps * top
    differences = _Differences(top, rounding, {"logits": gaps})
    changed = []
    for one, other in pairs:
        same = one.tokens == other.tokens
        differences.note(one.numbers, other.numbers, same=same)
        if not same:
            changed.append(min(one.margin, other.margin))
    differing = sum(not margin < max(FRAGILE_FACTOR * largest, unit) for margin in changed)
    off = differences.off()
    return {
        "passed": differing == 0 and not off,
        "rounding_unit": unit,
        "largest_logit": top,
        "differing": differing,
        "fragile": len(changed) - differing,
        "largest_logit_difference": largest,
        "largest_difference": differences.largest(),
        "off": off,
        "largest_batch": largest_batch,
        "n_units": len(small),
    }, small


def _largest_logit(engine: Engine, seen: Sequence[Seen]) -> float:
    spread = [seen[i].states[:1] for i in _spread(len(seen), QUESTIONS)]
    return float(np.abs(_logits(engine, spread)).max())


def _reference_units(engine: Engine, asked: Sequence[int], seeds: Sequence[int]) -> list[Unit]:
    """The baseline of every question asked, and of each kind of steering the strongest."""
    units = [Unit(p, 0, seeds[0]) for p in asked]
    kinds = _kinds(engine.steerings)
    each = max(2, REFERENCE_UNITS // max(1, len(kinds)))  # at most as many as are asked
    for turn, kind in enumerate(kinds):
        # The longest and the shortest prompts, and of the others each kind some of its own.
        ends, inner = [asked[-1], asked[0]], list(asked[1:-1])
        inner = inner[turn % max(1, len(inner)) :] + inner[: turn % max(1, len(inner))]
        problems = list(dict.fromkeys([*ends, *inner]))[:each]
        seed = seeds[turn % len(seeds)]
        units += [Unit(p, kind[0], seed) for p in problems]
    return units


def _reference_gate(
    engine: Engine,
    questions: Sequence[str],
    gold: Sequence[str] | None,
    asked: Sequence[int],
    seeds: Sequence[int],
    whole: Mapping[Unit, Seen],
    fragile: float,
) -> dict[str, Any]:
    units = _reference_units(engine, asked, seeds)
    ours = {**whole, **dict(_seen(engine, [unit for unit in units if unit not in whole]))}

    def decode(unit: Unit) -> Any:
        factors = engine.steerings[unit.steering].alpha_factors
        return plain_answer(
            engine.model,
            engine.protocol,
            questions[unit.problem],
            engine.steerings[unit.steering],
            gold=None if gold is None else gold[unit.problem],
            factor=1.0 if factors is None else float(factors[unit.problem]),
            temperature=engine.rule.temperature,
            seed=unit.seed,
        )

    top = _largest_logit(engine, [ours[unit] for unit in units])
    rounding = ROUNDING.get(_dtype(engine.model), ROUNDING["float32"])
    # Another order of the same sums moves a logit by several units of rounding.
    near = max(fragile, FRAGILE_FACTOR * torch.finfo(engine.model.dtype).eps * top)
    differences = _Differences(top, rounding, {})
    changed = []
    for unit, plain in zip(units, ordered(decode, units, worker_count(engine.model)), strict=True):
        mine = ours[unit]
        same = mine.tokens == plain.tokens
        numbers = {name: np.atleast_1d(getattr(plain, name)) for name in NUMBERS}
        differences.note(mine.numbers, numbers, same=same)
        if not same:
            changed.append(min(mine.margin, plain.margin))
    differing = sum(not margin < near for margin in changed)
    off = differences.off()
    return {
        "passed": differing == 0 and not off,
        "differing": differing,
        "fragile": len(changed) - differing,
        "largest_difference": differences.largest(),
        "off": off,
        "n_units": len(units),
        "n_kinds": len(_kinds(engine.steerings)),
        "n_questions": len(asked),
        "longest_prompt": len(engine.prompts[asked[-1]]),
    }


def _live_gate(engine: Engine, questions: Sequence[str]) -> dict[str, Any]:
    """Nudge every steered position of every site by a vector as long as what stands there.

    Rows that are not nudged stand among those that are: what they differ by from one another is
    noise, and a nudge that moves no logit by more does nothing.
    """
    model, steered = engine.model, [s for s in engine.steerings if not s.is_baseline]
    sites = sorted({site for s in steered for site in s.sites}) or [
        "latent" if engine.protocol.n_latent else f"residual:{model.n_layer // 2}"
    ]
    some = [questions[i] for i in _spread(len(questions), NUDGED_QUESTIONS)]
    moved, noise = dict[str, float](), 0.0
    for site in sites:
        nudges = _nudges(engine, site, some)
        still = Steering(np.zeros_like(nudges[0].vectors), 1.0, site)
        probe = Engine(
            model, some, None, [still, *(s for nudge in nudges for s in (nudge, still))],
            engine.protocol, None, engine.memory, None,
        )  # fmt: skip
        count = len(probe.steerings)
        units = [Unit(p, s, 0) for p in range(len(some)) for s in range(count)]
        seen = dict(_seen(probe, units, rows=len(units), workers=1))
        for index in range(1, count):
            pairs = [(seen[Unit(p, index, 0)], seen[Unit(p, 0, 0)]) for p in range(len(some))]
            gap = max(_logit_differences(probe, pairs))
            if index % 2:
                moved[f"{site}[{index // 2}]"] = gap
            else:
                noise = max(noise, gap)
    dead = [name for name, difference in moved.items() if not difference > noise]
    used = _used_positions(engine, steered)
    return {
        "largest_logit_change": moved,
        "largest_still_change": noise,
        "dead": dead,
        "steered_and_dead": [name for name in dead if name in used],
    }


def _nudges(engine: Engine, site: str, questions: Sequence[str]) -> list[Steering]:
    """For each position of a site, a push there and nowhere else."""
    model, n = engine.model, engine.protocol.n_positions
    states = activations(model, questions, sites=[site], protocol=engine.protocol)[site]
    lengths = np.linalg.norm(states, axis=-1).mean(axis=0)
    random = np.random.default_rng(NUDGE_SEED)
    nudges = []
    for t in range(n):
        vector = random.standard_normal((n, model.d_model))
        vector *= (lengths / np.linalg.norm(vector, axis=1))[:, None]
        nudges.append(Steering(vector.astype(np.float32), 1.0, site, f"position:{t}"))
    return nudges


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
    reference, batch, live = gates["reference"], gates["batch"], gates["live"]
    word = {True: "passed", False: "FAILED"}
    off = {name: f" ({', '.join(gates[name]['off'])})" for name in ("reference", "batch")}
    off = {name: text if gates[name]["off"] else "" for name, text in off.items()}
    return [
        f"outcomes equal a plain decode: {word[reference['passed']]}{off['reference']} on "
        f"{reference['n_units']} units of {reference['n_kinds']} kinds of steering",
        f"outcomes do not depend on batching: {word[batch['passed']]}{off['batch']} on "
        f"{batch['n_units']} units, up to {batch['largest_batch']} in one batch; "
        f"largest logit difference {batch['largest_logit_difference']:.1e}, "
        f"fragile below {gates['fragile_below']:.1e}",
        "dead positions: " + (", ".join(live["dead"]) or "none"),
    ]


__all__ = ["GateFailure", "run_gates", "summary"]

"""Sweeps: problems x conditions x seeds, computed once each and written as shards.

This is the one road by which outcomes enter a store. A sweep asks the store which of its units
are committed, computes the others, and commits what it has at least every few seconds, so that a
kill loses seconds of work and a restart repeats none that was committed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from collect.engine.engine import DEFAULT_MEMORY, Block, run
from collect.engine.interventions import Steering, canonical
from collect.engine.protocol import Protocol, read_answer
from collect.models.model import Model
from collect.models.recorded import record_model
from collect.parsers import parser_of
from collect.sweeps.adaptive import Adaptive
from sql.errors import UserError
from store import identity
from store.schema import TABLES
from store.shards import append, committed

GREEDY: Mapping[str, str | float] = {"mode": "greedy"}
# A kill loses at most ten seconds of work; a shard written every eight keeps that promise.
SECONDS_PER_SHARD = 8.0

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Problem:
    """A row of `problems`: what is asked and the canonical gold answer."""

    problem_id: str
    question: str
    answer: str


@dataclass(frozen=True)
class Condition:
    """A steering with the id under which its outcomes are stored.

    `factors` are by problem, on alpha. `otherwise` is the same under another spelling of the
    steering, which earlier versions gave an id of its own.
    """

    condition_id: str
    steering: Steering
    row: Mapping[str, Any]
    factors: Mapping[str, float] | None = None
    otherwise: Condition | None = None

    def steering_of(self, problems: Sequence[Problem]) -> Steering:
        """The steering with the factors of these problems."""
        if self.factors is None:
            return self.steering
        factors = [self.factors[problem.problem_id] for problem in problems]
        return replace(self.steering, alpha_factors=factors)


@dataclass(frozen=True)
class Setting:
    """What all conditions of a sweep share."""

    model: Model
    protocol: Protocol
    decoding: Mapping[str, str | float]

    @property
    def dtype(self) -> str:
        """The model's dtype as conditions store it."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def model_id(self) -> str:
        """Id of the model's row."""
        return self.model.model_id


def condition(
    setting: Setting,
    steering: Steering,
    direction_id: str | None,
    adaptive: Adaptive | None = None,
) -> Condition:
    """The condition of one steering in its one spelling (`canonical`).

    A dose that depends on the problem is given as `adaptive`, whose rule is part of the condition.

    Raises:
        UserError: the steering does not fit the model under the protocol.
    """
    if steering.alpha_factors is not None:
        raise UserError("factors by problem are part of a condition as a rule: give `adaptive`")
    if direction_id is None or steering.is_baseline:
        return _condition(setting, Steering(None), None)
    protocol = setting.protocol
    one = canonical(
        steering, protocol.n_steered, setting.model.d_model, open_ended=protocol.open_ended
    )
    if adaptive is not None and not one.is_baseline and one.operator != "project_out":
        if adaptive.rule.common is None:
            made = _condition(setting, one, direction_id, adaptive.rule.text)
            return replace(made, factors=adaptive.of_problem)
        dose = steering.alpha * adaptive.rule.common
        return condition(setting, replace(steering, alpha=dose), direction_id)
    made = _condition(setting, one, direction_id)
    if one.is_baseline or steering.at_position_0:  # which earlier versions took for everywhere
        return made
    typed = _condition(setting, steering, direction_id)
    return made if typed.condition_id == made.condition_id else replace(made, otherwise=typed)


def as_stored(root: Path, conditions: Sequence[Condition]) -> list[Condition]:
    """Distinct conditions, each under the spelling that the store has it in, if it has any."""
    spelled = [c for c in conditions if c.otherwise is not None]
    if spelled:
        ids = [c.condition_id for each in spelled for c in (each, each.otherwise) if c is not None]
        known = set(
            committed(root, "conditions", ["condition_id"], {"condition_id": ids})[
                "condition_id"
            ].to_pylist()
        )
        conditions = [
            c.otherwise
            if c.otherwise is not None
            and c.condition_id not in known
            and c.otherwise.condition_id in known
            else c
            for c in conditions
        ]
    return list({c.condition_id: c for c in conditions}.values())


def _condition(
    setting: Setting, steering: Steering, direction_id: str | None, rule: str = ""
) -> Condition:
    steered = not steering.is_baseline
    direction_id = direction_id if steered else None
    steering = replace(steering, alpha=identity.dose(steering.alpha))
    fields: dict[str, Any] = {
        "model_id": setting.model_id,
        "direction_id": direction_id,
        "alpha": steering.alpha,
        "schedule": f"{steering.schedule} {rule}".strip() if steered else None,
        "site": steering.site if steered else None,
        "operator": steering.operator if steered else None,
        "effect": steering.effect if steered else None,
        "protocol": setting.protocol.name,
        "protocol_fields": identity.canonical_json(setting.protocol.fields()),
        "decoding": identity.canonical_json(setting.decoding),
        "dtype": setting.dtype,
    }
    condition_id = identity.condition_id(**fields)
    return Condition(condition_id, steering, {"condition_id": condition_id, **fields})


def continued(root: Path, setting: Setting) -> Setting:
    """The setting with the parser by which the store's own conditions of it were graded.

    A store of an earlier version goes on with that version, so that pairs are read alike; a new
    one begins with the newest.
    """
    where = {"model_id": [setting.model_id], "protocol": [setting.protocol.name]}
    there = committed(root, "conditions", ["protocol_fields"], where)["protocol_fields"].to_pylist()
    for version in range(setting.protocol.parser_version, 0, -1):
        protocol = replace(setting.protocol, parser_version=version)
        if identity.canonical_json(protocol.fields()) in there:
            return replace(setting, protocol=protocol)
    return setting


def stored_limit(root: Path, setting: Setting) -> int | None:
    """The longest answer of the store's conditions that are alike but for it, None without any.

    A sweep goes on with it, so that it is paired with the baseline that is there.

    Raises:
        UserError: conditions of several limits are alike.
    """
    where = {"model_id": [setting.model_id], "protocol": [setting.protocol.name]}
    own = {**setting.protocol.fields(), "max_new_tokens": None, "parser_version": None}
    limits = set()
    for text in committed(root, "conditions", ["protocol_fields"], where)["protocol_fields"]:
        fields = json.loads(text.as_py() or "{}")
        limit = fields.get("max_new_tokens")
        if limit is not None and {**fields, "max_new_tokens": None, "parser_version": None} == own:
            limits.add(int(limit))
    if len(limits) > 1:
        said = " or ".join(map(str, sorted(limits)))
        raise UserError(
            f"{root} has conditions with answers of at most {said} tokens: say with "
            "--max-new-tokens which of them to go on with"
        )
    return limits.pop() if limits else None


def _append_new(root: Path, table: str, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    known = set(committed(root, table, [key], {key: [row[key] for row in rows]})[key].to_pylist())
    new = {row[key]: row for row in rows if row[key] not in known}
    append(root, table, list(new.values()))


def done_units(root: Path, wanted: Sequence[str]) -> set[tuple[str, str, int]]:
    """Committed (condition, problem, seed) of the wanted conditions."""
    names = ("condition_id", "problem_id", "seed")
    table = committed(root, "outcomes", names, {"condition_id": wanted})
    return set(zip(*(table[name].to_pylist() for name in names), strict=True))


def sweep(
    root: Path,
    setting: Setting,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    *,
    run_id: str,
    seeds: Sequence[int] = (0,),
    fragile_below: float,
    memory: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Compute and commit every unit that is not in the store; return how many were computed.

    Args:
        root: the store.
        setting: model, protocol and decoding.
        problems: what is asked.
        conditions: distinct conditions of this setting.
        run_id: the run that these outcomes belong to.
        seeds: sampling seeds; (0,) for greedy decoding.
        fragile_below: margin under which an outcome is marked fragile, in logits.
        memory: bytes that the engine may use; None lets it decide.
        progress: called with the number of units that were finished.

    Raises:
        UserError: directions do not fit the model, or the disk refuses a shard.
        KeyboardInterrupt: after everything finished so far has been committed.
    """
    conditions = as_stored(root, conditions)
    record_model(root, setting.model)
    _append_new(root, "conditions", "condition_id", [c.row for c in conditions])
    done = done_units(root, [c.condition_id for c in conditions])
    if progress is not None:
        progress(_count_done(done, problems, conditions, seeds))

    def skip(problem: int, steering: int, seed: int) -> bool:
        """Whether the unit is in the store."""
        key = (conditions[steering].condition_id, problems[problem].problem_id, seed)
        return key in done

    blocks = run(
        setting.model,
        [problem.question for problem in problems],
        [problem.answer for problem in problems],
        [condition.steering_of(problems) for condition in conditions],
        protocol=setting.protocol,
        decoding=setting.decoding,
        seeds=seeds,
        skip=skip if done else None,
        memory=memory or DEFAULT_MEMORY,
        lenient=True,
    )
    read = _reader(setting, problems)
    waiting: list[pa.Table] = []
    total, since = 0, time.monotonic()

    def commit() -> None:
        """Write the rows that wait as one shard."""
        nonlocal since
        if waiting:
            append(root, "outcomes", pa.concat_tables(waiting), run_id=run_id)
            waiting.clear()
        since = time.monotonic()

    try:
        for block in blocks:
            waiting.append(_rows(block, problems, conditions, read, run_id, fragile_below))
            total += len(block.problem)
            if progress is not None:
                progress(len(block.problem))
            if time.monotonic() - since > SECONDS_PER_SHARD:
                commit()
    finally:
        commit()
    return total


def _count_done(
    done: set[tuple[str, str, int]],
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    seeds: Sequence[int],
) -> int:
    asked = {problem.problem_id for problem in problems}
    named = {condition.condition_id for condition in conditions}
    return sum(c in named and p in asked and s in seeds for c, p, s in done)


Read = Callable[[tuple[int, ...], bool, int], tuple[str, str | None, str, bool | None]]


def _reader(setting: Setting, problems: Sequence[Problem]) -> Read:
    """Text, answer, status and correctness of a token sequence; each sequence is parsed once."""
    parse = parser_of(setting.protocol.parser, setting.protocol.parser_version)
    texts: dict[tuple[tuple[int, ...], bool], tuple[str, str | None, bool]] = {}

    def read(
        tokens: tuple[int, ...], truncated: bool, problem: int
    ) -> tuple[str, str | None, str, bool | None]:
        """Text, answer, status and verdict of tokens, each text parsed once."""
        key = tokens, truncated
        if key not in texts:
            text, cut_off = read_answer(setting.model, setting.protocol, tokens, truncated)
            texts[key] = (text, parse(text), cut_off)
        text, answer, truncated = texts[key]
        # What has not ended may go on to say something else: neither right nor wrong.
        if truncated:
            return text, answer, "truncated", None
        if answer is None:
            return text, None, "parse_fail", None
        return text, answer, "ok", answer == problems[problem].answer

    return read


def _rows(
    block: Block,
    problems: Sequence[Problem],
    conditions: Sequence[Condition],
    read: Read,
    run_id: str,
    fragile_below: float,
) -> pa.Table:
    """A block as rows of `outcomes`."""
    # What came of numbers that are none was not said by the model.
    tokens = [() if e else tuple(ids) for ids, e in zip(block.tokens, block.error, strict=True)]
    parsed = [
        (error, None, "error", None) if error else read(ids, bool(truncated), int(problem))
        for ids, truncated, problem, error in zip(
            tokens, block.truncated, block.problem, block.error, strict=True
        )
    ]
    text, answer, status, correct = zip(*parsed, strict=True)
    margin = np.asarray(block.margin, dtype=np.float32)
    schema = TABLES["outcomes"].arrow
    columns: dict[str, Any] = {
        "condition_id": [conditions[i].condition_id for i in block.steering],
        "problem_id": [problems[i].problem_id for i in block.problem],
        "seed": np.asarray(block.seed, dtype=np.int32),
        "run_id": [run_id] * len(tokens),
        "tokens": [list(ids) for ids in tokens],
        "text": text,
        "answer": answer,
        "status": status,
        "correct": correct,
        "gold_logprob": _null_where_none(block.gold_logprob),
        "margin": _null_where_none(margin),
        "fragile": margin < fragile_below,
        "norm_before": _lists(block.norm_before),
        "norm_after": _lists(block.norm_after),
        "norm_fed": _lists(block.norm_fed),
        "cosine": _lists(block.cosine),
    }
    arrays = [pa.array(columns[field.name], type=field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _null_where_none(values: Any) -> pa.Array:
    array = np.asarray(values, dtype=np.float32)
    return pa.array(array, mask=~np.isfinite(array))


def _lists(values: Any) -> pa.Array:
    """[n, T] as a list column; a position without a finite value is NULL inside its list."""
    array = np.ascontiguousarray(values, dtype=np.float32)
    offsets = np.arange(len(array) + 1, dtype=np.int32) * array.shape[1]
    flat = array.reshape(-1)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat, mask=~np.isfinite(flat)))

"""Answers that were cut off: they have no verdict, so a sweep says it loudly, before and after.

A base model that goes on with the next question is cut off every time; stop strings end it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collect.engine.engine import run
from collect.engine.interventions import Steering
from collect.engine.protocol import read_answer
from sql import loader
from store.database import connect

if TYPE_CHECKING:
    from collect.sweeps.sweep import Condition, Problem, Setting

LOUD_SHARE = 0.2
_SAMPLED = 16


def sampled(setting: Setting, problems: Sequence[Problem], seed: int) -> Iterator[str]:
    """A line where the baseline's first answers are cut off, before hours are spent."""
    some = problems[:_SAMPLED]
    blocks = run(
        setting.model,
        [problem.question for problem in some],
        [problem.answer for problem in some],
        [Steering(None)],
        protocol=setting.protocol,
        decoding=setting.decoding,
        seeds=[seed],
        lenient=True,
    )
    cut_off = sum(
        read_answer(setting.model, setting.protocol, tuple(tokens), bool(truncated))[1]
        for block in blocks
        for tokens, truncated, error in zip(block.tokens, block.truncated, block.error, strict=True)
        if not error
    )
    if cut_off > LOUD_SHARE * len(some):
        yield _line(cut_off, len(some), "a sample of the baseline's answers", setting)


def counted(root: Path, setting: Setting, conditions: Sequence[Condition]) -> Iterator[str]:
    """A line for the condition of which most was cut off, and how many others there are."""
    script = loader.internal("cut_off_conditions")
    ids = [condition.condition_id for condition in conditions]
    with connect(root) as connection:
        found = loader.execute(connection, script, conditions=ids, share=LOUD_SHARE).fetchall()
    if found:
        direction, alpha, cut_off, n = found[0]
        of = "the baseline's answers" if direction is None else f"answers to {direction}"
        at = "" if direction is None else f" at {alpha:g}"
        more = f", and of {len(found) - 1} more conditions too many" if len(found) > 1 else ""
        yield _line(cut_off, n, f"{of}{at}", setting, more)


def _line(cut_off: int, n: int, of: str, setting: Setting, more: str = "") -> str:
    return (
        f"WARNING: {cut_off:,} of {n:,} of {of} were cut off after "
        f"{setting.protocol.max_new_tokens} tokens{more}: they have no verdict (status truncated). "
        "Give a larger --max-new-tokens, or --stop TEXT where the model goes on after its answer"
    )

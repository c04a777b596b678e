"""The outcomes of two conditions, joined by problem and seed; what has no partner is counted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from sql.errors import UserError


class Outcome(NamedTuple):
    """What one condition did on one problem at one seed."""

    problem: Hashable
    seed: int
    readable_right: bool | None
    """The primary outcome: False where nothing could be read, None where it is missing."""
    correct: bool | None
    """None where no answer was read as well."""
    question: str | None = None


@dataclass(frozen=True, kw_only=True)
class Side:
    """One condition as it was read."""

    name: str
    outcomes: Sequence[Outcome]
    settings: dict[str, str] = field(default_factory=dict)
    """What else decides its outcomes (model, protocol, …), as far as is known."""
    unusable: Sequence[str] = ()
    """One line for each row that could not be used."""
    notes: Sequence[str] = ()
    """How its file was understood."""

    @property
    def n_problems(self) -> int:
        """Problems with an outcome."""
        return len({outcome.problem for outcome in self.outcomes})


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Pairs, and the outcomes that have no partner.

    Both frames have the columns problem_id, seed, readable_right, baseline_readable_right, correct,
    baseline_correct; in `unpaired` those of the side without an outcome are None.
    """

    pairs: pd.DataFrame
    unpaired: pd.DataFrame
    only_baseline: int
    only_steered: int
    shared_baseline: bool
    """The baseline has one outcome a problem, which stands beside every seed."""
    other_questions: int
    """Pairs whose two sides have different questions."""


def joined(baseline: Side, steered: Side) -> Joined:
    """Pair two sides by problem and seed; a baseline of one seed is paired with every seed.

    Raises:
        UserError: A side has several outcomes of one problem and seed, or nothing pairs.
    """
    before, after = _by_key(baseline), _by_key(steered)
    seeds = {seed for _, seed in before}
    shared = len(seeds) == 1
    partner = {
        (problem, seed): (problem, next(iter(seeds)) if shared else seed) for problem, seed in after
    }
    pairs = [(before[own], after[key]) for key, own in partner.items() if own in before]
    only_steered = [(None, after[key]) for key, own in partner.items() if own not in before]
    paired = set(partner.values())
    only_baseline = [(outcome, None) for key, outcome in before.items() if key not in paired]
    if not pairs:
        raise UserError(
            f"no problem of {baseline.name} is one of {steered.name}: "
            f"{_example(baseline)} against {_example(steered)}; join them by what they share"
        )
    return Joined(
        pairs=_frame(pairs),
        unpaired=_frame([*only_baseline, *only_steered]),
        only_baseline=len(only_baseline),
        only_steered=len(only_steered),
        shared_baseline=shared,
        other_questions=sum(
            bool(a.question and b.question) and a.question != b.question for a, b in pairs
        ),
    )


def _by_key(side: Side) -> dict[tuple[Hashable, int], Outcome]:
    if not side.outcomes:
        first = f": {side.unusable[0]}" if side.unusable else ""
        raise UserError(f"{side.name} has no outcome that can be used{first}")
    by_key: dict[tuple[Hashable, int], Outcome] = {}
    for outcome in side.outcomes:
        if by_key.setdefault((outcome.problem, outcome.seed), outcome) is not outcome:
            raise UserError(
                f"{side.name} has several outcomes of problem {_short(outcome.problem)} at seed "
                f"{outcome.seed}: keep one of them, or name the column of seeds"
            )
    return by_key


def _example(side: Side) -> str:
    first = side.outcomes[0]
    return f"{side.name} has {_short(first.question or first.problem)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _frame(pairs: Sequence[tuple[Outcome | None, Outcome | None]]) -> pd.DataFrame:
    """One row per pair; verdicts are objects, so that None stays None."""
    nothing = Outcome(None, 0, None, None)
    rows = []
    for before, after in pairs:
        base, steered = before or nothing, after or nothing
        known = after or base
        rows.append(
            {
                "problem_id": known.problem,
                "seed": known.seed,
                "readable_right": steered.readable_right,
                "baseline_readable_right": base.readable_right,
                "correct": steered.correct,
                "baseline_correct": base.correct,
            }
        )
    verdicts = ["readable_right", "baseline_readable_right", "correct", "baseline_correct"]
    return pd.DataFrame(rows, columns=["problem_id", "seed", *verdicts], dtype=object)

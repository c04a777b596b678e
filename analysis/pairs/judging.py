"""Two sides joined and tested: by the statistics of the calculator, or over problems with seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.pairs.comparison import HIGHER, LOWER, NOT_SHOWN, Bounds, Comparison
from analysis.pairs.joining import Joined, Side, joined
from analysis.statistics.checks import LARGEST_LISTED
from analysis.statistics.controls import controls_needed
from analysis.statistics.missing import missing_bounds, missing_table
from analysis.statistics.power import minimum_detectable_effect
from analysis.statistics.results import THESE_PROBLEMS, Estimate, Result, stamped
from analysis.tables.seeds import RESAMPLES, extreme_readings, numbers
from analysis.vocabulary import ONE_SIDED_SIGNIFICANCE
from sql.errors import UserError
from sql.printable import one_line


def judged(
    baseline: Side,
    steered: Side,
    *,
    joined_by: str,
    confidence: float = 0.95,
    selected: bool = False,
    controls: str | None = None,
    all_asked: bool = True,
) -> Comparison:
    """Join two sides and test the pairs.

    Args:
        joined_by: by what, in words.
        confidence: of the intervals; 1 less it is the level of the test.
        selected: the problems were chosen by the outcome of the baseline.
        controls: what is known of control directions; None: nothing.
        all_asked: both sides were asked everything, so that what only one has is missing.

    Raises:
        UserError: nothing pairs, no pair has an outcome on both sides, or a side has two outcomes
            of one problem and seed.
    """
    if baseline.name == steered.name:
        raise UserError(f"both sides are {baseline.name}: give two different ones")
    found = joined(baseline, steered)
    frame = found.pairs
    known = frame[frame["readable_right"].notna() & frame["baseline_readable_right"].notna()]
    if known.empty:
        raise UserError(
            f"none of {len(frame)} pairs has an outcome on both sides: all are missing "
            "(of scores, right_from says which are right; analyze compares their means)"
        )
    before, after = (numbers(known[f"{side}readable_right"]) for side in ("baseline_", ""))
    gained, lost = int(((1 - before) * after).sum()), int((before * (1 - after)).sum())
    several = bool(frame["problem_id"].duplicated().any())
    pairing = "shared" if found.shared_baseline else "seeds"
    if several:
        tested = _over_problems(known, pairing, confidence)
    else:
        tested = _by_pairs(gained, lost, len(known), confidence)
        tested["complete"] = _complete(frame, confidence)
    if selected:
        tested = {key: stamped(r) if isinstance(r, Result) else r for key, r in tested.items()}
    both = None
    if all_asked and len(found.unpaired):
        both = pd.concat([frame, found.unpaired], ignore_index=True)
    return Comparison(
        baseline=baseline.name,
        steered=steered.name,
        verdict=_verdict(tested["test"], tested["interval"], confidence),
        confidence=confidence,
        joined_by=joined_by,
        n_pairs=len(known),
        n_problems=known["problem_id"].nunique(),
        both_right=int((before * after).sum()),
        gained=gained,
        lost=lost,
        both_wrong=int(((1 - before) * (1 - after)).sum()),
        unreadable=(_unread(known, "baseline_correct"), _unread(known, "correct")),
        n_missing=len(frame) - len(known),
        only_baseline=found.only_baseline,
        only_steered=found.only_steered,
        unusable=tuple(f"{s.name}: {line}" for s in (baseline, steered) for line in s.unusable),
        notes=tuple(dict.fromkeys((*baseline.notes, *steered.notes))),
        differs=_differing(baseline.settings, steered.settings),
        other_questions=found.other_questions,
        **tested,
        bounds=_bounds(frame, several, pairing, confidence),
        unpaired_bounds=None if both is None else _bounds(both, several, pairing, confidence),
        selected_on_outcome=selected,
        unknown=_unknown(found, controls, selected),
    )


def _by_pairs(gained: int, lost: int, n: int, confidence: float) -> dict[str, Any]:
    """The tests that `steerstat calc` makes of the same counts."""
    from analysis.statistics.intervals import paired_difference
    from analysis.statistics.paired import mcnemar

    power = None
    if gained + lost and n <= LARGEST_LISTED:
        # 1 − 0.95 is a little more than 0.05, which is what the calculator is given.
        level = round(1 - confidence, 12)
        rate = (gained + lost) / n
        power = minimum_detectable_effect(n, discordance=rate, significance=level)
    return {
        "test": mcnemar(gained, lost, n=n),
        "exact": mcnemar(gained, lost, method="exact", n=n),
        "interval": paired_difference(gained, lost, n, confidence=confidence),
        "power": power,
    }


def _over_problems(known: pd.DataFrame, pairing: Any, confidence: float) -> dict[str, Any]:
    """The test over problems that have several outcomes each. Raises Refusal of one problem."""
    from analysis.statistics.clustered import clustered_difference

    table = {
        "problem": known["problem_id"].to_numpy(),
        "steered": numbers(known["readable_right"]),
        "baseline": numbers(known["baseline_readable_right"]),
    }
    result = clustered_difference(
        table,
        rng=np.random.default_rng(0),
        pairing=pairing,
        confidence=confidence,
        resamples=RESAMPLES,
    )
    return {"test": result, "interval": result, "exact": None, "complete": None, "power": None}


def _complete(frame: pd.DataFrame, confidence: float) -> Estimate | None:
    return missing_bounds(_table(frame), confidence=confidence).complete


def _table(frame: pd.DataFrame) -> Any:
    """Counts [3, 3] over right, wrong and not known."""
    return missing_table(numbers(frame["baseline_correct"]), numbers(frame["correct"]))


def _bounds(frame: pd.DataFrame, several: bool, pairing: str, confidence: float) -> Bounds | None:
    if several:
        ends = extreme_readings(frame, pairing, confidence)
        if ends is None:
            return None
        worst, best, decided = ends
        return Bounds(
            n=worst.n,
            low_effect=worst.estimate,
            high_effect=best.estimate,
            low=worst.low,
            high=best.high,
            p_high=decided["bound_p"],
            decision_unchanged=decided["bound_agrees"],
        )
    result = missing_bounds(_table(frame), confidence=confidence)
    return Bounds(
        n=int(result.n),
        low_effect=result.low_effect,
        high_effect=result.high_effect,
        low=result.low_bound,
        high=result.high_bound,
        p_high=result.p_high,
        decision_unchanged=result.decision_unchanged,
    )


def _unread(known: pd.DataFrame, column: str) -> int:
    return int(known[column].isna().sum())


def _verdict(test: Estimate, interval: Estimate, confidence: float) -> str:
    if test.p is None or not test.p <= 1 - confidence:
        return NOT_SHOWN
    return HIGHER if interval.estimate > 0 else LOWER


def _differing(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        one_line(name): (before[name], after[name])
        for name in before
        if name in after and before[name] != after[name]
    }


def _unknown(found: Joined, controls: str | None, selected: bool) -> tuple[str, ...]:
    """What the pair cannot tell: the direction among its controls, the price of a choice."""
    least = controls_needed(ONE_SIDED_SIGNIFICANCE, tail="greater")
    told = [
        controls
        or "Whether it is this direction: any vector of its size may do as much. That takes at "
        f"least {least} control directions of its norm, run at the same dose on the same problems.",
        "Whether the pair was picked: of several doses or directions looked at, p is corrected "
        "over all of them (steerstat calc adjust).",
    ]
    if selected:
        told.append(
            "Anything about new problems: these were chosen by their outcome at the baseline, so "
            f"that noise alone looks like an effect ({THESE_PROBLEMS})."
        )
    if found.other_questions:
        told.append(
            f"Whether the sides had the same task: {found.other_questions} pairs have different "
            "questions."
        )
    return tuple(told)

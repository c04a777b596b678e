"""Verdicts from declared rules: what the tests together allow one to say, and why.

The rules are fixed before any row is seen and are printed with the report (`RULES`).
*Amplification* asks whether accuracy rises at a positive alpha, *suppression* whether it falls at a
negative one, and both whether it is this direction that does it and not any push of its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, CURVE, PART, groups, matching
from analysis.tables.comparisons import EFFECT, PLACE, SIGNED
from analysis.tables.readings import Source, opened
from analysis.tables.stops import stop_words

LEVEL_P = 0.05
# Gains smaller than this are not what anybody steers for; a gain is excluded beyond it.
MARGIN = 0.05
# Norms that differ by less than this share count as matched.
SAME_NORM = 0.05
SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
RULES = (
    "**Against the baseline**: does accuracy rise at some positive α (amplification), or fall at "
    "some negative α (suppression)? McNemar mid-p, Holm-corrected over the alphas of the "
    "direction, at most 0.05. If it does not, and the 95 % Tango interval excludes a change of 5 "
    "points at every α of that sign, the claim is **not supported**; if it does not, "
    "**inconclusive**.",
    "**Ended by a plan**: what a sequential plan ended is tested by its e-value with its "
    "confidence sequence, which hold however often one looked, Holm-corrected over all tests of "
    "the plan; what ended as futile never rejects. What ended before the last problem is not "
    "ranked among controls.",
    "**Against control directions**: where accuracy moved, does the candidate lie beyond its "
    "controls on that side? Crawford–Howell p at most 0.05, and the rank test too where there are "
    "controls enough for it. If it is not even beyond their mean, the claim is **not supported**: "
    "random directions do as much.",
    "**The signed effect** [f(α) − f(−α)]/2 must stand out from the controls' by the same two "
    "tests, where both signs were run: a direction that does harm with either sign pushes harder, "
    "but does not mean anything.",
    "All three met: **supported**. Otherwise **inconclusive**; the reason says what is missing.",
    "A test set that was selected on the outcome never supports a verdict: its figures are shown "
    "and stamped, and the verdict is **inconclusive**.",
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One claim about one candidate on one problem set: what can be said, and why."""

    claim: str
    direction: str
    set_name: str
    protocol: str
    verdict: str
    reason: str
    selected_on_outcome: bool


def store_verdicts(store: Source) -> list[Verdict]:
    """The verdicts of a store, sets drawn at random first."""
    from analysis import tables

    readings = opened(store)
    return verdicts(tables.effects(readings), tables.controls(readings))


def verdicts(effects: pd.DataFrame, controls: pd.DataFrame) -> list[Verdict]:
    """Amplification and suppression of every candidate; takes tables `effects` and `controls`."""
    candidates = effects[effects["role"] == "candidate"].reset_index(drop=True)
    reached = []
    for value, index in groups(candidates, CURVE).items():
        curve = candidates.iloc[index]
        names = dict(zip(CURVE, value, strict=True))
        place = {name: names[name] for name in PLACE}
        compared = matching(controls, place | {"candidate": names["direction"]})
        beside = _matched(candidates, controls, names, str(curve["kind"].iloc[0]))
        for sign, claim in ((1, "amplification"), (-1, "suppression")):
            side = curve[curve["alpha"] * sign > 0]
            if len(side):
                verdict = _verdict(claim, sign, side, compared, names)
                reached.append(_with_matched(verdict, sign, side, beside))
    return sorted(reached, key=lambda v: v.selected_on_outcome)


def _verdict(
    claim: str, sign: int, side: pd.DataFrame, controls: pd.DataFrame, names: Mapping[str, Any]
) -> Verdict:
    """The verdict of one side of one curve."""
    selected = bool(side["selected_on_outcome"].iloc[0])
    verdict, reasons = _against_baseline(sign, side)
    if verdict is None:
        beyond, reason = _against_controls(sign, side, controls)
        stands_out, signed = _signed(sign, controls)
        reasons += [reason, *([signed] if signed else [])]
        verdict = SUPPORTED if beyond == SUPPORTED and stands_out else beyond
        if beyond == SUPPORTED and not stands_out:
            verdict = INCONCLUSIVE
    if selected:
        verdict = INCONCLUSIVE
        reasons.insert(0, "The test set was selected on the baseline outcome and cannot decide.")
    return Verdict(
        claim=claim,
        direction=names["direction"],
        set_name=names["set_name"],
        protocol=names["protocol"],
        verdict=verdict,
        reason=" ".join(reasons),
        selected_on_outcome=selected,
    )


def _moved(sign: int, side: pd.DataFrame) -> pd.DataFrame:
    """Rows at which accuracy moved in the claim's direction, corrected for all alphas."""
    return side[(side["p_adjusted"] <= LEVEL_P) & (side["estimate"] * sign > 0)]


def _against_baseline(sign: int, side: pd.DataFrame) -> tuple[str | None, list[str]]:
    """What the baseline comparison alone decides; None if the controls must be asked."""
    word, opposite = ("rises", "falls") if sign > 0 else ("falls", "rises")
    moved = _moved(sign, side)
    if len(moved):
        top = _top(moved, moved["estimate"] * sign)
        return None, [f"Accuracy {word} at {len(moved)} of {len(side)} alphas; most at {_at(top)}."]
    best = _top(side, side["estimate"] * sign)
    reasons = [f"Accuracy {word} at no alpha beyond chance; the most favourable is {_at(best)}."]
    against = side[(side["p_adjusted"] <= LEVEL_P) & (side["estimate"] * sign < 0)]
    if len(against):
        worst = _top(against, -against["estimate"] * sign)
        reasons.append(f"It {opposite} at {len(against)} of {len(side)}, most at {_at(worst)}.")
    limit = float(side["high"].max() if sign > 0 else -side["low"].min())
    kind = "gain" if sign > 0 else "loss"
    if limit < 0:
        reasons.append(f"Every interval of this sign excludes any {kind}.")
        return NOT_SUPPORTED, reasons
    if limit < MARGIN:
        reasons.append(
            f"Every interval of this sign excludes a {kind} of 5 points; the largest that one "
            f"allows is {words.points(limit, 2, sign=False)}."
        )
        return NOT_SUPPORTED, reasons
    reasons.append(f"A {kind} of up to {words.points(limit, sign=False)} points is not excluded.")
    return INCONCLUSIVE, reasons


def _against_controls(sign: int, side: pd.DataFrame, controls: pd.DataFrame) -> tuple[str, str]:
    """What the control directions say where accuracy moved, at the largest such dose."""
    moved = set(_moved(sign, side)["alpha"])
    shared = controls[(controls["quantity"] == EFFECT) & controls["alpha"].isin(moved)]
    shared = shared[shared["p_crawford_howell"].notna()]
    early = PART in side and side[side["alpha"].isin(moved)][PART].any()
    if shared.empty and early:
        return INCONCLUSIVE, (
            "The plan ended such doses early, by the very outcomes that would be ranked among the "
            "controls: `steerstat collect` with the plan, without --stop-when-decided, runs the "
            "rest."
        )
    if shared.empty:
        return INCONCLUSIVE, (
            "No control directions were run at such an alpha, so nothing says that this direction "
            "does more than any push of its size."
        )
    row = _top(shared, shared["alpha"].abs())
    said = f"Against {_compared(row)}"
    if row["difference"] * sign <= 0:
        return NOT_SUPPORTED, f"{said}: random directions do as much or more."
    if _stands_out(row):
        return SUPPORTED, f"{said}: more than such directions do."
    return INCONCLUSIVE, f"{said}: not shown to be more than such directions do."


def _stands_out(row: Mapping[str, Any]) -> bool:
    """Whether both tests against the controls reject, or the one there are controls enough for."""
    few = row["rank_status"] == "too_few_controls"
    return bool(row["p_crawford_howell"] <= LEVEL_P and (few or row["p_rank"] <= LEVEL_P))


def _compared(row: Mapping[str, Any]) -> str:
    """One comparison with the controls in words."""
    few = (
        f", too few controls for it: never below {words.p_value(row['rank_floor'])}"
        if row["rank_status"] == "too_few_controls"
        else ""
    )
    ratio = row.get("norm_ratio")
    size = ""
    if ratio is not None and ratio == ratio and abs(ratio - 1) > SAME_NORM:
        size = f"; its norm is {ratio:.2f} of theirs"
    return (
        f"{int(row['k'])} {row['control_kind']} controls at α = {words.alpha(row['alpha'])} it "
        f"differs by {words.points(row['difference'])} points (Crawford–Howell "
        f"{words.p_is(row['p_crawford_howell'])}, d = {words.signed(row['d'], 2)}, rank "
        f"{words.p_is(row['p_rank'])}{few}{size})"
    )


def _signed(sign: int, controls: pd.DataFrame) -> tuple[bool, str | None]:
    """Whether the signed effect stands out in the claim's sense; True where it was not run.

    A claim about either sign needs a positive signed effect: f(a) above f(−a).
    """
    rows = controls[(controls["quantity"] == SIGNED) & controls["p_crawford_howell"].notna()]
    if rows.empty:
        return True, None
    row = _top(rows, rows["alpha"])
    stands_out = _stands_out(row) and row["difference"] > 0
    said = (
        f"Its signed effect at |α| = {row['alpha']:g} is {words.points(row['estimate'])} points "
        f"against {words.points(row['controls_mean'])} on average of the controls "
        f"(Crawford–Howell {words.p_is(row['p_crawford_howell'])}, rank "
        f"{words.p_is(row['p_rank'])}): "
    )
    if stands_out:
        return True, said + "the sign matters."
    return False, said + "not shown that the sign of the push matters."


def _matched(
    candidates: pd.DataFrame, controls: pd.DataFrame, names: Mapping[str, Any], kind: str
) -> pd.DataFrame:
    """Comparisons of the difficulty-matched counterpart of a raw direction with the controls."""
    context = {name: names[name] for name in CONTEXT}
    twins = matching(candidates, context | {"kind": f"{kind}_matched"})
    compared = matching(controls, context)
    return compared[compared["candidate"].isin(set(twins["direction"]))]


def _with_matched(verdict: Verdict, sign: int, side: pd.DataFrame, beside: pd.DataFrame) -> Verdict:
    """The verdict with a sentence on the difficulty-matched counterpart, where accuracy moved."""
    moved = set(_moved(sign, side)["alpha"])
    rows = beside[(beside["quantity"] == EFFECT) & beside["alpha"].isin(moved)]
    rows = rows[rows["p_crawford_howell"].notna()]
    if rows.empty:
        return verdict
    row = _top(rows, rows["alpha"].abs())
    beyond = _stands_out(row) and row["difference"] * sign > 0
    smaller = (row.get("norm_ratio") or 1.0) < 1 - SAME_NORM
    tail = "so what the raw direction does may be difficulty"
    if beyond:
        tail = "so it is not difficulty alone"
    elif smaller:
        tail += ", or come with its larger norm"
    said = f"Its difficulty-matched counterpart: against {_compared(row)}, {tail}."
    return replace(verdict, reason=f"{verdict.reason} {said}")


def _top(frame: pd.DataFrame, by: pd.Series) -> dict[str, Any]:
    """The row where `by` is largest, the first of them."""
    row = frame.iloc[int(by.to_numpy(dtype=float).argmax())]
    return {str(name): value for name, value in row.items()}


def _at(row: Mapping[str, Any]) -> str:
    """One dose in words: the difference, its interval, the counts and the corrected p."""
    return (
        f"α = {words.alpha(row['alpha'])}: {words.points(row['estimate'])} points "
        f"{words.interval(row['low'], row['high'])}, {int(row['gained'])} gained and "
        f"{int(row['lost'])} lost of {int(row['n'])}, corrected {words.p_is(row['p_adjusted'])}"
        + (f"; {stop_words(row)}" if isinstance(row.get("stop"), str) else "")
    )

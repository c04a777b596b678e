"""Verdicts from declared rules: what the tests together allow one to say, and why.

The rules are fixed before any row is seen and are printed with the report (`RULES`):

*Amplification* asks whether accuracy rises at a positive alpha; *suppression*, whether it falls at
a negative one. Against the baseline the Holm-corrected McNemar mid-p decides. Whether the
direction does it, rather than any push of that size, is decided against the control directions:
Crawford–Howell and, where there are enough controls, the rank test must both reject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.tables import labels
from analysis.tables.base import CURVE, groups, matching
from analysis.tables.comparisons import EFFECT, PLACE, SIGNED

LEVEL_P = 0.05
# Gains smaller than this are not what anybody steers for; a gain is excluded beyond it.
MARGIN = 0.05
SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
RULES = (
    "Amplification is **supported** if accuracy rises at some positive α (McNemar mid-p, "
    "Holm-corrected over the alphas of the direction, ≤ 0.05) and the candidate lies above its "
    "control directions there (Crawford–Howell p ≤ 0.05, and the rank test too where there are "
    "controls enough for it). It is **not supported** if no positive α raises accuracy and the "
    "95 % Tango interval excludes a gain of 5 points at every positive α. Everything else is "
    "**inconclusive**.",
    "Suppression is **supported** if accuracy falls at some negative α by the same test and the "
    "candidate lies below its control directions there by the same comparison; it is **not "
    "supported** if the interval excludes a loss of 5 points at every negative α, or if accuracy "
    "falls but the control directions do as much harm or more at that dose (the candidate is not "
    "below their mean). Everything else, accuracy that falls without a clear difference to the "
    "controls among it, is **inconclusive**.",
    "A test set that was selected on the outcome never supports a verdict: its figures are shown "
    "and stamped, and the verdict is inconclusive.",
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


def verdicts(effects: pd.DataFrame, controls: pd.DataFrame) -> list[Verdict]:
    """Amplification and suppression of every candidate, sets drawn at random first.

    Takes the tables `effects` and `controls`.
    """
    candidates = effects[effects["role"] == "candidate"].reset_index(drop=True)
    found = []
    for value, index in groups(candidates, CURVE).items():
        curve = candidates.iloc[index]
        names = dict(zip(CURVE, value, strict=True))
        place = {name: names[name] for name in PLACE}
        own = matching(controls, place | {"candidate": names["direction"]})
        for sign, claim in ((1, "amplification"), (-1, "suppression")):
            side = curve[curve["alpha"] * sign > 0]
            if len(side):
                found.append(_verdict(claim, sign, side, own, names))
    return sorted(found, key=lambda v: v.selected_on_outcome)


def _verdict(
    claim: str, sign: int, side: pd.DataFrame, controls: pd.DataFrame, names: dict[str, Any]
) -> Verdict:
    """The verdict of one side of one curve."""
    selected = bool(side["selected_on_outcome"].iloc[0])
    verdict, reasons = _against_baseline(sign, side)
    if verdict is None:
        verdict, reason = _against_controls(sign, side, controls)
        reasons.append(reason)
    signed_note = _signed(controls)
    if signed_note:
        reasons.append(signed_note)
    if selected:
        verdict = INCONCLUSIVE
        reasons.insert(
            0,
            "The test set was selected on the baseline outcome, so these figures show regression "
            "to the mean and cannot decide.",
        )
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
    best = _top(side, side["estimate"] * sign)
    if len(moved):
        top = _top(moved, moved["estimate"] * sign)
        return None, [f"Accuracy {word} at {len(moved)} of {len(side)} alphas; most at {_at(top)}."]
    reasons = [f"Accuracy {word} at no alpha beyond chance; the most favourable is {_at(best)}."]
    against = side[(side["p_adjusted"] <= LEVEL_P) & (side["estimate"] * sign < 0)]
    if len(against):
        worst = _top(against, -against["estimate"] * sign)
        reasons.append(f"It {opposite} at {len(against)} of {len(side)}, most at {_at(worst)}.")
    limit = side["high"].max() if sign > 0 else -side["low"].min()
    kind = "gain" if sign > 0 else "loss"
    if limit < MARGIN:
        reasons.append(
            f"At every alpha of this sign the interval excludes a {kind} of 5 points (the largest "
            f"it allows is {limit * 100:.1f})."
        )
        return NOT_SUPPORTED, reasons
    reasons.append(f"A {kind} of up to {limit * 100:.1f} points is not excluded.")
    return INCONCLUSIVE, reasons


def _against_controls(sign: int, side: pd.DataFrame, controls: pd.DataFrame) -> tuple[str, str]:
    """What the control directions say where accuracy moved."""
    moved = set(_moved(sign, side)["alpha"])
    shared = controls[(controls["quantity"] == EFFECT) & controls["alpha"].isin(moved)]
    shared = shared[shared["p_crawford_howell"].notna()]
    if shared.empty:
        return INCONCLUSIVE, (
            "No control directions were run at such an alpha, so nothing says that this direction "
            "does more than any push of its size."
        )
    row = _top(shared, shared["alpha"].abs())
    beyond = row["difference"] * sign > 0
    few = row["rank_status"] == "too_few_controls"
    crawford = row["p_crawford_howell"] <= LEVEL_P
    rank = few or row["p_rank"] <= LEVEL_P
    said = (
        f"Against {int(row['k'])} {row['control_kind']} controls at α = "
        f"{labels.alpha(row['alpha'])} it differs by {labels.points(row['difference'])} points "
        f"(Crawford–Howell p = {labels.p_value(row['p_crawford_howell'])}, d = "
        f"{labels.signed(row['d'], 2)}, rank p = {labels.p_value(row['p_rank'])}"
        + (
            f", too few controls for the rank test: its p cannot go below {row['rank_floor']:.3f})"
            if few
            else ")"
        )
    )
    if beyond and crawford and rank:
        return SUPPORTED, f"{said}: more than such directions do."
    if not beyond:
        return NOT_SUPPORTED, f"{said}: random directions do as much or more."
    return INCONCLUSIVE, f"{said}: not shown to be more than such directions do."


def _signed(controls: pd.DataFrame) -> str | None:
    """One sentence about the signed effect, which damage by either sign cancels out of."""
    rows = controls[(controls["quantity"] == SIGNED) & controls["p_crawford_howell"].notna()]
    if rows.empty:
        return None
    row = _top(rows, rows["alpha"])
    return (
        f"Its signed effect at |α| = {row['alpha']:g}, free of damage that both signs do, is "
        f"{labels.points(row['estimate'])} points against a mean of "
        f"{labels.points(row['controls_mean'])} of the controls (Crawford–Howell p = "
        f"{labels.p_value(row['p_crawford_howell'])}, rank p = {labels.p_value(row['p_rank'])})."
    )


def _top(frame: pd.DataFrame, by: pd.Series) -> dict[str, Any]:
    """The row where `by` is largest, the first of them."""
    row = frame.iloc[int(by.to_numpy(dtype=float).argmax())]
    return {str(name): value for name, value in row.items()}


def _at(row: dict[str, Any]) -> str:
    """One dose in words: the difference, its interval, the counts and the corrected p."""
    return (
        f"α = {labels.alpha(row['alpha'])}: {labels.points(row['estimate'])} points "
        f"{labels.interval(row['low'], row['high'])}, {int(row['gained'])} gained and "
        f"{int(row['lost'])} lost of {int(row['n'])}, corrected p = "
        f"{labels.p_value(row['p_adjusted'])}"
    )

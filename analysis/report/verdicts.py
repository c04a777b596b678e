"""Verdicts from declared rules: what the tests together allow one to say, and why.

The rules are fixed before any row is seen and are printed with the report (`RULES`).
*Amplification* asks whether accuracy rises at a positive alpha, *suppression* whether it falls at a
negative one, and both whether it is this direction that does it and not any push of its size.
How often they err is measured by `steerstat calibrate verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis import words
from analysis.plans import CONFIRMATORY, EXPLORATORY, stamped
from analysis.tables.base import CONTEXT, CURVE, PART, groups, matching
from analysis.tables.beyond import CLAIMS
from analysis.tables.logprob import among_controls
from analysis.tables.own_controls import PLACE
from analysis.tables.paired import holm_by
from analysis.tables.readings import Readings, Source, opened
from analysis.tables.series import labelled
from analysis.tables.stops import stop_words
from analysis.vocabulary import ONE_SIDED_SIGNIFICANCE, SIGNIFICANCE
from sql.html_tables import html_table

# Gains smaller than this are not what anybody steers for; a gain is excluded beyond it.
MARGIN = 0.05
SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
RULES = (
    "**Against the baseline**: does accuracy rise at some positive α (amplification), or fall at "
    "some negative α (suppression)? McNemar mid-p, Holm-corrected over the alphas of the "
    "direction, at most 0.05. If it does not, and the 95 % interval excludes a change of 5 points "
    "at every α of that sign, the claim is **not supported**; if it does not, **inconclusive**.",
    "**Ended by a plan**: what a sequential plan ended is tested by its e-value with its "
    "confidence sequence, which hold however often one looked, Holm-corrected over all tests of "
    "the plan; what ended as futile never rejects. What ended before the last problem is not "
    "ranked among controls.",
    "**Its own controls**: a direction is compared only with control directions that were drawn "
    "for it, have its norm at every position that changes anything, and were run at the same doses "
    "of both signs, in the same way, on the same problems and seeds. Without them, or "
    "where some of them are not so, the claim is **inconclusive**, and the reason says what to "
    "run: a subset decides nothing, for it may have been chosen.",
    "**Three ranks among them**, each of the largest standardised value over all doses that they "
    "share, so that a control is searched as the candidate is: the effect at doses of the claim's "
    "sign; the signed effect [f(α) − f(−α)]/2, which harm that both signs do leaves alone; and its "
    "share of all changes, which a direction that merely pushes harder leaves alone. All three "
    "must have a one-sided p of at most 0.025, corrected by Holm over the candidates of the "
    "section, for every kind of control that was run.",
    "**The assumption** of these ranks is exchangeability: were the candidate nothing special, it "
    "might have been any of the k + 1 directions: same norm, same construction, drawn "
    "independently, same search. Controls that do the same to the same problems (mean cosine above "
    "0 at p ≤ 0.01) contradict it and support nothing.",
    "**Not supported against controls** takes an interval: candidate − mean of controls, paired by "
    "problem, excludes 5 points in the claim's sense at every dose they share, with every outcome "
    "without a verdict taken for the claim.",
    "**Answers that cannot be read** are not right answers; every condition must hold as well "
    "where each outcome without a verdict is taken against the claim. **Missing outcomes** "
    "(errors) enter in this way alone: an effect is of the problems at which its direction and the "
    "baseline have an outcome; a direction that lacks more than 5 % of its outcomes is named, a "
    "control that lacks half of them counts as not run.",
    "All met: **supported**. Otherwise **inconclusive**; the reason says what is missing.",
    "A test set that was selected on the outcome never supports a verdict: its figures are shown "
    "and stamped, and the verdict is **inconclusive**.",
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One claim about one candidate on one problem set: what can be said, and why.

    `context` says where: model, protocol, decoding, dtype, set and baseline.
    """

    claim: str
    direction: str
    set_name: str
    protocol: str
    verdict: str
    reason: str
    selected_on_outcome: bool
    place: tuple[tuple[str, Any], ...] = ()
    """What names the curve, by column."""
    alphas: tuple[float, ...] = ()
    """The doses of the claim's sign."""
    series: str = ""
    """What the report calls the curve."""
    where: str = ""
    """What the report calls the section."""
    stamp: str = EXPLORATORY
    """Confirmatory where a plan named the direction at all of these doses, against everything."""

    @property
    def context(self) -> dict[str, Any]:
        """Model, protocol, decoding, dtype, set and baseline of the curve, by column."""
        return {name: value for name, value in self.place if name in CONTEXT}

    def _repr_html_(self) -> str:
        """What a notebook shows: the claim, its verdict and why, and where it holds."""
        rows = [
            ("verdict", f"{self.verdict} ({self.stamp})"),
            ("reason", self.reason),
            ("selected on outcome", "yes" if self.selected_on_outcome else "no"),
            *self.context.items(),
        ]
        return html_table(f"{self.claim} by {self.direction} on {self.set_name}", rows)


def store_verdicts(store: Source) -> list[Verdict]:
    """The verdicts of a store, sets drawn at random first."""
    from analysis import tables

    readings = opened(store)
    reached = verdicts(
        labelled(tables.effects(readings), readings),
        tables.beyond_controls(readings),
        tables.equal_push(readings),
    )
    logprobs, among = tables.gold_logprobs(readings), tables.logprob_controls(readings)
    return [_with_stamp(with_logprob(one, logprobs, among), readings) for one in reached]


def _with_stamp(verdict: Verdict, readings: Readings) -> Verdict:
    """The verdict with its stamp: a plan has to name all of what it rests on."""
    rows = pd.DataFrame(
        [
            {**dict(verdict.place), "series": verdict.series, "alpha": alpha}
            for alpha in verdict.alphas
        ]
    )
    given = [*stamped(readings, rows), *stamped(readings, rows, against="controls")]
    if EXPLORATORY not in given:
        return replace(verdict, stamp=CONFIRMATORY)
    part = f"{EXPLORATORY} (a plan named a part)"
    return replace(verdict, stamp=part if CONFIRMATORY in given else EXPLORATORY)


def verdicts(
    effects: pd.DataFrame, beyond: pd.DataFrame, push: pd.DataFrame | None = None
) -> list[Verdict]:
    """Amplification and suppression of every candidate.

    Takes the tables `effects` and `beyond_controls`, and `equal_push` for a sentence on the
    difficulty-matched counterpart.
    """
    candidates = with_bounds(effects[effects["role"] == "candidate"].reset_index(drop=True))
    compared = beyond.groupby(["candidate", "claim"], sort=False).indices
    reached = []
    for value, index in groups(candidates, CURVE).items():
        curve = candidates.iloc[index]
        names = dict(zip(CURVE, value, strict=True))
        for claim, sign in CLAIMS.items():
            side = curve[curve["alpha"] * sign > 0]
            if len(side):
                place = {name: names[name] for name in PLACE}
                rows = beyond.iloc[compared.get((names["direction"], claim), [])]
                verdict = _verdict(claim, sign, side, matching(rows, place), names)
                pairs = None if push is None else matching(push, place)
                reached.append(_with_counterpart(verdict, sign, pairs))
    return sorted(reached, key=lambda v: v.selected_on_outcome)


def with_bounds(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows with `bound_p_adjusted`: Holm of `bound_p` over the family of `p_adjusted`."""
    planned = effects["family_size"].where(effects["stop"].notna())
    worst = effects.assign(p=effects["bound_p"], planned_tests=planned)
    return effects.assign(bound_p_adjusted=holm_by(worst, CURVE)["p_adjusted"])


def _verdict(
    claim: str, sign: int, side: pd.DataFrame, controls: pd.DataFrame, names: Mapping[str, Any]
) -> Verdict:
    """The verdict of one side of one curve."""
    first = side.iloc[0]
    selected = bool(first["selected_on_outcome"])
    verdict, reasons = _against_baseline(sign, side)
    if verdict is None:
        verdict, more = _against_controls(sign, side, controls)
        reasons += more
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
        place=tuple(names.items()),
        alphas=tuple(float(alpha) for alpha in side["alpha"]),
        series=str(first.get("series", names["direction"])),
        where=str(first.get("where", names["set_name"])),
    )


def _moved(sign: int, side: pd.DataFrame) -> pd.DataFrame:
    """Rows at which accuracy moved in the claim's direction, corrected for all alphas."""
    return side[(side["p_adjusted"] <= SIGNIFICANCE) & (side["estimate"] * sign > 0)]


def _against_baseline(sign: int, side: pd.DataFrame) -> tuple[str | None, list[str]]:
    """What the baseline comparison alone decides; None if the controls must be asked."""
    word, opposite = ("rises", "falls") if sign > 0 else ("falls", "rises")
    moved = _moved(sign, side)
    if len(moved):
        top = _top(moved, moved["estimate"] * sign)
        said = f"Accuracy {word} at {len(moved)} of {len(side)} alphas; most at {_at(top)}."
        if len(_holding(sign, moved)):
            return None, [said]
        return INCONCLUSIVE, [said, "Answers without a verdict could explain it at each of them."]
    best = _top(side, side["estimate"] * sign)
    reasons = [f"Accuracy {word} at no alpha beyond chance; the most favourable is {_at(best)}."]
    against = side[(side["p_adjusted"] <= SIGNIFICANCE) & (side["estimate"] * sign < 0)]
    if len(against):
        worst = _top(against, -against["estimate"] * sign)
        reasons.append(f"It {opposite} at {len(against)} of {len(side)}, most at {_at(worst)}.")
    # A row without bounds has its own limits: left out, it would exclude what it does not.
    highest, lowest = (side[f"bound_{end}"].fillna(side[end]) for end in ("high", "low"))
    limit = float(highest.max() if sign > 0 else -lowest.min())
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


def _holding(sign: int, moved: pd.DataFrame) -> pd.DataFrame:
    """Of the rows that moved, those that would have, whatever the answers without a verdict."""
    least = moved["effect_low"] if sign > 0 else -moved["effect_high"]
    return moved[(moved["bound_p_adjusted"] <= SIGNIFICANCE) & (least > 0)]


def _against_controls(
    sign: int, side: pd.DataFrame, controls: pd.DataFrame
) -> tuple[str, list[str]]:
    """What the candidate's own controls say of a side that moved, kind by kind."""
    if _moved(sign, side)[PART].astype(bool).all():
        return INCONCLUSIVE, [
            "The plan ended such doses early, by the very outcomes that would be ranked among the "
            "controls: `steerstat collect` with the plan, without --stop-when-decided, runs the "
            "rest."
        ]
    rows = controls.to_dict("records")
    run = [row for row in rows if row["k"] > 0]
    asked = run or rows
    if not asked:
        return INCONCLUSIVE, ["It was not compared with control directions of its own."]
    decided = [_against_kind(sign, side, {str(k): v for k, v in row.items()}) for row in asked]
    reasons = [reason for _, reason in decided]
    reasons += [row["lacking"] for row in run if row["lacking"]]
    unlike = [row for row in rows if row["k"] == 0] if run else []
    reasons += [f"Not beaten, for it cannot be compared: {row['why']}" for row in unlike]
    found = {verdict for verdict, _ in decided}
    if NOT_SUPPORTED in found:
        return NOT_SUPPORTED, reasons
    beaten = found == {SUPPORTED} and not unlike
    return (SUPPORTED if beaten else INCONCLUSIVE), reasons


def _against_kind(sign: int, side: pd.DataFrame, row: Mapping[str, Any]) -> tuple[str, str]:
    """What one kind of control says: the conditions of the rules, one after another."""
    if row["status"] == "not_comparable":
        return INCONCLUSIVE, str(row["why"])
    moved, shared = set(_moved(sign, side)["alpha"]), set(row["doses"])
    if not moved & shared:
        return INCONCLUSIVE, (
            f"Its {row['control_kind']} controls were run at α = {words.alphas(row['doses'])}, "
            f"where accuracy did not move: collect them at α = {words.alphas(sorted(moved))}."
        )
    said = f"Against {_compared(sign, row)}"
    if row["difference_limit"] < MARGIN and moved <= shared:
        return NOT_SUPPORTED, (
            f"{said}: 5 points beyond the mean of its controls are excluded at every dose that "
            "they share, so such directions do as much."
        )
    if row["status"] != "ok":
        return INCONCLUSIVE, f"{said}. {row['why']}"
    if row["p_adjusted"] > ONE_SIDED_SIGNIFICANCE:
        return INCONCLUSIVE, f"{said}: {_short_of(row)}."
    if row["p_bounds_adjusted"] > ONE_SIDED_SIGNIFICANCE:
        return INCONCLUSIVE, (
            f"{said}: answers without a verdict could explain it (corrected "
            f"{words.p_is(row['p_bounds_adjusted'])} with all of them against the claim)."
        )
    if row["left_out"]:
        return INCONCLUSIVE, (
            f"{said}: more than those do, but the others might lie beyond it. Run all of its "
            "controls at the same doses, with its norm."
        )
    return SUPPORTED, f"{said}: more than such directions do, and by its sign."


def _short_of(row: Mapping[str, Any]) -> str:
    """Which of the three ranks is not small enough, alone or corrected."""
    if row["p_effect"] > ONE_SIDED_SIGNIFICANCE:
        return "not shown to be more than such directions do"
    if row["p_signed"] > ONE_SIDED_SIGNIFICANCE:
        return "not shown that the sign of the push matters"
    if row["p_share"] > ONE_SIDED_SIGNIFICANCE:
        return "a direction that means nothing but pushes harder could do it"
    return f"not enough for the best of {int(row['family_size'])} candidates"


def _compared(sign: int, row: Mapping[str, Any]) -> str:
    """One comparison with controls of one kind in words."""
    kind = words.counted(int(row["k"]), f"{row['control_kind']} control")
    left = f" ({int(row['left_out'])} more were not comparable)" if row["left_out"] else ""
    missing = int(row["n_missing"])
    on = words.counted(int(row["n"]), "problem") + (
        f" ({words.counted(missing, 'pair')} of all directions and doses missing)"
        if missing
        else ""
    )
    family = int(row["family_size"])
    over = f", corrected over {family} candidates {words.p_is(row['p_adjusted'])}"
    return (
        f"{kind}{left} at α = {words.alphas(row['doses'])} on {on}: "
        f"{int(row['beyond'])} of them lie at least as far as it does; ranks of the effect "
        f"{words.p_is(row['p_effect'])} (at α = {words.alpha(row['alpha'])} it differs from their "
        "mean by "
        f"{words.points(row['difference'])} points), of the signed effect "
        f"{words.p_is(row['p_signed'])} (at |α| = {row['signed_alpha']:g} "
        f"{words.points(row['signed'])} points against {words.points(row['controls_signed'])}), of "
        f"its share {words.p_is(row['p_share'])}{over if family > 1 else ''}"
    )


def _with_counterpart(verdict: Verdict, sign: int, pairs: pd.DataFrame | None) -> Verdict:
    """The verdict with a sentence on its difficulty-matched counterpart at the largest push."""
    if pairs is None:
        return verdict
    mine = pairs["matched"].astype(bool) & (pairs["first"] == verdict.direction)
    side = pairs[mine & (pairs["push"] * sign > 0)]
    if side.empty:
        return verdict
    row = _top(side, side["push"].abs())
    beyond = row["p"] <= SIGNIFICANCE and row["difference"] * sign > 0
    tail = (
        "what it does beyond its counterpart may be difficulty"
        if beyond
        else "nothing says that difficulty is what it works by"
    )
    said = f"Beside its difficulty-matched counterpart, {words.push_sentence(row)}; {tail}."
    return replace(verdict, reason=f"{verdict.reason} {said}")


def with_logprob(verdict: Verdict, logprobs: pd.DataFrame, among: pd.DataFrame) -> Verdict:
    """The verdict with a sentence on the gold answer's log-probability, which decides nothing.

    Takes the tables `gold_logprobs` and `logprob_controls`; of the doses of the claim's sign the
    one that is most in its favour.
    """
    sign = CLAIMS[verdict.claim]
    side = matching(logprobs, dict(verdict.place))
    side = side[side["alpha"] * sign > 0]
    if side.empty:
        return verdict
    row = _top(side, side["estimate"] * sign)
    said = words.logprob_sentence(row, among_controls(row, among))
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

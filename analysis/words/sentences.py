"""One careful sentence per result: what the numbers say, and what they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.statistics import results
from analysis.vocabulary import SIGNIFICANCE
from analysis.words.numbers import (
    alpha,
    compact,
    count,
    interval,
    level,
    limits,
    nats,
    p_is,
    p_value,
    percent,
    points,
    signed,
)

if TYPE_CHECKING:
    from analysis.statistics.clustered import ClusteredDifference
    from analysis.statistics.controls import ControlComparison
    from analysis.statistics.discordance import Discordance
    from analysis.statistics.equivalence import MarginTest
    from analysis.statistics.families import AdjustedP
    from analysis.statistics.fragility import Fragility
    from analysis.statistics.intervals import PairedDifference
    from analysis.statistics.missing import MissingBounds
    from analysis.statistics.power import DetectableEffect, SampleSize
    from analysis.statistics.sequential import ConfidenceSequence, EValue
    from analysis.vocabulary import TestMethod

_TEST: dict[TestMethod, str] = {
    "midp": "McNemar's mid-p test",
    "exact": "the exact McNemar test",
    "chi2": "McNemar's chi-square test",
}


def mcnemar_sentence(
    gained: int, lost: int, p: float, exact: float, significance: float = 0.05
) -> str:
    """Reading of McNemar's mid-p, with the exact test named where it decides otherwise."""
    if gained + lost == 0:
        return (
            "No problem changed, so the test has nothing to work with (p = 1 by convention); "
            "how large an effect these data leave possible is a question for the interval."
        )
    numbers = f"{gained} gained against {lost} lost, {p_is(p, 'McNemar mid-p')}"
    if p > significance:
        return (
            f"The data do not establish that steering gains more problems than it loses, or the "
            f"reverse ({numbers}); that is not evidence of no effect: read the interval."
        )
    way = (
        "gained more problems than it lost"
        if gained > lost
        else "lost more problems than it gained"
    )
    sentence = f"Steering {way} ({numbers}), more unevenly than chance alone readily explains"
    if exact > significance:
        sentence += (
            f"; the more conservative exact test does not reach {significance:g} ({p_is(exact)})"
        )
    return sentence + ". This compares with the baseline only, not with control directions."


def over_problems_sentence(result: ClusteredDifference) -> str:
    """Reading of a mean difference over problems with several outcomes each."""
    if result.low is None or result.high is None or result.p != result.p:
        return f"{result.n} problems without any spread: there is nothing to test with."
    established = "a change is" if result.p <= 1 - float(result.confidence or 0) else "no change is"
    return (
        f"Accuracy changed by {points(result.estimate)} points on average over {result.n} problems "
        f"({limits(result.low, result.high, float(result.confidence or 0))}; {p_is(result.p)}): "
        f"{established} established, which compares with the baseline only, not with control "
        "directions."
    )


def difference_sentence(result: PairedDifference) -> str:
    """Reading of a paired difference, its interval and its test."""
    low, high = float(result.low), float(result.high)
    head = (
        f"Accuracy changed by {points(result.estimate)} points on {result.n} problems "
        f"({limits(low, high, result.confidence)}; {p_is(result.p, 'mid-p')})"
    )
    if result.status == results.NO_INFORMATION:
        return head + ": no problem changed, and the interval shows what that leaves possible."
    if result.status == results.TEST_INTERVAL_DISAGREE:
        return (
            head + ": the interval and the test disagree at this level, as they can in a few "
            "small tables; the test was declared primary and decides."
        )
    if low <= 0 <= high:
        return head + ": the data are compatible with no change and with any effect inside it."
    return (
        head + ": a change in this direction is supported; its size is known only as far as that."
    )


def equivalence_sentence(result: MarginTest, *, one_sided: bool) -> str:
    """Reading of a test against a margin."""
    what = "does not cost more than" if one_sided else "changes accuracy by less than"
    limit = points(result.margin, sign=False)
    inside = limits(result.low, result.high, result.confidence)
    if result.shown:
        return (
            f"The data support that steering {what} {limit} points ({p_is(result.p)}, "
            f"{inside}), provided that the margin was fixed before the data were seen."
        )
    return (
        f"It is not shown that steering {what} {limit} points ({p_is(result.p)}, {inside}); "
        "that is not evidence that it does more."
    )


def discordance_sentence(result: Discordance, gained: int, lost: int) -> str:
    """Reading of the rate of change behind a net effect."""
    sentence = (
        f"{gained + lost} of {result.n} answers changed ({points(result.estimate, sign=False)} %, "
        f"{level(result.confidence)} interval {points(result.low, sign=False)} to "
        f"{points(result.high, sign=False)} %) for a net change of "
        f"{compact(gained - lost, sign=True)}"
    )
    if result.floor is None:
        return sentence + "; without re-runs one cannot say how much of this is churn."
    verdict = "more than" if result.above_floor else "not clearly more than"
    return sentence + (
        f"; that is {verdict} the churn of re-runs ({points(result.floor, sign=False)} %)."
    )


def controls_sentence(result: ControlComparison, unit: str) -> str:
    """Reading of one direction among few controls."""
    k, alpha = result.k, 1 - float(result.confidence)
    if result.status == results.DEGENERATE:
        return (
            f"All {k} controls have the same effect, so their spread, and with it any distance "
            "from them, is undefined."
        )
    place = "unusual" if result.p <= alpha else "not shown to be unusual"
    sentence = (
        f"Among {k} control directions the candidate is {place} ("
        f"{p_is(result.p, 'Crawford–Howell p')}, {result.tail}; assumes normal control effects): "
        f"it differs from their mean by {compact(result.estimate, sign=True)} {unit}, where the "
        f"effect of one more direction of their kind is expected between "
        f"{compact(result.prediction_low)} and {compact(result.prediction_high)}"
    )
    if result.rank_floor > alpha:
        sentence += (
            f"; with {k} controls the rank test cannot go below {p_value(result.rank_floor)}, so "
            "more controls are needed before any claim"
        )
    return sentence + "."


def power_sentence(
    power: float, n: int, effect: float, discordance: float, method: TestMethod
) -> str:
    """Reading of a power, before collecting."""
    weak = "; not rejecting would be weak evidence against such an effect" if power < 0.8 else ""
    return (
        f"If {points(discordance, sign=False)} % of problems change and the net effect is "
        f"{points(effect)} points, {n} problems give {_TEST[method]} a chance of {power:.3f} to "
        f"reject{weak}."
    )


def detectable_sentence(result: DetectableEffect, method: TestMethod) -> str:
    """Reading of the smallest detectable effect."""
    if result.status == results.NOT_CONVERGED:
        return (
            f"With {result.n} problems and {points(result.discordance, sign=False)} % changing, no "
            f"effect reaches power {result.asked:g}, not even if all changes go one way."
        )
    return (
        f"With {result.n} problems and {points(result.discordance, sign=False)} % changing, "
        f"{_TEST[method]} finds net effects of {points(result.effect, sign=False)} points with "
        f"power {result.asked:g}; smaller ones are more likely to be missed."
    )


def sample_size_sentence(result: SampleSize, effect: float, method: TestMethod) -> str:
    """Reading of the number of problems needed."""
    if result.status == results.NOT_CONVERGED:
        return f"Even {result.n} problems do not reach power {result.asked:g} for this effect."
    return (
        f"About {result.problems} problems are needed for {_TEST[method]} to find an effect of "
        f"{points(effect)} points with power {result.asked:g}, if "
        f"{points(result.discordance, sign=False)} % of problems change."
    )


def adjusted_sentence(result: AdjustedP, significance: float = 0.05) -> str:
    """Reading of adjusted p-values."""
    rejected = int((result.p <= significance).sum())
    return (
        f"{rejected} of {len(result.p)} p-values stay at or below {significance:g} with "
        f"{result.method} over a family of {result.family_size} ({result.controls}); the family "
        "must have been fixed before the p-values were seen."
    )


def look_sentence(e: EValue, sequence: ConfidenceSequence, threshold: float = 20.0) -> str:
    """Reading of an interim look."""
    verdict = "may stop here and reject" if e.e >= threshold else "may not reject yet"
    return (
        f"The e-value is {e.e:.3g}: one {verdict} (threshold {threshold:g}, size at most "
        f"{1 / threshold:.3g} however often one looks), provided that the problems came in "
        f"fixed or random order; {level(sequence.confidence)} limits that hold at every look "
        f"are {points(sequence.low)} to {points(sequence.high)} points (wider than the e-value's "
        "verdict, since they share their error with the rate of change)."
    )


def missingness_sentence(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Reading of the rows of `tables.missingness` of one problem set; nothing where all was read.

    Baseline, the dose with the most unreadable answers, the trend of each direction, and how many
    outcomes are missing.
    """
    said = []
    steered = [row for row in rows if row["alpha"]]
    if any(row["n_unreadable"] for row in rows):
        base = next(row for row in rows if not row["alpha"])
        most = max(steered, key=lambda row: row["unreadable"])
        beside = (
            f"; its controls {percent(most['controls_unreadable'])}, k = {count(most['k'])}"
            if most["k"] == most["k"]
            else ""
        )
        trends = {row["series"]: (row["trend"], row["p_trend"]) for row in rows}
        slopes = "; ".join(
            f"{name} {points(slope, 2)} points per unit ({p_is(p)})"
            for name, (slope, p) in trends.items()
        )
        said.append(
            f"Unreadable answers: {percent(base['unreadable'])} at the baseline, most under "
            f"{most['series']} at α = {alpha(most['alpha'])}: {percent(most['unreadable'])} "
            f"(corrected {p_is(most['p_adjusted'])} for unequal missingness{beside}). Trend over "
            f"|α| (Mantel): {slopes}."
        )
    missing = sum(row["n_missing"] for row in steered)
    if missing:
        outcomes = sum(row["n"] for row in steered)
        said.append(f"{missing} of {outcomes} steered outcomes are missing (errors) and left out.")
    return " ".join(said)


def missing_sentence(result: MissingBounds) -> str:
    """Reading of a table with missing outcomes."""
    verdict = (
        "no way of filling them in changes the decision of the test"
        if result.decision_unchanged
        else "the decision of the test depends on how they are filled in"
    )
    return (
        f"{result.dropped} of {result.n} pairs miss an outcome; counted as wrong the change is "
        f"{points(result.estimate)} points, and over every way of filling them in it lies between "
        f"{points(result.low_effect)} and {points(result.high_effect)} points: {verdict}."
    )


def fragility_sentence(result: Fragility) -> str:
    """Reading of a test with numerically fragile pairs."""
    verdict = (
        "stands whichever of them are flipped"
        if result.decision_unchanged
        else "does not survive every choice of flips, so it hangs on numerical noise"
    )
    return (
        f"{result.dropped} of {result.n} pairs are numerically fragile; the decision ("
        f"{p_is(result.p, 'mid-p')}) {verdict} (p from {p_value(result.p_low)} to "
        f"{p_value(result.p_high)})."
    )


def push_sentence(row: Mapping[str, Any]) -> str:
    """Two candidates at one push: a row of `tables.equal_push`."""
    first, second, p = str(row["first"]), str(row["second"]), float(row["p"])
    decided = "not shown to differ"
    if p <= SIGNIFICANCE:
        more = first if abs(row["first_effect"]) > abs(row["second_effect"]) else second
        decided = f"{more} does more"
    return (
        f"at {percent(abs(row['push']), 0)} of the latents' norm, α "
        f"{'above' if row['push'] > 0 else 'below'} 0, {first} moves accuracy by "
        f"{points(row['first_effect'])} points and {second} by {points(row['second_effect'])}, "
        f"difference {points(row['difference'])} {interval(row['low'], row['high'])}, corrected "
        f"{p_is(p)}: {decided}"
    )


def logprob_sentence(row: Mapping[str, Any], among: Sequence[Mapping[str, Any]]) -> str:
    """One dose of one candidate, a row of `tables.gold_logprobs`, and those among its controls."""
    tested = "not tested"
    if row["status"] == "stopped":
        tested += ": a sequential plan ended it"
    elif row["p_adjusted"] == row["p_adjusted"]:
        tested = (
            f"{nats(row['low'], row['high'])}, corrected {p_is(row['p_adjusted'])} by sign flips"
        )
    ranks = "".join(
        f"; {count(own['beyond'])} of its {count(own['k'])} {own['control_kind']} controls lie "
        f"beyond it, rank {p_is(own['p_rank'])}"
        for own in among
        if own["p_rank"] == own["p_rank"]
    )
    return (
        "Beside accuracy, and without a say in the verdict, the log-probability of the gold answer "
        f"changes by {signed(row['estimate'], 3)} nats at α = {alpha(row['alpha'])} ({tested}, "
        f"n = {count(row['n'])}{ranks})."
    )

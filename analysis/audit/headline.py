"""What a study comes down to, in few numbers: verdicts, the effects they rest on, baselines.

The severity of a finding is what becomes of these when what is affected is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis import tables, words
from analysis.report.verdicts import INCONCLUSIVE, Verdict, verdicts
from analysis.tables.base import CURVE, matching
from analysis.tables.beyond import CLAIMS
from analysis.tables.readings import Readings, view
from analysis.vocabulary import SIGNIFICANCE, Severity

# An effect that moves by less prints as it was, in points with one digit.
MOVES = 0.0005

Key = tuple[Any, ...]
_NAMES = [name for name in CURVE if name != "baseline_id"]


@dataclass(frozen=True, kw_only=True)
class Stand:
    """One claim: its verdict, and the dose at which it is strongest.

    `effects` are (estimate, corrected p) by dose; `alpha` is the one that is most in the claim's
    favour, None where there is none of its sign.
    """

    claim: str
    direction: str
    set_name: str | None
    protocol: str
    verdict: str
    effects: Mapping[float, tuple[float, float]]
    alpha: float | None

    @property
    def name(self) -> str:
        """The claim in words."""
        place = "" if self.set_name is None else f" on {self.set_name}"
        return f"{self.claim} by {self.direction}{place}"

    @property
    def fields(self) -> dict[str, Any]:
        """What a verdict is known by."""
        names = ("claim", "direction", "set_name", "protocol")
        return {name: getattr(self, name) for name in names}

    def significant(self, alpha: float | None) -> bool:
        """Whether the effect at a dose is significant after correction, in either direction."""
        return (
            alpha is not None and alpha in self.effects and self.effects[alpha][1] <= SIGNIFICANCE
        )

    @property
    def says_something(self) -> bool:
        """Whether anything is claimed: a verdict, or a significant effect."""
        return self.verdict != INCONCLUSIVE or self.significant(self.alpha)


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The claims of a store by what names them, and the baselines of its test sets."""

    stands: Mapping[Key, Stand] = field(default_factory=dict)
    baselines: Mapping[Key, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What becomes of a headline: how grave it is, in words, and the verdicts that it is about."""

    severity: Severity
    said: str
    verdicts: tuple[Mapping[str, Any], ...] = ()
    moved: float | None = None


def headline(readings: Readings) -> Headline:
    """The headline of a store."""
    effects = tables.effects(readings)
    stands = {}
    if len(effects):
        reached = verdicts(effects, tables.beyond_controls(readings))
        for verdict in reached:
            stands[_key(verdict)] = _stand(verdict, effects)
    accuracy = tables.accuracy(readings)
    training = set(view(readings, "sets_overview").query("split == 'train'")["set_name"])
    baselines: dict[Key, float] = {}
    for row in accuracy.to_dict("records"):
        if row["direction"] is None and row["set_name"] not in {None, *training}:
            known = row["accuracy"] == row["accuracy"]
            key = (row["set_name"], row["condition_id"])
            baselines |= {key: float(row["accuracy"])} if known else {}
    return Headline(stands=stands, baselines=baselines)


def _key(verdict: Verdict) -> Key:
    place = dict(verdict.place)
    return (verdict.claim, *(place[name] for name in _NAMES))


def _stand(verdict: Verdict, effects: Any) -> Stand:
    sign = CLAIMS[verdict.claim]
    rows = matching(effects, dict(verdict.place))
    by_dose = {
        float(alpha): (float(estimate), float(p))
        for alpha, estimate, p in zip(
            rows["alpha"], rows["estimate"], rows["p_adjusted"], strict=True
        )
        if alpha * sign > 0
    }
    best = max(by_dose, key=lambda alpha: by_dose[alpha][0] * sign, default=None)
    return Stand(
        claim=verdict.claim,
        direction=verdict.direction,
        set_name=verdict.set_name,
        protocol=verdict.protocol,
        verdict=verdict.verdict,
        effects=by_dose,
        alpha=best,
    )


def consequence(before: Headline, after: Headline, without: str) -> Consequence:
    """What changes from one headline to another; `without` begins the sentence about it."""
    changed, unknown, moves = [], [], []
    for key, stand in before.stands.items():
        other = after.stands.get(key)
        if other is None or stand.alpha not in {*other.effects, None}:
            unknown.append(stand)
            continue
        said = _changed(stand, other)
        if said:
            changed.append((stand, said))
        elif stand.alpha is not None:
            moves.append((other.effects[stand.alpha][0] - stand.effects[stand.alpha][0], stand))
    lost = [stand for stand in unknown if stand.says_something]
    about = (*(stand.fields for stand, _ in changed), *(stand.fields for stand in lost))
    if changed:
        more = _and_more(len(about) - 1)
        return Consequence(
            severity="decides", said=f"{without} {changed[0][1]}{more}.", verdicts=about
        )
    if lost:
        more = _and_more(len(lost) - 1)
        said = f"{without} nothing is left of {lost[0].name}: it cannot be known{more}."
        return Consequence(severity="decides", said=said, verdicts=about)
    return _moved(before, after, moves, unknown, without)


def _changed(stand: Stand, other: Stand) -> str:
    """What is said otherwise of a claim; nothing where it stands."""
    if stand.verdict != other.verdict:
        return f"{stand.name} is {other.verdict}, not {stand.verdict}"
    if stand.alpha is None:
        return ""
    (estimate, p), (now, now_p) = stand.effects[stand.alpha], other.effects[stand.alpha]
    significant = p <= SIGNIFICANCE, now_p <= SIGNIFICANCE
    at = f"the effect of {stand.direction} at α = {words.alpha(stand.alpha)}"
    at += "" if stand.set_name is None else f" on {stand.set_name}"
    if significant[0] != significant[1]:
        is_not = "is" if significant[1] else "is not"
        was = words.p_is(p)
        return f"{at} {is_not} significant (corrected {words.p_is(now_p)}, with them {was})"
    if any(significant) and estimate * now < 0:
        return f"{at} is {words.points(now)} points, not {words.points(estimate)}"
    return ""


def _moved(
    before: Headline,
    after: Headline,
    moves: list[tuple[float, Stand]],
    unknown: list[Stand],
    without: str,
) -> Consequence:
    """The effect or baseline that moves the most, or that none does."""
    by, stand = max(moves, key=lambda move: abs(move[0]), default=(0.0, None))
    if stand is not None and abs(by) >= MOVES:
        assert stand.alpha is not None
        was = stand.effects[stand.alpha][0]
        place = "" if stand.set_name is None else f" on {stand.set_name}"
        said = (
            f"{without} the effect of {stand.direction} at α = {words.alpha(stand.alpha)}{place} "
            f"is {words.points(was + by)} points, not {words.points(was)}."
        )
        return Consequence(severity="biases", said=said, moved=by)
    shifts = {
        key: after.baselines[key] - share
        for key, share in before.baselines.items()
        if key in after.baselines
    }
    key = max(shifts, key=lambda one: abs(shifts[one]), default=None)
    if key is not None and abs(shifts[key]) >= MOVES:
        said = (
            f"{without} the baseline of {key[0]} is {words.percent(after.baselines[key])} right, "
            f"not {words.percent(before.baselines[key])}."
        )
        return Consequence(severity="biases", said=said, moved=shifts[key])
    if unknown:
        said = f"{without} nothing is left of {unknown[0].name}, which claims nothing."
        return Consequence(severity="hygiene", said=said)
    if not before.stands and not before.baselines:
        return Consequence(severity="hygiene", said="No headline can be computed of this store.")
    return Consequence(
        severity="hygiene", said=f"{without} no verdict changes, and no effect moves."
    )


def _and_more(count: int) -> str:
    return f" (and {count} more of the verdicts)" if count > 0 else ""

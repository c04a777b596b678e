"""The verdict on one pair as data, as one screen of text, and as a table for a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from analysis import words
from analysis.statistics.clustered import ClusteredDifference
from analysis.statistics.power import DetectableEffect
from analysis.statistics.results import Estimate, json_value
from sql.html_tables import html_table
from sql.printable import one_line

WIDTH = 80
ALONE = "This pair alone cannot tell:"
_NAME = 15
HIGHER, LOWER, NOT_SHOWN = "higher", "lower", "not shown to differ"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The effect and its test over every reading of the outcomes that are not known.

    Effects and limits are fractions; `decision_unchanged`: every reading decides alike, with the
    same sign, or none does.
    """

    n: int
    """Pairs, or with several seeds problems."""
    low_effect: float
    high_effect: float
    low: float
    """Smallest lower limit."""
    high: float
    """Largest upper limit."""
    p_high: float
    """Largest p."""
    decision_unchanged: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two conditions on the same problems, tested.

    The outcome is a readable right answer: what could not be read counts as not right, what is
    missing (an error) is in no pair. Printed it is one screen, in a notebook a table;
    `as_dict` has every digit.
    """

    baseline: str
    """What the two sides are called."""
    steered: str
    verdict: str
    """``"higher"``, ``"lower"`` or ``"not shown to differ"``, by `test` at 1 − `confidence`."""
    confidence: float
    joined_by: str
    n_pairs: int
    """Pairs with an outcome on both sides."""
    n_problems: int
    both_right: int
    gained: int
    lost: int
    both_wrong: int
    unreadable: tuple[int, int]
    """Answers of these pairs that could not be read, at the baseline and steered."""
    n_missing: int
    """Pairs without an outcome on one side or both (errors)."""
    only_baseline: int
    """Outcomes without a partner."""
    only_steered: int
    unusable: tuple[str, ...]
    """Rows that could not be used, one line each."""
    notes: tuple[str, ...]
    """How files were understood."""
    differs: dict[str, tuple[str, str]]
    """Settings in which the sides differ, besides steering."""
    other_questions: int
    """Pairs whose questions differ."""
    test: Estimate
    """McNemar's mid-p; with several seeds a problem, the score test over problems."""
    exact: Estimate | None
    """The exact McNemar test; None with several seeds."""
    interval: Estimate
    """Tango's interval; with several seeds, that of `test`."""
    complete: Estimate | None
    """The pairs that were read on both sides; None where there are none, or with several seeds."""
    bounds: Bounds | None
    """Over what is not known of the pairs; None with too few problems."""
    unpaired_bounds: Bounds | None
    """The same where outcomes without a partner count as missing; None where there are none, or
    where the other side was not asked."""
    power: DetectableEffect | None
    """The smallest effect found with power 0.8 if as many problems change as changed here; None
    where none changed, or with several seeds."""
    selected_on_outcome: bool
    unknown: tuple[str, ...]
    """What this pair alone cannot tell."""

    @property
    def accuracy(self) -> tuple[float, float]:
        """Share of right outcomes at the baseline and steered, of the pairs."""
        right = self.both_right
        return (right + self.lost) / self.n_pairs, (right + self.gained) / self.n_pairs

    @property
    def several_seeds(self) -> bool:
        """Whether a problem has several outcomes, which makes the problem the unit of the test."""
        return self.exact is None

    @property
    def depends_on_missing(self) -> bool:
        """Whether some reading of what is not known, or has no partner, decides otherwise."""
        both = (self.bounds, self.unpaired_bounds)
        return any(bounds is not None and not bounds.decision_unchanged for bounds in both)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain Python values, ready for JSON; results with every digit."""
        row: dict[str, Any] = {}
        for name, value in vars(self).items():
            plain = asdict(value) if isinstance(value, Bounds) else value
            row[name] = json_value(plain)
        return row | {
            "accuracy": list(self.accuracy),
            "depends_on_missing": self.depends_on_missing,
        }

    def __str__(self) -> str:
        """One screen of at most 80 columns."""
        return _as_text(self)

    def _repr_html_(self) -> str:
        return _as_html(self)


def _as_text(found: Comparison) -> str:
    """Title, what was joined and left out, table, test, bounds, and what it cannot tell."""
    lines = textwrap.wrap(one_line(_title(found)), WIDTH)
    lines += _aligned(_joining(found))
    lines += [f"  {name:<{_NAME}}  {yes:>13}  {no:>13}" for name, yes, no in _table(found)]
    lines += _aligned(_judging(found))
    lines += ["", *textwrap.wrap(interpretation(found), WIDTH), "", ALONE]
    for text in found.unknown:
        lines += textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
    return "\n".join(lines)


def _as_html(found: Comparison) -> str:
    """The same as a table."""
    rows = [*_joining(found), *_table(found), *_judging(found)]
    below = [interpretation(found), *(f"{ALONE} {text}" for text in found.unknown)]
    return html_table(_title(found), rows, below)


def interpretation(found: Comparison) -> str:
    """What the numbers say, and whether what is not known could change it."""
    if found.exact is None:
        said = words.over_problems_sentence(cast(ClusteredDifference, found.test))
    else:
        level = round(1 - found.confidence, 12)
        p, exact = float(found.test.p or 0), float(found.exact.p or 0)
        said = words.mcnemar_sentence(found.gained, found.lost, p, exact, level)
    if found.depends_on_missing:
        said += (
            " Other readings of the outcomes that are not known, or have no partner, would decide "
            "otherwise."
        )
    return said


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names and values, wrapped beside their names."""
    lines = []
    for name, value in rows:
        head = f"  {one_line(name):<{_NAME}}  "
        lines += textwrap.wrap(
            one_line(value), WIDTH, initial_indent=head, subsequent_indent=" " * (_NAME + 4)
        )
    return lines


def _title(found: Comparison) -> str:
    return f"{found.steered} against {found.baseline}: {found.verdict}"


def _joining(found: Comparison) -> list[tuple[str, str]]:
    pairs = f"{found.n_pairs} pairs of {words.counted(found.n_problems, 'problem')}"
    return [
        ("joined by", f"{found.joined_by}: {pairs}"),
        ("left out", _left_out(found)),
        *(("not the same", f"{name}: {a} → {b}") for name, (a, b) in found.differs.items()),
    ]


def _left_out(found: Comparison) -> str:
    parts = [
        f"{found.only_baseline} only at the baseline, {found.only_steered} only steered",
        f"{words.counted(found.n_missing, 'pair')} without an outcome",
    ]
    if found.unusable:
        rows = words.counted(len(found.unusable), "row")
        parts.append(f"{rows} not to be used, the first: {found.unusable[0]}")
    return "; ".join(parts)


def _table(found: Comparison) -> list[tuple[str, str, str]]:
    return [
        ("", "steered right", "steered not"),
        ("baseline right", str(found.both_right), f"{found.lost} (lost)"),
        ("baseline not", f"{found.gained} (gained)", str(found.both_wrong)),
    ]


def _judging(found: Comparison) -> list[tuple[str, str]]:
    before, after = found.accuracy
    interval, level = found.interval, f"{100 * found.confidence:g} %"
    rows = [
        (
            "accuracy",
            f"{words.percent(before)} → {words.percent(after)}, change "
            f"{100 * interval.estimate:+.4g} points",
        )
    ]
    if interval.low is not None and interval.high is not None:
        method = "Tango score" if found.exact is not None else "over problems"
        rows.append((f"{level} interval", f"{_points(interval.low, interval.high)} ({method})"))
    if found.exact is None:
        rows.append(("score test", f"{words.p_is(found.test.p)} over problems, seeds averaged"))
    else:
        rows.append(
            (
                "McNemar mid-p",
                f"{words.p_value(found.test.p)}, exact {words.p_value(found.exact.p)}",
            )
        )
    rows.append(
        (
            "unreadable",
            f"{found.unreadable[0]} at the baseline, {found.unreadable[1]} steered: not right",
        )
    )
    if found.complete is not None and found.unreadable != (0, 0):
        rows.append(
            (
                "complete cases",
                f"{100 * found.complete.estimate:+.4g} points, mid-p "
                f"{words.p_value(found.complete.p)}, n = {found.complete.n}",
            )
        )
    if found.bounds is not None:
        rows.append(("missing bounds", _bounds(found.bounds)))
    if found.unpaired_bounds is not None:
        rows.append(("  and unpaired", _bounds(found.unpaired_bounds)))
    return [*rows, ("power", _power(found))]


def _points(low: float, high: float) -> str:
    return f"{words.precise_points(low)} to {words.precise_points(high)} points"


def _bounds(bounds: Bounds) -> str:
    decided = "the same decision" if bounds.decision_unchanged else "other decisions possible"
    return (
        f"effect {_points(bounds.low_effect, bounds.high_effect)}, "
        f"{words.p_is(bounds.p_high, 'largest p')}: {decided}"
    )


def _power(found: Comparison) -> str:
    if found.power is None:
        if found.exact is None:
            return "not computed where problems have several outcomes"
        return "no problem changed: nothing to compute it from"
    if found.power.effect != found.power.effect:
        return f"no effect has power {found.power.asked:g} if so few problems change"
    return (
        f"effects from {100 * found.power.effect:.4g} points are found with power "
        f"{found.power.asked:g}, if as many problems change"
    )

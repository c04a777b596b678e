"""A claim against the range of values that rounded figures leave open."""

from __future__ import annotations

import ast
import itertools
import operator
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.claims.binding import show_value
from analysis.claims.errors import ExpressionError, ImpossibleError, NoEvidenceError
from analysis.claims.expression import parse
from analysis.claims.judge import (
    DECISION_DRIFT,
    PASS,
    UNDETERMINED,
    UNSUPPORTED,
    VERDICTS,
    Judgement,
    judge,
    printed_figure,
    printed_interval,
)
from analysis.claims.printed import Figure, print_like
from analysis.claims.readings import (
    MOST,
    PRINTED,
    Choice,
    Compute,
    Reading,
    combinations,
    size,
    spread,
    spreads,
)
from analysis.claims.schema import Claim

# A printed figure is right if the figures behind it, rounded as they are, can give it. A sentence
# has to hold whatever they stand for.
FIGURES = ("value", "interval", "p", "count")
SIGNS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("=", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}


@dataclass(frozen=True)
class Sides:
    """A comparison of two numbers, each side computed for itself.

    Attributes:
        left: computes the left side.
        right: computes the right side.
        op: the comparison.
    """

    left: Compute
    right: Compute
    op: ast.cmpop


def over_readings(
    claim: Claim,
    printed: str,
    compute: Compute,
    significance: float,
    loose: Mapping[str, Choice],
    fixed: Mapping[str, float],
) -> Judgement:
    """Judge a claim for everything that the figures in `loose` may stand for.

    Args:
        claim: the claim.
        printed: what it prints.
        compute: what is recomputed, under a reading.
        significance: level of the claim.
        loose: figures that may stand for several values.
        fixed: figures whose value is settled.
    """
    value = compute(Reading(fixed))
    if not loose:
        return judge(claim, printed, value, significance)
    if isinstance(value, bool | str):
        return _each(claim, printed, compute, significance, loose, fixed)
    best: Any
    worst: Any
    if isinstance(value, tuple):
        if claim.kind not in ("order", "monotonicity", "interval"):
            return _each(claim, printed, compute, significance, loose, fixed)
        best, worst, shown = _lists(claim, printed, compute, loose, fixed, len(value))
    else:
        low, high = spread(compute, loose, fixed)
        best, worst = _nearest_and_farthest(claim, printed, low, high)
        shown = _range(low, high, _figure_of(claim, printed))
    return _combined(
        claim,
        judge(claim, printed, best, significance),
        judge(claim, printed, worst, significance),
        shown,
    )


def _combined(claim: Claim, best: Judgement, worst: Judgement, shown: str) -> Judgement:
    if best.verdict != PASS:
        return replace(best, reason=f"{best.reason}; rounded figures leave {shown}")
    if worst.verdict == PASS:
        return best
    if claim.kind in FIGURES:
        return replace(best, reason=f"{best.reason}; rounded figures leave {shown}")
    return Judgement(UNDETERMINED, shown, f"rounded figures leave {shown}, and not all of it fits")


def _nearest_and_farthest(
    claim: Claim, printed: str, low: float, high: float
) -> tuple[float, float]:
    """The values between two limits that fit what is printed best and worst."""
    if claim.kind == "absence":
        return low, high
    figure = _figure_of(claim, printed)
    if figure is None:
        return low, high
    if figure.relation in ("<", "<="):
        best, worst = low, high
    elif figure.relation in (">", ">="):
        best, worst = high, low
    else:
        best = min(max(float(figure), low), high)
        worst = low if abs(low - figure) > abs(high - figure) else high
    if claim.kind == "count":
        nearest = float(round(best))
        if not low - 1e-9 <= nearest <= high + 1e-9:
            raise ImpossibleError(f"no whole number lies between {low:.6g} and {high:.6g}")
        best, worst = nearest, float(round(worst))
    if claim.kind == "p":
        best, worst = min(max(best, 0.0), 1.0), min(max(worst, 0.0), 1.0)
    return best, worst


def _lists(
    claim: Claim,
    printed: str,
    compute: Compute,
    loose: Mapping[str, Choice],
    fixed: Mapping[str, float],
    length: int,
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """The lists that fit best and worst, entry by entry."""
    ranges = spreads(compute, loose, fixed, length)
    if claim.kind == "interval":
        limits = printed_interval(printed)
        figures = (limits.low, limits.high)
        pairs = [
            (min(max(float(f), low), high), low if abs(low - f) > abs(high - f) else high)
            for f, (low, high) in zip(figures, ranges, strict=True)
        ]
        shown = ", ".join(_range(*r, f) for r, f in zip(ranges, figures, strict=True))
        return tuple(p[0] for p in pairs), tuple(p[1] for p in pairs), f"[{shown}]"
    shown = ", ".join(_range(low, high, None) for low, high in ranges)
    down = claim.direction == "decreasing"
    strict = claim.kind == "order" if claim.strict is None else claim.strict
    holds, breaks = _course(ranges, down, strict)
    best, worst = (holds, breaks) if claim.says else (breaks, holds)
    return best, worst, shown


def _course(
    ranges: Sequence[tuple[float, float]], down: bool, strict: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A list that keeps its course if any does, and one that leaves it if any does."""
    turned = [(-high, -low) for low, high in ranges] if down else list(ranges)
    rising: list[float] = []
    for low, _ in turned:
        rising.append(max([low, *rising[-1:]]))
    if strict:
        # Spread equal entries within their ranges: each may rise as far as the next ones allow.
        ceiling = list(itertools.accumulate((h for _, h in reversed(turned)), min))[::-1]
        steps = len(turned)
        rising = [
            r + (c - r) * i / steps for i, (r, c) in enumerate(zip(rising, ceiling, strict=True))
        ]
    falling = [low for low, _ in turned]
    for place, ((_, top), (bottom, _)) in enumerate(itertools.pairwise(turned)):
        if top > bottom or (strict and top == bottom):
            falling = [low for low, _ in turned[:place]] + [top, bottom]
            falling += [high for _, high in turned[place + 2 :]]
            break
    sign = -1 if down else 1
    kept = rising if all(r <= h + 1e-12 for r, (_, h) in zip(rising, turned, strict=True)) else None
    nominal = [(low + high) / 2 for low, high in turned]
    return (
        tuple(sign * v for v in (kept or nominal)),
        tuple(sign * v for v in falling),
    )


def _each(
    claim: Claim,
    printed: str,
    compute: Compute,
    significance: float,
    loose: Mapping[str, Choice],
    fixed: Mapping[str, float],
) -> Judgement:
    """Judge under each reading; under a sample of them where there are too many."""
    complete = size(loose) <= MOST
    found: list[Judgement] = []
    for chosen in combinations(loose) if complete else _sample(loose):
        try:
            value = compute(Reading({**fixed, **chosen}))
            found.append(judge(claim, printed, value, significance))
        except (ExpressionError, ImpossibleError, NoEvidenceError):
            continue
    verdicts = {judgement.verdict for judgement in found}
    shown = " or ".join(dict.fromkeys(judgement.recomputed for judgement in found))
    if len(verdicts) == 1 and (complete or PASS in verdicts):
        return kindest(found)
    if PASS not in verdicts and complete:
        return kindest(found)
    return Judgement(UNDETERMINED, shown, f"rounded figures leave open whether it is {shown}")


def _sample(loose: Mapping[str, Choice]) -> list[dict[str, float]]:
    draw = random.Random(0)
    ends = [{k: end(c.options) for k, c in loose.items()} for end in (min, max)]
    ends.append({k: c.options[0] for k, c in loose.items()})
    return ends + [{k: draw.choice(c.options) for k, c in loose.items()} for _ in range(MOST)]


def truths_of(
    sides: Sides | None, compute: Compute, loose: Mapping[str, Choice], fixed: Mapping[str, float]
) -> tuple[set[bool], str, str]:
    """What a sentence comes to, over all that the figures in `loose` may stand for.

    Args:
        sides: the two sides, where the sentence is one comparison of numbers.
        compute: the sentence itself.
        loose: figures that may stand for several values.
        fixed: figures whose value is settled.

    Returns:
        The truth values that occur, what was recomputed, and a sentence with the numbers.
    """
    value = compute(Reading(fixed))
    if not isinstance(value, bool):
        raise ExpressionError(f"needs true or false, recomputed {show_value(value)}")
    if sides is None:
        truths = {value} if not loose else _truths_tried(compute, loose, fixed)
        shown = " or ".join(holds_or_not(truth) for truth in sorted(truths, reverse=True))
        return truths, shown, ""
    sign, holds = SIGNS[type(sides.op)]
    left, right = (side(Reading(fixed)) for side in (sides.left, sides.right))
    as_printed = (side(PRINTED) for side in (sides.right, sides.left))
    unit = next((x for x in as_printed if isinstance(x, Figure) and x.unit), None)
    if not loose or not all(isinstance(x, int | float) for x in (left, right)):
        truths = {value} if not loose else _truths_tried(compute, loose, fixed)
        shown, other = _in_unit(left, unit), _in_unit(right, unit)
    else:
        low, high = spread(lambda r: sides.left(r) - sides.right(r), loose, fixed)
        truths = {bool(holds(low, 0)), bool(holds(high, 0))}
        if low <= 0 <= high and low < high and isinstance(sides.op, ast.Eq | ast.NotEq):
            truths = {True, False}
        shown, other = (
            _range(*spread(side, loose, fixed), unit) for side in (sides.left, sides.right)
        )
    word = "true" if truths == {True} else "false" if truths == {False} else "true for a part"
    return truths, shown, f"{shown} {sign} {other} is {word}"


def _truths_tried(
    compute: Compute, loose: Mapping[str, Choice], fixed: Mapping[str, float]
) -> set[bool]:
    """Truth values under each reading; both, where not all could be tried and none was true."""
    complete = size(loose) <= MOST
    truths = set()
    for chosen in combinations(loose) if complete else _sample(loose):
        try:
            truths.add(bool(compute(Reading({**fixed, **chosen}))))
        except (ExpressionError, ImpossibleError, NoEvidenceError):
            continue
    return truths if complete or True in truths else {True, False}


def decided(
    claim: Claim, truths: set[bool], shown: str, said: str, *, tested: bool, contrary: bool
) -> Judgement:
    """The verdict on a sentence.

    Args:
        claim: the claim.
        truths: the truth values that occur.
        shown: what was recomputed.
        said: the comparison in numbers, or nothing.
        tested: whether it rests on a test, which may fail to show what is so.
        contrary: whether the data show the contrary.
    """
    if truths == {claim.says}:
        return Judgement(PASS, shown, said or "the data say the same")
    if len(truths) > 1:
        open_ = said or "rounded figures leave open whether it holds"
        return Judgement(UNDETERMINED, shown, open_)
    if contrary:
        return Judgement(DECISION_DRIFT, shown, f"the data show the contrary{said and f': {said}'}")
    if claim.says and tested:
        return Judgement(UNSUPPORTED, shown, f"the data do not show it{said and f': {said}'}")
    return Judgement(DECISION_DRIFT, shown, said or "the data say otherwise")


def holds_or_not(value: bool) -> str:
    """A truth value as a reader wants to see it."""
    return "holds" if value else "does not hold"


def sides_of(expression: str) -> tuple[str, str, ast.cmpop] | None:
    """Both sides of an expression that is one comparison of numbers."""
    tree = parse(expression)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    return ast.unparse(tree.left), ast.unparse(tree.comparators[0]), tree.ops[0]


def _in_unit(value: Any, unit: Figure | None) -> str:
    """A side of a comparison in the unit of the printed figure it stands against."""
    if unit is not None and isinstance(value, int | float):
        return print_like(value, unit)
    return f"{float(value):g}" if isinstance(value, Figure) else show_value(value)


def _range(low: float, high: float, figure: Figure | None) -> str:
    """A range in the form of a figure, as one where its ends print alike."""
    if figure is None:
        ends = [f"{end:.4g}" for end in (low, high)]
    else:
        ends = [print_like(end, figure, more=int(low != high)) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _figure_of(claim: Claim, printed: str) -> Figure | None:
    """The printed figure, for the kinds that have one."""
    if claim.kind in ("value", "count", "p"):
        return printed_figure(printed)
    if claim.kind == "setting":
        try:
            return printed_figure(printed)
        except ExpressionError:
            return None
    return None


def kindest(judgements: Sequence[Judgement]) -> Judgement:
    """The judgement with the verdict that is kindest to the author."""
    return min(judgements, key=lambda judgement: VERDICTS.index(judgement.verdict))

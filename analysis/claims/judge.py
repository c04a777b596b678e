"""One claim against one recomputed value: which verdict, and why."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from analysis.claims.binding import show_value
from analysis.claims.printed import (
    Figure,
    agrees,
    parse_figure,
    parse_interval,
    print_like,
    same_sign,
)
from analysis.claims.schema import Claim
from analysis.vocabulary import ClaimKind, ClaimVerdict

VERDICTS: tuple[ClaimVerdict, ...] = get_args(ClaimVerdict)
PASS, VALUE_DRIFT, DECISION_DRIFT, UNDETERMINED, FAIL = VERDICTS


@dataclass(frozen=True)
class Judgement:
    """What became of one claim under one reading.

    Attributes:
        verdict: one of `analysis.vocabulary.ClaimVerdict`.
        recomputed: the recomputed value, printed as the document prints.
        reason: one sentence without its full stop.
    """

    verdict: ClaimVerdict
    recomputed: str
    reason: str


def judge(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    """Compare what the document prints with what was recomputed.

    Args:
        claim: the claim, for its kind and options.
        printed: the printed text, templates filled in.
        value: recomputed value; its type depends on the kind.
        significance: the level of the claim.

    Raises:
        ValueError: the value or the printed text cannot be what this kind of claim needs.
    """
    return _KINDS[claim.kind](claim, printed, value, significance)


def _value(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    figure, number = parse_figure(printed), _number(value)
    shown = print_like(number, figure)
    if agrees(number, figure):
        return Judgement(PASS, shown, f"recomputed {shown}")
    if not same_sign(number, figure):
        return Judgement(DECISION_DRIFT, shown, f"the sign changes: {printed} against {shown}")
    if figure.relation in ("<", ">", "<=", ">="):
        return Judgement(DECISION_DRIFT, shown, f"the bound {printed} does not hold for {shown}")
    return Judgement(VALUE_DRIFT, shown, f"prints {shown} where the document has {printed}")


def _count(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    if isinstance(value, tuple):
        value = len(value)
    number = _number(value)
    if not math.isclose(number, round(number), abs_tol=1e-9):
        raise ValueError(f"a count must be whole, recomputed {number:.6g}")
    return _value(claim, printed, round(number), significance)


def _p(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    figure, number = parse_figure(printed), _number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"a p-value lies in [0, 1], recomputed {number:.6g}")
    shown = f"p = {number:.4g}"
    if agrees(number, figure):
        return Judgement(PASS, shown, f"{shown} agrees with {printed}")
    said = figure <= significance if figure.relation in ("<", "<=") else figure < significance
    said = said and figure.relation not in (">", ">=")
    if said != (number < significance):
        side = "is" if number < significance else "is not"
        return Judgement(
            DECISION_DRIFT, shown, f"printed {printed}, but {shown} {side} below {significance:g}"
        )
    return Judgement(VALUE_DRIFT, shown, f"printed {printed}, recomputed {shown}: same decision")


def _interval(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    limits = parse_interval(printed)
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"an interval needs two recomputed limits, found {show_value(value)}")
    low, high = (_number(v) for v in value)
    shown = f"[{print_like(low, limits.low)}, {print_like(high, limits.high)}]"
    if agrees(low, limits.low) and agrees(high, limits.high):
        return Judgement(PASS, shown, f"recomputed {shown}")
    if (limits.low <= claim.null <= limits.high) != (low <= claim.null <= high):
        verb = "contains" if low <= claim.null <= high else "leaves out"
        return Judgement(DECISION_DRIFT, shown, f"recomputed {shown}, which {verb} {claim.null:g}")
    return Judgement(VALUE_DRIFT, shown, f"prints {shown} where the document has {printed}")


def _decision(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    if not isinstance(value, bool):
        raise ValueError(f"a {claim.kind} needs true or false, recomputed {show_value(value)}")
    if value == claim.says:
        return Judgement(PASS, _holds(value), "the data say the same")
    return Judgement(DECISION_DRIFT, _holds(value), "the data say otherwise")


def _setting(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    shown = show_value(value)
    same = shown.strip() == printed.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            figure = parse_figure(printed)
        except ValueError:
            same = False
        else:
            same, shown = agrees(float(value), figure), print_like(value, figure)
    if same:
        return Judgement(PASS, shown, "the setting is as printed")
    return Judgement(FAIL, shown, f"printed {printed}, but the setting was {shown}")


def _absence(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    present = len(value) if isinstance(value, tuple | str) else value
    if not present:
        return Judgement(PASS, "none", "none was found")
    shown = show_value(present)
    return Judgement(FAIL, shown, f"said to be absent, but found: {shown}")


def _sequence(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    if not isinstance(value, tuple) or len(value) < 2:
        raise ValueError(f"needs a list of at least two values, recomputed {show_value(value)}")
    numbers = [_number(v) for v in value]
    strict = claim.kind == "order" if claim.strict is None else claim.strict
    sign = 1 if claim.direction == "increasing" else -1
    steps = [(sign * (b - a), a, b) for a, b in itertools.pairwise(numbers)]
    broken = [s for s in steps if s[0] < 0 or (strict and s[0] == 0)]
    shown = ", ".join(f"{v:.4g}" for v in numbers)
    if bool(not broken) == claim.says:
        ties = sum(s[0] == 0 for s in steps)
        tail = f", {ties} step{'s' if ties > 1 else ''} of them equal" if ties else ""
        word = claim.direction if not broken else f"not {claim.direction}"
        return Judgement(PASS, shown, f"the sequence is {word}{tail}")
    if not broken:
        return Judgement(DECISION_DRIFT, shown, f"the sequence is {claim.direction} after all")
    _, before, after = broken[0]
    verb = "equals" if before == after else "is followed by"
    return Judgement(
        DECISION_DRIFT, shown, f"not {claim.direction}: {before:.4g} {verb} {after:.4g}"
    )


_KINDS: dict[ClaimKind, Callable[[Claim, str, Any, float], Judgement]] = {
    "value": _value,
    "count": _count,
    "p": _p,
    "interval": _interval,
    "decision": _decision,
    "equivalence": _decision,
    "setting": _setting,
    "absence": _absence,
    "order": _sequence,
    "monotonicity": _sequence,
}


def _holds(value: bool) -> str:
    return "holds" if value else "does not hold"


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"needs a number, recomputed {show_value(value)}")
    return value if isinstance(value, Figure | int) else float(value)

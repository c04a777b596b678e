"""One claim against one recomputed value: which verdict, and why."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from analysis.claims.binding import show_value
from analysis.claims.errors import ExpressionError, ImpossibleError
from analysis.claims.printed import (
    Figure,
    Interval,
    agrees,
    parse_figure,
    parse_interval,
    print_like,
    same_sign,
)
from analysis.claims.schema import Claim
from analysis.vocabulary import ClaimKind, ClaimVerdict

# From the kindest to the author on.
VERDICTS: tuple[ClaimVerdict, ...] = get_args(ClaimVerdict)
PASS, UNDETERMINED, UNSUPPORTED, VALUE_DRIFT, DECISION_DRIFT, DEVIATED, FAIL = VERDICTS


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
    """Compare what the document prints with what was recomputed; not for sentences.

    Args:
        claim: the claim, for its kind and options.
        printed: the printed text, templates filled in.
        value: recomputed value; its type depends on the kind.
        significance: the level of the claim.

    Raises:
        ExpressionError: the value or the printed text is not what this kind of claim needs.
        ImpossibleError: what is printed cannot be.
    """
    return _KINDS[claim.kind](claim, printed, value, significance)


def _value(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    figure, number = printed_figure(printed), _number(value)
    shown = print_like(number, figure)
    if agrees(number, figure):
        return Judgement(PASS, shown, f"recomputed {shown}")
    if not same_sign(number, figure):
        return Judgement(DECISION_DRIFT, shown, f"the sign changes: {printed} against {shown}")
    if figure.relation in ("<", ">", "<=", ">="):
        return Judgement(DECISION_DRIFT, shown, f"the bound {printed} does not hold for {shown}")
    return Judgement(VALUE_DRIFT, shown, f"prints {shown} where the document has {printed}")


def _count(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    figure = printed_figure(printed)
    if figure.factor == 1 and not math.isclose(figure, round(figure), abs_tol=1e-9):
        raise ImpossibleError(f"printed {printed}, but a count is a whole number")
    number = len(value) if isinstance(value, tuple) else _number(value)
    if not math.isclose(number, round(number), abs_tol=1e-6):
        raise ImpossibleError(f"a count is a whole number, and this would be {number:.6g}")
    return _value(claim, printed, round(number), significance)


def _p(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    figure, number = printed_p(printed), _number(value)
    if not 0 <= number <= 1:
        raise ExpressionError(f"a p-value lies in [0, 1], and the expression gives {number:.6g}")
    shown = f"p = {number:.4g}"
    bound = figure.relation in ("<", ">", "<=", ">=")
    if agrees(number, figure):
        same = shown if bound else print_like(number, figure)
        return Judgement(PASS, same, f"{shown} agrees with {printed}")
    recomputed = shown if bound else _p_like(number, figure)
    said = figure <= significance if figure.relation in ("<", "<=") else figure < significance
    said = said and figure.relation not in (">", ">=")
    if said != (number < significance):
        side = "is" if number < significance else "is not"
        return Judgement(
            DECISION_DRIFT,
            recomputed,
            f"printed {printed}, but {shown} {side} below {significance:g}",
        )
    return Judgement(
        VALUE_DRIFT, recomputed, f"printed {printed}, recomputed {shown}: same decision"
    )


def _p_like(p: float, figure: Figure) -> str:
    """A p-value in the form of another, but never as zero: `p < .001`."""
    like = print_like(p, figure)
    if re.search(r"[1-9]", like.partition("=")[2] or like) or not p:
        return like
    least = print_like(10.0**-figure.decimals, figure)
    return least.replace("=", "<") if "=" in least else f"<{least}"


def printed_figure(printed: str) -> Figure:
    """The figure of a claim.

    Raises:
        ExpressionError: the text is no figure.
    """
    try:
        return parse_figure(printed)
    except ValueError as error:
        raise ExpressionError(f"key 'printed': {error}") from None


def printed_p(printed: str) -> Figure:
    """The p-value of a claim.

    Raises:
        ExpressionError: the text is no figure.
        ImpossibleError: no p-value prints so.
    """
    figure = printed_figure(printed)
    low, high = figure.limits
    below, above = figure.relation in ("<", "<="), figure.relation in (">", ">=")
    if high < 0 or low > 1 or (below and figure <= 0) or (above and figure >= 1):
        raise ImpossibleError(f"printed {printed}, but a p-value lies in [0, 1]")
    return figure


def _interval(claim: Claim, printed: str, value: Any, significance: float) -> Judgement:
    limits = printed_interval(printed)
    if hasattr(value, "low") and hasattr(value, "high"):
        value = (value.low, value.high)
    if not isinstance(value, tuple) or len(value) != 2:
        raise ExpressionError(f"an interval needs two recomputed limits, found {show_value(value)}")
    low, high = (_number(v) for v in value)
    shown = f"[{print_like(low, limits.low)}, {print_like(high, limits.high)}]"
    if agrees(low, limits.low) and agrees(high, limits.high):
        return Judgement(PASS, shown, f"recomputed {shown}")
    if (limits.low <= claim.null <= limits.high) != (low <= claim.null <= high):
        verb = "contains" if low <= claim.null <= high else "leaves out"
        return Judgement(DECISION_DRIFT, shown, f"recomputed {shown}, which {verb} {claim.null:g}")
    return Judgement(VALUE_DRIFT, shown, f"prints {shown} where the document has {printed}")


def printed_interval(printed: str) -> Interval:
    """The two limits of a claim.

    Raises:
        ExpressionError: the text is no interval.
        ImpossibleError: the lower limit is above the upper one.
    """
    try:
        limits = parse_interval(printed)
    except ValueError as error:
        raise ExpressionError(f"key 'printed': {error}") from None
    if limits.low > limits.high:
        raise ImpossibleError(f"printed {printed}, whose lower limit is above the upper one")
    return limits


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
        raise ExpressionError(
            f"needs a list of at least two values, recomputed {show_value(value)}"
        )
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
    "setting": _setting,
    "absence": _absence,
    "order": _sequence,
    "monotonicity": _sequence,
}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError(f"needs a number, recomputed {show_value(value)}")
    return value if isinstance(value, Figure | int) else float(value)

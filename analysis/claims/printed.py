"""Figures as a document prints them: their value, their precision and how to print them again.

A figure keeps what its digits say about its precision. `"32.6%"` is 0.326, known to half of the
last printed digit; `"p<0.05"` is a bound; `"nearly 2x"` is at most 2 and rounds to it. Everything
in percent or percentage points is a fraction inside, and is printed in its own unit at the edge.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

FACTORS = {
    "%": 0.01,
    "pts": 0.01,
    "pt": 0.01,
    "points": 0.01,
    "percent": 0.01,
    "percentage points": 0.01,
    "k": 1e3,
    "M": 1e6,
    "B": 1e9,
}
RELATIONS = {
    "": "=",
    "=": "=",
    "~": "~",
    "≈": "~",
    "about": "~",
    "around": "~",
    "<": "<",
    "below": "<",
    "under": "<",
    ">": ">",
    "above": ">",
    "over": ">",
    "≤": "<=",
    "<=": "<=",
    "at most": "<=",
    "up to": "<=",
    "≥": ">=",
    ">=": ">=",
    "at least": ">=",
    "nearly": "nearly",
    "almost": "nearly",
}
NUMBER = r"[+\-−–]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?"
_FIGURE = re.compile(
    r"^\s*(?P<name>[A-Za-zα-ω|Δ]+\s*(?=[=<>≤≥≈~]))?\s*"
    r"(?P<relation>[=<>≤≥≈~]{1,2}|" + "|".join(sorted(filter(str.isalpha, RELATIONS))) + r"|"
    r"at most|at least|up to)?\s*"
    rf"(?P<number>{NUMBER})\s*(?P<unit>[^\d\s][^\d]*)?\s*$"
)
_TINY = 1e-9


class Figure(float):
    """A number that a document prints: a float that remembers its precision and its unit."""

    text: str
    decimals: int
    factor: float
    relation: str
    unit: str
    signed: bool

    @property
    def half_unit(self) -> float:
        """Half of the last printed digit, in the unit of the value."""
        return 0.5 * 10.0**-self.decimals * self.factor


@dataclass(frozen=True)
class Interval:
    """Two printed limits.

    Attributes:
        low: lower limit, as printed.
        high: upper limit, as printed.
    """

    low: Figure
    high: Figure


def parse_figure(text: str) -> Figure:
    """Read one printed figure, such as `"-12.8 pts"`, `"p<0.05"` or `"~1.3"`.

    Raises:
        ValueError: the text is not one number with an optional relation and unit.
    """
    match = _FIGURE.match(text)
    if match is None or not re.search(r"\d", match["number"]):
        raise ValueError(
            f"{text!r} is not a printed figure such as '32.6%', '-12.8 pts' or 'p<0.05'"
        )
    number = match["number"].replace("−", "-").replace("–", "-").replace(",", "")
    unit = (match["unit"] or "").strip()
    factor = FACTORS.get(unit, 1.0)
    # Division keeps 32.6 % at 0.326 where a product with 0.01 may not.
    value = float(number) * factor if factor >= 1 else float(number) / round(1 / factor)
    figure = Figure(value)
    mantissa, _, exponent = number.lower().partition("e")
    figure.decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    figure.text, figure.unit, figure.factor = text.strip(), unit, factor
    figure.relation = RELATIONS[(match["relation"] or "").strip()]
    figure.signed = number.startswith("+")
    return figure


def parse_interval(text: str) -> Interval:
    """Read two printed limits, such as `"[-0.04, 0.09]"` or `"-4.2 to 9.4 pts"`.

    Raises:
        ValueError: the text does not hold exactly two numbers.
    """
    body = re.sub(r"^\s*\d+\s*%\s*CI:?", "", text).strip()
    matches = [m for m in re.finditer(NUMBER, body) if re.search(r"\d", m[0])]
    if len(matches) != 2:
        raise ValueError(f"{text!r} is not an interval such as '[-4.2, 9.4] pts'")
    unit = body[matches[1].end() :].strip(" ])").strip()
    low, high = (parse_figure(f"{m[0]} {unit}") for m in matches)
    return Interval(low, high)


def print_like(value: float, figure: Figure) -> str:
    """Print `value` at the precision, in the unit and with the sign convention of `figure`."""
    scaled = value / figure.factor
    if not math.isfinite(scaled):
        return str(scaled)
    decimals = max(figure.decimals, 0)
    # A bound such as p<0.05 says nothing of the precision of p itself.
    if figure.relation not in ("=", "~", "nearly"):
        body = f"{scaled:.4g}"
    else:
        body = f"{scaled:{'+' if figure.signed else ''},.{decimals}f}"
        body = body if "," in figure.text else body.replace(",", "")
    space = "" if figure.unit in ("", "%", "x", "×", "M", "k", "B") else " "
    return f"{_sign_of_relation(figure)}{body}{space}{figure.unit}"


def _sign_of_relation(figure: Figure) -> str:
    """`≈ ` and the like, which go with the new value as they did with the old one."""
    match = re.match(r"\s*[=≈~]\s*", figure.text)
    return match[0] if match else ""


def agrees(value: float, figure: Figure) -> bool:
    """Whether `value` would be printed as `figure` was (a tie may be rounded either way)."""
    if not math.isfinite(value):
        return False
    slack = _TINY * max(1.0, abs(figure))
    near = abs(value - figure) <= figure.half_unit + slack
    return {
        "=": near,
        "~": near,
        "nearly": near and value <= figure + slack,
        "<": value < figure,
        ">": value > figure,
        "<=": value <= figure + slack,
        ">=": value >= figure - slack,
    }[figure.relation]


def same_sign(value: float, figure: Figure) -> bool:
    """Whether value and figure lie on the same side of zero, zero going with either."""
    if abs(value) <= figure.half_unit or not figure:
        return True
    return (value > 0) == (figure > 0)

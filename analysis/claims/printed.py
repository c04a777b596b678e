"""Figures as a document prints them: their value, their precision and how to print them again.

A figure stands for every value that prints so. `"32.6%"` is 0.326, give or take half of the last
printed digit; `"p<0.05"` is a bound; `"nearly 2x"` is at most 2 and rounds to it. Everything in
percent or percentage points is a fraction inside, and is printed in its own unit at the edge.

Figures are read as plain text, which `plain` makes of LaTeX.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from analysis.claims.reader import FACTORS, RAISED, SPACES, Found, bare_digits, find_numbers

RELATIONS = {
    "": "=",
    "=": "=",
    "~": "~",
    "≈": "~",
    "≃": "~",
    "∼": "~",
    "about": "~",
    "around": "~",
    "roughly": "~",
    "approximately": "~",
    "<": "<",
    "≪": "<",
    "below": "<",
    "under": "<",
    "less than": "<",
    ">": ">",
    "≫": ">",
    "above": ">",
    "over": ">",
    "more than": ">",
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
_NAME = re.compile(r"[^\W\d][\w|^*\-\s]{0,30}(?:\([^()]*\))?\s*|\|[^\W\d]+\|\s*|", re.UNICODE)
_RELATION_SIGN = re.compile(r"[=<>≤≥≈≃∼~≪≫]{1,2}")
_DIGIT = re.compile(r"\d")
_TINY = 1e-9


class Figure(float):
    """A number that a document prints: a float that remembers its precision and its unit.

    Attributes:
        text: as printed.
        decimals: printed digits behind the point, less the power of ten.
        digits: printed digits behind the point.
        factor: what one of its unit is inside: 0.01 for percent and points.
        relation: `=`, `~` (about), `nearly`, `<`, `<=`, `>`, `>=`.
        unit: its unit as printed.
        signed: whether a plus was printed.
        key: where it stands in a claims file, so that equal figures are told apart.
        exact: whether it stands for itself alone.
        before: what stands before its number.
        halves: how many half units of its last digit it may be off by rounding.
    """

    text: str
    decimals: int
    digits: int
    factor: float
    relation: str
    unit: str
    signed: bool
    key: str
    exact: bool
    halves: int = 1
    before: str
    _after: str
    _power: str
    _no_zero: bool

    @property
    def in_powers(self) -> bool:
        """Whether it is printed with a power of ten."""
        return bool(self._power)

    @property
    def half_unit(self) -> float:
        """Half of the last printed digit, in the unit of the value."""
        return self.halves * 0.5 * 10.0**-self.decimals * self.factor

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value that prints so; of a bound, the bound itself."""
        if self.relation not in ("=", "~", "nearly"):
            return float(self), float(self)
        top = float(self) if self.relation == "nearly" else self + self.half_unit
        return self - self.half_unit, top

    @property
    def rounded(self) -> bool:
        """Whether it stands for a range: it has decimals, a percent sign or an "about"."""
        if self.exact or self.relation not in ("=", "~", "nearly"):
            return False
        return bool(self.decimals) or self.factor != 1 or self.relation != "="


@dataclass(frozen=True)
class Interval:
    """Two printed limits.

    Attributes:
        low: lower limit, as printed.
        high: upper limit, as printed.
    """

    low: Figure
    high: Figure


def plain(text: str) -> str:
    """A printed text without the marks of LaTeX or Markdown, so that its numbers can be read."""
    if any(mark in text for mark in ("\\", "{,}", "$", "^{")):
        from analysis.claims.latex import latex_text

        text = latex_text(text)
    return text.strip().strip("*_`").strip()


def parse_figure(text: str) -> Figure:
    r"""Read one printed figure, such as `"-12.8 pts"`, `"p<0.05"`, `"~1.3"` or `"5.8 × 10−48"`.

    LaTeX is read as well: `"34.9\,\%"`, `"$5.8\times10^{-48}$"`. A spread behind a ± is no part
    of the value.

    Raises:
        ValueError: the text is not one number with an optional relation and unit.
    """
    body = plain(text)
    head, relation = "", ""
    sign = _RELATION_SIGN.search(body)
    if sign is not None and _NAME.fullmatch(body[: sign.start()]):
        head, relation = body[: sign.end()], sign[0]
    numbers = list(find_numbers(body[len(head) :]))
    word = body[len(head) : len(head) + numbers[0].start].strip(" ([") if numbers else ""
    after = body[len(head) + numbers[0].end :] if numbers else ""
    relation = relation or word.lower()
    if relation == word.lower():
        word = ""
    # No document prints what no float holds.
    too_large = any(abs(n.exponent) > 290 or len(n.mantissa) > 40 for n in numbers)
    if len(numbers) != 1 or relation not in RELATIONS or word or too_large or _DIGIT.search(after):
        raise ValueError(
            f"{text!r} is not a printed figure such as '32.6%', '-12.8 pts' or 'p<0.05'"
        )
    return _figure(text, body, numbers[0], len(head), relation)


def _figure(text: str, body: str, found: Found, offset: int, relation: str) -> Figure:
    after = body[offset + found.end :]
    unit = found.unit or after.strip(" )]*†‡§").strip()
    factor = FACTORS.get(unit, FACTORS.get(unit.lower(), 1.0))
    # Division keeps 32.6 % at 0.326 where a product with 0.01 may not.
    value = found.value * factor if factor >= 1 else found.value / round(1 / factor)
    figure = Figure(value)
    figure.digits = len(found.mantissa.partition(".")[2])
    figure.decimals = figure.digits - found.exponent
    figure.text, figure.unit, figure.factor = text.strip(), unit, factor
    figure.relation = RELATIONS[relation]
    figure.signed = found.sign == "+"
    figure.key, figure.exact = figure.text, False
    digits = body.find(found.mantissa, offset + found.start)
    figure.before = body[: offset + found.start]
    tail = digits + len(found.mantissa) + len(found.power)
    figure._after = re.sub(rf"^[\s{SPACES}]?±[\s{SPACES}]?[\d.,]+", "", body[tail:])
    figure._power, figure._no_zero = found.power, found.mantissa.startswith(".")
    return figure


def parse_interval(text: str) -> Interval:
    """Read two printed limits, such as `"[-0.04, 0.09]"`, `"-4.2 to 9.4 pts"` or `"2.6 ± 6.8"`.

    Raises:
        ValueError: the text does not hold exactly two numbers.
    """
    body = re.sub(r"^\W*\d+(?:\.\d+)?\s*%?\s*C[Ir]I?:?|^\W*CI:?", "", plain(text)).strip()
    numbers = list(find_numbers(body))
    if len(numbers) == 1 and body.count(",") == 1:  # [100,200] are two limits, not 100,200
        numbers = list(find_numbers(body := body.replace(",", ", ")))
    unit = numbers[-1].unit or body[numbers[-1].end :].strip(" ])").strip() if numbers else ""
    if len(numbers) == 1 and numbers[0].spread:
        return _around(numbers[0], unit)
    if len(numbers) != 2 or any(n.spread for n in numbers):
        raise ValueError(f"{text!r} is not an interval such as '[-4.2, 9.4] pts'")
    low, high = (parse_figure(f"{n.sign}{n.mantissa}{n.power} {unit}") for n in numbers)
    return Interval(low, high)


def _around(number: Found, unit: str) -> Interval:
    """Limits printed as a centre and a half-width, each of them rounded."""
    digits = max(len(part.partition(".")[2]) for part in (number.mantissa, number.spread))
    width = float(bare_digits(number.spread))
    low, high = (
        parse_figure(f"{number.value + sign * width:.{digits}f} {unit}") for sign in (-1, 1)
    )
    low.halves = high.halves = 2
    return Interval(low, high)


def print_like(value: float, figure: Figure, *, more: int = 0) -> str:
    """Print `value` in the unit, the form and at the precision of `figure`, or `more` digits."""
    scaled = value / figure.factor
    if not math.isfinite(scaled):
        return str(scaled)
    # A bound such as p<0.05 says nothing of the precision of p itself.
    if figure.relation not in ("=", "~", "nearly"):
        return f"{_without_zero(f'{scaled:.4g}', figure)}{figure._after}".strip()
    before = figure.before if figure.relation in ("=", "~") else ""
    return f"{before}{_digits_like(scaled, figure, more)}{figure._after}".strip()


def _digits_like(scaled: float, figure: Figure, more: int) -> str:
    sign = "+" if figure.signed else ""
    if figure._power and scaled:
        power = math.floor(math.log10(abs(scaled)))
        digits = f"{scaled / 10.0**power:{sign}.{figure.digits + more}f}"
        return f"{digits}{_power_like(figure._power, power)}"
    decimals = max(figure.decimals, 0) + more
    body = f"{scaled:{sign},.{decimals}f}"
    body = body if "," in figure.text else body.replace(",", "")
    if float(body.replace(",", "")) == 0 and body.startswith("-"):
        body = body[1:]
    minus = next((dash for dash in "−–" if figure.text.find(dash) >= 0), "-")
    return _without_zero(body, figure).replace("-", minus)


def _power_like(printed: str, power: int) -> str:
    """The power of ten in the form of another: `e-48`, ` × 10^-48`, `×10⁻⁴⁸`."""
    if re.search("[⁰¹²³⁴-⁹]", printed):
        raised = str(power).translate({b: a for a, b in RAISED.items()})
        return re.sub("[⁺⁻⁰¹²³⁴-⁹]+", raised, printed)
    head, ten, tail = ("", printed[0], printed[1:])
    if printed[0] not in "eE":
        head, ten, tail = printed.partition("10")
    minus = next((dash for dash in "−–" if dash in tail), "-")
    return head + ten + re.sub(r"[+\-−–]?\s?\d+", str(power).replace("-", minus), tail)


def _without_zero(body: str, figure: Figure) -> str:
    """`.45` where the document writes so."""
    return re.sub(r"^([+-]?)0(?=\.)", r"\1", body) if figure._no_zero else body


def agrees(value: float, figure: Figure) -> bool:
    """Whether `value` would be printed as `figure` was (a tie may be rounded either way)."""
    if not math.isfinite(value):
        return False
    slack = _TINY * max(abs(figure), min(1.0, figure.half_unit))
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

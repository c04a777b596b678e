"""Numbers as people and models write them, each as one canonical text, or as none.

Exact: decimals of any length, nothing passes through floating point. A number that could be read
in two ways (`1,23`, `3:30`, `5x`, `2^10`) is there and has no value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

# Longest power of ten that a written number may carry; "1e999999999" is text, not a number.
_MAX_EXPONENT = 300
# Longest numerator or denominator, in digits: dividing longer ones takes long and means nothing.
_MAX_FRACTION = 30
# A model that repeats one digit without end has said no number.
_MAX_DIGITS = 1000
# How many characters around a number decide what it is.
_NEAR = 80
UNREADABLE = "\u25a1"
"""Stands for what no rule reads (a root, a letter of LaTeX): what touches it has no value."""

_THIN = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_CURRENCY = r"(?:(?:US|CA|AU|A|C)?[$€£¥₹]|\b(?:USD|EUR|GBP|INR|Rs\.?))"
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_PLAIN_UNITS = "mgshLld"

_EXPONENT = r"(?:\{\s*[-+]?[0-9]{1,4}\s*\}|\([-+]?[0-9]{1,4}\)|[-+]?[0-9]{1,4})"
_WRITTEN = (
    r"(?:[0-9]+(?:[.,:/'_][0-9]+)*|(?<![0-9A-Za-z)\].])\.[0-9]+)"  # one piece, judged later
    r"(?:[eE][-+]?[0-9]+(?![0-9A-Za-z]))?"
)
_NUMBER = re.compile(
    r"(?P<sign>[-+](?P<apart>\s{0,3}))?"
    rf"(?:(?P<currency>{_CURRENCY}\s?(?P<inner>[-+]\s?)?)|(?<![0-9A-Za-z_^]))"
    rf"(?P<written>{_WRITTEN})"
    r"(?P<mixed>[ -](?P<part>[0-9]{1,9}/[0-9]{1,9})(?![0-9/.,]))?"
    rf"(?P<power>\s?[×*·xX]\s?10\s?\^\s?(?P<ten>{_EXPONENT}))?"
    rf"(?P<raised>\s?\^\s?(?P<exponent>{_EXPONENT})?)?"
    rf"(?:\s(?P<scale>{'|'.join(_SCALES)})\b)?"
)
_PIECE = re.compile(
    r"(?P<plain>[0-9]+)"
    r"|(?P<decimal>[0-9]*\.[0-9]+)"
    r"|(?P<grouped>[1-9][0-9]{0,2}(?P<mark>[,'_])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:\.[0-9]+)?)"
    r"|(?P<lakh>[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?)"
    r"|(?P<above>[0-9]+)/(?P<below>[0-9]+)"
)
# A sign apart from its digits is one where nothing is there to subtract from.
_OPENS = re.compile(r"(?:^|[=:#(\[{,]|\b(?:is|are|was|were|be|equals|of|to))[ \t*]*$", re.I)
_OPERAND = re.compile(r"(?:[0-9)\]}%]|(?<![A-Za-z])[A-Za-z])[ \t]*$")
_NEGATIVE = re.compile(r"\b(?P<word>negative|minus)\s+$", re.I)
# What directly before or behind a number says that it is no number by itself.
_BEFORE = re.compile(rf"(?:±\s*|[{UNREADABLE}√]|(?:^|[=:])\s*-\s?\(\s*)$")
_BEHIND = re.compile(
    rf"\s?[{UNREADABLE}±_√∞π]|\^|(?![{_PLAIN_UNITS}](?![A-Za-z]))[A-Za-z](?![A-Za-z'’])"
)
_ENDLESS = re.compile(r"\s?(?:\.\.\.|…)")
_LARGER = (
    r"(?:feet|foot|ft|hours?|hrs?|h|minutes?|mins?|min|pounds?|lbs?|days?|weeks?|years?|months?|"
    r"dollars?|euros?|met(?:er|re)s?|yards?|miles?|km|m|kg)"
)
_SMALLER = (
    r"(?:inch(?:es)?|in|minutes?|mins?|min|m|seconds?|secs?|s|ounces?|oz|hours?|hrs?|days?|weeks?|"
    r"months?|cents?|cm|g|grams?|feet|ft)"
)
# One amount in two units, of which the second number says a part.
_SECOND = re.compile(rf"[0-9]\s?{_LARGER},?\s(?:and\s)?$", re.I)
_FIRST = re.compile(rf"\s?{_LARGER},?\s(?:and\s)?[0-9]+\s?{_SMALLER}\b", re.I)
_SMALLER_UNIT = re.compile(rf"\s?{_SMALLER}\b", re.I)
# A part in words behind a number: 5 and a half, 3 quarters.
_PARTS = re.compile(
    r"(?:[\s,.]*[A-Za-z]+){0,2}?[\s,]*\b(?:half|halves|quarters?|thirds?|fourths?|fifths?|sixths?|"
    r"eighths?|tenths?|hundredths?)\b",
    re.I,
)
# Thousands apart by a plain space, or two numbers.
_SPACED = re.compile(r"(?:^|[^0-9.,/])[1-9][0-9]{0,2}(?: [0-9]{3}){0,9} $")
_JOINED = re.compile(r"(?:[0-9][A-Za-z%$ ]{0,20}\bor|[0-9]\s+:)\s+$", re.I)


@dataclass(frozen=True)
class Number:
    """A number in a text: where it stands and what it is; no value where nobody can say."""

    start: int
    end: int
    value: str | None


def numbers(text: str) -> Iterator[Number]:
    """The numbers of a `plain` text in their order."""
    at = 0
    while match := _NUMBER.search(text, at):
        at = max(match.end(), match.start() + 1)
        end = match.end()
        if match["mixed"] and not _is_mixed(match):
            at = end = match.start("mixed")
            yield Number(match.start(), end, _value(match, text, end, alone=True))
            continue
        yield Number(match.start(), end, _value(match, text, end))


def _is_mixed(match: re.Match[str]) -> bool:
    """Whether a whole number and the fraction behind it are one: 1 1/2 is, 5 12/4 is not."""
    above, below = (int(part) for part in match["part"].split("/"))
    return match["written"].isdigit() and 0 < above < below


def _value(match: re.Match[str], text: str, end: int, *, alone: bool = False) -> str | None:
    before, rest = text[max(0, match.start() - _NEAR) : match.start()], text[end : end + _NEAR]
    if _BEHIND.match(rest) or _BEFORE.search(before) or _JOINED.search(before):
        return None
    if _FIRST.match(rest) or (_SECOND.search(before) and _SMALLER_UNIT.match(rest)):
        return None
    if _PARTS.match(rest):
        return None
    if "." in match["written"] and _ENDLESS.match(rest):
        return None
    if re.fullmatch("[0-9]{3}", match["written"]) and _SPACED.search(before):
        return None
    size = _piece(match["written"])
    if size is None:
        return None
    if not alone:
        if match["mixed"]:
            if match["mixed"][0] == "-":  # 1-1/2 is one and a half, or a half
                return None
            above, below = (int(part) for part in match["part"].split("/"))
            size += Fraction(above, below)
        if match["power"]:
            ten = _ten(match["ten"])
            size = None if ten is None else size * ten
        if match["raised"]:
            size = _ten(match["exponent"]) if size == 10 else None
        if size is None:
            return None
        if match["scale"]:
            size *= 10 ** _SCALES[match["scale"]]
    return canonical_fraction(-size if _is_negative(match, before) else size)


def _ten(exponent: str | None) -> Fraction | None:
    power = int(exponent.strip("{( )}")) if exponent else _MAX_EXPONENT + 1
    return Fraction(10) ** power if abs(power) <= _MAX_EXPONENT else None


def _piece(written: str) -> Fraction | None:
    """What an unsigned number says; None for dates, times, ratios, and commas that mean nothing."""
    digits, _, exponent = written.lower().partition("e")
    match = _PIECE.fullmatch(digits)
    if match is None or len(digits) > _MAX_DIGITS:
        return None
    if match["below"]:
        if (
            exponent
            or not int(match["below"])
            or len(max(digits.split("/"), key=len)) > _MAX_FRACTION
        ):
            return None
        return Fraction(int(match["above"]), int(match["below"]))
    if len(exponent.lstrip("+-")) > 3 or abs(int(exponent or 0)) > _MAX_EXPONENT:
        return None
    value = Fraction(Decimal(re.sub("[,'_]", "", digits)))
    return value * Fraction(10) ** int(exponent or 0)


def _is_negative(match: re.Match[str], before: str) -> bool:
    inner = (match["inner"] or "").strip() == "-"
    word = _NEGATIVE.search(before)
    if word and not (word["word"].lower() == "minus" and _OPERAND.search(before[: word.start()])):
        return not inner
    if match["sign"] is None:
        return inner
    line = before.rpartition("\n")[2]
    if match["apart"]:
        # At the start of a later line it is the mark of a list.
        signed = _OPENS.search(line) is not None and (bool(line.strip()) or not before.strip())
    else:
        glued = before[-1:] and (before[-1].isalnum() or before[-1] in "_)].%}")
        signed = not glued and not _OPERAND.search(line)
    return inner != (signed and match["sign"][0] == "-")


def canonical_fraction(value: Fraction) -> str:
    """A number as plain digits where its decimals end, else as a fraction in lowest terms.

    >>> canonical_fraction(Fraction(3, 4)), canonical_fraction(Fraction(-1, 3))
    ('0.75', '-1/3')
    """
    places, rest = 0, value.denominator
    for prime in (2, 5):
        times = 0
        while rest % prime == 0:
            rest, times = rest // prime, times + 1
        places = max(places, times)
    if rest > 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    whole, fraction = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


# --- one way of writing for what is written in several ---------------------------------------

_MINUS = str.maketrans(dict.fromkeys("−–‒‐‑﹣－", "-") | {"⁄": "/", "∕": "/", "÷": "/"})
_RAISED = {sign: unicodedata.normalize("NFKC", sign) for sign in "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"}
_RAISED_UNIT = re.compile(r"(?<=[A-Za-z)\]}])\s?\^\s?" + _EXPONENT)
_SMALL = re.compile(r"(?<![\w/])(?P<whole>[0-9]+)?[ ]?(?P<part>[¼-¾⅐-⅞↉])(?![\w/])")
_BRACED = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]{0,99}\}){0,99}\}){0,299})\}"
_WORDS = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt)?|mathrm|mathbf|mathit|mbox|operatorname)\s*" + _BRACED
)
_ROOT = re.compile(r"\\(?:overline|sqrt)\s*(?:\[[^\]]{0,20}\])?\s*(?:" + _BRACED + r"|[0-9a-z])")
_OTHER_FRACTION = re.compile(r"\\[dtc]?frac\s*" + _BRACED + r"\s*" + _BRACED)
_FRACTION = re.compile(
    r"\\[dtc]?frac\s*(?:\{\s*(-?[0-9]+)\s*\}|([0-9]))\s*(?:\{\s*([0-9]+)\s*\}|([0-9]))"
)
_SIGNS = {
    r"\times": "×", r"\cdot": "·", r"\div": "/", r"\pm": "±", r"\mp": "±", r"\approx": "≈",
    r"\lt": "<", r"\gt": ">", r"\le": "≤", r"\ge": "≥", r"\leq": "≤", r"\geq": "≥",
    r"\circ": "°", r"\degree": "°", r"\dots": "…", r"\ldots": "…", r"\cdots": "…",
    r"\euro": "€", r"\pounds": "£", r"\textdollar": "$", r"\boxed": r"\boxed", r"\fbox": r"\boxed",
    **dict.fromkeys((r"\left", r"\right", r"\displaystyle", r"\big", r"\Big"), ""),
    **dict.fromkeys(
        (r"\quad", r"\qquad", r"\therefore", r"\implies", r"\Rightarrow", r"\rightarrow", r"\to",
         r"\checkmark", r"\begin", r"\end", r"\n"),
        " ",
    ),
}  # fmt: skip


def plain(text: str) -> str:
    """A text with one sign for what is written with several: minus, spaces, fractions, LaTeX."""
    if not text.isascii():
        text = _ascii(text)
    if "<<" in text:  # GSM8K's worked steps
        text = re.sub(r"<<[^<>\n]*>>", "", text)
    if "\\" in text or "{,}" in text:
        text = _without_latex(text)
    text = re.sub(r"(?<=[0-9])\*\*(?=[0-9])", "^", text).replace("**", " ").replace("`", " ")
    # An exponent of a unit or a letter is no number.
    text = re.sub(r"\^\s?(?:\{\s*(?:st|nd|rd|th)\s*\}|(?:st|nd|rd|th)\b)", " ", text)
    text = re.sub(r"\s?\^\s?(?:\{\s*°\s*\}|°)", "°", text)
    return _RAISED_UNIT.sub("", text)


def _ascii(text: str) -> str:
    text = re.sub("[\u200b-\u200f\u2060\ufeff\u00ad]", "", text)
    text = re.sub("—(?=[0-9.$])", "-", text).replace("—", " , ")
    text = "".join(_one_sign(sign) for sign in text).translate(_MINUS)
    text = re.sub("[⁰¹²³⁴-⁹⁻⁺]+", lambda run: "^" + "".join(_RAISED[s] for s in run[0]), text)
    text = re.sub(rf"(?<=[0-9])[{_THIN}](?=[0-9]{{3}}(?![0-9]))", ",", text)
    text = re.sub(f"[{_THIN}]", " ", text)
    text = re.sub("(?<=[0-9])’(?=[0-9]{3}(?![0-9]))", "'", text)
    text = _SMALL.sub(_small, text)
    return re.sub("[¼-¾⅐-⅞↉]", UNREADABLE, text)


def _one_sign(sign: str) -> str:
    if sign.isascii():
        return sign
    if sign.isdecimal():
        return str(unicodedata.digit(sign))
    wide = unicodedata.decomposition(sign).startswith("<wide>")
    return unicodedata.normalize("NFKC", sign) if wide else sign


def _small(match: re.Match[str]) -> str:
    part = unicodedata.normalize("NFKC", match["part"]).replace("⁄", "/")
    return f"{match['whole']} {part}" if match["whole"] else part


def _without_latex(text: str) -> str:
    text = text.replace("{,}", ",").replace("\\$", "$").replace("\\%", "%").replace("\\#", "#")
    text = re.sub(r"(?<=[0-9]),\\!\s*(?=[0-9]{3})", ",", text).replace("\\!", "")
    text = re.sub(r"(?<=[0-9])(?:\\[,;: ]|~)(?=[0-9]{3}(?![0-9]))", ",", text)
    text = re.sub(r"\\[,;: ]|~", " ", text)
    text = (
        re.sub(r"\\[()\[\]]", " ", text)
        .replace("\\\\", " ")
        .replace("\\{", "{")
        .replace("\\}", "}")
    )
    text = _ROOT.sub(UNREADABLE, text)
    text = _FRACTION.sub(_over, text)
    for _ in range(4):  # words within words
        text, times = _WORDS.subn(r" \1 ", text)
        if not times:
            break
    text = _OTHER_FRACTION.sub(UNREADABLE, text)
    return re.sub(r"\\[A-Za-z]+", lambda word: _SIGNS.get(word[0], UNREADABLE), text)


def _over(match: re.Match[str]) -> str:
    """A fraction of whole numbers; behind a digit it is the part of a mixed number."""
    before = match.string[: match.start()]
    gap = " " if re.search(r"[0-9]\s*$", before) else ""
    return f"{gap}{match[1] or match[2]}/{match[3] or match[4]}"

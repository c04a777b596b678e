"""The first version of the answer parsers, by which stores before version 2 were graded.

They stay as they were, so that such a store can be continued and checked; nothing new reads with
them. Of several numbers, letters or marks they take the last, whatever stands around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction

# Longest power of ten that a written number may carry; "1e999999999" is text, not a number.
_MAX_EXPONENT = 300

# Thousands groups first, so that "1,234" is one number and "1, 234" are two. A sign counts only
# where nothing stands before it that it could be subtracted from: "10-4" ends in 4, not -4. A date
# ("1/2/2024") is no fraction, nor is what is divided by nothing.
_NUMBER = re.compile(
    r"(?:(?<![0-9A-Za-z_)\].])(?P<sign>[-+]))?"
    r"(?P<currency>[$€£¥]\s?(?P<inner>[-+])?)?"
    r"(?:(?<![0-9.,/])(?P<above>[0-9]{1,30})/(?P<below>0{0,9}[1-9][0-9]{0,29})(?![0-9]|[.,/][0-9])"
    r"|(?P<body>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)"
    r"(?:[eE](?P<exponent>[-+]?[0-9]+))?)"
)
_GOLD_MARK = "####"
# One vulgar fraction that no digit, sign of power or other fraction touches: "1½" is not 11/2.
_SMALL_FRACTION = re.compile(r"(?<![\w\u2044])[¼-¾⅐-⅞↉](?![\w\u2044])")


_ANSWER_MARK = r"answer(?:\s+is)?\s*:?\s*"
_NEGATED = {"true": "false", "false": "true"}


def number(text: str) -> str | None:
    """The last number of `text` as plain digits, or the first one after the last "####".

    Commas between thousands, a currency sign, trailing zeros and a leading "+" go; "-0" is "0". A
    fraction is one number: a decimal where it ends, else in lowest terms.

    >>> number("1,000.0"), number("so -$5.50"), number("none")
    ('1000', '-5.5', None)
    >>> number("half of it, 1/2"), number("2/6")
    ('0.5', '1/3')
    """
    text = _without_marks(text)
    if _GOLD_MARK in text:
        match = _NUMBER.search(text.rpartition(_GOLD_MARK)[2])
        return _canonical(match) if match else None
    matches = list(_NUMBER.finditer(text))
    return _canonical(matches[-1]) if matches else None


def _without_marks(text: str) -> str:
    """Unicode minus signs, wide digits, fractions of one sign and LaTeX group commas as ASCII."""
    if not text.isascii():
        wide = (unicodedata.decomposition(sign).startswith("<wide>") for sign in text)
        text = "".join(
            unicodedata.normalize("NFKC", sign) if is_wide else sign
            for sign, is_wide in zip(text, wide, strict=True)
        )
        text = _SMALL_FRACTION.sub(_fraction, text)
    return text.replace("−", "-").replace("–", "-").replace("{,}", ",").replace("\\$", "$")


def _fraction(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")


def _canonical(match: re.Match[str]) -> str | None:
    digits = _divided(match["above"], match["below"]) if match["above"] else _written(match)
    if digits is None:
        return None
    negative = (match["sign"] == "-") != (match["inner"] == "-")
    return f"-{digits}" if negative and digits != "0" else digits


def _written(match: re.Match[str]) -> str | None:
    """The digits of a number without its sign; None where the exponent is out of reach."""
    exponent = match["exponent"] or "0"
    if len(exponent.lstrip("+-")) > 3 or abs(int(exponent)) > _MAX_EXPONENT:
        return None
    whole, _, fraction = match["body"].replace(",", "").partition(".")
    return _joined(*_shifted(whole, fraction, int(exponent)))


def _divided(above: str, below: str) -> str:
    """A fraction as a decimal where that ends, else in lowest terms."""
    value = Fraction(int(above), int(below))
    places = 0
    while (10**places * value).denominator > 1 and places < value.denominator.bit_length():
        places += 1
    scaled = value * 10**places
    if scaled.denominator > 1:
        return f"{value.numerator}/{value.denominator}"
    return _joined(*_shifted(str(scaled.numerator), "", -places))


def _joined(whole: str, fraction: str) -> str:
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _shifted(whole: str, fraction: str, exponent: int) -> tuple[str, str]:
    """Move the decimal point by `exponent` places."""
    if exponent >= 0:
        fraction = fraction.ljust(exponent, "0")
        return whole + fraction[:exponent], fraction[exponent:]
    whole = whole.rjust(-exponent, "0")
    return whole[:exponent], whole[exponent:] + fraction


def choice(text: str) -> str | None:
    """The chosen letter A..J in capitals: after "answer", else in brackets, else standing alone.

    Of several matches of the same form the last counts. A lone "A" or "I" inside a sentence is a
    word, not a choice.
    """
    forms = (
        (rf"{_ANSWER_MARK}(?:option\s+)?[\s(\[{{*\"']*([A-J])(?![A-Za-z'])", re.IGNORECASE),
        (r"\\boxed\{\s*([A-J])\s*\}|[(\[]([A-Ja-j])[)\]]", 0),
        (r"(?:^|\s)([A-Ja-j])[).:](?=\s|$)", 0),
        (r"^\W*([A-Ja-j])\W*$", 0),
        (r"(?<![A-Za-z'])([B-HJ])(?![A-Za-z'])", 0),
    )
    for pattern, flags in forms:
        for match in reversed(list(re.finditer(pattern, text, flags))):
            # "the answer is a dog" names no choice.
            if flags and match[1].islower() and re.match(r"\s+[a-z]", text[match.end() :]):
                continue
            return next(letter for letter in match.groups() if letter).upper()
    return None


def true_false(text: str) -> str | None:
    """The answer "true" or "false"; yes and no count, "not true" is false.

    The word after the last "answer" counts, else the last of such words.
    """
    word = r"\b(?P<negation>not\s+)?(?P<word>true|false|yes|no)\b"
    for pattern in (rf"{_ANSWER_MARK}\W*{word}", word):
        matches = list(re.finditer(pattern, text, re.IGNORECASE))
        if matches:
            said = matches[-1]["word"].lower()
            value = {"yes": "true", "no": "false"}.get(said, said)
            return _NEGATED[value] if matches[-1]["negation"] else value
    return None


FIRST: dict[str, Callable[[str], str | None]] = {
    "number": number,
    "choice": choice,
    "true_false": true_false,
}

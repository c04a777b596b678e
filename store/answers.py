"""One canonical form of an answer, by which a gold answer is identified and an answer is graded.

Numbers become plain digits: exact decimals of any length, nothing passes through floating point.
"""

from __future__ import annotations

import re
import unicodedata
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
# What may stand behind a number that is an answer by itself.
_AFTER = re.compile(r"\.?\s*(?:\\?%)?\.?")
_GOLD_MARK = "####"
# One vulgar fraction that no digit, sign of power or other fraction touches: "1½" is not 11/2.
_SMALL_FRACTION = re.compile(r"(?<![\w\u2044])[¼-¾⅐-⅞↉](?![\w\u2044])")


def canonical_answer(text: str) -> str:
    """The answer that a text is: a number by itself or after "####" in canonical form, else text.

    Whoever reads problems makes the same answer of the same text, so that ids agree.

    >>> canonical_answer("50%"), canonical_answer("−5"), canonical_answer("3/4")
    ('50', '-5', '0.75')
    >>> canonical_answer(" ten  apples "), canonical_answer("so #### 1,800")
    ('ten  apples', '1800')
    """
    plain = _without_marks(text).strip()
    if _GOLD_MARK in plain:
        return canonical_number(plain) or text.strip()
    match = _NUMBER.match(plain)
    whole = match is not None and _AFTER.fullmatch(plain, match.end()) is not None
    return (_canonical(match) if match and whole else None) or text.strip()


def gold_answer(text: str) -> str:
    """The answer that a problem is stored with: what follows the last "####", or the whole text.

    A number by itself is that number; anything else stays text, as no rule says which of its
    numbers is meant.

    >>> gold_answer("3 * 6 = 18 a day. #### 1,800"), gold_answer("½"), gold_answer("5 apples")
    ('1800', '0.5', '5 apples')
    """
    return canonical_answer(text.rpartition(_GOLD_MARK)[2].strip() or text)


def gold_number(text: str) -> str | None:
    """The gold answer where that is a number by itself, else None.

    >>> gold_number("$5.50"), gold_number("no 5"), gold_number("1:2")
    ('5.5', None, None)
    """
    gold = gold_answer(text)
    return gold if canonical_number(gold) == gold else None


def canonical_number(text: str) -> str | None:
    """The last number of `text` as plain digits, or the first one after the last "####".

    Commas between thousands, a currency sign, trailing zeros and a leading "+" go; "-0" is "0". A
    fraction is one number: a decimal where it ends, else in lowest terms.

    >>> canonical_number("1,000.0"), canonical_number("so -$5.50"), canonical_number("none")
    ('1000', '-5.5', None)
    >>> canonical_number("half of it, 1/2"), canonical_number("2/6")
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

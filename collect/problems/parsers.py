"""Answer parsers: from a model's text to one canonical answer, or None where there is none.

A unit is correct when its parsed answer equals the gold answer put through the same canonical
form. Parsers never guess beyond their rule: no match is None, which is stored as `parse_fail`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Longest power of ten that a written number may carry; "1e999999999" is text, not a number.
_MAX_EXPONENT = 300

# Thousands groups first, so that "1,234" is one number and "1, 234" are two. A sign counts only
# where nothing stands before it that it could be subtracted from: "10-4" ends in 4, not -4.
_NUMBER = re.compile(
    r"(?:(?<![0-9A-Za-z_)\].])(?P<sign>[-+]))?"
    r"(?P<currency>[$€£¥]\s?(?P<inner>[-+])?)?"
    r"(?P<body>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)"
    r"(?:[eE](?P<exponent>[-+]?[0-9]+))?"
)
_GOLD_MARK = "####"
_ANSWER_MARK = r"answer(?:\s+is)?\s*:?\s*"
_NEGATED = {"true": "false", "false": "true"}


def _plain(text: str) -> str:
    """Unicode minus signs and LaTeX group commas as ASCII."""
    return text.replace("−", "-").replace("–", "-").replace("{,}", ",").replace("\\$", "$")


def _shifted(whole: str, fraction: str, exponent: int) -> tuple[str, str]:
    """Move the decimal point by `exponent` places."""
    if exponent >= 0:
        fraction = fraction.ljust(exponent, "0")
        return whole + fraction[:exponent], fraction[exponent:]
    whole = whole.rjust(-exponent, "0")
    return whole[:exponent], whole[exponent:] + fraction


def _canonical(match: re.Match[str]) -> str | None:
    exponent = match["exponent"] or "0"
    if len(exponent.lstrip("+-")) > 3 or abs(int(exponent)) > _MAX_EXPONENT:
        return None
    whole, _, fraction = match["body"].replace(",", "").partition(".")
    whole, fraction = _shifted(whole, fraction, int(exponent))
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    digits = f"{whole}.{fraction}" if fraction else whole
    negative = (match["sign"] == "-") != (match["inner"] == "-")
    return f"-{digits}" if negative and digits != "0" else digits


def canonical_number(text: str) -> str | None:
    """The last number of `text` as plain digits, or the first one after the last "####".

    Commas between thousands, a currency sign, trailing zeros and a leading "+" go; "-0" is "0".
    Numbers stay exact decimals of any length: nothing passes through floating point.

    >>> canonical_number("1,000.0"), canonical_number("so -$5.50"), canonical_number("none")
    ('1000', '-5.5', None)
    """
    text = _plain(text)
    if _GOLD_MARK in text:
        match = _NUMBER.search(text.rpartition(_GOLD_MARK)[2])
        return _canonical(match) if match else None
    matches = list(_NUMBER.finditer(text))
    return _canonical(matches[-1]) if matches else None


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
    """ "true" or "false"; yes and no count, "not true" is false.

    The word after the last "answer" counts, else the last of such words.
    """
    word = r"\b(?P<negation>not\s+)?(?P<word>true|false|yes|no)\b"
    for pattern in (rf"{_ANSWER_MARK}\W*{word}", word):
        matches = list(re.finditer(pattern, text, re.IGNORECASE))
        if matches:
            found = matches[-1]["word"].lower()
            value = {"yes": "true", "no": "false"}.get(found, found)
            return _NEGATED[value] if matches[-1]["negation"] else value
    return None


def number(text: str) -> str | None:
    """The number that a text ends on, in canonical form (see `canonical_number`)."""
    return canonical_number(text)


PARSERS: dict[str, Callable[[str], str | None]] = {
    "number": number,
    "choice": choice,
    "true_false": true_false,
}

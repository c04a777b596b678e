"""Answer parsers: from a model's text to one canonical answer, or None where there is none.

A unit is correct when its parsed answer equals the gold answer put through the same canonical
form. Parsers never guess beyond their rule: no match is None, which is stored as `parse_fail`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from store.answers import canonical_number

_ANSWER_MARK = r"answer(?:\s+is)?\s*:?\s*"
_NEGATED = {"true": "false", "false": "true"}


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


PARSERS: dict[str, Callable[[str], str | None]] = {
    "number": canonical_number,
    "choice": choice,
    "true_false": true_false,
}

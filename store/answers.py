"""The one reader of answers: what a model's text, a gold answer or another's column says.

A problem's gold answer, the collector's parsers and every import read here, so that they agree.
Where a text does not say one thing the reading is none: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from store.answer_numbers import Number, numbers, plain

VERSION = 2
"""Version of the parsers, which enters the protocol of a condition.

Version 1 took the last number, the last "####" and the last letter, whatever stood around them; it
stays with the collector for stores that were graded by it (`collect.parsers`).
"""


@dataclass(frozen=True)
class Reading:
    """What a text says.

    `value` is the canonical answer, None where there is none; `stated` says that the text gives it
    as its answer: behind a mark, or alone. A gold answer has to be stated; of a model's text the
    last number counts where no mark is.
    """

    value: str | None
    stated: bool = False


_NONE = Reading(None)

# A model that goes on with the next question: its text is not the answer to this one.
_NEXT = re.compile(
    r"(?im:^[ \t>*#_]*(?:question|problem|exercise|user|human|instruction|q)(?:[ \t]*[0-9]+)?"
    r"[ \t*_]*:)|(?<=\s)(?:Question|Q)(?:[ ]?[0-9]+)?:"
)
_GOLD = re.compile(r"#{4,}")
_HASHES = re.compile(r"^[ \t]*###[ \t]*(?=[-+$€£0-9.])", re.MULTILINE)
_OPENED = re.compile(r"\\(?:boxed|fbox)\s*(?P<brace>\{)?|<answer>", re.IGNORECASE)
_PHRASE = re.compile(
    r"\banswers?(?:\s+(?:to|for|of|in)\b[^.\n:=]{0,80}?)?[\s*_]*"
    r"(?:(?P<is>\b(?:is|are|must\s+be|would\s+be|will\s+be|should\s+be|equals|becomes|comes\s+to)\b"
    r"\s*:?|=)|(?P<label>:))[\s*_]*",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|no|never|neither|unknown|wrong|incorrect)\b|n't", re.IGNORECASE)
_HEADED = re.compile(r"(?:the\s+)?(?:final\s+)?answers?\b\s*(?:is|are|:|=)?\s*:?\s*", re.IGNORECASE)
_NUMBERED = re.compile(r"[0-9]+[.)]\s+[A-Za-z]")
_LEAD = re.compile(
    r"(?:[\s*_\"'“”‘’:≈~({\[]|\b(?:negative|minus|approximately|approx\.?|about|around|roughly|exactly|only|just|"
    r"nearly|almost|simply|now|indeed|therefore|thus|then|a\s+total\s+of|equal\s+to)\b)*",
    re.IGNORECASE,
)
_NAMED = re.compile(r"[^=≈\d\n<>≤≥]{0,60}[=≈]")
_OPERATION = re.compile(
    r"\s*(?:[-+*/×·^=≈:]|\bx\b|\bplus\b|\bminus\b|\btimes\b)\s*[-+($€£]*\s*[0-9.(]"
)
_SEVERAL = re.compile(
    r"(?:[\s%°$]|[A-Za-z]+){0,6}?\s*(?:[,;&/]|\bor\b|\band\b|\bto\b|\bby\b|\bvs\b)\s*[-+$€£(]*\s*[0-9]"
    r"|[\s(]*[0-9]"
)
_ALONE_WORDS = 3


def read_number(text: str) -> Reading:
    r"""The number that a text answers with.

    It is, in this order, what follows the first "####", the last ``\boxed{…}``, the last "answer
    is", the text itself, and else (not stated) its last number.

    >>> read_number("9 - 2 = 7 #### 7 pens"), read_number("so 3 + 4 = 7")
    (Reading(value='7', stated=True), Reading(value='7', stated=False))
    >>> read_number("It is 5 or 6."), read_number("the answer is seven")
    (Reading(value=None, stated=False), Reading(value=None, stated=False))
    """
    text = plain(this_question(text))
    marks = list(_GOLD.finditer(text))
    for number, mark in enumerate(marks):
        reading = _after_hashes(text[mark.end() :], headed_only=number > 0)
        if reading is not None:
            return reading
    if not marks:
        short = _HASHES.search(text)
        if short:
            line = text[short.end() :].partition("\n")[0]
            if not _NUMBERED.match(line) and (value := _whole(line)) is not None:
                return Reading(value, True)
    box = _boxed(text)
    if box is not None:
        return _stated(box, inside=True)
    phrases = list(_PHRASE.finditer(text))
    if phrases:
        return _behind(phrases[-1], text)
    if marks:  # headings alone: which of their numbers is the answer nobody says
        return _NONE
    alone = _whole(text)
    return Reading(alone, True) if alone is not None else Reading(_last(text))


def this_question(text: str) -> str:
    r"""The text up to where it goes on with another question, "Question:" or "Q:".

    A text that begins with one repeats its own.

    >>> this_question("It is 7.\nQ: What is 3 + 4?")
    'It is 7.\n'
    """
    for match in _NEXT.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def _after_hashes(rest: str, *, headed_only: bool) -> Reading | None:
    """What the rest of a text says behind "####"; None where that is a heading."""
    line, _, below = rest.partition("\n")
    if not line.strip():
        line, _, below = rest.lstrip().partition("\n")
    headed = _HEADED.match(line.strip())
    if headed_only and not headed:
        return None
    if headed:
        line = line.strip()[headed.end() :]
        if not line.strip(" *_:"):
            line = below.lstrip().partition("\n")[0]
    if _NUMBERED.match(line.strip()) or "\\boxed" in line:
        return None
    content = line.strip()
    first = next(numbers(content), None)
    if headed or (first is not None and _LEAD.fullmatch(content[: first.start])) or not content:
        return _stated(content)
    return Reading(None) if not re.match(r"[\W_]*[A-Za-z]", content) else None


def _boxed(text: str) -> str | None:
    """What the last box or answer tag holds, nothing where it was not closed; None without one."""
    match = None
    for match in _OPENED.finditer(text):  # noqa: B007
        pass
    if match is None:
        return None
    rest = text[match.end() :]
    if match[0].lower() == "<answer>":
        inside, closed, _ = rest.partition("</answer>")
        return inside if closed else ""
    return _braced(rest) if match["brace"] else rest.lstrip()[:1]


def _braced(rest: str) -> str:
    depth = 1
    for at, sign in enumerate(rest):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if not depth:
            return rest[:at]
    return ""


def _behind(phrase: re.Match[str], text: str) -> Reading:
    """What follows "answer is" or the label "answer:"."""
    rest = text[phrase.end() :]
    if "\n" in phrase[0] and re.match(r"[-•]\s", rest):
        return _NONE  # a list, or a negative number
    first = next(numbers(rest), None)
    line = rest.partition("\n")[0]
    named = _NAMED.match(line)
    begins = first is not None and _LEAD.fullmatch(rest[: first.start])
    if begins or named:
        return _stated(re.split(r"[.!?](?:\s|$)", line)[0] if line.strip() else rest)
    if phrase["label"]:  # before a whole solution
        return Reading(_last(rest))
    sentence = re.split(r"[.!?](?:\s|$)|\n", rest)[0]
    return _NONE if _NOT.search(sentence) else Reading(_last(sentence))


def _stated(content: str, *, inside: bool = False) -> Reading:
    """What an answer that was marked says; `inside` a box nothing but the answer may stand."""
    value = _one(content, inside)
    return Reading(value, value is not None)


def _one(content: str, inside: bool) -> str | None:
    named = _NAMED.match(content)
    if named:
        content = content[named.end() :]
    first = next(numbers(content), None)
    if first is None or not _LEAD.fullmatch(content[: first.start]):
        return None
    tail = content[first.end :]
    if _OPERATION.match(tail):
        return _equal_sides(content)
    if inside and not _only_words(tail):
        return None
    return None if _SEVERAL.match(tail) else first.value


def _equal_sides(content: str) -> str | None:
    """What an equation ends in, or else the one number that is a side of it: 10 - 4 = 6 = 12/2."""
    sides = [_whole(side) for side in re.split("[=≈]", content.partition("\n")[0])]
    if len(sides) < 2:
        return None
    if sides[-1] is not None:
        return sides[-1]
    values = {side for side in sides if side is not None}
    return values.pop() if len(values) == 1 else None


def _whole(text: str) -> str | None:
    """The number that a text is by itself, with a unit at most."""
    text = text.strip()
    named = _NAMED.match(text)
    if named:
        text = text[named.end() :].strip()
    first = next(numbers(text), None)
    if first is None or first.value is None or not _LEAD.fullmatch(text[: first.start]):
        return None
    tail = text[first.end :]
    words = re.findall(r"[A-Za-z]+", tail)
    fits = _only_words(tail) and len(words) <= _ALONE_WORDS and "\n" not in tail.strip()
    return first.value if fits else None


def _only_words(tail: str) -> bool:
    """Whether nothing but a unit and marks of punctuation stands behind a number."""
    if re.search(r"[0-9=<>≤≥^+*±□√∞π!|]|\b(?:or|and|to|not)\b", tail):
        return False
    return not re.search(r"(?<![A-Za-z])(?![mgshLldKa](?![A-Za-z]))[A-Za-z](?![A-Za-z])", tail)


def _answering(text: str) -> str:
    """The part of a text that answers: of this question, and behind the first "####"."""
    text = this_question(text)
    return text.partition("####")[2].strip("#").partition("####")[0].strip() or text.strip()


def _last(text: str) -> str | None:
    last: Number | None = None
    for last in numbers(text):  # noqa: B007
        pass
    return None if last is None else last.value


_ANSWER_MARK = r"\banswers?(?:\s+is)?\s*:?\s*"
_NEGATED = {"true": "false", "false": "true"}


def read_choice(text: str) -> Reading:
    """The chosen letter A..J in capitals: after "answer", else in brackets, else standing alone.

    Of several matches of the same form the last counts. A lone "A" or "I" inside a sentence is a
    word, not a choice.
    """
    text = _answering(text)
    forms = (
        (rf"{_ANSWER_MARK}(?:option\s+)?[\s(\[{{*\"']*([A-J])(?![A-Za-z'])", re.IGNORECASE),
        (r"\\boxed\{\s*(?:\\text\{\s*)?\(?([A-J])\)?\s*\}|[(\[]([A-Ja-j])[)\]]", 0),
        (r"(?:^|\s)([A-Ja-j])[).:](?=\s|$)", 0),
        (r"^\W*([A-Ja-j])\W*$", 0),
        (r"(?<![A-Za-z'])([B-HJ])(?![A-Za-z'])", 0),
    )
    for rank, (pattern, flags) in enumerate(forms):
        for match in reversed(list(re.finditer(pattern, text, flags))):
            # "the answer is a dog" names no choice.
            if flags and match[1].islower() and re.match(r"\s+[a-z]", text[match.end() :]):
                continue
            letter = next(letter for letter in match.groups() if letter).upper()
            begins = re.match(r"\W*[A-Ja-j](?:[).:]\s|\W*$)", text) is not None
            return Reading(letter, rank < 2 or begins)
    return _NONE


def read_true_false(text: str) -> Reading:
    """The answer "true" or "false"; yes and no count, "not true" is false.

    The word after the last "answer" counts, else the last of such words.
    """
    text = _answering(text)
    word = r"\b(?P<negation>not\s+)?(?P<word>true|false|yes|no)\b"
    for pattern in (rf"{_ANSWER_MARK}\W*{word}", word):
        matches = list(re.finditer(pattern, text, re.IGNORECASE))
        if matches:
            said = matches[-1]["word"].lower()
            value = {"yes": "true", "no": "false"}.get(said, said)
            stated = pattern != word or re.fullmatch(r"\W*\w+\W*", text) is not None
            return Reading(_NEGATED[value] if matches[-1]["negation"] else value, stated)
    return _NONE


READERS: dict[str, Callable[[str], Reading]] = {
    "number": read_number,
    "choice": read_choice,
    "true_false": read_true_false,
}
"""The reader of each form of answers."""


def canonical_answer(text: str) -> str:
    """The answer that a text states, as it is stored and compared; other text stays as it is.

    >>> canonical_answer("50%"), canonical_answer("−5"), canonical_answer("x #### 5 apples")
    ('50', '-5', '5')
    >>> canonical_answer("(B)"), canonical_answer(" ten  apples "), canonical_answer("10-4")
    ('B', 'ten  apples', '10-4')
    """
    form = form_of(text)
    return (gold_answer(text, form) if form else None) or _answering(text)


def gold_answer(text: str, parser: str = "number") -> str | None:
    """The gold answer that a text states, None where it states none of this form.

    >>> gold_answer("$5.50"), gold_answer("no 5"), gold_answer("1:2")
    ('5.5', None, None)
    """
    reading = READERS[parser](text)
    return reading.value if reading.stated else None


def form_of(gold: str) -> str | None:
    """The form of a gold answer, by which an answer to it is read; None for other text.

    A letter or a verdict has to stand alone.

    >>> form_of("7"), form_of("(B)"), form_of("True"), form_of("a dog")
    ('number', 'choice', 'true_false', None)
    """
    if gold_answer(gold) is not None:
        return "number"
    alone = _answering(gold)
    if re.fullmatch(r"[(\[\"']?[A-J][)\].:\"']*", alone):
        return "choice"
    return "true_false" if re.fullmatch(r"(?:true|false|yes|no)\.?", alone, re.I) else None


def graded_answer(text: str, gold: str) -> tuple[str | None, bool | None]:
    """The canonical answer of a text and whether it is the gold one, exactly.

    Both are None where the text answers nothing in the form of the gold answer. Text that has no
    form is compared as it stands.

    >>> graded_answer("The answer is 5", "5"), graded_answer("5.005", "5")
    (('5', True), ('5.005', False))
    """
    form = form_of(gold)
    answer = READERS[form](text).value if form else canonical_answer(text)
    return (answer, answer == canonical_answer(gold)) if answer else (None, None)

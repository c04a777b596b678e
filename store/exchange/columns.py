"""Which column of a tidy file is which, and the numbers and verdicts in its cells.

A column is found by its name or one that the field uses for it, whatever its case; a mapping by
the user comes first. What is no number is refused: nothing is rounded or guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sql.errors import UserError

ALIASES: dict[str, tuple[str, ...]] = {
    "problem": ("problem_id", "question_id", "item", "item_id", "example_id", "id"),
    "question": ("prompt", "problem_text"),
    "gold": ("gold_answer", "expected", "expected_answer", "target", "ground_truth", "reference"),
    "n_steps": ("steps", "num_steps"),
    "condition": (),
    "direction": ("direction_name", "vector", "vector_name", "steering_vector"),
    "kind": ("direction_kind",),
    "role": ("direction_role",),
    "alpha": ("dose", "strength", "coefficient", "coeff", "multiplier", "scale"),
    "seed": ("rng_seed", "random_seed"),
    "answer": ("predicted", "prediction", "predicted_answer", "model_answer"),
    "correct": ("is_correct", "is_right", "right"),
    "score": (),
    "score_name": (),
    "status": (),
    "error": ("error_message", "exception"),
    "text": ("output", "generated", "generation", "completion", "response"),
    "gold_logprob": ("logprob", "gold_log_prob"),
    "margin": (),
    "model": ("model_name",),
    "protocol": (),
}
"""What a tidy file can hold, each with the other names by which its column is known."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_ENDLESS = re.compile(r"[+-]?(?:inf(?:inity)?|nan)", re.IGNORECASE)
_TRUE = {"true", "1", "1.0", "yes", "right", "correct"}
_FALSE = {"false", "0", "0.0", "no", "wrong", "incorrect"}
# How inspect_ai writes right, partly right and wrong.
_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0}
_LARGEST_FLOAT = 3.4028234663852886e38  # of float32
_LARGEST_INT = 2**31 - 1


def found_columns(header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The file's column for each name of `ALIASES` that it has one for.

    Raises:
        UserError: The mapping names a column that is not there, or two columns stand for one name.
    """
    missing = [column for column in mapping.values() if column not in header]
    if missing:
        raise UserError(f"the file has no column {missing[0]!r}: it has {', '.join(header)}")
    free = [column for column in header if column not in mapping.values()]
    found = dict(mapping)
    for name, aliases in ALIASES.items():
        if name in found:
            continue
        fitting = [column for column in free if _plain(column) == name] or [
            column for column in free if _plain(column) in aliases
        ]
        if len(fitting) > 1:
            raise UserError(
                f"the columns {' and '.join(fitting)} both stand for {name}: say which with "
                f"--map {name}=column"
            )
        if fitting:
            found[name] = fitting[0]
    return found


def _plain(column: str) -> str:
    return re.sub(r"[\s-]+", "_", column.strip().lower())


def typed(
    row: Mapping[str, Any], columns: Mapping[str, str], right_from: float | None = None
) -> dict[str, Any]:
    """A row with its numbers and its verdict read; what is None stays None.

    With `right_from` the verdict is a score, which is right from there on.

    Raises:
        UserError: A cell is none; the message names its column.
    """
    values = dict(row)
    readers = {**_READERS, "correct": lambda value, what: verdict(value, what, right_from)}
    for name, reader in readers.items():
        if values[name] is not None:
            try:
                values[name] = reader(values[name], name)
            except UserError as error:
                raise UserError(f"column {columns[name]}: {error}") from error
    return values


def finite(value: Any, what: str) -> float:
    """The number that a value is. Raises UserError if it is none, or has no end."""
    number = _number(value, what)
    if not math.isfinite(number):
        raise UserError(f"{what} is a finite number, found {value!r}")
    return number


def whole(value: Any, what: str, least: int = -_LARGEST_INT - 1, most: int = _LARGEST_INT) -> int:
    """The whole number that a value is; 3.0 is one, 1.7 and "1,5" are none.

    Raises:
        UserError: It is none, or beyond `least` and `most`.
    """
    number = finite(value, what)
    # By the text, as a float holds no whole number beyond 2⁵³.
    exact = value if isinstance(value, (int, float)) else Decimal(str(value).strip())
    if number != math.floor(number) or not least <= exact <= most:
        raise UserError(f"{what} is a whole number from {least} to {most}, found {value!r}")
    return int(exact)


def real(value: Any, what: str) -> float:
    """The number that a value is, infinity among them; beyond float32's reach is refused."""
    number = _number(value, what)
    endless = isinstance(value, float) or _ENDLESS.fullmatch(str(value).strip())
    if math.isnan(number) or (
        abs(number) > _LARGEST_FLOAT and not (endless and math.isinf(number))
    ):
        raise UserError(f"{what} is kept as float32, which does not reach {value!r}")
    return number


def _number(value: Any, what: str) -> float:
    text = str(value).strip()
    known = _NUMBER.fullmatch(text) or _ENDLESS.fullmatch(text)
    if isinstance(value, (bool, list, dict)) or not known:
        raise UserError(f"{what} is a number, found {value!r}")
    return float(text)


def verdict(value: Any, what: str, right_from: float | None = None) -> bool | None:
    """Whether a value says right or wrong; None where it says that nothing was scored.

    inspect_ai's grades count: C is right, I wrong, N no answer; P is partly right, as scores
    between 0 and 1 are, which need the threshold `right_from`.

    Raises:
        UserError: It says neither, or is a score without a threshold.
    """
    text = str(value).strip()
    if text == "N":
        return None
    if right_from is not None:
        score = _GRADES.get(text)
        if score is None and text.lower() in _TRUE | _FALSE and not _NUMBER.fullmatch(text):
            score = float(text.lower() in _TRUE)
        return (finite(value, what) if score is None else score) >= right_from
    if text in ("C", "I"):
        return text == "C"
    if text.lower() not in _TRUE | _FALSE:
        scored = text == "P" or (_NUMBER.fullmatch(text) and not isinstance(value, bool))
        more = "; of scores --right-from says which are right, --map score=column keeps them"
        raise UserError(f"{what} is true or false, found {value!r}{more if scored else ''}")
    return text.lower() in _TRUE


def _steps(value: Any, what: str) -> int:
    return whole(value, what, 0)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "alpha": finite,
    "seed": whole,
    "n_steps": _steps,
    "gold_logprob": real,
    "margin": real,
    "score": finite,
}

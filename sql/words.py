"""The closed words that tables hold, one `Literal` each, and the one function that checks words.

`analysis.vocabulary` has the words of the methods; it hands these on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar, get_args

from sql.errors import Refusal

Role = Literal["candidate", "control"]
OutcomeStatus = Literal["ok", "parse_fail", "truncated", "error"]
# How the rows of a query are written, and what a store is exported as.
QueryFormat = Literal["table", "csv", "json", "markdown", "parquet"]
ExportFormat = Literal["report", "every_eval_ever", "csv", "jsonl", "parquet", "duckdb"]

# An answer of these statuses cannot be read: by the primary estimand it is not right.
UNREADABLE: frozenset[OutcomeStatus] = frozenset({"truncated", "parse_fail"})

T = TypeVar("T")


def shown(value: Any) -> str:
    """`value` as a message shows it: on one line, and not all of a long array."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def meant(value: str, known: Iterable[str], n: int = 1) -> str:
    """`did you mean …? ` with the `n` nearest of `known`, or nothing where none is near."""
    near = difflib.get_close_matches(value, list(known), n=n)
    return f"did you mean {', '.join(near)}? " if near else ""


def readable_right(correct: bool | None, status: str | None) -> bool | None:
    """The primary outcome of one row, as the macro of the same name has it for rows in SQL.

    Returns:
        True where the answer was read and right, False where it was wrong or could not be read,
        None where the outcome is missing.
    """
    return False if correct is None and status in UNREADABLE else correct


def checked(value: T, kind: Any, what: str) -> T:
    """`value`, which is one of the words of `kind`.

    Args:
        value: what was given.
        kind: a `Literal` type.
        what: what the word is, as the message calls it.

    Raises:
        Refusal: it is no such word; the message lists those that are.
    """
    allowed = get_args(kind)
    if isinstance(value, str) and value in allowed:
        return value
    there_are = f"there are {', '.join(allowed)}"
    raise Refusal(f"unknown {what} {shown(value)}: {meant(str(value), allowed)}{there_are}")


def all_checked(values: Sequence[T], kind: Any, what: str) -> Sequence[T]:
    """`values`, each of which is one of the words of `kind`, and of which there is one at least.

    Raises:
        Refusal: there is none, or one is no such word; the message lists those that are.
    """
    if not values:
        raise Refusal(f"no {what} given: any of {', '.join(get_args(kind))}")
    for value in values:
        checked(value, kind, what)
    return values

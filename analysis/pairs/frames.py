"""Two data frames compared: pandas, polars, Arrow, DuckDB relations, whatever narwhals reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.pairs.comparison import Comparison
from analysis.pairs.joining import Outcome, Side
from analysis.pairs.judging import judged
from sql.errors import UserError
from sql.words import UNREADABLE, OutcomeStatus, checked, readable_right


def compare(
    baseline: Any,
    steered: Any,
    *,
    on: str | Sequence[str],
    correct: str = "correct",
    status: str | None = None,
    seed: str | None = None,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two data frames of outcomes, one row per problem (and seed), joined by a column.

    Args:
        baseline, steered: pandas or polars frames (lazy ones too), Arrow tables, DuckDB relations.
        on: the column, or columns, that name a problem in both.
        correct: the column of outcomes: true or false, 1 or 0; nothing where no answer could be
            read, which counts as not right and enters the bounds.
        status: the column that says why an outcome is none: ``truncated`` and ``parse_fail`` are
            not right, ``error`` is missing and in no pair.
        seed: the column of seeds, where problems have several outcomes; by default there is one.
        confidence: of the intervals; 1 less it is the level of the test.

    Raises:
        UserError: A frame is none, lacks a column, names no problem in a row, has several outcomes
            of one problem and seed, holds other outcomes, or nothing pairs.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"id": [1, 2, 3], "correct": [1, 0, 0]})
        >>> b = pd.DataFrame({"id": [1, 2, 3], "correct": [1, 1, 1]})
        >>> compare(a, b, on="id").gained
        2
    """
    ids = [on] if isinstance(on, str) else list(on)
    if not ids:
        raise UserError("on names no column: give the one that names a problem in both frames")
    sides = [
        Side(name=name, outcomes=_outcomes(frame, name, ids, correct, status, seed))
        for name, frame in (("baseline", baseline), ("steered", steered))
    ]
    by = " and ".join([*ids, *([] if seed is None else [seed])])
    return judged(*sides, joined_by=by, confidence=confidence)


def _outcomes(
    frame: Any, name: str, ids: list[str], correct: str, status: str | None, seed: str | None
) -> list[Outcome]:
    wanted = [*ids, correct, *(column for column in (status, seed) if column is not None)]
    columns = _columns(frame, name, list(dict.fromkeys(wanted)))
    n = len(columns[correct])
    statuses = columns[status] if status is not None else [None] * n
    seeds = columns[seed] if seed is not None else [0] * n
    outcomes = []
    for row in range(n):
        place = f"{name}, row {row + 1}"
        problem = tuple(_known(columns[column][row], column, place) for column in ids)
        right = _verdict(columns[correct][row], correct, place)
        why: Any = "parse_fail" if right is None else "ok"
        if not _is_missing(statuses[row]):
            why = checked(statuses[row], OutcomeStatus, f"{place}: status")
        if right is not None and why in (*UNREADABLE, "error"):
            raise UserError(f"{place}: status {why} says that there is no outcome, found {right}")
        key = problem[0] if len(problem) == 1 else problem
        outcomes.append(Outcome(key, _seed(seeds[row], place), readable_right(right, why), right))
    return outcomes


def _columns(frame: Any, name: str, wanted: list[str]) -> dict[str, list[Any]]:
    """The columns as lists of Python values."""
    import narwhals as nw

    try:
        given: Any = nw.from_native(frame)
    except TypeError:
        raise UserError(
            f"{name} is a {type(frame).__name__}: give a pandas, polars or Arrow table or a DuckDB "
            "relation; files go to compare_files, conditions of a store to compare_conditions"
        ) from None
    there = given.collect_schema().names()
    if missing := [column for column in wanted if column not in there]:
        raise UserError(f"{name} has no column {missing[0]!r}: it has {', '.join(map(str, there))}")
    chosen = given.select(wanted)
    if isinstance(chosen, nw.LazyFrame):
        chosen = chosen.collect("pyarrow")
    return {column: chosen[column].to_list() for column in wanted}


def _is_missing(value: Any) -> bool:
    """None, NaN, or what pandas has for them."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and value != value


def _known(value: Any, column: str, place: str) -> Any:
    if _is_missing(value):
        raise UserError(f"{place} names no problem in {column}: leave the row out, or name it")
    try:
        hash(value)
    except TypeError:
        raise UserError(
            f"{place}: {column} holds a {type(value).__name__}: name problems by texts or numbers"
        ) from None
    return value


def _verdict(value: Any, column: str, place: str) -> bool | None:
    if _is_missing(value):
        return None
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise UserError(
        f"{place}: {column} is {value!r}, and neither true, false nor missing: for a score say "
        f"from where it is right, such as frame[{column!r}] >= 0.5"
    )


def _seed(value: Any, place: str) -> int:
    if _is_missing(value) or not isinstance(value, (int, float)) or value != int(value):
        raise UserError(f"{place}: the seed is a whole number, found {value!r}")
    return int(value)

"""EasySteer: a JSON list of answers in the order of their data set, and nothing else.

The position is the problem; where `TruthfulQA.csv` lies beside it, with as many rows, its question.
Nobody scored the answers: they are kept as texts without a verdict. A file whose name says that it
was steered is no baseline and needs `--direction`.
"""

from __future__ import annotations

import re

from sql.errors import UserError
from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source
from store.exchange.tidy import STEERED, rows_of

_STEERED_NAME = re.compile(r"steer")
_DATA = "TruthfulQA.csv"
_QUESTION = "Question"


def _entries(source: Source) -> Entries:
    questions = _questions(source)
    told: Row = {STEERED: source.name} if _STEERED_NAME.search(source.path.stem.lower()) else {}
    for i, answer in enumerate(source.document):
        row: Row = {"problem": f"position {i}", "text": answer, "correct": None, **told}
        if questions:
            row["question"] = questions[i]
        yield f"{source.name} entry {i}", row


def _questions(source: Source) -> list[str]:
    """The questions of the data beside the file; none where there is none."""
    beside = source.path.with_name(_DATA)
    if not beside.is_file():
        return []
    found = [str(row.get(_QUESTION) or "") for _, row in rows_of(beside)]
    if len(found) != len(source.document) or not all(found):
        raise UserError(
            f"{source.name} has {len(source.document)} answers, {_DATA} beside it {len(found)} "
            f"rows with a column {_QUESTION}: they are paired by position"
        )
    return found


FORMAT = Format(
    name="EasySteer",
    fits=lambda source: (
        isinstance(source.document, list)
        and bool(source.document)
        and all(isinstance(answer, str) for answer in source.document)
    ),
    entries=_entries,
)

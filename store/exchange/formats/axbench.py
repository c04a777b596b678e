"""AxBench: `steering_data.parquet`, a row per concept, prompt and factor, methods side by side.

A method is a direction, the factor its dose; the judge's rating is a score from 0 to 2, which
needs `--right-from`. A rating that could not be parsed is written as 0: where the judge's own words
are in the file and hold none, the outcome is missing.
"""

from __future__ import annotations

import re
from typing import Any

from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source, row_by_row

_TEXT = "_steered_generation"
_RATED = "_LMJudgeEvaluator"
_RATING = re.compile(r"rating\W*\[*\s*[0-9]", re.IGNORECASE)


def _methods(fields: frozenset[str]) -> list[str]:
    return sorted(name.removesuffix(_TEXT) for name in fields if name.endswith(_TEXT))


def _entries(source: Source) -> Entries:
    methods = _methods(source.fields)
    yield from row_by_row(lambda entry: [_row(entry, method) for method in methods])(source)


def _row(entry: Row, method: str) -> Row:
    concept = f"concept {entry['concept_id']}"
    rated = f"{method}{_RATED}"
    row: Row = {
        "concept_id": entry["concept_id"],
        "method": method,
        "problem": f"{concept} prompt {entry['input_id']}",
        "question": f"{entry.get('original_prompt')} ({concept})",
        "direction": method,
        "alpha": entry["factor"],
        "text": entry.get(f"{method}{_TEXT}"),
        "correct": entry.get(rated),
    }
    said = [
        text
        for name, value in entry.items()
        if name.startswith(rated) and name.endswith("_completions")
        for text in (value if isinstance(value, list) else [value])
    ]
    if row["correct"] == 0 and any(_unparsed(text) for text in said):
        row |= {"correct": None, "status": "error"}
    return row


def _unparsed(text: Any) -> bool:
    return _RATING.search(str(text or "")) is None


FORMAT = Format(
    name="AxBench",
    fits=lambda source: (
        {"concept_id", "input_id", "factor"} <= source.fields and bool(_methods(source.fields))
    ),
    entries=_entries,
)

"""AxBench: `steering_data.parquet` with methods side by side, and means by concept in `.jsonl`.

A method is a direction, the factor its dose; the judge's rating is a score from 0 to 2, of which
`--right-from` says what is right. A rating that could not be parsed is written as 0: where the
judge's own words are in the file and hold none, the outcome is missing. Means hide it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source, row_by_row

_SCORE = "lm_judge_rating"
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
        "score": entry.get(rated),
        "score_name": _SCORE,
    }
    said = [
        text
        for name, value in entry.items()
        if name.startswith(rated) and name.endswith("_completions")
        for text in (value if isinstance(value, list) else [value])
    ]
    if row["score"] == 0 and any(_unparsed(text) for text in said):
        row |= {"score": None, "status": "error"}
    return row


def _means(entry: Row) -> Iterator[Row]:
    """The means of one concept: one row per evaluator, method and factor; a concept is a problem.

    Raises:
        KeyError, TypeError, AttributeError: No evaluator has numbers by factor.
    """
    found = False
    for evaluator, methods in entry["results"].items():
        for method, lists in methods.items():
            factors = lists.get("factor")
            if not isinstance(factors, list):
                continue
            means = {
                name: values
                for name, values in lists.items()
                if name != "factor" and isinstance(values, list) and len(values) == len(factors)
            }
            names = [name for name in means if name == _SCORE] or list(means)
            for i, factor in enumerate(factors):
                found = True
                row: Row = {name: values[i] for name, values in means.items()}
                row |= {"evaluator": evaluator, "method": method, "direction": method}
                row |= {"problem": f"concept {entry['concept_id']}", "alpha": factor}
                if len(names) == 1:
                    row |= {"score": row[names[0]], "score_name": names[0]}
                yield row
    if not found:
        raise KeyError("numbers by factor")


def _unparsed(text: Any) -> bool:
    return _RATING.search(str(text or "")) is None


FORMAT = Format(
    name="AxBench",
    fits=lambda source: (
        {"concept_id", "input_id", "factor"} <= source.fields and bool(_methods(source.fields))
    ),
    entries=_entries,
)
MEANS = Format(
    name="AxBench",
    fits=lambda source: {"concept_id", "results"} <= source.fields,
    entries=row_by_row(_means),
    one_of=("evaluator",),
)

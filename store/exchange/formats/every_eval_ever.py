"""every_eval_ever: one JSON object per sample, with the harness's verdict in `evaluation`.

Verdicts are obligatory there, so that a generation that failed is said to be wrong: where `error`
names one, the outcome is missing. What `store.exchange.exporters` adds to `metadata` comes back.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.exchange.imported_rows import Row
from store.exchange.source import Format, first, flat, mapping, row_by_row

_NEEDED = {"evaluation_id", "sample_id", "input", "evaluation"}
PREFIX = "steerstat_"
"""What begins the names of our own fields in `metadata`."""


def _rows(entry: Row) -> Iterator[Row]:
    asked, said, judged = (mapping(entry.get(name)) for name in ("input", "output", "evaluation"))
    metadata = mapping(entry.get("metadata"))
    answers = [one for one in entry.get("answer_attribution") or [] if isinstance(one, dict)]
    last = next((one for one in reversed(answers) if one.get("is_terminal", True)), {})
    ours = {
        name.removeprefix(PREFIX): value
        for name, value in metadata.items()
        if name.startswith(PREFIX)
    }
    verdict = judged.get("is_correct")
    yield {
        **{name: value for name, value in entry.items() if not isinstance(value, (dict, list))},
        **flat({k: v for k, v in metadata.items() if k not in ours}, "metadata"),
        "problem": entry.get("sample_id"),
        "question": asked.get("raw"),
        "gold": first(asked.get("reference")),
        "answer": last.get("extracted_value"),
        "correct": judged.get("score") if verdict is None else verdict,
        "score": judged.get("score"),
        "text": first(said.get("raw")),
        "model": entry.get("model_id"),
        **ours,
    }


FORMAT = Format(
    name="every_eval_ever",
    fits=lambda source: source.fields >= _NEEDED,
    entries=row_by_row(_rows),
    one_of=("evaluation_name",),
)

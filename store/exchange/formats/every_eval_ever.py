"""every_eval_ever: one JSON object per sample, with the harness's verdict in `evaluation`.

Verdicts are obligatory there, so that a generation that failed is said to be wrong: where `error`
names one, the outcome is missing. What `store.exchange.exporters` adds to `metadata` comes back.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.exchange.imported_rows import Row
from store.exchange.source import Format, first, flat, mapping, row_by_row

_NEEDED = {"evaluation_id", "sample_id", "input", "evaluation"}
_SCHEMA_VERSION = "0.3.0"
PREFIX = "steerstat_"
"""What begins the names of our own fields in `metadata`."""
OURS = ("direction", "alpha", "seed", "status", "kind", "role", "n_steps", "protocol", "score",
        "score_name")  # fmt: skip


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
        **flat({k: v for k, v in metadata.items() if not k.startswith(PREFIX)}, "metadata"),
        "problem": entry.get("sample_id"),
        "question": asked.get("raw"),
        "gold": first(asked.get("reference")),
        "answer": last.get("extracted_value"),
        "correct": judged.get("score") if verdict is None else verdict,
        "evaluation_score": judged.get("score"),
        "text": first(said.get("raw")),
        "model": entry.get("model_id"),
        **ours,
    }


def instance(outcome: Row) -> Row:
    """One outcome as the schema has it; what it has no field for is in `metadata`.

    A verdict is obligatory: a missing one is false, and `error` says that it is missing.

    Args:
        outcome: row of `sql/internal/export_instances.sql`.
    """
    metadata = {f"{PREFIX}{name}": str(outcome[name]) for name in OURS if outcome[name] is not None}
    missing = outcome["correct"] is None
    scored = outcome["score"] is not None
    if outcome["score_name"] is not None and not scored:
        metadata[f"{PREFIX}score"] = "NA"
    if missing and scored:
        metadata[f"{PREFIX}correct"] = "NA"
    answer = outcome["answer"]
    attribution = {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": answer,
        "extraction_method": "steerstat",
        "is_terminal": True,
    }
    return {
        "schema_version": _SCHEMA_VERSION,
        "evaluation_id": outcome["condition_id"],
        "model_id": outcome["model"],
        "evaluation_name": outcome["score_name"] or "steerstat",
        "sample_id": outcome["problem_id"],
        "interaction_type": "single_turn",
        "input": {"raw": outcome["question"], "reference": [outcome["gold"]], "choices": None},
        "output": {"raw": [outcome["text"] or ""]},
        "answer_attribution": [] if answer is None else [attribution],
        "evaluation": {
            "score": outcome["score"] if scored else float(outcome["correct"] or False),
            "is_correct": bool(outcome["correct"]),
        },
        "error": f"no verdict: {outcome['status']}" if missing and not scored else None,
        "metadata": metadata,
    }


FORMAT = Format(
    name="every_eval_ever",
    fits=lambda source: source.fields >= _NEEDED,
    entries=row_by_row(_rows),
    one_of=("evaluation_name",),
)

"""causal-latent-cot: ablations of latent steps; each row holds its baseline beside the ablation.

A condition is a mode at a step. Both texts are read here, against the gold answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from store.exchange.imported_rows import Row
from store.exchange.source import Format, first, row_by_row

_NEEDED = {"sample_id", "question", "gold_answer", "step", "mode", "baseline", "ablated"}


def _rows(entry: Row) -> Iterator[Row]:
    kept = {name: value for name, value in entry.items() if name not in _NEEDED}
    shared = {
        **kept,
        "problem": entry.get("sample_uid", entry["sample_id"]),
        "question": entry["question"],
        "gold": entry["gold_answer"],
    }
    direction = f"ablate-{entry['mode']}-step{entry['step']}"
    for name, alpha in ((None, 0), (direction, 1)):
        text = _text(entry["ablated" if name else "baseline"])
        yield {**shared, "direction": name, "alpha": alpha, "text": text, "answer": text}


def _text(side: Any) -> Any:
    return first(side.get("text")) if isinstance(side, dict) else None


FORMAT = Format(
    name="causal-latent-cot",
    fits=lambda source: source.fields >= _NEEDED,
    entries=row_by_row(_rows),
)

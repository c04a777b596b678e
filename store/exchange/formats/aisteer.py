"""AISteer360: `profiles.json`, the trials of every pipeline with their generations and scores.

A pipeline without parameters is the baseline; another is a direction of its name. Multiple choice
has its letters in another order in each trial, so that a question and not its text is the problem.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from store.exchange.columns import ALIASES
from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source

_DOSES = {"alpha", *ALIASES["alpha"]}


def _fits(source: Source) -> bool:
    pipelines = source.document.values() if isinstance(source.document, dict) else []
    trials = [trial for trials in pipelines if isinstance(trials, list) for trial in trials]
    return bool(trials) and all(
        isinstance(trial, dict) and {"generations", "params"} <= set(trial) for trial in trials
    )


def _entries(source: Source) -> Entries:
    for pipeline, trials in source.document.items():
        asked: Counter[str] = Counter()
        for t, trial in enumerate(trials):
            condition = _condition(pipeline, trial["params"])
            for i, one in enumerate(trial["generations"]):
                row = _row(one, i, trial.get("evaluations") or {})
                question = str(row["question"])
                row |= condition | {"seed": asked[question]}
                asked[question] += 1
                yield f"{source.name} {pipeline} trial {t} generation {i}", row


def _condition(pipeline: str, params: Any) -> Row:
    """Direction and dose of a pipeline; its one parameter that is called like a dose, if any."""
    if not params:
        return {"direction": None, "alpha": 0}
    kwargs = [given for given in params.values() if isinstance(given, dict)] or [params]
    found = [value for given in kwargs for name, value in given.items() if name in _DOSES]
    doses = [value for value in found if isinstance(value, (int, float))]
    return {"direction": pipeline, "alpha": doses[0] if len(doses) == 1 else 1}


def _row(one: Row, i: int, evaluations: Row) -> Row:
    text = one.get("response")
    row: Row = {"text": text, "finish_reason": one.get("finish_reason"), "correct": None}
    row["question"] = one.get("question_id") or one.get("question") or one.get("prompt")
    row["problem"] = row["question"]
    if "reference_answer" in one:
        row["answer"] = text
        row["status"] = "parse_fail" if text is None else None
        row["correct"] = None if text is None else text == one["reference_answer"]
    for metric, values in (
        ("StrictInstruction", "follow_all_instructions"),
        ("Truthfulness", "scores"),
    ):
        scores = (evaluations.get(metric) or {}).get(values)
        if isinstance(scores, list) and i < len(scores):
            row["correct"] = scores[i]
    return row


FORMAT = Format(name="AISteer360", fits=_fits, entries=_entries)

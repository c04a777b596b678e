"""lm-evaluation-harness: `samples_{task}_{date}.jsonl`, and `results_{date}.json` beside it.

There is one row per document and filter. The verdict is a metric, a column of its name.
"""

from __future__ import annotations

import re
from typing import Any

from sql.errors import UserError
from store.exchange.imported_rows import Row
from store.exchange.report_files import read_json
from store.exchange.source import Entries, Format, Source, first, row_by_row
from store.exchange.tidy import PROTOCOL
from store.names import checked_model_name

_NEEDED = {"doc_id", "doc", "target", "resps", "filtered_resps"}
_UNREAD = "[invalid]"  # what a filter gives where it found no answer
_QUESTIONS = ("question", "query", "problem", "prompt", "input", "text", "sentence", "ctx")
_DATE = re.compile(r"_([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9.:-]+)\.jsonl$")


def _entries(source: Source) -> Entries:
    model = _model(source)
    yield from row_by_row(lambda entry: [{**entry, **_row(entry), **model}])(source)


def _row(entry: Row) -> Row:
    metrics = [name for name in entry.get("metrics") or [] if name in entry]
    answer = first(entry.get("filtered_resps"))
    text = first(entry.get("resps"))
    row: Row = {
        "problem": entry.get("doc_hash", entry.get("doc_id")),
        "question": _question(entry),
        "gold": first(entry.get("target")),
        "text": text if isinstance(text, str) else None,
        # Of multiple choice there are log-probabilities, which are no answer.
        "answer": answer if isinstance(entry["filtered_resps"][0], str) else None,
        PROTOCOL: {name: entry[name] for name in ("filter",) if entry.get(name)},
    }
    if len(metrics) == 1:
        row["correct"] = entry[metrics[0]]
        row[PROTOCOL]["metric"] = metrics[0]
    if row["answer"] == _UNREAD:
        row |= {"answer": None, "status": "parse_fail"}
    return row


def _question(entry: Row) -> str | None:
    """The question of a document with its choices, or else the prompt, whose examples can vary."""
    doc = entry["doc"] if isinstance(entry.get("doc"), dict) else {}
    found = next((doc[name] for name in _QUESTIONS if isinstance(doc.get(name), str)), None)
    if found is None:
        return _prompt(entry.get("arguments"))
    choices = doc.get("choices")
    if isinstance(choices, dict):
        choices = choices.get("text")
    return "\n".join([found, *map(str, choices)]) if isinstance(choices, list) else found


def _prompt(arguments: Any) -> str | None:
    while isinstance(arguments, (dict, list)) and arguments:
        arguments = next(iter(arguments.values())) if isinstance(arguments, dict) else arguments[0]
    return arguments if isinstance(arguments, str) else None


def _model(source: Source) -> Row:
    """The model that the results beside the file name; nothing where there are none."""
    date = _DATE.search(source.name)
    beside = source.path.with_name(f"results_{date[1]}.json") if date else None
    if beside is None or not beside.is_file():
        return {}
    results = read_json(beside)
    config = results.get("config") if isinstance(results, dict) else None
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    if not isinstance(arguments, dict):
        return {}
    row: Row = {f"model_arg_{name}": value for name, value in arguments.items()}
    try:
        return row | {"model": checked_model_name(str(arguments.get("pretrained")))}
    except UserError:
        return row


FORMAT = Format(
    name="lm-eval",
    fits=lambda source: source.fields >= _NEEDED,
    entries=_entries,
    one_of=("filter",),
)

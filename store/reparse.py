"""What the newest answer parsers would change in a store: read again and compared, never written.

Outcomes stay what their condition's parser made of them; a store that is to be graded anew is
collected or imported again, under conditions of the newer version.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.answers import READERS, VERSION, canonical_answer, gold_answer, graded_answer
from store.layout import open_store
from store.shards import committed

_COLUMNS = ("condition_id", "problem_id", "seed", "text", "answer", "status", "correct")


@dataclass(frozen=True, kw_only=True)
class Change:
    """An outcome that the newest parser reads otherwise: what is stored, and what it would be."""

    condition_id: str
    problem_id: str
    seed: int
    text: str
    answer: str | None
    new_answer: str | None
    correct: bool | None
    new_correct: bool | None


@dataclass(frozen=True, kw_only=True)
class ReparseReport:
    """What a reading with the newest parsers found.

    `read` outcomes were read again, `unread` hold nothing to read (no text, or a verdict of
    others alone); `newest` were graded by the newest version already. `golds` are problems whose
    stored gold answer would be another one: id, stored, new.
    """

    version: int
    read: int
    newest: int
    unread: int
    changes: list[Change]
    golds: list[tuple[str, str, str]]

    def summary(self) -> dict[str, int]:
        """How many of the changes turn right, wrong or unreadable, or keep their verdict."""
        names = {True: "right", False: "wrong", None: "unread"}
        kinds = Counter(
            "another answer, verdict as it was"
            if one.correct == one.new_correct
            else f"{names[one.correct]} to {names[one.new_correct]}"
            for one in self.changes
        )
        return dict(sorted(kinds.items()))


def reparse(root: str | Path) -> ReparseReport:
    """Read every stored text with the newest parsers. Raises UserError if there is no store."""
    root = open_store(root)
    columns = ["condition_id", "protocol_fields"]
    fields = {
        row["condition_id"]: _fields(row["protocol_fields"])
        for row in committed(root, "conditions", columns).to_pylist()
    }
    golds = {
        row["problem_id"]: row["answer"]
        for row in committed(root, "problems", ["problem_id", "answer"]).to_pylist()
    }
    counts: Counter[str] = Counter()
    changes = []
    for row in _outcomes(root):
        asked = fields.get(row["condition_id"], {})
        gold = golds.get(row["problem_id"])
        found = None if gold is None else reread(row, asked, gold)
        if asked.get("parser_version", 1) >= VERSION:
            counts["newest"] += 1
        elif found is None:
            counts["unread"] += 1
        else:
            counts["read"] += 1
            answer, correct = found
            if (answer, correct) != (row["answer"], row["correct"]):
                kept = {name: row[name] for name in ("condition_id", "problem_id", "seed")}
                changes.append(
                    Change(
                        **kept,
                        text=row["text"] or row["answer"],
                        answer=row["answer"],
                        new_answer=answer,
                        correct=row["correct"],
                        new_correct=correct,
                    )
                )
    return ReparseReport(
        version=VERSION,
        read=counts["read"],
        newest=counts["newest"],
        unread=counts["unread"],
        changes=changes,
        golds=[
            (problem, gold, new)
            for problem, gold in sorted(golds.items())
            if (new := canonical_answer(gold)) != gold
        ],
    )


def _fields(text: str | None) -> dict[str, Any]:
    try:
        fields = json.loads(text or "{}")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _outcomes(root: Path) -> Iterator[dict[str, Any]]:
    for batch in committed(root, "outcomes", _COLUMNS).to_batches(max_chunksize=50_000):
        yield from batch.to_pylist()


def reread(
    row: dict[str, Any], asked: dict[str, Any], gold: str
) -> tuple[str | None, bool | None] | None:
    """Answer and verdict of an outcome by the newest parser; None where there is nothing to read.

    Of an import the answer is read, as its importer did; where its gold is unknown the verdict is
    the file's own.
    """
    parser = asked.get("parser")
    if parser in READERS and row["text"] is not None and row["status"] != "error":
        answer = _value(parser, row["text"])
        unread = row["status"] == "truncated" or answer is None
        return answer, None if unread else answer == (gold_answer(gold, parser) or gold)
    if parser is None and "source" in asked and row["answer"] is not None and gold != "unknown":
        return graded_answer(row["answer"], gold)
    return None


@functools.lru_cache(maxsize=100_000)
def _value(parser: str, text: str) -> str | None:
    return READERS[parser](text).value

"""The audit on the report page: what was found, and which verdicts it puts in doubt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from analysis import tables, words
from analysis.figures import every_row
from analysis.report.document import Block, Grid, Text
from analysis.report.verdicts import Verdict
from analysis.tables.readings import Readings, view

_ENDS = {"clear": "clear", "not_applicable": "not applicable", "could_not_run": "could not be run"}


def section(readings: Readings) -> list[Block]:
    """The findings of the last audit, the gravest first; or that there is none of these rows."""
    rows = tables.audited(readings)
    if rows.empty:
        earlier = len(view(readings, "audit_findings"))
        why = "The store has changed since its last audit" if earlier else "No audit is kept"
        return [Text(f"**{why}:** `steerstat audit {readings.path}` reads it as a reviewer would.")]
    found = rows[rows["status"] == "found"].to_dict("records")
    ends = Counter(rows[rows["status"] != "found"]["status"])
    others = ", ".join(f"{ends[end]} {said}" for end, said in _ENDS.items() if ends[end])
    blocks: list[Block] = [
        Text(
            f"Of {words.counted(len(rows), 'check')} {len(found)} found something ({others}). "
            "How grave it is follows from the headline without what is affected: a finding decides "
            "where a verdict, its significance or its sign changes, or cannot be known; it biases "
            "where an effect moves; it weakens power or generality; else it is hygiene."
        )
    ]
    return [*blocks, _grid(found)] if found else blocks


def _grid(found: Sequence[dict[Any, Any]]) -> Grid:
    return Grid(
        name="audit",
        title="What the audit found",
        head=["Severity", "Check", "Affected", "Consequence", "What to do"],
        rows=[
            [
                row["severity"] + (" (accepted)" if row["accepted"] else ""),
                row["check_id"],
                f"{words.count(row['n_affected'])} of {words.count(row['n_checked'])}",
                row["consequence"] + (f" Accepted: {row['accepted']}" if row["accepted"] else ""),
                row["action"],
            ]
            for row in found
        ],
        note="The column `sql` of audit_findings shows the rows behind each.",
        sql=every_row("audit_findings"),
    )


def doubts(readings: Readings, verdicts: Sequence[Verdict]) -> dict[Verdict, list[str]]:
    """The verdicts that a finding decides, with the checks; what was accepted is left out."""
    found: dict[Verdict, list[str]] = {}
    for row in tables.audited(readings).to_dict("records"):
        if row["status"] != "found" or row["severity"] != "decides" or row["accepted"]:
            continue
        about = json.loads(row["verdicts"] or "[]")
        for verdict in verdicts:
            if any(all(getattr(verdict, k) == v for k, v in one.items()) for one in about):
                found.setdefault(verdict, []).append(row["check_id"])
    return found

"""Findings as rows of `audit_findings`: kept, accepted with a reason, and read again."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from analysis import tables
from analysis.audit.finding import Finding
from analysis.audit.registry import known
from analysis.tables.readings import Readings, view
from sql.errors import UserError
from store import append, clock, ingest, store_digest

_PROVENANCE = ("accepted_at", "code_version")


def keep(root: Path, findings: Sequence[Finding]) -> None:
    """Write what was found, where the store does not say so already, and ingest it.

    Raises:
        UserError: no store, or one that cannot be written.
    """
    digest = store_digest(root)
    there = {
        row["check_id"]: row
        for row in view(Readings(root), "audit_findings").to_dict("records")
        if row["store_digest"] == digest
    }
    rows = [_row(digest, finding) for finding in findings]
    new = [row for row in rows if not _same(row, there.get(row["check_id"]))]
    if new:
        append(root, "audit_findings", new)
        ingest(root)


def _row(digest: str, finding: Finding) -> dict[str, Any]:
    from analysis.recorded import code_version

    row = asdict(finding) | {"store_digest": digest, "code_version": code_version()}
    row["verdicts"] = json.dumps(list(finding.verdicts), sort_keys=True, ensure_ascii=False)
    row["accepted_at"] = clock.now() if finding.accepted else None
    return row


def _same(row: dict[str, Any], other: dict[Any, Any] | None) -> bool:
    """Whether a row says what a stored one says; a number that is not there is NaN when stored."""
    if other is None:
        return False
    return all(_equal(value, other[name]) for name, value in row.items() if name not in _PROVENANCE)


def _equal(value: Any, stored: Any) -> bool:
    if value is None or (isinstance(stored, float) and math.isnan(stored)):
        return value is None and (stored is None or math.isnan(stored))
    return bool(math.isclose(value, stored)) if isinstance(value, float) else value == stored


def with_acceptances(root: Path, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, with the reason of those that were accepted with the same rows."""
    reasons = {
        (row["check_id"], row["rows_digest"]): row["accepted"]
        for row in view(Readings(root), "audit_findings").to_dict("records")
        if row["accepted"]
    }
    return [
        replace(one, accepted=reasons.get((one.check_id, one.rows_digest)))
        if one.status == "found"
        else one
        for one in findings
    ]


def stored(root: Path) -> list[Finding]:
    """The findings of the audit of the store as it is now; none where it was not audited since."""
    names = [name for name in Finding.__dataclass_fields__ if name != "verdicts"]
    found = []
    for row in tables.audited(root).to_dict("records"):
        given = {name: _plain(row[name]) for name in names}
        found.append(Finding(**given, verdicts=json.loads(row["verdicts"] or "[]")))
    return found


def _plain(value: Any) -> Any:
    """A value of a table as it was before it was stored."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.item() if hasattr(value, "item") else value


def accept(root: Path, check_id: str, because: str) -> Finding:
    """Record that a finding is known and why it stays; it decides nothing any more.

    The acceptance holds as long as the rows that were found are the same.

    Raises:
        UserError: an unknown check, no reason, no audit of this state of the store, or nothing
            found.
    """
    known(check_id)
    if not because.strip():
        raise UserError(f"--accept {check_id} takes a reason: --because '…'")
    findings = {one.check_id: one for one in stored(root)}
    if check_id not in findings:
        raise UserError(
            f"no audit of {root} as it is now is kept: `steerstat audit {root}` first, then accept"
        )
    finding = findings[check_id]
    if finding.status != "found":
        raise UserError(f"there is nothing to accept: {check_id} is {finding.status}")
    accepted = replace(finding, accepted=because.strip())
    keep(root, [accepted])
    return accepted

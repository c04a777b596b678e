"""Findings as text, as JSON, and as SARIF."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.audit.finding import SEVERITIES, Finding
from analysis.audit.registry import CHECKS
from analysis.vocabulary import FindingStatus, Severity
from sql.printable import one_line

_INDENT = "    "
_LEVELS: dict[Severity, str] = {
    "decides": "error", "biases": "warning", "weakens": "warning", "hygiene": "note",
}  # fmt: skip
_QUIET: dict[FindingStatus, str] = {
    "clear": "clear",
    "not_applicable": "not applicable",
    "could_not_run": "could not be run",
}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(findings: Sequence[Finding]) -> str:
    """What was found, the gravest first, then in a line each how the other checks ended."""
    found = [one for one in findings if one.status == "found"]
    found.sort(key=lambda one: -SEVERITIES.index(one.severity or "hygiene"))
    parts = [_told(one) for one in found]
    for status, words in _QUIET.items():
        names = [_reason(one) for one in findings if one.status == status]
        if names:
            parts.append(_wrapped(f"{words}: {'; '.join(names)}", ""))
    rows = "--json has the SQL that shows the rows of each, as has the table audit_findings"
    return "\n\n".join([*parts, *([rows] if found else []), summary(findings)])


def _told(finding: Finding) -> str:
    accepted = f"  (accepted: {one_line(finding.accepted)})" if finding.accepted else ""
    head = f"{finding.severity}  {finding.check_id}  {finding.n_affected} of {finding.n_checked}"
    return "\n".join(
        [
            head + accepted,
            _wrapped(one_line(finding.consequence or ""), _INDENT),
            _wrapped(f"do: {finding.action}", _INDENT),
        ]
    )


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text, 100, initial_indent=indent, subsequent_indent=indent or "  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _reason(finding: Finding) -> str:
    return finding.check_id + (f" ({one_line(finding.why)})" if finding.why else "")


def summary(findings: Sequence[Finding]) -> str:
    """How many checks came to what, in one line."""
    found = [one for one in findings if one.status == "found"]
    counts = Counter(one.severity for one in found if not one.accepted)
    grave = [f"{counts[one]} {one}" for one in reversed(SEVERITIES) if counts[one]]
    accepted = sum(one.accepted is not None for one in found)
    grave += [f"{accepted} accepted"] if accepted else []
    ends = Counter(one.status for one in findings)
    others = [f"{ends[status]} {words}" for status, words in _QUIET.items() if ends[status]]
    told = f"{len(found)} found" + (f" ({', '.join(grave)})" if grave else "")
    return f"{len(findings)} checks: {', '.join([told, *others])}"


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects, every field of a finding."""
    return json.dumps(as_rows(findings), indent=2, ensure_ascii=False, allow_nan=False)


def as_rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Every field of each finding, as plain values."""
    return [asdict(one) | {"verdicts": list(one.verdicts)} for one in findings]


def as_sarif(findings: Sequence[Finding], place: Path) -> str:
    """SARIF 2.1.0 of what was found, for code scanning; an acceptance is a suppression.

    Checks that could not be run are notifications of the tool.
    """
    found = [one for one in findings if one.status == "found"]
    unable = [one for one in findings if one.status == "could_not_run"]
    run = {
        "tool": {"driver": {"name": "steerstat audit", "version": version("steerstat"),
                            "rules": [_rule(one.check_id) for one in findings]}},
        "results": [_result(one, place) for one in found],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": f"{one.check_id}: {one.why}"},
                     "associatedRule": {"id": one.check_id}}
                    for one in unable
                ],
            }
        ],
    }  # fmt: skip
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False, allow_nan=False)


def _rule(check_id: str) -> dict[str, Any]:
    check = CHECKS[check_id]
    help_text = f"{check.action} {check.reference}".strip()
    return {"id": check.id, "shortDescription": {"text": check.rule},
            "help": {"text": help_text}}  # fmt: skip


def _result(finding: Finding, place: Path) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.check_id,
        "level": _LEVELS[finding.severity or "hygiene"],
        "message": {"text": one_line(finding.consequence or CHECKS[finding.check_id].rule)},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": place.absolute().as_uri()}}}
        ],
        "partialFingerprints": {"rows/v1": str(finding.rows_digest)},
        "properties": {
            "severity": finding.severity,
            "affected": finding.n_affected,
            "checked": finding.n_checked,
            "sql": finding.sql,
            "action": finding.action,
        },
    }
    if finding.accepted:
        result["suppressions"] = [{"kind": "external", "justification": finding.accepted}]
    return result

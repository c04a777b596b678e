"""What a program may ask of a store: each tool a function that gives plain values and writes none.

What is limited says so, and every figure keeps its stamps: whether a plan named it (`stamp`),
whether its set was chosen by the tested outcome (`selected_on_outcome`), and its bounds.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import tables
from analysis.recorded.recording import as_json
from sql import loader
from sql.errors import UserError
from sql.words import meant

MOST_ROWS, DEFAULT_ROWS = 1_000, 100
SECONDS = 30.0

TABLES: dict[str, Callable[..., pd.DataFrame]] = {
    table.__name__: table
    for table in (
        tables.accuracy,
        tables.beyond_controls,
        tables.controls,
        tables.effects,
        tables.equal_push,
        tables.gold_logprobs,
        tables.homogeneity,
        tables.left_out,
        tables.missingness,
        tables.norms,
        tables.planned_ends,
        tables.strata,
        tables.trends,
    )
}


def schema() -> dict[str, Any]:
    """Tables with their columns, views and named queries with what they say of themselves."""
    from store.schema import TABLES as STORED

    return {
        "tables": {name: table.names for name, table in STORED.items()},
        "views": {name: script.documentation for name, script in loader.views().items()},
        "queries": {name: script.documentation for name, script in loader.queries().items()},
        "macros": {name: script.documentation for name, script in loader.macros().items()},
    }


def sql(store: Path, query: str, parameters: Mapping[str, str], most: int) -> dict[str, Any]:
    """The first rows of a query that reads, answered by a process that can open nothing else."""
    from analysis.serve.answers import answer

    found = answer(store, query, parameters, seconds=SECONDS, most=_limit(most))
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return {"rows": rows, "truncated": found.more}


def table(store: Path, name: str, where: Mapping[str, str], most: int) -> dict[str, Any]:
    """Rows of a computed table, with the stamp of each where it is of a candidate's dose."""
    from analysis.plans import stamps

    if name not in TABLES:
        raise UserError(f"no table {name!r}: {meant(name, TABLES)}there are {', '.join(TABLES)}")
    frame = TABLES[name](store)
    for column, value in where.items():
        if column not in frame.columns:
            raise UserError(f"{name} has no column {column!r}: it has {', '.join(frame.columns)}")
        frame = frame[[str(cell) == value for cell in frame[column]]]
    rows = [_plain(row) for row in frame[: _limit(most)].to_dict("records")]
    if {"direction", "alpha", "set_name"} <= set(frame.columns):
        stamp = stamps(store)
        rows = [row | {"stamp": str(stamp({**row, "against": "baseline"}))} for row in rows]
    return {"rows": rows, "truncated": len(frame) > len(rows)}


def verdicts(store: Path) -> dict[str, Any]:
    """Verdicts, the rules they follow, and the checks of the kept audit that put them in doubt."""
    from analysis.plans import stamps
    from analysis.report.audit import doubts
    from analysis.report.verdicts import RULES, store_verdicts
    from analysis.tables.readings import Readings

    readings = Readings(store)
    reached, stamp = store_verdicts(readings), stamps(store)
    doubted = doubts(readings, reached)
    rows = [
        {
            "claim": one.claim,
            "direction": one.direction,
            "verdict": one.verdict,
            "reason": one.reason,
            "selected_on_outcome": one.selected_on_outcome,
            "stamp": str(stamp({**dict(one.place), "against": "controls"})),
            "doubted_by": doubted.get(one, []),
            **_plain(one.context),
        }
        for one in reached
    ]
    audited = not tables.audited(readings).empty
    return {"verdicts": rows, "rules": list(RULES), "audited": audited}


def audit(store: Path, *, anew: bool) -> dict[str, Any]:
    """The findings of the kept audit of the store as it is now; without one, or anew, computed."""
    from analysis.audit import audit as auditing
    from analysis.audit import show, stored
    from analysis.audit.kept import with_acceptances

    kept = [] if anew else stored(store)
    findings = kept or with_acceptances(store, auditing(store))
    return {
        "findings": show.as_rows(findings),
        "summary": show.summary(findings),
        "kept": bool(kept),
    }


def claims_check(store: Path, text: str) -> dict[str, Any]:
    """What becomes of every claim of a claims file, given as its text."""
    from analysis.claims.check import check_text
    from analysis.claims.show import summary
    from analysis.claims.stored import StoreRows

    checked = check_text(text, rows=StoreRows(store))
    return {"claims": [one.as_dict() for one in checked], "summary": summary(checked)}


def plan_check(store: Path, text: str) -> dict[str, Any]:
    """The chances of a plan, given as its text, and what the audit finds that needs no outcomes."""
    from analysis.audit import show
    from analysis.audit.auditing import audit_before
    from analysis.plans.pilot import measured_discordance
    from analysis.plans.power import check_plan
    from analysis.plans.schema import parse_plan

    plan = parse_plan(text)
    report = check_plan(plan, discordance=measured_discordance(store, plan))
    found = [one for one in audit_before(store) if one.status == "found"]
    return report.as_dict() | {"audit": show.as_rows(found)}


def calculate(expression: str) -> dict[str, Any]:
    """A call of the statistics on counts, such as ``mcnemar(4, 2)``: not Python, but its look."""
    from analysis.claims.expression import evaluate
    from analysis.claims.functions import FUNCTIONS

    try:
        value = evaluate(expression, lambda name: FUNCTIONS[name])
    except ValueError as error:  # of the expression, or of what cannot be computed
        raise UserError(f"{error} (functions: {', '.join(sorted(FUNCTIONS))})") from None
    if hasattr(value, "as_dict"):
        return _plain(value.as_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    return {"value": json.loads(as_json({"value": value}))["value"]}


def _limit(most: int) -> int:
    """A number of rows within the limits. Raises UserError."""
    if not 1 <= most <= MOST_ROWS:
        raise UserError(f"rows are 1 to {MOST_ROWS} at a time, asked for {most}")
    return most


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON holds it: plain numbers, what is not known as null."""
    found: dict[str, Any] = json.loads(as_json(row))
    return found

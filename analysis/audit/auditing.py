"""Run the checks over a store, and compute how grave each finding is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from analysis.audit.case import Case, Document
from analysis.audit.check import Check
from analysis.audit.copies import Copy, copied
from analysis.audit.finding import (
    DECIDES,
    CouldNotRun,
    Finding,
    NotApplicable,
    Seen,
    worst,
)
from analysis.audit.headline import Consequence, consequence, headline
from analysis.audit.registry import CHECKS
from analysis.tables.readings import Readings
from sql.errors import UserError, first_line

Copying = Callable[[], Copy]


def audit(
    store: Path | str,
    *,
    document: Path | None = None,
    checks: Iterable[Check] | None = None,
) -> list[Finding]:
    """What checks find in a store, in their order.

    Args:
        store: its folder.
        document: Markdown or LaTeX that speaks of it.
        checks: which; all of `CHECKS` where None.

    Raises:
        UserError: no store, or a document that cannot be read.
    """
    from analysis.claims.documents import read_document
    from store import connect

    told = Document(path=document, text=read_document(document)) if document is not None else None
    kept: list[Copy] = []

    def copy() -> Copy:
        """The copy in memory, made when a finding first needs it."""
        if not kept:
            kept.append(copied(Path(store)))
        return kept[0]

    with connect(store) as connection:
        case = Case(readings=Readings(store, connection), document=told)
        asked = CHECKS.values() if checks is None else checks
        return [look(case, check, copy) for check in asked]


def audit_before(store: Path | str) -> list[Finding]:
    """What the checks find that need no outcomes: before a sweep is run. Raises UserError."""
    return audit(store, checks=[one for one in CHECKS.values() if one.needs is None])


def look(case: Case, check: Check, copy: Copying) -> Finding:
    """What one check finds; what keeps it from being run is told, and stops no other check.

    Args:
        case: what is audited.
        check: what is looked for.
        copy: gives a copy of the store, from which what is affected is left out.
    """
    about: dict[str, Any] = {"check_id": check.id, "reference": check.reference or None}
    try:
        seen = check.look(case)
        if not seen.n_affected:
            return Finding(**about, status="clear", n_affected=0, n_checked=seen.checked)
        return _found(check, seen, _without(case, seen, copy))
    except NotApplicable as why:
        return Finding(**about, status="not_applicable", why=str(why))
    except (CouldNotRun, UserError) as why:
        return Finding(**about, status="could_not_run", why=str(why))
    except duckdb.Error as error:  # rows of others that a query cannot read, such as broken JSON
        return Finding(**about, status="could_not_run", why=first_line(error))


def _found(check: Check, seen: Seen, becomes: Consequence) -> Finding:
    """The finding, with the severity that follows from the headline without what is affected."""
    severity = worst(seen.least, becomes.severity)
    if seen.only_if_decides and severity != DECIDES:
        return Finding(
            check_id=check.id,
            status="clear",
            n_affected=0,
            n_checked=seen.checked,
            reference=check.reference or None,
            consequence=f"{seen.said} {becomes.said}",
        )
    return Finding(
        check_id=check.id,
        status="found",
        severity=severity,
        n_affected=seen.n_affected,
        n_checked=seen.checked,
        quantity=seen.quantity or ("effect without them less with them" if becomes.moved else None),
        estimate=becomes.moved if seen.estimate is None else seen.estimate,
        low=seen.low,
        high=seen.high,
        consequence=f"{seen.said} {becomes.said}".strip(),
        verdicts=becomes.verdicts,
        sql=seen.sql,
        rows_digest=digest_of_rows(seen.rows),
        action=check.action,
        reference=check.reference or None,
    )


def _without(case: Case, seen: Seen, copy: Copying) -> Consequence:
    """What becomes of the headline without what is affected."""
    if seen.unknown and not case.headline.stands:
        said = "The store has no effect to compute anew without them: it cannot be known."
        return Consequence(severity=DECIDES, said=said)
    if seen.edit.empty:
        return Consequence(severity="hygiene", said="")
    with copy().without(seen.edit) as readings:
        return consequence(case.headline, headline(readings), "Without them")


def digest_of_rows(rows: pd.DataFrame) -> str:
    """sha256 of some rows, whatever their order."""
    lines = sorted(repr(row) for row in rows.itertuples(index=False, name=None))
    head = repr([str(name) for name in rows.columns])
    return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()

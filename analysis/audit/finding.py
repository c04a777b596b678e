"""What a check saw, and what an audit says of it: states, severity, rows, SQL and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import pandas as pd

from analysis.audit.copies import NOTHING, Edit
from analysis.vocabulary import FindingStatus, Severity

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
DECIDES: Severity = "decides"


class NotApplicable(Exception):
    """The store holds nothing that a check is about; the message says what is not there."""


class CouldNotRun(Exception):
    """A check is about this store and cannot be run; the message says what it lacks."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one check saw of a store.

    Attributes:
        checked: how many rows, problems, directions or conditions were looked at.
        rows: those that break the rule.
        sql: a query that shows them.
        said: what is so, one sentence with a number.
        least: the severity if no verdict, significance or effect changes.
        edit: what to leave out or grade anew, so that the headline can be computed without it.
        unknown: without a headline the consequence cannot be known, and it decides.
        quantity: what `estimate`, `low` and `high` are of.
        affected: how many are affected, where it is not the number of rows.
        only_if_decides: it is found only where the headline changes without it.
    """

    checked: int
    rows: pd.DataFrame
    sql: str
    said: str = ""
    least: Severity = "hygiene"
    edit: Edit = NOTHING
    unknown: bool = False
    quantity: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    affected: int | None = None
    only_if_decides: bool = False

    @property
    def n_affected(self) -> int:
        """How many break the rule."""
        return len(self.rows) if self.affected is None else self.affected


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of an audit.

    Attributes:
        check_id: the check, such as `data/duplicate`.
        status: `found`, `clear`, `not_applicable` or `could_not_run`.
        why: what keeps the check from being about this store, or from being run.
        severity: of what was found: `decides` (a verdict or the significance or sign of its effect
            changes, or cannot be known), `biases` (an effect moves), `weakens` (power or
            generality), `hygiene`.
        n_affected, n_checked: how many break the rule, of how many.
        quantity: what `estimate`, `low` and `high` are of.
        consequence: what it does to the headline, with a number.
        verdicts: the verdicts that change or cannot be known, as `claim`, `direction`, `set_name`
            and `protocol`.
        sql: a query that shows the rows.
        rows_digest: sha256 of the rows.
        action: what to do.
        reference: where the rule is from.
        accepted: why it was accepted, if it was.
    """

    check_id: str
    status: FindingStatus
    why: str | None = None
    severity: Severity | None = None
    n_affected: int | None = None
    n_checked: int | None = None
    quantity: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    consequence: str | None = None
    verdicts: Sequence[Mapping[str, Any]] = field(default=())
    sql: str | None = None
    rows_digest: str | None = None
    action: str | None = None
    reference: str | None = None
    accepted: str | None = None

    @property
    def decides(self) -> bool:
        """Whether it was found, decides, and nobody accepted it."""
        return self.status == "found" and self.severity == DECIDES and self.accepted is None


def worst(*severities: Severity) -> Severity:
    """The gravest of some severities."""
    return max(severities, key=SEVERITIES.index)

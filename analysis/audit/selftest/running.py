"""Plant every defect, one at a time, and see whether its check detects it, and stays quiet else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.audit.auditing import look
from analysis.audit.case import Case, Document
from analysis.audit.finding import CouldNotRun, Finding, NotApplicable
from analysis.audit.registry import CHECKS
from analysis.audit.selftest.clean import DOCUMENT, Rows, clean_rows
from analysis.audit.selftest.plants import planted
from analysis.audit.selftest.sandbox import Sandbox
from sql.errors import UserError

PAPER = Path("paper.md")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A check on clean rows and on those with its defect.

    Attributes:
        check_id: the check.
        quiet: whether it ran on clean rows and found nothing.
        found: whether it found the defect.
        said: what it said of the defect, or what kept it from looking.
    """

    check_id: str
    quiet: bool
    found: bool
    said: str

    @property
    def detected(self) -> bool:
        """Whether the defect was found, and nothing where there is none."""
        return self.quiet and self.found


def self_test() -> list[Tried]:
    """Every check on rows without and with its defect, in the order of the checks."""
    sandbox, rows = Sandbox(), clean_rows()
    clean = case_of(sandbox, rows)
    quiet = {
        name: look(clean, check, lambda: sandbox).status == "clear"
        for name, check in CHECKS.items()
    }
    return [_tried(sandbox, rows, name, quiet[name]) for name in CHECKS]


def _tried(sandbox: Sandbox, rows: Rows, check_id: str, quiet: bool) -> Tried:
    """A check on the rows with its defect; how grave it is is not computed."""
    try:
        seen = CHECKS[check_id].look(case_of(sandbox, *planted(check_id, rows)))
    except (NotApplicable, CouldNotRun, UserError) as why:
        return Tried(check_id=check_id, quiet=quiet, found=False, said=str(why))
    return Tried(check_id=check_id, quiet=quiet, found=seen.n_affected > 0, said=seen.said)


def planted_finding(sandbox: Sandbox, check_id: str, rows: Rows) -> Finding:
    """The whole finding of a check where its defect is planted into some rows."""
    case = case_of(sandbox, *planted(check_id, rows))
    return look(case, CHECKS[check_id], lambda: sandbox)


def case_of(sandbox: Sandbox, rows: Rows, text: str = DOCUMENT) -> Case:
    """Some rows and a document, as they are audited."""
    return Case(readings=sandbox.load(rows), document=Document(path=PAPER, text=text))

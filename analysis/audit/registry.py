"""Every check, by its id, in the order in which they are listed."""

from __future__ import annotations

from analysis.audit.check import Check
from analysis.audit.checks import (
    controls,
    data,
    direction,
    inference,
    labels,
    outcomes,
    provenance,
    report,
)
from sql.errors import UserError
from sql.words import meant

_MODULES = (data, labels, direction, controls, outcomes, inference, report, provenance)
CHECKS: dict[str, Check] = {
    one.id: one for module in _MODULES for one in vars(module).values() if isinstance(one, Check)
}


def known(check_id: str) -> Check:
    """The check of an id. Raises UserError for an unknown one."""
    if check_id not in CHECKS:
        raise UserError(
            f"no check {check_id!r}: {meant(check_id, CHECKS)}`steerstat audit STORE` lists them "
            "all"
        )
    return CHECKS[check_id]

"""A check: its id, its rule, what it needs, what to do about it, and the function that looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.audit.case import Case
from analysis.audit.finding import Seen
from analysis.vocabulary import CheckNeed

Looking = Callable[[Case], Seen]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule of the audit.

    Attributes:
        id: a word for what it is about, and its name: `data/duplicate`.
        rule: what must not be so, as a reader says it.
        action: what to do where it is so.
        reference: where the rule is from.
        needs: what it cannot do without: `outcomes`, `document`; None for the store's descriptions.
        look: sees what breaks the rule.
    """

    id: str
    rule: str
    action: str
    reference: str
    needs: CheckNeed | None
    look: Looking


def check(
    id: str, rule: str, *, action: str, reference: str = "", needs: CheckNeed | None = None
) -> Callable[[Looking], Check]:
    """Make a check of a function that looks."""

    def made(look: Looking) -> Check:
        """The check whose function this is."""
        return Check(id=id, rule=rule, action=action, reference=reference, needs=needs, look=look)

    return made

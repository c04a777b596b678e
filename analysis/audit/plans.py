"""Plans of an audited store, read off its results file rather than off its shards."""

from __future__ import annotations

from analysis.audit.case import Case
from analysis.plans.freezing import FrozenPlan, Stamps, stamps_of_rows
from sql import loader


def stamps_of(case: Case) -> Stamps:
    """The stamps of a store: which contrasts a plan named before their data."""
    plans = case.view("plans")
    seen = case.readings.rows(loader.internal("first_steered")).to_pylist()
    return stamps_of_rows(
        [{str(name): value for name, value in row.items()} for row in plans.to_dict("records")],
        {row["direction"]: row["seen"] for row in seen},
    )


def frozen(case: Case) -> tuple[FrozenPlan, ...]:
    """The plans of a store, oldest first."""
    return stamps_of(case).plans

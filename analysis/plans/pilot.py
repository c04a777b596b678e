"""The discordance of a pilot: what share of the problems changes when steered."""

from __future__ import annotations

from pathlib import Path

from analysis.plans.schema import Plan
from sql import loader
from sql.errors import UserError


def measured_discordance(store: Path, plan: Plan) -> float | None:
    """Share of pairs that changed under any direction, at doses like those of the plan.

    None where the store has no such pairs yet and the plan gives the share itself.

    The plan's problem set is preferred; where it has no outcomes yet, all sets count. Pooling
    directions and seeds is fair here: a share is estimated, nothing is tested.

    Raises:
        UserError: the store has no steered outcome at such doses, nor the plan a share.
    """
    from store.querying import read_script

    sizes = [abs(alpha) for contrast in plan.contrast for alpha in plan.doses(contrast)]
    doses = {"least": min(sizes) - 1e-9, "most": max(sizes) + 1e-9}
    script = loader.internal("pilot_discordance")
    for set_name in (plan.set, None):
        row = read_script(store, script, **doses, set_name=set_name).to_pylist()[0]
        if row["n"]:
            return float(row["changed"] / row["n"])
    if plan.discordance is not None:
        return None
    raise UserError(
        f"{store} has no steered outcomes at alphas of size {min(sizes):g} to {max(sizes):g}: "
        "give `discordance` in the plan instead of --store"
    )

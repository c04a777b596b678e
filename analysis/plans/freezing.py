"""Freezing a plan, and what that makes of the results that it names."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.plans.schema import Plan, parse_plan, read_plan_text
from analysis.vocabulary import Stamp
from sql import loader
from store import append, clock, committed, content_id, create_store, open_store
from store.identity import canonical_json
from store.querying import read_script

CONFIRMATORY: Stamp = "confirmatory"
EXPLORATORY: Stamp = "exploratory"
# What every contrast is about; other quantities are planned by name.
_PLAIN = (None, "accuracy difference", "effect")
# A contrast that is one of these is a cut of the data that a plan does not name.
_CUTS = ("stratum", "level", "scheme", "subset")


@dataclass(frozen=True)
class FrozenPlan:
    """A plan as the store holds it.

    Attributes:
        plan_id: identity of its text.
        sha256: of the text's bytes.
        frozen_at: UTC, without a time zone.
        plan: the plan itself.
        superseded: id of the plan that replaced it, None for the current one.
        text: the file as it was frozen.
    """

    plan_id: str
    sha256: str
    frozen_at: datetime
    plan: Plan
    superseded: str | None
    text: str = field(repr=False, default="")


def freeze(root: Path, path: Path, *, now: datetime | None = None) -> FrozenPlan:
    """Store a plan's text, hash and time, ahead of the outcomes that it speaks of.

    Freezing the same text again changes nothing and keeps the first time. Another text replaces
    the plan that was current, which is kept and says by what it was superseded.

    Args:
        root: the store; made where there is none yet.
        path: the plan file.
        now: time of freezing (UTC); the present where not given.

    Raises:
        UserError: no valid plan, or a folder that holds something else.
    """
    return freeze_text(root, read_plan_text(path), name=str(path), now=now)


def freeze_text(root: Path, text: str, *, name: str, now: datetime | None = None) -> FrozenPlan:
    """`freeze` for a plan that has been read already; `name` is for the errors of its text."""
    plan = parse_plan(text, name=name)
    root = create_store(root)
    earlier = _stored(root)
    current = next((held for held in earlier if held["superseded"] is None), None)
    if current is not None and current["text"] == text:
        _plan_tests(root, plan, current["plan_id"])
        return _frozen(current)
    # Going back to an earlier text is a new decision at a new time: it gets an id of its own.
    after = current["plan_id"] if current is not None else None
    plan_id = content_id({"plan": text, "after": after})
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    frozen_at = clock.now() if now is None else now.astimezone(UTC).replace(tzinfo=None)
    row = {
        "plan_id": plan_id,
        "text": text,
        "sha256": sha256,
        "frozen_at": frozen_at,
        "superseded": None,
    }
    replaced = [] if current is None else [{**current, "superseded": plan_id}]
    append(root, "plans", [*replaced, row])
    _plan_tests(root, plan, plan_id)
    return FrozenPlan(plan_id, sha256, frozen_at, plan, None, text)


def _plan_tests(root: Path, plan: Plan, plan_id: str) -> None:
    """Store the tests of a sequential plan as results without a value, where they are not yet.

    The view `stops` reads them: what the plan names is tested by its rule and in its family, also
    where it was collected or imported without the plan.
    """
    if not plan.sequential:
        return
    parameters = {"rule": plan.stopping.rule, "level": plan.level_per_test, "plan": plan_id}
    analysis_id = content_id({"method": "sequential plan", **parameters})
    if committed(root, "analyses", ["analysis_id"], {"analysis_id": [analysis_id]}).num_rows:
        return
    rows = [
        {
            "analysis_id": analysis_id,
            "name": f"{contrast.name} at alpha {alpha:+g}",
            "quantity": "planned test",
            "contrast": canonical_json(
                {
                    "direction": contrast.direction,
                    "alpha": alpha,
                    "set_name": contrast.set or plan.set,
                    "protocol": contrast.protocol,
                }
            ),
            "n": plan.problems,
            "family_size": plan.family_size,
            "method": "e-value",
            "status": "planned",
        }
        for contrast in plan.contrast
        if contrast.against != "controls"
        for alpha in plan.doses(contrast)
    ]
    # Results first: an analysis row says that its results are complete.
    append(root, "results", rows)
    analysis = {
        "analysis_id": analysis_id,
        "method": "sequential plan",
        "parameters": canonical_json(parameters),
        "plan_id": plan_id,
    }
    append(root, "analyses", [analysis])


def history(root: Path) -> list[FrozenPlan]:
    """All plans of a store, oldest first."""
    return [_frozen(row) for row in _stored(open_store(root))]


def _stored(root: Path) -> list[dict[str, Any]]:
    """Plan rows; of the several rows that a superseded plan has, the last one counts."""
    latest: dict[str, dict[str, Any]] = {}
    for row in committed(root, "plans").to_pylist():
        held = latest.get(row["plan_id"])
        if held is None or held["superseded"] is None:
            latest[row["plan_id"]] = row
    return sorted(latest.values(), key=lambda row: row["frozen_at"])


def _frozen(row: Mapping[str, Any]) -> FrozenPlan:
    return FrozenPlan(
        plan_id=row["plan_id"],
        sha256=row["sha256"],
        frozen_at=row["frozen_at"],
        plan=parse_plan(row["text"], name=f"plan {row['plan_id'][:8]}"),
        superseded=row["superseded"],
        text=row["text"],
    )


@dataclass(frozen=True)
class Stamps:
    """Says of a contrast whether a plan named it before its first outcome.

    Attributes:
        plans: the plans of the store, oldest first.
        first_seen: per direction, when the first run that steered with it began.
    """

    plans: tuple[FrozenPlan, ...]
    first_seen: Mapping[str, datetime]

    def __call__(self, contrast: Mapping[str, Any]) -> Stamp:
        """`confirmatory` or `exploratory`."""
        return CONFIRMATORY if self.plan_of(contrast) else EXPLORATORY

    def plan_of(self, contrast: Mapping[str, Any]) -> FrozenPlan | None:
        """The plan that makes a contrast confirmatory, if there is one.

        Args:
            contrast: `direction` (name), `alpha`, `set_name`, and where they matter `protocol`,
                `against` (`baseline` or `controls`) and `quantity`; a stratum is never planned.
                What is left out is not compared.
        """
        direction = contrast.get("direction")
        if direction is None or any(contrast.get(cut) is not None for cut in _CUTS):
            return None
        seen = self.first_seen.get(str(direction))
        before = [p for p in self.plans if seen is None or p.frozen_at <= seen]
        # Only the last word before the data counts: a plan that was replaced in time is void.
        if before and names(before[-1].plan, contrast):
            return before[-1]
        return None

    def notes(self) -> list[str]:
        """What a report has to say about the plans, one sentence each."""
        if not self.plans:
            return ["No plan was frozen: every result is exploratory."]
        start = min(self.first_seen.values(), default=None)
        said = []
        for frozen in self.plans:
            late = start is not None and frozen.frozen_at > start
            when = f"{frozen.frozen_at:%Y-%m-%d %H:%M:%S} UTC"
            order = "after the first steered outcome" if late else "before any steered outcome"
            line = f"Plan {frozen.plan_id[:8]} ({frozen.plan.title}) was frozen {when}, {order}"
            if frozen.superseded:
                line += f", and later replaced by plan {frozen.superseded[:8]}; both are kept"
            said.append(f"{line}.")
        return said


def stamps(root: Path) -> Stamps:
    """The stamps of a store: call the result with a contrast.

    Outcomes without steering (labels, baselines, pilots of the discordance) may come before the
    plan. What has to come after it is the first run that steered with the contrast's direction.
    """
    root = open_store(root)
    plans = tuple(history(root))
    return Stamps(plans, _first_seen(root) if plans else {})


def stamps_of_rows(rows: Sequence[Mapping[str, Any]], first_seen: Mapping[str, datetime]) -> Stamps:
    """`stamps` of rows of `plans`, and of when each direction was first steered with."""
    ordered = sorted(rows, key=lambda row: row["frozen_at"])
    return Stamps(tuple(map(_frozen, ordered)), first_seen)


def names(plan: Plan, contrast: Mapping[str, Any]) -> bool:
    """Whether a plan names a contrast."""
    for planned in plan.contrast:
        against = contrast.get("against") or "baseline"
        alpha, quantity = contrast.get("alpha"), contrast.get("quantity")
        if (
            (quantity in _PLAIN or quantity in planned.quantities)
            and planned.direction == contrast.get("direction")
            and planned.against in ("both", against)
            and (contrast.get("set_name") or plan.set) == (planned.set or plan.set)
            and (not planned.protocol or planned.protocol == contrast.get("protocol"))
            and (alpha is None or _among(float(alpha), plan.doses(planned)))
        ):
            return True
    return False


def _among(alpha: float, doses: Sequence[float]) -> bool:
    return any(math.isclose(alpha, dose, abs_tol=1e-9) for dose in doses)


def _first_seen(root: Path) -> dict[str, datetime]:
    from store.layout import database_path

    if not database_path(root).exists():
        return {}
    rows = read_script(root, loader.internal("first_steered")).to_pylist()
    return {row["direction"]: row["seen"] for row in rows}

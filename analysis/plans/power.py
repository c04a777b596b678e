"""What a plan can find: power, smallest detectable effect, problems and controls needed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from analysis import words
from analysis.plans.schema import Contrast, Plan
from analysis.vocabulary import Model
from sql.errors import UserError


@dataclass(frozen=True)
class ContrastReport:
    """What one contrast of a plan can find against the baseline.

    Attributes:
        contrast: its name.
        tests: number of its doses.
        power: chance to detect the smallest effect of interest at one dose; of a sequential plan
            the chance that the e-value does so on all problems (looking earlier only adds).
        detectable: smallest effect (a fraction) detected with the power asked; None if none is.
        problems_needed: problems for the power asked; None if no number suffices.
        enough: whether the power asked is reached.
    """

    contrast: str
    tests: int
    power: float
    detectable: float | None
    problems_needed: int | None
    enough: bool


@dataclass(frozen=True)
class ControlsReport:
    """What the sample of controls can find.

    Attributes:
        controls: number planned.
        floor: smallest p that the rank test can give with them.
        needed: controls from which the rank test can reach the level.
        power: chance of Crawford-Howell's test for the gap of the plan, candidate fixed.
        power_random: the same for a candidate that is one of its kind.
        enough: whether the rank test can reach the level and the power asked is there.
    """

    controls: int
    floor: float
    needed: int
    power: float
    power_random: float
    enough: bool


@dataclass(frozen=True)
class PlanReport:
    """A plan's chances.

    Attributes:
        title: of the plan.
        family_size: tests in the family.
        level_per_test: the level that a single test has to pass.
        discordance: share of problems expected to change, and where it is from.
        discordance_from: `plan` or `store`.
        contrasts: one report per contrast with the baseline.
        controls: the report on controls, None without controls.
    """

    title: str
    family_size: int
    level_per_test: float
    discordance: float
    discordance_from: str
    contrasts: tuple[ContrastReport, ...]
    controls: ControlsReport | None

    @property
    def enough(self) -> bool:
        """Whether every part of the plan reaches the power asked."""
        return all(c.enough for c in self.contrasts) and (
            self.controls is None or self.controls.enough
        )

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {**asdict(self), "enough": self.enough}


def check_plan(plan: Plan, *, discordance: float | None = None) -> PlanReport:
    """Power and needs of a plan.

    Args:
        plan: the plan.
        discordance: share of problems that change, measured in a store; the plan's where None.

    Raises:
        UserError: neither the plan nor the store gives a discordance, or it is too small.
    """
    share = discordance if discordance is not None else plan.discordance
    if share is None:
        raise UserError(
            "the plan has no `discordance` (share of problems that change): give it, "
            "or --store with a pilot"
        )
    if plan.smallest_effect > share:
        effect, change = (
            words.precise_points(fraction, sign=False) for fraction in (plan.smallest_effect, share)
        )
        raise UserError(
            f"smallest_effect {effect} pts exceeds the discordance of {change} %: the net change "
            "cannot be larger than the change"
        )
    tested = [c for c in plan.contrast if c.against in ("baseline", "both")]
    compared = [c for c in plan.contrast if c.against in ("controls", "both")]
    return PlanReport(
        title=plan.title,
        family_size=plan.family_size,
        level_per_test=plan.level_per_test,
        discordance=share,
        discordance_from="plan" if discordance is None else "store",
        contrasts=tuple(_contrast(plan, c, share) for c in tested),
        controls=_controls(plan) if compared else None,
    )


def _contrast(plan: Plan, contrast: Contrast, share: float) -> ContrastReport:
    from analysis.statistics.power import mcnemar_power, minimum_detectable_effect, sample_size

    options: dict[str, Any] = {
        "discordance": share,
        "method": plan.final_test,
        "significance": plan.level_per_test,
    }
    power = float(mcnemar_power(plan.problems, effect=plan.smallest_effect, **options).power)
    smallest = minimum_detectable_effect(plan.problems, power=plan.power, **options)
    needed = sample_size(effect=plan.smallest_effect, power=plan.power, **options)
    return ContrastReport(
        contrast=contrast.name,
        tests=len(plan.doses(contrast)),
        power=power,
        detectable=_or_none(smallest.effect),
        problems_needed=None if _or_none(needed.problems) is None else int(needed.problems),
        enough=power >= plan.power,
    )


def _controls(plan: Plan) -> ControlsReport | None:
    from analysis.statistics.controls import controls_needed, rank_floor
    from analysis.statistics.one_against_controls import controls_power

    planned = plan.controls
    if planned is None:
        return None
    significance, tail = plan.level_per_test, planned.tail
    needed = controls_needed(significance, tail=tail)
    powers: dict[Model, float] = {"fixed": 0.0, "random": 0.0}
    if planned.number >= 2:
        powers = {
            model: float(
                controls_power(
                    planned.number,
                    gap=planned.gap,
                    model=model,
                    significance=significance,
                    tail=tail,
                ).power
            )
            for model in powers
        }
    return ControlsReport(
        controls=planned.number,
        floor=rank_floor(planned.number, tail=tail) if planned.number else 1.0,
        needed=needed,
        power=powers["fixed"],
        power_random=powers["random"],
        enough=planned.number >= needed and powers["fixed"] >= plan.power,
    )


def _or_none(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def as_text(plan: Plan, report: PlanReport) -> str:
    """The report for a reader: a line per contrast, one for the controls, what is missing."""
    lines = [
        f"{report.title}: {plan.problems} problems of {plan.set!r}, {report.family_size} tests, "
        f"each at {report.level_per_test:.4g}; "
        f"{words.precise_points(report.discordance, sign=False)} % of the problems "
        f"change (from the {report.discordance_from})"
        + ("; the final test is the e-value" if plan.sequential else "")
    ]
    effect = f"{words.precise_points(plan.smallest_effect, sign=False)} pts"
    for c in report.contrasts:
        detects = (
            "no effect" if c.detectable is None else f"{words.points(c.detectable, sign=False)} pts"
        )
        lines.append(
            f"  {c.contrast}: power {c.power:.2f} for {effect}; detects {detects} "
            f"with power {plan.power:g}"
        )
        if not c.enough:
            need = c.problems_needed
            lines.append(
                f"    needs {need} problems" if need else "    no number of problems suffices"
            )
    k = report.controls
    if k is not None and plan.controls is not None:
        lines.append(
            f"  {k.controls} controls: rank p from {words.p_value(k.floor)}; "
            f"Crawford-Howell's power for a gap of {plan.controls.gap:g} SD {k.power:.2f} "
            f"(candidate fixed), {k.power_random:.2f} (one of its kind)"
        )
        if k.controls < k.needed:
            lines.append(f"    the rank test needs {k.needed} controls to reach the level")
    lines.append("enough" if report.enough else "not enough: see what is needed above")
    return "\n".join(lines)

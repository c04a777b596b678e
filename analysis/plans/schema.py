"""The plan file: contrasts, doses, controls, problems, level and stopping rule.

Shares and effects are written as they are spoken of (`"5 pts"`, `"15%"`) or as fractions (`0.05`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from analysis.claims.printed import parse_figure
from analysis.vocabulary import (
    ESTIMAND,
    Against,
    Estimand,
    ExpectedSide,
    FinalTest,
    PlanCorrection,
    PlanTest,
    StoppingRule,
    Tail,
)
from sql.errors import UserError, first_line


def _share(value: Any) -> Any:
    """`"5 pts"` and `"15%"` as fractions; a bare number beyond 1 is a slip worth naming."""
    if isinstance(value, str):
        figure = parse_figure(value)
        if figure.unit == "":
            raise ValueError(f"{value!r} has no unit: write '5 pts', '15%' or the fraction 0.05")
        return float(figure)
    if isinstance(value, int | float) and abs(value) >= 1:
        raise ValueError(f"{value} is not a fraction: write '{value} pts' or {value / 100:g}")
    return value


Share = Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)]


class Strict(BaseModel):
    """A part of the file in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contrast(Strict):
    """One direction at one or more doses, against the baseline, the controls or both.

    Attributes:
        name: what the contrast is called in results.
        direction: name of the direction.
        alphas: doses tested; those of the plan where not given.
        against: what the direction is compared with.
        set: problem set, that of the plan where not given.
        protocol: protocol, any where not given.
        quantities: what is tested besides the accuracy difference, as results name it ("signed
            effect", "signed slope per unit of alpha", …).
        expected: the side on which the effect is expected, for the futility rule.
    """

    name: str = Field(min_length=1)
    direction: str = Field(min_length=1)
    alphas: list[float] = []
    against: Against = "baseline"
    set: str = ""
    protocol: str = ""
    quantities: list[str] = []
    expected: ExpectedSide = "either"


class Controls(Strict):
    """The sample of control directions.

    Attributes:
        kind: kind of the controls, as directions have it.
        number: how many.
        gap: how many standard deviations of the controls away the candidate is supposed to lie.
        tail: of the comparison with the controls.
    """

    kind: str = Field(min_length=1)
    number: int = Field(ge=0)
    gap: float = Field(default=3.0, gt=0)
    tail: Tail = "two-sided"


class Stopping(Strict):
    """When a contrast may end early.

    Attributes:
        rule: `e-value` stops when the evidence suffices, `none` never.
        order_seed: fixes the random order of the problems before any outcome is seen.
        look_every: problems between two looks.
        futility: stop when the power that is left falls below this.
    """

    rule: StoppingRule = "none"
    order_seed: int | None = None
    look_every: int = Field(default=10, ge=1)
    futility: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _ordered(self) -> Stopping:
        if self.rule != "none" and self.order_seed is None:
            raise ValueError("a sequential plan needs `order_seed`: it fixes the order of problems")
        return self


class Plan(Strict):
    """A whole plan file.

    `estimand` says what counts as right: a readable right answer, so that one that is cut off or
    cannot be parsed does not. A plan of a version that had no such key is read as saying so.
    """

    title: str = Field(min_length=1)
    set: str = Field(min_length=1)
    problems: int = Field(ge=1)
    seeds: list[int] = Field(default=[0], min_length=1)
    alphas: list[float] = Field(min_length=1)
    estimand: Estimand = ESTIMAND
    level: float = Field(default=0.05, gt=0, lt=0.5)
    correction: PlanCorrection = "holm"
    test: PlanTest = "midp"
    power: float = Field(default=0.8, gt=0, lt=1)
    smallest_effect: Share
    discordance: Share | None = None
    contrast: list[Contrast] = Field(min_length=1)
    controls: Controls | None = None
    stopping: Stopping = Stopping()
    collect: dict[str, Any] = {}

    @model_validator(mode="after")
    def _coherent(self) -> Plan:
        names = [c.name for c in self.contrast]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"these contrasts have one name: {', '.join(twice)}")
        if self.discordance is not None and self.smallest_effect > self.discordance:
            raise ValueError(
                f"smallest_effect {self.smallest_effect:g} exceeds discordance "
                f"{self.discordance:g}: the net change cannot be larger than the change"
            )
        if self.sequential and len(self.seeds) > 1:
            raise ValueError(
                f"a sequential plan takes one seed, found {len(self.seeds)}: outcomes of one "
                "problem are not pairs of their own"
            )
        if self.controls is None and any(c.against != "baseline" for c in self.contrast):
            raise ValueError("a contrast is against controls, but there is no [controls]")
        return self

    def doses(self, contrast: Contrast) -> list[float]:
        """Alphas of a contrast."""
        return contrast.alphas or self.alphas

    @property
    def family_size(self) -> int:
        """Tests in the family: one per contrast and dose."""
        return sum(len(self.doses(contrast)) for contrast in self.contrast)

    @property
    def sequential(self) -> bool:
        """Whether contrasts may end early."""
        return self.stopping.rule != "none"

    def looked_at_once(self) -> Plan:
        """The plan with its only look after the last problem."""
        once = self.stopping.model_copy(update={"look_every": self.problems})
        return self.model_copy(update={"stopping": once})

    @property
    def final_test(self) -> FinalTest:
        """The test that decides: of a sequential plan the e-value, so that one level is spent."""
        return "e-value" if self.sequential else self.test

    @property
    def level_per_test(self) -> float:
        """The strictest level a single test of the family has to pass (Holm's first step)."""
        return self.level if self.correction == "none" else self.level / self.family_size


def parse_plan(text: str, *, name: str = "plan") -> Plan:
    """Read a plan from the text of its file.

    Raises:
        UserError: the text is not TOML or not a plan; names the key that is wrong.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name}: is not TOML: {first_line(error)}") from None
    try:
        return Plan.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_errors(error, raw)}") from None


def load_plan(path: Path) -> Plan:
    """Read and validate a plan file.

    Raises:
        UserError: the file cannot be read or is not a plan.
    """
    return parse_plan(read_plan_text(path), name=str(path))


def read_plan_text(path: Path) -> str:
    """The text of a plan file.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None


def _errors(error: ValidationError, raw: dict[str, Any]) -> str:
    lines = []
    for fault in error.errors()[:5]:
        place = [str(part) for part in fault["loc"] if "function-" not in str(part)]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "is not a key of a plan"
        owner = ""
        if len(place) >= 2 and place[0] == "contrast" and place[1].isdigit():
            entry = raw["contrast"][int(place[1])]
            named = entry.get("name") if isinstance(entry, dict) else None
            owner = f"contrast {named!r}: " if named else f"contrast number {int(place[1]) + 1}: "
            place = place[2:]
        key = f"key {'.'.join(place)!r}: " if place else ""
        lines.append(f"{owner}{key}{message}")
    return "; ".join(lines)

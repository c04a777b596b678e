"""How the calculator shows a result: aligned lines and one sentence, or JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sql.errors import Refusal, UserError

ConfidenceOption = Annotated[float, typer.Option("--confidence", help="Coverage of the intervals.")]
SignificanceOption = Annotated[float, typer.Option("--significance", help="Level of the test.")]
SelectedOption = Annotated[
    bool,
    typer.Option(
        "--selected-on-outcome", help="The problems were chosen by their outcome: stamp the result."
    ),
]


def show(
    title: str,
    lines: Sequence[tuple[str, str]],
    sentence: str,
    payload: Mapping[str, Any],
    *,
    as_json: bool,
    notes: Sequence[str] = (),
) -> None:
    """Print a title, aligned lines, notes and a sentence; or one JSON object on stdout."""
    from analysis.statistics.results import json_value

    if as_json:
        content = {"title": title, **payload, "notes": list(notes), "interpretation": sentence}
        typer.echo(json.dumps(json_value(content), indent=2, allow_nan=False))
        return
    width = max((len(name) for name, _ in lines), default=0)
    typer.echo(title)
    for name, value in lines:
        typer.echo(f"  {name:<{width}}  {value}")
    for note in notes:
        typer.echo(f"  note: {note}")
    typer.echo(f"\n{sentence}")


def stamp(selected: bool) -> list[str]:
    """The note that goes with problems selected on the outcome."""
    if not selected:
        return []
    return ["problems selected on the outcome: the result speaks of these problems only"]


def as_fraction(name: str, percent: float, *, n: int | None = None) -> float:
    """Percentage points from the command line as a fraction.

    Raises:
        UserError: no number from -100 to 100, or less than one of `n` problems, which looks like a
            fraction already.
    """
    if not -100 <= percent <= 100:
        raise UserError(f"{name} {percent:g}: pass percentage points from -100 to 100")
    if n is not None and 0 < abs(percent) < min(0.5, 100 / n if n > 0 else 0):
        raise UserError(
            f"{name} {percent:g} is less than one problem of {n} ({100 / n:.3g} points): pass "
            f"points, {100 * percent:g} for {percent:g}"
        )
    return percent / 100


def as_rates(
    effect: tuple[str, float],
    discordance: float | None,
    *,
    n: int | None = None,
    times: float = 1,
) -> tuple[float, float]:
    """An effect (its option and its points) and the share of problems that change, as fractions.

    Raises:
        UserError: no share, or one below `times` the effect.
    """
    size = as_fraction(*effect, n=n)
    if discordance is None:
        raise UserError(
            "--discordance is missing: pass the percentage of problems that change, of a pilot or "
            "of a store (steerstat calc discordance prints it)"
        )
    if not 0 < discordance <= 100:
        raise UserError(f"--discordance {discordance:g}: pass percent, above 0 and up to 100")
    if times * abs(effect[1]) > discordance:
        raise UserError(
            f"{effect[0]} {effect[1]:g} points{' twice' if times == 2 else ''} is more than "
            f"--discordance {discordance:g} %: the net change cannot be larger than the change"
        )
    return size, as_fraction("--discordance", discordance, n=n)


def as_margin(margin: float | None, *, n: int) -> float:
    """A margin in points as a fraction.

    Raises:
        UserError: none, or one that is not between 0 and 100 points.
    """
    if margin is None:
        raise UserError(
            "--margin is missing: declare, before looking, how many points do not matter, e.g. "
            "--margin 5; without a margin use steerstat calc difference"
        )
    if not 0 < margin < 100:
        raise UserError(f"--margin {margin:g}: pass points, above 0 and below 100")
    return as_fraction("--margin", margin, n=n)


# What the library calls a thing, and what the calculator does.
_SPOKEN = {
    "confidence": "--confidence",
    "paired_difference": "steerstat calc difference",
    "clustered_difference": "clustered_difference of the library",
    "planned_n": "--planned",
    "family_size": "--family-size",
    "fragile_gained": "--fragile-gained",
    "fragile_lost": "--fragile-lost",
    "fragile_unchanged": "--fragile-unchanged",
    "floor_changed": "--floor-changed",
    "floor_n": "--floor-n",
}


# Earlier names of options.
_FORMER = {
    "--alpha": "--alpha is a dose, and no option of the calculator: the level of a test is "
    "--significance",
    "--level": "--level is no option of the calculator: the level of an interval is --confidence, "
    "that of a test --significance",
}


class Calculator(TyperGroup):
    """The group of the calculator: refusals name options and commands, and levels have names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run. Raises UserError where a level has its earlier name."""
        for arg in args:
            if refusal := _FORMER.get(arg.partition("=")[0]):
                raise UserError(refusal)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            UserError: what the library refused, in the words of the command line.
        """
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            argument = r"\b(" + "|".join(_SPOKEN) + r")\b(?!\()"
            words = re.sub(argument, lambda found: _SPOKEN[found.group()], str(refusal))
            raise UserError(words) from None


def numbers(name: str, text: str) -> list[str]:
    """Comma-separated numbers, kept as text so that their decimals can be counted.

    Raises:
        UserError: something that is not a number.
    """
    parts = [part.strip().replace("−", "-") for part in text.split(",") if part.strip()]
    for part in parts:
        try:
            if not math.isfinite(float(part.rstrip("%"))):
                raise ValueError(part)
        except ValueError:
            raise UserError(
                f"{name} holds {part!r}: pass numbers with commas, {name}=-1.2,-2.3"
            ) from None
    return parts

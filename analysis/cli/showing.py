"""How the calculator shows a result: aligned lines and one sentence, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from sql.errors import UserError

LevelOption = Annotated[float, typer.Option("--level", help="Coverage of the intervals.")]
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


def as_fraction(name: str, percent: float) -> float:
    """Percentage points from the command line as a fraction.

    Raises:
        UserError: a value that looks like a fraction already.
    """
    if 0 < abs(percent) < 0.5:
        raise UserError(
            f"{name} {percent:g} is less than half a percentage point: pass points, "
            f"{100 * percent:g} for {percent:g}"
        )
    return percent / 100


def numbers(name: str, text: str) -> list[str]:
    """Comma-separated numbers, kept as text so that their decimals can be counted.

    Raises:
        UserError: something that is not a number.
    """
    parts = [part.strip().replace("−", "-") for part in text.split(",") if part.strip()]
    for part in parts:
        try:
            float(part.rstrip("%"))
        except ValueError:
            raise UserError(
                f"{name} holds {part!r}: pass numbers with commas, {name}=-1.2,-2.3"
            ) from None
    return parts

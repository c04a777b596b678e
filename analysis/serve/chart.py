"""A chart of any answer: sensible at once, and what is on which axis is the reader's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from analysis.serve.answers import Answer
from analysis.vocabulary import Axis, Mark
from store.formats import json_value

if TYPE_CHECKING:
    import altair as alt
    from altair.typing import Optional

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL",
           "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
MOST_COLOURS = 12
# Where a column of this name is among the numbers, it is what a reader wants to see first.
WANTED = ("accuracy", "estimate", "difference", "effect", "p")
TOLD_APART = ("direction", "candidate", "set_name", "level")


@dataclass(frozen=True)
class Choice:
    """What is drawn; an empty name leaves the choice to the chart."""

    x: str = ""
    y: str = ""
    colour: str = ""
    mark: str = ""


def kind(type_name: str) -> Axis | None:
    """Vega-Lite's type of a DuckDB type; None for what has no place on an axis."""
    base = type_name.split("(")[0].upper()
    if base.endswith("]"):
        return None
    if base in NUMBERS:
        return "quantitative"
    if base == "DATE" or base.startswith("TIMESTAMP"):
        return "temporal"
    return "nominal" if base in ("VARCHAR", "BOOLEAN", "UUID") or base == "ENUM" else None


def chosen(answer: Answer, choice: Choice) -> Choice | None:
    """The choice with its gaps filled; None if there is nothing to draw.

    On x stands `alpha`, else a time, else a name, else the first number; on y a number; the colour
    is the first name that has not too many values.
    """
    kinds = dict(zip(answer.columns, map(kind, answer.types), strict=True))
    numbers = [name for name, axis in kinds.items() if axis == "quantitative"]
    if not answer.rows or not numbers:
        return None
    x = choice.x if kinds.get(choice.x) else _x(kinds, numbers)
    others = [name for name in numbers if name != x]
    if choice.y in numbers:
        y = choice.y
    elif others:
        y = next((name for name in WANTED if name in others), others[-1])
    else:
        return None
    colour = choice.colour if kinds.get(choice.colour) else ""
    if not colour and choice.colour != "-":
        colour = _colour(answer, kinds, x)
    mark = choice.mark if choice.mark in get_args(Mark) else _mark(answer, kinds[x], x, colour)
    return Choice(x, y, colour, mark)


def _x(kinds: Mapping[str, Axis | None], numbers: Sequence[str]) -> str:
    if kinds.get("alpha") == "quantitative" and len(numbers) > 1:
        return "alpha"
    for wanted in ("temporal", "nominal"):
        for name, axis in kinds.items():
            if axis == wanted:
                return name
    return numbers[0]


def _colour(answer: Answer, kinds: Mapping[str, Axis | None], x: str) -> str:
    """The first name besides x that tells some rows apart, and not too many."""
    for name in sorted(kinds, key=lambda name: name not in TOLD_APART):
        i = answer.columns.index(name)
        values = {row[i] for row in answer.rows} if kinds[name] == "nominal" else set()
        if name != x and 1 < len(values) <= MOST_COLOURS:
            return name
    return ""


def _mark(answer: Answer, kind_of_x: Axis | None, x: str, colour: str) -> Mark:
    """Bars over names; a line where each x stands once in each colour; else points."""
    if kind_of_x == "nominal":
        return "bar" if not colour else "point"
    places = [answer.columns.index(name) for name in (x, colour) if name]
    spots = [tuple(row[i] for i in places) for row in answer.rows]
    return "line" if 2 < len(spots) == len(set(spots)) else "point"


def answer_svg(answer: Answer, choice: Choice) -> str:
    """The chart as SVG; `choice` has x, y and mark filled in."""
    from analysis.charts import render, styles

    return render.fit(lambda width: _chart(answer, choice, width), styles.STYLES["report"])


def _chart(answer: Answer, choice: Choice, width: float) -> alt.Chart:
    """The chart; columns are renamed, because a name may hold what Vega takes for a path."""
    import altair as alt

    named = {"x": choice.x, "y": choice.y} | ({"colour": choice.colour} if choice.colour else {})
    columns = {key: answer.columns.index(name) for key, name in named.items()}
    kinds = {key: kind(answer.types[i]) or alt.Undefined for key, i in columns.items()}
    values = [{key: json_value(row[i]) for key, i in columns.items()} for row in answer.rows]
    encoding: dict[str, Any] = {
        "x": alt.X("x", type=kinds["x"], title=choice.x, sort=None, scale=_scale(kinds["x"])),
        "y": alt.Y(
            "y", type="quantitative", title=choice.y, scale=alt.Scale(zero=choice.mark == "bar")
        ),
    }
    if choice.colour and kinds["colour"] == "nominal":
        values = [value | {"colour": str(value["colour"])} for value in values]
        encoding |= _told_apart([value["colour"] for value in values], choice)
    elif choice.colour:
        encoding["color"] = alt.Color("colour", type=kinds["colour"], title=choice.colour)
    chart = alt.Chart(alt.Data(values=values)).encode(**encoding)
    drawn = {
        "line": lambda: chart.mark_line(point=True, strokeWidth=1.4),
        "point": lambda: chart.mark_point(filled=True, size=24),
        "bar": lambda: chart.mark_bar(),
    }[choice.mark]()
    return drawn.properties(width=width, height=190)


def _told_apart(texts: Sequence[str], choice: Choice) -> dict[str, Any]:
    """Colour, and a shape or dash beside it, for names; many names have colour alone."""
    import altair as alt

    from analysis.charts.base import colour, dash, shape

    names = list(dict.fromkeys(texts))
    if len(names) > MOST_COLOURS:
        return {"color": alt.Color("colour", type="nominal", title=choice.colour, legend=None)}
    channels: dict[str, Any] = {"color": colour("colour", names)}
    if choice.mark == "point":
        channels["shape"] = shape("colour", names)
    if choice.mark == "line":
        channels["strokeDash"] = dash("colour", names)
    return channels


def _scale(kind_of_x: Optional[Axis]) -> Optional[alt.Scale]:
    import altair as alt

    return alt.Scale(zero=False, padding=6) if kind_of_x == "quantitative" else alt.Undefined

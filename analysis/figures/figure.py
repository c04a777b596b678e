"""What a figure is, and what a kind of figure has to say to be one: all of it in one record."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures import queries
from analysis.plans import EXPLORATORY
from analysis.tables.base import matching
from analysis.tables.readings import Readings, Source
from analysis.tables.series import Section, with_series, with_settings
from sql.errors import Refusal
from sql.printable import one_line

if TYPE_CHECKING:
    from altair.typing import ChartType

    from analysis.charts.styles import Style

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.+-]+|\.{2,}")
_LONGEST_PART = 60

Build = Callable[[float], "ChartType"]
"""A chart at the width of one of its plots."""

SELECTED = (
    "SELECTED ON OUTCOME: the problems were chosen by the model's own baseline outcomes, which "
    "fixes the baseline by construction; noise then looks like an effect (regression to the mean), "
    "so no test against this baseline is evidence."
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose rows a figure shows: a section of the store, or the store as a whole.

    `slug` is its part of a file name.
    """

    readings: Readings
    section: Section | None = None
    slug: str = ""

    @property
    def context(self) -> Mapping[str, Any]:
        """What tells the place from others, by column; nothing for the whole store."""
        return {} if self.section is None else self.section.context

    @property
    def where(self) -> str:
        """The problem set, the protocol and what else tells the place from others, in words."""
        return "" if self.section is None else self.section.where

    @property
    def selected(self) -> bool:
        """Whether the problems were chosen by the outcome."""
        return self.section is not None and self.section.selected

    def rows(self, table: Callable[[Source], pd.DataFrame]) -> pd.DataFrame:
        """The rows of a table that belong here, with `series`: what each one's curve is called."""
        section = self.section
        if section is None:
            return with_settings(table(self.readings), self.readings)
        return self.readings.once(
            ("rows", table, *section.context.values()),
            lambda: with_series(matching(table(self.readings), section.context), section),
        )


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a kind of figure draws in one place, and what must be known to read it.

    `subject` is what it is of, where one place has several of the kind: a direction. `columns` of
    the page it is wide, `plots` stand side by side in it. `stamp` says which of it a plan named.
    """

    build: Build
    caption: str
    subject: str = ""
    columns: int = 1
    plots: int = 1
    stamp: str = EXPLORATORY


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of figure: everything there is to say about it.

    `title` may hold ``{subject}``; `query` is the name of the file in `sql/internal` that gives the
    rows behind a figure of the kind, its parameters those of the place; `draw` makes the drawings
    of a place, none where it has no rows for them. A `composed` kind is made of others: a
    page that shows those does not list it with them.
    """

    name: str
    title: str
    query: str
    draw: Callable[[Place], Iterable[Drawing]]
    composed: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of a store: a drawing with what it is of, and the name that follows from that."""

    kind: Kind
    place: Place
    drawing: Drawing
    name: str

    @property
    def title(self) -> str:
        """What it shows and where, in a few words."""
        title = self.kind.title.format(subject=self.drawing.subject)
        return one_line(f"{title}, {self.place.where}" if self.place.context else title)

    @property
    def caption(self) -> str:
        """What a reader must know to read it, with n, test, interval, correction and stamp."""
        selection = SELECTED if self.place.selected else ""
        stamp = self.drawing.stamp
        said = f"{stamp[:1].upper()}{stamp[1:]}." if stamp else ""
        return one_line(" ".join(filter(None, (self.drawing.caption, said, selection))))

    @property
    def sql(self) -> str:
        """A query that gives the rows behind it."""
        return queries.shown(self.kind.query, self.place.context)

    def svg(self, style: Style) -> str:
        """The figure drawn at the style's width."""
        from analysis.charts.render import fit

        drawing = self.drawing
        return fit(drawing.build, style, drawing.columns, plots=drawing.plots)

    def digest(self) -> str:
        """sha256 of the values drawn and how they are encoded, whatever the width."""
        from analysis.charts.render import unchecked

        chart = unchecked(self.drawing.build, 100.0).to_dict(validate=False)
        spec = json.dumps(chart, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(spec.encode()).hexdigest()


def figures_of(place: Place, kinds: Sequence[Kind]) -> list[Figure]:
    """Every figure of these kinds that a place has rows for.

    One whose statistics are refused says the reason in its place.
    """
    return [
        Figure(kind=kind, place=place, drawing=drawing, name=_name(kind, drawing, place))
        for kind in kinds
        for drawing in _drawings(kind, place)
    ]


def refused(place: Place, kind: Kind, refusal: Refusal) -> Figure:
    """The figure that says why one of a kind could not be drawn."""
    drawing = _refused(refusal)
    return Figure(kind=kind, place=place, drawing=drawing, name=_name(kind, drawing, place))


def _refused(refusal: Refusal) -> Drawing:
    reason = str(refusal)
    return Drawing(
        build=lambda width: _said(reason, width), caption=f"Not drawn: {reason}", stamp=""
    )


def _drawings(kind: Kind, place: Place) -> list[Drawing]:
    drawn: list[Drawing] = []
    try:
        drawn.extend(kind.draw(place))
    except Refusal as refusal:
        drawn.append(_refused(refusal))
    return drawn


def _said(said: str, width: float) -> ChartType:
    from analysis.charts import text_chart

    return text_chart(said, width=width)


def _name(kind: Kind, drawing: Drawing, place: Place) -> str:
    parts = (kind.name, file_part(drawing.subject), place.slug)
    return "-".join(part for part in parts if part)


def file_part(text: str) -> str:
    """A text as part of a file's name and of an id: itself, if it is of plain characters and short.

    Anything else keeps what is plain in it, with a digest that tells it from its like.
    """
    plain = _NOT_PLAIN.sub("-", text)[:_LONGEST_PART].strip("-.")
    return plain if plain == text else "-".join(filter(None, (plain, _short_digest(text))))


def told_apart(names: Sequence[str], identities: Sequence[Any]) -> list[str]:
    """The names; one that several would have, with a digest of what each of them is of.

    A direction called `norms` has its components in `direction-norms`, and so have the norms of all
    directions theirs. Names are file names, which some systems tell apart by more than their case.
    """
    often = Counter(name.casefold() for name in names)
    return [
        name if often[name.casefold()] == 1 else f"{name}-{_short_digest(identity)}"
        for name, identity in zip(names, identities, strict=True)
    ]


def _short_digest(identity: Any) -> str:
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

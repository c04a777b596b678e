"""The figures of a store: every kind there is, in every place that has rows for it, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis import tables
from analysis.figures.figure import Figure, Place, figures_of, file_part, refused, told_apart
from analysis.figures.of_sets import OF_SETS
from analysis.figures.of_stores import OF_STORES
from analysis.tables.base import CONTEXT, groups
from analysis.tables.readings import Source, opened
from sql.errors import Refusal

_AS_DASH = str.maketrans("_.+:", "----")


def figures(store: Source) -> list[Figure]:
    """Every figure that the store has rows for, sets that were drawn at random first."""
    whole = Place(readings=opened(store))
    try:
        of_sets = [figure for place in places(store) for figure in figures_of(place, OF_SETS)]
    except Refusal as refusal:  # of what every figure of a set rests on
        of_sets = [refused(whole, OF_SETS[0], refusal)]
    return named([*of_sets, *figures_of(whole, OF_STORES)])


def places(store: Source) -> list[Place]:
    """Every problem set under every protocol that a candidate was tested on, random sets first."""
    readings = opened(store)
    contexts = sorted(
        groups(tables.accuracy_curves(readings), [*CONTEXT, "selected_on_outcome"]),
        key=lambda value: bool(value[-1]),
    )
    unnamed = [
        Place(
            readings=readings,
            context=dict(zip(CONTEXT, value[:-1], strict=True)),
            slug="-".join(
                file_part(str(part or "all").translate(_AS_DASH))
                for part in (value[CONTEXT.index("set_name")], value[CONTEXT.index("protocol")])
            ),
            selected=bool(value[-1]),
        )
        for value in contexts
    ]
    slugs = told_apart(
        [place.slug for place in unnamed], [dict(place.context) for place in unnamed]
    )
    return [replace(place, slug=slug) for place, slug in zip(unnamed, slugs, strict=True)]


def named(drawn: Sequence[Figure]) -> list[Figure]:
    """The figures, each under a name of its own.

    Raises:
        ValueError: Two figures are of the same kind, subject and place: an error in the catalogue.
    """
    identities = [
        [figure.kind.name, figure.drawing.subject, dict(figure.place.context)] for figure in drawn
    ]
    names = told_apart([figure.name for figure in drawn], identities)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two figures have the name {twice[0]!r}")
    return [replace(figure, name=name) for figure, name in zip(drawn, names, strict=True)]

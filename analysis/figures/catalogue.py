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
from analysis.tables.series import Section, named_sections
from sql.errors import Refusal

_AS_DASH = str.maketrans("_.+: ", "-----")


def figures(store: Source) -> list[Figure]:
    """Every figure that the store has rows for, sets that were drawn at random first."""
    whole = Place(readings=opened(store))
    try:
        of_sets = [figure for place in places(store) for figure in figures_of(place, OF_SETS)]
    except Refusal as refusal:  # of what every figure of a set rests on
        of_sets = [refused(whole, OF_SETS[0], refusal)]
    return named([*of_sets, *figures_of(whole, OF_STORES)])


def places(store: Source) -> list[Place]:
    """Every section that a candidate was tested in, sets that were drawn at random first."""
    readings = opened(store)
    tested = groups(tables.accuracy_curves(readings), CONTEXT)
    sections = [
        section
        for section in named_sections(readings)
        if tuple(section.context[name] for name in CONTEXT) in tested
    ]
    slugs = told_apart(
        ["-".join(file_part(part) for part in _short(section)) for section in sections],
        [dict(section.context) for section in sections],
    )
    return [
        Place(readings=readings, section=section, slug=slug)
        for section, slug in zip(sections, slugs, strict=True)
    ]


def _short(section: Section) -> list[str]:
    """The parts of a section's name as those of a file's: ``primary``, ``codi``, ``bfloat16``."""
    own = [str(section.context[name] or "all") for name in ("set_name", "protocol")]
    return [part.translate(_AS_DASH) for part in (*own, *section.parts[2:])]


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

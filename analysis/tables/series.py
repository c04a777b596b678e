"""What the sections of a store and the series in them are called, everywhere that they are shown.

A section is a problem set under one way of asking one model: what shares a baseline. Its name has
set and protocol, and whatever else tells the sections of the store apart; a series in it has its
direction, and whatever else tells the section's candidates apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import words
from analysis.tables.base import CONTEXT, CURVE, groups, matching
from analysis.tables.paired import accuracy
from analysis.tables.readings import Source, remembered, view

Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section: what names it by column, in words, and as parts of a file's name."""

    context: Mapping[str, Any]
    parts: tuple[str, ...]
    """The set, the protocol, and every other field that tells it from the others."""
    selected: bool
    curves: pd.DataFrame
    """One row per candidate's curve: the columns of `CURVE`, and `n_seeds`."""

    @property
    def where(self) -> str:
        """In words: ``primary set, codi protocol, bfloat16``."""
        return ", ".join(self.parts)


@remembered
def settings(store: Source) -> dict[str, str]:
    """How the baselines of one model, protocol, decoding and dtype differ, in words, by their id.

    That is by fields of the protocol, such as the longest answer, or by the model's weights where
    two have one name. Nothing where there is one.
    """
    details = view(store, "condition_details")
    bases = details[details["direction"].isna()].reset_index(drop=True)
    said: dict[str, str] = {}
    for index in groups(bases, ["model", "protocol", "decoding", "dtype"]).values():
        rows = [_fields(row) for row in bases.iloc[index].to_dict("records")]
        names = words.varying(rows, sorted({name for row in rows for name in row} - {"id"}))
        for row in rows:
            said[row["id"]] = ", ".join(f"{name} {row[name]}" for name in names if name in row)
    return said


def _fields(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of a baseline's protocol, with its id and that of its model."""
    fields = json.loads(row["protocol_fields"] or "{}")
    return {**fields, "id": row["condition_id"], "model": str(row["model_id"])[:8]}


@remembered
def named_sections(store: Source) -> list[Section]:
    """Every section that a candidate was run in, sets that were drawn at random first."""
    frame = accuracy(store)
    curves = frame[frame["role"] == "candidate"].reset_index(drop=True)
    seeds = curves.groupby(CURVE, dropna=False, sort=False)["n_seeds"].transform("max")
    curves = with_settings(curves.assign(n_seeds=seeds), store).drop_duplicates(CURVE)
    found = groups(curves, CONTEXT)
    contexts = [curves.iloc[index[0]].to_dict() for index in found.values()]
    differ = words.varying(contexts, words.WHERE)
    sections = []
    for context, index in zip(contexts, found.values(), strict=True):
        fields = ["set_name", "protocol", *(f for f in differ if f not in ("set_name", "protocol"))]
        said = [words.field_words(name, context[name]) or "no set" for name in fields]
        parts = [part for name, part in zip(fields, said, strict=True) if context[name] != ""]
        sections.append(
            Section(
                context={name: context[name] for name in CONTEXT},
                parts=tuple(parts),
                selected=bool(context["selected_on_outcome"]),
                curves=curves.iloc[index].reset_index(drop=True),
            )
        )
    return sorted(sections, key=lambda section: section.selected)


def with_settings(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """The rows with `setting`, where they name a baseline: see `settings`."""
    if "baseline_id" not in frame:
        return frame
    known = settings(store)
    return frame.assign(
        setting=pd.Series(
            [known.get(one, "") for one in frame["baseline_id"]], index=frame.index, dtype=object
        )
    )


def with_series(frame: pd.DataFrame, section: Section) -> pd.DataFrame:
    """Rows of a section with `series`: what each one's curve is called there."""
    of = "direction" if "direction" in frame else "candidate"
    if of not in frame:
        return frame
    named = frame
    if "n_seeds" not in frame and set(CURVE) - {"direction"} <= set(frame):
        seeds = {
            tuple(row[name] for name in CURVE): row["n_seeds"]
            for row in section.curves.to_dict("records")
        }
        curve = [of if name == "direction" else name for name in CURVE]
        keys = frame[curve].itertuples(index=False, name=None)
        column = pd.Series([seeds.get(key) for key in keys], index=frame.index, dtype=object)
        named = frame.assign(n_seeds=column)
    labels = words.series_labels(named, of=of, among=section.curves)
    return frame.assign(series=pd.Series(labels, index=frame.index, dtype=object))


def labelled(frame: pd.DataFrame, store: Source) -> pd.DataFrame:
    """Rows of any sections with `series`, and with `where`: what their section is called."""
    named = frame.assign(series=None, where=None)
    for value, index in groups(frame, CONTEXT).items():
        section = section_of(store, dict(zip(CONTEXT, value, strict=True)))
        rows = frame.index[index]
        named.loc[rows, "series"] = with_series(frame.loc[rows], section)["series"]
        named.loc[rows, "where"] = section.where
    return named


def both_named(pairs: pd.DataFrame, section: Section | None) -> list[dict[str, Any]]:
    """The rows of a table of pairs of directions, each called as its section calls it."""
    if section is not None:
        for of in ("first", "second"):
            labels = words.series_labels(pairs, of=of, among=section.curves)
            pairs = pairs.assign(**{of: pd.Series(labels, index=pairs.index, dtype=object)})
    return [{str(name): value for name, value in row.items()} for row in pairs.to_dict("records")]


def section_of(store: Source, context: Mapping[str, Any]) -> Section:
    """The section that a row of a table is in; one without candidates has the row's own name."""
    for section in named_sections(store):
        if all(section.context[name] == context[name] for name in CONTEXT):
            return section
    own = {name: context[name] for name in CONTEXT}
    rows = matching(accuracy(store), own)
    parts = [words.field_words(name, own[name]) for name in ("set_name", "protocol")]
    return Section(context=own, parts=tuple(parts), selected=False, curves=rows.head(0))

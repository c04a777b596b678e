"""Where a report came from: plans, gates, runs, models, sets, directions, digests, claims."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis import tables
from analysis.figures import every_row, shown
from analysis.report import grids
from analysis.report.document import Block, Bullets, Fold, Grid, Heading, Text
from analysis.tables.readings import Readings, view
from analysis.tables.series import labelled


def provenance(readings: Readings) -> list[Block]:
    """Gates, runs, models, problem sets, directions, plans and versions."""
    from analysis.plans import stamps
    from analysis.recorded import code_version
    from store import rows_digest

    blocks: list[Block] = [Heading("Gates and provenance")]
    blocks.append(Bullets([*stamps(readings.path).notes()]))
    parts = tables.covered_in_part(readings)
    if len(parts):
        blocks.append(grids.parts_grid(labelled(parts, readings)))
    digest = rows_digest(readings.path)
    blocks.append(Text(f"Digest of all outcomes: `{digest}`. Analysis code: `{code_version()}`."))
    blocks.append(Fold("Gates of every run", list(_gates(readings))))
    blocks.append(Fold("Runs, models, sets and directions", list(_made_of(readings))))
    claims = view(readings, "claims")
    if len(claims):
        columns = ["document", "text", "printed", "recomputed", "verdict", "reason"]
        sql = every_row("claims")
        table = grids.frame_grid(claims[columns], "claims", "Claims re-verified", sql)
        blocks += [Heading("Claims"), table]
    return blocks


def _gates(readings: Readings) -> Iterator[Block]:
    """What each gate found, one row a figure."""
    for run in view(readings, "runs").to_dict("records"):
        found = json.loads(run["gates"]) if run["gates"] else {}
        rows = [[gate, *line] for gate, value in found.items() for line in _lines(value)]
        if rows:
            name = run["run_id"][:12]
            sql = shown("behind_gates", {"run_id": run["run_id"]})
            head = ["gate", "of", "result"]
            yield Grid(f"gates-{name}", f"Gates of run {name}", head, rows, sql=sql)


def _lines(value: Any, of: str = "") -> Iterator[list[str]]:
    """The figures within a gate's result, each with the path to it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _lines(one, f"{of}, {name}" if of else str(name))
    else:
        yield [of, in_words(value)]


def in_words(value: Any) -> str:
    """A value that is stored as JSON as a person reads it: ``mode greedy``, ``1, 2``, ``none``."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)


def _made_of(readings: Readings) -> Iterator[Block]:
    runs = view(readings, "runs")
    keep = ["run_id", "created_at", "status", "command", "code_version", "git_commit",
            "library_versions", "host", "device", "rng_seed"]  # fmt: skip
    runs = runs[[name for name in keep if name in runs]]
    yield grids.frame_grid(_plain(runs), "runs", "Runs", every_row("runs"))
    models = view(readings, "models")
    yield grids.frame_grid(_plain(models), "models", "Models", every_row("models"))
    sets = view(readings, "sets_overview")
    yield grids.frame_grid(_plain(sets), "sets", "Problem sets", every_row("sets_overview"))
    directions = view(readings, "directions_overview")
    kept = directions[directions["role"] == "candidate"].drop(columns=["parent"])
    note = f"{int((directions['role'] == 'control').sum())} control directions are not listed."
    sql = shown("behind_directions", {})
    yield grids.frame_grid(_plain(kept), "directions", "Candidate directions", sql, note)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with what is stored as JSON as a person reads it."""
    said = {
        name: table[name].map(
            lambda one: in_words(one) if isinstance(one, str) and one[:1] in ("{", "[") else one
        )
        for name in table.columns
        if table[name].dtype == object
    }
    return table.assign(**said)

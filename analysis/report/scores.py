"""Continuous outcomes on the page: a table beside accuracy, and alone where nothing was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis import tables, words
from analysis.figures import shown
from analysis.report.document import Block, Grid, Heading
from analysis.report.grids import records
from analysis.tables.base import CONTEXT, groups
from analysis.tables.readings import Source


def continuous_outcomes(store: Source) -> Iterator[Block]:
    """A table for each set and protocol that has scores of candidates; nothing without any."""
    table = tables.scores(store)
    table = table[table["role"] == "candidate"].reset_index(drop=True)
    if len(table):
        yield Heading("Continuous outcomes")
    for number, (value, at) in enumerate(groups(table, CONTEXT).items(), 1):
        context = dict(zip(CONTEXT, value, strict=True))
        yield _grid(table.iloc[at], f"scores-{number}", context)


def _grid(scores: pd.DataFrame, name: str, context: Mapping[str, Any]) -> Grid:
    """The mean change of every score at every dose, in the score's own units."""
    rows = [
        [
            row["direction"],
            words.alpha(row["alpha"]),
            row["score"],
            words.count(row["n"]),
            words.precise(row["baseline"]),
            words.precise(row["estimate"], sign=True),
            words.precise_range(row["low"], row["high"]),
            words.p_value(row["p_adjusted"]),
        ]
        for row in records(scores)
    ]
    missing = int(scores["n_missing"].sum())
    left_out = f" {words.counted(missing, 'pair')} that could not be scored left out."
    return Grid(
        name=name,
        title=f"Scores ({context['set_name']} set, {context['protocol']} protocol)",
        head=["Direction", "α", "Score", "n", "Baseline", "Change", "95 % t", "p (Holm)"],
        rows=rows,
        note="Mean over problems, seeds averaged within each, in the score's own units. p: sign "
        "flips of problems, Holm over the doses of a direction. It decides no verdict."
        + (left_out if missing else ""),
        sql=shown("behind_scores", context),
    )

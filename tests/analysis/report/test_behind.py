"""The query behind a number gives its rows and no others, in a store with two dtypes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from analysis import tables
from analysis.figures.catalogue import figures
from analysis.figures.queries import shown
from analysis.recorded import analyze
from analysis.report import grids
from analysis.report.html import in_shell
from analysis.report.verdicts import verdicts
from analysis.tables.base import CONTEXT, groups, matching
from analysis.tables.beyond import RANKS
from analysis.tables.comparisons import EFFECT
from store import append, committed, ingest
from store.identity import condition_id
from tests.reading import read
from tests.synthetic import synthetic_store

TESTED = ["direction", "alpha", "n_pairs", "gained", "lost"]


@pytest.fixture(scope="module")
def two_dtypes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every condition in two dtypes; in the second one no steered answer is right."""
    root = synthetic_store(
        tmp_path_factory.mktemp("behind") / "s",
        rng=np.random.default_rng(8),
        n_controls=4,
        alphas=(-3.0, 3.0),
        report=False,
        run_ingest=False,
    )
    outcomes = committed(root, "outcomes")
    for row in committed(root, "conditions").to_pylist():
        old = row.pop("condition_id")
        row |= {"dtype": "bfloat16"}
        row["condition_id"] = condition_id(**row)
        append(root, "conditions", [row], run_id="run-synthetic")
        own = outcomes.filter(pc.equal(outcomes["condition_id"], old))
        own = own.set_column(
            own.column_names.index("condition_id"),
            "condition_id",
            pa.array([row["condition_id"]] * len(own)),
        )
        if row["direction_id"] is not None:
            wrong = pc.and_(own["correct"], pa.scalar(False))
            own = own.set_column(own.column_names.index("correct"), "correct", wrong)
        append(root, "outcomes", own, run_id="run-synthetic")
    ingest(root)
    analyze(root, families=["alphas", "ranks"])
    return root


@pytest.fixture(scope="module")
def contexts(two_dtypes):
    effects = tables.effects(two_dtypes)
    found = [dict(zip(CONTEXT, value, strict=True)) for value in groups(effects, CONTEXT)]
    assert [context["dtype"] for context in found] == ["bfloat16", "bfloat16", "float32", "float32"]
    return found


def _named(table, context):
    of = "direction" if "direction" in table else "candidate"
    own = matching(table, context)
    return own.assign(series=own[of])


def _candidates(table, context):
    own = _named(table, context)
    return own[own["role"] == "candidate"] if "role" in own else own


def _rows(frame, columns):
    return sorted(map(tuple, frame[columns].to_numpy().tolist()))


def test_effects_have_their_rows_behind_them(two_dtypes, contexts) -> None:
    for context in contexts:
        effects = _candidates(tables.effects(two_dtypes), context)
        sql = grids.effects_grid(effects, "effects", "Effects", context).sql
        behind = read(two_dtypes, sql).to_pandas()
        assert _rows(behind, TESTED) == _rows(effects.rename(columns={"n": "n_pairs"}), TESTED)


def test_transitions_have_their_rows_behind_them(two_dtypes, contexts) -> None:
    counts = ["direction", "alpha", "stayed_right", "gained", "lost", "stayed_wrong", "missing"]
    for context in contexts:
        table = _named(tables.transitions(two_dtypes), context)
        sql = grids.transitions_grid(table, "transitions", context).sql
        assert _rows(read(two_dtypes, sql).to_pandas(), counts) == _rows(table, counts)


def test_strata_have_their_rows_behind_them(two_dtypes, contexts) -> None:
    columns = [*TESTED, "level"]
    names = {"n": "n_pairs", "level": "confidence", "stratum": "level"}
    for context in contexts:
        table = _named(tables.strata(two_dtypes), context)
        same = _named(tables.homogeneity(two_dtypes), context)
        for grid in (
            grids.strata_grid(table, "strata", context),
            grids.homogeneity_grid(same, "homogeneity", context),
        ):
            behind = read(two_dtypes, grid.sql).to_pandas()
            assert _rows(behind, columns) == _rows(table.rename(columns=names), columns)


def test_candidates_have_their_controls_behind_them(two_dtypes, contexts) -> None:
    columns = ["direction", "alpha", "estimate"]
    for context in contexts:
        points = matching(tables.control_points(two_dtypes), context)
        points = points[(points["role"] == "control") & (points["quantity"] == EFFECT)]
        compared = _named(tables.controls(two_dtypes), context)
        sql = grids.controls_grid(compared, "controls", context).sql
        behind = read(two_dtypes, sql).to_pandas()
        assert _rows(behind, columns) == _rows(points.drop_duplicates(columns), columns)


def test_verdicts_have_their_tests_and_ranks_behind_them(two_dtypes, contexts) -> None:
    effects, beyond = tables.effects(two_dtypes), tables.beyond_controls(two_dtypes)
    reached = verdicts(effects, beyond)
    for context in contexts:
        own = [one for one in reached if one.context == context]
        sql = grids.verdict_grid(own, "verdicts", context, {}).sql
        behind = read(two_dtypes, sql).to_pandas()
        paired = _candidates(effects, context)
        tested = behind[behind["alpha"].notna()]
        assert _rows(tested, ["alpha", "p"]) == _rows(paired, ["alpha", "p"])
        ranked = behind[behind["method"].str.startswith("rank of")]
        ranks = matching(beyond, context)[list(RANKS)].to_numpy(dtype=float).ravel()
        assert sorted(ranked["p"].dropna()) == sorted(ranks[~np.isnan(ranks)])
        assert len(ranked) == len(ranks) > 0


def test_curves_have_their_problems_behind_them(two_dtypes, contexts) -> None:
    for context in contexts:
        effects = _candidates(tables.effects(two_dtypes), context)
        trends = _named(tables.trends(two_dtypes), context)
        behind = read(two_dtypes, grids.trends_grid(trends, "curves", context).sql).to_pandas()
        known = behind.dropna(subset=["readable_right", "baseline_readable_right"])
        counted = known.groupby(["direction", "alpha"]).size().to_dict()
        expected = effects.set_index(["direction", "alpha"])["n"].to_dict()
        assert counted == expected


def test_every_figure_of_a_setting_has_its_own_query(two_dtypes, contexts) -> None:
    drawn = [figure for figure in figures(two_dtypes) if figure.place.context]
    for figure in drawn:
        assert f"dtype = '{figure.place.context['dtype']}'" in figure.sql
        assert read(two_dtypes, figure.sql).num_rows > 0
    assert len({figure.place.context["dtype"] for figure in drawn}) == 2
    assert len({figure.name for figure in drawn}) == len(drawn)


def test_a_query_is_copied_as_a_shell_reads_it() -> None:
    context = dict.fromkeys(CONTEXT) | {"model": "it's $5 `now`", "decoding": '{"mode":"greedy"}'}
    sql = shown("behind_effects", context)
    assert "model = 'it''s $5 `now`'" in sql
    assert "set_name IS NOT DISTINCT FROM NULL" in sql
    command = f'printf %s "{in_shell(sql)}"'
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout == sql

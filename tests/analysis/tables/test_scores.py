"""Continuous outcomes: the table, its record and its page, against slow oracles."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis import tables
from analysis.recorded.analyses import analyze, results_table
from analysis.report.document import Grid, Heading
from analysis.report.scores import continuous_outcomes
from analysis.report.text import results_text
from store import ingest
from store.exchange.importers import import_file

# problem: baseline, steered at 1, steered at 2; two seeds of the steered ones at 2. None: no score.
SCORES: dict[str, tuple[float | None, ...]] = {
    "a": (0.2, 0.5, 0.9, 0.7),
    "b": (0.4, 0.3, 0.8, 0.8),
    "c": (0.1, 0.6, 0.5, 0.9),
    "d": (0.9, 0.9, 1.0, 0.8),
    "e": (0.3, None, 0.2, None),
    "f": (None, 0.7, 0.6, 0.6),
}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    places = [("", 0, 0, 0), ("up", 1, 0, 1), ("up", 2, 0, 2), ("up", 2, 1, 3)]
    lines = ["problem,direction,alpha,seed,f1"]
    for problem, values in SCORES.items():
        for direction, alpha, seed, at in places:
            value = "" if values[at] is None else values[at]
            lines.append(f"{problem},{direction},{alpha},{seed},{value}")
    (folder / "x.csv").write_text("\n".join(lines))
    import_file(folder / "store", folder / "x.csv", mapping={"score": "f1"})
    ingest(folder / "store")
    return folder / "store"


def test_means_are_paired_by_problem_and_missing_is_never_zero(scored: Path) -> None:
    table = tables.scores(scored).set_index("alpha")
    one = np.array([0.3, -0.1, 0.5, 0.0])
    two = np.array([0.6, 0.4, 0.6, 0.0, -0.1])
    for alpha, d, before in ((1.0, one, 0.4), (2.0, two, 0.38)):
        row = table.loc[alpha]
        assert (row["n"], row["n_missing"], row["score"]) == (len(d), 6 - len(d), "f1")
        assert row["baseline"] == pytest.approx(before)
        assert row["estimate"] == pytest.approx(d.mean())
        interval = stats.ttest_1samp(d, 0).confidence_interval(0.95)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_t"] == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
        # Every sign of every problem, counted one by one.
        flips = [abs(np.dot(signs, d)) >= abs(d.sum()) - 1e-12
                 for signs in product((-1, 1), repeat=len(d))]  # fmt: skip
        assert row["p"] == pytest.approx(np.mean(flips))
    smaller, larger = sorted(table["p"])
    assert sorted(table["p_adjusted"]) == pytest.approx([min(1, 2 * smaller), max(larger, 2 * smaller)])  # noqa: E501  # fmt: skip
    assert set(table["family_size"]) == {2}


def test_an_analysis_is_kept_and_is_another_when_scores_are(scored: Path, tmp_path: Path) -> None:
    (kept,) = analyze(scored, families=["scores"], write=False)
    assert kept.method == "continuous outcome"
    assert [json.loads(row["contrast"])["alpha"] for row in kept.results] == [1.0, 2.0]
    assert {row["quantity"] for row in kept.results} == {"change of the score f1"}
    text = results_text(results_table([kept]))
    assert "mean change" in text
    assert "points" not in text
    # One score of one problem is another: the outcomes are the same, the analysis is not.
    source = (scored.parent / "x.csv").read_text().replace("a,up,1,0,0.5", "a,up,1,0,0.4")
    (tmp_path / "x.csv").write_text(source)
    import_file(tmp_path / "store", tmp_path / "x.csv", mapping={"score": "f1"})
    ingest(tmp_path / "store")
    (other,) = analyze(tmp_path / "store", families=["scores"], write=False)
    assert other.rows_digest == kept.rows_digest
    assert other.analysis_id != kept.analysis_id


def test_the_page_has_the_scores_though_nothing_was_right(scored: Path) -> None:
    heading, grid = continuous_outcomes(scored)
    assert isinstance(heading, Heading)
    assert isinstance(grid, Grid)
    assert heading.text == "Continuous outcomes"
    assert [row[:5] for row in grid.rows] == [
        ["up", "+1", "f1", "4", "0.4"], ["up", "+2", "f1", "5", "0.38"],
    ]  # fmt: skip
    assert "3 pairs that could not be scored left out" in grid.note


def test_a_store_without_scores_has_none(made_store: Path) -> None:
    assert tables.scores(made_store).empty
    assert list(continuous_outcomes(made_store)) == []

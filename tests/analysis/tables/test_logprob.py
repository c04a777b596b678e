"""The log-probability of the gold answer beside accuracy, from the stored rows by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import compare_to_controls, dose_response, tables
from analysis.recorded.analyses import analyze
from analysis.recorded.recording import LOGPROB
from analysis.report.logprob import logprob_grid, trend_sentence
from analysis.report.verdicts import store_verdicts
from analysis.tables.logprob import among_controls
from analysis.tables.paired_means import PairedMeans, mean_change
from analysis.words import logprob_sentence
from tests.reading import read
from tests.synthetic import synthetic_store

ALPHAS = (-3.0, -1.0, 1.0, 3.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds for each problem: the problem is the unit."""
    return synthetic_store(
        tmp_path_factory.mktemp("logprobs") / "s", rng=np.random.default_rng(6), seeds=(0, 1),
        n_problems=24, n_balanced=8, n_train=6, n_controls=3, alphas=ALPHAS, report=False,
        missing=0.1,
    )  # fmt: skip


def rows_by_hand(root: Path) -> pd.DataFrame:
    """Steered and baseline log-probability of each problem of the primary set, seeds averaged."""
    rows = read(
        root,
        "SELECT o.*, c.direction, c.alpha FROM outcomes AS o JOIN condition_details AS c "
        "USING (condition_id) JOIN problem_sets AS s USING (problem_id) "
        "WHERE s.set_name = 'primary'",
    ).to_pandas()
    base = rows[rows["direction"].isna()].set_index(["problem_id", "seed"])["gold_logprob"]
    steered = rows[rows["direction"].notna()].copy()
    key = [*zip(steered["problem_id"], steered["seed"], strict=True)]
    steered["base"] = [float(base.get(one, base.get((one[0], 0)))) for one in key]
    steered["shift"] = steered["gold_logprob"].astype(float) - steered["base"]
    return steered


def test_changes_are_means_over_problems_with_students_t(root: Path) -> None:
    by_hand = rows_by_hand(root).groupby(["direction", "alpha", "problem_id"])["shift"].mean()
    table = tables.gold_logprobs(root)
    table = table[table["set_name"] == "primary"]
    assert set(table["role"]) == {"candidate", "control"}
    for row in table.to_dict("records"):
        d = by_hand[row["direction"], row["alpha"]].to_numpy()
        assert (row["n"], row["n_missing"], row["status"]) == (24, 0, "ok")
        assert row["estimate"] == pytest.approx(d.mean())
        if row["role"] == "control":
            assert np.isnan([row["p"], row["p_adjusted"], row["low"]]).all()
            continue
        found = stats.ttest_1samp(d, 0.0)
        limits = found.confidence_interval(0.95)
        assert (row["low"], row["high"]) == pytest.approx((limits.low, limits.high))
        assert row["p_t"] == pytest.approx(found.pvalue)
        flips = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=9999,
            rng=np.random.default_rng(1),
        )  # fmt: skip
        assert row["p"] == pytest.approx(flips.pvalue, abs=0.02)
        assert row["p_adjusted"] >= row["p"]
        assert row["family_size"] == len(ALPHAS)
        assert row["bootstrap_low"] < row["estimate"] < row["bootstrap_high"]


def test_the_curve_is_that_of_the_problems_means(root: Path) -> None:
    by_hand = rows_by_hand(root)
    mine = by_hand[by_hand["direction"] == "mean_difference"]
    matrix = mine.groupby(["problem_id", "alpha"])["shift"].mean().unstack()
    expected = dose_response(
        matrix.to_numpy(), matrix.columns.to_numpy(dtype=float), baseline=np.zeros(len(matrix)),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    table = tables.logprob_doses(root)
    table = table[(table["direction"] == "mean_difference") & (table["set_name"] == "primary")]
    (trend,) = table[table["quantity"] == "trend"].to_dict("records")
    # By hand: the mean over problems of the slope through the signed effects.
    sizes = np.array([1.0, 3.0])
    signed = np.stack([(matrix[a] - matrix[-a]) / 2 for a in sizes], axis=1)
    slope = (signed @ sizes) / (sizes @ sizes)
    assert trend["estimate"] == pytest.approx(slope.mean())
    assert (trend["low"], trend["high"]) == pytest.approx(
        tuple(stats.ttest_1samp(slope, 0.0).confidence_interval(0.95))
    )
    assert trend["p"] == pytest.approx(expected.p, abs=0.02)
    found = table[table["quantity"] == "signed effect"]
    assert found["dose"].tolist() == [1.0, 3.0]
    assert found["estimate"].to_numpy() == pytest.approx(signed.mean(axis=0))
    damage = table[table["quantity"] == "damage"]["estimate"].to_numpy()
    assert damage == pytest.approx([((matrix[a] + matrix[-a]) / 2).mean() for a in sizes])


def test_ranks_are_among_the_controls_of_accuracy(root: Path) -> None:
    means = rows_by_hand(root).groupby(["direction", "alpha", "problem_id"])["shift"].mean()
    effect = means.groupby(["direction", "alpha"]).mean()
    table = tables.logprob_controls(root)
    table = table[(table["candidate"] == "mean_difference") & (table["set_name"] == "primary")]
    compared = tables.controls(root)
    key = ["candidate", "set_name", "quantity", "alpha", "control_kind"]
    assert len(table) == len(table.merge(compared, on=key))
    points = tables.control_points(root)
    names = points[(points["role"] == "control") & (points["set_name"] == "primary")]["direction"]
    assert len(set(names)) == 3
    for row in table.to_dict("records"):
        a = row["alpha"]
        of = {
            name: effect[name, a] if row["quantity"] == "effect"
            else (effect[name, a] - effect[name, -a]) / 2
            for name in ("mean_difference", *sorted(set(names)))
        }  # fmt: skip
        own, *others = of.values()
        found = compare_to_controls(own, others, tail="two-sided")
        assert row["estimate"] == pytest.approx(own)
        assert row["controls_mean"] == pytest.approx(np.mean(others))
        assert row["p_rank"] == found.p_rank


@pytest.mark.parametrize("value", [-np.inf, np.nan])
def test_what_is_not_finite_is_counted_and_left_out(
    root: Path, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    import store.querying as querying

    asked = querying.read_script

    def spoiled(*given: Any, **more: Any) -> Any:
        import pyarrow as pa

        frame = asked(*given, **more).to_pandas()
        if "steered" not in frame:
            return pa.Table.from_pandas(frame)
        mine = frame.loc[frame["set_name"] == "primary", "problem_no"].min()
        at = frame["problem_no"] == mine
        frame.loc[at, "steered"] = value
        return pa.Table.from_pandas(frame)

    monkeypatch.setattr(querying, "read_script", spoiled)
    table = tables.gold_logprobs(root)
    table = table[table["set_name"] == "primary"]
    assert len(table)
    assert set(zip(table["n"], table["n_missing"], strict=True)) == {(23, 1)}
    assert np.isfinite(table["estimate"]).all()


def test_one_problem_and_no_change_are_not_tested() -> None:
    one = PairedMeans(
        problems=np.array([4]), steered=np.array([-1.0]), baseline=np.array([-2.0]), n_missing=0
    )
    assert mean_change(one) == {"status": "no_information"}
    same = np.array([-1.0, -2.0, -0.5])
    still = mean_change(
        PairedMeans(problems=np.arange(3), steered=same, baseline=same, n_missing=0)
    )
    assert (still["status"], still["p"]) == ("no_information", 1.0)


def test_it_is_kept_as_results_and_decides_nothing(root: Path) -> None:
    (one,) = (
        analysis
        for analysis in analyze(root, families=["logprobs"], write=False)
        if json.loads(analysis.results[0]["contrast"])["direction"] == "mean_difference"
        and json.loads(analysis.results[0]["contrast"])["set_name"] == "primary"
    )
    found = {row["name"]: row for row in one.results}
    mine = tables.gold_logprobs(root)
    mine = mine[(mine["direction"] == "mean_difference") & (mine["set_name"] == "primary")]
    for row in mine.to_dict("records"):
        kept = found[f"alpha={row['alpha']}"]
        assert kept["quantity"] == LOGPROB
        assert (kept["estimate"], kept["p"], kept["n"]) == (row["estimate"], row["p"], row["n"])
    assert found["trend"]["p"] is not None
    assert found["signed effect at 3.0"]["p_adjusted"] is not None
    assert any(row["method"] == "rank among controls" for row in one.results)
    assert all(row["n"] for row in one.results)
    assert {row["stamp"] for row in one.results} == {"exploratory"}


def test_the_verdict_and_the_page_print_it(root: Path) -> None:
    place = {"set_name": "primary", "direction": "mean_difference"}
    table, among = tables.gold_logprobs(root), tables.logprob_controls(root)
    mine = table[(table["direction"] == place["direction"]) & (table["set_name"] == "primary")]
    for claim, sign in (("amplification", 1), ("suppression", -1)):
        side = mine[mine["alpha"] * sign > 0]
        top = side.iloc[int((side["estimate"] * sign).to_numpy().argmax())]
        row = {str(name): value for name, value in top.items()}
        said = logprob_sentence(row, among_controls(row, among))
        assert "without a say in the verdict" in said
        assert "of its 3 random_per_position controls lie beyond it" in said
        (verdict,) = (
            one
            for one in store_verdicts(root)
            if (one.claim, one.direction, one.set_name)
            == (claim, place["direction"], place["set_name"])
        )
        assert verdict.reason.endswith(said)
    context = {str(name): value for name, value in mine.iloc[0].items()}
    mine = mine.assign(series=mine["direction"])
    grid = logprob_grid(mine.reset_index(drop=True), among, "x", context)
    assert [row[1] for row in grid.rows] == ["−3", "−1", "+1", "+3"]
    behind = read(root, grid.sql).to_pandas()
    assert len(behind[behind["direction"] == "mean_difference"]) == len(mine) * 24 * 2
    doses = tables.logprob_doses(root)
    assert "nats per unit of α" in trend_sentence(doses.assign(series=doses["direction"]))

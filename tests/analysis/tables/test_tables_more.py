"""Strata, per-problem curves, directions and latents as tables."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from analysis import tables
from analysis.report.verdicts import store_verdicts
from analysis.tables import problems
from analysis.tables.problems import candidate_curves
from store import committed
from tests.synthetic import synthetic_store


def test_strata_add_up_to_the_whole_set(demo_like) -> None:
    whole = tables.effects(demo_like).set_index(["set_name", "protocol", "direction", "alpha"])
    parts = tables.strata(demo_like).groupby(["set_name", "protocol", "direction", "alpha"])
    for key, group in parts:
        row = whole.loc[[key]].iloc[0]
        assert group["gained"].sum() == row["gained"]
        assert group["lost"].sum() == row["lost"]
        assert group["n"].sum() == row["n"]


def test_strata_are_labelled_in_words_and_corrected_together(demo_like) -> None:
    table = tables.strata(demo_like)
    assert "1 step" in set(table["stratum_label"])
    assert "2 steps" in set(table["stratum_label"])
    one = table[(table["set_name"] == "primary") & (table["direction"] == "mean_difference")]
    assert set(one["family_size"]) == {len(one)}


def test_homogeneity_has_both_scales(demo_like) -> None:
    table = tables.homogeneity(demo_like)
    assert table["p_odds"].between(0, 1).all()
    assert table["p_points"].between(0, 1).all()
    assert (table["strata"] >= 2).all()


def test_curves_hold_one_row_per_problem(demo_like) -> None:
    for curve in candidate_curves(demo_like):
        assert curve.outcomes.shape == (len(curve.problems), len(curve.alphas))
        assert curve.seeds == 1
        known = ~np.isnan(curve.outcomes)
        assert set(curve.outcomes[known]) <= {0.0, 1.0}


def test_the_grid_ranks_every_problem_of_a_curve(demo_like) -> None:
    grid = tables.problem_grid(demo_like)
    one = grid[(grid["set_name"] == "primary") & (grid["direction"] == "mean_difference")]
    n = one["problem"].nunique()
    assert sorted(one[one["alpha"] == 0]["rank"]) == list(range(n))
    steps = one[one["alpha"] == 0].sort_values("rank")["n_steps"].to_numpy()
    assert (np.diff(steps) >= 0).all()
    assert set(one[one["alpha"] == 0]["outcome"]) <= {"stayed right", "stayed wrong", "missing"}


def test_blocks_cover_the_grid_exactly(demo_like) -> None:
    grid, blocks = tables.problem_grid(demo_like), tables.problem_blocks(demo_like)
    assert blocks["problems"].sum() == len(grid)
    assert len(blocks) < len(grid)
    for row in blocks.head(40).to_dict("records"):
        same = grid[
            (grid["set_name"] == row["set_name"])
            & (grid["protocol"] == row["protocol"])
            & (grid["direction"] == row["direction"])
            & (grid["alpha"] == row["alpha"])
            & grid["rank"].between(row["first"], row["last"] - 1)
        ]
        assert set(same["outcome"]) == {row["outcome"]}
        assert len(same) == row["problems"]


def test_signed_effect_and_damage_follow_from_the_curve(demo_like) -> None:
    doses = tables.doses(demo_like)
    curve = next(c for c in candidate_curves(demo_like) if c.names["set_name"] == "primary")
    y = np.column_stack([curve.outcomes, curve.baseline])
    whole = y[~np.isnan(y).any(axis=1)]
    up = whole[:, list(curve.alphas).index(3.0)].mean()
    down = whole[:, list(curve.alphas).index(-3.0)].mean()
    row = doses[
        (doses["direction"] == curve.names["direction"])
        & (doses["set_name"] == "primary")
        & (doses["dose"] == 3.0)
    ].set_index("quantity")["estimate"]
    assert row["signed effect"] == pytest.approx((up - down) / 2)
    assert row["damage"] == pytest.approx((up + down) / 2 - whole[:, -1].mean())


def test_trends_are_the_same_every_time(demo_like) -> None:
    first = tables.trends(demo_like)
    again = inspect.unwrap(problems.trends)(demo_like)
    assert first[["p_trend", "p_best", "best_estimate"]].equals(
        again[["p_trend", "p_best", "best_estimate"]]
    )


def test_norms_say_what_alpha_1_adds(demo_like) -> None:
    table = tables.direction_norms(demo_like)
    one = table[table["direction"] == "mean_difference"].drop_duplicates("position")
    vectors = tables.direction_components(demo_like, "mean_difference", dimensions=10_000)
    by_hand = vectors.groupby("position")["value"].apply(lambda v: float(np.sqrt((v**2).sum())))
    assert one["norm"].to_numpy() == pytest.approx(by_hand.to_numpy(), rel=1e-4)
    assert one["relative"].to_numpy() == pytest.approx(
        (one["norm"] / one["latent_norm"]).to_numpy()
    )
    assert one["share"].sum() == pytest.approx(1.0)
    size = tables.norms(demo_like).query("direction == 'mean_difference' and dose == 3.0")
    assert size["relative_mean"].iloc[0] == pytest.approx(3 * one["relative"].mean())


def test_cosines_are_symmetric_with_ones_on_the_diagonal(demo_like) -> None:
    table = tables.direction_cosines(demo_like).pivot(
        index="first", columns="second", values="cosine"
    )
    table = table.loc[:, table.index]
    assert np.allclose(table, table.T)
    assert np.allclose(np.diag(table), 1.0)


def test_latent_growth_is_relative_to_the_baseline(demo_like) -> None:
    table = tables.latent_growth(demo_like)
    assert table["ratio"].to_numpy() == pytest.approx(
        (table["mean_after"] / table["baseline_norm"]).to_numpy()
    )


def test_power_rises_with_problems_and_difference(demo_like) -> None:
    table = tables.power_curves(demo_like)
    for _, line in table.groupby("difference"):
        assert line["power"].is_monotonic_increasing
    assert table["discordance"].nunique() == 1


def test_direction_vectors_come_from_committed_shards(demo_like) -> None:
    stored = committed(demo_like, "direction_vectors").num_rows
    table = tables.direction_components(demo_like, "mean_difference")
    assert stored > table["position"].nunique() == 6


def test_several_seeds_are_tested_over_problems_not_pooled(tmp_path) -> None:
    root = synthetic_store(
        tmp_path / "seeds", rng=np.random.default_rng(5), seeds=(0, 1, 2), n_problems=30,
        n_balanced=10, n_train=10, n_controls=3, alphas=(-3.0, 3.0), report=False,
    )  # fmt: skip
    table = tables.effects(root)
    candidates = table[table["role"] == "candidate"]
    assert set(candidates["test"]) == {"cluster score over problems"}
    assert candidates["p_exact"].isna().all()
    primary = candidates[candidates["set_name"] == "primary"]
    assert (primary["n"] <= 30).all()
    assert primary["p_adjusted"].between(0, 1).all()
    one = primary.iloc[0]
    curve = next(
        c for c in candidate_curves(root)
        if (c.names["direction"], c.names["set_name"]) == (one["direction"], "primary")
    )  # fmt: skip
    assert curve.seeds == 3
    assert tables.controls(root)["k"].min() == 3
    assert tables.strata(root).empty
    assert store_verdicts(root)

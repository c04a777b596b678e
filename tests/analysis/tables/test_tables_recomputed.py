"""Tables of a store against the same figures worked out row by row, in loops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import best_alpha, dose_response, mcnemar_power, tables
from analysis.tables import problems
from analysis.tables.problems import candidate_curves
from store import committed
from tests.reading import read
from tests.synthetic import synthetic_store


@pytest.fixture(scope="module")
def source(demo_like: Any) -> Any:
    """What the tables are read from."""
    return demo_like


def curve_of(source: Any, set_name: str = "primary", direction: str = "mean_difference") -> Any:
    return next(
        curve
        for curve in candidate_curves(source)
        if (curve.names["set_name"], curve.names["direction"]) == (set_name, direction)
        and curve.names["protocol"] == "codi"
    )


def rows_of(table: pd.DataFrame, names: Mapping[Any, Any]) -> pd.DataFrame:
    for name in ("set_name", "protocol", "direction", "baseline_id"):
        table = table[table[name] == names[name]]
    return table


def test_a_curve_holds_the_outcomes_of_its_problems(source: Any) -> None:
    curve = curve_of(source)
    rows = rows_of(read(source, "candidate_outcomes").to_pandas(), curve.names)
    assert curve.alphas.tolist() == sorted(rows["alpha"].unique())
    assert curve.problems["problem_id"].tolist() == sorted(rows["problem_id"].unique())
    assert not curve.names["selected_on_outcome"]
    for i, problem in enumerate(curve.problems["problem_id"]):
        own = rows[rows["problem_id"] == problem]
        for j, alpha in enumerate(curve.alphas):
            value = own[own["alpha"] == alpha]["readable_right"].iloc[0]
            expected = np.nan if pd.isna(value) else float(value)
            assert (
                curve.outcomes[i, j] == expected or np.isnan([curve.outcomes[i, j], expected]).all()
            )
        before = own["baseline_readable_right"].iloc[0]
        assert pd.isna(before) == np.isnan(curve.baseline[i])
        assert pd.isna(before) or curve.baseline[i] == float(before)


def test_the_grid_says_what_became_of_each_problem(source: Any) -> None:
    curve = curve_of(source)
    grid = rows_of(tables.problem_grid(source), curve.names)
    words = {(1, 1): "stayed right", (0, 1): "gained", (1, 0): "lost", (0, 0): "stayed wrong"}
    keys, ranked = [], {}
    for i, problem in enumerate(curve.problems["problem_id"]):
        own = grid[grid["problem"] == problem[:8]]
        assert len(own) == len(curve.alphas) + 1
        assert own["rank"].nunique() == 1
        ranked[i] = int(own["rank"].iloc[0])
        before = curve.baseline[i]
        values = [*curve.outcomes[i], before]
        for alpha, after in zip([*curve.alphas, 0.0], values, strict=True):
            said = own[own["alpha"] == alpha]["outcome"].iloc[0]
            missing = np.isnan(before) or np.isnan(after)
            assert said == ("missing" if missing else words[int(before), int(after)])
        steps = curve.problems["n_steps"].iloc[i]
        assert set(own["stratum_label"]) == {f"{steps:g} step" + ("" if steps == 1 else "s")}
        right = 0.0 if np.isnan(before) else before
        keys.append((steps, -right, -np.nansum(values), i))
    assert [ranked[key[3]] for key in sorted(keys)] == list(range(len(keys)))
    assert set(grid[grid["alpha"] == 0]["alpha_label"]) == {"0"}


def test_strata_of_the_grid_begin_where_they_begin(source: Any) -> None:
    curve = curve_of(source)
    grid = rows_of(tables.problem_grid(source), curve.names)
    found = rows_of(tables.problem_strata(source), curve.names)
    assert len(found) > 1
    for one in found.to_dict("records"):
        ranks = sorted(set(grid[grid["stratum_label"] == one["stratum_label"]]["rank"]))
        assert one["first"] == ranks[0]
        assert one["middle"] == (ranks[0] + ranks[-1] + 1) / 2


def test_blocks_are_as_long_as_they_can_be(source: Any) -> None:
    curve = curve_of(source)
    grid = rows_of(tables.problem_grid(source), curve.names)
    blocks = rows_of(tables.problem_blocks(source), curve.names)
    for alpha, column in grid.groupby("alpha"):
        expected: list[list[Any]] = []
        for cell in column.sort_values("rank").to_dict("records"):
            key = (cell["outcome"], cell["n_steps"])
            if expected and expected[-1][0] == key:
                expected[-1][2] += 1
            else:
                expected.append([key, cell["rank"], cell["rank"] + 1])
        own = blocks[blocks["alpha"] == alpha].sort_values("first")
        assert own[["first", "last"]].values.tolist() == [[a, b] for _, a, b in expected]
        assert own["problems"].tolist() == [b - a for _, a, b in expected]


def test_doses_and_trends_are_those_of_the_curve(source: Any) -> None:
    curve = curve_of(source)
    options = {"baseline": curve.baseline, "resamples": problems.RESAMPLES}
    response = dose_response(curve.outcomes, curve.alphas, rng=np.random.default_rng(0), **options)
    found = rows_of(tables.doses(source), curve.names)
    for quantity, part in (("signed effect", response.signed), ("damage", response.damage)):
        own = found[found["quantity"] == quantity].sort_values("dose")
        assert own["dose"].tolist() == list(response.sizes)
        for name in ("estimate", "low", "high", "p"):
            assert own[name].to_numpy(float) == pytest.approx(getattr(part, name))
        assert set(own["n"]) == {response.n}
    (trend,) = rows_of(tables.trends(source), curve.names).to_dict("records")
    assert (trend["trend"], trend["p_trend"]) == (response.estimate, response.p)
    assert (trend["trend_low"], trend["trend_high"]) == (response.low, response.high)
    assert (trend["n"], trend["dropped"], trend["seed"]) == (response.n, response.dropped, 0)
    best = best_alpha(
        curve.outcomes, curve.baseline, rng=np.random.default_rng(0),
        alphas=list(curve.alphas), tail="greater",
    )  # fmt: skip
    assert (trend["best_alpha"], trend["p_best"]) == (best.best_alpha, best.p)
    assert (trend["best_estimate"], trend["null_gain"]) == (best.estimate, best.null_gain)
    assert (trend["best_low"], trend["best_high"]) == (best.low, best.high)
    assert trend["best_naive"] == best.naive_estimate
    other = rows_of(tables.trends(source, seed=1), curve.names).iloc[0]
    assert other["seed"] == 1


def test_power_at_the_median_discordance_of_sets_drawn_at_random(source: Any) -> None:
    tested = tables.effects(source)
    tested = tested[(tested["role"] == "candidate") & (tested["set_name"] != "balanced")]
    discordance = float(np.median(tested["discordant"] / tested["n"]))
    found = tables.power_curves(source)
    assert found["discordance"].unique().tolist() == pytest.approx([discordance])
    expected = [d for d in (0.02, 0.05, 0.1) if d <= discordance]
    assert sorted(found["difference"].unique()) == expected
    for one in found.to_dict("records"):
        power = mcnemar_power(one["n"], effect=one["difference"], discordance=discordance)
        assert one["power"] == power.power
    assert sorted(found["n"].unique()) == [50, 100, 200, 400, 800, 1600]


def test_every_curve_starts_from_its_whole_baseline(source: Any) -> None:
    found = tables.accuracy_curves(source)
    every = tables.accuracy(source)
    tested = tables.effects(source)
    for one in found.to_dict("records"):
        base = every[
            every["direction"].isna()
            & (every["set_name"] == one["set_name"])
            & (every["baseline_id"] == one["baseline_id"])
        ]["accuracy"].iloc[0]
        assert one["baseline_accuracy"] == base
        if one["alpha"] == 0:
            assert one["accuracy"] == one["accuracy_low"] == one["accuracy_high"] == base
            assert (one["gained"], one["lost"], one["discordant"], one["estimate"]) == (0, 0, 0, 0)
            assert np.isnan([one[name] for name in ("p", "p_adjusted", "p_exact", "p_sign")]).all()
            continue
        own = rows_of(tested[tested["alpha"] == one["alpha"]], one).iloc[0]
        for name, moved in (("accuracy", "estimate"), ("accuracy_low", "low"),
                            ("accuracy_high", "high")):  # fmt: skip
            assert one[name] == pytest.approx(min(max(base + own[moved], 0), 1))
    assert len(found) == len(tested[tested["role"] == "candidate"]) + found["alpha"].eq(0).sum()


def test_the_band_is_that_of_the_effects_moved_to_the_baseline(source: Any) -> None:
    compared = tables.controls(source)
    compared = compared[(compared["quantity"] == "effect") & (compared["why"] == "")]
    every = tables.accuracy(source)
    found = tables.control_band(source)
    assert len(found) == len(
        compared.drop_duplicates(
            ["set_name", "protocol", "baseline_id", "candidate", "control_kind", "alpha"]
        )
    )
    for one in found.to_dict("records"):
        own = compared[
            (compared["set_name"] == one["set_name"])
            & (compared["baseline_id"] == one["baseline_id"])
            & (compared["alpha"] == one["alpha"])
            & (compared["control_kind"] + " of " + compared["candidate"] == one["label"])
        ].iloc[0]
        base = every[
            every["direction"].isna()
            & (every["set_name"] == one["set_name"])
            & (every["baseline_id"] == one["baseline_id"])
        ]["accuracy"].iloc[0]
        assert one["k"] == own["k"]
        assert one["accuracy_mean"] == pytest.approx(base + own["controls_mean"])
        assert one["accuracy_low"] == pytest.approx(min(max(base + own["prediction_low"], 0), 1))
        assert one["accuracy_high"] == pytest.approx(min(max(base + own["prediction_high"], 0), 1))


def test_dots_of_one_bin_are_spread_around_the_middle(source: Any) -> None:
    for bins in (60, 3):
        strip = tables.controls_strip(source, bins=bins)
        place = ["set_name", "protocol", "baseline_id", "panel"]
        for _, panel in strip.groupby(place):
            values = panel["estimate"].to_numpy(float)
            span = values.max() - values.min() or 1.0
            of = [int(np.floor((value - values.min()) / span * (bins - 1))) for value in values]
            largest = max(8, *(of.count(one) for one in of))
            for one in set(of):
                dots = panel[(np.array(of) == one) & (panel["role"] == "control").to_numpy()]
                count = len(dots)
                expected = [(i - (count - 1) / 2) * 2 / largest for i in range(count)]
                assert sorted(dots["stack"]) == pytest.approx(expected)


def vectors_of(source: Any, name: str) -> np.ndarray:
    known = read(source, "directions").to_pandas().set_index("name")
    rows = [
        row
        for row in committed(source, "direction_vectors").to_pylist()
        if row["direction_id"] == known.loc[name, "direction_id"]
    ]
    return np.array([row["values"] for row in sorted(rows, key=lambda row: row["position"])])


def test_norms_and_shares_of_each_position(source: Any) -> None:
    found = tables.direction_norms(source)
    latents = read(source, "norms_by_position").to_pandas()
    latents = latents[latents["direction"].isna()]
    for _, one in found.groupby(["direction", "protocol"]):
        lengths = np.linalg.norm(vectors_of(source, one["direction"].iloc[0]), axis=1)
        assert one["position"].tolist() == list(range(len(lengths)))
        assert one["norm"].to_numpy(float) == pytest.approx(lengths, rel=1e-4)
        assert one["share"].to_numpy(float) == pytest.approx(
            lengths**2 / (lengths**2).sum(), rel=1e-3
        )
        before = latents[latents["protocol"] == one["protocol"].iloc[0]]
        before = before.sort_values("position")["mean_before"].to_numpy()
        assert one["latent_norm"].to_numpy(float) == pytest.approx(before)
        assert one["relative"].to_numpy(float) == pytest.approx(lengths / before, rel=1e-4)
    sizes = tables.norms(source)
    assert sizes["dose"].min() > 0
    for size in sizes.to_dict("records"):
        own = found[
            (found["direction"] == size["direction"]) & (found["protocol"] == size["protocol"])
        ]["relative"].to_numpy(float)
        assert size["relative_mean"] == pytest.approx(own.mean() * size["dose"])
        assert size["relative_max"] == pytest.approx(own.max() * size["dose"])


def test_components_are_the_first_of_the_vector(source: Any) -> None:
    vector = vectors_of(source, "mean_difference")
    found = tables.direction_components(source, "mean_difference", dimensions=3)
    assert len(found) == 3 * len(vector)
    for one in found.to_dict("records"):
        assert one["value"] == pytest.approx(vector[one["position"], one["dimension"]])
        assert one["limit"] == pytest.approx(np.abs(vector[:, :3]).max())


def test_cosines_of_candidates_and_two_controls_of_a_kind(source: Any) -> None:
    known = read(source, "directions").to_pandas()
    candidates = sorted(known[known["role"] == "candidate"]["name"])
    chosen = [*candidates]
    for kind in sorted(known[known["role"] == "control"]["kind"].unique()):
        chosen += sorted(known[(known["role"] == "control") & (known["kind"] == kind)]["name"])[:2]
    found = tables.direction_cosines(source)
    assert list(dict.fromkeys(found["first"])) == chosen[:12]
    assert len(found) == len(chosen[:12]) ** 2
    for one in found.to_dict("records"):
        a, b = (vectors_of(source, one[side]).ravel() for side in ("first", "second"))
        cosine = a @ b / np.sqrt((a @ a) * (b @ b))
        assert one["cosine"] == pytest.approx(cosine)
        assert one["dark"] == (abs(cosine) > 0.7)


def test_growth_is_that_of_the_same_position_of_the_baseline(source: Any) -> None:
    every = read(source, "norms_by_position").to_pandas()
    baseline = every[every["direction"].isna()]
    for one in tables.latent_growth(source).to_dict("records"):
        before = baseline[
            (baseline["protocol"] == one["protocol"]) & (baseline["position"] == one["position"])
        ]["mean_before"].iloc[0]
        assert one["baseline_norm"] == before
        assert one["ratio"] == pytest.approx(one["mean_after"] / before)
        assert one["sign"] == ("α < 0" if one["alpha"] < 0 else "α > 0")


def test_strata_and_their_homogeneity(source: Any) -> None:
    from analysis import stratified_difference, stratum_homogeneity

    strata = tables.strata(source)
    found = tables.homogeneity(source)
    for one in found.to_dict("records"):
        own = rows_of(strata[strata["alpha"] == one["alpha"]], one)
        assert one["strata"] == len(own) >= 2
        assert (one["n"], one["gained"], one["lost"]) == tuple(own[["n", "gained", "lost"]].sum())
        counts = (own[name].to_numpy() for name in ("gained", "lost", "n"))
        gained, lost, n = counts
        assert one["p_odds"] == stratum_homogeneity(gained, lost).p
        assert one["p_points"] == stratified_difference(gained, lost, n).heterogeneity_p
        assert one["range_points"] == pytest.approx(own["estimate"].max() - own["estimate"].min())
    for one in strata.to_dict("records"):
        whole = float(one["alpha"]).is_integer()
        assert one["counts_label"] == (f"{one['gained']}/{one['lost']}" if whole else "")


def test_what_a_forest_writes_beside_its_lines(source: Any) -> None:
    found = tables.forest(source)
    assert set(found["role"]) == {"candidate"}
    assert found["counts_label"].tolist() == [
        f"{gained}/{lost}" for gained, lost in zip(found["gained"], found["lost"], strict=True)
    ]


def test_transitions_of_one_dose(source: Any) -> None:
    curve = curve_of(source)
    found = tables.transitions(source)
    found = found[(found["set_name"] == "primary") & (found["protocol"] == "codi")]
    found = found[found["direction"] == "mean_difference"].set_index("alpha")
    for j, alpha in enumerate(curve.alphas):
        pairs = list(zip(curve.baseline, curve.outcomes[:, j], strict=True))
        own = found.loc[alpha]
        assert own["gained"] == pairs.count((0.0, 1.0))
        assert own["lost"] == pairs.count((1.0, 0.0))
        assert own["stayed_right"] == pairs.count((1.0, 1.0))
        assert own["missing"] == sum(np.isnan(pair).any() for pair in pairs)
        assert own["total"] == len(pairs)
        assert own["gained_label"] == f"+{own['gained']}"
        assert own["lost_label"] == f"−{own['lost']}"


def test_two_seeds_are_several(tmp_path: Path) -> None:
    root = synthetic_store(
        tmp_path / "two", rng=np.random.default_rng(5), seeds=(0, 1), n_problems=12, n_balanced=6,
        n_train=6, n_controls=2, alphas=(-3.0, 3.0), report=False,
    )  # fmt: skip
    found = tables.effects(root)
    assert set(found["test"]) == {"cluster score over problems"}
    assert found["n"].max() <= 12

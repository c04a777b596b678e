"""Candidates at equal push: the same latents moved by the same share of their norm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import tables
from analysis.statistics.signflips import max_t
from analysis.tables.equal_push import _at, pushes
from analysis.tables.own_controls import Run
from analysis.tables.readings import Readings
from tests.reading import read


def run(*accuracy: float, baseline: tuple[float, ...]) -> Run:
    n = len(accuracy)
    right = np.array(accuracy)
    return Run(
        problems=np.arange(n), seeds=np.zeros(n), accuracy=right, low=right, high=right,
        baseline=np.array(baseline),
    )  # fmt: skip


def test_outcomes_between_two_doses_are_interpolated_problem_by_problem() -> None:
    base = (1.0, 0.0, 1.0)
    curve = {
        -2.0: run(0.0, 0.0, 1.0, baseline=base),
        1.0: run(1.0, 1.0, 0.0, baseline=base),
        3.0: run(0.0, 1.0, 0.5, baseline=base),
    }
    # One unit of alpha is a tenth: pushes of −.1 and .05 lie halfway to 0, .15 a quarter beyond 1.
    at = _at(curve, 0.1, [-0.2, -0.1, 0.05, 0.1, 0.15, 0.3])
    assert at == pytest.approx(
        np.array(
            [
                [0.0, 0.5, 1.0, 1.0, 0.75, 0.0],
                [0.0, 0.0, 0.5, 1.0, 1.0, 1.0],
                [1.0, 1.0, 0.5, 0.0, 0.125, 0.5],
            ]
        )
    )


def test_a_dose_that_was_run_does_not_take_over_what_its_neighbour_lacks() -> None:
    base = (1.0, 0.0)
    curve = {
        1.0: run(1.0, 1.0, baseline=base),
        2.0: run(np.nan, 0.0, baseline=base),
    }
    at = _at(curve, 1.0, [1.0, 1.5, 2.0])
    assert at[1] == pytest.approx([1.0, 0.5, 0.0])
    assert at[0, 0] == 1.0
    assert np.isnan(at[0, 1:]).all()


@pytest.mark.own_readings
def test_one_unit_of_alpha_is_the_mean_share_of_the_live_latents_norms(demo_like: Path) -> None:
    norms = tables.direction_norms(demo_like)
    rows = norms[(norms["direction"] == "mean_difference") & (norms["protocol"] == "codi")]
    unit = {key[3]: value for key, value in pushes(demo_like).items() if key[1] == "codi"}
    assert unit["mean_difference"] == pytest.approx(rows["relative"].mean())
    source = Readings(demo_like)
    runs = source.once(("view", "runs"), lambda: read(demo_like, "runs").to_pandas())
    runs["gates"] = '{"protocol": "codi", "live": {"dead": ["latent[0]"]}}'
    source._kept["view", "runs"] = runs
    unit = {key[3]: value for key, value in pushes(source).items() if key[1] == "codi"}
    live = rows[rows["position"] > 0]
    assert unit["mean_difference"] == pytest.approx(live["relative"].mean())


def test_pairs_are_compared_at_the_doses_of_the_shorter_direction(demo_like: Path) -> None:
    table = tables.equal_push(demo_like)
    rows = table[(table["set_name"] == "primary") & (table["protocol"] == "codi")]
    assert set(zip(rows["first"], rows["second"], strict=True)) == {
        ("mean_difference", "mean_difference_matched")
    }
    assert rows["matched"].all()
    ratio = {key[3]: value for key, value in pushes(demo_like).items() if key[1] == "codi"}
    shorter = min(("first", "second"), key=lambda one: ratio[rows[one].iloc[0]])
    assert set(rows[f"{shorter}_alpha"].round(9)) <= {-3.0, -1.0, 1.0, 3.0}
    for side in ("first", "second"):
        expected = rows[f"{side}_alpha"] * ratio[rows[side].iloc[0]]
        assert rows["push"].to_numpy() == pytest.approx(expected.to_numpy())
    difference = rows["first_effect"] - rows["second_effect"]
    assert rows["difference"].to_numpy() == pytest.approx(difference.to_numpy())
    assert (rows["low"] <= rows["difference"]).all()
    assert (rows["difference"] <= rows["high"]).all()
    effects = tables.effects(demo_like).query("set_name == 'primary' and protocol == 'codi'")
    for row in rows.to_dict("records"):
        at: Any = effects[
            (effects["direction"] == row[shorter])
            & np.isclose(effects["alpha"], row[f"{shorter}_alpha"])
        ]
        # Where no outcome is missing the shorter direction's effect is that of `effects`.
        assert row[f"{shorter}_effect"] == pytest.approx(at["estimate"].iloc[0], abs=0.05)


def test_a_direction_of_twice_the_length_at_half_the_dose_is_the_same() -> None:
    rng = np.random.default_rng(0)
    base = tuple((rng.random(50) < 0.5).astype(float))
    steered = tuple((rng.random(50) < 0.5).astype(float))
    long, short = {1.0: run(*steered, baseline=base)}, {2.0: run(*steered, baseline=base)}
    gap = _at(long, 0.4, [0.4]) - _at(short, 0.2, [0.4])
    assert not gap.any()
    assert max_t(gap, np.zeros(50), rng=rng).p.tolist() == [1.0]

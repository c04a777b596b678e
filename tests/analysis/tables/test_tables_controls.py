"""Candidates among controls: the report's own counts, and whose controls are whose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.tables.comparisons import EFFECT, SIGNED, compare, match_controls, signed_effects
from tests.analysis.tables.test_tables_pairs import CURVE
from tests.reading import read


def effect_rows(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Rows of `effects`: direction, role, kind, alpha, estimate."""
    names = ("direction", "role", "kind", "alpha", "estimate")
    return pd.DataFrame(
        [
            CURVE | {"n": 86, "gained": 0, "lost": 0} | dict(zip(names, row, strict=True))
            for row in rows
        ]
    )


def directions(*rows: tuple[str, str | None, float]) -> pd.DataFrame:
    """Rows of `directions`: name (also the id), parent, norm."""
    return pd.DataFrame(rows, columns=["name", "parent_id", "norm"]).assign(
        direction_id=[row[0] for row in rows]
    )


REPORT = effect_rows(
    ("computed", "candidate", "mean_difference", -3.0, -11 / 86),
    *(
        (f"random_{i}", "control", "random_total_norm", -3.0, lost / 86)
        for i, lost in enumerate([-1, -2, -5, -10, -11])
    ),
)
PARENTS = directions(
    ("computed", None, 58.65), *((f"random_{i}", "computed", 58.65) for i in range(5))
)


def test_the_reports_counts_give_crawford_howell_and_both_d() -> None:
    points = match_controls(REPORT.assign(quantity=EFFECT), PARENTS)
    row = compare(points).iloc[0]
    assert row["k"] == 5
    assert row["p_crawford_howell"] == pytest.approx(0.355693, abs=1e-6)
    assert row["d"] == pytest.approx(-1.142926, abs=1e-6)
    assert row["d_ddof0"] == pytest.approx(-1.277830, abs=1e-6)
    assert row["g"] == pytest.approx(-0.911923, abs=1e-6)
    assert (row["d_low"], row["d_high"]) == pytest.approx((-3.3619, 1.1963), abs=1e-3)
    assert row["rank_status"] == "too_few_controls"
    assert row["prediction_low"] < row["estimate"] < row["prediction_high"]
    assert row["panel"] == "α = −3"


def test_a_candidate_without_controls_of_its_own_is_compared_with_none() -> None:
    more = effect_rows(("matched", "candidate", "mean_difference_matched", -3.0, -0.05))
    parents = pd.concat([PARENTS, directions(("matched", None, 29.325))], ignore_index=True)
    frame = pd.concat([REPORT, more], ignore_index=True).assign(quantity=EFFECT)
    assert compare(match_controls(frame, parents))["candidate"].tolist() == ["computed"]


def test_controls_of_another_protocol_or_dose_are_never_used() -> None:
    elsewhere = REPORT[REPORT["role"] == "control"].assign(protocol="report")
    other_dose = REPORT[REPORT["role"] == "control"].assign(alpha=3.0)
    own = REPORT[REPORT["role"] == "candidate"]
    frame = pd.concat([own, elsewhere, other_dose], ignore_index=True).assign(quantity=EFFECT)
    assert match_controls(frame, PARENTS).empty


def test_one_control_gives_its_mean_and_a_status() -> None:
    frame = REPORT.head(2).assign(quantity=EFFECT)
    row = compare(match_controls(frame, PARENTS)).iloc[0]
    assert row["status"] == "too_few_controls"
    assert np.isnan(row["p_crawford_howell"])
    assert row["controls_mean"] == pytest.approx(-1 / 86)


def test_the_signed_effect_is_half_the_difference_and_free_of_even_damage() -> None:
    frame = effect_rows(
        ("d", "candidate", "k", -3.0, -0.30), ("d", "candidate", "k", 3.0, -0.20),
        ("d", "candidate", "k", 1.0, 0.10),
    )  # fmt: skip
    signed = signed_effects(frame)
    assert signed["alpha"].tolist() == [3.0]
    assert signed["estimate"].tolist() == pytest.approx([0.05])
    damaged = signed_effects(frame.assign(estimate=frame["estimate"] - 0.1))
    assert damaged["estimate"].tolist() == pytest.approx([0.05])


def test_controls_of_a_store_agree_with_the_view(demo_like) -> None:
    table = tables.controls(demo_like)
    row = table[
        (table["set_name"] == "primary")
        & (table["candidate"] == "mean_difference")
        & (table["quantity"] == EFFECT)
        & (table["alpha"] == -3.0)
    ].iloc[0]
    view = read(demo_like, "control_effects").to_pandas()
    view = view[
        (view["set_name"] == "primary")
        & (view["candidate"] == "mean_difference")
        & (view["alpha"] == -3.0)
    ]
    assert row["k"] == len(view)
    assert row["controls_mean"] == pytest.approx(view["estimate"].mean())
    assert row["estimate"] == pytest.approx(view["candidate_estimate"].iloc[0])
    assert set(table["quantity"]) == {EFFECT, SIGNED}


def test_the_strip_spreads_equal_dots_apart(demo_like) -> None:
    strip = tables.controls_strip(demo_like)
    assert strip["stack"].abs().max() <= 1
    dots = strip[strip["role"] == "control"]
    repeated = dots.duplicated(["set_name", "protocol", "panel", "estimate", "stack"])
    assert not repeated.any()
    assert set(strip[strip["role"] == "candidate"]["stack"]) == {0.0}


def test_the_band_is_the_prediction_interval_at_the_baseline(demo_like) -> None:
    band = tables.control_band(demo_like)
    assert (band["accuracy_low"] <= band["accuracy_mean"]).all()
    assert (band["accuracy_mean"] <= band["accuracy_high"]).all()
    assert band["accuracy_low"].min() >= 0

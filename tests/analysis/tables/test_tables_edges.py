"""Frames of a few unequal rows in, exact figures out: comparisons, families, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.tables.base import groups, matching, ordered
from analysis.tables.calibration import calibration_curves
from analysis.tables.comparisons import EFFECT, SIGNED, compare, match_controls, signed_effects
from analysis.tables.difficulty import stratum_label
from analysis.tables.own_controls import Sample
from analysis.tables.paired import holm_by, paired_tests
from tests.analysis.tables.frames import all_read

CURVE: dict[str, Any] = {
    "model": "m", "protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary",
    "baseline_id": "b", "direction": "d", "site": "latent", "schedule": None, "operator": "add",
    "effect": "total", "kind": "k", "role": "candidate", "selection": "random",
    "selected_on_outcome": False, "n_missing": 0, "conditions": ("c",),
}  # fmt: skip


def row(direction: str, alpha: float, estimate: float, **more: Any) -> dict[str, Any]:
    return CURVE | {
        "direction": direction, "alpha": alpha, "estimate": estimate, "n": 86, "gained": 3,
        "lost": 5,
    } | more  # fmt: skip


def control(name: str, alpha: float, estimate: float, kind: str = "random") -> dict[str, Any]:
    return row(name, alpha, estimate, role="control", kind=kind)


def directions(*rows: tuple[str, str | None, float]) -> pd.DataFrame:
    """Name, parent and norm; an id is its name in capitals."""
    return pd.DataFrame(
        [(name, name.upper(), parent and parent.upper(), norm) for name, parent, norm in rows],
        columns=["name", "direction_id", "parent_id", "norm"],
    )


def test_signed_effects_of_every_dose_with_its_mirror() -> None:
    frame = pd.DataFrame(
        [
            row("d", -2.0, -0.30, n=80), row("d", 2.0, 0.10, n=85), row("d", -1.0, 0.06, n=90),
            row("d", 1.0, -0.10, n=70), row("d", 3.0, 0.5), row("d", -4.0, 0.5),
            row("e", 1.0, 0.2), row("e", -1.0, 0.1),
        ]
    )  # fmt: skip
    found = signed_effects(frame)
    assert found[["direction", "alpha", "n"]].values.tolist() == [
        ["d", 1.0, 70], ["d", 2.0, 80], ["e", 1.0, 86]
    ]  # fmt: skip
    assert found["estimate"].tolist() == pytest.approx([-0.08, 0.20, 0.05])
    assert set(found["quantity"]) == {SIGNED}
    assert set(found["role"]) == {"candidate"}


POINTS = [row("d", 2.0, 0.30), control("r1", 2.0, 0.10), control("r2", 2.0, 0.04),
          control("r3", 2.0, 0.19), control("p1", 2.0, 0.01, "permuted"),
          control("x1", 2.0, 0.9), row("y", 2.0, 0.2)]  # fmt: skip
PARENTS = directions(
    ("d", None, 6.0), ("r1", "d", 4.0), ("r2", "d", 4.0), ("r3", "d", 4.0), ("p1", "d", 4.0),
    ("x1", "z", 5.0), ("y", None, 2.0), ("z", None, 8.0),
)  # fmt: skip


def points() -> pd.DataFrame:
    return match_controls(pd.DataFrame(POINTS).assign(quantity=EFFECT), PARENTS)


def test_a_candidate_has_its_own_controls_kind_by_kind_and_borrows_none() -> None:
    found = points()
    names = {
        (candidate, kind): group["direction"].tolist()
        for (candidate, kind), group in found.groupby(["candidate", "control_kind"])
    }
    assert names == {
        ("d", "permuted"): ["d", "p1"],
        ("d", "random"): ["d", "r1", "r2", "r3"],
    }


def comparison(table: pd.DataFrame, candidate: str, kind: str) -> Any:
    """The one row of a candidate and a kind of controls."""
    (at,) = np.flatnonzero([key == (candidate, kind) for key in table.index])
    return table.iloc[at]


def test_the_figures_of_a_comparison() -> None:
    table = compare(points()).set_index(["candidate", "control_kind"])
    own, sample = comparison(table, "d", "random"), np.array([0.10, 0.04, 0.19])
    mean, sd = sample.mean(), sample.std(ddof=1)
    assert (own["k"], own["n"], own["estimate"]) == (3, 86, 0.30)
    assert own["controls_mean"] == pytest.approx(mean)
    assert own["controls_sd"] == pytest.approx(sd)
    assert own["difference"] == pytest.approx(0.30 - mean)
    assert own["d"] == pytest.approx((0.30 - mean) / sd)
    t = (0.30 - mean) / (sd * np.sqrt(4 / 3))
    assert own["t"] == pytest.approx(t)
    assert own["p_crawford_howell"] == pytest.approx(2 * stats.t.sf(t, 2))
    half = stats.t.ppf(0.975, 2) * sd * np.sqrt(4 / 3)
    assert (own["prediction_low"], own["prediction_high"]) == pytest.approx(
        (mean - half, mean + half)
    )
    assert (own["p_rank"], own["rank_floor"]) == (0.5, 0.5)
    assert (own["rank_status"], own["status"]) == ("too_few_controls", "ok")
    assert (own["beyond"], own["why"]) == (0, "")
    assert own["p_normal"] == pytest.approx(stats.shapiro(sample).pvalue)
    assert (own["order_low"], own["order_high"], own["order_level"]) == (0.04, 0.19, 0.5)
    assert (own["selection"], own["selected_on_outcome"]) == ("random", False)


def test_controls_that_are_not_comparable_are_described_and_not_tested() -> None:
    table = compare(points()).set_index(["candidate", "control_kind"])
    alone = comparison(table, "d", "permuted")
    assert (alone["k"], alone["status"], alone["controls_mean"]) == (1, "too_few_controls", 0.01)
    assert np.isnan(alone["difference"])
    names = POINTS[0] | {"candidate": "d", "control_kind": "random"}
    kept = Sample(names=names, controls=("r1", "r3"))
    wrong = Sample(names=names | {"control_kind": "permuted"}, why="Another norm.")
    frame = pd.DataFrame(POINTS).assign(quantity=EFFECT)
    found = compare(match_controls(frame, PARENTS, [kept, wrong]), [kept, wrong])
    found = found.set_index("control_kind")
    assert found["k"].to_dict() == {"permuted": 1, "random": 2}
    assert found["why"].to_dict() == {"permuted": "Another norm.", "random": ""}
    assert found["status"].to_dict() == {"permuted": "not_comparable", "random": "ok"}
    assert found["p_crawford_howell"].isna().to_dict() == {"permuted": True, "random": False}
    assert found.loc["random", "controls_mean"] == pytest.approx((0.10 + 0.19) / 2)
    every = compare(match_controls(frame, PARENTS), [Sample(names=names, why="Other doses.")])
    refused = every.set_index("control_kind").loc["random"]
    assert (refused["k"], refused["controls_mean"]) == (3, pytest.approx(0.33 / 3))
    assert refused[["p_rank", "d", "prediction_low"]].isna().all()


def test_controls_beyond_the_candidate_are_counted_on_its_side() -> None:
    for sign in (1, -1):
        rows = [row("d", 1.0, 0.1 * 3 * sign)]
        rows += [control(f"r{i}", 1.0, 0.1 * i * sign) for i in range(6)]
        parents = directions(("d", None, 1.0), *((f"r{i}", "d", 1.0) for i in range(6)))
        frame = pd.DataFrame(rows).assign(quantity=EFFECT)
        assert compare(match_controls(frame, parents))["beyond"].tolist() == [3]


@pytest.mark.parametrize(
    ("k", "rank", "whole"),
    [(2, "too_few_controls", "ok"), (38, "too_few_controls", "ok"), (39, "ok", "ok")],
)
def test_thirty_nine_controls_are_enough_for_two_sides(k: int, rank: str, whole: str) -> None:
    rows = [row("d", 1.0, 0.5), *(control(f"r{i}", 1.0, i / 100) for i in range(k))]
    parents = directions(("d", None, 1.0), *((f"r{i}", "d", 1.0) for i in range(k)))
    found = compare(match_controls(pd.DataFrame(rows).assign(quantity=EFFECT), parents))
    assert found[["k", "rank_status", "status"]].values.tolist() == [[k, rank, whole]]


def test_equal_controls_have_no_spread() -> None:
    rows = [row("d", 1.0, 0.5), *(control(f"r{i}", 1.0, 0.25) for i in range(3))]
    parents = directions(("d", None, 1.0), *((f"r{i}", "d", 1.0) for i in range(3)))
    found = compare(match_controls(pd.DataFrame(rows).assign(quantity=EFFECT), parents))
    assert found["status"].tolist() == ["degenerate"]


def test_panels_are_doses_and_signed_ones_say_so() -> None:
    both = pd.concat([points(), points().assign(quantity=SIGNED, alpha=1.5)], ignore_index=True)
    found = compare(both)
    random = found[found["control_kind"] == "random"]
    assert set(random["panel"]) == {"d (random), α = +2", "d (random), signed, |α| = 1.5"}
    alone = compare(both[both["control_kind"] == "random"])
    assert set(alone[alone["quantity"] == EFFECT]["panel"]) == {"α = +2"}
    assert set(alone[alone["quantity"] == SIGNED]["panel"]) == {"signed, |α| = 1.5"}


def test_controls_of_another_dose_or_quantity_are_never_used() -> None:
    frame = pd.DataFrame(POINTS).assign(quantity=EFFECT)
    apart = frame["role"] == "control"
    for other in ({"alpha": 1.0}, {"quantity": SIGNED}, {"site": "prompt"}, {"dtype": "bfloat16"}):
        moved = frame.copy()
        for name, value in other.items():
            moved.loc[apart, name] = value
        assert match_controls(moved, PARENTS).empty


def test_holm_over_a_family_with_a_p_that_is_missing() -> None:
    frame = pd.DataFrame({"family": list("aabaa"), "p": [0.03, np.nan, 0.04, 0.01, 0.9]})
    found = holm_by(frame, ["family"])
    assert found["family_size"].tolist() == [4, 4, 1, 4, 4]
    # Four tests in family a, one of them never made: 4 x .01, 3 x .03, 2 x .9 at most 1.
    assert found["p_adjusted"].tolist() == pytest.approx(
        [0.09, np.nan, 0.04, 0.04, 1.0], nan_ok=True
    )
    assert np.isnan(holm_by(frame[1:2], ["family"])["p_adjusted"]).all()


def test_a_row_of_paired_counts_and_those_without_pairs() -> None:
    frame = pd.DataFrame(
        [
            CURVE | {"alpha": a, "n_pairs": n, "baseline_n_correct": right, "gained": g, "lost": x}
            for a, n, right, g, x in [
                (2.0, 40, 10, 9, 1), (-1.0, 50, 20, 2, 7), (3.0, 0, 0, 0, 0), (0.5, 1, 0, 1, 0),
            ]
        ]
        + [CURVE | {"direction": None, "alpha": 0.0, "n_pairs": 50, "gained": 0, "lost": 0}]
    )  # fmt: skip
    found = paired_tests(all_read(frame))
    assert found["alpha"].tolist() == [-1.0, 0.5, 2.0]
    assert found["n"].tolist() == [50, 1, 40]
    assert found["discordant"].tolist() == [9, 1, 10]
    assert found["estimate"].tolist() == pytest.approx([-0.1, 1.0, 0.2])
    assert found["baseline_accuracy"].tolist() == pytest.approx([0.4, 0.0, 0.25])
    assert found["accuracy"].tolist() == pytest.approx([0.3, 1.0, 0.45])
    for side in ("low", "high"):
        assert (found[f"accuracy_{side}"] - found[side]).tolist() == pytest.approx([0.4, 0, 0.25])
    assert found["p_exact"].tolist() == pytest.approx(
        [stats.binomtest(2, 9).pvalue, 1.0, stats.binomtest(1, 10).pvalue]
    )
    assert found["family_size"].tolist() == [3, 3, 3]
    assert set(found["level"]) == {0.95}
    assert set(found["test"]) == {"McNemar mid-p"}


def test_rows_that_match_and_groups_in_their_first_order() -> None:
    frame = pd.DataFrame({"a": ["x", None, "x", None], "b": [2, 2, 1, 1]})
    frame["a"] = frame["a"].astype(object).where(frame["a"].notna(), None)
    assert matching(frame, {"a": "x", "b": 1})["b"].tolist() == [1]
    assert matching(frame, {"a": None})["b"].tolist() == [2, 1]
    assert matching(frame, {"c": 5}).equals(frame)
    found = groups(frame, ["a", "b"])
    assert list(found) == [("x", 2), (None, 2), ("x", 1), (None, 1)]
    assert [rows.tolist() for rows in groups(frame, ["a"]).values()] == [[0, 2], [1, 3]]


def test_an_order_has_missing_values_first_and_is_stable() -> None:
    frame = pd.DataFrame(
        {"a": ["y", None, "x", "x"], "b": [1.0, 2.0, 3.0, np.nan], "c": [0, 1, 2, 3]}
    )
    frame["a"] = frame["a"].astype(object).where(frame["a"].notna(), None)
    assert ordered(frame, ["a", "absent"])["c"].tolist() == [1, 2, 3, 0]
    assert ordered(frame, ["a", "b"])["c"].tolist() == [1, 3, 2, 0]
    assert ordered(frame, ["absent"])["c"].tolist() == [0, 1, 2, 3]
    assert ordered(frame[2:], ["absent"]).index.tolist() == [0, 1]
    assert ordered(frame, ["b"]).index.tolist() == [0, 1, 2, 3]


def test_calibration_curves_average_settings_that_share_their_place() -> None:
    def rate(quantity: str, method: str, value: float, **setting: Any) -> dict[str, Any]:
        return {
            "quantity": quantity, "method": method, "value": value, "error": value / 10,
            "setting": setting,
        }  # fmt: skip

    found = calibration_curves(
        [
            rate("size", "a", 0.04, n=100, discordance=0.2),
            rate("size", "a", 0.06, n=200, discordance=0.1),
            rate("size", "b", 0.08, n=50, discordance=0.5),
            rate("coverage", "a", 0.9, k=7),
            rate("coverage", "a", 0.8, k=0, n=3, discordance=1.0),
            rate("power", "a", 0.5, n=100, discordance=0.2),
            rate("size", "a", 0.5, n=100),
            rate("size", "c", 0.5, discordance=0.2),
            {"quantity": "size", "method": "a", "value": 0.1, "error": 0.1},
        ]
    )
    assert found[["quantity", "method", "x"]].values.tolist() == [
        ["coverage", "a", 0.0], ["coverage", "a", 7.0], ["size", "a", 20.0], ["size", "b", 25.0]
    ]  # fmt: skip
    assert found["value"].tolist() == pytest.approx([0.8, 0.9, 0.05, 0.08])
    assert found["low"].tolist() == pytest.approx([0.64, 0.72, 0.04, 0.064])
    assert found["high"].tolist() == pytest.approx([0.96, 1.08, 0.06, 0.096])
    assert found["nominal"].tolist() == [0.95, 0.95, 0.05, 0.05]
    assert list(calibration_curves([]).columns) == list(found.columns)


def test_strata_in_words() -> None:
    assert stratum_label("n_steps", "1") == "1 step"
    assert stratum_label("n_steps", "11") == "11 steps"
    assert stratum_label("length", "1") == "length: 1"

"""Frames of a few unequal rows in, exact figures out: comparisons, families, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import confidence_sequence, e_value
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


def ended(**columns):
    """Rows as `holm_by` takes them: two plans, and one curve that no plan ended."""
    return pd.DataFrame(
        {
            "p": [0.004, 0.03, 0.02, 0.01, 0.04],
            "curve": ["a", "a", "b", "a", "a"],
            "stop": ["decided", "futile", "ran to the end", "decided", None],
            "plan_id": ["one", "one", "one", "two", None],
            "planned_tests": [4, 4, 4, 1, None],
        }
        | columns
    )


def test_holm_is_over_the_tests_that_a_plan_planned_whichever_of_them_ended() -> None:
    found = holm_by(ended(), ["curve"])
    # Four planned: 4 x .004, then 3 x .02 (curve b is of the same plan); futility is p = 1.
    assert found["p_adjusted"].tolist() == pytest.approx([0.016, 1.0, 0.06, 0.01, 0.16])
    # The one that no plan ended has the family of its curve, those of plans among them.
    assert found["family_size"].tolist() == [4, 4, 4, 1, 4]
    # p as it is stays as it is.
    assert found["p"].tolist() == ended()["p"].tolist()
    more = holm_by(ended(planned_tests=[2, 2, 2, 1, None]), ["curve"])
    assert more["family_size"].tolist() == [3, 3, 3, 1, 4]


def looked(gained, lost, n, **columns):
    frame = pd.DataFrame({"gained": [gained], "lost": [lost], "n_pairs": [n]})
    known = {**CURVE, "alpha": 1.0, "baseline_n_correct": 10}
    known |= {"stop": "decided", "stopped_at": n, "planned_n": 400, "in_part": True}
    known |= {"p_at_stop": None, "plan_id": "plan", "planned_tests": 3}
    (row,) = paired_tests(all_read(frame).assign(**(known | columns))).to_dict("records")
    return row


def test_the_e_value_counts_at_its_stop_and_now() -> None:
    """2^12 B(3, 11) = 4.77; rows of earlier versions have no p of their own."""
    now = looked(2, 10, 60)
    assert now["p"] == pytest.approx(1 / 4.7739, rel=1e-4)
    assert looked(2, 10, 60, p_at_stop=0.001)["p"] == 0.001
    assert looked(2, 10, 60, p_at_stop=0.9)["p"] == now["p"]
    assert now["p_adjusted"] == pytest.approx(3 * now["p"])
    assert (now["test"], now["status"]) == ("e-value, confidence sequence", "ok")
    assert np.isnan([now[name] for name in ("p_exact", "p_sign", "bootstrap_low")]).all()


def test_a_sequence_that_does_not_exclude_what_the_e_value_does_is_said() -> None:
    """At e = 28.4 the test rejects at .05; the sequence, which shares its error, needs 40."""
    apart = looked(0, 8, 40)
    assert apart["p"] < 0.05
    assert apart["low"] < 0 < apart["high"]
    assert apart["status"] == "test_interval_disagree"
    assert looked(0, 12, 40)["status"] == "ok"
    assert looked(0, 0, 40)["status"] == "no_information"


def test_what_was_not_read_is_bounded_at_any_look_too() -> None:
    """Ten lost and one gained; three of the lost were not read, and one that stayed wrong was."""
    row = looked(
        1, 10, 60, complete_lost=7, complete_n_pairs=57, maybe_lost=3, maybe_gained=0,
        became_unreadable=3,
    )  # fmt: skip
    every = [(1, lost) for lost in (7, 8, 9, 10)]
    p = [float(e_value(*table).p) for table in every]
    assert row["bound_p"] == pytest.approx(max(p))
    assert row["bound_agrees"] == (len({one <= 0.05 for one in p}) == 1)
    limits = [confidence_sequence(*table, 60) for table in every]
    assert row["bound_low"] <= min(one.low for one in limits)
    assert row["bound_high"] >= max(one.high for one in limits)
    complete = confidence_sequence(1, 7, 57)
    assert row["complete_p"] == pytest.approx(float(e_value(1, 7).p))
    assert (row["complete_low"], row["complete_high"]) == (complete.low, complete.high)
    assert row["p_unreadable"] == pytest.approx(float(e_value(3, 0).p))
    open_sign = looked(1, 4, 60, complete_lost=1, complete_n_pairs=50, maybe_lost=3, maybe_gained=7)
    assert open_sign["bound_p"] == 1.0
    assert not looked(0, 12, 60, complete_lost=3, complete_n_pairs=51, maybe_lost=9)["bound_agrees"]
    assert looked(0, 14, 60, complete_lost=12, complete_n_pairs=58, maybe_lost=2)["bound_agrees"]

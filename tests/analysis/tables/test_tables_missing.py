"""What missing outcomes do to an effect, by hand, by enumeration and on a store with all kinds."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from analysis import (
    compare_to_controls,
    mcnemar,
    missing_bounds,
    missingness_trend,
    paired_difference,
    tables,
)
from analysis.figures import figures
from analysis.recorded.analyses import analyze
from analysis.tables.comparisons import dose_name
from analysis.tables.paired import paired_tests
from analysis.words import missingness_sentence
from tests.reading import read
from tests.synthetic import synthetic_store


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which some answers cannot be read and some outcomes are errors."""
    return synthetic_store(
        tmp_path_factory.mktemp("uneven") / "s", rng=np.random.default_rng(4), n_problems=40,
        n_balanced=12, n_train=8, alphas=(-3.0, -1.0, 1.0, 3.0), n_controls=3, report=False,
        missing=0.2, errors=0.04,
    )  # fmt: skip


def outcomes_of(root: Path) -> dict[tuple[str, str], str]:
    """(condition, problem) -> right, wrong, unreadable or missing, from the stored columns."""
    rows = read(root, "SELECT condition_id, problem_id, correct, status FROM outcomes").to_pylist()
    words = {True: "right", False: "wrong"}
    return {
        (row["condition_id"], row["problem_id"]): words.get(
            row["correct"],
            "unreadable" if row["status"] in {"truncated", "parse_fail"} else "missing",
        )
        for row in rows
    }


def test_effects_count_every_kind_as_one_by_one(uneven: Path) -> None:
    kinds = outcomes_of(uneven)
    members = read(uneven, "problem_sets").to_pandas()
    table = tables.effects(uneven)
    assert len(table) > 20
    assert table["n"].nunique() > 3
    for row in table.to_dict("records"):
        ids = members[members["set_name"] == row["set_name"]]["problem_id"]
        pairs = [(kinds[row["baseline_id"], p], kinds[row["condition_id"], p]) for p in ids]
        after = [later for _, later in pairs]
        assert row["n_unreadable"] == after.count("unreadable")
        assert row["n_missing"] == after.count("missing")
        known = [(b == "right", s == "right") for b, s in pairs if "missing" not in (b, s)]
        assert row["n"] == len(known)
        assert row["gained"] == known.count((False, True))
        assert row["lost"] == known.count((True, False))
        assert row["p"] == mcnemar(row["gained"], row["lost"]).p
        complete = [pair for pair in pairs if not {"missing", "unreadable"} & set(pair)]
        assert row["complete_n"] == len(complete)
        own = paired_difference(
            complete.count(("wrong", "right")), complete.count(("right", "wrong")), len(complete)
        )
        found = [row[f"complete_{name}"] for name in ("estimate", "low", "high", "p")]
        assert found == pytest.approx([own.estimate, own.low, own.high, own.p])
        cell = {"right": 0, "wrong": 1, "unreadable": 2, "missing": 2}
        cells = np.zeros((3, 3), dtype=int)
        for before, later in pairs:
            cells[cell[before], cell[later]] += 1
        bounds = missing_bounds(cells)
        assert row["bound_n"] == bounds.n == len(pairs)
        assert (row["effect_low"], row["effect_high"]) == (bounds.low_effect, bounds.high_effect)
        assert (row["bound_low"], row["bound_high"]) == (bounds.low_bound, bounds.high_bound)
        assert (row["bound_p"], row["bound_agrees"]) == (bounds.p_high, bounds.decision_unchanged)
        unread = [
            (b == "unreadable", s == "unreadable") for b, s in pairs if "missing" not in (b, s)
        ]
        became = unread.count((False, True)), unread.count((True, False))
        assert row["p_unreadable"] == mcnemar(*became).p


def test_each_direction_of_a_comparison_is_of_the_problems_that_it_has(uneven: Path) -> None:
    kinds = outcomes_of(uneven)
    right = {key: kind == "right" for key, kind in kinds.items() if kind != "missing"}
    found = read(uneven, "condition_details").to_pylist()
    named = {(one["direction"], one["alpha"]): one["condition_id"] for one in found}
    baseline = named[None, 0.0]
    members = read(uneven, "problem_sets").to_pandas()
    points = tables.control_points(uneven)
    assert points["n"].nunique() > 2
    place = ["candidate", "set_name", "quantity", "alpha"]
    for key, rows in points.groupby(place):
        candidate, set_name, quantity, alpha = cast("tuple[str, str, str, float]", key)
        doses = [alpha] if quantity == "effect" else [alpha, -alpha]
        of = {name: [named[name, dose] for dose in doses] for name in rows["direction"]}
        assert candidate in of
        assert len(of) == 4
        every = members[members["set_name"] == set_name]["problem_id"]
        for row in rows.to_dict("records"):
            everyone = [baseline, *of[row["direction"]]]
            ids = [one for one in every if all((at, one) in right for at in everyone)]
            assert row["n"] == len(ids)
            net = [
                sum(right[one, p] - right[baseline, p] for p in ids) / len(ids)
                for one in of[row["direction"]]
            ]
            expected = net[0] if quantity == "effect" else (net[0] - net[1]) / 2
            assert row["estimate"] == pytest.approx(expected)
            if quantity == "effect":
                assert row["gained"] - row["lost"] == round(net[0] * len(ids))
            # Every outcome of the direction that has no verdict wrong, and right.
            known = [right[baseline, p] for p in every if (baseline, p) in right]
            ends = []
            for one in of[row["direction"]]:
                said = [kinds[one, p] for p in every]
                least = said.count("right") / len(said) - np.mean(known)
                unknown = sum(kind not in {"right", "wrong"} for kind in said) / len(said)
                ends.append((least, least + unknown))
            if quantity == "effect":
                low, high = ends[0]
            else:
                low, high = (ends[0][0] - ends[1][1]) / 2, (ends[0][1] - ends[1][0]) / 2
            assert (row["estimate_low"], row["estimate_high"]) == pytest.approx((low, high))


def test_the_rank_of_the_worst_reading_is_no_smaller_than_any(uneven: Path) -> None:
    points, table = tables.control_points(uneven), tables.controls(uneven)
    table = table[table["status"] == "ok"]
    assert len(table)
    key = ["candidate", "set_name", "quantity", "alpha"]
    rng = np.random.default_rng(0)
    for row in table.to_dict("records"):
        mine = points
        for name in key:
            mine = mine[mine[name] == row[name]]
        own = mine[mine["role"] == "candidate"].iloc[0]
        others = mine[mine["role"] == "control"]
        assert (row["n"], row["least_n"]) == (own["n"], mine["n"].min())
        assert row["p_rank_bound"] >= row["p_rank"]
        worst = 0.0
        for _ in range(40):
            share = rng.integers(0, 2, len(others) + 1)
            at = own["estimate_low"] + share[0] * (own["estimate_high"] - own["estimate_low"])
            spread = others["estimate_high"] - others["estimate_low"]
            found = compare_to_controls(at, others["estimate_low"] + share[1:] * spread)
            worst = max(worst, float(found.p_rank))
        assert row["p_rank_bound"] >= worst


def test_the_named_query_counts_on_the_same_problems_as_the_table(uneven: Path) -> None:
    points = tables.control_points(uneven)
    points = points[(points["quantity"] == "effect") & (points["role"] == "candidate")]
    asked = read(uneven, "candidate_against_controls", set_name=None).to_pandas()
    # A candidate without controls of its own is compared in the table alone.
    both = points.merge(asked, on=["direction", "alpha", "set_name"])
    assert len(both) == asked["set_name"].isin(points["set_name"]).sum() > 0
    assert (both["n"] == both["n_pairs"]).all()
    compared = tables.controls(uneven)
    least = compared.merge(both, on=["candidate", "alpha", "set_name", "quantity"])
    assert len(least) == len(both)
    assert (least["least_n"] == least[["n_pairs", "least_n_pairs"]].min(axis=1)).all()
    assert both["estimate_x"].to_numpy() == pytest.approx(both["estimate_y"].to_numpy())


def test_where_nothing_is_missing_nothing_is_counted_anew(demo_like: Path) -> None:
    points = tables.control_points(demo_like)
    tested = tables.effects(demo_like)
    key = ["direction", "alpha", "set_name", "baseline_id"]
    both = points[points["quantity"] == "effect"].merge(tested, on=key)
    assert (both["estimate_x"] == both["estimate_y"]).all()
    assert (both["n_x"] == both["n_y"]).all()


ROW: dict[str, Any] = {
    "model": "m", "protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary",
    "baseline_id": "b", "direction": "d", "site": "latent", "schedule": None, "operator": "add",
    "effect": "total", "kind": "k", "role": "candidate", "selection": "random",
    "selected_on_outcome": False, "alpha": 1.0, "n_unreadable": 0, "n_missing": 0,
    "n_pairs": 60, "baseline_n_correct": 30, "gained": 2, "lost": 12,
    "complete_n_pairs": 60, "complete_gained": 2, "complete_lost": 12,
    "maybe_gained": 0, "maybe_lost": 0, "maybe_either": 0, "became_unreadable": 0,
    "became_readable": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "agrees"),
    [
        ({}, True),
        # A loss of twelve is decided whichever way three of them are read, and not with eight.
        ({"complete_lost": 9, "complete_n_pairs": 57, "maybe_lost": 3}, True),
        ({"complete_lost": 4, "complete_n_pairs": 52, "maybe_lost": 8}, False),
        ({"complete_n_pairs": 50, "maybe_gained": 10}, False),
        ({"complete_n_pairs": 50, "maybe_either": 10}, False),
        # No reading of these decides.
        ({"lost": 3, "complete_lost": 3, "complete_n_pairs": 58, "maybe_gained": 2}, True),
    ],
)
def test_every_reading_decides_alike_or_not(changes: dict[str, int], agrees: bool) -> None:
    row = paired_tests(pd.DataFrame([ROW | changes])).iloc[0]
    assert row["bound_agrees"] == agrees
    assert row["effect_low"] <= row["estimate"] <= row["effect_high"]


def test_where_nothing_was_read_there_is_no_complete_case() -> None:
    nothing = {
        "gained": 0, "lost": 30, "complete_n_pairs": 0, "complete_gained": 0, "complete_lost": 0,
        "maybe_gained": 30, "maybe_lost": 30, "n_unreadable": 60, "became_unreadable": 60,
    }  # fmt: skip
    row = paired_tests(pd.DataFrame([ROW | nothing])).iloc[0]
    assert row["complete_n"] == 0
    assert np.isnan([row["complete_estimate"], row["complete_low"], row["complete_p"]]).all()
    assert (row["estimate"], row["effect_low"], row["effect_high"]) == (-0.5, -0.5, 0.5)
    assert (row["bound_p"], row["p_unreadable"]) == (1.0, mcnemar(60, 0).p)


def test_seeds_have_their_bounds_over_problems(tmp_path: Path) -> None:
    root = synthetic_store(
        tmp_path / "seeds", rng=np.random.default_rng(5), seeds=(0, 1), n_problems=12,
        n_balanced=6, n_train=6, n_controls=2, alphas=(-3.0,), report=False, missing=0.2,
        errors=0.05,
    )  # fmt: skip
    found = tables.effects(root)
    found = found[(found["role"] == "candidate") & (found["set_name"] == "primary")]
    rows = read(root, "candidate_outcomes").to_pandas()
    rows = rows[rows["set_name"] == "primary"]
    for row in found.to_dict("records"):
        mine = rows[rows["direction"] == row["direction"]]
        filled = []
        for before, after in product((0.0, 1.0), repeat=2):
            b = mine["baseline_correct"].map({True: 1.0, False: 0.0}).astype(float).fillna(before)
            s = mine["correct"].map({True: 1.0, False: 0.0}).astype(float).fillna(after)
            filled.append((s - b).groupby(mine["problem_id"]).mean().mean())
        assert row["effect_low"] == pytest.approx(min(filled))
        assert row["effect_high"] == pytest.approx(max(filled))
        assert row["bound_low"] < row["effect_low"]
        assert row["bound_high"] > row["effect_high"]
        assert row["bound_n"] == 24
        assert row["complete_n"] <= row["n"] <= 12
        assert 0 < row["p_unreadable"] <= 1
        assert row["bound_p"] >= row["p"]


def test_missingness_by_dose_as_one_by_one(uneven: Path) -> None:
    kinds = outcomes_of(uneven)
    conditions = {
        (one["direction"], one["alpha"]): one["condition_id"]
        for one in read(uneven, "condition_details").to_pylist()
    }
    members = read(uneven, "problem_sets").to_pandas()
    table = tables.missingness(uneven)
    assert set(table["alpha"]) == {-3.0, -1.0, 0.0, 1.0, 3.0}
    controls = [name for name, _ in conditions if name and name.startswith("random")]

    def of(ids: list[str], name: str | None, alpha: float) -> list[str]:
        return [kinds[conditions[name, alpha], problem] for problem in ids]

    def share(said: list[str]) -> float:
        return said.count("unreadable") / (len(said) - said.count("missing"))

    for row in table.to_dict("records"):
        ids = sorted(members[members["set_name"] == row["set_name"]]["problem_id"])

        base = of(ids, None, 0.0)
        own = of(ids, row["direction"], row["alpha"]) if row["alpha"] else base
        assert (row["n"], row["n_unreadable"]) == (len(ids), own.count("unreadable"))
        assert row["n_missing"] == own.count("missing")
        assert (row["unreadable"], row["missing"]) == (share(own), own.count("missing") / len(ids))
        if not row["alpha"]:
            assert np.isnan([row["p"], row["p_adjusted"], row["k"]]).all()
            continue
        pairs = [pair for pair in zip(base, own, strict=True) if "missing" not in pair]
        became = sum(b != "unreadable" == s for b, s in pairs)
        readable = sum(s != "unreadable" == b for b, s in pairs)
        assert (row["became_unreadable"], row["became_readable"]) == (became, readable)
        assert row["p"] == mcnemar(became, readable).p
        assert row["family_size"] == 4
        if abs(row["alpha"]) == 3 and row["direction"] == "mean_difference":
            shares = [share(of(ids, name, row["alpha"])) for name in sorted(set(controls))]
            assert row["k"] == len(shares) == 3
            assert row["controls_unreadable"] == pytest.approx(np.mean(shares))
            expected = compare_to_controls(share(own), shares, tail="two-sided")
            assert row["p_controls"] == expected.p_rank
        else:
            assert np.isnan([row["k"], row["p_controls"]]).all()
        doses = [-3.0, -1.0, 1.0, 3.0, 0.0]
        every = [of(ids, row["direction"] if a else None, a) for a in doses]
        cell = {"unreadable": 1.0, "missing": np.nan}
        unread = np.array([[cell.get(kind, 0.0) for kind in kinds] for kinds in every]).T
        trend = missingness_trend(unread, doses)
        assert (row["trend"], row["trend_n"]) == (pytest.approx(trend.estimate), trend.n)
        assert row["p_trend"] == pytest.approx(trend.p)


def test_a_store_without_candidates_has_no_missingness(tmp_path: Path) -> None:
    root = synthetic_store(
        tmp_path / "none", rng=np.random.default_rng(5), n_problems=8, n_balanced=4, n_train=4,
        n_controls=1, alphas=(), control_alphas=(), report=False,
    )  # fmt: skip
    assert tables.missingness(root).empty


def test_captions_say_one_n_and_what_was_not_read(uneven: Path) -> None:
    captions = {
        figure.kind.name: figure.drawing.caption
        for figure in figures(uneven)
        if figure.place.context.get("set_name") == "primary"
    }
    effects = tables.effects(uneven)
    assert effects[effects["set_name"] == "primary"]["n"].nunique() > 1
    for name in ("accuracy", "forest", "transitions", "strata", "problems"):
        # What is drawn of every outcome is of all problems; a test is of the pairs that it has.
        each = "; an answer" if name in ("transitions", "problems") else ", each figure"
        assert f"n = 40 problems (primary set, codi protocol){each}" in captions[name]
        assert not re.search(r"n = \d+–\d+", captions[name])
        assert "an answer that cannot be read is not right" in captions[name]
    table = tables.missingness(uneven)
    table = table[table["set_name"] == "primary"]
    said = missingness_sentence(table.assign(series=table["direction"]).to_dict("records"))
    assert said in captions["accuracy"]
    assert said in captions["transitions"]
    # The curves as a whole are of the problems that no dose misses: one n.
    trends = tables.trends(uneven)
    for row in trends[trends["set_name"] == "primary"].to_dict("records"):
        assert f"{row['direction']} (n = {row['n']}): " in captions["doses"]
    compared = tables.controls(uneven)
    for row in compared[compared["set_name"] == "primary"].to_dict("records"):
        dose = dose_name(row["quantity"], row["alpha"])
        least = f" (its controls at least {row['least_n']})" if row["least_n"] < row["n"] else ""
        assert f"{row['candidate']} at {dose} (n = {row['n']}){least}: " in captions["controls"]
    assert (compared["least_n"] < compared["n"]).any()


def test_captions_of_several_seeds_say_what_is_counted(tmp_path: Path) -> None:
    root = synthetic_store(
        tmp_path / "seeds", rng=np.random.default_rng(5), seeds=(0, 1), n_problems=12,
        n_balanced=6, n_train=6, n_controls=2, alphas=(-3.0, 3.0), report=False,
    )  # fmt: skip
    captions = {
        figure.kind.name: figure.drawing.caption
        for figure in figures(root)
        if figure.place.context.get("set_name") == "primary"
    }
    for name in ("accuracy", "forest"):
        assert (
            "n = 12 problems (primary set, codi protocol), 2 seeds each (effects are of "
            "problems, counts of outcomes)" in captions[name]
        )
        assert "cluster score" in captions[name]
        assert not re.search("Tango|McNemar", captions[name].replace("Mantel", ""))
    assert "n = 24 outcomes (primary set" in captions["transitions"]
    assert "n = 12 problems (primary set" in captions["problems"]


def test_every_result_of_a_store_with_errors_says_its_n(uneven: Path) -> None:
    every = [row for one in analyze(uneven, write=False) for row in one.results]
    whole = {"Fisher–Freeman–Halton", "heterogeneity of differences"}
    silent = [row for row in every if row["method"] not in whole and not row["n"]]
    # Where no controls were drawn nothing is compared: no n, and no figure either.
    assert {(row["status"], row["k"], row["p"]) for row in silent} == {("not_comparable", 0, None)}
    found = {row["quantity"] for row in every}
    assert {"accuracy difference, complete cases", "unequal missingness"} <= found

"""Tables of paired effects: against a slow pairing of the raw outcomes, and by hand."""

from __future__ import annotations

import inspect
import shutil

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.tables.base import groups, matching, whole_test_sets
from analysis.tables.paired import paired_tests
from analysis.tables.readings import Readings, Source, remembered, texts_to_objects, view
from sql.errors import UserError
from tests.analysis.tables.frames import all_read
from tests.reading import read

CURVE = {
    "model": "m", "protocol": "codi", "decoding": "{}", "dtype": "float32", "set_name": "primary",
    "baseline_id": "b", "direction": "d", "site": "latent", "schedule": None, "operator": "add",
    "effect": "total", "kind": "k", "role": "candidate", "selection": "random",
    "selected_on_outcome": False, "n_missing": 0, "conditions": ("c",),
}  # fmt: skip


def counted(*rows: tuple[float, int, int, int, int]) -> pd.DataFrame:
    """Rows of `accuracy_by_alpha`: alpha, pairs, right at baseline, gained, lost."""
    names = ("alpha", "n_pairs", "baseline_n_correct", "gained", "lost")
    return all_read(pd.DataFrame([CURVE | dict(zip(names, row, strict=True)) for row in rows]))


def test_a_row_holds_the_reports_own_figures() -> None:
    # The report at +1.0: 28 of 86 right, 4 gained and 2 lost; oracles in the statistics guide.
    table = paired_tests(counted((1.0, 86, 28, 4, 2)))
    row = table.iloc[0]
    assert row["p"] == pytest.approx(0.453125)
    assert row["p_exact"] == pytest.approx(0.6875)
    assert row["p_sign"] == pytest.approx(0.6875)
    assert row["estimate"] == pytest.approx(2 / 86)
    assert (row["low"], row["high"]) == pytest.approx((-0.0415203, 0.0942848), abs=1e-6)
    assert row["accuracy"] == pytest.approx(30 / 86)
    assert row["accuracy_low"] == pytest.approx(28 / 86 - 0.0415203, abs=1e-6)
    assert row["bootstrap_low"] < row["estimate"] < row["bootstrap_high"]


def test_holm_is_taken_over_the_alphas_of_one_direction() -> None:
    frame = counted((1.0, 86, 28, 4, 2), (2.0, 86, 28, 1, 9))
    other = frame.assign(direction="e")
    table = paired_tests(pd.concat([frame, other], ignore_index=True))
    assert list(table["family_size"]) == [2, 2, 2, 2]
    one = table[table["direction"] == "d"]
    smallest = one["p"].min()
    assert one["p_adjusted"].min() == pytest.approx(2 * smallest)
    assert one["p_adjusted"].max() == pytest.approx(one["p"].max())


def test_a_row_without_changes_says_so_and_has_p_1() -> None:
    row = paired_tests(counted((1.0, 50, 20, 0, 0))).iloc[0]
    assert row["p"] == 1.0
    assert row["status"] == "no_information"
    assert row["low"] < 0 < row["high"]


def test_effects_equal_a_slow_pairing_of_the_outcomes(demo_like) -> None:
    table = tables.effects(demo_like)
    outcomes = read(demo_like, "outcomes").to_pandas()
    members = read(demo_like, "problem_sets").to_pandas()
    view = read(demo_like, "accuracy_by_alpha").to_pandas()
    for row in table.iloc[::7].to_dict("records"):
        chosen = view[
            (view["direction"] == row["direction"])
            & (view["alpha"] == row["alpha"])
            & (view["baseline_id"] == row["baseline_id"])
        ]
        condition = chosen["condition_id"].iloc[0]
        ids = set(members[members["set_name"] == row["set_name"]]["problem_id"])
        right = {
            name: {
                o["problem_id"]: o["correct"]
                for o in outcomes[outcomes["condition_id"] == name].to_dict("records")
                if o["problem_id"] in ids
            }
            for name in (condition, row["baseline_id"])
        }
        gained = lost = 0
        for problem in ids:
            now, before = right[condition][problem], right[row["baseline_id"]][problem]
            # Whatever has no verdict in this store was truncated or not parsed: it is not right.
            now, before = now is True, before is True
            gained += bool(now) and not before
            lost += bool(before) and not now
        assert (gained, lost) == (row["gained"], row["lost"])


def test_training_sets_are_not_tested(demo_like) -> None:
    assert "train" in set(read(demo_like, "problem_sets").to_pandas()["set_name"])
    assert "train" not in set(tables.effects(demo_like)["set_name"])


def test_a_set_that_was_covered_in_part_is_left_out(demo_like) -> None:
    rows = tables.accuracy(demo_like)
    rows = rows[(rows["set_name"] == "primary") & rows["direction"].notna()]
    assert len(whole_test_sets(rows, demo_like)) == len(rows)
    partial = rows.assign(n=rows["n"] - 1)
    assert whole_test_sets(partial, demo_like).empty


def test_seeds_do_not_make_up_for_problems_that_were_not_run(demo_like) -> None:
    rows = tables.accuracy(demo_like)
    rows = rows[(rows["set_name"] == "primary") & rows["direction"].notna()]
    # Two seeds of all but two of the problems: more outcomes than the set has problems.
    partial = rows.assign(n=2 * rows["n"] - 4, n_seeds=2)
    assert whole_test_sets(partial, demo_like).empty
    assert len(whole_test_sets(rows.assign(n=2 * rows["n"], n_seeds=2), demo_like)) == len(rows)


def test_the_selected_set_is_stamped(demo_like) -> None:
    stamps = tables.effects(demo_like).groupby("set_name")["selected_on_outcome"].unique()
    assert list(stamps["balanced"]) == [True]
    assert list(stamps["primary"]) == [False]


def test_curves_hold_their_baseline_at_alpha_0(demo_like) -> None:
    table = tables.accuracy_curves(demo_like)
    zero = table[table["alpha"] == 0]
    assert len(zero) == len(groups(table, ["set_name", "protocol", "direction"]))
    assert (zero["accuracy"] == zero["baseline_accuracy"]).all()
    assert set(table["role"]) == {"candidate"}


def test_transitions_add_up_to_the_set(demo_like) -> None:
    table = tables.transitions(demo_like)
    parts = table[["stayed_right", "gained", "lost", "stayed_wrong", "missing"]].sum(axis=1)
    assert (parts == table["total"]).all()
    long = tables.transitions_long(demo_like)
    assert long["problems"].sum() == table["total"].sum()


def test_missing_texts_are_none_and_equal_each_other() -> None:
    frame = texts_to_objects(pd.DataFrame({"a": ["x", None, np.nan], "b": [1.0, 2.0, 3.0]}))
    assert list(frame["a"]) == ["x", None, None]
    assert set(groups(frame, ["a"])) == {("x",), (None,)}
    assert len(matching(frame, {"a": None, "absent": 3})) == 2


@pytest.mark.own_readings
def test_a_table_is_computed_once_per_readings_and_cannot_be_spoiled(demo_like) -> None:
    calls = []

    @remembered
    def table(store: Source, *, confidence: float = 0.95) -> pd.DataFrame:
        calls.append((store, confidence))
        return pd.DataFrame({"a": [confidence]})

    readings = Readings(demo_like)
    first = table(readings)
    first["a"] = 2
    assert table(readings)["a"].tolist() == [0.95]
    assert table(readings, confidence=0.9)["a"].tolist() == [0.9]
    assert table(store=readings, confidence=0.9)["a"].tolist() == [0.9]
    assert calls == [(readings, 0.95), (readings, 0.9)]
    table(store=demo_like)
    table(Readings(demo_like))
    assert len(calls) == 4


def test_a_view_is_read_once_and_new_readings_see_new_rows(tmp_path, demo_like) -> None:
    root = tmp_path / "s"
    shutil.copytree(demo_like, root)
    readings = Readings(root)
    sets = view(readings, "sets_overview")
    shutil.rmtree(root)
    assert view(readings, "sets_overview").equals(sets)
    with pytest.raises(UserError):
        view(root, "sets_overview")


def test_what_is_computed_once_keeps_its_signature() -> None:
    assert list(inspect.signature(tables.effects).parameters) == ["store", "confidence"]

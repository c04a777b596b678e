"""Which controls are a candidate's own: each condition of comparability alone decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.calibration.experiments import World, experiments
from analysis.tables.own_controls import (
    DOSES,
    ERRORS,
    NORM,
    PROBLEMS,
    Sample,
    lacking,
    runs,
    samples,
)
from analysis.tables.readings import Readings
from tests.reading import read

WORLD = World(n=30, k=4, doses=(-2.0, -1.0, 1.0, 2.0))
# Of the four controls' rows in `directions`; row 0 is the candidate.
FIRST = "control_000 0"


def readings(world: World = WORLD) -> Readings:
    return experiments(world, 1, np.random.default_rng(0))


def altered(name: str, change: Callable[[pd.DataFrame], Any], world: World = WORLD) -> Readings:
    """Readings of one experiment in which one view was changed in place."""
    source = readings(world)
    frame = source.once(("view", name), pd.DataFrame)
    if name == "condition_details":
        frame["condition_no"] = frame["condition_no"].astype(float)
    change(frame)
    source._kept["view", name] = frame
    return source


def only(source: Readings) -> Sample:
    (sample,) = samples(source)
    return sample


def norms(of: str, values: Any) -> Callable[[pd.DataFrame], None]:
    def change(frame: pd.DataFrame) -> None:
        at = frame.index[frame["name"] == of][0]
        frame.at[at, "norm_by_position"] = values

    return change


def test_controls_of_the_same_norm_doses_and_rows_are_its_own() -> None:
    sample = only(readings())
    assert sample.controls == tuple(f"control_{j:03d} 0" for j in range(4))
    assert sample.alphas.tolist() == [-2, -1, 1, 2]
    assert sample.differences.shape == (5, 4, 30)
    assert (sample.left_out, sample.why) == ({}, "")
    assert (sample.names["candidate"], sample.names["control_kind"]) == (
        "candidate 0", "random_per_position"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of", "values", "kept"),
    [
        (FIRST, [1.0, 1.009], 4),
        (FIRST, [1.0, 1.011], 3),
        (FIRST, [0.98, 1.0], 3),
        (FIRST, [1.0], 3),
        (FIRST, None, 3),
        ("candidate 0", [1.0, 2.0], 0),
        ("candidate 0", None, 0),
    ],
)
def test_the_norm_must_agree_at_every_position(of: str, values: Any, kept: int) -> None:
    sample = only(altered("named_directions", norms(of, values)))
    assert len(sample.controls) == kept
    assert sample.left_out.get(NORM, 0) == 4 - kept
    assert ("do not have its norm" in sample.why) == (kept == 0)
    if kept == 3:
        assert FIRST not in sample.controls


@pytest.mark.parametrize(
    ("gates", "kept"),
    [
        ([{"protocol": "codi", "live": {"dead": ["latent[1]"]}}], 4),
        ([{"codi": {"protocol": "codi", "live": {"dead": ["latent[1]"]}}}], 4),
        ([{"protocol": "report", "live": {"dead": ["latent[1]"]}}], 3),
        ([{"protocol": "codi", "live": {"dead": ["latent[0]"]}}], 3),
        ([{"protocol": "codi", "live": {"dead": ["residual:1[1]"]}}], 3),
        # A position is dead where every run found it so.
        ([{"protocol": "codi", "live": {"dead": dead}} for dead in (["latent[1]"], [])], 3),
        ([{}], 3),
    ],
)
def test_a_dead_position_may_have_any_norm(gates: list[Any], kept: int) -> None:
    source = altered("named_directions", norms(FIRST, [1.0, 7.0]))
    source._kept["view", "runs"] = pd.DataFrame({"gates": [json.dumps(one) for one in gates]})
    assert len(only(source).controls) == kept


def test_controls_of_another_candidate_are_not_its_own() -> None:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[frame["name"] == FIRST, "parent_id"] = "somebody else"

    assert FIRST not in only(altered("named_directions", change)).controls

    def orphan(frame: pd.DataFrame) -> None:
        frame["parent_id"] = None

    sample = only(altered("named_directions", orphan))
    assert (sample.controls, sample.names["control_kind"]) == ((), None)
    assert "steerstat directions controls STORE --of candidate 0 --number 99" in sample.why


def test_every_kind_is_a_sample_of_its_own() -> None:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[frame["name"] == FIRST, "kind"] = "shuffled_labels"

    kinds = {one.names["control_kind"]: one for one in samples(altered("named_directions", change))}
    assert {kind: len(one.controls) for kind, one in kinds.items()} == {
        "random_per_position": 3, "shuffled_labels": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("site", "latent_projected"), ("schedule", "last"), ("operator", "clamp"),
        ("effect", "direct"), ("protocol", "report"), ("dtype", "bfloat16"),
        ("decoding", '{"temperature": 1}'), ("baseline_id", "another"),
    ],
)  # fmt: skip
def test_controls_that_were_run_in_another_way_were_not_run(name: str, value: str) -> None:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[frame["direction"] != "candidate 0", name] = value

    sample = only(altered("condition_details", change))
    assert sample.controls == ()
    assert "were not run here: collect control_000 0 and the others at α = −2, −1, +1 and +2" in (
        sample.why
    )


def test_a_control_without_a_dose_of_the_others_is_left_out() -> None:
    def change(frame: pd.DataFrame) -> None:
        gone = (frame["direction"] == FIRST) & (frame["alpha"] == 2.0)
        frame.loc[gone, "condition_no"] = np.nan  # that is how the view says "never collected"

    sample = only(altered("condition_details", change))
    assert (len(sample.controls), sample.left_out) == (3, {DOSES: 1})
    assert sample.alphas.tolist() == [-2, -1, 1, 2]


def test_doses_are_those_of_most_controls() -> None:
    def change(frame: pd.DataFrame) -> None:
        few = frame["direction"].isin([f"control_{j:03d} 0" for j in range(3)])
        frame.loc[few & (frame["alpha"].abs() == 1.0), "condition_no"] = np.nan

    sample = only(altered("condition_details", change))
    assert (len(sample.controls), sample.left_out) == (4, {})
    assert sample.alphas.tolist() == [-2, 2]


def test_doses_that_differ_by_rounding_are_one_dose() -> None:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[frame["direction"] == FIRST, "alpha"] *= 1 + 1e-15

    assert FIRST in only(altered("condition_details", change)).controls


@pytest.mark.parametrize("what", ["problems", "seeds"])
def test_other_problems_or_seeds_are_not_comparable(what: str) -> None:
    for of in (1, 4):
        source = readings()
        known = runs(source)
        # Conditions are numbered candidate first, then control by control.
        for number, set_name in list(known):
            if number > 4 and (number - 1) // 4 <= of:
                run = known[number, set_name]
                known[number, set_name] = replace(run, **{what: getattr(run, what) + 1})
        sample = only(source)
        assert (len(sample.controls), sample.left_out) == (4 - of, {PROBLEMS: of})
        assert ("same problems and seeds" in sample.why) == (of == 4)


def broken(source: Readings, number: int, count: int) -> None:
    """The first outcomes of one condition turned into errors."""
    known, gone = runs(source), np.arange(30) < count
    run = known[number, "primary"]
    known[number, "primary"] = replace(
        run,
        accuracy=np.where(gone, np.nan, run.accuracy),
        low=np.where(gone, 0.0, run.low),
        high=np.where(gone, 1.0, run.high),
    )


def test_an_error_is_missing_where_it_is_and_nowhere_else() -> None:
    source = readings()
    broken(source, 7, 1)
    known = runs(source)
    for number in range(1, 21):
        run = known[number, "primary"]
        known[number, "primary"] = replace(run, baseline=np.append(run.baseline[:-1], np.nan))
    sample = only(source)
    assert sample.differences.shape == sample.low.shape == (5, 4, 30)
    expected = np.zeros((5, 4, 30), dtype=bool)
    # Conditions are numbered candidate first, then control by control; the baseline is of all.
    expected[1, 2, 0] = expected[:, :, -1] = True
    assert (np.isnan(sample.differences) == expected).all()
    assert (sample.high - sample.low).sum() == 1
    assert sample.missing[FIRST] == (1, 1.0)
    assert sample.missing["the baseline"] == (1, 0.0)
    assert sample.missing.keys() == {FIRST, "the baseline"}


@pytest.mark.parametrize(("count", "kept"), [(14, 4), (15, 3)])
def test_a_control_that_lacks_half_of_its_outcomes_was_not_run_and_is_named(
    count: int, kept: int
) -> None:
    source = readings()
    broken(source, 8, count)
    sample = only(source)
    assert (len(sample.controls), sample.alphas.tolist()) == (kept, [-2, -1, 1, 2])
    assert sample.left_out == ({} if kept == 4 else {ERRORS: 1})
    assert sample.missing == {FIRST: (count, 2.0)}


def test_where_every_control_lacks_half_the_reason_names_them() -> None:
    source = readings()
    for number in (8, 12, 16, 20):
        broken(source, number, 15)
        broken(source, number - 1, 16)
        broken(source, number - 2, 20 + number % 3)
        broken(source, number - 3, 15)
    sample = only(source)
    assert (sample.controls, sample.left_out) == ((), {ERRORS: 4})
    assert "4 with errors in half of its outcomes or more" in sample.why
    assert "control_000 0 lacks 22 of 30 at α = −1, control_003 0 lacks 22 of 30" in sample.why
    assert "and 1 more directions lack some; compute them anew" in sample.why


@pytest.mark.parametrize(("count", "named"), [(5, False), (6, True)])
def test_more_than_a_twentieth_of_errors_is_named(count: int, named: bool) -> None:
    said = lacking({"a": (count, -3.0), "b": (1, 1.0)}, 100)
    assert said == (
        f" Outcomes are missing (errors): a lacks {count} of 100 at α = −3; compute them anew."
        if named
        else ""
    )


def test_the_samples_of_a_store_are_its_outcomes(demo_like: Path) -> None:
    """A slow oracle: every accuracy of a sample from the rows of `paired_outcomes`."""
    rows = read(demo_like, "paired_outcomes").to_pandas()
    sets = read(demo_like, "problem_sets").to_pandas()
    members = set(sets[sets["set_name"] == "primary"]["problem_id"])
    rows = rows[rows["problem_id"].isin(members) & (rows["protocol"] == "codi")]
    rows["right"] = rows["correct"].eq(True)
    rows["net"] = rows["gained"].astype(float) - rows["lost"].astype(float)
    rows["unknown"] = rows["correct"].isna()
    (sample,) = (
        one
        for one in samples(demo_like)
        if (one.names["candidate"], one.names["set_name"]) == ("mean_difference", "primary")
    )
    assert len(sample.controls) == 8
    for at, name in enumerate(("mean_difference", *sample.controls)):
        for column, alpha in enumerate(sample.alphas):
            mine = rows[(rows["direction"] == name) & (rows["alpha"] == alpha)]
            assert np.nansum(sample.differences[at, column]) == mine["net"].sum()
            assert sample.low[at, column].sum() == mine["right"].sum()
            assert sample.high[at, column].sum() == (mine["right"] | mine["unknown"]).sum()
    report = [one for one in samples(demo_like) if one.names["protocol"] == "report"]
    assert report
    assert all(one.left_out == {NORM: 5} for one in report)


def test_the_table_of_controls_says_why_it_does_not_test(demo_like: Path) -> None:
    table = tables.controls(demo_like)
    apart = table[table["protocol"] == "report"]
    assert len(apart)
    assert set(apart["status"]) == {"not_comparable"}
    assert apart["p_rank"].isna().all()
    assert apart["controls_mean"].notna().all()
    assert apart["why"].str.contains("norm").all()
    assert set(table[table["protocol"] == "codi"]["why"]) == {""}

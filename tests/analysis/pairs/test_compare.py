"""One pair compared: the numbers of the calculator and of the tables, whatever it comes from."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import steerstat
from analysis import Comparison, compare, compare_conditions, compare_files, tables
from sql.errors import UserError
from tests.synthetic import synthetic_store


def frames(
    both: int, gained: int, lost: int, neither: int, **more: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two frames with that table, and with `more` pairs such as right_none=2."""
    words = {"right": True, "wrong": False, "none": None}
    pairs: list[tuple[bool | None, bool | None]] = [(True, True)] * both
    pairs += [(False, True)] * gained
    pairs += [(True, False)] * lost + [(False, False)] * neither
    for name, count in more.items():
        one, other = name.split("_")
        pairs += [(words[one], words[other])] * count
    ids = [f"p{i}" for i in range(len(pairs))]
    before, after = (pd.Series([pair[i] for pair in pairs], dtype=object) for i in (0, 1))
    steered = pd.DataFrame({"id": ids, "correct": after}).iloc[::-1]
    return pd.DataFrame({"id": ids, "correct": before}), steered


def run(*arguments: str) -> Any:
    return CliRunner().invoke(steerstat.app, list(arguments))


def calculated(*arguments: str) -> dict[str, Any]:
    result = run("calc", *arguments, "--json")
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def test_the_numbers_are_those_of_the_calculator() -> None:
    found = compare(*frames(30, 4, 2, 50), on="id")
    row = found.as_dict()
    counts = ("--gained", "4", "--lost", "2", "--n", "86")
    assert row["test"] == calculated("mcnemar", *counts)["midp"]
    assert row["exact"] == calculated("mcnemar", *counts)["exact"]
    assert row["interval"] == calculated("difference", *counts)["tango"]
    assert row["test"]["p"] == 0.453125  # binomial(6, 1/2): 2 P(X < 2) + P(X = 2)
    shown = str(found)
    printed = run("calc", "mcnemar", *counts).stdout
    midp = printed.split("McNemar mid-p")[1].split()[0]
    assert f"McNemar mid-p    {midp}," in shown
    tango = run("calc", "difference", *counts).stdout.split("Tango score")[1].split("  (")[0]
    assert f"95 % interval    {tango.strip()} points" in shown
    interpretation = calculated("mcnemar", *counts)["interpretation"]
    assert interpretation in " ".join(shown.split())


def test_power_is_that_of_the_calculator_at_the_observed_discordance() -> None:
    found = compare(*frames(30, 10, 5, 55), on="id")
    assert found.power is not None
    expected = calculated("power", "--n", "100", "--discordance", "15")
    assert found.power.as_dict() == expected["result"]


def test_what_could_not_be_read_is_not_right_and_bounds_are_the_calculators() -> None:
    found = compare(*frames(26, 4, 2, 50, right_none=3, none_right=1, wrong_none=2), on="id")
    assert (found.gained, found.lost, found.n_pairs) == (5, 5, 88)
    assert found.unreadable == (1, 5)
    # Rows baseline right; wrong; missing, columns the same when steered.
    expected = calculated("missing", "--table", "26,2,3; 4,50,2; 1,0,0")["result"]
    assert found.bounds is not None
    assert found.complete is not None
    assert found.interval.estimate == expected["estimate"]
    assert found.test.p == expected["p"]
    assert found.complete.as_dict() == expected["complete"]
    assert found.bounds.low_effect == expected["low_effect"]
    assert found.bounds.high_effect == expected["high_effect"]
    assert (found.bounds.low, found.bounds.high) == (expected["low_bound"], expected["high_bound"])
    assert found.bounds.p_high == expected["p_high"]
    assert found.bounds.decision_unchanged == expected["decision_unchanged"]


def test_missing_outcomes_are_in_no_pair_and_move_the_bounds() -> None:
    before, after = frames(10, 12, 0, 10, wrong_none=9)
    after["status"] = ["error" if value is None else "ok" for value in after["correct"]]
    before["status"] = "ok"
    found = compare(before, after, on="id", status="status")
    assert (found.n_pairs, found.n_missing, found.unreadable) == (32, 9, (0, 0))
    assert found.interval.estimate == 12 / 32
    assert found.bounds is not None
    assert (found.bounds.low_effect, found.bounds.high_effect) == (12 / 41, 21 / 41)
    unread = after.assign(status=after["status"].replace("error", "truncated"))
    found = compare(before, unread, on="id", status="status")
    assert (found.n_pairs, found.n_missing, found.unreadable) == (41, 0, (0, 9))


def test_outcomes_without_a_partner_are_counted_and_have_bounds_of_their_own() -> None:
    before, after = frames(10, 12, 1, 10)
    found = compare(before, after[after["id"] != "p0"], on="id")
    assert (found.n_pairs, found.only_baseline, found.only_steered) == (32, 1, 0)
    assert found.bounds is not None
    assert found.unpaired_bounds is not None
    assert found.bounds.low_effect == found.bounds.high_effect == 11 / 32
    # p0 was right at the baseline: with it the steered side may have lost one more, of 33.
    assert (found.unpaired_bounds.low_effect, found.unpaired_bounds.high_effect) == (
        10 / 33,
        11 / 33,
    )
    assert not found.depends_on_missing
    alone = compare(before[before["id"] != "p32"], after, on="id")
    assert (alone.only_baseline, alone.only_steered) == (0, 1)
    dropped = compare(before, after[~after["id"].isin([f"p{i}" for i in range(6)])], on="id")
    assert dropped.verdict == "higher"
    assert dropped.depends_on_missing
    assert "would decide otherwise" in " ".join(str(dropped).split())
    assert "Other" not in str(found)


@pytest.mark.parametrize(
    ("table", "verdict"),
    [((5, 9, 1, 5), "higher"), ((5, 1, 9, 5), "lower"), ((5, 5, 4, 5), "not shown to differ")],
)
def test_the_verdict_follows_the_test(table: Sequence[int], verdict: str) -> None:
    found = compare(*frames(*table), on="id")
    assert found.verdict == verdict
    assert str(found).startswith(f"steered against baseline: {verdict}\n")
    assert compare(*frames(*table), on="id", confidence=0.9999).verdict == "not shown to differ"


def test_no_change_has_no_power_and_says_so() -> None:
    found = compare(*frames(5, 0, 0, 5), on="id")
    assert (found.test.p, found.power) == (1.0, None)
    assert "no problem changed" in str(found)


@settings(max_examples=15)
@given(st.tuples(*[st.integers(0, 12)] * 4).filter(sum))
def test_exchanged_sides_have_the_opposite_effect(table: tuple[int, int, int, int]) -> None:
    before, after = frames(*table)
    one, other = compare(before, after, on="id"), compare(after, before, on="id")
    assert (one.gained, one.lost) == (other.lost, other.gained) == table[1:3]
    assert one.interval.estimate == -other.interval.estimate
    assert one.test.p == other.test.p


def polars_frame(frame: pd.DataFrame) -> Any:
    return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))


KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "arrow": lambda frame: pa.Table.from_pylist(frame.to_dict("records")),
    "duckdb": lambda frame: duckdb.from_arrow(pa.Table.from_pylist(frame.to_dict("records"))),
    "polars": polars_frame,
    "polars, lazy": lambda frame: polars_frame(frame).lazy(),
    "pandas, nullable": lambda frame: frame.assign(correct=frame["correct"].astype("boolean")),
    "pandas, floats": lambda frame: frame.assign(correct=frame["correct"].astype(float)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_frame_says_the_same(kind: str) -> None:
    pair = frames(3, 4, 1, 5, right_none=2, none_right=1)
    expected = compare(*pair, on="id")
    assert compare(*map(KINDS[kind], pair), on="id") == expected
    assert (expected.gained, expected.lost) == (5, 3)


def test_several_columns_name_a_problem() -> None:
    before, after = (frame.assign(task="t") for frame in frames(3, 4, 1, 5))
    again = (pd.concat([frame, frame.assign(task="u")]) for frame in (before, after))
    assert compare(*again, on=["task", "id"]).n_pairs == 26


BAD: dict[str, tuple[Callable[[pd.DataFrame], Any], dict[str, Any], str]] = {
    "no frame": (lambda frame: "base.csv", {}, "baseline is a str: .*compare_files"),
    "no such column": (lambda frame: frame, {"on": "doc_id"}, "no column 'doc_id': it has id, c"),
    "no column": (lambda frame: frame, {"on": []}, "on names no column"),
    "no id": (
        lambda frame: frame.assign(id=pd.Series([None, *frame["id"][1:]], dtype=object)),
        {},
        "baseline, row 1 names no problem in id",
    ),
    "a list as id": (
        lambda frame: frame.assign(id=pd.Series([[1]] * len(frame), dtype=object)),
        {},
        "id holds a list",
    ),
    "a score": (lambda frame: frame.assign(correct=0.5), {}, "0.5, and neither .*>= 0.5"),
    "a text": (lambda frame: frame.assign(correct="no"), {}, "'no', and neither"),
    "twice": (
        lambda frame: pd.concat([frame, frame]),
        {},
        "several outcomes of problem 'p0' at seed 0",
    ),
    "nothing shared": (
        lambda frame: frame.assign(id=range(len(frame))),
        {},
        "no problem of baseline is one of steered: baseline has 0 against steered has 'p9'",
    ),
    "empty": (lambda frame: frame[:0], {}, "baseline has no outcome"),
    "status unknown": (
        lambda frame: frame.assign(s="timeout"),
        {"status": "s"},
        "status.*timeout",
    ),
    "status contradicted": (
        lambda frame: frame.assign(s="error"),
        {"status": "s"},
        "status error says that there is no outcome, found True",
    ),
    "half a seed": (lambda frame: frame.assign(n=0.5), {"seed": "n"}, "whole number, found 0.5"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_pair_is_refused(name: str) -> None:
    spoil, how, message = BAD[name]
    before, after = frames(2, 3, 1, 4)
    for column in (how.get("status"), how.get("seed")):
        if column is not None:
            after = after.assign(**{column: "ok" if column == "s" else 0})
    with pytest.raises(UserError, match=message):
        compare(spoil(before), after, **{"on": "id", **how})


def test_pairs_that_are_all_missing_are_refused() -> None:
    before, after = (frame.assign(s="error") for frame in frames(0, 0, 0, 0, none_none=3))
    with pytest.raises(UserError, match="none of 3 pairs has an outcome on both sides"):
        compare(before, after, on="id", status="s")


def test_a_condition_of_a_store_has_the_numbers_of_the_tables(demo_like: Path) -> None:
    effects = tables.effects(demo_like)
    rows = effects[(effects["role"] == "candidate") & (effects["set_name"] == "primary")]
    assert len(rows) >= 8
    for row in rows.to_dict("records")[::3]:
        found = compare_conditions(demo_like, "baseline", row["condition_id"], set_name="primary")
        assert (found.n_pairs, found.gained, found.lost) == (row["n"], row["gained"], row["lost"])
        shown = (found.test.p, found.interval.low, found.interval.high)
        assert shown == (row["p"], row["low"], row["high"])
        assert found.exact is not None
        assert found.bounds is not None
        assert found.complete is not None
        assert found.exact.p == row["p_exact"]
        assert (found.complete.estimate, found.complete.p) == pytest.approx(
            (row["complete_estimate"], row["complete_p"])
        )
        bounds = (found.bounds.low_effect, found.bounds.high_effect, found.bounds.p_high)
        expected = (row["effect_low"], row["effect_high"], row["bound_p"])
        assert bounds == pytest.approx(expected, abs=1e-12)
        assert found.bounds.decision_unchanged == row["bound_agrees"]


def test_conditions_are_named_by_direction_and_dose(demo_like: Path) -> None:
    found = compare_conditions(demo_like, "baseline", "mean_difference=-3")
    assert found.steered == "mean_difference=-3"
    assert found.unpaired_bounds is None  # the other sets of the baseline were not asked
    assert "8 control directions ran at this dose (a rank needs 39)" in found.unknown[0]
    assert not found.selected_on_outcome
    assert compare_conditions(demo_like, "baseline", "mean_difference=−3.0") == found
    between = compare_conditions(demo_like, "mean_difference=-3", "mean_difference=3")
    assert between.baseline == "mean_difference=-3"
    for pair, message in {
        ("baseline", "mean_difference"): "'mean_difference' is 4 conditions: .*mean_difference=-3 ",
        ("baseline", "mean=-3"): "no condition 'mean=-3': there are baseline, mean_difference=-1",
        ("mean_difference=-3", "baseline"): "is steered and baseline is a baseline: change",
        ("baseline", "baseline"): "2 conditions|both sides are baseline",
    }.items():
        with pytest.raises(UserError, match=message):
            compare_conditions(demo_like, *pair)
    with pytest.raises(UserError, match="no set 'tset': there are balanced, primary"):
        compare_conditions(demo_like, "baseline", "mean_difference=-3", set_name="tset")
    with pytest.raises(UserError, match="is no store"):
        compare_conditions(demo_like / "nothing", "baseline", "x")


def test_a_set_that_was_selected_on_the_outcome_stamps_the_pair(demo_like: Path) -> None:
    found = compare_conditions(
        demo_like, "baseline", "report_mean_difference=3", set_name="balanced"
    )
    assert found.selected_on_outcome
    assert found.test.scope == "these problems only"
    assert any("chosen by their outcome" in text for text in found.unknown)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic_store(
        tmp_path_factory.mktemp("seeds") / "store",
        rng=np.random.default_rng(3),
        n_problems=25,
        n_balanced=4,
        n_train=4,
        alphas=(-3.0, 3.0),
        n_controls=2,
        seeds=(0, 1, 2),
        report=False,
        missing=0.1,
    )


def test_several_seeds_are_tested_over_problems_as_the_tables_do(seeded: Path) -> None:
    effects = tables.effects(seeded)
    rows = effects[(effects["role"] == "candidate") & (effects["set_name"] == "primary")]
    for row in rows.to_dict("records"):
        found = compare_conditions(seeded, "baseline", row["condition_id"], set_name="primary")
        assert found.exact is None
        assert found.n_pairs == found.gained + found.lost + found.both_right + found.both_wrong
        assert found.n_pairs > found.n_problems == row["n"]
        assert (found.test.p, found.test.low, found.test.high) == (
            row["p"],
            row["low"],
            row["high"],
        )
        assert found.bounds is not None
        bounds = (found.bounds.low, found.bounds.high, found.bounds.p_high)
        assert bounds == (row["bound_low"], row["bound_high"], row["bound_p"])
        assert "over problems, seeds averaged" in str(found)
        assert "on average over 25 problems" in " ".join(str(found).split())


def test_a_baseline_of_one_seed_stands_beside_every_seed() -> None:
    before, after = frames(4, 5, 1, 6)
    sampled = pd.concat([after.assign(seed=seed) for seed in (0, 1)])
    found = compare(before.assign(seed=0), sampled, on="id", seed="seed")
    assert (found.n_pairs, found.n_problems, found.only_steered) == (32, 16, 0)
    assert found.interval.estimate == pytest.approx(4 / 16)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def rows_of(right: Sequence[bool | None], **more: Any) -> list[dict[str, Any]]:
    answers = {True: "right", False: "0"}
    return [
        {
            "id": i,
            "question": f"What is {i} + 1?",
            "gold": i + 1,
            "answer": "" if ok is None else i + 1 if answers[ok] == "right" else 0,
            **more,
        }
        for i, ok in enumerate(right)
    ]


BEFORE = [True] * 6 + [False] * 14
AFTER = [True] * 16 + [False] * 4


def test_two_files_are_compared_and_the_exit_code_says_how(tmp_path: Path) -> None:
    base = write(tmp_path / "base.csv", rows_of(BEFORE))
    steered = write(tmp_path / "steered.csv", rows_of(AFTER)[::-1])
    result = run("compare", base, steered, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["gained"], content["lost"], content["n_pairs"]) == (10, 0, 20)
    assert content["test"]["p"] == pytest.approx(0.5**10)  # 2 · (½ of P(X = 0)), binomial(10, ½)
    assert content["interpretation"].startswith("Steering gained more")
    frames_of_files = [pd.read_csv(path) for path in (base, steered)]
    judged = [frame.assign(correct=frame["answer"] == frame["gold"]) for frame in frames_of_files]
    assert compare(*judged, on="id").test.p == content["test"]["p"]

    dropped = write(tmp_path / "dropped.csv", rows_of(AFTER)[7:])
    result = run("compare", base, dropped)
    assert result.exit_code == 1
    assert result.stdout.startswith("dropped.csv against base.csv: higher\n")
    assert "question and gold answer: 13 pairs of 13 problems" in result.stdout
    assert "7 only at the baseline" in result.stdout
    result = run("compare", base, str(tmp_path / "nothing.csv"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert isinstance(result.exception, UserError)


def test_rows_that_cannot_be_used_are_named_and_more_than_one_percent_is_refused(
    tmp_path: Path,
) -> None:
    base = write(tmp_path / "base.csv", rows_of(BEFORE * 6))
    few = rows_of(AFTER * 6)
    few[3]["question"] = few[3]["gold"] = ""
    few[3]["id"] = ""
    steered = write(tmp_path / "few.csv", few)
    result = run("compare", base, steered)
    assert result.exit_code == 1
    assert "1 row not to be used, the first: few.csv: few.csv line 5" in " ".join(
        result.stdout.split()
    )
    many = [*few]
    for row in many[:4]:
        row["id"] = row["question"] = row["gold"] = ""
    steered = write(tmp_path / "many.csv", many)
    with pytest.raises(UserError, match="4 of 120 entries cannot be used, more than 1%"):
        compare_files(base, steered)
    found = compare_files(base, steered, allow_bad=True)
    assert (len(found.unusable), found.n_pairs, found.only_baseline) == (4, 116, 4)


def test_files_are_joined_by_their_own_ids_where_that_is_asked(tmp_path: Path) -> None:
    base = write(tmp_path / "base.csv", rows_of(BEFORE))
    prompted = [{**row, "question": f"Q: {row['question']}"} for row in rows_of(AFTER)]
    steered = write(tmp_path / "steered.csv", prompted)
    with pytest.raises(UserError, match=r"no problem of base\.csv is one of steered\.csv: .*What"):
        compare_files(base, steered)
    found = compare_files(base, steered, on="id")
    assert (found.n_pairs, found.other_questions) == (20, 20)
    assert any("20 pairs have different questions" in text for text in found.unknown)
    with pytest.raises(UserError, match="unknown on 'name'"):
        compare_files(base, steered, on="name")  # type: ignore[arg-type]


def test_a_file_of_both_conditions_is_compared_within(tmp_path: Path) -> None:
    rows = [*rows_of(BEFORE, condition="baseline"), *rows_of(AFTER, condition="ours")]
    both = write(tmp_path / "both.csv", rows)
    with pytest.raises(
        UserError, match=r"both.csv holds 2 conditions \(baseline, ours=1\): .*--in"
    ):
        compare_files(both, write(tmp_path / "steered.csv", rows_of(AFTER)))
    result = run("compare", "baseline", "ours", "--in", both, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["baseline"], content["steered"], content["gained"]) == (
        "baseline",
        "ours=1",
        10,
    )
    assert content["unpaired_bounds"] is None


def test_settings_that_differ_are_named(tmp_path: Path) -> None:
    base = write(tmp_path / "base.csv", rows_of(BEFORE, model="gpt2"))
    steered = write(tmp_path / "steered.csv", rows_of(AFTER, model="llama"))
    found = compare_files(base, steered)
    assert found.differs == {"model": ("gpt2", "llama")}
    assert "not the same     model: gpt2 → llama" in str(found)


def test_files_of_one_name_are_told_apart_and_a_file_is_not_compared_with_itself(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / name / "samples.csv" for name in ("base", "steered")]
    for path, right in zip(paths, (BEFORE, AFTER), strict=True):
        path.parent.mkdir()
        write(path, rows_of(right))
    found = compare_files(*paths)
    assert (found.baseline, found.steered) == (str(paths[0]), str(paths[1]))
    with pytest.raises(UserError, match="both sides are"):
        compare_files(paths[0], paths[0])


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A comparison with every line that there is, and texts that are not printable."""
    before = rows_of([*BEFORE, None, True, *[False] * 300], model="gpt2")
    after = rows_of([*AFTER, True, None, *[False] * 299], model="<b>" + "m" * 60)
    after[5]["id"] = after[5]["question"] = after[5]["gold"] = ""
    tmp_path = tmp_path_factory.mktemp("everything")
    base = write(tmp_path / f"{'long' * 12}_<i>_base.csv", before)
    return compare_files(base, write(tmp_path / f"{'long' * 12}_\x1b[31m_steered.csv", after))


def test_it_is_one_screen_whatever_it_is_called(everything: Comparison) -> None:
    found = everything
    assert found.unusable
    assert found.differs
    assert found.unpaired_bounds is not None
    assert found.complete is not None
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 45
    assert "\x1b" not in str(found)


def test_in_a_notebook_it_is_a_table_that_runs_nothing(everything: Comparison) -> None:
    page = everything._repr_html_()
    assert page.startswith("<table>")
    assert "<b>" not in page
    assert "<i>" not in page
    assert "\x1b" not in page
    assert "McNemar mid-p" in page
    assert "This pair alone cannot tell" in page


def test_json_has_every_number_unrounded(everything: Comparison) -> None:
    row = everything.as_dict()
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert {"table", "nan"}.isdisjoint(row)
    assert math.isclose(sum(row[k] for k in ("both_right", "gained", "lost", "both_wrong")),
                        row["n_pairs"])  # fmt: skip


def test_what_belongs_to_a_store_is_refused_for_files() -> None:
    result = run("compare", "a.csv", "b.csv", "--set", "primary")
    assert isinstance(result.exception, UserError)
    assert "--in" in str(result.exception)

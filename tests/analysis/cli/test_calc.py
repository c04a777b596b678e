"""The calculator: the same numbers as the library, JSON that parses, sentences that hold."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis import compare_to_controls, controls_power, mcnemar, paired_difference
from analysis.claims.restore import restored_count, restored_counts
from analysis.cli.calc import app
from analysis.statistics.results import Refusal
from sql.errors import UserError

CONTROLS = ["--effect", "-12.8", "--controls=-1.2,-2.3,-5.8,-11.6,-12.8"]
REPORT = ["--gained", "4", "--lost", "2", "--n", "86"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run(*arguments, "--json"))
    assert content["interpretation"].endswith(".")
    return content


def test_mcnemar() -> None:
    content = run_json("mcnemar", *REPORT)
    assert content["midp"]["p"] == mcnemar(4, 2).p
    assert content["exact"]["p"] == pytest.approx(0.6875)
    assert content["sign_test"]["dropped"] == 80
    text = run("mcnemar", *REPORT)
    assert "not evidence of no effect" in text
    harmful = run("mcnemar", "--gained", "8", "--lost", "19")
    assert "lost more problems" in harmful
    assert "does not reach 0.05 (p = 0.0522)" in harmful
    assert "no problem changed" in run("mcnemar", "--gained", "0", "--lost", "0").lower()


@pytest.mark.parametrize(
    ("command", "exact", "shown"),
    [
        ("mcnemar --gained 0 --lost 6 --n 39", "0.01562", "0.016"),
        ("difference --gained 0 --lost 6 --n 39", "0.01562", "0.016"),
        ("controls --effect -12.8 --controls=-1.2,-2.3,-5.8,-11.6,-12.8 --n 86", "0.355", "0.36"),
        ("fragility --gained 7 --lost 18 --n 86 --fragile-lost 2", "0.0289", "0.029"),
        ("equivalence --gained 4 --lost 2 --n 86 --margin 9", "0.03093", "0.031"),
        ("strata --gained 9,1 --lost 2,3 --n 40,46", "0.07692", "0.077"),
    ],
)
def test_a_p_is_the_same_in_the_lines_and_in_the_sentence(
    command: str, exact: str, shown: str
) -> None:
    lines, sentence = run(*command.split()).split("\n\n")
    assert f"  {shown}" in lines
    assert f"p = {shown}" in sentence
    assert exact not in lines + sentence
    assert exact in run(*command.split(), "--json")


@pytest.mark.parametrize("command", ["controls", "controls-power"])
def test_the_least_rank_p_is_the_same_in_the_lines_and_in_the_sentence(command: str) -> None:
    options = [*CONTROLS, "--n", "86"] if command == "controls" else ["--k", "5"]
    lines, sentence = run(command, *options).split("\n\n")
    assert re.search(r"rank p.*0\.33", lines)
    assert "cannot go below 0.33" in sentence
    assert "0.333" not in lines + sentence


def test_options_keep_their_names_and_their_meaning() -> None:
    assert "90 % intervals" in run("difference", *REPORT, "--confidence", "0.9")
    counts = [*REPORT, "--margin", "9"]
    strict = run_json("equivalence", *counts, "--significance", "0.01")["result"]
    assert strict["level"] == pytest.approx(0.98)


@pytest.mark.parametrize(
    ("level", "named"),
    [
        (["--alpha", "0.01"], "the level of a test is --significance"),
        (["--alpha=0.01"], "the level of a test is --significance"),
        (["--level", "0.9"], "the level of an interval is --confidence"),
        (["--level=0.9"], "the level of an interval is --confidence"),
    ],
)
def test_a_level_by_its_former_name_is_refused(level: list[str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        CliRunner().invoke(
            app, ["equivalence", *REPORT, "--margin", "9", *level], catch_exceptions=False
        )


def test_adjusted_values_are_written_like_any_p() -> None:
    one, other = run("adjust", ".0123456", ".00001", "--family-size", "2").splitlines()[1:3]
    assert one.split() == ["0.012", "0.012"]
    assert other.strip() == "< 0.0001  < 0.0001"


def test_difference() -> None:
    content = run_json("difference", *REPORT)
    library = paired_difference(4, 2, 86)
    assert content["tango"]["low"] == library.low
    assert content["bonett_price"]["high"] == pytest.approx(0.0855437, abs=1e-7)
    text = run("difference", *REPORT)
    assert "−4.2 to +9.4 points" in text
    assert "disagree" in run("difference", "--gained", "0", "--lost", "4", "--n", "50")
    assert "no problem changed" in run("difference", "--gained", "0", "--lost", "0", "--n", "50")
    stamped = run("difference", *REPORT, "--selected-on-outcome")
    assert "these problems only" in stamped


def test_controls_with_restored_counts_and_without() -> None:
    exact, rounded = run_json("controls", *CONTROLS, "--n", "86"), run_json("controls", *CONTROLS)
    assert exact["result"]["p"] == pytest.approx(0.355693, abs=5e-7)
    assert rounded["result"]["p"] == pytest.approx(0.35412, abs=5e-6)
    assert exact["result"]["d"] == pytest.approx(-1.142926, abs=5e-7)
    assert exact["result"]["status"] == "too_few_controls"
    assert "restored" in exact["notes"][0]
    assert "-11 among -1, -2, -5, -10, -11" in exact["notes"][0]
    assert "--n" in rounded["notes"][0]
    library = compare_to_controls(-11 / 86, [-c / 86 for c in (1, 2, 5, 10, 11)], tail="less")
    less = run_json("controls", *CONTROLS, "--n", "86", "--tail", "less")
    assert less["result"]["p_rank"] == pytest.approx(1 / 3)
    assert less["result"]["p"] == pytest.approx(library.p)
    text = run("controls", *CONTROLS, "--n", "86")
    assert "not shown to be unusual" in text
    assert "cannot go below" in text
    assert "undefined" in run("controls", "--effect", "-3", "--controls=-1,-1,-1")


def test_power_in_its_three_forms() -> None:
    both = run_json("power", "--n", "100", "--effect", "5", "--discordance", "15")
    assert both["result"]["estimate"] == pytest.approx(0.239, abs=5e-4)
    assert "weak evidence" in both["interpretation"]
    smallest = run_json("power", "--n", "86", "--discordance", "10")
    assert smallest["result"]["estimate"] == pytest.approx(0.088, abs=5e-4)
    problems = run_json("power", "--effect", "5", "--discordance", "15")
    assert problems["result"]["estimate"] == 461
    assert "no effect reaches" in run("power", "--n", "20", "--discordance", "10")


def test_adjust() -> None:
    p = [".001", ".013", ".021", ".04", ".2", ".6"]
    content = run_json("adjust", *p, "--family-size", "6")
    assert content["result"]["p"] == pytest.approx([0.006, 0.065, 0.084, 0.12, 0.4, 0.6])
    assert "family of 6" in content["interpretation"]


def test_equivalence_and_no_harm() -> None:
    counts = ["--gained", "1", "--lost", "1", "--n", "300", "--margin", "5"]
    content = run_json("equivalence", *counts)
    assert content["result"]["shown"] is True
    assert content["result"]["margin"] == 0.05
    weak = run_json("equivalence", *REPORT, "--margin", "5", "--no-harm")
    assert weak["result"]["shown"] == (weak["result"]["p"] < 0.05)
    assert "not shown" in run("equivalence", *REPORT, "--margin", "5")


def test_discordance_look_missing_fragility_strata_accuracy() -> None:
    assert (
        run_json("discordance", "--gained", "4", "--lost", "0", "--n", "86")["result"]["odds"]
        == "inf"
    )
    floor = run("discordance", *REPORT, "--floor-changed", "5", "--floor-n", "86")
    assert "not clearly more than" in floor
    early = run_json("look", "--gained", "0", "--lost", "8", "--n", "60", "--planned", "400")
    assert early["e_value"]["estimate"] == pytest.approx(28.4, abs=0.05)
    assert early["futility"] is None
    assert "may stop here and reject" in early["interpretation"]
    later = run_json("look", *REPORT, "--planned", "400")
    assert 0 < later["futility"]["estimate"] < 1
    assert "may not reject yet" in later["interpretation"]
    bounds = run_json("missing", "--table", "26,2,0; 4,50,2; 1,0,1")
    assert bounds["result"]["complete"]["n"] == 82
    fragile = run("fragility", "--gained", "7", "--lost", "18", "--n", "86", "--fragile-lost", "2")
    assert "hangs on numerical noise" in fragile
    assert "contrast" in run("strata", "--gained", "3,1", "--lost", "0,2", "--n", "40,46")
    assert "32.6 %" in run("accuracy", "--k", "28", "--n", "86")
    assert "0.978" in run("controls-power", "--k", "19")


def test_effects_and_margins_below_half_a_point_are_points() -> None:
    power = run_json("power", "--n", "1319", "--effect", "0.3", "--discordance", "4")
    assert power["result"]["effect"] == pytest.approx(0.003)
    assert "+0.3 points" in power["interpretation"]
    many = ["--gained", "4", "--lost", "2", "--n", "1319", "--margin"]
    assert run_json("equivalence", *many, "0.4")["result"]["margin"] == pytest.approx(0.004)
    # One problem of 1,319 is 0.0758 points.
    assert run_json("equivalence", *many, "0.076")["result"]["shown"] is False
    with pytest.raises(UserError, match="less than one problem of 1319"):
        run("equivalence", *many, "0.075")


def test_a_difference_of_rounded_accuracies_may_be_off_by_one_in_its_last_digit() -> None:
    # 22 and 33 of 86 are 25.6 and 38.4 %; 21 and 32 are 24.4 and 37.2 %: -11 either way, -12.79.
    others = "--controls=-1.2,-2.3,-5.8,-11.6,-12.8"
    content = run_json("controls", "--effect", "-12.7", others, "--n", "86")
    assert content["result"]["p"] == pytest.approx(0.355693, abs=5e-7)
    assert [note for note in content["notes"] if "-12.7 is read as -11 of 86" in note]
    assert len(run_json("controls", *CONTROLS, "--n", "86")["notes"]) == 1


def test_what_is_not_defined_is_said_in_words() -> None:
    text = run("controls", "--effect", "-3", "--controls=-1,-1,-1")
    assert "status               degenerate" in text
    assert "nan" not in text + run("controls", "--effect", "-3", "--controls=-1,-2")


def test_controls_power_has_its_level_and_its_tail() -> None:
    asked = ["controls-power", "--k", "19", "--tail", "less", "--significance", "0.01"]
    expected = controls_power(19, model="fixed", tail="less", significance=0.01)
    assert run_json(*asked)["result"]["estimate"] == expected.power
    assert "at 0.01 (less)" in run(*asked)


def test_strata_print_the_n_of_each() -> None:
    text = run("strata", "--gained", "3,1", "--lost", "0,2", "--n", "40,46")
    assert "stratum 1, n = 40" in text
    assert "stratum 2, n = 46" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mcnemar", "--gained", "4", "--lost", "2", "--seeds", "8"], "clustered_difference"),
        (["mcnemar", "--gained", "-4", "--lost", "2"], "negative"),
        (["difference", "--gained", "40", "--lost", "20", "--n", "50"], "more than n"),
        (["controls", "--effect", "-12.8", "--controls=-1.2"], "control"),
        (["controls", "--effect", "-12.8", "--controls=-1.2,x"], "numbers with commas"),
        (["controls", "--effect", "-12.5", "--controls=-1.2,-2.3", "--n", "86"], "no whole number"),
        (["power", "--n", "86", "--effect", "5"], "--discordance is missing"),
        (["power", "--discordance", "5"], "--n, --effect"),
        (["power", "--n", "86", "--effect", "0.05", "--discordance", "15"], "pass points, 5 for"),
        (["power", "--n", "86", "--effect", "nan", "--discordance", "15"], "--effect nan"),
        (["power", "--n", "86", "--effect", "16", "--discordance", "15"], "--effect 16 points is"),
        (["power", "--n", "86", "--effect", "5", "--discordance", "150"], "--discordance 150"),
        (["signed-power", "--n", "86", "--effect", "9", "--discordance", "15"], "9 points twice"),
        (
            ["trend-power", "--n", "86", "--slope", "3", "--alphas", "1,-3", "--discordance", "15"],
            "--slope at the largest alpha, -9 points twice",
        ),
        (["equivalence", *REPORT, "--margin", "140"], "--margin 140: pass points"),
        (["equivalence-power", "--n", "86", "--discordance", "15"], "calc difference"),
        (["difference", *REPORT, "--confidence", "95"], "--confidence must lie between 0 and 1"),
        (["look", *REPORT, "--planned", "80"], "--planned 80 is less than the 86"),
        (["look", "--gained", "0", "--lost", "14", "--n", "86", "--planned", "80"], "--planned 80"),
        (["look", *REPORT, "--effect", "5"], "pass --planned"),
        (["look", *REPORT, "--discordance", "5"], "pass --planned"),
        (["look", *REPORT, "--planned", "100", "--effect", "nan"], "--effect nan"),
        (["controls", "--effect", "nan", "--controls=-1.2,-3"], "--effect holds 'nan'"),
        (["controls", "--effect", "-3", "--controls=-1,-3", "--n", "0"], "n must be"),
        (["controls", "--effect", "-12.9", "--controls=-1.2,-2.3", "--n", "86"], "no whole number"),
        (["adjust", ".01", ".02"], "family"),
        (["equivalence", *REPORT], "--margin is missing"),
        (["missing", "--table", "1,2;3,4"], "3 x 3"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "\n" not in str(caught.value)


def test_restoring_counts() -> None:
    assert restored_counts(["-12.8", "+2.3", "−1.2", "0.0", "5.8%"], 86) == [-11, 2, -1, 0, 5]
    for n in (43, 86, 300, 532):
        for k in range(-n, n + 1):
            assert restored_count(f"{100 * k / n:.2f}", n) == k
    with pytest.raises(Refusal, match="more decimals"):
        restored_count("12.8", 5000)
    with pytest.raises(Refusal, match="not a number"):
        restored_count("twelve", 86)


def test_what_is_planned_and_all_levels() -> None:
    from analysis import (
        confidence_curve,
        equivalence_power,
        signed_power,
        trend_power,
        unconditional_test,
    )

    content = run_json("unconditional", "--gained", "1", "--lost", "7", "--n", "21")
    assert content["result"]["p"] == unconditional_test(1, 7, 21).p
    assert "0.035" in run("unconditional", "--gained", "1", "--lost", "7", "--n", "21")
    assert "p = 1" in run("unconditional", "--gained", "0", "--lost", "0", "--n", "21")
    content = run_json("curve", *REPORT)
    assert content["result"]["low"] == confidence_curve(4, 2, 86).low.tolist()
    assert re.search(r"95 % +−4\.152 to \+9\.428", run("curve", *REPORT))
    arguments = ["--n", "300", "--margin", "5", "--discordance", "10", "--effect", "-1"]
    content = run_json("equivalence-power", *arguments, "--no-harm")
    expected = equivalence_power(300, margin=0.05, discordance=0.1, effect=-0.01, one_sided=True)
    assert content["result"]["estimate"] == expected.power
    arguments = ["--n", "300", "--effect", "3", "--discordance", "20"]
    content = run_json("signed-power", *arguments)
    assert content["result"]["estimate"] == signed_power(300, signed=0.03, discordance=0.2).power
    arguments = ["--n", "86", "--slope", "0.4", "--alphas", "1,2", "--discordance", "20"]
    content = run_json("trend-power", *arguments)
    expected_trend = trend_power(86, slope=0.004, alphas=[1, 2], discordance=0.2)
    assert content["result"]["estimate"] == expected_trend.power
    assert f"{expected_trend.power:.3f}" in run("trend-power", *arguments)

"""The calibration says what is so: right methods inside their marks, wrong ones outside."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from analysis import Refusal
from analysis.calibration import QUICK, SECTIONS, Effort, calibrate, marks_table, rate_tables
from analysis.calibration.rows import Row, average, noisy_runs, rate, runs_of_accuracy
from analysis.cli.calibrate import app

SMALL = replace(
    QUICK,
    tables=400,
    searches=20,
    problems=(43,),
    discordances=(0.20,),
    controls=(5,),
    experiments=2,
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return calibrate(seed=0, effort=SMALL)


def test_every_section_speaks_and_every_rate_is_one(rows: list[Row]) -> None:
    assert {row.section for row in rows} == set(SECTIONS)
    assert all(0 <= row.value <= 1 and row.error > 0 for row in rows)
    quantities = {"size", "power", "coverage", "gain", "false support"}
    assert {row.quantity for row in rows} == quantities
    marked = {row.method for row in rows if row.mark}
    assert marked == {
        "McNemar mid-p",
        "Tango",
        "Crawford–Howell",
        "max-T",
        "best alpha, search",
        "best alpha, max-T",
        "reflection trend",
        "e-value, every problem",
        "simultaneous band",
        "cluster score",
        "confidence sequence, combined",
        "confidence sequence, multinomial",
        "plan: e-value, Holm",
        "supported",
        "mid-p at the largest dose, primary",
        "reflection trend, primary",
        "Mantel's trend of even missingness",
    }


def test_sizes_of_pair_tests_equal_the_exact_ones() -> None:
    effort = Effort(tables=20_000, problems=(43,), discordances=(0.20,))
    found = {
        row.method: row
        for row in calibrate(seed=1, effort=effort, sections=["pairs"])
        if row.quantity == "size"
    }
    # Exact size of McNemar: over the number of discordant pairs, the binomial tail that rejects.
    size = 0.0
    for changed in range(44):
        k = np.arange(changed + 1)
        p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(k, changed - k), changed, 0.5))
        weight = stats.binom.pmf(k, changed, 0.5)[p <= 0.05].sum()
        size += stats.binom.pmf(changed, 43, 0.20) * weight
    exact = found["McNemar exact, sign test"]
    assert exact.value == pytest.approx(size, abs=4 * exact.error)
    assert found["McNemar mid-p"].verdict == "meets"
    assert found["McNemar mid-p"].value > exact.value


def test_dropping_what_was_cut_off_invents_what_the_primary_estimand_does_not() -> None:
    effort = Effort(searches=100, problems=(86,), resamples=19)
    found = {row.method: row for row in calibrate(seed=1, effort=effort, sections=["missing"])}
    assert found["mid-p at the largest dose, primary"].verdict == "meets"
    assert found["reflection trend, primary"].verdict == "meets"
    assert found["mid-p at the largest dose, complete cases (wrong)"].value > 0.5
    assert found["reflection trend, complete cases (wrong)"].value > 0.1
    # What every reading decides, the primary one does too.
    primary = found["mid-p at the largest dose, primary"].value
    assert found["mid-p under every reading"].value <= primary
    assert found["Mantel's trend of cut-off losses"].quantity == "power"


def test_wrong_methods_are_seen_to_be_wrong() -> None:
    effort = Effort(tables=4000, searches=20, problems=(43,), controls=(5,), experiments=2)
    found = {
        (row.method, row.setting.get("controls")): row
        for row in calibrate(seed=2, effort=effort, sections=["controls"])
        if row.quantity == "size"
    }
    assert found["Crawford–Howell", "normal"].verdict == "meets"
    assert found["one-sample t (wrong)", "normal"].value == pytest.approx(0.32, abs=0.03)
    assert found["z (wrong)", "normal"].value == pytest.approx(0.15, abs=0.03)
    assert found["rank, one-sided", "normal"].value == 0


def test_crawford_howell_has_its_level_far_out_under_normal_controls_alone() -> None:
    effort = replace(QUICK, tables=20_000, searches=2, controls=(99,))
    sizes = {
        (row.method.split()[-1], row.setting["controls"]): row
        for row in calibrate(seed=3, effort=effort, sections=["controls"])
        if row.quantity == "tail size"
    }
    assert len(sizes) == 9
    normal = sizes["0.001", "normal"]
    assert normal.value == pytest.approx(0.001, abs=4 * normal.error)
    # A hundred times the level.
    assert 0.005 < sizes["0.0001", "t3"].value < 0.012
    assert 0.005 < sizes["0.0001", "2 % outliers"].value < 0.02


def test_marks_allow_two_standard_errors_and_are_printed_when_missed() -> None:
    hits = np.zeros(1000, bool)
    hits[:60] = True
    good = rate("pairs", "a", "size", hits, {"n": 5}, mark=(0.0, 0.055))
    assert (good.verdict, good.value) == ("meets", 0.06)
    hits[:80] = True
    bad = rate("pairs", "a", "size", hits, {"n": 6}, mark=(0.0, 0.055))
    assert bad.verdict == "misses"
    assert rate("pairs", "a", "size", hits, {}).verdict == ""
    assert ".0800 ± .0086 at n 6" in marks_table([good, bad])
    assert "**.0800 ± .0086**" in rate_tables([good, bad])
    assert "**.0600" not in rate_tables([good, bad])


def test_runs_disagree_as_often_as_asked() -> None:
    runs = noisy_runs(np.random.default_rng(0), (200, 100, 4), 0.12)
    assert np.mean(runs[..., 0] != runs[..., 3]) == pytest.approx(0.12, abs=0.01)
    assert runs.mean() == pytest.approx(0.5, abs=0.02)


def test_runs_keep_their_accuracy_and_disagree_as_often_as_asked() -> None:
    for accuracy, discordance in ((0.02, 0.0392), (0.1, 0.07), (0.9, 0.12)):
        runs = runs_of_accuracy(np.random.default_rng(0), (400, 100, 3), accuracy, discordance)
        assert runs.mean() == pytest.approx(accuracy, abs=0.01)
        assert np.mean(runs[..., 0] != runs[..., 2]) == pytest.approx(discordance, abs=0.01)


def test_a_mean_has_the_error_of_a_mean() -> None:
    row = average("accuracies", "a", "gain", [0.01, 0.05, 0.03, 0.03], {"n": 86})
    assert row.value == pytest.approx(0.03)
    assert row.error == pytest.approx(np.std([0.01, 0.05, 0.03, 0.03], ddof=1) / 2)


def test_sections_have_generators_of_their_own(rows: list[Row]) -> None:
    alone = calibrate(seed=0, effort=SMALL, sections=["looks"])
    assert alone == [row for row in rows if row.section == "looks"]
    with pytest.raises(Refusal, match="unknown section 'pear'"):
        calibrate(seed=0, sections=["pear"])  # type: ignore[list-item]


def test_the_command_prints_tables_or_json() -> None:
    arguments = ["looks", "--quick", "--tables", "400"]
    runner = CliRunner()
    text = runner.invoke(app, arguments)
    assert text.exit_code == 0
    assert "| e-value, every problem, size | ≤ .0500 |" in text.stdout
    found = json.loads(runner.invoke(app, [*arguments, "--json"]).stdout)
    assert {row["section"] for row in found} == {"looks"}
    assert all("error" in row for row in found)


@pytest.mark.trial
@pytest.mark.parametrize("tests", [3, 4, 12])
@pytest.mark.parametrize("n", [200, 400, 1319])
def test_plans_that_stop_keep_the_level_over_the_whole_family(tests: int, n: int) -> None:
    """Walked by the rule itself and corrected as tables do it, with and without futility."""
    effort = Effort(searches=300, families=(tests,), planned=(n,))
    rows = calibrate(seed=4, effort=effort, sections=["plans"])
    sizes = [row for row in rows if row.mark]
    assert {(row.setting["futility"], row.setting["with effect"]) for row in sizes} == {
        (futility, real) for futility in (0.0, 0.1) for real in (0, tests // 2)
    }
    assert all(row.value <= 0.05 + 2 * row.error for row in sizes)
    power = {
        (row.method, row.setting["futility"]): row.value for row in rows if row.quantity == "power"
    }
    looked, whole = power["plan: e-value, Holm", 0.0], power["all problems: mid-p, Holm", 0.0]
    # The price of looking; futility costs a little more.
    assert 0.02 < whole - looked < 0.6
    assert power["plan: e-value, Holm", 0.1] <= looked

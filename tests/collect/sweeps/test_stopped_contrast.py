"""A real plan whose contrast ends early: it stays a result, everywhere that results are shown."""

import json
import re
import shutil

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from analysis import confidence_sequence, e_value, tables
from analysis.plans import freeze
from analysis.recorded import analyze
from analysis.report import write_report
from analysis.report.verdicts import store_verdicts
from collect.directions.control_vectors import random_per_position
from collect.directions.directions import add_direction
from collect.directions.selection import select_directions
from collect.sweeps import stopping
from collect.sweeps.request import make_request
from collect.sweeps.sweep import sweep
from collect.sweeps.work import run_request
from sql.errors import UserError
from store import ingest
from tests.reading import read

# Three planned tests; the smallest e-value that decides is 60, so ten changes of one sign.
PLAN = """
title = "push"
set = "primary"
problems = 40
alphas = [-3.0, 3.0]
smallest_effect = "40 pts"
discordance = "50%"
[[contrast]]
name = "push"
direction = "fresh"
against = "both"
[[contrast]]
name = "nothing"
direction = "weak"
alphas = [0.001]
[controls]
kind = "random_per_position"
number = 4
[stopping]
rule = "e-value"
order_seed = 7
look_every = 5
futility = 0.0
[collect]
device = "cpu"
"""


@pytest.fixture(autouse=True)
def _few_gated_problems(monkeypatch):
    monkeypatch.setattr("collect.sweeps.work.GATED_PROBLEMS", 2)


@pytest.fixture(scope="module")
def planned(small_store, tmp_path_factory):
    """A store with two directions that no run has steered with, and the plan."""
    folder = tmp_path_factory.mktemp("planned")
    root = shutil.copytree(small_store, folder / "store")
    found = select_directions(root, "mean_difference")[0]
    fresh = add_direction(root, found.vectors * 1.01, name="fresh", kind="rescaled")
    for number in range(4):
        add_direction(
            root, random_per_position(found.vectors * 1.01, np.random.default_rng(number)),
            name=f"fresh_random_{number}", kind="random_per_position", role="control",
            parent_id=fresh,
        )  # fmt: skip
    add_direction(root, found.vectors * 0.99, name="weak", kind="rescaled")
    (folder / "plan.toml").write_text(PLAN)
    return root, folder / "plan.toml"


def swept(root, plan, *, stop=True):
    return list(run_request(make_request(root, plan=plan, stop_when_decided=stop)))


def ends_of(lines):
    """What was said of the contrasts, without what was said of the work."""
    return [line for line in lines if " of 40 problems " in line]


def copied(planned, tmp_path):
    return shutil.copytree(planned[0], tmp_path / "store"), planned[1]


@pytest.fixture(scope="module")
def stopped(planned, tmp_path_factory):
    """The store after the plan, and what was said."""
    folder = tmp_path_factory.mktemp("stopped")
    root = shutil.copytree(planned[0], folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collect.sweeps.work.GATED_PROBLEMS", 2)
        return root, swept(root, planned[1])


def of_plan(table, direction=None):
    """Rows of the plan's directions, by (direction, alpha)."""
    rows = table[table["direction"].isin([direction] if direction else ["fresh", "weak"])]
    return {(row["direction"], row["alpha"]): row for row in rows.to_dict("records")}


def test_a_contrast_that_was_decided_early_is_a_result(stopped):
    root, _ = stopped
    stops = {(row["direction"], row["alpha"]): row for row in read(root, "stops").to_pylist()}
    early = stops["fresh", 3.0]
    assert early["stop"] == "decided"
    assert 10 <= early["n"] <= 25
    assert early["planned_n"] == 40
    found = of_plan(tables.effects(root))
    row = found["fresh", 3.0]
    assert (row["n"], row["gained"], row["lost"]) == (early["n"], early["gained"], early["lost"])
    evidence = e_value(row["gained"], row["lost"])
    assert row["p"] == pytest.approx(1 / evidence.e)
    limits = confidence_sequence(row["gained"], row["lost"], row["n"])
    assert (row["low"], row["high"]) == pytest.approx((limits.low, limits.high))
    assert row["test"] == "e-value, confidence sequence"
    assert row["in_part"]
    # Holm over the three planned tests, though only two of them ended early.
    p = [found[key]["p"] for key in (("fresh", -3.0), ("fresh", 3.0), ("weak", 0.001))]
    family = multipletests(p, method="holm")[1]
    adjusted = [
        found[key]["p_adjusted"] for key in (("fresh", -3.0), ("fresh", 3.0), ("weak", 0.001))
    ]
    assert adjusted == pytest.approx(list(family))
    assert {row["family_size"] for row in found.values()} == {3}
    assert found["weak", 0.001]["stop"] == "ran to the end"
    assert found["weak", 0.001]["test"] == "e-value, confidence sequence"
    for name in ("p_exact", "p_sign", "bootstrap_low", "bootstrap_high"):
        assert all(np.isnan(row[name]) for row in found.values())


def test_it_is_in_verdicts_report_and_results(stopped, tmp_path):
    root, _ = stopped
    said = {(v.direction, v.claim): v for v in store_verdicts(root)}
    stop = of_plan(tables.planned_ends(root))["fresh", -3.0]
    suppression = said["fresh", "suppression"]
    assert f"decided after {stop['stopped_at']} of 40 problems" in suppression.reason
    # Controls were run on the same problems, which the candidate chose by its own outcomes.
    assert suppression.verdict == "inconclusive"
    assert "without --stop-when-decided" in suppression.reason
    write_report(root, tmp_path, ["md"])
    (page,) = tmp_path.glob("*.md")
    text = page.read_text()
    assert "Contrasts that a plan ended" in text
    assert "(3 tests)" in text
    assert "Covered in part, and left out" in text
    assert "controls of a contrast that ended early" in text
    rows = [
        row
        for analysis in analyze(root, families=["alphas"], write=False)
        for row in analysis.results
        if json.loads(row["contrast"])["direction"] == "fresh"
    ]
    assert not [row for row in rows if re.search("McNemar|Tango|bootstrap|sign", row["method"])]
    primary = [row for row in rows if row["quantity"] == "accuracy difference"]
    assert {row["method"] for row in primary} == {"e-value, confidence sequence"}
    assert {row["family_size"] for row in primary} == {3}


def test_no_query_has_a_p_for_a_fixed_number_of_problems(stopped):
    root, _ = stopped
    rows = read(root, "mcnemar_by_alpha", direction="fresh").to_pylist()
    by_strata = read(root, "effect_by_difficulty").to_pylist()
    strata = [row for row in by_strata if row["direction"] == "fresh"]
    assert rows
    assert strata
    for row in rows + strata:
        assert row["stop"] == "decided"
        assert [row[name] for name in ("p", "low", "high")] == [None, None, None]
        p = float(e_value(row["gained"], row["lost"]).p)
        assert row["p_anytime"] == pytest.approx(p)
    parts = tables.strata(root).query("direction == 'fresh'")
    assert len(parts) > 1
    for part in parts.to_dict("records"):  # its own pairs, not the p of the whole at its stop
        assert part["p"] == pytest.approx(float(e_value(part["gained"], part["lost"]).p))
    assert np.isnan(of_plan(tables.homogeneity(root), "fresh")["fresh", 3.0]["p_odds"])
    assert not len(tables.trends(root).query("direction == 'fresh'"))
    assert not len(tables.controls(root).query("candidate == 'fresh'"))
    others = read(root, "mcnemar_by_alpha", direction="mean_difference").to_pylist()
    assert {(row["stop"], row["p_anytime"]) for row in others} == {(None, None)}
    assert all(row["p"] is not None for row in others)


def test_a_killed_plan_comes_to_the_same_ends(planned, stopped, tmp_path, monkeypatch):
    root, plan = copied(planned, tmp_path)
    steps = []

    def killed(*where, **options):
        steps.append(where)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return sweep(*where, **options)

    monkeypatch.setattr(stopping, "sweep", killed)
    with pytest.raises(KeyboardInterrupt):
        swept(root, plan)
    ingest(root)
    # Nobody has said that these contrasts ended: they are no results yet, and that is said.
    assert not of_plan(tables.effects(root))
    part = tables.covered_in_part(root)
    assert {row["why"] for row in of_plan(part).values()} == {
        "no plan says that it ended: the sweep was interrupted or goes on"
    }
    assert set(part[part["role"] == "candidate"]["n"]) == {10}
    monkeypatch.setattr(stopping, "sweep", sweep)
    ends = ends_of(swept(root, plan))
    assert len(ends) == 3
    assert ends == ends_of(stopped[1])
    assert read(root, "stops").to_pylist() == [
        {**row, "plan_id": mine["plan_id"]}
        for row, mine in zip(
            read(stopped[0], "stops").to_pylist(), read(root, "stops").to_pylist(), strict=True
        )
    ]


def test_what_was_decided_stays_so_when_the_rest_is_run(stopped, tmp_path):
    root = shutil.copytree(stopped[0], tmp_path / "store")
    before = of_plan(tables.effects(root))["fresh", 3.0]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    swept(root, plan, stop=False)
    after = of_plan(tables.effects(root))["fresh", 3.0]
    assert after["n"] == 40
    assert (after["stop"], after["stopped_at"]) == ("decided", before["stopped_at"])
    assert after["p"] <= before["p"]
    assert not after["in_part"]
    # On all problems it is ranked among the controls that were drawn for it.
    compared = tables.controls(root).query("candidate == 'fresh' and quantity == 'effect'")
    assert set(compared["alpha"]) == {-3.0, 3.0}
    assert set(compared["k"]) == {4}
    assert tables.covered_in_part(root).empty
    lines = swept(root, plan, stop=False)
    assert any(line.startswith("nothing to do: all 480 units") for line in lines)


def test_a_plan_with_a_rule_is_tested_by_it_without_stopping(planned, tmp_path):
    """Its one level is the e-value's: mid-p at the end would spend it a second time."""
    root, plan = copied(planned, tmp_path)
    swept(root, plan, stop=False)
    found = of_plan(tables.effects(root))
    assert {row["test"] for row in found.values()} == {"e-value, confidence sequence"}
    assert {row["stopped_at"] for row in found.values()} == {40}
    assert found["fresh", -3.0]["stop"] == "decided"
    assert found["weak", 0.001]["stop"] == "ran to the end"


def test_what_is_collected_without_its_plan_is_tested_as_the_plan_says(planned, tmp_path):
    """Mid-p over the two doses at hand would be another test in another family."""
    root, plan = copied(planned, tmp_path)
    freeze(root, plan)
    request = make_request(
        root, problems="primary", directions="fresh", alphas="-3,1,3", device="cpu"
    )
    list(run_request(request))
    ingest(root)
    found = of_plan(tables.effects(root), "fresh")
    for alpha in (-3.0, 3.0):
        row = found["fresh", alpha]
        assert (row["stop"], row["stopped_at"], row["n"]) == ("no end recorded", 40, 40)
        assert (row["test"], row["family_size"]) == ("e-value, confidence sequence", 3)
        assert row["p"] == pytest.approx(float(e_value(row["gained"], row["lost"]).p))
        assert np.isnan(row["p_exact"])
    p = [found["fresh", alpha]["p"] for alpha in (-3.0, 3.0)]
    expected = multipletests([*p, 1.0], method="holm")[1][:2]
    assert [found["fresh", alpha]["p_adjusted"] for alpha in (-3.0, 3.0)] == pytest.approx(
        list(expected)
    )
    # A dose that the plan does not name is tested as any other.
    assert found["fresh", 1.0]["stop"] is None
    assert found["fresh", 1.0]["test"] == "McNemar mid-p"
    asked = read(root, "mcnemar_by_alpha", direction="fresh").to_pylist()
    by_alpha = {row["alpha"]: row for row in asked}
    assert by_alpha[3.0]["p"] is None
    assert by_alpha[1.0]["p"] is not None
    (signed,) = (
        row for row in read(root, "signed_effect").to_pylist() if row["direction"] == "fresh"
    )
    assert signed["stop"] == "no end recorded"


@pytest.mark.parametrize(
    ("old", "new", "options", "says"),
    [
        ('set = "primary"', 'set = "primary"\ncorrection = "bh"', {}, "corrected by Holm"),
        ("", "", {"seeds": "0:2", "temperature": 1.0}, "takes one seed, found 2"),
        ("", "", {"directions": "mean_difference"}, "the sweep about mean_difference"),
    ],
)
def test_what_cannot_stop_is_refused(planned, tmp_path, old, new, options, says):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace(old, new, 1))
    with pytest.raises(UserError, match=says):
        make_request(planned[0], plan=plan, stop_when_decided=True, **options)

"""Claims bound to rows of a store, and verdicts kept in it."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.claims import StoreRows, check_file, keep_claims
from analysis.claims.scan import stored_figures
from analysis.cli.claims import app
from analysis.recorded.analyses import analyze
from sql.errors import UserError
from store import append, committed, ingest, read
from tests.synthetic import synthetic_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = synthetic_store(tmp_path_factory.mktemp("claims") / "s", rng=np.random.default_rng(3))
    append(root, "analyses", [{"analysis_id": "a1", "method": "pairs"}])
    rows = [("at +1", 1.0, 0.0233, 0.45), ("at +3", 3.0, -0.1, 0.01)]
    results = [
        {
            "analysis_id": "a1",
            "name": name,
            "quantity": "effect",
            "contrast": json.dumps({"direction": "mean_difference", "alpha": alpha}),
            "estimate": estimate,
            "low": estimate - 0.1,
            "high": estimate + 0.1,
            "p": p,
            "method": "mcnemar midp",
        }
        for name, alpha, estimate, p in rows
    ]
    append(root, "results", results)
    ingest(root)
    return root


def verdict(tmp_path, store, claim):
    path = tmp_path / "claims.toml"
    path.write_text(f'[document]\ntitle="t"\n[[claim]]\nid="it"\ntext="t"\n{claim}\n')
    (found,) = check_file(path, rows=StoreRows(store) if store else None)
    return found


BOUND = 'result = { contrast = { direction = "mean_difference", alpha = %s }, field = "%s" }'


@pytest.mark.parametrize(
    ("claim", "expected", "recomputed"),
    [
        ('kind="value"\nprinted="+2.3 pts"\n' + BOUND % (1, "estimate"), "PASS", "+2.3 pts"),
        ('kind="value"\nprinted="+2.3 pts"\n' + BOUND % (3, "estimate"), "DECISION-DRIFT", "-10"),
        ('kind="p"\nprinted="p=0.45"\n' + BOUND % (1, "p"), "PASS", "p=0.45"),
        (
            'kind="interval"\nprinted="[-7.7, 12.3] pts"\n' + BOUND % (1, "interval"),
            "PASS",
            "[-7.7 pts, 12.3 pts]",
        ),
        ('kind="decision"\nexpr="value < level"\n' + BOUND % (3, "p"), "PASS", "0.01"),
        ('kind="decision"\nexpr="value < level"\n' + BOUND % (1, "p"), "UNSUPPORTED", "0.45"),
        ('kind="value"\nprinted="1"\n' + BOUND % (2, "p"), "UNSUPPORTED", ""),
        ('kind="value"\nprinted="1"\n' + BOUND % (1, "k"), "UNSUPPORTED", ""),
        ('kind="value"\nprinted="1"\nresult={ name="at +1", analysis="b" }', "UNSUPPORTED", ""),
    ],
)
def test_stored_results(tmp_path, store, claim, expected, recomputed):
    found = verdict(tmp_path, store, claim)
    assert found.verdict == expected
    assert found.recomputed.startswith(recomputed)


@pytest.mark.parametrize(
    ("binding", "says"),
    [
        (BOUND % (1, "colour"), "have no field 'colour'; there are"),
        ('result={ quantity="effect" }', "2 stored results with different values fit"),
    ],
)
def test_a_binding_that_is_wrong_is_an_error(tmp_path, store, binding, says):
    with pytest.raises(UserError, match=says):
        verdict(tmp_path, store, f'kind="value"\nprinted="1"\n{binding}')


def test_a_claim_on_a_view_follows_the_rows(tmp_path, store):
    rows = read(store, "accuracy_by_alpha").to_pylist()
    row = next(r for r in rows if r["direction"] == "mean_difference" and r["alpha"] == 3.0)
    where = f'direction="mean_difference", alpha=3, set_name="{row["set_name"]}"'
    claim = 'kind="value"\nprinted="%s"\nquery={ query="accuracy_by_alpha", column="accuracy", '
    printed = f"{100 * row['accuracy']:.1f}%"
    found = verdict(tmp_path, store, claim % printed + f"where={{ {where} }} }}")
    assert (found.verdict, found.recomputed) == ("PASS", printed)
    assert verdict(tmp_path, store, claim % "1.0%" + f"where={{ {where} }} }}").verdict != "PASS"
    unknown = claim.replace('accuracy",', 'colour",') % printed
    with pytest.raises(UserError, match="has no column 'colour'"):
        verdict(tmp_path, store, unknown + f"where={{ {where} }} }}")
    nowhere = claim % printed + 'where={ direction="another" } }'
    assert verdict(tmp_path, store, nowhere).verdict == "UNSUPPORTED"


def test_counts_and_absences_of_rows(tmp_path, store):
    text = "SELECT * FROM outcomes WHERE status = $status"
    query = f'query={{ query="{text}", params={{ status="lost" }} }}'
    assert verdict(tmp_path, store, f'kind="absence"\n{query}').verdict == "PASS"
    assert verdict(tmp_path, store, f'kind="count"\nprinted="0"\n{query}').verdict == "PASS"


def test_without_a_store_the_binding_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"claim 'it'.*no store was given"):
        verdict(tmp_path, None, 'kind="value"\nprinted="1"\n' + BOUND % (1, "p"))


PLAN = """title = "which way"
set = "primary"
problems = 86
alphas = [1.0, 3.0]
smallest_effect = "5 pts"
correction = "holm"
[[contrast]]
name = "main"
direction = "mean_difference"
alphas = [3.0]
"""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ('kind="setting"\nprinted="holm"\nplan={ key="correction" }', "PASS"),
        ('kind="setting"\nprinted="BH"\nplan={ key="correction" }', "DEVIATED"),
        ('kind="count"\nprinted="86"\nplan={ key="problems" }', "PASS"),
        ('kind="count"\nprinted="80"\nplan={ key="problems" }', "DEVIATED"),
        ('kind="count"\nprinted="2"\nplan={ key="alphas" }', "PASS"),
        (
            'kind="setting"\nprinted="nothing"\nexpr="value[0]"\n'
            'plan={ key="contrast.main.alphas" }',
            "DEVIATED",
        ),
        ('kind="setting"\nprinted="exact"\nplan={ key="test" }', "UNSUPPORTED"),
        ('kind="setting"\nprinted="holm"\nplan={ key="correction", plan="x" }', "UNSUPPORTED"),
    ],
)
def test_what_a_frozen_plan_named(tmp_path, store, claim, expected):
    if not committed(store, "plans").num_rows:
        row = {"plan_id": "p1", "text": PLAN, "sha256": "s", "superseded": None}
        append(store, "plans", [row | {"frozen_at": datetime(2026, 1, 1)}])
    found = verdict(tmp_path, store, claim)
    assert found.verdict == expected
    if expected == "DEVIATED":
        assert "the frozen plan names" in found.reason


def test_verdicts_are_kept_and_the_latest_counts(tmp_path, store):
    first = verdict(tmp_path, store, 'kind="value"\nprinted="2.3"\nexpr="2.4"')
    second = verdict(tmp_path, store, 'kind="value"\nprinted="2.4"\nexpr="2.4"')
    for found in (first, second):
        assert keep_claims(store, "t", [found])
        ingest(store)
    (row,) = read(store, "SELECT * FROM claims").to_pylist()
    assert (row["verdict"], row["printed"], row["document"]) == ("PASS", "2.4", "t")
    assert committed(store, "claims").num_rows == 2
    assert "2.4" in stored_figures(store, "t")
    assert stored_figures(store, "another") == set()
    assert keep_claims(store, "t", []) == ""


def test_claims_follow_an_analysis(tmp_path):
    """The bindings of the guide, against what `steerstat analyze` writes."""
    root = synthetic_store(tmp_path / "s", rng=np.random.default_rng(4), report=False)
    analyze(root, families=["alphas"])
    rows = read(root, "SELECT * FROM results").to_pylist()
    contrast = {"direction": "mean_difference", "alpha": 3.0, "set_name": "primary"}
    (row,) = [
        r
        for r in rows
        if r["method"] == "McNemar mid-p, Tango"
        and contrast.items() <= json.loads(r["contrast"]).items()
    ]
    points = f"{100 * row['estimate']:+.1f} pts"
    limits = f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}] pts"
    where = 'contrast={ direction="mean_difference", alpha=3, set_name="primary" }'
    result = f'result={{ {where}, method="McNemar mid-p, Tango", field="%s" }}'
    claims = (
        ("value", points, "estimate"),
        ("interval", limits, "interval"),
        ("count", str(row["gained"]), "gained"),
    )
    for kind, printed, field in claims:
        claim = f'kind="{kind}"\nprinted="{printed}"\n{result % field}'
        assert verdict(tmp_path, root, claim).verdict == "PASS"
    wrong = f'kind="count"\nprinted="{row["gained"] + 1}"\n{result % "gained"}'
    assert verdict(tmp_path, root, wrong).verdict == "VALUE-DRIFT"


def test_a_draft_is_bound_to_the_store(tmp_path):
    root = synthetic_store(tmp_path / "s", rng=np.random.default_rng(4), report=False)
    analyze(root, families=["alphas"])
    rows = {
        (r["direction"], r["alpha"]): r
        for r in read(root, "accuracy_by_alpha").to_pylist()
        if r["set_name"] == "primary"
    }
    base, up = rows[None, 0.0], rows["mean_difference", 3.0]
    points = 100 * (up["gained"] - up["lost"]) / up["n_pairs"]
    paper = tmp_path / "paper.md"
    paper.write_text(
        "# A paper\n\n## Curve\n\n| Alpha | Accuracy | Change |\n|---|---|---|\n"
        f"| +0.0 | {100 * base['accuracy']:.1f}% | baseline |\n"
        f"| +3.0 | {100 * up['accuracy']:.1f}% | {points:+.1f} pts |\n"
        "| +1.0 | 1.0% | -99.0 pts |\n"
    )
    options = ["--store", str(root), "--direction", "mean_difference", "--set", "primary"]
    drafted = CliRunner().invoke(app, ["draft", str(paper), *options])
    claims = tmp_path / "claims.toml"
    claims.write_text(drafted.stdout)
    checked = {c.id: c.verdict for c in check_file(claims, rows=StoreRows(root))}
    assert {name: checked.pop(name) for name in list(checked) if not name.endswith(".3")} == {
        "curve.accuracy.1": "PASS",
        "curve.accuracy.2": "PASS",
        "curve.change.2": "PASS",
    }
    assert set(checked) == {"curve.accuracy.3", "curve.change.3"}
    assert "PASS" not in checked.values()
    wrong = CliRunner().invoke(app, ["draft", str(paper), *options[:2], "--direction", "nope"])
    assert "it has mean_difference" in str(wrong.exception)
    several = CliRunner().invoke(app, ["draft", str(paper), *options[:2]])
    assert "name the direction (--direction)" in str(several.exception)

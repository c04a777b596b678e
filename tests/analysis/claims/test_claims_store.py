"""Claims bound to rows of a store, and verdicts kept in it."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.claims import (
    StoreRows,
    check_file,
    draft_claims,
    keep_claims,
    load_claims,
    scan_document,
)
from analysis.claims.draft_bound import StoreBinder
from analysis.claims.scan import covers_of, stored_figures
from analysis.cli.claims import app
from analysis.recorded.analyses import analyze
from sql.errors import UserError
from store import append, committed, ingest
from tests.reading import read
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


def test_claims_follow_an_analysis(tmp_path, analyzed):
    """The bindings of the guide, against what `steerstat analyze` writes."""
    root = analyzed
    rows = read(root, "SELECT * FROM results").to_pylist()
    contrast = {"direction": "mean_difference", "alpha": 3.0, "set_name": "primary"}
    (row,) = [
        r
        for r in rows
        if r["method"] == "McNemar mid-p, Tango"
        and contrast.items() <= json.loads(r["contrast"]).items()
        and "stratum" not in json.loads(r["contrast"])
    ]
    points = f"{100 * row['estimate']:+.1f} pts"
    limits = f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}] pts"
    where = 'contrast={ direction="mean_difference", alpha=3, set_name="primary", stratum="" }'
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


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory):
    """A store with effects of all problems and of strata, which differ."""
    root = tmp_path_factory.mktemp("analyzed") / "s"
    synthetic_store(root, rng=np.random.default_rng(4), report=False)
    analyze(root, families=["alphas", "strata"])
    return root


def draft_and_check(tmp_path, root, paper, *options):
    """The verdicts of a draft on the store that it was bound to, and the draft."""
    path = tmp_path / "paper.md"
    path.write_text(paper)
    drafted = CliRunner().invoke(app, ["draft", str(path), "--store", str(root), *options])
    assert drafted.exit_code == 0, drafted.output
    claims = tmp_path / "claims.toml"
    claims.write_text(drafted.stdout)
    return {c.id: c for c in check_file(claims, rows=StoreRows(root))}, drafted.stdout


@pytest.fixture(scope="module")
def binders(analyzed):
    """What binds tables to the store, for each set and direction; and the rows behind it."""
    # Effects are stored of test sets only.
    rows = read(analyzed, "accuracy_by_alpha").to_pylist()
    rows = [r for r in rows if r["set_name"] not in (None, "train")]
    wanted = {(r["set_name"], r["direction"]) for r in rows if r["role"] == "candidate"}
    made = {key: StoreBinder(analyzed, set_name=key[0], direction=key[1]) for key in wanted}
    answers = StoreRows(analyzed)
    # A function: hypothesis would print thousands of rows.
    return lambda: (rows, made, answers)


LAYOUTS = st.fixed_dictionaries(
    {
        "Direction": st.sampled_from(["Direction", "Vector"]),
        "dose": st.sampled_from(["Alpha", "α", "Dose (α)"]),
        "accuracy": st.sampled_from(["Accuracy (%)", "Acc. (%)"]),
        "change": st.sampled_from(["Change (pts)", "Δ (pts)"]),
        "order": st.permutations(["Direction", "dose", "accuracy", "change"]),
        "places": st.integers(0, 2),
        "percent": st.sampled_from(["%", " %", "", "\\%"]),
        "points": st.sampled_from([" pts", " points", " pp", ""]),
        "written": st.sampled_from(["{:+.1f}", "α={:+.1f}", "{:g}", "**{:.2f}**"]),
    }
)


def a_table(layout, wanted, *, named):
    """A table that tells the truth, laid out in some way."""
    places, points = layout["places"], layout["points"]

    def change(row):
        if not row["direction"]:
            return "baseline"
        return f"{100 * (row['gained'] - row['lost']) / row['n_pairs']:+.{places}f}{points}"

    cells = {
        "Direction": lambda r: f"`{r['direction']}`" if r["direction"] else "–",
        "dose": lambda r: layout["written"].format(r["alpha"]),
        "accuracy": lambda r: f"{100 * r['accuracy']:.{places}f}{layout['percent']}",
        "change": change,
    }
    order = [c for c in layout["order"] if named or c != "Direction"]
    header = [layout[c] for c in order]
    lines = [header, ["---"] * len(order), *([cells[c](r) for c in order] for r in wanted)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(LAYOUTS, st.integers(0, 99), st.booleans())
def test_what_a_draft_writes_passes_on_its_store(binders, tmp_path_factory, layout, pick, named):
    rows, made, answers = binders()
    set_name, direction = sorted(made)[pick % len(made)]
    known = {d for s, d in made if s == set_name}
    shown = {None, *known} if named else {None, direction}
    wanted = [r for r in rows if r["set_name"] == set_name and r["direction"] in shown]
    paper = f"# A paper\n\n{a_table(layout, wanted, named=named)}\n"
    path = tmp_path_factory.mktemp("draft") / "claims.toml"
    drafted = draft_claims(paper, title="A paper", bind=made[set_name, direction])
    path.write_text(drafted)
    checked = check_file(path, rows=answers)
    assert {c.verdict for c in checked} == {"PASS"}, drafted
    assert len(checked) == len(wanted) + sum(r["direction"] is not None for r in wanted), drafted
    # What it covers stands where it says.
    file = load_claims(path)
    assert scan_document(paper, covers_of(file, rows=answers)) == []


def test_no_stratum_is_a_value(tmp_path, analyzed):
    contrast = 'contrast={ direction="mean_difference", alpha=3, set_name="primary"%s }'
    claim = 'kind="value"\nprinted="1 pts"\nresult={ %s, method="McNemar mid-p, Tango" }'
    with pytest.raises(UserError, match="stored results with different values fit"):
        verdict(tmp_path, analyzed, claim % (contrast % ""))
    found = verdict(tmp_path, analyzed, claim % (contrast % ', stratum=""'))
    assert found.recomputed.endswith("pts")
    view = 'query={ query="accuracy_by_alpha", column="alpha", where={ direction="", %s } }'
    where = view % 'set_name="primary"'
    assert verdict(tmp_path, analyzed, f'kind="value"\nprinted="0"\n{where}').verdict == "PASS"


def test_a_draft_says_what_the_store_does_not_hold(tmp_path, analyzed):
    paper = "# P\n\n| Alpha | Accuracy | Change |\n|---|---|---|\n| 7.0 | 50.0% | +1.0 pts |\n"
    options = ("--direction", "mean_difference", "--set", "primary")
    checked, drafted = draft_and_check(tmp_path, analyzed, paper, *options)
    assert checked == {}
    assert "the store has no mean_difference at alpha 7" in drafted
    path = str(tmp_path / "paper.md")
    wrong = CliRunner().invoke(
        app, ["draft", path, "--store", str(analyzed), "--direction", "nope"]
    )
    assert "it has mean_difference" in str(wrong.exception)
    several = CliRunner().invoke(app, ["draft", path, "--store", str(analyzed)])
    assert "name the direction (--direction)" in str(several.exception)


def test_kept_verdicts_are_in_the_results_file(tmp_path, store):
    claims = tmp_path / "claims.toml"
    claims.write_text(
        '[document]\ntitle="kept"\n[[claim]]\nid="k"\nkind="count"\ntext="t"\n'
        'printed="3"\nexpr="3"\n'
    )
    done = CliRunner().invoke(app, ["check", str(claims), "--store", str(store), "--keep"])
    assert done.exit_code == 0, done.output
    rows = read(store, "SELECT verdict FROM claims WHERE document = 'kept'").to_pylist()
    assert rows == [{"verdict": "PASS"}]

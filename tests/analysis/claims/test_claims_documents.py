"""Scanning, rendering and drafting; the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.claims import draft_claims, load_claims, render_document, scan_document
from analysis.claims.check import Checked, check_file
from analysis.claims.render import current_text
from analysis.claims.scan import unknown_anchors
from analysis.claims.show import as_html, as_markdown, as_text
from analysis.cli.claims import app
from sql.errors import UserError
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "report_2025_10_21" / "claims.toml"

CLAIMS = """
[document]
title = "a paper"
[totals]
n = "86"
right = "28"
unused = "77"
accuracy = "32.7%"
[[claim]]
id = "acc"
kind = "value"
text = "accuracy"
printed = "{accuracy}"
expr = "right / n"
[[claim]]
id = "few"
kind = "decision"
text = "few"
printed = "few"
margins = { n = "n", before = "right", after = "17" }
expr = "sign_test(gained, lost).p < level"
"""


def make(verdict="PASS", kind="value", printed="32.6%", recomputed="32.6%", name="acc"):
    return Checked(name, "t", printed, recomputed, verdict, "why", kind, "", "")


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIMS)
    return path


def test_scan_lists_what_no_claim_prints():
    text = "Accuracy is 32.6% of 86.\nIt rose by 2.3 points in 2021.\n"
    (found,) = scan_document(text, ["32.6%", "86"])
    assert (found.number, found.line, found.column) == ("2.3 points", 2, 12)
    assert found.reason == "no claim prints it"
    assert scan_document(text, ["32.6%", "86", "+2.3 pts"]) == []
    assert [u.number for u in scan_document(text, [])] == ["32.6%", "86", "2.3 points"]


def test_anchors_without_a_claim_are_named():
    assert unknown_anchors("<!-- claim:acc --> <!--claim:other-->", ["acc"]) == ["other"]
    assert unknown_anchors("\\claim{acc}{3} \\claim{third}", ["acc"], latex=True) == ["third"]
    assert unknown_anchors("`<!-- claim:x -->` \\claim{third}", []) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("got <!-- claim:acc -->31.0% of", "got <!-- claim:acc -->32.6% of"),
        ("got <!-- claim:acc --> of", "got <!-- claim:acc -->32.6% of"),
        (
            "a <!-- claim:acc -->old words<!-- /claim -->.",
            "a <!-- claim:acc -->32.6%<!-- /claim -->.",
        ),
        ("no anchor 31.0%", "no anchor 31.0%"),
    ],
)
def test_render_markdown(before, after):
    done = render_document(before, [make()])
    assert done.text == after
    assert render_document(after, [make()]).text == after
    assert bool(done.changed) == (before != after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (r"got \claim{acc} of", r"got \claim{acc}{32.6\%} of"),
        (r"got \claim{acc}{31\%}.", r"got \claim{acc}{32.6\%}."),
    ],
)
def test_render_latex(before, after):
    assert render_document(before, [make()], latex=True).text == after
    assert render_document(after, [make()], latex=True).changed == {}


def test_render_replaces_a_bound_with_its_relation():
    claim = make("DECISION-DRIFT", "p", "p<0.01", "p = 0.06")
    done = render_document("(<!-- claim:acc -->p<0.01)", [claim])
    assert done.text == "(<!-- claim:acc -->p=0.06)"
    assert done.changed == {"acc": ("p<0.01", "p=0.06")}


def test_render_leaves_what_it_cannot_know():
    claim = make("UNDETERMINED", "decision", "significant", "0.01 to 0.2")
    done = render_document("is <!-- claim:acc -->significant<!-- /claim -->", [claim])
    assert done.text.endswith("significant<!-- /claim -->")
    assert "UNDETERMINED" in done.kept["acc"]
    assert current_text(make("FAIL", recomputed="")) is None
    with pytest.raises(UserError, match="'nope' names no claim"):
        render_document("<!-- claim:nope -->1", [claim])


DOCUMENT = """# A study

## Main result

| Alpha | Accuracy | Change |
|-------|----------|--------|
| **+0.0** | 32.6% | baseline |
| +1.0 | 34.9% | +2.3 pts |
| -3.0 | 19.8% | -12.5 pts |

## Transitions

| What | Count |
|---|---|
| right | 26 |
| wrong | 60 |
| Total | 87 |

Significant (p<0.05) at 5 seeds.
"""


def test_a_draft_can_be_checked_at_once(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(draft_claims(DOCUMENT, title="A study", n=86))
    checked = {c.id: c for c in check_file(path)}
    assert checked["main_result.accuracy.+1.0"].verdict == "PASS"
    assert checked["main_result.change.2"].verdict == "PASS"
    assert checked["main_result.change.3"].verdict == "VALUE-DRIFT"
    assert checked["transitions.total"].recomputed == "86"
    assert "# bind: p<0.05" in path.read_text()


def test_a_draft_of_a_document_without_tables_has_no_claims(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(draft_claims("# T\n\nText with 5 numbers.\n", title="T"))
    assert load_claims(path).claim == []
    assert "# numbers in prose, not drafted: 5" in path.read_text()


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def test_check_exits_1_for_what_does_not_hold(claims):
    result = run("check", claims)
    assert result.exit_code == 1
    assert "2 claims: 1 UNDETERMINED, 1 VALUE-DRIFT" in result.stdout
    allowed = ("--allow", "VALUE-DRIFT", "--allow", "UNDETERMINED")
    assert run("check", claims, *allowed).exit_code == 0


def test_check_json_has_the_promised_keys(claims):
    rows = json.loads(run("check", claims, "--json").stdout)
    keys = {"id", "text", "printed", "recomputed", "verdict", "reason"}
    assert [keys <= set(row) for row in rows] == [True, True]
    assert (rows[0]["printed"], rows[0]["recomputed"]) == ("32.7%", "32.6%")


@pytest.mark.parametrize(
    ("option", "starts"),
    [("--markdown", "# a paper"), ("--html", "<!doctype html>"), ("--explain", "# Claims of")],
)
def test_check_pages(claims, option, starts):
    result = run("check", claims, option)
    assert result.stdout.startswith(starts)
    assert "VALUE-DRIFT" in result.stdout


def test_html_escapes_and_loads_nothing():
    page = as_html([make(printed="<b>", recomputed="&")], title="<script>")
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    assert "http" not in page
    assert "a\\|b" in as_markdown([make(printed="a|b")])
    assert as_text([]).endswith("0 claims: none")


def test_an_empty_claims_file_fails(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text('[document]\ntitle = "t"\n')
    result = run("check", path)
    assert result.exit_code == 1
    assert "no claim" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--allow", "MAYBE"),
        ("--json", "--html"),
        ("--keep",),
    ],
)
def test_check_refuses_options_that_make_no_sense(claims, args):
    result = run("check", claims, *args)
    assert isinstance(result.exception, UserError)


def test_scan_command(claims, tmp_path):
    paper = tmp_path / "paper.md"
    paper.write_text("Accuracy 32.7% of 86, not 77, <!-- claim:gone -->.\n")
    result = run("scan", paper, "--claims", claims)
    assert result.exit_code == 1
    assert "paper.md:1:27: 77" in result.stdout
    assert "'gone' names no claim" in result.stderr
    rows = json.loads(run("scan", paper, "--claims", claims, "--json").stdout)
    assert [row["number"] for row in rows] == ["77"]
    paper.write_text("Accuracy 32.7% of 86.\n")
    assert run("scan", paper, "--claims", claims).exit_code == 0


def test_render_command(claims, tmp_path):
    paper = tmp_path / "paper.md"
    paper.write_text("Accuracy <!-- claim:acc -->32.7%.\n")
    assert run("render", paper, "--claims", claims, "--check").exit_code == 1
    assert "32.7%" in paper.read_text()
    result = run("render", paper, "--claims", claims)
    beside = tmp_path / "paper.rendered.md"
    assert (result.exit_code, beside.read_text()) == (0, "Accuracy <!-- claim:acc -->32.6%.\n")
    assert "acc: 32.7% -> 32.6%" in result.stderr
    assert paper.read_text() == "Accuracy <!-- claim:acc -->32.7%.\n"
    assert run("render", paper, "--claims", claims, "--in-place").exit_code == 0
    assert paper.read_text() == beside.read_text()
    both = run("render", paper, "--claims", claims, "--in-place", "--out", tmp_path / "x.md")
    assert "exclude each other" in str(both.exception)


def test_render_replaces_the_document_as_a_whole(claims, tmp_path, monkeypatch):
    paper = tmp_path / "paper.md"
    paper.write_text("Accuracy <!-- claim:acc -->32.7%.\n")
    paper.chmod(0o640)
    (tmp_path / "link.md").symlink_to(paper)

    def full(path, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert run("render", paper, "--claims", claims, "--in-place").exit_code != 0
    assert paper.read_text() == "Accuracy <!-- claim:acc -->32.7%.\n"
    run("render", tmp_path / "link.md", "--claims", claims, "--in-place")
    assert (tmp_path / "link.md").is_symlink()
    assert "32.6%" in paper.read_text()
    assert paper.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.glob("*.md")) == ["link.md", "paper.md"]


def test_render_into_a_device_leaves_the_device(claims, tmp_path):
    paper = tmp_path / "paper.md"
    paper.write_text("Accuracy <!-- claim:acc -->32.7%.\n")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        run("render", paper, "--claims", claims, "--out", pipe)
        assert os.read(reader, 1000) == b"Accuracy <!-- claim:acc -->32.6%.\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_draft_command(tmp_path):
    paper = tmp_path / "paper.md"
    paper.write_text(DOCUMENT)
    result = run("draft", paper, "--n", "86")
    assert result.exit_code == 0
    assert "[tables.main_result]" in result.stdout
    assert run("draft", tmp_path / "none.md").exception.__class__ is UserError


def test_the_example_runs_from_the_command_line():
    result = run("check", EXAMPLE)
    assert result.exit_code == 1
    assert "suppression_significant" in result.stdout


LATEX = r"""
\section{Main result}
\begin{tabular}{lrr}
\toprule
Alpha & Accuracy & Change \\
\midrule
$+0.0$ & 32.6\% & baseline \\ \hline
\textbf{+1.0} & 34.9\% & +2.3 pts \\[2pt]
\bottomrule
\end{tabular}
"""


def test_latex_tables_are_recognised(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(draft_claims(LATEX, title="A study", n=86, latex=True))
    checked = {c.id: c.verdict for c in check_file(path)}
    assert checked == {
        "main_result.accuracy.+0.0": "PASS",
        "main_result.accuracy.+1.0": "PASS",
        "main_result.change.2": "PASS",
    }

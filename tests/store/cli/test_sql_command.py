"""`steerstat sql` from outside: formats, parameters, start-up, and the stock DuckDB client."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sql import loader
from sql.errors import UserError
from store.cli.sql import app
from tests.paths import ROOT

DUCKDB = Path(sys.executable).with_name("duckdb")


def ask(store, *arguments):
    result = CliRunner().invoke(app, [str(store), *map(str, arguments)], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


QUERY = "select 1 as a, 2.5::double as b, null as c, true as d, [1, 2] as e, 'x|y' as f"


def test_table_aligns_numbers_to_the_right(made_store):
    assert ask(made_store, "select 10 as n, 'a' as t union all select 9, 'bcd' order by n") == (
        " n  t\n--  ---\n 9  bcd\n10  a\n"
    )


def test_csv_markdown_and_json(made_store):
    rows = list(csv.DictReader(io.StringIO(ask(made_store, QUERY, "-f", "csv"))))
    assert rows == [{"a": "1", "b": "2.5", "c": "", "d": "true", "e": "[1, 2]", "f": "x|y"}]
    assert json.loads(ask(made_store, QUERY, "--json")) == [
        {"a": 1, "b": 2.5, "c": None, "d": True, "e": [1, 2], "f": "x|y"}
    ]
    assert ask(made_store, QUERY, "-f", "markdown").splitlines() == [
        "| a | b | c | d | e | f |",
        "| ---: | ---: | --- | --- | --- | --- |",
        "| 1 | 2.5 |  | true | [1, 2] | x\\|y |",
    ]


def test_numbers_that_are_not_finite_are_null_in_json(made_store):
    text = ask(made_store, "select 'nan'::double as x, 'inf'::double as y", "--json")
    assert json.loads(text) == [{"x": None, "y": None}]


def test_parquet_goes_to_a_file(made_store, tmp_path):
    target = tmp_path / "pairs.parquet"
    assert ask(made_store, "paired_outcomes", "-f", "parquet", "-o", target) == ""
    assert "gained" in pq.read_table(target).column_names


def test_a_named_query_takes_typed_parameters(made_store):
    found = json.loads(
        ask(made_store, "candidate_against_controls", "-p", "set_name=primary", "--json")
    )
    assert {row["set_name"] for row in found} == {"primary"}
    assert json.loads(ask(made_store, "select $x + 1 as y", "-p", "x=2", "--json")) == [{"y": 3}]


def test_a_file_is_a_query_with_its_own_parameters(made_store, tmp_path):
    path = tmp_path / "mine.sql"
    path.write_text("-- Mine.\n--\n-- $least INTEGER = 2: at least\nSELECT $least AS least")
    assert json.loads(ask(made_store, path, "--json")) == [{"least": 2}]
    assert json.loads(ask(made_store, path, "-p", "least=5", "--json")) == [{"least": 5}]


def test_without_a_query_everything_is_listed_with_one_line(made_store):
    found = json.loads(ask(made_store, "--json"))
    for kind, folder in (("view", "views"), ("query", "queries"), ("macro", "macros")):
        listed = {row["name"]: row["summary"] for row in found if row["what"] == kind}
        assert listed == {name: script.summary for name, script in loader.scripts(folder).items()}


def test_explain_prints_the_text(made_store):
    assert ask(made_store, "never_right", "--explain").startswith("-- Which problems are right")
    assert "CREATE OR REPLACE VIEW paired_outcomes" in ask(
        made_store, "paired_outcomes", "--explain"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["accuracy_by_alpah"], "did you mean accuracy_by_alpha"),
        (["never_right", "-p", "nothing=1"], "no parameter 'nothing'; it has set_name"),
        (["coverage", "-p", "x=1"], "it has none"),
        (["flips_under_every_control", "-p", "alpha=much"], "alpha must be DOUBLE, found 'much'"),
        (
            ["select 1", "-f", "xml"],
            "unknown format 'xml': there are table, csv, json, markdown, parquet",
        ),
        (["select 1", "-p", "x"], "name=value, found 'x'"),
        (["missing.sql"], "no file missing.sql"),
        (["drop table runs"], "read-only"),
        (["-f", "parquet"], "choose table, csv or json"),
    ],
)
def test_mistakes_are_one_line(made_store, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        ask(made_store, *arguments)
    assert "\n" not in str(caught.value)


def test_the_process_is_light_and_quiet(made_store):
    program = (
        "import sys, steerstat\n"
        f"sys.argv = ['steerstat', 'sql', {str(made_store)!r}, 'select 1 as one', '--json']\n"
        "try:\n    steerstat.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'scipy', 'statsmodels', 'pandas', 'pyarrow', 'altair', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, '[{"one": 1}]\n', "")


@pytest.mark.skipif(not DUCKDB.exists(), reason="duckdb-cli is not installed")
def test_every_view_works_in_the_stock_command_line(made_store):
    views = "".join(f"SELECT '{name}', count(*) FROM {name};" for name in loader.views())
    macros = "SELECT mcnemar_midp(1, 7), mcnemar_exact(1, 7), tango_low(4, 2, 86);"
    done = subprocess.run(
        [DUCKDB, "-readonly", "-csv", "-noheader", made_store / "results.duckdb", views + macros],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *counts, statistics = done.stdout.splitlines()
    assert [line.split(",")[0] for line in counts] == list(loader.views())
    # No plan has ended anything in this store.
    assert [line for line in counts if line.endswith(",0")] == ["stops,0"]
    midp, exact, low = map(float, statistics.split(","))
    assert midp == pytest.approx(0.0390625)
    assert exact == pytest.approx(0.0703125)
    assert low == pytest.approx(-0.0415203, abs=1e-7)


@pytest.mark.skipif(not DUCKDB.exists(), reason="duckdb-cli is not installed")
@pytest.mark.parametrize("name", sorted(loader.queries()))
def test_every_query_runs_on_the_made_store(made_store, name):
    given = ["-p", "problem=Problem 1:"] if name == "problem_history" else []
    found = json.loads(ask(made_store, name, *given, "--json"))
    empty = {"seed_disagreement", "coverage", "stored_results"}
    assert bool(found) != (name in empty)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("problem_history",), "query problem_history needs problem"),
        (
            ("mcnemar_by_alpha", "-p", "direction=mean_diffrence"),
            "has no direction 'mean_diffrence': did you mean mean_difference",
        ),
        (("mcnemar_by_alpha", "-p", "set_name=none"), "has no set_name 'none': "),
        (
            ("effect_by_difficulty", "-p", "scheme=size"),
            "it has baseline_outcome, n_steps, operation",
        ),
    ],
)
def test_a_parameter_that_is_missing_or_unknown_is_one_line(made_store, given, said):
    result = CliRunner().invoke(app, [str(made_store), *given])
    assert result.exit_code != 0
    assert said in str(result.exception)

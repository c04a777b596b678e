"""Reading .sql files: documentation, parameters, order, and errors that name the file."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import duckdb
import pytest

from sql import loader
from sql.errors import UserError
from tests.paths import ROOT

DOCS = ROOT / "docs" / "sql.md"

TEXT = """-- Counts something.
--
-- Grain: one row.
--
-- Parameters:
--   $least INTEGER = 3: at least this many
--   $name VARCHAR = NULL: or all
SELECT $least AS least, $name AS name
"""


def test_a_header_is_documentation_and_typed_parameters():
    script = loader.parse("counts", "queries", TEXT)
    assert script.summary == "Counts something."
    assert [(p.name, p.type, p.default) for p in script.parameters] == [
        ("least", "INTEGER", 3),
        ("name", "VARCHAR", None),
    ]
    assert script.values({"least": 5}) == {"least": 5, "name": None}
    with pytest.raises(UserError, match="no parameter 'most'; it has least, name"):
        script.values({"most": 1})


def test_a_file_without_a_summary_is_refused():
    with pytest.raises(ValueError, match="one-line summary"):
        loader.parse("bare", "queries", "SELECT 1")


def test_failed_sql_names_its_file():
    broken = loader.parse("broken", "queries", "-- Broken.\nSELECT nothing")
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as caught:
        loader.execute(connection, broken)
    assert caught.value.__notes__ == ["in queries/broken.sql"]


@pytest.mark.parametrize("kind", loader.KINDS)
def test_every_file_says_what_it_is(kind):
    for name, script in loader.scripts(kind).items():
        assert re.fullmatch(r".{20,110}[.?]", script.summary), name
        if kind in {"audit", "internal", "queries", "views"}:
            assert "Grain: one row per" in script.documentation, name
        if kind in {"audit", "internal", "queries"}:
            used = set(re.findall(r"\$(\w+)", re.sub(r"--.*", "", script.text)))
            assert used == {parameter.name for parameter in script.parameters}, name


def test_views_come_after_what_they_read():
    order = list(loader.views())
    assert order.index("discordant") < order.index("accuracy_by_alpha")
    assert order.index("accuracy_by_alpha") < order.index("control_effects")
    assert set(order) == set(loader.scripts("views"))


def test_migrations_are_numbered_from_one():
    assert [m.version for m in loader.migrations()] == list(range(1, len(loader.migrations()) + 1))


def test_quote_keeps_a_name_one_name():
    assert loader.quote('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'


@pytest.mark.parametrize("kind", ["views", "queries", "macros"])
def test_everything_that_a_user_can_name_is_in_the_documentation(kind):
    text = DOCS.read_text("utf-8")
    missing = [name for name in loader.scripts(kind) if f"`{name}" not in text]
    assert not missing, f"not in docs/sql.md: {missing}"


def test_views_have_one_order_in_every_process() -> None:
    """A hash of them says whether a results file is current, and which code made an analysis."""
    code = "from store.database import definitions; print(definitions())"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(6)
    }
    assert len(hashes) == 1

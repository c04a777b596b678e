"""A closed connection reads its store and nothing else."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from sql.errors import UserError
from store.closed import ask, close, memory_bytes
from store.database import connect


@pytest.fixture
def closed(made_store):
    with connect(made_store, closed=False) as connection:
        close(connection, memory="200MB")
        yield connection


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "FROM sniff_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/steerstat-escaped.csv'",
        "EXPORT DATABASE '/tmp/steerstat-escaped'",
        "ATTACH '/tmp/steerstat-escaped.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '64GB'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA memory_limit = '64GB'",
        "INSERT INTO runs (run_id) VALUES ('x')",
        "UPDATE outcome_rows SET correct = true",
        "DELETE FROM outcome_rows",
        "CREATE TABLE mine (i INTEGER)",
        "DROP VIEW paired_outcomes",
        "DROP TABLE runs",
    ],
)
def test_everything_but_reading_the_store_is_refused_by_duckdb_itself(closed, query):
    # Not through `ask`, which looks at the kind of statement first: the lock alone must hold.
    with pytest.raises(duckdb.Error):
        closed.execute(query).fetchall()


@pytest.mark.parametrize("query", ["ATTACH ':memory:' AS x", "CREATE TEMP TABLE t (i INTEGER)"])
def test_only_reading_statements_are_asked(closed, query):
    with pytest.raises(UserError, match="read-only"):
        ask(closed, query)


def test_one_statement_at_a_time(closed):
    with pytest.raises(UserError, match="one statement, found 2"):
        ask(closed, "SELECT 1; SELECT 2")


@pytest.mark.parametrize("ending", ["", ".wal"])
def test_a_detached_store_is_not_attached_for_writing(made_store, ending):
    before = {path: path.read_bytes() for path in made_store.iterdir() if path.is_file()}
    with connect(made_store) as connection:
        (name,) = connection.execute(
            "SELECT path FROM duckdb_databases() WHERE database_name = 'results'"
        ).fetchall()[0]
        connection.execute("USE memory; DETACH results")
        for path in (f"{made_store / 'results.duckdb'}{ending}", f"{name}{ending}"):
            for statement in (
                f"ATTACH '{path}' AS mine (READ_WRITE)",
                f"COPY (SELECT 1) TO '{path}'",
            ):
                with pytest.raises(duckdb.Error):
                    connection.execute(statement)
    assert before == {path: path.read_bytes() for path in made_store.iterdir() if path.is_file()}


def test_python_variables_are_out_of_reach(closed):
    secret = pd.DataFrame({"x": [1]})
    assert len(secret) == 1
    with pytest.raises(duckdb.CatalogException, match="secret"):
        ask(closed, "SELECT * FROM secret").fetchall()


def test_memory_is_limited_and_nothing_is_spilled(closed):
    with pytest.raises(duckdb.OutOfMemoryException):
        ask(closed, "SELECT list(range ORDER BY hash(range)) FROM range(100000000)").fetchall()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2_000_000_000),
        ("1.5 gb", 1_500_000_000),
        ("512MiB", 512 * 2**20),
        ("1TiB", 2**40),
        ("1000000B", 1_000_000),
        ("2000KB", 2_000_000),
    ],
)
def test_sizes_of_memory(text, size):
    assert memory_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["lots", "", "2", "-1", "-2GB", "0GB", "999999B", "80%", "inf GB", "9999999TB", "2 G B"]
)
def test_a_senseless_memory_limit_is_named(text):
    with pytest.raises(UserError, match=f"such as 2GB, found {text!r}"):
        memory_bytes(text)

"""A closed connection reads its store and nothing else, for as long as it may."""

from __future__ import annotations

import time

import duckdb
import pandas as pd
import pytest

from sql.errors import UserError
from store.closed import ask, close, limited
from store.database import connect
from store.querying import run
from store.scripts import resolve


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


def test_python_variables_are_out_of_reach(closed):
    secret = pd.DataFrame({"x": [1]})
    assert len(secret) == 1
    with pytest.raises(UserError, match="secret"), limited(closed):
        ask(closed, "SELECT * FROM secret").fetchall()


def test_a_query_that_runs_for_ever_is_stopped(closed):
    forever = "SELECT count(*) FROM range(1000000000) AS a, range(1000000) AS b WHERE a.range > 1"
    started = time.monotonic()
    with pytest.raises(UserError, match=r"stopped after 0\.3 s"), limited(closed, 0.3):
        ask(closed, forever).fetchall()
    assert time.monotonic() - started < 10
    assert ask(closed, "SELECT 1").fetchall() == [(1,)]


def test_memory_is_limited_and_nothing_is_spilled(closed):
    huge = "SELECT list(range ORDER BY hash(range)) FROM range(100000000)"
    with pytest.raises(UserError, match="Memory"), limited(closed, 60):
        ask(closed, huge).fetchall()


def test_a_senseless_memory_limit_is_named(made_store):
    with (
        pytest.raises(UserError, match="such as 2GB, found 'lots'"),
        run(made_store, resolve("select 1"), memory="lots"),
    ):
        pass


def test_bad_sql_is_one_line(made_store):
    with (
        pytest.raises(UserError) as caught,
        run(made_store, resolve("select wrong from runs")) as result,
    ):
        result.fetchall()
    assert "wrong" in str(caught.value)
    assert "\n" not in str(caught.value)

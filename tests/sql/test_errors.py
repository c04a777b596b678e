"""Errors as one line, and text as SQL."""

from __future__ import annotations

import duckdb
import pytest

from sql.errors import Refusal, UserError, first_line
from sql.loader import literal, quote


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one"), "one"),
        (ValueError("\n  one\ntwo"), "one"),
        (KeyError(), "KeyError"),
        (ValueError("x" * 300), "x" * 200),
    ],
)
def test_first_line(error, line):
    assert first_line(error) == line


def test_a_refusal_is_an_error_of_the_user():
    assert issubclass(Refusal, UserError)


@pytest.mark.parametrize("text", ["plain", "it's", "''", 'a"b', "$a -- ;", "", None])
def test_a_literal_is_the_text(text):
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(text)}").fetchall() == [(text,)]


def test_an_identifier_is_one_name():
    with duckdb.connect() as connection:
        name = 'a"b; --'
        relation = connection.sql(f"SELECT 1 AS {quote(name)}")
        assert relation.columns == [name]

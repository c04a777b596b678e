"""What the texts of parameters stand for where nothing declares them."""

from __future__ import annotations

import pytest

from store.scripts import parameters, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("3.0", 3.0),
        ("1e3", 1000.0),
        ("TRUE", True),
        ("false", False),
        ("null", None),
        ("three", "three"),
        ("", ""),
    ],
)
def test_a_value_is_guessed_with_its_type(text, value):
    found = parameters(resolve("SELECT $x"), {"x": text})["x"]
    assert (found, type(found)) == (value, type(value))

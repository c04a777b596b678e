"""The answer parsers, on the forms that models and data sets write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.problems.parsers import PARSERS, canonical_number, choice, true_false


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000.0", "1000"),
        (": 14", "14"),
        ("The answer is: -5", "-5"),
        ("−7", "-7"),
        ("He pays $1,234.50.", "1234.5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("$ 12", "12"),
        ("€3", "3"),
        ("10-4", "4"),
        ("10 - 4 = 6", "6"),
        ("3*(2)-1", "1"),
        ("007", "7"),
        ("0.50", "0.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.00", "0"),
        ("+8", "8"),
        ("1, 234", "234"),
        ("1,23", "23"),
        ("12,345,678", "12345678"),
        ("50%", "50"),
        ("#### 18", "18"),
        ("9 * 2 = <<9*2=18>>18 a day.\n#### 1,800 dollars of 3", "1800"),
        ("2 #### none", None),
        ("1e3", "1000"),
        ("1.5e-3", "0.0015"),
        ("25E+1", "250"),
        ("1e999999999", None),
        (r"\boxed{1{,}000}", "1000"),
        (r"\$20", "20"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
        ("no number", None),
        ("", None),
        ("٣", None),
    ],
)
def test_number(text, expected):
    assert canonical_number(text) == expected
    assert PARSERS["number"](text) == expected


@given(st.integers(), st.booleans())
def test_every_whole_number_is_read_back(value, commas):
    assert canonical_number(f"it is {value:,}" if commas else f"it is {value}") == str(value)


@given(st.text(alphabet="0123456789.,-+$e# ", max_size=40))
def test_canonical_is_a_fixed_point(text):
    once = canonical_number(text)
    assert once is None or canonical_number(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is B.", "B"),
        ("answer: (c)", "C"),
        ("Answer: **D**", "D"),
        ("(A) no, (B) yes", "B"),
        (r"\boxed{E}", "E"),
        ("b", "B"),
        (" C. ", "C"),
        ("B) because", "B"),
        ("I think A dog; the answer is a dog", None),
        ("A cat. So D", "D"),
        ("I would say", None),
        ("Both", None),
    ],
)
def test_choice(text, expected):
    assert choice(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("True", "true"),
        ("it is FALSE.", "false"),
        ("Yes, it can", "true"),
        ("answer: no, although it is true", "false"),
        ("That is not true", "false"),
        ("untrue nobody", None),
        ("true or false? false", "false"),
    ],
)
def test_true_false(text, expected):
    assert true_false(text) == expected

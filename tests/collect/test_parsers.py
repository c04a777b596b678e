"""The answer parsers, on the forms that models and data sets write."""

import pytest

from collect.first_parsers import FIRST
from collect.parsers import PARSERS, parser_of
from sql.errors import UserError
from tests.answer_table import ANSWERS


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
    assert PARSERS["choice"](text) == expected


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
    assert PARSERS["true_false"](text) == expected


@pytest.mark.parametrize(
    ("parser", "text", "first", "newest"),
    [
        ("number", "#### 7\n\nQuestion: 5 + 7?\n#### 12", "12", "7"),
        ("number", r"\boxed{460} (2 steps)", "2", "460"),
        ("number", "1,23", "23", None),
        ("number", "1,000.0", "1000", "1000"),
        ("choice", "The answer is B.\nQ: Which?\nThe answer is A.", "A", "B"),
        ("true_false", "no\nQ: Is it?\nyes", "true", "false"),
    ],
)
def test_the_first_version_stays_as_it_was(parser, text, first, newest):
    assert parser_of(parser, 1)(text) == first
    assert parser_of(parser, 2)(text) == PARSERS[parser](text) == newest


@pytest.mark.parametrize(("parser", "version"), [("number", 3), ("colour", 2)])
def test_an_unknown_version_is_refused(parser, version):
    with pytest.raises(UserError, match="there are 1, 2"):
        parser_of(parser, version)


def test_the_newest_parser_gives_the_values_of_the_table():
    assert FIRST.keys() == PARSERS.keys()
    assert {row["text"]: PARSERS["number"](row["text"]) for row in ANSWERS} == {
        row["text"]: row["value"] for row in ANSWERS
    }

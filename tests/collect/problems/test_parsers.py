"""The answer parsers, on the forms that models and data sets write."""

import pytest

from collect.problems.parsers import choice, true_false


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

"""One canonical answer: numbers in text, answers by themselves, and one problem for each text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.problems.problems import problem_row as collected
from sql.errors import UserError
from store.answers import canonical_answer, canonical_number, gold_answer, gold_number
from store.exchange.imported_rows import canonical, graded
from store.exchange.imported_rows import problem_row as imported
from store.identity import problem_id


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
        ("half of it, 1/2", "0.5"),
        ("3/4", "0.75"),
        ("-3/4 of 5/2", "2.5"),
        ("-$3/4", "-0.75"),
        ("6/3", "2"),
        ("0/3", "0"),
        ("2/6", "1/3"),
        ("-10/12.", "-5/6"),
        ("1/1024", "0.0009765625"),
        ("12/4=3", "3"),
        ("on 1/2/2024", "2024"),
        ("5/0", "0"),
        ("1/2.5", "2.5"),
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


@given(st.integers(), st.booleans())
def test_every_whole_number_is_read_back(value, commas):
    assert canonical_number(f"it is {value:,}" if commas else f"it is {value}") == str(value)


@given(st.text(alphabet="0123456789.,-+$e#/% ", max_size=40))
def test_canonical_is_a_fixed_point(text):
    once = canonical_number(text)
    assert once is None or canonical_number(once) == once


ANSWERS = {
    "14": "14",
    "1,000.0": "1000",
    "-0": "0",
    "007": "7",
    "5.": "5",
    "+8": "8",
    "$5.50": "5.5",
    "$ 12": "12",
    "€3": "3",
    "70000.0": "70000",
    "0.5": "0.5",
    ".5": "0.5",
    "1e3": "1000",
    "50%": "50",
    "50 %": "50",
    r"50\%": "50",
    "−5": "-5",
    "–5": "-5",
    "3/4": "0.75",
    "2/6": "1/3",
    "so 9. #### 1,800": "1800",
    "½": "0.5",
    "-½": "-0.5",
    "⅓": "1/3",
    "１２": "12",
    "＄１，２００．５０": "1200.5",
    "so 9. #### ½": "0.5",
}


@pytest.mark.parametrize(("text", "answer"), ANSWERS.items())
def test_the_collector_and_the_importer_make_one_problem_of_an_answer(text, answer):
    there = imported("What is it?", text)
    assert there["answer"] == answer
    assert there == {
        name: value
        for name, value in collected("What is it?", text, source="s").items()
        if name in there
    }
    assert (
        there["problem_id"] == problem_id("What is it?", text) == problem_id("What is it?", answer)
    )


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (text, text)
        for text in ["5 apples", "no 5", "1:2", "half", "1½", "½2", "½½", "10²", "²½", "①", "1⁄2"]
    ]
    + [("so 9. #### 5 apples", "5 apples"), ("it is #### no 5", "no 5"), ("2 #### B", "B")]
    + [("5 ####", "5 ####")],
)
def test_a_gold_that_is_no_number_by_itself_is_text_and_never_one_of_its_numbers(text, stored):
    assert gold_answer(text) == imported("What is it?", text)["answer"] == stored
    assert gold_answer(stored) == stored
    assert gold_number(text) is None
    with pytest.raises(UserError, match="by itself or after ####"):
        collected("What is it?", text, source="s")


def test_letters_and_verdicts_stay_what_the_parsers_say():
    for text, parser in [("B", "choice"), ("true", "true_false")]:
        ours = collected("What is it?", text, parser=parser, source="s")
        assert ours["answer"] == imported("What is it?", text)["answer"] == text


def test_ids_of_plain_numbers_are_those_of_stores_written_before():
    # Computed before answers were made canonical by the identity itself.
    assert problem_id("What is 3 + 4?", "7") == "59c756a41ab533915e124b0c5b69a806"
    assert problem_id("What is 3 - 4.5?", "-1.5") == "0973dafcaf6489491222a1f54221ddcf"


@pytest.mark.parametrize(
    "text", ["B", "true", "ten apples", "5 apples", "1,23", "10-4", "1/2/2024", "1e999999999", "٣"]
)
def test_what_is_no_number_by_itself_stays_text(text):
    assert canonical_answer(f" {text}\n") == text


@given(st.text(alphabet="0123456789.,-+$e#/% a", max_size=20))
def test_a_canonical_answer_is_a_fixed_point(text):
    once = canonical_answer(text)
    assert canonical_answer(once) == once


@pytest.mark.parametrize("value", [None, "", "  ", "nan", float("inf"), float("nan")])
def test_what_stands_for_no_answer_is_missing(value):
    assert canonical(value) is None


def test_an_answer_is_graded_against_a_gold_that_was_stored_as_it_was_written():
    assert graded("50", "50%", None)["correct"] is True
    assert graded("−5", "−5", None)["correct"] is True

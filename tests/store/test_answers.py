"""One reader of answers: numbers in text, gold answers, and one problem for each text."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.parsers import PARSERS
from collect.problems.problems import problem_row as collected
from sql.errors import UserError
from store.answers import (
    canonical_answer,
    form_of,
    gold_answer,
    graded_answer,
    read_number,
    this_question,
)
from store.exchange.imported_rows import gold, graded
from store.exchange.imported_rows import problem_row as imported
from store.identity import problem_id
from tests.answer_table import ANSWERS

STATED = [row for row in ANSWERS if row["gold"]]
OTHERS = [row for row in ANSWERS if not row["gold"] and row["text"]]


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: repr(row["text"])[:40])
def test_each_text_of_the_table(row):
    reading = read_number(row["text"])
    assert (reading.value, reading.stated) == (row["value"], row["gold"])


def test_the_table_has_its_rules_and_no_text_twice():
    assert len(ANSWERS) >= 120
    assert len({row["text"] for row in ANSWERS}) == len(ANSWERS)
    assert sum(row["value"] is None for row in ANSWERS) >= 40


@pytest.mark.parametrize("row", STATED, ids=lambda row: repr(row["text"])[:40])
def test_collector_problems_and_imports_make_one_answer_of_a_text(row):
    text, answer = row["text"], row["value"]
    assert PARSERS["number"](text) == gold_answer(text) == canonical_answer(text) == answer
    there = imported("What is it?", text)
    ours = collected("What is it?", text, source="s")
    assert there["answer"] == answer
    assert there == {name: value for name, value in ours.items() if name in there}
    assert there["problem_id"] == problem_id("What is it?", text)
    assert problem_id("What is it?", text) == problem_id("What is it?", answer)
    assert graded(text, answer, None) == {"answer": answer, "status": "ok", "correct": True}


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: repr(row["text"])[:40])
def test_no_gold_number_is_stored_of_a_text_that_states_none(row):
    assert gold_answer(row["text"]) is None
    with pytest.raises(UserError, match="by itself or after a mark"):
        collected("What is it?", row["text"], source="s")
    stored = imported("What is it?", row["text"])["answer"]
    assert gold_answer(stored) is None
    assert gold(stored) == stored
    # An answer is still read: the last number of a model's text.
    expected = "parse_fail" if row["value"] is None else "ok"
    assert graded(row["text"], "17", None)["status"] == expected


@given(st.integers(), st.booleans())
def test_every_whole_number_is_read_back(value, commas):
    written = f"{value:,}" if commas else str(value)
    for text in (f"it is {written}", f"#### {written}", f"\\boxed{{{written}}}", written):
        assert read_number(text).value == str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9)))
def test_decimals_are_compared_exactly(value):
    if abs(value) > 10**20:
        return
    canonical = canonical_answer(f"{value:f}")
    assert Decimal(canonical) == value
    assert graded_answer(f"{value:f}000", canonical)[1] is True
    assert graded_answer(f"{value:f}1", canonical)[1] is False


@given(st.text(alphabet="0123456789.,-+$e#/% xQ:\\n\\\\boxed{}½²×^", max_size=60))
def test_what_was_read_is_a_fixed_point_and_gold_never_says_otherwise(text):
    reading = read_number(text)
    assert reading.value is None or canonical_answer(reading.value) == reading.value
    assert gold_answer(text) in {None, PARSERS["number"](text)}
    once = canonical_answer(text)
    assert canonical_answer(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "9" * 50_000,
        "1e" + "9" * 5000,
        "1/" + "3" * 5000,
        "\\text{" * 3000,
        "{" * 20_000,
        "- " * 20_000,
        "answer " * 5000 + " " * 20_000,
        "\\boxed{" * 2000 + "}" * 2000,
        "Q:" * 10_000,
        "1,234," * 5000,
    ],
)
def test_hostile_text_is_read_in_a_moment(text):
    begun = time.perf_counter()
    read_number(text)
    assert time.perf_counter() - begun < 5


def test_what_a_run_on_model_says_of_other_questions_is_cut():
    assert this_question("7\n\n**Question 2:** 3 + 4?") == "7\n\n"
    assert this_question("Question: 3 + 4?\n7") == "Question: 3 + 4?\n7"
    assert this_question("so the question: how many? 7") == "so the question: how many? 7"


@pytest.mark.parametrize(
    ("text", "form", "stored"),
    [
        ("7", "number", "7"),
        ("(B)", "choice", "B"),
        ("True", "true_false", "true"),
        ("yes", "true_false", "true"),
        ("2 #### B", "choice", "B"),
        ("half", None, "half"),
        ("a dog", None, "a dog"),
        ("½2", None, "½2"),
        ("5 ####", None, "5 ####"),
        ("it is #### no 5", None, "no 5"),
    ],
)
def test_letters_verdicts_and_text_are_what_every_door_makes_of_them(text, form, stored):
    assert form_of(text) == form
    assert canonical_answer(text) == stored == imported("What is it?", text)["answer"]
    if form:
        ours = collected("What is it?", text, parser=form, source="s")
        assert ours["answer"] == stored


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("The answer is 5", "5", ("5", True)),
        ("5.005", "5", ("5.005", False)),
        ("50", "50%", ("50", True)),
        ("The answer is (B).", "B", ("B", True)),
        ("Yes, it is", "yes", ("true", True)),
        (" Paris ", "Paris", ("Paris", True)),
        ("5 or 6", "5", (None, None)),
        ("I cannot say", "B", (None, None)),
        ("1/3", "2/6", ("1/3", True)),
    ],
)
def test_an_answer_is_read_in_the_form_of_its_gold(answer, gold, expected):
    assert graded_answer(answer, gold) == expected


def test_a_verdict_of_the_file_stands_where_nothing_is_read_and_contradicts_otherwise():
    unread = {"answer": None, "status": "parse_fail", "correct": None}
    assert graded("5 or 6", "5", False) == unread
    assert graded("5 or 6", "5", True) == {"answer": None, "status": "ok", "correct": True}
    assert graded("0.259", "0.25", False)["correct"] is False
    with pytest.raises(UserError, match=r"marked right: answer 0\.259, gold 0\.25"):
        graded("0.259", "0.25", True)


def test_ids_of_plain_answers_are_those_of_stores_written_before():
    # Computed before answers were made canonical by the identity itself.
    assert problem_id("What is 3 + 4?", "7") == "59c756a41ab533915e124b0c5b69a806"
    assert problem_id("What is 3 - 4.5?", "-1.5") == "0973dafcaf6489491222a1f54221ddcf"


@pytest.mark.parametrize("value", [None, "", "  ", "nan", float("inf"), float("nan")])
def test_what_stands_for_no_answer_is_missing(value):
    assert gold(value) is None

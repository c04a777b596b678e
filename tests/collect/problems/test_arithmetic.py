"""The generated task: what it promises about values, wording and the held-out split."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.problems import arithmetic


def worked_out(problem: arithmetic.ArithmeticProblem) -> list[int]:
    """The running values, by applying the operations again."""
    values = [problem.start]
    for symbol, operand, _ in problem.operations:
        last = values[-1]
        values.append(
            last + operand if symbol == "+" else last - operand if symbol == "-" else last * operand
        )
    return values


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_values_stay_in_range_and_the_answer_is_the_last(seed: int, n_steps: int) -> None:
    problem = arithmetic.draw_problem(random.Random(seed), n_steps)
    values = worked_out(problem)
    assert problem.n_steps == n_steps
    assert all(0 <= value <= arithmetic.MAX_VALUE for value in values)
    assert problem.answer == values[-1]
    assert [result for _, _, result in problem.operations] == values[1:]


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_every_word_is_in_the_vocabulary(seed: int, n_steps: int) -> None:
    known = set(arithmetic.vocabulary())
    problem = arithmetic.draw_problem(random.Random(seed), n_steps)
    for word in (problem.question + " " + problem.chain).split():
        assert word in known or word.isdigit()


def test_the_chain_leaves_out_the_last_step() -> None:
    problem = arithmetic.ArithmeticProblem("", 7, 2, (("+", 3, 5), ("+", 2, 7)), "")
    assert problem.chain == "2 + 3 = 5 ,"


def test_the_splits_share_nothing_and_repeat_nothing() -> None:
    drawn = {
        split: [
            problem.question
            for problem in itertools.islice(
                arithmetic.problems(seed=3, n_steps=1, split=split), 300
            )
        ]
        for split in ("train", "held_out")
    }
    assert not set(drawn["train"]) & set(drawn["held_out"])
    assert all(len(set(questions)) == 300 for questions in drawn.values())


def test_the_same_seed_gives_the_same_problems() -> None:
    first, second = (
        [
            p.question
            for p in itertools.islice(arithmetic.problems(seed=1, n_steps=3, split="train"), 20)
        ]
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("n_steps", [0, 5])
def test_other_numbers_of_steps_are_refused(n_steps: int) -> None:
    with pytest.raises(ValueError, match="1 to 4 steps"):
        arithmetic.draw_problem(random.Random(0), n_steps)

"""Generated one- and two-step arithmetic in bare numbers, for models that read ordinary text."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from collect.problems.problems import Problems, problem_row, quotas
from sql.errors import UserError

MAX_EXPRESSION_STEPS = 2
# Small enough for a model of 135M parameters to be right on some and wrong on others.
MAX_START = 12
MAX_OPERAND = 7
QUESTION = "What is {expression}? Answer with the number only."


def expressions(count: int, *, mix: Sequence[float] = (1, 1), seed: int = 0) -> Problems:
    """Distinct questions on sums such as 14 - 8 + 3, every value on the way at least 0.

    Args:
        count: how many.
        mix: weights of one- and two-step problems.
        seed: of the generator.

    Raises:
        UserError: the mix is not usable, or there are not as many distinct problems.
    """
    if count < 1 or not 1 <= len(mix) <= MAX_EXPRESSION_STEPS or min(mix) < 0 or not sum(mix):
        raise UserError("need a count of at least 1 and 1 or 2 weights, not all zero")
    problems = Problems()
    for n_steps, quota in enumerate(quotas(count, mix), start=1):
        every = _all(n_steps)
        if quota > len(every):
            raise UserError(
                f"there are {len(every)} distinct {n_steps}-step expressions, not {quota}"
            )
        for expression, value in random.Random(f"{seed}/{n_steps}").sample(every, quota):
            problems.rows.append(
                problem_row(
                    QUESTION.format(expression=expression),
                    str(value),
                    n_steps=n_steps,
                    attributes={"expression": expression},
                    source=f"expressions, seed {seed}",
                )
            )
    return problems


def _all(n_steps: int) -> list[tuple[str, int]]:
    """Every expression of `n_steps` additions and subtractions, with its value."""
    steps = [f"{sign} {n}" for sign in "+-" for n in range(1, MAX_OPERAND + 1)]
    return [
        expression
        for start in range(1, MAX_START + 1)
        for chosen in itertools.product(steps, repeat=n_steps)
        for expression in _valid(start, chosen)
    ]


def _valid(start: int, steps: Sequence[str]) -> Iterator[tuple[str, int]]:
    value = start
    for step in steps:
        sign, operand = step.split()
        value += int(operand) if sign == "+" else -int(operand)
        if value < 0:
            return
    yield " ".join([str(start), *steps]), value

"""Generated arithmetic word problems: the task of the bundled model.

A problem is a chain of one to four operations on a running value that stays within 0..99. Its
wording is drawn from templates whose words are the whole vocabulary of the bundled tokenizer, so
that nothing in a generated question is ever unknown to the model.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.vocabulary import ArithmeticSplit

MAX_VALUE = 99
MAX_OPERAND = 9
MAX_START = 30
MAX_STEPS = 4
# One hash bucket in ten is never trained on; the rule needs no list of training problems.
HELD_OUT_BUCKETS = 10

NAMES = ("Tom", "Mia", "Sam", "Ana", "Leo", "Eva", "Max", "Zoe", "Ben", "Ida", "Kai", "Amy")
OBJECTS = (
    "apples", "books", "coins", "pens", "cards", "shells",
    "stamps", "marbles", "cookies", "eggs", "balls", "keys",
)  # fmt: skip
OPENING_TEMPLATES = (
    "{name} collects {object} .",
    "{name} keeps {object} in a box .",
    "Here are the {object} of {name} .",
)
STEP_TEMPLATES = {
    "+": ("{name} buys {operand} more .", "{name} finds {operand} .", "Then {operand} are added ."),
    "-": ("{name} loses {operand} .", "{name} gives away {operand} .", "Then {operand} are sold ."),
    "*": ("It becomes {operand} times as many .", "The number grows {operand} times ."),
}
# The starting value comes last: while a question is read there is nothing yet to compute with, so
# that a chain of several steps needs the latents.
QUESTION_TEMPLATES = (
    "How many {object} does {name} have now , starting from {value} ?",
    "How many {object} are there now , if there were {value} before ?",
    "How many {object} now , with {value} at the start ?",
)
CHAIN_SYMBOLS = ("+", "-", "*", "=", ",", ":")


@dataclass(frozen=True)
class ArithmeticProblem:
    """One generated problem.

    Attributes:
        question: words separated by single spaces.
        answer: the final running value, 0..99.
        start: the first running value.
        operations: one (symbol, operand, value after it) per step.
        template: indices of the sentences used: opening, steps, question.
    """

    question: str
    answer: int
    start: int
    operations: tuple[tuple[str, int, int], ...]
    template: str

    @property
    def n_steps(self) -> int:
        """Number of operations, 1..4."""
        return len(self.operations)

    @property
    def chain(self) -> str:
        """The worked steps in words the tokenizer knows, *without the last one*.

        A teacher that could read the last step would only have to copy its answer.
        """
        value, parts = self.start, []
        for symbol, operand, result in self.operations[:-1]:
            parts.append(f"{value} {symbol} {operand} = {result} ,")
            value = result
        return " ".join(parts)


def vocabulary() -> list[str]:
    """Every word a question, a chain or an answer can contain, digits first, in a fixed order."""
    words: dict[str, None] = {}
    sentences = (*OPENING_TEMPLATES, *(s for group in STEP_TEMPLATES.values() for s in group))
    for sentence in (*sentences, *QUESTION_TEMPLATES):
        for word in sentence.split():
            if not word.startswith("{"):
                words[word] = None
    digits = [str(digit) for digit in range(10)]
    return [*digits, *dict.fromkeys((*CHAIN_SYMBOLS, *sorted(words), *NAMES, *OBJECTS))]


def split_of(question: str) -> ArithmeticSplit:
    """Whether a question may be trained on: decided by its content alone, so it cannot leak."""
    bucket = int.from_bytes(hashlib.sha256(question.encode()).digest()[:8], "big")
    return "held_out" if bucket % HELD_OUT_BUCKETS == 0 else "train"


def _apply(symbol: str, value: int, operand: int) -> int:
    return {"+": value + operand, "-": value - operand, "*": value * operand}[symbol]


def _operation(rng: random.Random, value: int) -> tuple[str, int, int]:
    """One valid operation: the symbol is drawn first, so that products stay common."""
    valid = {
        symbol: [
            operand
            for operand in range(2 if symbol == "*" else 1, MAX_OPERAND + 1)
            if 0 <= _apply(symbol, value, operand) <= MAX_VALUE
            and not (symbol == "*" and not value)
        ]
        for symbol in STEP_TEMPLATES
    }
    symbol = rng.choice([symbol for symbol, operands in valid.items() if operands])
    operand = rng.choice(valid[symbol])
    return symbol, operand, _apply(symbol, value, operand)


def draw_problem(rng: random.Random, n_steps: int) -> ArithmeticProblem:
    """Draw one problem of `n_steps` operations.

    Raises:
        ValueError: `n_steps` is not in 1..4.
    """
    if not 1 <= n_steps <= MAX_STEPS:
        raise ValueError(f"a generated problem has 1 to {MAX_STEPS} steps, not {n_steps}")
    name, thing = rng.choice(NAMES), rng.choice(OBJECTS)
    start = value = rng.randint(1, MAX_START)
    first = rng.randrange(len(OPENING_TEMPLATES))
    sentences = [OPENING_TEMPLATES[first].format(name=name, object=thing)]
    used, operations = [first], []
    for _ in range(n_steps):
        symbol, operand, value = _operation(rng, value)
        index = rng.randrange(len(STEP_TEMPLATES[symbol]))
        sentences.append(STEP_TEMPLATES[symbol][index].format(name=name, operand=operand))
        operations.append((symbol, operand, value))
        used.append(index)
    last = rng.randrange(len(QUESTION_TEMPLATES))
    sentences.append(QUESTION_TEMPLATES[last].format(name=name, object=thing, value=start))
    template = "-".join(map(str, [*used, last]))
    return ArithmeticProblem(" ".join(sentences), value, start, tuple(operations), template)


def problems(*, seed: int, n_steps: int, split: ArithmeticSplit) -> Iterator[ArithmeticProblem]:
    """Endless distinct problems of one split, the same ones for the same seed."""
    rng = random.Random(f"{seed}/{n_steps}/{split}")
    seen: set[str] = set()
    while True:
        problem = draw_problem(rng, n_steps)
        if split_of(problem.question) == split and problem.question not in seen:
            seen.add(problem.question)
            yield problem

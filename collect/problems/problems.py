"""Problems as rows: reading them from files, the hub or the generator, and adding them to a store.

Every reader returns rows of the table `problems` with a canonical gold answer, and the rows that
it could not use, each with its reason.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.vocabulary import AnswerParser, PairSides, checked
from collect.problems.arithmetic import MAX_STEPS, ArithmeticProblem
from collect.problems.arithmetic import problems as drawn_problems
from collect.problems.parsers import PARSERS
from sql.errors import UserError, first_line
from store import identity, shards
from store.answers import gold_number
from store.exchange import imported_rows, report_files, tidy

GSM8K_HUB_ID = "openai/gsm8k"
PAIR_SIDES = report_files.SIDES
_STEP_MARK = "<<"  # GSM8K writes one <<a*b=c>> per step of its worked answers
_PUNCTUATION = (".", "?", ",")

Row = dict[str, Any]


@dataclass
class Problems:
    """What a source held: rows of `problems`, and a line for each entry that is none."""

    rows: list[Row] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def problem_row(
    question: str,
    answer: str,
    *,
    parser: str = "number",
    n_steps: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    source: str,
) -> Row:
    """One row of `problems`; its answer is what the parser makes of `answer`.

    With parser `number` that is a number by itself, or after "####", as an import reads it
    (`store.answers.gold_number`): of "no 5" or "1:2" nobody knows which number is meant.

    Raises:
        UserError: the question is empty, or the answer holds nothing that the parser knows.
    """
    checked_parser(parser)
    if not isinstance(question, str) or not question.strip():
        raise UserError("the question is empty")
    gold = gold_number(str(answer)) if parser == "number" else PARSERS[parser](str(answer))
    if gold is None:
        where = ", by itself or after ####" if parser == "number" else ""
        raise UserError(f"no {parser} in the answer {str(answer)[:60]!r}{where}")
    return imported_rows.problem_row(
        question,
        gold,
        n_steps=n_steps,
        attributes=identity.canonical_json(dict(attributes or {})),
        source=source,
    )


def checked_parser(parser: str) -> str:
    """The name of an answer parser. Raises UserError for an unknown one."""
    return checked(parser, AnswerParser, "parser")


def checked_sides(side: str) -> tuple[str, ...]:
    """The sides of pairs that a word means. Raises UserError for another word."""
    checked(side, PairSides, "side of pairs")
    return PAIR_SIDES if side == "both" else (side,)


def add_problems(root: Path, rows: Iterable[Row]) -> int:
    """Add the problems that the store does not have yet; return how many those were."""
    known = set(shards.committed(root, "problems", ["problem_id"])["problem_id"].to_pylist())
    # Two texts that differ in white space alone are one problem: the first stays.
    new = {row["problem_id"]: row for row in reversed(list(rows)) if row["problem_id"] not in known}
    shards.append(root, "problems", list(new.values()))
    return len(new)


def generated(
    count: int, *, mix: Sequence[float] = (1, 1, 2, 2), seed: int = 0, spaced: bool = True
) -> Problems:
    """Arithmetic word problems that the bundled model was never trained on.

    Args:
        count: how many.
        mix: weights of 1, 2, 3 and 4-step problems; short lists end early.
        seed: of the generator.
        spaced: words apart by single spaces, as the bundled tokenizer reads them; False writes
            ordinary punctuation, for models that read ordinary text.

    Raises:
        UserError: the count or the mix is not usable.
    """
    if count < 1 or not 1 <= len(mix) <= MAX_STEPS or min(mix) < 0 or not sum(mix):
        raise UserError(f"need a count of at least 1 and 1 to {MAX_STEPS} weights, not all zero")
    shares = quotas(count, mix)
    problems = Problems()
    for n_steps, quota in enumerate(shares, start=1):
        source = drawn_problems(seed=seed, n_steps=n_steps, split="held_out")
        for problem in itertools.islice(source, quota):
            problems.rows.append(_generated_row(problem, f"generated, seed {seed}", spaced))
    return problems


def quotas(count: int, mix: Sequence[float]) -> list[int]:
    """Whole shares of `count` in proportion to `mix`, largest remainders first."""
    exact = [count * weight / sum(mix) for weight in mix]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(mix)), key=lambda i: shares[i] - exact[i])
    for i in by_remainder[: count - sum(shares)]:
        shares[i] += 1
    return shares


def _generated_row(problem: ArithmeticProblem, source: str, spaced: bool) -> Row:
    question = problem.question
    if not spaced:
        for mark in _PUNCTUATION:
            question = question.replace(f" {mark}", mark)
    attributes = {
        "operations": "".join(symbol for symbol, _, _ in problem.operations),
        "start": problem.start,
        "largest_value": max(value for _, _, value in problem.operations),
        "n_words": len(problem.question.split()),
        "template": problem.template,
    }
    return problem_row(
        question,
        str(problem.answer),
        n_steps=problem.n_steps,
        attributes=attributes,
        source=source,
    )


def read_jsonl(path: Path, *, parser: str = "number", source: str | None = None) -> Problems:
    """Problems from lines of JSON with `question` and `answer`, such as GSM8K's files.

    The number of steps is a field `n_steps`, or the count of GSM8K's `<<…>>` marks.

    Raises:
        UserError: the file is not there or not text.
    """
    lines = ((f"{path.name}:{number}", line) for number, line in tidy.json_lines(path))
    return _collected(lines, lambda line: _from_mapping(json.loads(line), parser, source, path))


def _from_mapping(entry: Any, parser: str, source: str | None, path: Path) -> Row:
    if not isinstance(entry, dict) or "question" not in entry or "answer" not in entry:
        raise UserError("needs the fields question and answer")
    answer = str(entry["answer"])
    steps = entry.get("n_steps", answer.count(_STEP_MARK) or None)
    attributes = {k: v for k, v in entry.items() if k not in ("question", "answer", "n_steps")}
    return problem_row(
        entry["question"],
        answer,
        parser=parser,
        n_steps=steps,
        attributes=attributes,
        source=source or path.name,
    )


def _collected(entries: Iterable[tuple[str, Any]], row_of: Callable[[Any], Row]) -> Problems:
    problems = Problems()
    for place, entry in entries:
        try:
            problems.rows.append(row_of(entry))
        except (UserError, ValueError, TypeError, KeyError) as error:
            problems.errors.append(f"{place}: {error}")
    return problems


def read_gsm8k(split: str, hub_id: str = GSM8K_HUB_ID) -> Problems:
    """GSM8K from the hub, through `datasets`.

    Raises:
        UserError: `datasets` is not installed, or the hub does not answer.
    """
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            "the hub needs the datasets package: pip install 'steerstat[hub]', or give a JSONL file"
        ) from error
    try:
        loaded = datasets.load_dataset(hub_id, "main", split=split)
    except Exception as error:  # its own kinds, and those of the network below it
        raise UserError(
            f"the hub did not give {hub_id}, split {split!r}: {first_line(error)}"
        ) from error
    source = f"{hub_id} {split}"
    entries = ((f"{source} {i}", entry) for i, entry in enumerate(loaded))
    return _collected(entries, lambda entry: _from_mapping(dict(entry), "number", source, Path()))


def read_pairs(path: Path, *, sides: Sequence[str] = ("clean",)) -> Problems:
    """Problems from a file of pairs: a question, and a twin with one number changed.

    Attributes keep `pair_id` and `side`, so that twins can be joined in SQL.

    Raises:
        UserError: the file is not there or holds no list of pairs.
    """
    if not sides or set(sides) - set(PAIR_SIDES):
        raise UserError(f"sides of a pair are {' and '.join(PAIR_SIDES)}, not {list(sides)}")
    pairs = report_files.read_json(path)
    if not isinstance(pairs, list):
        raise UserError(f"{path} should hold a list of pairs")
    imported = imported_rows.ImportedRows()
    rows = [row for _, _, row in report_files.pair_problems(pairs, path.name, imported, sides)]
    return Problems(rows, imported.errors)


def is_pairs_file(path: Path) -> bool:
    """Whether a file looks like one of pairs: JSON whose text begins with a list."""
    return path.suffix == ".json" and _text(path).lstrip()[:1] == "["


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no UTF-8 text") from error

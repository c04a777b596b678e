"""Problems as rows: reading them from files, the hub or the generator, and adding them to a store.

Every reader returns rows of the table `problems` with a canonical gold answer, and the rows that
it could not use, each with its reason.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from analysis.vocabulary import AnswerParser, PairSides, checked
from collect.problems import problem_files
from collect.problems.arithmetic import MAX_STEPS, ArithmeticProblem
from collect.problems.arithmetic import problems as drawn_problems
from collect.problems.problem_sets import PARSER
from sql.errors import UserError, first_line
from store import identity, shards
from store.answers import gold_answer
from store.exchange import imported_rows, report_files
from store.exchange.imported_rows import MOST_LOST

GSM8K_HUB_ID = "openai/gsm8k"
PAIR_SIDES = report_files.SIDES

_PUNCTUATION = (".", "?", ",")

Row = dict[str, Any]


@dataclass
class Problems:
    """What a source held: rows of `problems`, and a line for each entry that is none.

    `notes` say how columns were understood.
    """

    rows: list[Row] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


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

    The answer has to be stated: by itself or behind a mark such as "####" (`store.answers`). Of
    "no 5" or "1:2" nobody knows which number is meant.

    Raises:
        UserError: the question is empty, or the answer holds nothing that the parser knows.
    """
    checked_parser(parser)
    if not isinstance(question, str) or not question.strip():
        raise UserError("the question is empty")
    gold = gold_answer(answer, parser)
    if gold is None:
        raise UserError(
            f"no {parser} in the answer {answer[:60]!r}, by itself or after a mark such as ####"
        )
    kind = {} if parser == "number" else {PARSER: parser}
    return imported_rows.problem_row(
        question,
        gold,
        n_steps=n_steps,
        attributes=identity.canonical_json({**dict(attributes or {}), **kind}),
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


def read_file(
    path: Path, *, mapping: Mapping[str, str] | None = None, parser: str = "number"
) -> Problems:
    """Problems from a file of JSON, JSONL, CSV or Parquet (`collect.problems.problem_files`).

    Args:
        path: the file.
        mapping: `question`, `answer` or `n_steps` to the file's column; those of published data
            sets are known.
        parser: form of the answers.

    Raises:
        UserError: the file cannot be read, or has no column for the question or the answer.
    """
    checked_parser(parser)
    return _read(path.name, problem_files.entries_of(path), mapping or {}, parser)


def _read(
    name: str, entries: Sequence[problem_files.Entry], mapping: Mapping[str, str], parser: str
) -> Problems:
    columns = problem_files.columns_of(name, entries, mapping)
    others = [f"{field} is {column}" for field, column in columns.items() if field != column]
    problems = Problems(notes=[f"{name}: {', '.join(others)}"] if others else [])
    for place, entry in entries:
        try:
            if isinstance(entry, str):
                raise UserError(entry)
            problems.rows.append(_from_entry(entry, columns, parser, name))
        except UserError as error:
            problems.errors.append(f"{place}: {error}")
    return problems


def _from_entry(
    entry: Mapping[str, Any], columns: Mapping[str, str], parser: str, source: str
) -> Row:
    """The problem of an entry. Raises UserError, which names the field, where it is none."""
    question = problem_files.cell(entry, columns["question"])
    if not isinstance(question, str) or not question.strip():
        raise UserError(f"field {columns['question']}: the question is empty or no text")
    answer = problem_files.cell(entry, columns["answer"])
    if isinstance(answer, list) and len(answer) == 1:  # MultiArith as its authors give it
        [answer] = answer
    if answer is None or isinstance(answer, (list, dict)):
        raise UserError(f"field {columns['answer']}: no answer, found {str(answer)[:60]}")
    with _of_field(columns.get("n_steps", "n_steps")):
        told = entry.get(columns["n_steps"]) if "n_steps" in columns else None
        n_steps = problem_files.steps_of(told, str(answer))
    used = {part for column in columns.values() for part in (column, *column.split("+"))}
    kept = {str(key): value for key, value in entry.items() if key not in used}
    with _of_field(columns["answer"]):
        return problem_row(
            question,
            str(answer).lower() if isinstance(answer, bool) else str(answer),
            parser=parser,
            n_steps=n_steps,
            attributes=json.loads(json.dumps(kept, default=_plain)),
            source=source,
        )


@contextmanager
def _of_field(column: str) -> Iterator[None]:
    """Name the field in what is wrong with it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"field {column}: {error}") from error


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def refuse_lost(problems: Problems) -> None:
    """Raise UserError where more than `MOST_LOST` of a source's entries cannot be used."""
    lost, total = len(problems.errors), len(problems.errors) + len(problems.rows)
    if lost > MOST_LOST * total:
        raise UserError(
            f"{lost} of {total} entries cannot be used, more than {MOST_LOST:.0%}: nothing was "
            f"added (--allow-bad adds the others); the first: {problems.errors[0]}"
        )


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
    entries = [(f"{source} entry {i}", dict(entry)) for i, entry in enumerate(loaded)]
    return _read(source, entries, {}, "number")


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
    """Whether a file is one of pairs: a list in JSON whose entries have a `pair_id`."""
    return (
        path.suffix == ".json"
        and path.is_file()
        and (report_files.recognised(report_files.read_json(path)) == "pairs")
    )

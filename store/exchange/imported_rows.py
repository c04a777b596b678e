"""Rows on their way into a store from somebody else's file, and what was wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sql.errors import UserError
from store.answers import VERSION, canonical_answer, graded_answer
from store.identity import canonical_json, condition_id, dose, model_id, problem_id
from store.layout import create_store, is_store
from store.schema import TABLES, Table
from store.shards import append, committed, conform

Row = dict[str, Any]
Known = dict[str, dict[tuple[Any, ...], Row]]
"""Rows by table and key."""

STEERING = {"schedule": "uniform", "operator": "add", "effect": "total"}
# How programs write the number that is none.
_NO_NUMBER = {"nan", "-nan", "inf", "-inf", "infinity", "-infinity"}
MOST_LOST = 0.01
"""Share of a file's entries that may be unusable without its being refused."""

_FIRST_STAYS = {"problems", "models", "runs", "directions", "direction_vectors"}


@dataclass
class ImportedRows:
    """Rows per table, errors and notes; rows count only once `write` has compared them.

    `repeats` counts rows per table that came again with the same content.
    `errors` are lines `place: reason` for what did not fit; `notes` say what was understood;
    `n_entries` counts what was read.
    """

    rows: Known = field(default_factory=dict)
    repeats: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_entries: int = 0

    def add(self, table: str, row: Row, place: str = "") -> None:
        """Add a row; the same again is one row, and another content under its key an error."""
        key = tuple(row[name] for name in TABLES[table].key)
        kept = self.rows.setdefault(table, {}).setdefault(key, row)
        if kept is row:
            return
        if _equal(TABLES[table], kept, row):
            self.repeats[table] += 1
        else:
            self.errors.append(f"{place or table}: {_row_name(table, key)} came before, otherwise")

    def all_notes(self) -> list[str]:
        """The notes, and how many outcomes and activations are one row with an earlier one."""
        return self.notes + [
            f"{self.repeats[table]:,} {table} repeat an earlier one of the file (same "
            f"{', '.join(name.removesuffix('_id') for name in TABLES[table].key)}) and count once"
            for table in ("outcomes", "activations")
            if self.repeats[table]
        ]

    @contextmanager
    def entry(self, place: str) -> Iterator[None]:
        """Turn what is wrong with one entry into an error line, and go on with the next."""
        self.n_entries += 1
        try:
            yield
        except (UserError, KeyError, TypeError, ValueError, OverflowError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
            self.errors.append(f"{place}: {reason}")


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did: new rows per table, rows that were there already, errors and notes.

    `run_id` is the run that it is; `preview` shows how the first outcomes are understood.
    """

    run_id: str
    added: dict[str, int]
    ignored: int
    errors: list[str]
    notes: list[str]
    preview: list[Row] = field(default_factory=list)


def write(
    root: Path,
    imports: Sequence[tuple[str, ImportedRows]],
    *,
    strict: bool = False,
    allow_bad: bool = False,
    dry_run: bool = False,
) -> list[ImportReport]:
    """Commit the rows that the store (made if it is not there) does not have yet.

    Rows that are there with the same content are ignored and counted; rows that are there with
    another content are errors and stay out, so that an import never sends anything to quarantine.
    Of several imports each is compared with the ones before it as well.

    Args:
        root: folder of the store.
        imports: id of the run and rows of each file.
        strict: write nothing if there is any error.
        allow_bad: write what fits, however much does not.
        dry_run: compare only.

    Raises:
        UserError: With `strict`, if there is any error; without `allow_bad`, if more than
            `MOST_LOST` of the entries of a file do not fit; or a table cannot take the rows.
            Nothing is made or written then.
    """
    there = _stored_rows(root, [imported for _, imported in imports])
    reports = []
    new_tables = []
    for run_id, imported in imports:
        new, n_ignored = _new_rows(imported, there)
        new_tables.append({name: conform(TABLES[name], rows) for name, rows in new.items()})
        reports.append(
            ImportReport(
                run_id=run_id,
                added={name: len(rows) for name, rows in new.items()},
                ignored=n_ignored,
                errors=imported.errors,
                notes=imported.all_notes(),
            )
        )
        if not (strict or allow_bad or dry_run):
            _refuse_lost(imported)
    errors = [line for report in reports for line in report.errors]
    if strict and errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise UserError(f"nothing was imported, --strict: {errors[0]}{more}")
    if dry_run:
        return reports
    create_store(root)
    for (run_id, _), tables in zip(imports, new_tables, strict=True):
        for name in TABLES:
            if name in tables:
                append(root, name, tables[name], run_id=run_id)
    return reports


def _refuse_lost(imported: ImportedRows) -> None:
    lost, total = len(imported.errors), imported.n_entries
    if lost > MOST_LOST * total:
        raise UserError(
            f"{lost} of {total} entries cannot be used, more than {MOST_LOST:.0%}: nothing was "
            f"imported (--allow-bad imports the others); the first: {imported.errors[0]}"
        )


def _stored_rows(root: Path, imports: Sequence[ImportedRows]) -> Known:
    """What the store has under the keys of the imports; nothing where there is no store yet."""
    there: Known = {name: {} for imported in imports for name in imported.rows}
    if not is_store(root):
        return there
    for name in there:
        table = TABLES[name]
        keys = {key for imported in imports for key in imported.rows.get(name, {})}
        columns = [*table.key, *table.compared("exact")]
        if name == "outcomes":
            columns.append("run_id")
        for row in committed(root, name, columns).to_pylist():
            if (key := tuple(row[column] for column in table.key)) in keys:
                there[name][key] = row
    return there


def _new_rows(imported: ImportedRows, there: Known) -> tuple[dict[str, list[Row]], int]:
    """Rows that are not `there`, which holds them from here on, and how many are there alike."""
    new: dict[str, list[Row]] = {}
    n_ignored = 0
    for name, rows in imported.rows.items():
        for key, row in rows.items():
            if key not in there[name]:
                new.setdefault(name, []).append(row)
                there[name][key] = row
            elif _equal(TABLES[name], there[name][key], row):
                n_ignored += 1
            else:
                run = there[name][key].get("run_id") if name == "outcomes" else None
                back = f" of run {run} (`steerstat store remove STORE {run}` takes it back)"
                imported.errors.append(
                    f"{_row_name(name, key)} is in the store with other content"
                    f"{back if run else ''}"
                )
    return new, n_ignored


def _equal(table: Table, row: Row, other: Row) -> bool:
    """Whether two rows of one key say the same; of some tables the first simply stays."""
    if table.name in _FIRST_STAYS:
        return True
    return all(row.get(name) == other.get(name) for name in table.compared("exact"))


def _row_name(table: str, key: tuple[Any, ...]) -> str:
    return f"{table} row {', '.join(str(part) for part in key)}"


def gold(value: Any) -> str | None:
    """A gold answer as it is stored (`store.answers`); None for what stands for no answer."""
    text = _text(value)
    return None if text is None else canonical_answer(text)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    text = str(value).strip()
    return text if text and text.lower() not in _NO_NUMBER else None


def problem_row(question: str, answer: Any, **columns: Any) -> Row:
    """A row of `problems` with its id. Raises UserError if question or answer is empty."""
    stored = gold(answer)
    if not isinstance(question, str) or not question.strip() or stored is None:
        raise UserError(f"a problem needs a question and an answer, found {question!r}, {answer!r}")
    return {
        "problem_id": problem_id(question, stored),
        "question": question.strip(),
        "answer": stored,
        **columns,
    }


def model_row(name: str, family: str = "codi") -> Row:
    """A row of `models` for a model whose weights nobody hashed."""
    hashes = {"weights_sha256": f"imported:{name}", "tokenizer_sha256": f"imported:{name}"}
    key = model_id(**hashes, family=family)
    return {"model_id": key, "name": name, "family": family, **hashes}


def condition_row(
    model: str,
    source: str,
    direction: str | None = None,
    *,
    reads: bool = True,
    fields: Row | None = None,
    **how: Any,
) -> Row:
    """A row of `conditions` of an import; without a direction, its baseline.

    `source` keeps imports of different experiments apart, as their protocol is not known; where
    answers are read (and not verdicts alone) the version of the reader is part of it. `fields` is
    what else is known of the protocol.
    """
    known: Row = {"source": source, **(fields or {})}
    if reads:
        known["parser_version"] = VERSION
    row: Row = {
        "model_id": model,
        "direction_id": direction,
        "alpha": 0.0,
        "protocol": "imported",
        "protocol_fields": canonical_json(known),
        "decoding": canonical_json({"mode": "unknown"}),
        "dtype": "unknown",
        **how,
    }
    row["alpha"] = dose(row["alpha"])
    return {"condition_id": condition_id(**row), **row}


def graded(answer: Any, gold: str, verdict: bool | None, status: str | None = None) -> Row:
    """Columns answer, status and correct of an outcome; missing answers are never wrong.

    The answer is read as the collector reads a model's text, and is right where it is the gold
    answer exactly.

    Raises:
        UserError: If the file's own verdict contradicts its answer.
    """
    text = _text(answer)
    read, right = (None, None) if text is None else graded_answer(text, gold)
    if status not in {None, "", "ok"} or (read is None and verdict is not True):
        return {"answer": None, "status": status or "parse_fail", "correct": None}
    if read is None:
        return {"answer": None, "status": "ok", "correct": verdict}
    if verdict is not None and verdict != right:
        raise UserError(f"is marked {'right' if verdict else 'wrong'}: answer {read}, gold {gold}")
    return {"answer": read, "status": "ok", "correct": right}

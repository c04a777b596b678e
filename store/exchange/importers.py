"""Import: bring outcomes, problems, directions and activations of others into a store.

    from store.exchange.importers import import_file
    report = import_file(root, "outcomes.csv", mapping={"problem": "id"})

Importing the same file twice changes nothing: ids follow from content.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from sql.errors import UserError
from store.clock import now
from store.exchange import formats, tidy
from store.exchange.columns import finite, whole
from store.exchange.imported_rows import (
    ImportedRows,
    ImportReport,
    Known,
    Row,
    model_row,
    write,
)
from store.exchange.report_files import (
    JSON_READERS,
    TAKES,
    Context,
    pair_number,
    pairs,
    read_json,
    recognised,
)
from store.exchange.source import UNREADABLE, Source
from store.identity import content_id
from store.layout import checked_place, is_store
from store.names import checked_model_name, checked_name, checked_sites
from store.shards import committed, hash_file

_N_SHOWN = 5  # outcomes of a preview


def import_file(
    root: str | Path,
    path: str | Path,
    *,
    pairs_file: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    set_name: str = "imported",
    model: str = "gpt2",
    direction: str | None = None,
    alpha: float | None = None,
    seed: int | None = None,
    filters: Mapping[str, str] | None = None,
    right_from: float | None = None,
    site: str = "residual:5",
    strict: bool = False,
    allow_bad: bool = False,
    dry_run: bool = False,
) -> ImportReport:
    """Import one file, as `import_files` does. Raises UserError."""
    [(_, report)] = import_files(
        root,
        [path],
        pairs_file=pairs_file,
        mapping=mapping,
        set_name=set_name,
        model=model,
        direction=direction,
        alpha=alpha,
        seed=seed,
        filters=filters,
        right_from=right_from,
        site=site,
        strict=strict,
        allow_bad=allow_bad,
        dry_run=dry_run,
    )
    return report


def import_files(
    root: str | Path,
    files: Sequence[str | Path],
    *,
    pairs_file: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    set_name: str = "imported",
    model: str = "gpt2",
    direction: str | None = None,
    alpha: float | None = None,
    seed: int | None = None,
    filters: Mapping[str, str] | None = None,
    right_from: float | None = None,
    site: str = "residual:5",
    strict: bool = False,
    allow_bad: bool = False,
    dry_run: bool = False,
) -> list[tuple[Path, ImportReport]]:
    """Import files into the store at `root` (made if it is not there); ingest it afterwards.

    What a file is follows from its content: one of the report's JSON or npz files, or a table of
    outcomes in one of `store.exchange.formats`. What does not fit is listed in the errors of its
    report. Every file is read and compared before anything is written. Their order does not
    matter; the reports come in the order in which the files were read.

    Args:
        pairs_file: the report's pairs, by which its other files name problems; without it the
            problems with a `pair_id` of the store and of the other files are used.
        mapping: for a table of outcomes, name to column.
        set_name: for a table of outcomes, the problem set that its problems become members of.
        model: name of the model, where the file does not name one.
        direction: of every row of a table that names none; in the report's files that of steering
            results and of a direction file, there by default "reasoning_direction".
        alpha: dose of every row of a table that has none; in the report's files that of
            random-direction results, there by default -3.
        seed: of every row, where the file has none; by default 0.
        filters: column to the value that a row of a table has to have to be read.
        right_from: score from which an outcome of a table is right.
        site: where activations were taken. The report's "layer 6" is `hidden_states[6]`, the output
            of block 5 counted from 0.
        strict: refuse all files if a single entry of one does not fit.
        allow_bad: import what fits of a file even where more than 1 % of its entries do not.
        dry_run: read and compare only; the previews of the reports show what was understood.

    Raises:
        UserError: If a file cannot be read or is none that is known, a name is not usable, too many
            entries do not fit, or with `strict`. Nothing is made or written then.
    """
    store = checked_place(root)
    for file in [*files, *([] if pairs_file is None else [pairs_file])]:
        _check_readable(Path(file))
        tidy.checked_suffix(Path(file))
    given = tidy.Given(
        mapping=mapping or {},
        set_name=checked_name(set_name, "set name"),
        direction=None if direction is None else checked_name(direction, "direction name"),
        alpha=None if alpha is None else finite(alpha, "alpha"),
        seed=None if seed is None else whole(seed, "seed"),
        filters=filters or {},
        right_from=None if right_from is None else finite(right_from, "right_from"),
    )
    tidy.checked_mapping(given.mapping)
    site = ",".join(checked_sites(site))
    checked_model_name(model)
    known = _known(store)
    contexts = []
    for file in _in_order([Path(file) for file in files]):
        context = _read(file, known, model, given, pairs_file, site)
        for name, rows in known.items():
            for key, row in context.imported.rows.get(name, {}).items():
                rows.setdefault(key, row)
        contexts.append((file, context))
    _refuse_unused([context for _, context in contexts])
    imports = [(context.run_id, context.imported) for _, context in contexts]
    reports = write(store, imports, strict=strict, allow_bad=allow_bad, dry_run=dry_run)
    return [
        (file, dataclasses.replace(report, preview=_preview(context.imported, known)))
        for (file, context), report in zip(contexts, reports, strict=True)
    ]


def _preview(imported: ImportedRows, known: Known) -> list[Row]:
    """How the first outcomes are understood."""

    def row_of(table: str, key: Any) -> Row:
        rows = imported.rows.get(table, {}), known.get(table, {})
        return next((part[(key,)] for part in rows if (key,) in part), {})

    shown = []
    for outcome in islice(imported.rows.get("outcomes", {}).values(), _N_SHOWN):
        problem = row_of("problems", outcome["problem_id"])
        condition = row_of("conditions", outcome["condition_id"])
        name = row_of("directions", condition["direction_id"]).get("name")
        named = name or condition["direction_id"]
        shown.append(
            {
                "problem": problem.get("question", outcome["problem_id"]),
                "gold": problem.get("answer"),
                "answer": outcome["answer"],
                "correct": outcome["correct"],
                "status": outcome["status"],
                "condition": f"{named} at {condition['alpha']:g}" if named else "baseline",
                "seed": outcome["seed"],
            }
        )
    return shown


def _check_readable(file: Path) -> None:
    if not file.is_file():
        raise UserError(f"no file {file}")
    try:
        with file.open("rb") as handle:
            handle.read(1)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error


def _in_order(files: Sequence[Path]) -> list[Path]:
    """Files so that problems come before directions, and both before what refers to them."""

    def rank(file: Path) -> int:
        """Pairs first, arrays next, what refers to them last."""
        if file.suffix == ".npz":
            return 1
        return 0 if file.suffix == ".json" and recognised(read_json(file)) == "pairs" else 2

    return sorted(files, key=rank)


def _known(store: Path) -> Known:
    """What a file can refer to of the store: problems, directions, models; none without a store."""
    columns = {
        "problems": ["problem_id", "question", "answer", "attributes", "n_steps"],
        "directions": ["direction_id", "name"],
        "models": ["model_id", "name", "d_model", "n_latent"],
    }
    known: Known = {name: {} for name in columns}
    if is_store(store):
        for name, wanted in columns.items():
            rows = committed(store, name, wanted).to_pylist()
            known[name] = {(row[wanted[0]],): row for row in rows}
    return known


def _read(
    file: Path,
    known: Known,
    model: str,
    given: tidy.Given,
    pairs_file: str | Path | None,
    site: str,
) -> Context:
    """The rows of one file; `known` is what it can refer to."""
    document = read_json(file) if file.suffix == ".json" else None
    name = checked_model_name(_model_of(document) or model)
    digest, _ = hash_file(file)
    context = Context(
        imported=ImportedRows(),
        name=file.name,
        run_id=_run_id(digest, name, given),
        model_id=model_row(name)["model_id"],
        model_name=name,
        problems={row["problem_id"]: row for row in known["problems"].values()},
        pairs=_by_pair(known["problems"].values()),
        directions={row["name"]: row["direction_id"] for row in known["directions"].values()},
        models=[row for row in known["models"].values() if row["name"] == name],
        site=site,
        **_of_report(given),
    )
    if pairs_file is not None:
        pairs(read_json(Path(pairs_file)), context)
    if file.suffix == ".npz":
        from store.exchange import array_files

        kind = array_files.read(file, context)
        context.imported.notes.append(f"{file.name}: {kind}")
        context.unused = _said(given) - TAKES.get(kind, frozenset())
    elif (of_report := recognised(document)) is not None:
        _read_document(document, context, of_report)
        context.unused = _said(given) - TAKES.get(of_report, frozenset())
    else:
        _read_outcomes(Source(file, document), context, given)
    _provenance(context, file, digest)
    return context


def _model_of(document: Any) -> str | None:
    """The model that one of the report's files names."""
    fields = document if isinstance(document, dict) else {}
    name = fields.get("model", fields.get("model_name"))
    return name if isinstance(name, str) else None


def _run_id(digest: str, model: str, given: tidy.Given) -> str:
    """Id of an import: the file, and what the user said of its rows."""
    said = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in dataclasses.asdict(given).items()
        if name not in ("mapping", "set_name") and value not in (None, {})
    }
    return content_id({"import": digest, "model": model, **said})


def _of_report(given: tidy.Given) -> dict[str, Any]:
    """What the report's readers take of it; where nothing was said their own values stay."""
    values = {name: getattr(given, name) for name in ("direction", "alpha", "seed")}
    return {name: value for name, value in values.items() if value is not None}


def _said(given: tidy.Given) -> frozenset[str]:
    """What the user says of rows; the set's name has a default."""
    fields = {name: getattr(given, name) for name in tidy.Given.__dataclass_fields__}
    return frozenset(
        name for name, value in fields.items() if name != "set_name" and value not in (None, {})
    )


def _refuse_unused(contexts: Sequence[Context]) -> None:
    """What is said of rows has to be used by a file at least: else a steered run is a baseline.

    The report's files come together, and each takes what is meant for it.
    """
    unused = frozenset.intersection(*(context.unused for context in contexts))
    for name in ("direction", "alpha", "seed", "filters", "right_from", "mapping"):
        if name in unused:
            option = {"filters": "filter", "right_from": "right-from", "mapping": "map"}
            files = ", ".join(context.name for context in contexts)
            raise UserError(
                f"--{option.get(name, name)} would be ignored: {files} of the report holds no rows "
                "that it could be said of; leave it out"
            )


def _read_outcomes(source: Source, context: Context, given: tidy.Given) -> None:
    """Fill the context from a table of outcomes. Raises UserError if it is of no known format."""
    format = formats.recognised(source)
    if format is None:
        names = dict.fromkeys(one.name for one in formats.FORMATS)
        raise UserError(
            f"{context.name} is none of the report's files ({', '.join(JSON_READERS)}) and of no "
            f"known format ({', '.join(names)}): write a row per outcome as .csv or .jsonl, with "
            "problem, direction, alpha and correct"
        )
    try:
        entries = list(format.entries(source))
    except UNREADABLE as error:
        raise UserError(
            f"{context.name} looks like {format.name} but is not whole: {error!r}"
        ) from error
    context.imported.notes.append(f"{context.name}: {format.name}, {len(entries):,} rows")
    tidy.read(entries, context, given, source=format.name, one_of=format.one_of)


def _by_pair(problems: Iterable[Row]) -> dict[tuple[int, str], dict[str, Row]]:
    """Problems by the pair and side that their attributes name."""
    by_pair: dict[tuple[int, str], dict[str, Row]] = {}
    for row in problems:
        attributes = _attributes(row.get("attributes"))
        if not isinstance(attributes, dict) or "pair_id" not in attributes:
            continue
        with suppress(UserError):  # a key of somebody else's, by which the report names nothing
            pair = pair_number(attributes["pair_id"]), str(attributes.get("side", "clean"))
            by_pair.setdefault(pair, {})[row["problem_id"]] = row
    return by_pair


def _attributes(text: str | None) -> Any:
    """What a problem's attributes say; what is no JSON says nothing."""
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}


def _read_document(document: Any, context: Context, kind: str) -> None:
    """Fill the context from one of the report's JSON files. Raises UserError if it is torn."""
    try:
        JSON_READERS[kind](document, context)
    except UserError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise UserError(f"{context.name} looks like {kind} but is not whole: {error!r}") from error
    context.imported.notes.append(f"{context.name}: {kind}")


def _provenance(context: Context, file: Path, digest: str) -> None:
    """The run that an import is, and the model that its outcomes are of."""
    imported = context.imported
    told = {"file_sha256": digest, "entries": imported.n_entries}
    told |= {"unusable": len(imported.errors)} if imported.errors else {}
    told |= {"repeats": dict(imported.repeats)} if imported.repeats else {}
    if "conditions" in imported.rows or "activations" in imported.rows:
        imported.add("models", model_row(context.model_name))
    at = now()
    run = {"run_id": context.run_id, "created_at": at, "finished_at": at, "status": "complete"}
    command = f"steerstat store import {file.name}"
    imported.add("runs", {**run, "command": command, "gates": json.dumps(told)})

"""Import: bring outcomes, problems, directions and activations of others into a store.

    from store.exchange.importers import import_file
    report = import_file(root, "outcomes.csv", mapping={"problem": "id"})

Importing the same file twice changes nothing: ids follow from content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sql.errors import UserError
from store.clock import now
from store.exchange import tidy
from store.exchange.columns import finite
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
    Context,
    pair_number,
    pairs,
    read_json,
    recognised,
)
from store.identity import content_id
from store.layout import checked_place, is_store
from store.names import checked_model_name, checked_name, checked_sites
from store.shards import committed, hash_file


def import_file(
    root: str | Path,
    path: str | Path,
    *,
    pairs_file: str | Path | None = None,
    mapping: Mapping[str, str] | None = None,
    set_name: str = "imported",
    model: str = "gpt2",
    direction: str = "reasoning_direction",
    alpha: float = -3.0,
    site: str = "residual:5",
    strict: bool = False,
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
        site=site,
        strict=strict,
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
    direction: str = "reasoning_direction",
    alpha: float = -3.0,
    site: str = "residual:5",
    strict: bool = False,
) -> list[tuple[Path, ImportReport]]:
    """Import files into the store at `root` (made if it is not there); ingest it afterwards.

    What a file is follows from its content: one of the report's JSON or npz files, or a tidy CSV,
    JSONL or Parquet table (see `store.exchange.tidy`). What does not fit is listed in the errors of
    its report. Every file is read and compared before anything is written. Their order does not
    matter; the reports come in the order in which the files were read.

    Args:
        pairs_file: the report's pairs, by which its other files name problems; without it the
            problems with a `pair_id` of the store and of the other files are used.
        mapping: for a tidy file, name to column.
        set_name: for a tidy file, the problem set that its problems become members of.
        model: name of the model, where the file does not name one.
        direction: name of the direction that steering results and a direction file are of.
        alpha: dose of random-direction results.
        site: where activations were taken. The report's "layer 6" is `hidden_states[6]`, the output
            of block 5 counted from 0.
        strict: refuse all files if a single entry of one does not fit.

    Raises:
        UserError: If a file cannot be read or is none that is known, a name is not usable, or with
            `strict`. Nothing is made or written then.
    """
    store = checked_place(root)
    for file in [*files, *([] if pairs_file is None else [pairs_file])]:
        _check_readable(Path(file))
        tidy.checked_suffix(Path(file))
    mapping = mapping or {}
    tidy.checked_mapping(mapping)
    checked_name(set_name, "set name")
    steering: dict[str, Any] = {
        "site": ",".join(checked_sites(site)),
        "direction": checked_name(direction, "direction name"),
        "alpha": finite(alpha, "alpha"),
    }
    checked_model_name(model)
    known = _known(store)
    contexts = []
    for file in _in_order([Path(file) for file in files]):
        context = _read(file, known, model, mapping, set_name, pairs_file, **steering)
        for name, rows in known.items():
            for key, row in context.imported.rows.get(name, {}).items():
                rows.setdefault(key, row)
        contexts.append((file, context))
    imports = [(context.run_id, context.imported) for _, context in contexts]
    reports = write(store, imports, strict=strict)
    return [(file, report) for (file, _), report in zip(contexts, reports, strict=True)]


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
    mapping: Mapping[str, str],
    set_name: str,
    pairs_file: str | Path | None,
    **steering: Any,
) -> Context:
    """The rows of one file; `known` is what it can refer to."""
    document = read_json(file) if file.suffix == ".json" else None
    given = document if isinstance(document, dict) else {}
    name = checked_model_name(str(given.get("model", given.get("model_name")) or model))
    digest, _ = hash_file(file)
    context = Context(
        imported=ImportedRows(),
        name=file.name,
        run_id=content_id({"import": digest, "model": name}),
        model_id=model_row(name)["model_id"],
        model_name=name,
        problems={row["problem_id"]: row for row in known["problems"].values()},
        pairs=_by_pair(known["problems"].values()),
        directions={row["name"]: row["direction_id"] for row in known["directions"].values()},
        models=[row for row in known["models"].values() if row["name"] == name],
        **steering,
    )
    if pairs_file is not None:
        pairs(read_json(Path(pairs_file)), context)
    if file.suffix == ".npz":
        from store.exchange import array_files

        context.imported.notes.append(f"{file.name}: {array_files.read(file, context)}")
    elif document is not None:
        _read_document(document, context)
    else:
        tidy.read(file, context, mapping, set_name)
    _provenance(context, file, digest)
    return context


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


def _read_document(document: Any, context: Context) -> None:
    """Fill the context from one of the report's JSON files. Raises UserError if it is none."""
    kind = recognised(document)
    if kind is None:
        raise UserError(
            f"{context.name} is none of the report's files ({', '.join(JSON_READERS)}); tidy rows "
            "come as .csv, .jsonl or .parquet"
        )
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
    if "conditions" in imported.rows or "activations" in imported.rows:
        imported.add("models", model_row(context.model_name))
    at = now()
    run = {"run_id": context.run_id, "created_at": at, "finished_at": at, "status": "complete"}
    command = f"steerstat store import {file.name}"
    imported.add("runs", {**run, "command": command, "gates": json.dumps({"file_sha256": digest})})

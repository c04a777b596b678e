"""Import: bring outcomes, problems, directions and activations of others into a store.

    from store.exchange.importers import import_file
    report = import_file(root, "outcomes.csv", mapping={"problem": "id"})

Importing the same file twice changes nothing: ids follow from content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sql.errors import UserError
from store.clock import now
from store.exchange import tidy
from store.exchange.drafts import Draft, ImportReport, Row, finite, model_row, write
from store.exchange.report_files import JSON_READERS, Context, pairs, read_json, recognised
from store.identity import content_id
from store.layout import checked_place, create_store, is_store
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
    """Import one file into the store at `root` (made if it is not there); ingest it afterwards.

    What it is follows from its content: one of the report's JSON or npz files, or a tidy CSV,
    JSONL or Parquet table (see `store.tidy`). What does not fit is listed in the report's errors.

    Args:
        pairs_file: the report's pairs, by which its other files name problems; without it the
            store's own problems with a `pair_id` are used.
        mapping: for a tidy file, name to column.
        set_name: for a tidy file, the problem set that its problems become members of.
        model: name of the model, where the file does not name one.
        direction: name of the direction that steering results and a direction file are of.
        alpha: dose of random-direction results.
        site: where activations were taken. The report's "layer 6" is `hidden_states[6]`, the output
            of block 5 counted from 0.
        strict: refuse the whole file if a single entry does not fit.

    Raises:
        UserError: If a file cannot be read or is none that is known, a name is not usable, or with
            `strict`. Nothing is made or written then.
    """
    store, file = Path(root), Path(path)
    check_import(
        store,
        [file],
        pairs_file=pairs_file,
        mapping=mapping or {},
        set_name=set_name,
        model=model,
        direction=direction,
        alpha=alpha,
        site=site,
    )
    site = ",".join(checked_sites(site))
    digest, _ = hash_file(file)
    told = read_json(file) if file.suffix == ".json" else None
    name = told.get("model", told.get("model_name")) if isinstance(told, dict) else None
    context = _context(store, file, digest, checked_model_name(str(name or model)))
    context.direction, context.alpha, context.site = direction, alpha, site
    if pairs_file is not None:
        pairs(read_json(Path(pairs_file)), context)
    _read(file, told, context, mapping or {}, set_name)
    _provenance(context, file, digest)
    return write(create_store(store), context.draft, run_id=context.run_id, strict=strict)


def check_import(
    root: str | Path,
    files: Sequence[str | Path],
    *,
    pairs_file: str | Path | None,
    mapping: Mapping[str, str],
    set_name: str,
    model: str,
    direction: str,
    alpha: float,
    site: str,
) -> None:
    """Check all that `import_file` is told, of every file, before the first is imported.

    Raises:
        UserError: If the store cannot be there, a file cannot be read, or a name or number is not
            usable. Nothing is written.
    """
    checked_place(root)
    for file in [*files, *([] if pairs_file is None else [pairs_file])]:
        _check_readable(Path(file))
        tidy.checked_suffix(Path(file))
    tidy.checked_mapping(mapping)
    checked_name(set_name, "set name")
    checked_name(direction, "direction name")
    checked_model_name(model)
    checked_sites(site)
    finite(alpha, "alpha")


def _check_readable(file: Path) -> None:
    if not file.is_file():
        raise UserError(f"no file {file}")
    try:
        with file.open("rb") as handle:
            handle.read(1)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error


def in_order(files: Sequence[Path]) -> list[Path]:
    """Files so that problems come before directions, and both before what refers to them."""

    def rank(file: Path) -> int:
        if file.suffix == ".npz":
            return 1
        return 0 if file.suffix == ".json" and recognised(read_json(file)) == "pairs" else 2

    return sorted(files, key=rank)


def _context(store: Path, file: Path, digest: str, model: str) -> Context:
    """What the store knows: problems by id and by pair, directions by name."""
    wanted = ["problem_id", "question", "answer", "attributes", "n_steps"]
    problems: dict[str, Row] = {}
    by_pair: dict[tuple[int, str], dict[str, Row]] = {}
    for row in _stored(store, "problems", wanted):
        problems[row["problem_id"]] = row
        attributes = json.loads(row["attributes"] or "{}")
        if isinstance(attributes, dict) and "pair_id" in attributes:
            pair = int(attributes["pair_id"]), attributes.get("side", "clean")
            by_pair.setdefault(pair, {})[row["problem_id"]] = row
    directions = _stored(store, "directions", ["name", "direction_id"])
    return Context(
        draft=Draft(),
        name=file.name,
        run_id=content_id({"import": digest, "model": model}),
        model_id=model_row(model)["model_id"],
        model_name=model,
        problems=problems,
        pairs=by_pair,
        directions={row["name"]: row["direction_id"] for row in directions},
    )


def _stored(store: Path, table: str, columns: Sequence[str]) -> list[Row]:
    """Rows of the store; none where there is no store yet."""
    rows: list[Row] = committed(store, table, columns).to_pylist() if is_store(store) else []
    return rows


def _read(
    file: Path, told: Any, context: Context, mapping: Mapping[str, str], set_name: str
) -> None:
    if file.suffix == ".npz":
        from store.exchange import array_files

        context.draft.notes.append(f"{file.name}: {array_files.read(file, context)}")
    elif told is not None:
        kind = recognised(told)
        if kind is None:
            raise UserError(
                f"{file.name} is none of the report's files ({', '.join(JSON_READERS)}); tidy rows "
                "come as .csv, .jsonl or .parquet"
            )
        try:
            JSON_READERS[kind](told, context)
        except UserError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(f"{file.name} looks like {kind} but is not whole: {error!r}") from error
        context.draft.notes.append(f"{file.name}: {kind}")
    else:
        tidy.read(file, context, mapping, set_name)


def _provenance(context: Context, file: Path, digest: str) -> None:
    """The run that an import is, and the model that its outcomes are of."""
    draft = context.draft
    if "conditions" in draft.rows or "activations" in draft.rows:
        draft.add("models", model_row(context.model_name))
    at = now()
    run = {"run_id": context.run_id, "created_at": at, "finished_at": at, "status": "complete"}
    command = f"steerstat store import {file.name}"
    draft.add("runs", {**run, "command": command, "gates": json.dumps({"file_sha256": digest})})

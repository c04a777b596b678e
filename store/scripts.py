"""What a query that a person gives stands for: SQL text, a file, a named query, a view, a table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sql import loader
from sql.errors import UserError
from sql.words import meant
from store.schema import TABLES

_DERIVED = ("outcomes", "shards", "fragile_differences", "schema_migrations", "store_info")


def resolve(query: str) -> loader.Script:
    """The script that `query` stands for.

    A name is a named query, a view or a table, in this order; a text that ends in `.sql` and has
    no white space is a file; anything else is SQL.

    Raises:
        UserError: If a name is unknown (with the nearest ones), or a file is not there.
    """
    text = query.strip()
    if text in loader.queries():
        return loader.queries()[text]
    if text in loader.scripts("views"):
        view = loader.scripts("views")[text]
        return _script(text, "view", f"FROM {loader.quote(text)}", explained=view.text)
    if text in {*TABLES, *_DERIVED}:
        return _script(text, "table", f"FROM {loader.quote(text)}")
    if re.fullmatch(r"\S+\.sql", text):
        return _file(Path(text))
    if re.fullmatch(r"\w+", text):
        raise UserError(_unknown(text))
    return _script("query", "text", text)


def _script(name: str, kind: str, text: str, explained: str = "") -> loader.Script:
    return loader.Script(
        name=name, kind=kind, summary="", documentation=explained, parameters=(), text=text
    )


def _file(path: Path) -> loader.Script:
    if not path.is_file():
        raise UserError(f"no file {path}: give SQL text, a file, or a name that `sql STORE` lists")
    text = path.read_text("utf-8")
    if text.startswith("--") and text[2:].splitlines()[0].strip():
        return loader.parse(path.stem, "file", text)
    return _script(path.stem, "text", text)


def _unknown(name: str) -> str:
    known = [*loader.queries(), *loader.scripts("views"), *TABLES, *_DERIVED]
    return (
        f"no query, view or table {name!r}: {meant(name, known, n=3)}"
        "`steerstat sql STORE` lists them all"
    )


def explained(script: loader.Script) -> str:
    """The text that `--explain` prints: of a view, its definition."""
    return script.documentation if script.kind == "view" else script.text


def listing() -> tuple[list[str], list[tuple[str, str, str, str]]]:
    """Columns and rows of the list of views, named queries and macros."""
    rows = []
    for kind, folder in (("view", "views"), ("query", "queries"), ("macro", "macros")):
        for name, script in loader.scripts(folder).items():
            given = ", ".join(
                p.name if p.required else f"{p.name}={_shown(p.default)}" for p in script.parameters
            )
            rows.append((kind, name, given, script.summary))
    return ["what", "name", "parameters", "summary"], rows


def _shown(value: Any) -> str:
    return "NULL" if value is None else str(value)


def parameters(script: loader.Script, given: Mapping[str, str]) -> dict[str, Any]:
    """Values of a script's parameters from the texts that a person gave. Raises UserError."""
    declared = {parameter.name: parameter for parameter in script.parameters}
    if not declared and script.kind not in ("queries", "file"):
        return {name: _guess(text) for name, text in given.items()}
    known = {n: declared[n].convert(text) if n in declared else text for n, text in given.items()}
    return script.values(known)


def _guess(text: str) -> Any:
    """A number, a boolean, NULL, or the text itself."""
    if text.lower() in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

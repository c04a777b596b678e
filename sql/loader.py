"""The named SQL of the project: one statement a file, its header comment is its documentation.

A file starts with `--` lines: the first is a one-line summary, the rest says the grain, the
parameters, the columns and their units. A parameter line reads

    --   $alpha DOUBLE = -3.0: the dose at which directions are compared

and gives a named query its typed parameter, default and help. Nothing else is parsed: the text of
the file is what runs, and what `steerstat sql --explain` prints.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sql.errors import UserError

if TYPE_CHECKING:
    import duckdb

FOLDER = Path(__file__).parent
# What is in `internal` is asked by the program alone: no list shows it, no name reaches it.
# What is in `audit` shows the rows of a finding; its names are those of checks, `data_duplicate`.
KINDS = ("audit", "internal", "macros", "migrations", "queries", "views")

_PARAMETER = re.compile(
    r"^\$(?P<name>\w+)\s+(?P<type>[A-Z]+)(?:\s*=\s*(?P<default>[^:]*?))?\s*:\s*(?P<about>.+)$"
)
_NUMBER = re.compile(r"^(\d+)_")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One `$name` of a named query: its SQL type, default (a Python value) and meaning.

    One without a default is required.
    """

    name: str
    type: str
    default: Any
    about: str
    required: bool = False

    def convert(self, text: str) -> Any:
        """The value that `text`, typed by a person, stands for. Raises UserError."""
        return _convert(self.name, self.type, text)


@dataclass(frozen=True, kw_only=True)
class Script:
    """One .sql file: name, kind (its folder), documentation and text."""

    name: str
    kind: str
    summary: str
    documentation: str
    parameters: tuple[Parameter, ...]
    text: str

    @property
    def version(self) -> int:
        """Number of a migration, from its file name (`0001_tables` is 1)."""
        match = _NUMBER.match(self.name)
        if match is None:
            raise ValueError(f"{self.kind}/{self.name}.sql has no leading number")
        return int(match.group(1))

    @property
    def statement(self) -> str:
        """The SQL without the header: what a page shows."""
        lines = self.text.splitlines()
        return "\n".join(lines[len(self.documentation.split("\n")) :]).rstrip(";\n")

    @property
    def sha256(self) -> str:
        """Hash of the file's text (hex), by which an altered migration is recognised."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter's value: the given one, else the default. Raises UserError."""
        known = {parameter.name: parameter for parameter in self.parameters}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UserError(
                f"query {self.name} has no parameter {unknown[0]!r}; it has "
                f"{', '.join(known) or 'none'}"
            )
        for name, parameter in known.items():
            if parameter.required and given.get(name) in (None, ""):
                raise UserError(
                    f"query {self.name} needs {name} ({parameter.about}): add -p {name}=…"
                )
        return {name: given.get(name, parameter.default) for name, parameter in known.items()}


def _convert(name: str, kind: str, text: str) -> Any:
    if text.upper() == "NULL":
        return None
    try:
        if kind in {"INTEGER", "BIGINT"}:
            return int(text)
        if kind in {"DOUBLE", "FLOAT"}:
            return float(text)
    except ValueError:
        raise UserError(f"parameter {name} must be {kind}, found {text!r}") from None
    if kind == "BOOLEAN":
        if text.lower() not in {"true", "false"}:
            raise UserError(f"parameter {name} must be true or false, found {text!r}")
        return text.lower() == "true"
    return text.removeprefix("'").removesuffix("'")


def _parameter(line: str) -> Parameter | None:
    match = _PARAMETER.match(line)
    if match is None:
        return None
    name, kind, default, about = match.group("name", "type", "default", "about")
    value = None if default is None else _convert(name, kind, default)
    return Parameter(name=name, type=kind, default=value, about=about, required=default is None)


def parse(name: str, kind: str, text: str) -> Script:
    """A script from the text of a file; the header's first line is its summary."""
    header = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        header.append(line[2:].removeprefix(" ").rstrip())
    if not header or not header[0]:
        raise ValueError(f"{kind}/{name}.sql must start with a one-line summary as a comment")
    parameters = (_parameter(line.strip()) for line in header)
    return Script(
        name=name,
        kind=kind,
        summary=header[0],
        documentation="\n".join(header),
        parameters=tuple(parameter for parameter in parameters if parameter),
        text=text,
    )


@cache
def scripts(kind: str) -> dict[str, Script]:
    """Name -> script of one folder (`KINDS`), sorted by file name."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {KINDS}")
    files = sorted((FOLDER / kind).glob("*.sql"))
    return {file.stem: parse(file.stem, kind, file.read_text("utf-8")) for file in files}


def migrations() -> list[Script]:
    """The migrations, by number; two with one number are an error."""
    ordered = sorted(scripts("migrations").values(), key=lambda script: script.version)
    numbers = [script.version for script in ordered]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"two migrations share a number: {numbers}")
    return ordered


def queries() -> dict[str, Script]:
    """Name -> named query."""
    return scripts("queries")


def internal(name: str) -> Script:
    """A query that the program asks itself, by name."""
    return scripts("internal")[name]


def macros() -> dict[str, Script]:
    """Name -> macro file, sorted by name; a macro may use only macros of earlier files."""
    return scripts("macros")


def views() -> dict[str, Script]:
    """Name -> view, each after the views that it reads; in one order, which hashes rest on."""
    by_name = scripts("views")
    names = re.compile(r"\b(" + "|".join(by_name) + r")\b") if by_name else re.compile(r"(?!)")
    reads = {
        name: sorted({other for other in names.findall(code(script.text)) if other != name})
        for name, script in by_name.items()
    }
    return {name: by_name[name] for name in TopologicalSorter(reads).static_order()}


def code(text: str) -> str:
    """The text without its comments."""
    return re.sub(r"--.*", "", text)


def define(connection: duckdb.DuckDBPyConnection) -> None:
    """Create (or replace) every macro and view on an open, writable DuckDB connection."""
    for script in macros().values():
        execute(connection, script)
    for script in views().values():
        execute(connection, script)


def execute(
    connection: duckdb.DuckDBPyConnection, script: Script, **given: Any
) -> duckdb.DuckDBPyConnection:
    """Run a script and return the connection's result; failed SQL names the script.

    Raises UserError for unknown parameters; any DuckDB error is re-raised with the name.
    """
    values = script.values(given)
    try:
        return (
            connection.execute(script.text, values) if values else connection.execute(script.text)
        )
    except Exception as error:
        error.add_note(f"in {script.kind}/{script.name}.sql")
        raise


def quote(identifier: str) -> str:
    """An SQL identifier in double quotes: the only road by which a name enters a statement."""
    return '"' + identifier.replace('"', '""') + '"'


def parquet(files: str, *options: str) -> str:
    """`read_parquet` of files that an expression gives: columns are what they hold, no more.

    DuckDB would make a column of every folder called like one (`runs/seed=7`), over the file's own.
    """
    return f"read_parquet({', '.join((files, 'hive_partitioning = false', *options))})"


def exact_paths(paths: Iterable[Path]) -> list[str]:
    """Paths as `read_parquet` takes them for one file each: `*`, `?` and `[` are no patterns."""
    return [re.sub(r"[*?[]", r"[\g<0>]", str(path)) for path in paths]


def literal(value: str | None) -> str:
    """An SQL literal, where a statement takes no parameters or is shown to a reader."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"

"""Asking a store: a query of a stranger is answered by a process of its own.

That process can open nothing (`store.closed.lock`) and is ended from here when its time is over or
whoever asked has gone: DuckDB's own limits of time and memory hold only where it looks at them,
which many functions of texts and lists never do.
"""

from __future__ import annotations

import base64
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sql import loader
from sql.errors import UserError
from sql.words import meant
from store.closed import MEMORY, ask, memory_bytes
from store.database import connect
from store.scripts import resolve

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SECONDS = 300.0
"""Time limit of a query."""

# Parameters of named queries whose values are names of the store's own.
_KNOWN = {"direction", "scheme", "set_name"}
_LONGEST = 10.0**6
_STARTING = 120.0
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from store.answering import main; main()"
)
# Nothing else of the environment is handed on: it may hold what a query should not read.
_HANDED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@contextmanager
def answered(
    root: str | Path | None,
    script: loader.Script,
    values: Mapping[str, Any],
    *,
    form: str,
    seconds: float = SECONDS,
    memory: str = MEMORY,
    most: int = 0,
    tables: Mapping[str, pa.Table] | None = None,
) -> Iterator[BinaryIO]:
    """The whole answer to a script's query, to be read within the block.

    Args:
        root: the store; None for a query of `tables` alone.
        script: the query; its text is believed in nothing.
        values: its parameters: numbers, texts, booleans, None, and lists of them.
        form: `table`, `csv`, `json`, `markdown` or `parquet`; `arrow`, a stream of Arrow IPC;
            `rows`, an object of `columns`, `types` and the first rows in JSON, one more than
            `most`.
        seconds: limit of the time until the answer is there.
        memory: limit of the memory that query and answer take, such as `4GB`.
        most: see `form`.
        tables: small tables that the query finds by these names.

    Raises:
        UserError: If the store cannot be opened, a limit or parameter is wrong, or the query is no
            reading statement, fails, takes too long or needs too much memory.
    """
    if not 0 < seconds <= _LONGEST:
        raise UserError(
            f"the time limit is a number of seconds above 0 and up to {_LONGEST:.0f}, "
            f"found {seconds:g}"
        )
    memory_bytes(memory)
    request = {
        "store": None if root is None else str(Path(root).absolute()),
        "tables": {name: _packed(table) for name, table in (tables or {}).items()},
        "text": script.text,
        "values": _plain(values),
        "form": form,
        "memory": memory,
        "most": most,
    }
    with _process() as child:
        assert child.stdin is not None
        assert child.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and the next line finds out
            child.stdin.write(json.dumps(request).encode() + b"\n")
        late = f"the query's process did not start within {_STARTING:g} s"
        line = _line(child, time.monotonic() + _STARTING, late)
        if not line:
            stopped = f"the query was stopped after {seconds:g} s: narrow it, or raise --timeout"
            line = _line(child, time.monotonic() + seconds, stopped, memory)
        if refused := json.loads(line).get("refused"):
            raise UserError(refused)
        yield io.BufferedReader(_Whole(child, memory))


def _packed(table: pa.Table) -> str:
    """A table as text: a stream of Arrow IPC in base 64."""
    import pyarrow as pa

    content = io.BytesIO()
    with pa.ipc.new_stream(content, table.schema) as stream:
        stream.write_table(table)
    return base64.b64encode(content.getbuffer()).decode()


class _Whole(io.RawIOBase):
    """What a process says until its end; one that does not end well has not said all."""

    def __init__(self, child: subprocess.Popen[bytes], memory: str) -> None:
        assert child.stdout is not None
        self._child, self._said, self._memory = child, child.stdout, memory

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._said.readinto(buffer)  # type: ignore[attr-defined]  # a raw file
        if not count and (code := self._child.wait()):
            raise UserError(_ended(code, self._memory))
        return int(count)


@contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a request; whatever happens, it is gone after the block.

    It has a process group of its own, so that Ctrl-C reaches this process alone, which ends it.
    """
    ours = str(Path(__file__).parents[1])
    path = [*(str(place) for place in sys.path), ours]
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env={name: os.environ[name] for name in _HANDED_ON if name in os.environ},
        process_group=0,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _line(
    child: subprocess.Popen[bytes], deadline: float, late: str, memory: str = MEMORY
) -> bytes:
    """A line that the process says, without its end. Raises UserError(`late`) at the deadline."""
    assert child.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        left = max(0.0, deadline - time.monotonic())
        if not select.select([child.stdout], [], [], left)[0]:
            raise UserError(late)
        # No more than the line: what follows is the answer.
        if not (said := child.stdout.read(1)):
            raise UserError(_ended(child.wait(), memory))
        line += said
    return line[:-1]


def _ended(code: int, memory: str) -> str:
    """Why a process ended that said nothing."""
    if code < 0:
        name = signal.Signals(-code).name
        return (
            f"the query was ended by the system ({name}): most likely it needs more memory than "
            f"{memory}: narrow it, or give it more (`steerstat sql --memory`)"
        )
    return f"the query's process ended with code {code} and said nothing"


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON holds them. Raises UserError for what it does not."""
    return {name: _plain_value(name, value) for name, value in values.items()}


def _plain_value(name: str, value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()  # a number of numpy
    if isinstance(value, (list, tuple)):
        return [_plain_value(name, item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise UserError(
        f"parameter {name} is a {type(value).__name__}: give a number, a text (cast it in the "
        "query), a boolean, None, or a list of them"
    )


def read(root: str | Path, query: str, **parameters: Any) -> pa.Table:
    """Rows as a pyarrow.Table: of a view or table, of a named query, or of SQL text.

    `query` is the name of a view or table, the name of a file in sql/queries, or SQL; values enter
    as `$name` parameters. SQL text is answered by a process that can open nothing else, within
    `SECONDS` and `MEMORY`. Raises UserError for an unknown name or parameter.
    """
    import pyarrow as pa

    script = resolve(query)
    if script.kind in ("queries", "view", "table"):
        return read_script(root, script, **parameters)
    values = script.values(parameters) if script.kind == "file" else parameters
    with answered(root, script, values, form="arrow") as answer:
        return pa.ipc.open_stream(answer).read_all()


def check_values(root: Path, script: loader.Script, given: Mapping[str, str]) -> None:
    """Refuse a direction, set or scheme that the store does not have: no row would come of it.

    Raises:
        UserError: The value is unknown; the nearest ones are named.
    """
    names = {parameter.name for parameter in script.parameters}
    asked = {name: value for name, value in given.items() if name in names & _KNOWN}
    if not asked:
        return
    rows = read_script(root, loader.internal("known_values")).to_pylist()
    for name, value in asked.items():
        known = [row["value"] for row in rows if row["parameter"] == name]
        if value.upper() != "NULL" and value.removeprefix("'").removesuffix("'") not in known:
            raise UserError(
                f"{root} has no {name} {value!r}: {meant(value, known, n=3)}it has "
                f"{', '.join(known[:10]) or 'none'}{', …' if len(known) > 10 else ''}"
            )


def read_script(
    store: str | Path | duckdb.DuckDBPyConnection, script: loader.Script, **parameters: Any
) -> pa.Table:
    """Rows of a query of our own, read in this process: of a store, or on a connection to one.

    Raises UserError as `read`.
    """
    values = script.values(parameters) if script.parameters else parameters
    with connect(store) if isinstance(store, (str, Path)) else nullcontext(store) as connection:
        return ask(connection, script.text, values).to_arrow_table()

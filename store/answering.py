"""The process that answers one query of a stranger: started for it, shut off, ended after it.

It is given a request as one line of JSON on its standard input and says on its standard output, in
this order: an empty line once it is ready to run the query; one line of JSON, `{}` or what was
wrong with the query; the answer in the form that was asked for. It writes nothing before the whole
answer is there, and its asker ends it where that takes too long (`store.querying`).
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import duckdb

from sql.errors import UserError
from sql.loader import quote
from store.closed import ask, close, lock
from store.database import connect
from store.formats import WRITERS, json_value

_MOST_SAID = 1000
# Whatever Python needs to hold a value is imported by this, before no file can be opened any more;
# the count starts the threads, which take memory of their own.
_WARM_UP = (
    "SELECT uuid(), 1.5::DECIMAL(9, 2), DATE '2026-01-01', TIMESTAMP '2026-01-01', TIME '12:00', "
    "INTERVAL 1 DAY, [1], {'a': 1}, MAP {'a': 1}, 'a'::BLOB, '1'::BIT, 1::HUGEINT, "
    "(SELECT count(*) FROM range(300000))"
)


def main() -> None:
    """Answer the request on standard input."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no part of an answer
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_asker, daemon=True).start()
    try:
        send = _answer(request, lambda: _say(out, ""))
    except UserError as error:
        _say(out, json.dumps({"refused": str(error)}))
    else:
        _say(out, "{}")
        send(out)
    out.flush()
    os._exit(0)


def _say(out: BinaryIO, line: str) -> None:
    out.write(line.encode() + b"\n")
    out.flush()


def _end_with_asker() -> None:
    """End as soon as the asker is gone, whose end of standard input closes then."""
    os.read(0, 1)
    os._exit(1)


def _answer(request: Mapping[str, Any], ready: Callable[[], None]) -> Callable[[BinaryIO], None]:
    """What writes the answer to a request; all of it is computed. Raises UserError."""
    form = FORMS[request["form"]]
    store = request["store"]
    with duckdb.connect() if store is None else connect(store, closed=False) as connection:
        _lay_out(connection, request["tables"])
        close(connection, memory=request["memory"])
        connection.execute(_WARM_UP).fetchall()
        if form in (_arrow, _parquet):
            importlib.import_module("pyarrow.parquet")
            connection.sql(_WARM_UP).to_arrow_table()
        lock(request["memory"])
        ready()
        try:
            return form(ask(connection, request["text"], request["values"]), request["most"])
        except UserError:
            raise
        except (MemoryError, duckdb.OutOfMemoryException):
            raise UserError(
                f"the query needs more memory than {request['memory']}: narrow it, or give it more "
                "(`steerstat sql --memory`)"
            ) from None
        except Exception as error:  # DuckDB's own, and those of its values in Python
            raise UserError(_one_line(error)) from None


def _lay_out(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str]) -> None:
    """Make tables of what the asker sent along (`store.querying`)."""
    for name, content in tables.items():
        import pyarrow as pa

        rows = pa.ipc.open_stream(base64.b64decode(content)).read_all()
        connection.register("sent", rows)
        connection.execute(f"CREATE TABLE {quote(name)} AS FROM sent")
        connection.unregister("sent")


def _one_line(error: Exception) -> str:
    """What an error says, without DuckDB's picture of the query, in one line."""
    message = " ".join(str(error).split("\n\n", maxsplit=1)[0].split())
    if "'pytz'" in message:
        message = "a TIMESTAMP WITH TIME ZONE has no form here: cast it to TIMESTAMP or VARCHAR"
    return message[:_MOST_SAID] or type(error).__name__


def _text(name: str) -> Callable[[duckdb.DuckDBPyRelation, int], Callable[[BinaryIO], None]]:
    def form(relation: duckdb.DuckDBPyRelation, most: int) -> Callable[[BinaryIO], None]:
        """What writes a relation as text."""
        text = WRITERS[name](relation.columns, relation.fetchall()).encode()
        return lambda out: _write(out, text)

    return form


def _rows(relation: duckdb.DuckDBPyRelation, most: int) -> Callable[[BinaryIO], None]:
    """Columns, their types and the first rows, one more than `most`, in JSON."""
    rows = relation.limit(most + 1).fetchall()
    answer = {
        "columns": relation.columns,
        "types": [str(kind) for kind in relation.types],
        "rows": [[_value(value) for value in row] for row in rows],
    }
    text = json.dumps(answer).encode()
    return lambda out: _write(out, text)


def _value(value: Any) -> Any:
    """A value in JSON; a number that is not finite stays itself, as Python's JSON has it."""
    return value if isinstance(value, float) else json_value(value)


def _arrow(relation: duckdb.DuckDBPyRelation, most: int) -> Callable[[BinaryIO], None]:
    import pyarrow as pa

    table = relation.to_arrow_table()

    def send(out: BinaryIO) -> None:
        """Write the table as an Arrow stream."""
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)

    return send


def _parquet(relation: duckdb.DuckDBPyRelation, most: int) -> Callable[[BinaryIO], None]:
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(relation.to_arrow_table(), content, compression="zstd")
    return lambda out: _write(out, content.getbuffer())


def _write(out: BinaryIO, content: bytes | memoryview) -> None:
    out.write(content)


FORMS = {name: _text(name) for name in WRITERS} | {
    "rows": _rows,
    "arrow": _arrow,
    "parquet": _parquet,
}

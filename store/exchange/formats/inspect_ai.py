"""inspect_ai: logs (`.eval`, a zip, or `.json`), and tables of samples that it makes of them.

A log has one row here per sample and scorer. Grades are read by `columns.verdict`; a sample that
failed or ran into a limit is missing, never wrong.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from sql.errors import UserError, first_line
from store.exchange.imported_rows import Row
from store.exchange.source import Entries, Format, Source, flat, mapping, readings, row_by_row
from store.exchange.tidy import PROTOCOL

_ZSTD = 93
_LOCAL_HEADER = 30
_LARGEST = 1 << 30
_TRUNCATING = {"token", "message", "turn", "context"}


def _entries(source: Source) -> Entries:
    header, samples = _log(source)
    evaluated = mapping(header.get("eval"))
    shared: Row = {
        **flat(evaluated.get("task_args"), "task_arg"),
        **flat(evaluated.get("metadata"), "eval_metadata"),
        "model": evaluated.get("model"),
    }
    for place, sample in samples:
        for row in readings(sample, _rows):
            yield place, {**shared, **row}


def _rows(sample: Row) -> Iterator[Row]:
    """One row per scorer; a sample that nothing scored has one as well."""
    output = mapping(sample.get("output"))
    shared: Row = {
        **flat(sample.get("metadata"), "metadata"),
        "problem": sample.get("id"),
        "question": _text(sample.get("input")),
        "gold": _target(sample.get("target")),
        "seed": sample.get("epoch"),
        "text": output.get("completion") or _completion(output),
    }
    if sample.get("error") or sample.get("invalidation"):
        shared["status"] = "error"
    elif limit := sample.get("limit"):
        kind = limit.get("type") if isinstance(limit, dict) else limit
        shared["status"] = "truncated" if kind in _TRUNCATING else "error"
    scores = sample.get("scores")
    if not isinstance(scores, dict) or not scores:
        yield {**shared, "correct": None}
        return
    for scorer, score in scores.items():
        judged = score if isinstance(score, dict) else {"value": score}
        value = judged.get("value")
        row = {"scorer": scorer, "answer": judged.get("answer"), PROTOCOL: {"scorer": scorer}}
        yield {**shared, **row, "correct": value, **flat(value, "score")}


def _completion(output: Row) -> str | None:
    choices = output.get("choices") or []
    message = choices[0].get("message") if choices and isinstance(choices[0], dict) else None
    return _text(message.get("content")) if isinstance(message, dict) else None


def _text(content: Any) -> str | None:
    """The text of an input or a message: plain, or parts, or the messages of a user."""
    if isinstance(content, str) or content is None:
        return content
    parts = [part for part in content if isinstance(part, dict)]
    asked = [part for part in parts if part.get("role") == "user"] or parts
    texts = [_text(part.get("content", part.get("text"))) for part in asked]
    return "\n".join(text for text in texts if text) or None


def _target(target: Any) -> Any:
    if not isinstance(target, list):
        return target
    return target[0] if len(target) == 1 else json.dumps(target)


def _log(source: Source) -> tuple[Row, Entries]:
    """The header of a log and its samples."""
    if source.document is not None:
        samples = source.document.get("samples") or []
        numbered = ((f"{source.name} sample {i}", one) for i, one in enumerate(samples, 1))
        return source.document, numbered
    try:
        return _zipped(source)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, struct.error) as error:
        raise UserError(f"cannot read {source.path} as a log: {first_line(error)}") from error


def _zipped(source: Source) -> tuple[Row, Entries]:
    content = source.path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as log:
        members = log.infolist()
    named = {member.filename: member for member in members}
    start = named.get("header.json") or named["_journal/start.json"]
    samples = [
        (f"{source.name} {name}", json.loads(_member(content, member)))
        for name, member in sorted(named.items())
        if name.startswith("samples/") and name.endswith(".json")
    ]
    return json.loads(_member(content, start)), iter(samples)


def _member(content: bytes, member: zipfile.ZipInfo) -> bytes:
    """A member of a zip; the standard library reads none that zstd compressed (method 93)."""
    if member.file_size > _LARGEST:
        raise ValueError(f"{member.filename} has {member.file_size:,} bytes")
    if member.compress_type != _ZSTD:
        with zipfile.ZipFile(io.BytesIO(content)) as log:
            return log.read(member)
    import pyarrow as pa

    names = struct.unpack_from("<HH", content, member.header_offset + _LOCAL_HEADER - 4)
    begin = member.header_offset + _LOCAL_HEADER + sum(names)
    packed = pa.py_buffer(content[begin : begin + member.compress_size])
    with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
        read = stream.read(member.file_size + 1)
    if len(read) != member.file_size or zlib.crc32(read) != member.CRC:
        raise ValueError(f"{member.filename} is damaged")
    return bytes(read)


def _is_log(source: Source) -> bool:
    return source.path.suffix == ".eval" or {"eval", "samples", "status"} <= source.fields


def _table_rows(entry: Row) -> Iterator[Row]:
    """A row of `samples_df`, whose scores are columns `score_*`."""
    scores = [name for name in entry if name.startswith("score_")]
    row: Row = {"problem": entry.get("id", entry.get("sample_id")), "seed": entry["epoch"]}
    row |= {"question": entry["input"], "gold": entry["target"]}
    if isinstance(entry.get("limit"), str) and entry["limit"]:
        row["status"] = "truncated" if entry["limit"] in _TRUNCATING else "error"
    if len(scores) == 1:
        row["correct"] = entry[scores[0]]
        row[PROTOCOL] = {"scorer": scores[0].removeprefix("score_")}
    yield {**entry, **row}


FORMAT = Format(name="inspect_ai", fits=_is_log, entries=_entries, one_of=("scorer",))
TABLE = Format(
    name="inspect_ai",
    fits=lambda source: (
        {"epoch", "input", "target"} <= source.fields
        and any(name.startswith("score_") for name in source.fields)
    ),
    entries=row_by_row(_table_rows),
)

"""The seal of the results file: by it a file is known to be what an ingest left, and no other.

`results.seal.json` lies beside the file. Readers compare size, time of change, inode and the file's
headers, which DuckDB rewrites with every checkpoint; where only time or inode differ (a store that
was copied) the whole file is hashed instead. Ingest, before it builds on the file, and check always
hash the whole file, so that they see an alteration that keeps all of these as well.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from store.layout import SEAL, content_of, database_path, is_special, write_atomically

_HEADERS = 3 * 4096
_hashed: dict[tuple[int, ...], str] = {}


def seal(root: Path, finished: Path) -> None:
    """Seal a finished file that is about to be renamed into place; the one there stays sealed.

    Raises OSError if the disk refuses the write.
    """
    new = {**_mark(finished), "sha256": _sha256(finished)}
    _write(root, [new, *_of_file(root, database_path(root))])


def renew(root: Path) -> None:
    """Take over time and inode of a file that is sealed: it was copied here, as it is.

    Raises OSError if the disk refuses the write.
    """
    path = database_path(root)
    for sealed in _of_file(root, path):
        if (now := {**sealed, **_mark(path)}) != sealed:
            _write(root, [now])


def fault(root: Path, path: Path, *, whole: bool = False) -> str:
    """Why a results file (or another name of it) is not what an ingest left, or "".

    With `whole` its whole content is hashed.
    """
    if not has_seal(root):
        return "it has no seal"
    if path.with_name(f"{path.name}.wal").exists():
        return "another program left a write-ahead log beside it"
    return "" if _of_file(root, path, whole=whole) else "it is not what the last ingest wrote"


def has_seal(root: Path) -> bool:
    """Whether a results file of this store was ever sealed: those of earlier versions were not."""
    return (root / SEAL).exists()


def _of_file(root: Path, path: Path, *, whole: bool = False) -> list[dict[str, Any]]:
    """The seal that fits a file, if there is one: none where the seal itself is damaged."""
    try:
        mark = _mark(path)
        for sealed in json.loads(content_of(root / SEAL))["files"]:
            if any(sealed[name] != mark[name] for name in ("size", "headers")):
                continue
            same = all(sealed[name] == mark[name] for name in ("changed_ns", "inode"))
            if (same and not whole) or _sha256(path, known=not whole) == sealed["sha256"]:
                return [sealed]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        pass
    return []


def _write(root: Path, files: list[dict[str, Any]]) -> None:
    """Write the seal of the file in place, or about to be, and of the one before it."""
    write_atomically(root / SEAL, json.dumps({"files": files}).encode())


def _mark(path: Path) -> dict[str, Any]:
    """What is quickly known of a file: any checkpoint changes its headers."""
    if is_special(path):
        raise OSError(errno.EINVAL, "no regular file")
    with path.open("rb") as handle:
        status = os.fstat(handle.fileno())
        headers = hashlib.sha256(handle.read(_HEADERS)).hexdigest()
    return {
        "size": status.st_size,
        "changed_ns": status.st_mtime_ns,
        "inode": status.st_ino,
        "headers": headers,
    }


def _sha256(path: Path, *, known: bool = False) -> str:
    """Hash of a file; `known` takes that of the same file from before, in this process."""
    with path.open("rb") as handle:
        status = os.fstat(handle.fileno())
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if not (known and key in _hashed):
            _hashed[key] = hashlib.file_digest(handle, "sha256").hexdigest()
        return _hashed[key]

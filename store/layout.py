"""Where a store keeps things: its folders, its version file and its locks."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sql.errors import UserError

STORE_VERSION = 1
"""Version of the layout: a store of a newer one is refused."""

DATABASE = "results.duckdb"
SEAL = "results.seal.json"
_FOLDERS = ("shards", "commits", "quarantine")
READER = ".reader-"
"""How the folders begin in which readers open the results file."""
_TEMPORARY = re.compile(r"\..+\.(?P<pid>[0-9]{1,10})@(?P<host>[A-Za-z0-9_-]*)\.tmp")
_SECONDS_OF_OTHERS = 86_400
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of somebody who may read and not write."""


def create_store(path: str | Path) -> Path:
    """Make an empty store at `path`, or return the one that is there.

    Raises:
        UserError: If the folder holds something else, or a store of a newer version.
    """
    root = checked_place(path)
    if is_store(root):
        return root
    with disk_errors(root):
        make_folder(root)
        # The version first: a kill afterwards leaves a store, whose folders any command makes.
        write_atomically(root / "VERSION", f"{STORE_VERSION}\n".encode())
    return open_store(root)


def is_store(path: str | Path) -> bool:
    """Whether a store is there already."""
    return (Path(path) / "VERSION").exists()


def checked_place(path: str | Path) -> Path:
    """The path, if a store is there or can be made there; nothing is written.

    Raises:
        UserError: If it is a file, a folder that holds something else, or a store of a newer
            version.
    """
    root = Path(path)
    _refuse_path(root)
    if is_store(root):
        return open_store(root)
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file, not a folder: give the store a folder of its own")
    # Another process may be creating the same store: its folders are no foreign content.
    if root.is_dir() and (set(names_in(root)) - {*_FOLDERS, "VERSION"} - _temporaries(root)):
        raise UserError(f"{root} holds other files and is no store: give the store its own folder")
    return root


def _refuse_path(root: Path) -> None:
    """DuckDB takes what follows a `?` in the path of a file for options, not for its name."""
    if "?" in str(root.absolute()):
        raise UserError(f"no store can lie at {root.absolute()}: its path has a '?'; move it")


def _temporaries(root: Path) -> set[str]:
    return {name for name in names_in(root) if name.startswith(".VERSION.")}


def open_store(path: str | Path) -> Path:
    """The store at `path`, its version checked.

    Raises:
        UserError: If there is no store, or it was written by a newer version.
    """
    root = Path(path)
    _refuse_path(root)
    try:
        text = content_of(root / "VERSION").decode("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        content = "an empty or foreign folder" if root.is_dir() else "nothing"
        raise UserError(
            f"{root} is no store: found {content} there and no VERSION file; "
            "collect, import or merge into it first, or give the path of a store"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(f"cannot read {root / 'VERSION'}: {reason}") from None
    if not text.isdigit():
        raise UserError(f"{root / 'VERSION'} should hold a number, found {text[:40]!r}")
    if int(text) > STORE_VERSION:
        raise UserError(
            f"{root} is a store of version {text}, this steerstat reads up to version "
            f"{STORE_VERSION}: upgrade steerstat"
        )
    # git, zip and rsync leave empty folders behind; a reader may not be able to make them.
    for folder in _FOLDERS:
        try:
            there = (root / folder).is_dir()
            (root / folder).mkdir(exist_ok=True)
            if not there:
                sync_folder(root)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise disk_error(root / folder, error.strerror or str(error)) from error
    return root


def shard_path(root: Path, table: str, shard_id: str) -> Path:
    """The Parquet file of a shard."""
    return root / "shards" / table / f"{shard_id}.parquet"


def commit_path(root: Path, shard_id: str) -> Path:
    """The commit file of a shard."""
    return root / "commits" / f"{shard_id}.json"


def database_path(root: Path) -> Path:
    """The DuckDB file that is derived from the shards."""
    return root / DATABASE


@contextmanager
def lock(root: Path, name: str) -> Iterator[None]:
    """Hold the store's lock of that name; waits for whoever holds it, a dead holder holds none."""
    path = root / f".{name}.lock"
    with disk_errors(path):
        handle = _lock_file(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock_file(path: Path) -> int:
    """A descriptor of the lock's file; another user's file, which only he can write, will do."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one line that says what is safe."""
    try:
        yield
    except OSError as error:
        raise disk_error(path, error.strerror or str(error)) from error


def disk_error(path: Path, reason: str) -> UserError:
    """The one line for a write that the disk refused."""
    return UserError(
        f"cannot write {path}: {reason}; every committed row is safe: make room, then run again"
    )


def is_special(path: Path) -> bool:
    """Whether a pipe, a device or a socket lies there: who opens one may wait or read for ever."""
    return path.exists() and not path.is_file() and not path.is_dir()


def content_of(path: Path) -> bytes:
    """What a regular file holds. Raises OSError, of anything else as well."""
    if is_special(path):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return path.read_bytes()


def names_in(folder: Path) -> list[str]:
    """Names in a folder, none where there is none; no Path for each, there may be thousands."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove_file(root: Path, folder: str, name: str) -> None:
    """Delete a regular file of the store's own `folder`, such as `shards/outcomes`; gone is fine.

    Every step goes through a descriptor, so that no link leads out of the store.

    Raises:
        UserError: a symbolic link or a folder lies in the way.
    """
    place = root / folder / name
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folder.split("/"):
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        if not stat.S_ISREG(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
            raise UserError(f"{place} is no regular file: a store's folders hold nothing else")
        os.unlink(name, dir_fd=handle)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise UserError(
            f"{root / folder} is no folder of the store's own (a link?): nothing was deleted"
        ) from None
    except OSError as error:
        raise disk_error(place, error.strerror or str(error)) from error
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, each durable in the one that holds it."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file so that it is there whole or not at all, and durable; its folder too."""
    make_folder(path.parent)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write a file under: on leaving it is at `path` whole and durable, or not at all."""
    temporary = path.with_name(f".{path.name}.{process_mark()}")
    try:
        yield temporary
        sync_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def process_mark() -> str:
    """How names of temporary files end: which process of which machine they are of."""
    return f"{os.getpid()}@{_host()}.tmp"


def _host() -> str:
    """This machine's name, as a file's name can hold it."""
    return re.sub(r"[^A-Za-z0-9-]", "_", platform.node())[:64]


def remove_leftovers(root: Path) -> None:
    """Delete the temporary files of writers of this machine that are dead; others may be at work.

    Those of other machines go when they are a day old.
    """
    tables = [f"shards/{name}" for name in names_in(root / "shards")]
    for folder in (".", "commits", "quarantine", *tables):
        for name in names_in(root / folder):
            match = _TEMPORARY.fullmatch(name)
            if match and not _at_work(root / folder / name, int(match["pid"]), match["host"]):
                with disk_errors(root / folder):
                    if folder == "." and name.startswith(READER):
                        _remove_reader(root, name)
                    else:
                        remove_file(root, folder, name)


def _remove_reader(root: Path, name: str) -> None:
    """Remove the folder of a reader that is dead; one that holds something else stays."""
    if (root / name / DATABASE).is_file():
        remove_file(root, name, DATABASE)
    with suppress(FileNotFoundError, NotADirectoryError):
        if not names_in(root / name):
            (root / name).rmdir()


def _at_work(path: Path, pid: int, host: str) -> bool:
    if host != _host():
        with suppress(FileNotFoundError):
            return time.time() - path.stat().st_mtime < _SECONDS_OF_OTHERS
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


@contextmanager
def result_file(path: Path) -> Iterator[Path]:
    """`whole_file` at a place that a person names, its folders made and its mode kept.

    A link is followed; what is there and no regular file (a pipe, `/dev/stdout`) is written as it
    is, for it can be neither half nor replaced.

    Raises:
        UserError: If it cannot be written.
    """
    with disk_errors(path):
        if path.exists() and not path.is_file():
            yield path
            return
        target = path.resolve()
        make_folder(target.parent)
        with whole_file(target) as temporary:
            yield temporary
            if target.exists():
                shutil.copymode(target, temporary)

"""Commit files: what makes a shard count. Each is read through one strict model.

A file that does not fit the model is no commit: its reason is said, and nothing of it is believed.
Names in it become paths, so that they are checked here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from sql.errors import UserError, first_line
from store.layout import commit_path, is_special, names_in, write_atomically
from store.schema import SCHEMA_VERSION, TABLES

COMPACTED = "-c"
"""Ending of the ids of shards that replace others, so that their commits are found by name."""

REMOVED = ".removed"
"""Ending of the tombstones of runs."""

_SHARD_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")


def is_shard_id(text: str) -> bool:
    """Whether a text can be the id of a shard: it becomes part of names of files."""
    return _SHARD_ID.fullmatch(text) is not None


def _shard_id(text: str) -> str:
    if not is_shard_id(text):
        raise ValueError(f"{text[:60]!r} is no id of a shard")
    return text


def _table(text: str) -> str:
    if text not in TABLES:
        raise ValueError(f"no table is called {text[:60]!r}")
    return text


def _naive_time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is not None:
        raise ValueError("a time is UTC and names no zone")
    return text


ShardId = Annotated[str, AfterValidator(_shard_id)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Commit(BaseModel):
    """What a commit file says of its shard."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    shard_id: ShardId
    table: Annotated[str, AfterValidator(_table)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Count
    rows: Count
    schema_version: Annotated[int, Field(ge=1)]
    created_at: Annotated[str, AfterValidator(_naive_time)]
    run_id: str | None = None
    first: list[Any] = Field(default_factory=list)
    last: list[Any] = Field(default_factory=list)
    replaces: list[ShardId] = Field(default_factory=list)


def read_commit(root: Path, shard_id: str) -> Commit:
    """The commit of a shard.

    Raises:
        FileNotFoundError: there is none (any more).
        ValueError: the file is no commit file of that shard.
        UserError: it was written by a newer version of this program, or the disk refuses to read.
    """
    path = commit_path(root, shard_id)
    if is_special(path):
        raise ValueError("no regular file lies in the place of the commit file")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise ValueError("a folder lies in the place of the commit file") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; nothing was changed") from error
    try:
        document = from_json(content)
        _refuse_newer(path, document)
        commit = Commit.model_validate(document)
    except ValidationError as error:
        raise ValueError(f"commit file is torn or altered: {_first_fault(error)}") from error
    except UserError:
        raise
    except ValueError as error:
        raise ValueError(f"commit file is torn or altered: {first_line(error)}") from error
    if commit.shard_id != shard_id:
        raise ValueError(f"commit file names shard {commit.shard_id} of {commit.table}")
    return commit


def _refuse_newer(path: Path, document: Any) -> None:
    """A newer program's commit is left alone, whatever else is in it."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is int and version > SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {version}, this steerstat knows up to {SCHEMA_VERSION}: "
            "upgrade steerstat"
        )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, fault["loc"])) or "the file"
    return f"{place}: {fault['msg']}"


def write_commit(root: Path, commit: Commit) -> None:
    """Write a commit file, durable and whole: from here on the shard counts."""
    write_atomically(commit_path(root, commit.shard_id), commit.model_dump_json().encode())


def commit_names(root: Path) -> set[str]:
    """Ids of every commit file, whether its shard counts or is replaced."""
    names = names_in(root / "commits")
    return {name[:-5] for name in names if name.endswith(".json") and name[0] != "."}


def commit_ids(root: Path) -> set[str]:
    """Ids of the shards that have a commit file and are neither replaced nor removed."""
    names = commit_names(root)
    return names - replaced(root, names) - removed(root)


class Removal(BaseModel):
    """What the tombstone of a run says: its shards count no more."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    run_id: ShardId
    shards: list[ShardId]
    created_at: Annotated[str, AfterValidator(_naive_time)]


def write_removal(root: Path, removal: Removal) -> None:
    """Write a tombstone, durable and whole: from here on the shards of the run count no more."""
    path = root / "commits" / f"{removal.run_id}{REMOVED}"
    write_atomically(path, removal.model_dump_json().encode())


def removals(root: Path) -> list[Removal]:
    """Every tombstone.

    Raises:
        UserError: One is torn or altered: whether its run counts nobody can say.
    """
    found = []
    for name in sorted(names_in(root / "commits")):
        if not name.endswith(REMOVED) or name[0] == ".":
            continue
        path = root / "commits" / name
        try:
            removal = Removal.model_validate(from_json(path.read_bytes()))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:  # of pydantic's as well
            raise UserError(
                f"{path} is torn or altered: remove the run again, or delete the file if its run "
                "is to count"
            ) from error
        found.append(removal)
    return found


def removed(root: Path) -> set[str]:
    """Ids of the shards whose run was removed. Raises UserError as `removals`."""
    return {shard_id for removal in removals(root) for shard_id in removal.shards}


def replaced(root: Path, ids: Iterable[str]) -> set[str]:
    """Ids that the compacted shards among `ids` replace: shards of their own table only."""
    names = set(ids)
    gone: set[str] = set()
    for shard_id in names:
        if shard_id.endswith(COMPACTED) and (commit := commit_or_none(root, shard_id)) is not None:
            gone.update(replaced_by(root, commit, names))
    return gone


def replaced_by(root: Path, commit: Commit, names: set[str]) -> list[str]:
    """The shards that a commit replaces, those of another table left out: they are not its to say.

    One that is not among `names`, the commits that are there, has been removed already.
    """
    return [
        old
        for old in commit.replaces
        if old not in names
        or (other := commit_or_none(root, old)) is None
        or other.table == commit.table
    ]


def commit_or_none(root: Path, shard_id: str) -> Commit | None:
    """The commit, or None where there is none that can be believed."""
    try:
        return read_commit(root, shard_id)
    except UserError:
        raise
    except (ValueError, FileNotFoundError):
        return None

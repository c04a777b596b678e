"""Every call that writes, of every writer, fails: what `check` says then, and what heals.

    python benchmarks/faults.py                          # all of it: hours of one core
    python benchmarks/faults.py --writers append merge --kinds kill --every 3

A shim around libc (`faults.c`, LD_PRELOAD) counts the calls below the store that create, write,
sync, rename, link, remove, truncate or make a folder. DuckDB and pyarrow make theirs through libc
as well. For each writer, each such call and each fault (kill; EIO once; ENOSPC and EDQUOT from
there on, for whatever needs room) a fresh copy of the store meets it, in a process of its own:

1. the writer ended, died, or said one line; never a traceback
2. `check` is content, or each of its lines names a command or the next ingest
3. after an ingest, and the commands that `check` names then, `check` is content
4. no temporary file is left
5. the writer again, and the store holds what it holds without any fault

Prints a JSON object for each writer (calls, states tried, one line for each rule that a state
breaks) and the totals; exit code 1 where a rule is broken.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# Imported before the fork, so that a state costs what its writer costs. No connection and no thread
# of theirs is made in this process.
import duckdb  # noqa: F401
import pandas as pd  # noqa: F401
import pyarrow.compute
import pyarrow.parquet  # noqa: F401

from benchmarks.fault_writers import WRITERS, Writer
from sql.errors import UserError

KINDS = {"kill": -1, "EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT}
SHIM = "STEERSTAT_FAULT_SHIM"
_COMMAND = re.compile(r"`steerstat [^`]+`|next ingest|into it first")
_ID = re.compile(r"[0-9a-f]{12,}[-0-9a-f]*c?")
_SECONDS = 600


def compiled(folder: Path) -> Path:
    """The shim as a shared library. Raises FileNotFoundError where there is no C compiler."""
    source = Path(__file__).with_name("faults.c")
    library = folder / "faults.so"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise FileNotFoundError("no C compiler")
    arguments = ["-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run([compiler, *arguments], check=True)
    return library


@dataclass(frozen=True)
class Outcome:
    """How a process ended: `done`, `refused` (one line), `killed` or `traceback`, and with what."""

    how: str
    value: Any


def forked(action: Callable[[], Any]) -> Outcome:
    """Run an action in a process of its own; its value goes through JSON."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        signal.alarm(_SECONDS)
        try:
            told = ["done", action()]
        except UserError as error:
            told = ["refused", str(error)]
        except BaseException:
            told = ["traceback", traceback.format_exc()]
        with os.fdopen(write, "w") as pipe:
            json.dump(told, pipe, default=str)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return (
        Outcome(*json.loads(text)) if text else Outcome("killed", os.waitstatus_to_exitcode(status))
    )


def _armed(store: Path, at: int, kind: int, brief: bool, action: Callable[[], Any]) -> int:
    """Do it with the fault, none at 0; returns how many calls wrote."""
    shim = ctypes.CDLL(os.environ[SHIM])
    shim.fault_arm(str(store.parent).encode(), at, kind, int(brief))
    action()
    return int(shim.fault_calls())


def _faults(store: Path) -> list[str]:
    """What `check` finds, without the ids that differ from trial to trial."""
    from store.check import check

    return [_ID.sub("…", line) for line in check(store).faults]


def _content(store: Path) -> dict[str, Any]:
    """What a store holds: rows per table by key, and the digest of its outcomes."""
    from store import ingest, read, rows_digest
    from store.schema import TABLES

    ingest(store)
    held: dict[str, Any] = {"digest": rows_digest(store)}
    for name, table in TABLES.items():
        key = ", ".join(table.key)
        held[name] = read(store, f"SELECT {key} FROM {name} ORDER BY ALL").to_pylist()  # noqa: S608
    return held


def _leftovers(store: Path) -> list[str]:
    """Temporary files of a store; its locks are none."""
    names = [path for path in store.rglob(".*") if not path.name.endswith(".lock")]
    return [str(path.relative_to(store)) for path in names]


def _ingest(store: Path) -> None:
    from store import ingest

    ingest(store)


def _named(store: Path, lines: Sequence[str]) -> None:
    """Do what the lines of `check` name."""
    from store import rebuild
    from store.adopt import adopt
    from store.quarantine import resolve, unresolved

    if any("store rebuild" in line for line in lines):
        rebuild(store)
    if any("store adopt" in line for line in lines):
        adopt(store)
    if any("store resolve" in line for line in lines):
        for note in unresolved(store):
            resolve(store, note["name"])
    _ingest(store)


def tried(
    writer: Writer, fixture: Path, place: Path, at: int, kind: int, given: argparse.Namespace
) -> Outcome:
    """Meet one fault, then look at the store and heal it, in a process each."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(fixture, place)
    store = place / "store"
    ended = forked(lambda: _armed(store, at, kind, given.brief, lambda: writer.act(store)))
    after = forked(lambda: _afterwards(writer, store))
    return Outcome(ended.how, {"said": ended.value, "after": after})


def _afterwards(writer: Writer, store: Path) -> dict[str, Any]:
    """What `check` says, what an ingest and the commands that it names leave, and the content."""
    told: dict[str, Any] = {"check": _said(lambda: _faults(store)), "left": [], "still": []}
    if isinstance(told["check"], list):
        _said(lambda: _ingest(store))
        if told["check"]:
            told["still"] = _faults(store)
            if told["still"]:
                _said(lambda: _named(store, told["still"]))
                told["still"] = _faults(store)
        told["left"] = _leftovers(store)
    told["again"] = _said(lambda: writer.act(store) and None)
    told["content"] = _said(lambda: _content(store))
    told["left"] += _leftovers(store)
    return told


def _said(action: Callable[[], Any]) -> Any:
    """The value, or the one line of a refusal as a text."""
    try:
        return action()
    except UserError as error:
        return str(error)


def broken_rules(writer: Writer, trial: Outcome, whole: dict[str, Any]) -> list[str]:
    """One line for each rule that a state breaks; `whole` is what comes without a fault."""
    broken = []
    said, after = trial.value["said"], trial.value["after"]
    if trial.how == "traceback":
        broken.append(f"traceback: {said.strip().splitlines()[-1]}")
    elif trial.how == "refused" and "\n" in said:
        broken.append(f"more than a line: {said}")
    if after.how != "done":
        return [*broken, f"afterwards: {str(after.value).strip().splitlines()[-1]}"]
    told = after.value
    lines = told["check"] if isinstance(told["check"], list) else [told["check"]]
    expected = whole["check"]
    for line in lines:
        if line not in expected and not _COMMAND.search(line):
            broken.append(f"check names no command: {line}")
    broken += [f"not healed: {line}" for line in told["still"] if line not in expected]
    broken += [f"left over: {name}" for name in dict.fromkeys(told["left"])]
    if told["again"] != whole["again"]:
        broken.append(f"the writer again: {told['again']}")
    if told["content"] != whole["content"]:
        broken.append(f"holds something else in the end{_difference(told['content'], whole)}")
    return broken


def _difference(content: Any, whole: dict[str, Any]) -> str:
    if not isinstance(content, dict):
        return f": {content}"
    names = [name for name, rows in whole["content"].items() if content.get(name) != rows]
    return f": {', '.join(names)}"


def trial(writer: Writer, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All states of one writer, or one of `given.every`."""
    started = time.perf_counter()
    fixture, place = folder / f"{writer.name}-fixture", folder / writer.name
    fixture.mkdir()
    made = forked(lambda: writer.prepare(fixture / "store"))
    if made.how != "done":
        raise RuntimeError(f"{writer.name}: {made.value}")
    # Without a fault: how many calls there are, and what every state has to come to.
    without = tried(writer, fixture, place, 0, 0, given)
    whole = without.value["after"].value
    if without.how != "done" or not isinstance(whole, dict):
        raise RuntimeError(f"{writer.name}: {without}")
    lines: list[str] = []
    n_states = n_broken = 0
    for kind in given.kinds:
        for at in range(1 + given.first, without.value["said"] + 1, given.every):
            state = tried(writer, fixture, place, at, KINDS[kind], given)
            found = broken_rules(writer, state, whole)
            n_states += 1
            n_broken += bool(found)
            lines += [f"{writer.name}, {kind} at call {at}: {line}" for line in found]
    told = {"calls": without.value["said"], "states": n_states, "broken": n_broken, "lines": lines}
    told |= {"check_without": whole["check"], "seconds": round(time.perf_counter() - started)}
    print(json.dumps({writer.name: told}, indent=1), flush=True)
    return told


def main() -> None:
    """Run the trial, under the shim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [writer.name for writer in WRITERS]
    parser.add_argument("--writers", nargs="+", choices=names, default=names)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--every", type=int, default=1, help="one of so many calls")
    parser.add_argument("--first", type=int, default=0, help="how many calls to pass over")
    parser.add_argument(
        "--brief", action="store_true", help="writes one after another to one file are one call"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if SHIM not in os.environ:
            library = str(compiled(folder))
            environment = {**os.environ, SHIM: library, "LD_PRELOAD": library}
            done = subprocess.run([sys.executable, __file__, *sys.argv[1:]], env=environment)
            raise SystemExit(done.returncode)
        results = {
            writer.name: trial(writer, folder, given)
            for writer in WRITERS
            if writer.name in given.writers
        }
    totals = {key: sum(r[key] for r in results.values()) for key in ("states", "broken")}
    print(json.dumps(totals))
    raise SystemExit(1 if totals["broken"] else 0)


if __name__ == "__main__":
    main()

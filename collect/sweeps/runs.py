"""Provenance of a run: the row that says what was run, where, with what and how it ended."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from analysis.vocabulary import RunStatus
from store.clock import now
from store.shards import append

LIBRARIES = ("duckdb", "numpy", "pyarrow", "tokenizers", "torch", "transformers")


def _git_commit() -> str | None:
    """Commit of the checkout that this code runs from, `-dirty` behind it where files differ.

    None for an installed package.
    """
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    commit, changed = (
        subprocess.run(
            ["git", "-C", str(here), *question], capture_output=True, text=True, check=False
        ).stdout.strip()
        for question in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    )
    return (f"{commit}-dirty" if changed else commit) if commit else None


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_run(
    *,
    device: str,
    rng_seed: int,
    gates: Mapping[str, Any],
    plan_id: str | None = None,
) -> dict[str, Any]:
    """A new `runs` row with status `running`."""
    return {
        "run_id": secrets.token_hex(16),
        "created_at": now(),
        "finished_at": None,
        "status": "running",
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "code_version": metadata.version("steerstat"),
        "git_commit": _git_commit(),
        "library_versions": json.dumps(_versions(), sort_keys=True),
        "host": platform.node(),
        "device": f"{device}, {os.cpu_count()} CPUs, {platform.machine()}",
        "rng_seed": rng_seed,
        "plan_id": plan_id,
        "gates": json.dumps(gates, sort_keys=True),
    }


@contextmanager
def recorded_run(root: Path, row: dict[str, Any]) -> Iterator[str]:
    """Write the row now, and again with its end: complete, interrupted or failed.

    A killed process leaves the row at `running`; its committed outcomes count all the same.
    """
    append(root, "runs", [row], run_id=row["run_id"])
    status: RunStatus = "failed"
    try:
        yield row["run_id"]
        status = "complete"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        end = {**row, "status": status, "finished_at": now()}
        append(root, "runs", [end], run_id=row["run_id"])

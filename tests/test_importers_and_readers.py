"""Every importer crossed with every command that reads: no store is second class.

A command ends well, or says in one line what the store lacks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import steerstat
from sql.errors import UserError
from store import ingest
from store.exchange import formats
from store.exchange.importers import import_file
from tests.reading import read
from tests.store.exchange.foreign_files import FORMATS

NAMES = [one.__name__ for one in FORMATS]
# Commands that a store has to take whatever it lacks; {} is the store, {out} a new place.
READ = ["sql {} accuracy_by_alpha", "directions list {}", "problems list {}"]
LONG = [
    "sql {} runs_overview",
    "export {} {out}.csv --as csv",
    "store runs {}",
    "store info {}",
    "export {} {out}.jsonl --as every_eval_ever",
    "analyze {}",
    "store check {}",
    "store reparse {}",
    "figures {} --out {out} --format svg",
    "report {} --out {out}",
    "export {} {out} --as parquet",
]
# These may find that there is nothing to say, in one line.
ASK = ["compare baseline up=2 --in {}", "directions add {} {vector} --name mine --kind probe"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for format in FORMATS:
        folder = tmp_path_factory.mktemp(format.__name__)
        for name, told in format(folder):
            report = import_file(folder / "store", folder / name, **told)
            assert report.errors == []
        ingest(folder / "store")
        np.save(folder / "vector.npy", np.ones((2, 3), dtype=np.float32))
        found[format.__name__] = folder / "store"
    return found


def called(command: str, store: Path, out: Path) -> tuple[int, str]:
    """Exit code and what was printed; anything but an error of the user's making is raised."""
    vector = store.parent / "vector.npy"
    words = [word.format(store, out=out, vector=vector) for word in command.split()]
    result = CliRunner().invoke(steerstat.app, words)
    if isinstance(result.exception, UserError):
        assert "\n" not in str(result.exception)
        return 2, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("name", NAMES)
def test_every_command_reads_what_was_imported(stores, tmp_path, name) -> None:
    for at, command in enumerate(READ):
        code, said = called(command, stores[name], tmp_path / str(at))
        assert code == 0, (command, said)
    for at, command in enumerate(ASK):
        code, said = called(command, stores[name], tmp_path / f"ask{at}")
        assert code in (0, 1) or said, (command, said)


@pytest.mark.parametrize("name", ["steering_bench", "one_condition"])
def test_what_has_least_is_analysed(stores, tmp_path, name) -> None:
    code, said = called("analyze {} --no-write", stores[name], tmp_path)
    assert code == 0, said


@pytest.mark.trial
@pytest.mark.parametrize("command", LONG)
@pytest.mark.parametrize("name", NAMES)
def test_what_takes_longer_reads_it_too(stores, tmp_path, name, command) -> None:
    code, said = called(command, stores[name], tmp_path / "out")
    assert code == 0, said


def test_no_format_is_left_out(stores) -> None:
    sources = set()
    for store in stores.values():
        fields = read(store, "conditions")["protocol_fields"].to_pylist()
        sources |= {json.loads(text)["source"] for text in fields}
    assert {one.name for one in formats.FORMATS} <= sources

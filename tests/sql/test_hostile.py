"""Texts that try to read or change what they should not: no byte changes, nothing gets out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store.querying import answered
from store.scripts import resolve
from tests.paths import ROOT
from tests.synthetic import synthetic_store

TEXTS = Path(__file__).with_name("hostile.txt")
SECRET = "secret-9431"
SECONDS = 0.4

# A process that does what `store.answering` does, for many texts: it forks for each, because a
# text may change what it runs in. `raw` leaves out the look at the kind of statement, so that what
# is shut beneath it is tried alone.
PROGRAM = """
import io, json, os, signal, sys
import duckdb
from sql.errors import UserError
from store import answering, closed, database

def tried(store, text, raw, seconds):
    def ready():  # the time of a query counts from here, as in `store.querying`
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if not raw:
        request = {"store": store, "text": text, "values": {}, "tables": {}, "form": "json",
                   "memory": "150MB", "most": 0}
        told = io.BytesIO()
        answering._answer(request, ready)(told)
        return told.getvalue().decode()
    with database.connect(store, closed=False) as connection:
        closed.close(connection, memory="150MB")
        connection.execute(answering._WARM_UP).fetchall()
        closed.lock("150MB")
        ready()
        return str(connection.execute(text).fetchall())

for line in sys.stdin:
    store, text, raw, seconds = json.loads(line)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = ["answered", tried(store, text, raw, seconds)[:200_000]]
        except UserError as error:
            said = ["refused", str(error)]
        except duckdb.Error as error:
            said = ["refused by DuckDB", str(error)]
        except BaseException as error:
            said = ["broken", repr(error)]
        os.write(write, json.dumps(said).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    print(said or json.dumps(["ended", os.waitstatus_to_exitcode(status)]), flush=True)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a store and, beside it, files of somebody else that hold a secret."""
    place = tmp_path_factory.mktemp("place")
    synthetic_store(
        place / "store", rng=np.random.default_rng(3), n_problems=2, n_balanced=2, n_train=2,
        alphas=(-1.0, 1.0), control_alphas=(1.0,), n_controls=1, report=False,
    )  # fmt: skip
    victim = place / "victim"
    victim.mkdir()
    (victim / "file.csv").write_text(f"a,b\n1,{SECRET}\n")
    pq.write_table(pa.table({"a": [SECRET]}), victim / "file.parquet")
    with duckdb.connect(str(victim / "file.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{SECRET}' AS a")
    return place


TARGETS = ("store/results.duckdb", "store/results.duckdb.wal", "victim/file.csv", "victim/new")


def texts(place: Path, *, all_targets: bool) -> list[str]:
    """Every text of the corpus, with every target or with one of them in turn."""
    lines = TEXTS.read_text("utf-8").splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    found = []
    for i, line in enumerate(kept):
        text = json.loads(line) if line.startswith('"') else line
        targets = TARGETS if all_targets and "{t}" in text else [TARGETS[i % len(TARGETS)]]
        found += [text.replace("{t}", str(place / target)) for target in targets]
    return found


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a folder, byte by byte, and every folder."""
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else b""
        for path in sorted(place.rglob("*"))
    }


@contextmanager
def driver() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()


def said(process: subprocess.Popen[str], place: Path, text: str, *, raw: bool) -> tuple[str, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    request = [str(place / "store"), text, raw, SECONDS]
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    kind, told = json.loads(process.stdout.readline())
    return kind, str(told)


@pytest.mark.parametrize(
    ("raw", "all_targets"),
    [
        pytest.param(False, False, id="asked", marks=pytest.mark.slow),
        pytest.param(False, True, id="asked of every target", marks=pytest.mark.trial),
        pytest.param(True, True, id="executed", marks=pytest.mark.trial),
    ],
)
def test_no_text_changes_a_byte_or_tells_a_secret(place, raw, all_targets):
    corpus = texts(place, all_targets=all_targets)
    assert len(corpus) >= 200
    before = contents(place)
    outcomes = {}
    with driver() as process:
        for text in corpus:
            kind, told = outcomes[text] = said(process, place, text, raw=raw)
            assert raw or kind != "broken", (text, told)
            assert SECRET not in told, text
            assert "root:" not in told, text
            assert contents(place) == before, text
            if not raw:
                assert kind != "refused by DuckDB", (text, told)
                assert "\n" not in told or kind == "answered", (text, told)
    kinds = [kind for kind, _ in outcomes.values()]
    assert kinds.count("answered") < len(kinds) / 5
    assert outcomes["FROM query_table('runs')"][0] == "answered"


def test_new_files_beside_are_none(place):
    for name in ("steerstat-escaped", "steerstat-log", "steerstat-profile"):
        assert not list(Path("/tmp").glob(f"{name}*"))


@pytest.mark.parametrize(
    "text",
    [
        "COPY (SELECT 'x'::BLOB) TO '{t}' (FORMAT blob)",
        "EXPLAIN ANALYZE COPY (SELECT 'x'::BLOB) TO '{t}' (FORMAT blob)",
        "ATTACH '{t}' AS mine (READ_WRITE)",
        "FROM read_text('{t}')",
        "FROM query('FROM read_blob(''{t}'')')",
        "DETACH results",
        "SELECT 1; DELETE FROM outcome_rows",
    ],
)
@pytest.mark.parametrize("target", ["store/results.duckdb", "victim/file.csv"])
def test_the_whole_road_refuses_with_one_line(place, text, target):
    before = contents(place)
    script = resolve(text.replace("{t}", str(place / target)))
    with (
        pytest.raises(UserError) as caught,
        answered(place / "store", script, {}, form="json", memory="200MB"),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert contents(place) == before

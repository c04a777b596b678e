"""A query of a stranger: answered by a process that can do nothing else, within its limits."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sql.errors import UserError
from store import read
from store.querying import answered
from store.scripts import resolve
from tests.paths import ROOT

SLOW = "SELECT levenshtein(repeat('a', 400000), repeat('b', 400000))"


def ask(store, query, values=None, **options) -> bytes:
    with answered(store, resolve(query), values or {}, **({"form": "csv"} | options)) as answer:
        return answer.read()


def test_every_form_of_an_answer(made_store):
    query = "SELECT 1::INTEGER AS a, 'é' AS b, NULL::DOUBLE AS c UNION ALL SELECT 2, NULL, 'nan'"
    query += "::DOUBLE"
    assert ask(made_store, query).decode() == "a,b,c\n1,é,\n2,,nan\n"
    assert ask(made_store, query, form="table").decode().splitlines()[2:] == ["1  é", "2     nan"]
    arrow = pa.ipc.open_stream(io.BytesIO(ask(made_store, query, form="arrow"))).read_all()
    parquet = pq.read_table(io.BytesIO(ask(made_store, query, form="parquet")))
    assert arrow.to_pylist()[0] == parquet.to_pylist()[0] == {"a": 1, "b": "é", "c": None}
    assert arrow["b"].to_pylist() == ["é", None]
    assert ask(made_store, query, form="rows", most=1).decode() == (
        '{"columns": ["a", "b", "c"], "types": ["INTEGER", "VARCHAR", "DOUBLE"], '
        '"rows": [[1, "\\u00e9", null], [2, null, NaN]]}'
    )


def test_values_of_every_type_have_a_form(made_store):
    query = (
        "SELECT uuid() IS NOT NULL AS u, DATE '2026-01-02' AS d, TIMESTAMP '2026-01-02 03:04' AS t,"
        " TIME '03:04' AS c, INTERVAL 2 DAY AS i, 1.25::DECIMAL(5, 2) AS e, [1, NULL] AS l, "
        "{'k': 'v'} AS s, MAP {'k': 1} AS m, 'x'::BLOB AS b, 2::HUGEINT ** 100 AS h"
    )
    told = ask(made_store, query).decode().splitlines()[1]
    assert told == (
        'true,2026-01-02,2026-01-02T03:04:00,03:04:00,"2 days, 0:00:00",1.25,"[1, null]",'
        '"{""k"": ""v""}","{""k"": 1}",b\'x\',1.2676506002282294e+30'
    )
    with pytest.raises(UserError, match="cast it to TIMESTAMP or VARCHAR"):
        ask(made_store, "SELECT now()")


def test_parameters_of_the_library(made_store):
    given = {"a": np.int64(2), "b": [1.5, None], "c": "x'; DROP", "d": True, "e": None}
    query = "SELECT $a AS a, $b AS b, $c AS c, $d AS d, $e AS e"
    assert read(made_store, query, **given).to_pylist() == [given | {"a": 2}]
    with pytest.raises(UserError, match="parameter a is a set: give a number"):
        read(made_store, "SELECT $a", a={1})
    with pytest.raises(UserError, match="Values were not provided"):
        read(made_store, "SELECT $a")


def test_names_of_ours_and_texts_of_strangers_give_equal_rows(made_store):
    ours = read(made_store, "accuracy_by_alpha")
    theirs = read(made_store, "FROM accuracy_by_alpha")
    order = [("condition_id", "ascending"), ("set_name", "ascending")]
    assert ours.sort_by(order) == theirs.sort_by(order)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT wrong FROM runs", "wrong"),
        ("SELECT 1; SELECT 2", "one statement, found 2"),
        ("", "one statement, found 0"),
        ("-- nothing", "one statement, found 0"),
        ("SELEKT 1", "Parser Error"),
        ("SELECT error('a\n\nb' || chr(7))", "a"),
        ("SELECT 'x'::INTEGER", "Conversion Error"),
    ],
)
def test_what_is_wrong_is_one_line(made_store, query, said):
    with pytest.raises(UserError, match=said) as caught:
        ask(made_store, query)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e12])
def test_a_senseless_time_limit_is_named(made_store, seconds):
    with pytest.raises(UserError, match="the time limit is a number of seconds above 0"):
        ask(made_store, "SELECT 1", seconds=seconds)


def test_a_missing_store_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no store"):
        ask(tmp_path / "nowhere", "SELECT 1")


@pytest.mark.parametrize(
    "query",
    [
        SLOW,
        "SELECT count(*) FROM range(1000000000000)",
        "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
        # Each row takes a moment, and there is no end of rows.
        "SELECT count(*) FROM range(1000000000000) "
        "WHERE regexp_replace(repeat('a', 1000) || range, '(a|b)*c', 'x', 'g') IS NULL",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
    ],
)
def test_a_query_that_runs_for_ever_is_stopped(made_store, query):
    started = time.monotonic()
    with pytest.raises(UserError, match=r"stopped after 0\.3 s"):
        ask(made_store, query, seconds=0.3)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("form", ["csv", "rows", "arrow"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT format('{:2000000000}', 1) AS x",
        "SELECT list_sum(range(1000000000))",
        "SELECT list(range ORDER BY hash(range)) FROM range(100000000)",
        "SELECT repeat('x', 3000000000) AS x",
        "SELECT string_agg(repeat('x', 1000), '') FROM range(10000000)",
    ],
)
def test_memory_is_limited_from_outside(made_store, query, form):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(UserError, match="needs more memory than 200MB"):
        ask(made_store, query, memory="200MB", form=form, most=10)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert after <= max(before, 600 * 1024)  # the largest of all children so far, in KiB


def test_rows_beyond_the_memory_are_refused_before_any_is_written(made_store):
    with pytest.raises(UserError, match="needs more memory than 200MB"):
        ask(made_store, "SELECT * FROM range(300000000)", memory="200MB")
    assert ask(made_store, "SELECT * FROM range(1000000)", memory="500MB").count(b"\n") == 1000001


def test_an_answer_that_breaks_off_is_no_answer(made_store):
    query = "SELECT repeat('x', 10000000) AS raw"
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    with answered(made_store, resolve(query), {}, form="csv") as answer:
        assert answer.read(2) == b"ra"
        os.kill(int(children.read_text().split()[-1]), signal.SIGKILL)
        with pytest.raises(UserError, match="ended by the system"):
            answer.read()


def test_a_process_that_is_locked_opens_nothing(tmp_path):
    (tmp_path / "there").write_text("x")
    program = (
        "import os, sys, pathlib, socket, mmap\n"
        "from store.closed import lock\n"
        "held = open('held', 'wb', buffering=0)\n"
        "lock('10MB')\n"
        "def tried(what):\n"
        "    try:\n        what()\n"
        "    except (OSError, MemoryError) as error:\n        return type(error).__name__\n"
        "    return 'done'\n"
        "print(tried(lambda: open('there')), tried(lambda: open('new', 'w')),\n"
        "      tried(socket.socket), tried(lambda: held.write(b'x')), tried(os.pipe),\n"
        "      tried(lambda: bytearray(50_000_000)), tried(lambda: bytearray(5_000_000)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
         + program],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == ["OSError"] * 5 + ["MemoryError", "done"], done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held", "there"]


def test_ctrl_c_ends_the_query_and_its_process(made_store):
    program = (
        "import sys, steerstat\n"
        f"sys.argv = ['steerstat', 'sql', {str(made_store)!r}, {SLOW!r}]\nsteerstat.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as asker:  # fmt: skip
        child = wait_for_child(asker.pid)
        asker.send_signal(signal.SIGINT)
        said = asker.communicate(timeout=20)
    assert (asker.returncode, said) == (130, ("", ""))
    assert not is_there(child)


def test_a_killed_asker_leaves_no_process(made_store):
    program = f"from store import read\nread({str(made_store)!r}, {SLOW!r})"
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as asker:
        child = wait_for_child(asker.pid)
        asker.kill()
    for _ in range(200):
        if not is_there(child):
            break
        time.sleep(0.05)
    assert not is_there(child)


def wait_for_child(pid: int) -> int:
    """The id of the process that answers, once it is at work."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("this system does not list the children of a process")
    for _ in range(400):
        children = path.read_text().split()
        if children and limited_files(children[0]) == "0":
            return int(children[0])
        time.sleep(0.05)
    raise AssertionError("no process answers")


def limited_files(pid: str) -> str:
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[3] for line in lines if line.startswith("Max open files")), "")


def is_there(pid: int) -> bool:
    """Whether a process is at work; one that has ended and was not waited for is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_environment_is_not_handed_on(made_store, monkeypatch):
    monkeypatch.setenv("STEERSTAT_SECRET", "told")
    settings = ask(made_store, "SELECT value FROM duckdb_settings()").decode()
    assert "told" not in settings

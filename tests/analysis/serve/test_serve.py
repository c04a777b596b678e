"""The live server: who may ask, what may be asked, and what an answer looks like."""

from __future__ import annotations

import json
import math
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from typer.testing import CliRunner

from analysis.cli.serve import app
from analysis.serve.answers import MOST_AT_ONCE, Answer, answer, pairs
from analysis.serve.chart import Choice, chosen, kind
from analysis.serve.live import STALE
from analysis.serve.server import MOST_SILENT, Server, host_is_allowed, serve
from sql.errors import UserError

CURVE = (
    "SELECT direction, alpha, accuracy FROM accuracy_by_alpha WHERE role = 'candidate' "
    "AND set_name = 'primary' ORDER BY direction, alpha"
)


@contextmanager
def running(store: Path, **options):
    server = serve(store, port=0, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def server(drawn_from):
    with running(drawn_from, seconds=60.0) as found:
        yield found


@pytest.fixture(scope="module")
def hasty(drawn_from):
    with running(drawn_from, seconds=5.0) as found:
        yield found


def get(server: Server, path: str, *, token: str | None = None, host: str = "", **fields: str):
    """Status, text and headers of one request."""
    fields["token"] = server.token if token is None else token
    given = {key: value for key, value in fields.items() if value != "-none-"}
    url = f"http://127.0.0.1:{server.server_port}{path}?{urlencode(given)}"
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode(), reply.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


@pytest.mark.parametrize("path", ["/", "/sql", "/rows.csv", "/elsewhere"])
@pytest.mark.parametrize("token", ["-none-", "wrong", "wröng"])
def test_without_the_token_nothing_is_told(server, path, token) -> None:
    status, text, _ = get(server, path, token=token, q="runs")
    assert status == 403
    assert server.token not in text
    assert "run-synthetic" not in text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["])
def test_a_name_that_could_be_pointed_here_is_refused(server, host) -> None:
    status, text, _ = get(server, "/sql", host=host, q="runs")
    assert status == 421
    assert "run-synthetic" not in text


def test_hosts() -> None:
    assert host_is_allowed("localhost:8377", "127.0.0.1")
    assert host_is_allowed("[::1]:8377", "127.0.0.1")
    assert not host_is_allowed("192.168.0.7:8377", "127.0.0.1")
    assert host_is_allowed("192.168.0.7:8377", "0.0.0.0")
    assert host_is_allowed("Lab.example:8377", "lab.example")
    assert not host_is_allowed("", "0.0.0.0")


def test_headers_keep_the_address_and_foreign_code_out(server) -> None:
    _, _, headers = get(server, "/sql")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM runs", "DELETE is no reading statement"),
        ("CREATE TABLE mine (i INTEGER)", "CREATE is no reading statement"),
        ("SELECT 1; SELECT 2", "give one statement, found 2"),
        ("COPY (SELECT 1) TO '/tmp/steerstat-escaped.csv'", "COPY is no reading statement"),
        ("SELECT * FROM read_text('/etc/hostname')", "Permission Error"),
        ("SELECT * FROM '/etc/passwd'", "passwd"),
        ("/etc/query.sql", "files are not read here"),
        (" query.SQL ", "files are not read here"),
        ("acuracy_by_alpha", "did you mean accuracy_by_alpha"),
        ("SELECT * FROM nowhere", "nowhere"),
    ],
)  # fmt: skip
def test_everything_but_reading_the_store_is_refused(server, query, said) -> None:
    status, text, _ = get(server, "/sql", q=query)
    assert status == 400
    assert 'role="alert"' in text
    assert said in text
    assert "root:" not in text
    assert not Path("/tmp/steerstat-escaped.csv").exists()


def test_a_file_with_a_query_is_not_read(server, tmp_path) -> None:
    (tmp_path / "secret.sql").write_text("-- secret\nSELECT 'secret-text'")
    status, text, _ = get(server, "/sql", q=str(tmp_path / "secret.sql"))
    assert status == 400
    assert "secret-text" not in text


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
        "SELECT count(*) FROM range(1000000000000)",
        "WITH RECURSIVE t AS (SELECT 1 i UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
    ],
)
def test_an_endless_query_is_stopped_and_the_server_goes_on(hasty, query) -> None:
    status, text, _ = get(hasty, "/sql", q=query)
    assert status == 400
    assert "stopped after 5 s" in text
    assert get(hasty, "/sql", q="SELECT 1 AS one")[0] == 200


def test_answers_are_escaped_wherever_they_are_shown(server) -> None:
    nasty = "<script>alert(1)</script>"
    query = f"SELECT '{nasty}' AS \"{nasty}\", i AS \"a.b['c']\" FROM range(3) t(i)"
    status, text, _ = get(server, "/sql", q=query, p="")
    assert status == 200
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<svg" in text
    _, text, _ = get(server, "/sql", q="</textarea><script>1", p="</textarea><script>2")
    assert "<script" not in text


def test_the_box_shows_rows_and_draws_them(server) -> None:
    status, text, _ = get(server, "/sql", q=CURVE)
    assert status == 200
    assert "accuracy over alpha by direction" in text
    assert text.count('aria-roledescription="line mark"') == 2
    assert "<td" in text
    _, text, _ = get(server, "/sql", q=CURVE, x="direction", y="accuracy", colour="-", mark="bar")
    assert "accuracy over direction," in text


def test_named_queries_take_parameters_and_files_hold_every_row(server) -> None:
    fields = {"q": "mcnemar_by_alpha", "p": "set_name=primary"}
    status, text, headers = get(server, "/rows.json", **fields)
    rows = json.loads(text)
    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert {row["set_name"] for row in rows} == {"primary"}
    _, text, _ = get(server, "/rows.csv", **fields)
    assert len(text.splitlines()) == len(rows) + 1
    status, text, _ = get(server, "/rows.csv", q="SELECT * FROM range(300000)")
    assert status == 400
    assert "more than 200,000 rows" in text
    assert get(server, "/sql", q="runs", p="nonsense")[0] == 400


def test_an_answer_stops_at_its_limit(drawn_from) -> None:
    found = answer(drawn_from, "SELECT * FROM range(100000000000)", {}, most=10)
    assert (len(found.rows), found.more) == (10, True)


def test_charts_choose_what_a_reader_wants_first() -> None:
    rows = [("d", -1.0, 0.5, 3), ("d", 1.0, 0.6, 4), ("e", -1.0, 0.4, 5), ("e", 1.0, 0.1, 6)]
    types = ["VARCHAR", "DOUBLE", "DOUBLE", "BIGINT"]
    curve = Answer(["direction", "alpha", "accuracy", "n"], types, rows, False)
    assert chosen(curve, Choice()) == Choice("alpha", "accuracy", "direction", "line")
    assert chosen(curve, Choice(x="gone", y="n")) == Choice("alpha", "n", "direction", "line")
    ends = Answer(["alpha", "accuracy"], ["DOUBLE", "DOUBLE"], [(-1.0, 0.5), (1.0, 0.6)], False)
    assert chosen(ends, Choice()) == Choice("alpha", "accuracy", "", "point")
    bent = Answer(ends.columns, ends.types, [*ends.rows, (2.0, 0.4)], False)
    assert chosen(bent, Choice()) == Choice("alpha", "accuracy", "", "line")
    counts = Answer(["status", "n"], ["VARCHAR", "BIGINT"], [("ok", 1), ("bad", 2)], False)
    assert chosen(counts, Choice()) == Choice("status", "n", "", "bar")
    assert chosen(Answer(["text"], ["VARCHAR"], [("x",)], False), Choice()) is None
    assert chosen(Answer(["n"], ["BIGINT"], [], False), Choice()) is None
    kinds = [kind(name) for name in ("DECIMAL(5,2)", "TIMESTAMP WITH TIME ZONE", "INTEGER[]")]
    assert kinds == ["quantitative", "temporal", None]


def test_parameters_are_lines() -> None:
    assert pairs("a=1\n\n b = x=y ") == {"a": "1", "b": "x=y"}


def test_the_report_is_written_in_the_background_and_follows_the_store(
    drawn_from, tmp_path, monkeypatch
) -> None:
    store, written = tmp_path / "store", []
    shutil.copytree(drawn_from, store)

    def write(root, folder, formats):
        written.append(root)
        path = Path(folder) / "report.html"
        path.write_text(f"<html><head></head><body>\n<h1>Version {len(written)}</h1></body></html>")
        return [path]

    monkeypatch.setattr("analysis.report.write_report", write)

    def wait_for(server: Server, text: str) -> str:
        for _ in range(100):
            page = get(server, "/")[1]
            if text in page:
                return page
            time.sleep(0.02)
        raise AssertionError(f"no page with {text!r}")

    with running(store) as server:
        assert "being written" in get(server, "/")[1]
        assert "Ask in SQL" in wait_for(server, "Version 1")
        shutil.copy(store / "results.duckdb", store / "new")
        (store / "new").rename(store / "results.duckdb")
        assert STALE in get(server, "/")[1]
        assert STALE not in wait_for(server, "Version 2")
        assert len(written) == 2


def test_a_report_that_fails_says_why(drawn_from, tmp_path, monkeypatch) -> None:
    def write(*given):
        raise UserError("no outcomes in this store")

    monkeypatch.setattr("analysis.report.write_report", write)
    with running(drawn_from) as server:
        for _ in range(100):
            status, text, _ = get(server, "/")
            if status == 500:
                break
            time.sleep(0.02)
    assert status == 500
    assert "no outcomes in this store" in text


def test_a_taken_port_and_a_wrong_store_are_one_line(server, drawn_from, tmp_path) -> None:
    with pytest.raises(UserError, match="address already in use; choose another with --port"):
        serve(drawn_from, port=server.server_port)
    with pytest.raises(UserError, match="a port is a number"):
        serve(drawn_from, port=70_000)
    for seconds in (0, -1, math.nan, math.inf):
        with pytest.raises(UserError, match="time limit of a query is"):
            serve(drawn_from, port=0, seconds=seconds)
    with pytest.raises(UserError):
        serve(tmp_path / "nothing", port=0)


def test_the_command_prints_the_address_and_ends_quietly(drawn_from, monkeypatch) -> None:
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupted)
    monkeypatch.setattr("analysis.serve.live.LivePage.get", lambda self, token: (200, ""))
    result = CliRunner().invoke(app, [str(drawn_from), "--port", "0"])
    assert result.exit_code == 0
    address = urlsplit(result.stdout.strip())
    assert address.hostname == "127.0.0.1"
    assert address.query.startswith("token=")
    result = CliRunner().invoke(app, [str(drawn_from), "--port", "0", "--host", "0.0.0.0"])
    assert "can read the store" in result.stderr


def test_slow_queries_hold_up_nobody_and_too_many_are_refused(drawn_from, monkeypatch) -> None:
    slow = "SELECT levenshtein(repeat('a', 400000), repeat('b', 400000))"
    monkeypatch.setattr("analysis.serve.answers._PATIENCE", 0.2)
    with running(drawn_from, seconds=6.0) as server, ThreadPoolExecutor() as pool:
        held = [pool.submit(get, server, "/sql", q=slow) for _ in range(MOST_AT_ONCE - 1)]
        time.sleep(0.5)
        assert get(server, "/sql", q="SELECT 1 AS one")[0] == 200
        held.append(pool.submit(get, server, "/sql", q=slow))
        time.sleep(0.5)
        for path in ("/sql", "/rows.csv"):
            status, text, _ = get(server, path, q="SELECT 1 AS one")
            assert status == 503
            assert f"{MOST_AT_ONCE} queries are running already" in text
        assert get(server, "/sql")[0] == 200
        assert all("stopped after 6 s" in future.result()[1] for future in held)
        assert get(server, "/sql", q="SELECT 1 AS one")[0] == 200


def test_an_answer_too_large_for_a_page_is_refused(server, monkeypatch) -> None:
    monkeypatch.setattr("analysis.serve.answers.MOST_BYTES", 1000)
    status, text, _ = get(server, "/rows.json", q="SELECT repeat('x', 2000) AS x")
    assert status == 400
    assert "the answer is larger than" in text


@pytest.mark.parametrize(
    "query",
    [
        "DESCRIBE runs",
        "SUMMARIZE runs",
        "EXPLAIN SELECT 1",
        "FROM query('SELECT 1 AS one')",
        "FROM query_table('runs')",
        "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t WHERE i < 9) FROM t",
    ],
)
def test_what_reads_is_answered(server, query) -> None:
    assert get(server, "/sql", q=query)[0] == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("EXPLAIN ANALYZE SELECT 1", "only `EXPLAIN SELECT …` is answered"),
        ("SELECT list_sum(range(1000000000))", "needs more memory than 1GB"),
        ("SELECT format('{:2000000000}', 1)", "needs more memory than 1GB"),
    ],
)
def test_what_takes_too_much_is_refused_and_the_server_goes_on(server, query, said) -> None:
    status, text, _ = get(server, "/sql", q=query)
    assert (status, said in unescape(text)) == (400, True)
    assert get(server, "/sql", q="SELECT 1 AS one")[0] == 200


def test_silent_connections_hold_up_nobody(drawn_from) -> None:
    with running(drawn_from) as server, ExitStack() as open_:
        silent = []
        for i in range(MOST_SILENT + 20):
            silent.append(open_.enter_context(socket.create_connection(server.server_address[:2])))
            silent[-1].sendall(b"GET /sql?tok"[: i % 12])
        assert get(server, "/sql")[0] == 200
        silent[0].settimeout(10)
        assert silent[0].recv(1) == b""
        silent[-1].sendall(b" / HTTP/1.0\r\n\r\n")
        assert silent[-1].recv(1) != b""


def test_control_characters_of_an_answer_are_shown_as_their_escapes(server) -> None:
    query = "SELECT 'ring' || chr(7) || chr(27) AS \"a\x07b\", i AS n FROM range(2) t(i)"
    status, text, _ = get(server, "/sql", q=query)
    assert status == 200
    assert "<svg" in text
    assert "ring\\x07\\x1b" in text
    assert not set(text.split("<section", 1)[1]) & set("\x07\x1b")
    assert json.loads(get(server, "/rows.json", q=query)[1])[0]["a\x07b"] == "ring\x07\x1b"

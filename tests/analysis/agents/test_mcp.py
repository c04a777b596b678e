"""The server as an agent meets it: the protocol's own client lists and calls every tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

mcp = pytest.importorskip("mcp")

import anyio  # noqa: E402
from mcp.client.stdio import StdioServerParameters  # noqa: E402

from analysis import tables  # noqa: E402
from analysis.agents.server import server_of  # noqa: E402
from analysis.agents.tools import TABLES  # noqa: E402
from tests.paths import ROOT  # noqa: E402

NAMES = {
    "schema", "sql", "table", "verdicts", "audit", "claims_check", "plan_check", "calculate",
}  # fmt: skip
Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def call(made_store: Path) -> Call:
    """Call one tool in process and give what it answered; an error as {"error": text}."""
    server = server_of(made_store)

    def calling(tool: str, /, **arguments: Any) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            async with mcp.Client(server) as client:
                found = await client.call_tool(tool, arguments)
            if found.is_error:
                return {"error": found.content[0].text}
            return dict(json.loads(found.content[0].text))

        return anyio.run(ask)

    return calling


def test_every_tool_reads_and_says_so(made_store: Path) -> None:
    async def listed() -> list[Any]:
        async with mcp.Client(server_of(made_store)) as client:
            return list((await client.list_tools()).tools)

    offered = anyio.run(listed)
    assert {one.name for one in offered} == NAMES
    for one in offered:
        assert one.description
        assert one.annotations.read_only_hint is True
        assert one.annotations.destructive_hint is False


def test_sql_is_closed_and_limited(call: Call) -> None:
    found = call("sql", query="accuracy_by_alpha", most=3)
    assert len(found["rows"]) == 3
    assert found["truncated"] is True
    assert call("sql", query="SELECT 6 * 7 AS answer") == {
        "rows": [{"answer": 42}], "truncated": False,
    }  # fmt: skip
    assert "no reading statement" in call("sql", query="DELETE FROM runs")["error"]
    assert "error" in call("sql", query="SELECT * FROM read_csv('/etc/passwd')")
    assert "looks like a file" in call("sql", query="secret.sql")["error"]
    assert "1 to 1000" in call("sql", query="runs", most=5000)["error"]


def test_tables_and_verdicts_carry_their_stamps(call: Call) -> None:
    found = call("table", name="effects", where={"set_name": "balanced"})
    assert found["rows"]
    for row in found["rows"]:
        assert row["stamp"] == "exploratory"
        assert row["selected_on_outcome"] is True
        assert "bound_low" in row
    reached = call("verdicts")
    assert {one["stamp"] for one in reached["verdicts"]} == {"exploratory"}
    assert any(one["selected_on_outcome"] for one in reached["verdicts"])
    assert reached["audited"] is False
    assert "did you mean effects" in call("table", name="efects")["error"]
    assert "has no column" in call("table", name="effects", where={"set": "x"})["error"]
    assert set(TABLES) <= set(tables.__all__)


def test_what_an_agent_would_claim_or_plan_is_checked(call: Call) -> None:
    assert call("calculate", expression="mcnemar(4, 2)")["p"] == pytest.approx(0.453125)
    assert call("calculate", expression="4 / 86") == {"value": pytest.approx(4 / 86)}
    assert "mcnemar" in call("calculate", expression="open('x')")["error"]
    claims = '[document]\ntitle = "T"\n[[claim]]\nid = "a"\nkind = "value"\ntext = "p"\n'
    claims += 'printed = "0.45"\nexpr = "mcnemar(4, 2).p"\n'
    checked = call("claims_check", text=claims)
    assert [one["verdict"] for one in checked["claims"]] == ["PASS"]
    assert "is not TOML" in call("claims_check", text="[")["error"]
    assert "is not TOML" in call("plan_check", text="[")["error"]


def test_the_command_speaks_the_protocol_and_leaves_the_store_as_it_was(made_store: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in made_store.rglob("*")}
    code = "import steerstat; steerstat.main()"
    server = StdioServerParameters(
        command=sys.executable, args=["-c", code, "mcp", str(made_store)], cwd=str(ROOT),
        env=dict(os.environ),
    )  # fmt: skip

    async def ask() -> Any:
        async with mcp.Client(server) as client:
            return await client.call_tool("calculate", {"expression": "wilson(28, 86)"})

    found = json.loads(anyio.run(ask).content[0].text)
    assert (found["low"], found["high"]) == pytest.approx((0.2359, 0.4301), abs=1e-3)
    assert {path: path.stat().st_mtime_ns for path in made_store.rglob("*")} == before


def test_without_the_package_the_extra_is_named(made_store: Path) -> None:
    code = "import sys, steerstat; sys.modules['mcp'] = None; steerstat.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "mcp", str(made_store)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip().endswith("pip install 'steerstat[mcp]'")

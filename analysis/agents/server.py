"""The tools over the Model Context Protocol: names, words and limits, as an agent reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from analysis.agents import tools
from analysis.agents.tools import DEFAULT_ROWS
from sql.errors import UserError

READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
INSTRUCTIONS = """A store of activation-steering outcomes. Nothing here writes, freezes or deletes.
Call `verdicts` and `audit` before you say that a direction works. A figure stamped `exploratory`
was not planned; one with `selected_on_outcome` supports nothing; an effect comes with its interval,
its corrected p and its bounds: report them together. Never pick the best dose and report its own p.
"""


def server_of(store: Path) -> MCPServer:
    """The server of one store; every tool reads."""
    server = MCPServer("steerstat", instructions=INSTRUCTIONS, version=version("steerstat"))

    def tool(function: Callable[..., dict[str, Any]]) -> None:
        """Offer a function under its name and docstring; what a user did wrong is told."""

        @functools.wraps(function)
        def answering(*given: Any, **named: Any) -> dict[str, Any]:
            try:
                return function(*given, **named)
            except UserError as error:
                raise ToolError(str(error)) from None

        server.tool(annotations=READ_ONLY)(answering)

    def schema() -> dict[str, Any]:
        """Tables with columns, views, named queries and macros, each with its documentation."""
        return tools.schema()

    def sql(
        query: str, parameters: dict[str, str] | None = None, most: int = DEFAULT_ROWS
    ) -> dict[str, Any]:
        """Rows of one SELECT, of a view, or of a named query with its parameters (DuckDB SQL).

        At most 1,000 rows, 30 seconds and 1 GB; `truncated` says that there were more.
        """
        return tools.sql(store, query, parameters or {}, most)

    def table(
        name: str, where: dict[str, str] | None = None, most: int = DEFAULT_ROWS
    ) -> dict[str, Any]:
        """Rows of a computed table, tests done; effects are fractions.

        Names: accuracy, effects, beyond_controls, controls, strata, homogeneity, trends,
        missingness, gold_logprobs, equal_push, norms, left_out, planned_ends. `where` keeps rows by
        column, such as {"direction": "mean_difference"}.
        """
        return tools.table(store, name, where or {}, most)

    def verdicts() -> dict[str, Any]:
        """What declared rules allow to say of every candidate direction, with the reason."""
        return tools.verdicts(store)

    def audit(anew: bool = False) -> dict[str, Any]:
        """What a reviewer would find: severity, rows as SQL, what to do (may take a minute)."""
        return tools.audit(store, anew=anew)

    def claims_check(text: str) -> dict[str, Any]:
        """Recompute every number of a claims file (TOML text) from the store."""
        return tools.claims_check(store, text)

    def plan_check(text: str) -> dict[str, Any]:
        """Power, smallest detectable effect and needs of a plan (TOML text), before it is run."""
        return tools.plan_check(store, text)

    def calculate(expression: str) -> dict[str, Any]:
        """A statistic of counts: mcnemar(4, 2), paired_difference(4, 2, 86), wilson(28, 86)."""
        return tools.calculate(expression)

    for function in (schema, sql, table, verdicts, audit, claims_check, plan_check, calculate):
        tool(function)
    return server

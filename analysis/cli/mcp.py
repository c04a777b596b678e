"""`steerstat mcp`: a store for agents, over stdio."""

from __future__ import annotations

import typer

from store.cli.options import Store

app = typer.Typer(add_completion=False, help="Serve a store to an agent, read-only, over stdio.")


@app.command()
def mcp(store: Store) -> None:
    """Serve STORE over the Model Context Protocol on standard input and output, read-only.

    Tools: schema, sql (closed, with limits), table, verdicts, audit, claims_check, plan_check,
    calculate. Nothing writes, freezes or deletes. Needs the extra: pip install 'steerstat[mcp]'.

    Example: steerstat mcp runs/demo
    """
    from analysis.agents.server import server_of
    from store.layout import open_store

    server_of(open_store(store)).run()

"""`steerstat serve`: the report page live on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from store.cli.options import Store

app = typer.Typer(add_completion=False, help="Serve the report page live on this machine.")


@app.command()
def serve(
    store: Store,
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8377,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback lets others in.")
    ] = "127.0.0.1",
    timeout: Annotated[float, typer.Option(help="Stop a query after this many seconds.")] = 30.0,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve the report of STORE with a box for SQL and a chart of its answer; Ctrl-C ends it.

    The address that is printed holds a token, new at every start; who has it can read the store.

    Example: steerstat serve runs/demo --open
    """
    import webbrowser

    from analysis.serve.server import is_loopback
    from analysis.serve.server import serve as server_of

    server = server_of(store, host=host, port=port, seconds=timeout)
    if not is_loopback(host):
        typer.echo(
            f"steerstat: listening on {host}: whoever can reach this machine and has the address "
            "below, which is sent unencrypted, can read the store",
            err=True,
        )
    typer.echo(server.address)
    server.live.get(server.token)
    if open_:
        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("", err=True)
    finally:
        server.server_close()

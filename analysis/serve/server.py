"""The server: loopback, one token, reading only.

What it keeps out, and how: other machines by the address it listens on; other users and other web
pages by a token that every address must carry; a web page whose name was re-pointed at this
machine (DNS rebinding) by the `Host` header, which must be an address or `localhost`; scripts from
an answer by escaping and a content security policy; everything but reading by `store.querying`.
Who connects and says nothing, or says it slowly, is cut off for those who come after.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from analysis.serve import pages
from analysis.serve.answers import SECONDS, Busy, answer
from analysis.serve.live import LivePage
from sql.errors import UserError
from store.formats import WRITERS

HOST, PORT = "127.0.0.1", 8377
MOST_DOWNLOADED = 200_000
MOST_SILENT = 64
"""Connections at once that have not asked for anything yet; of more, the oldest is cut off."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src "
    "'unsafe-inline'; font-src data:; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HTML, TYPES = "text/html", {"csv": "text/csv", "json": "application/json"}


class Server(ThreadingHTTPServer):
    """The HTTP server of one store; `address` is what to open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, store: Path, *, host: str = HOST, port: int = PORT, seconds: float = SECONDS
    ) -> None:
        self.token = secrets.token_urlsafe(24)
        self.store, self.seconds = store, seconds
        self.host = host
        self.live = LivePage(store)
        self._silent: dict[Any, None] = {}
        self._silent_lock = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    @property
    def address(self) -> str:
        """The page's address, with the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return pages.link(f"http://{host}:{self.server_port}/", self.token)

    def server_bind(self) -> None:
        """Bind without asking DNS for this machine's name, as the standard library would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.server_address[1]

    def get_request(self) -> Any:
        """The next connection, which is silent as yet."""
        request, address = super().get_request()
        with self._silent_lock:
            self._silent[request] = None
            oldest = next(iter(self._silent)) if len(self._silent) > MOST_SILENT else None
            self._silent.pop(oldest, None)
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        return request, address

    def heard(self, request: Any) -> None:
        """A connection has asked for something, or is over."""
        with self._silent_lock:
            self._silent.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.heard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who goes away is no error; anything else is."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One request: who asks is checked before what is asked."""

    server: Server
    server_version, sys_version = "steerstat", ""
    timeout = 30.0

    def do_GET(self) -> None:
        """Answer `/` (the report), `/sql` (the box) and `/rows.csv`, `/rows.json` (its rows)."""
        self.server.heard(self.connection)
        if not host_is_allowed(self.headers.get("Host", ""), self.server.host):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "Open the address that serve printed.")
            return
        split = urlsplit(self.path)
        form = {name: values[-1] for name, values in parse_qs(split.query).items()}
        given, token = form.get("token", "").encode(), self.server.token.encode()
        if not hmac.compare_digest(given, token):
            self._refuse(HTTPStatus.FORBIDDEN, "The token in the address is missing or wrong.")
            return
        route = ROUTES.get(split.path)
        if route is None:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page: / is the report, /sql asks.")
            return
        self._send(*route(self.server, form))

    do_HEAD = do_GET

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self._send(status, HTML, pages.notice(status.phrase, text))

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: an address holds the token."""


def host_is_allowed(given: str, bound: str) -> bool:
    """Whether a `Host` header names this server by something that nobody can re-point.

    That is `localhost`, an address (a loopback one, where the server is bound to one), or the name
    that the server was told to bind to.
    """
    try:
        name = (urlsplit(f"//{given}").hostname or "").lower()
    except ValueError:
        return False
    if name in ("localhost", bound.lower()):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not is_loopback(bound)


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _report(server: Server, form: dict[str, str]) -> tuple[int, str, str]:
    status, page = server.live.get(server.token)
    return status, HTML, page


def _box(server: Server, form: dict[str, str]) -> tuple[int, str, str]:
    asked, reply, problem, status = pages.Question.of(form), None, "", HTTPStatus.OK
    if asked.text:
        try:
            reply = answer(server.store, asked.text, asked.values(), seconds=server.seconds)
        except UserError as error:
            problem, status = str(error), _status(error)
    return status, HTML, pages.sql_page(server.store, server.token, asked, reply, problem)


def _status(error: UserError) -> HTTPStatus:
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Busy) else HTTPStatus.BAD_REQUEST


def _rows(form_name: str) -> Callable[[Server, dict[str, str]], tuple[int, str, str]]:
    """The route of a query's rows as a file."""

    def route(server: Server, form: dict[str, str]) -> tuple[int, str, str]:
        """Answer the query of a form as rows to download."""
        asked = pages.Question.of(form)
        try:
            reply = answer(
                server.store, asked.text, asked.values(), seconds=server.seconds,
                most=MOST_DOWNLOADED,
            )  # fmt: skip
            if reply.more:
                raise UserError(
                    f"more than {MOST_DOWNLOADED:,} rows: use `steerstat sql {server.store} … "
                    f"--format {form_name} --output FILE`"
                )
        except UserError as error:
            return _status(error), HTML, pages.notice("Not written", str(error))
        return HTTPStatus.OK, TYPES[form_name], WRITERS[form_name](reply.columns, reply.rows)

    return route


ROUTES = {"/": _report, "/sql": _box, "/rows.csv": _rows("csv"), "/rows.json": _rows("json")}


def serve(
    store: Path | str, *, host: str = HOST, port: int = PORT, seconds: float = SECONDS
) -> Server:
    """A server of the store, listening but not answering yet: call `serve_forever`.

    Args:
        store: the store's folder.
        host, port: where to listen; port 0 is any free one.
        seconds: time limit of a query.

    Raises:
        UserError: No store, a port that is taken or not allowed, an address that is not this
            machine's, or a time limit that is not above 0.
    """
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise UserError(
            f"the time limit of a query is a number of seconds above 0, not {seconds:g}"
        )
    try:
        return Server(Path(store), host=host, port=port, seconds=seconds)
    except OverflowError:
        raise UserError(f"a port is a number from 0 to 65535, found {port}") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(
            f"cannot listen on {host}:{port}: {why.lower()}; choose another with --port (0: any)"
        ) from error

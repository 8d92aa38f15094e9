"""A real HTTP server that does to what is posted whatever a test says, and keeps it."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class Posted(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["Request"], None]


class Request(http.server.BaseHTTPRequestHandler):
    """Reads a POST, and does what is next on the server's list; at its end the last again."""

    server: Webhook
    timeout = 20

    def do_POST(self) -> None:
        """Keep it, then behave."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.posted.append(Posted(self.path, headers, body))
            number = min(len(self.server.posted), len(self.server.behaviours)) - 1
        self.server.behaviours[number](self)

    def answer(self, status: int, **headers: str) -> None:
        """Answer with a status and no body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Webhook(http.server.ThreadingHTTPServer):
    """The server; ``ended`` is set when its test is over, for those that hang."""

    daemon_threads = True

    def __init__(self, behaviours: tuple[Behaviour, ...]) -> None:
        self.behaviours, self.posted, self.lock = behaviours, list[Posted](), threading.Lock()
        self.ended = threading.Event()
        self.scheme = "http"
        super().__init__(("127.0.0.1", 0), Request)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Whoever hangs up is no error."""


def status(code: int, **headers: str) -> Behaviour:
    """Answers so."""
    return lambda request: request.answer(code, **headers)


def hang(request: Request) -> None:
    """Says nothing."""
    request.server.ended.wait(20)


def drip(request: Request) -> None:
    """Says a byte now and then, and never comes to an end."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 400:
        try:
            request.wfile.write(bytes([byte]))
        except OSError:
            return
        if request.server.ended.wait(0.05):
            return


def flood(request: Request) -> None:
    """Never ends its head."""
    line = b"X: " + b"x" * 8000 + b"\r\n"
    try:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not request.server.ended.is_set():
            request.wfile.write(line)
    except OSError:
        pass


def close(request: Request) -> None:
    """Hangs up."""
    request.close_connection = True


@contextmanager
def webhook(*behaviours: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[Webhook]:
    """A server that behaves so, one after the other; 200 without any."""
    with Webhook(behaviours or (status(200),)) as server:
        if context is not None:
            server.scheme = "https"
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()

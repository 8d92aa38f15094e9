"""The road of a call to supervisord: HTTP over its unix socket or TCP, with a limit on time and on size.

It exists because the stock transport waits for ever, and makes room for whatever size an answer claims. It
never reads what is in an answer.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from supervisor.xmlrpc import SupervisorTransport

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer; 10,000 processes, which is more than one supervisord can have, take about 15 MB."""


class Transport(SupervisorTransport):  # type: ignore[misc]
    """The stock transport with limits. ``limit`` is in seconds: for each step, and for the whole answer."""

    def __init__(self, username: str, password: str, serverurl: str, limit: float) -> None:
        super().__init__(username or None, password or None, serverurl)
        parts = urlsplit(serverurl)

        def connect() -> http.client.HTTPConnection:
            if parts.scheme == "unix":
                return _UnixConnection(serverurl.removeprefix("unix://"), limit)
            return Connection(parts.hostname or "localhost", parts.port or 80, timeout=limit)

        self._get_connection = connect


class _Source(io.RawIOBase):
    """What the other side sends, until a deadline. It closes the stream, which keeps the socket open."""

    def __init__(self, stream: io.RawIOBase, connection: socket.socket) -> None:
        self._stream, self._connection = stream, connection
        self._limit = connection.gettimeout()
        self._deadline = time.monotonic() + (self._limit or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)
        try:
            return self._stream.readinto(buffer) or 0
        finally:
            self._connection.settimeout(self._limit)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is whole, comes in time, and has a size that can be."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_Source(self.fp.detach(), sock))

    def read(self, amt: int | None = None) -> bytes:
        """All of it. Raises HTTPException where it is too long or too short, TimeoutError where too late."""
        if self.length is not None and self.length > ANSWER_LIMIT:
            raise http.client.HTTPException(f"an answer of more than {ANSWER_LIMIT} bytes")
        data = super().read(ANSWER_LIMIT + 1 if amt is None else amt)  # room is made only for what is there
        if amt is None and len(data) > ANSWER_LIMIT:
            raise http.client.HTTPException(f"an answer of more than {ANSWER_LIMIT} bytes")
        if amt is None and self.length:
            raise http.client.IncompleteRead(data, self.length)
        return data


class Connection(http.client.HTTPConnection):
    """One to supervisord; its answers are limited."""

    response_class = _Response


class _UnixConnection(Connection):
    def __init__(self, path: str, limit: float) -> None:
        super().__init__("localhost", timeout=limit)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

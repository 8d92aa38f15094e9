"""The readiness client (edges/asking), given hostile HTTP answers in pieces of any size.

The first byte of an input is the size of the pieces. What must hold: an answer or one short sentence, from a
bounded number of bytes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from random import Random
from urllib.parse import urlsplit

from supervisor_reload.edges.asking import BODY_LIMIT, HEAD_LIMIT, Answer, Question, _get, attempt, get

from .mutating import NUMBERS

ADDRESS = "http://127.0.0.1:8000/healthz?deep=1"
SENTENCE = 400
"""Characters of the longest sentence that a log line should hold."""

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
SEEDS = [
    GOOD,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n0",
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{"active": 0}\r\n0\r\nX: y\r\n\r\n',
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + GOOD,
    b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 3\r\n\r\nno\n",
]
HEADS = [
    b"HTTP/1.1 200 OK", b"HTTP/1.1 100", b"HTTP/1.1 101 Switching", b"HTTP/2 200", b"HTTP/1.1 99999 x",
    b"HTTP/1.1", b"HTTP/" + b"9" * 3000, b"HTTP/1.1 -200 OK", b"http/1.1 200 ok", b"ICY 200 OK",
    b"220 smtp ESMTP", b"\x16\x03\x01\x02\x00\x01", b"SSH-2.0-OpenSSH_9",
]  # fmt: skip
FIELDS = [
    b"Content-Length: %b", b"Content-Length: 2, %b", b"Transfer-Encoding: chunked", b"X: " + b"y" * 3000,
    b"Transfer-Encoding: gzip, chunked", b"Connection: keep-alive", b" folded", b":", b"No-Colon",
    b"Content-Type: text/plain; charset=\xff", b"Content-Encoding: gzip", b"Content-Length:%b\r\n %b",
]  # fmt: skip
PIECES = 300
"""Most pieces of one input: more cost time, and show nothing new."""

TOKENS = (
    *HEADS, *NUMBERS, *(field.replace(b"%b", b"5") + b"\r\n" for field in FIELDS),
    b"\r\n", b"\r\n\r\n", b"Content-Length: ", b"chunked", b"0\r\n\r\n", b"ffffffff\r\n",
)  # fmt: skip


class Answers:
    """A Reader."""

    name = "http"
    seeds = tuple(bytes([size]) + seed for seed in SEEDS for size in (0, 255))
    tokens = TOKENS

    def __init__(self) -> None:
        self._ended = threading.Event()

    def fresh(self, chance: Random) -> bytes:
        """A head of some fields, and a body in some framing."""
        head = chance.choice(HEADS if chance.random() < 0.5 else HEADS[:1])
        count = chance.choice((0, 1, 2, 3, 150))
        fields = [chance.choice(FIELDS).replace(b"%b", chance.choice(NUMBERS)) for _ in range(count)]
        size = chance.choice((0, 1, 2, 4096, 4097, 70_000))
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
        body = chance.choice((b"x" * size, chunks, b""))
        return bytes([chance.choice((0, 7, 255))]) + b"\r\n".join([head, *fields, b"", body])

    def read(self, data: bytes) -> None:
        """As a probe, and as a look at in-flight work."""
        for has_body in (False, True):
            self._ask(data, has_body)

    def _ask(self, data: bytes, has_body: bool) -> None:
        drip = Drip(data)
        answers: list[Answer] = []

        def ask(question: Question) -> None:
            answers.append(_get(drip, urlsplit(ADDRESS), question, has_body))  # type: ignore[arg-type]

        question = Question(ADDRESS, 1, time.monotonic() + 60, self._ended, "ready")
        said = attempt(question, 60, ask)
        assert (said is None) == bool(answers), "neither an answer nor a sentence, or both"
        assert said is None or len(said) <= SENTENCE, "a sentence that no log line should hold"
        assert drip.given <= HEAD_LIMIT + BODY_LIMIT, "more bytes than the limit"
        assert not answers or len(answers[0].body) <= BODY_LIMIT + 1, "more of a body than the limit"

    def close(self) -> None:
        """Nothing is open."""


class Drip:
    """A connection that gives what was prepared, at most so many bytes at a time, then ends."""

    def __init__(self, data: bytes) -> None:
        self._data, self.given = data[1:], 0
        self._size = max(data[0] * 16 + 1 if data else 1, len(data) // PIECES)

    def settimeout(self, seconds: float) -> None:
        """As a socket: refuses what a socket refuses."""
        if seconds <= 0:
            raise ValueError("a socket would not block for ever")

    def sendall(self, request: bytes) -> None:
        """The question; nobody reads it."""
        assert request.endswith(b"\r\n\r\n")

    def recv_into(self, buffer: memoryview) -> int:
        """The next piece; a reset at the end of some."""
        piece = self._data[self.given : self.given + min(self._size, len(buffer))]
        if not piece and len(self._data) % 7 == 1:
            raise ConnectionResetError(104, "Connection reset by peer")
        buffer[: len(piece)] = piece
        self.given += len(piece)
        return len(piece)


class RealAnswers(Answers):
    """The same over TCP, with the proof of who answered; this process is the endpoint, too."""

    name = "http-socket"

    def __init__(self) -> None:
        super().__init__()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._data = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        size = self._data[0] * 16 + 1 if self._data else 1
        try:
            connection.recv(65536)
            for start in range(1, len(self._data), max(size, len(self._data) // 200)):
                connection.sendall(self._data[start : start + max(size, len(self._data) // 200)])
        except OSError:
            pass  # it has heard enough

    def read(self, data: bytes) -> None:
        """One probe by each of the two that ask; each a connection."""
        self._data = data
        address = f"http://127.0.0.1:{self._server.getsockname()[1]}/healthz"
        for has_body in (False, True):
            question = Question(address, os.getpid(), time.monotonic() + 2.0, self._ended, "ready")
            said = attempt(question, 2.0, lambda q, b=has_body: _none(get(q, has_body=b)))  # type: ignore[misc]
            assert said is None or len(said) <= SENTENCE, "a sentence that no log line should hold"
            assert said is None or "within" not in said, "an answer that had ended was waited for"

    def close(self) -> None:
        """The server."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


def _none(_answer: Answer) -> None:
    """Any answer is well."""

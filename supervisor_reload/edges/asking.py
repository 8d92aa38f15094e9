"""One bounded question to an endpoint, answered by one process: connect, prove who accepted, GET.

Whatever the endpoint does, an attempt ends at its deadline on the wall's clock and after a bounded number of
bytes; it follows no redirect, and sends nothing but one GET. It never says what an answer means.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from .connections import holder, holds, server_end, why_hidden
from .processes import tree
from .resolving import resolved

HEAD_LIMIT = 64 * 1024
"""Bytes: more than any server sends before its body."""

BODY_LIMIT = 4 * 1024
"""Bytes of a body that is read."""

TOLD = 200
"""Characters that are told of what went wrong: the other side has written most of them."""

CROWD = 32
"""Connections at once, where others were faster; they are closed without a word."""

PAUSE = 0.02
"""Seconds, the longest between two looks whether a connection was accepted."""


class Refused(Exception):
    """The question was not answered by whom it was for; its text says why."""


class Stranger(Refused):
    """Another process was faster, as may be where several wait on one socket."""


class Answer(NamedTuple):
    """What an endpoint answered to a GET."""

    status: int
    body: bytes
    """its first BODY_LIMIT + 1 bytes; empty where it was not asked for"""


class Question(NamedTuple):
    """What is asked, of whom, and until when."""

    address: str
    """``tcp://``, ``http://``, ``https://`` or ``unix://``"""
    pid: int
    deadline: float
    """of the monotonic clock"""
    ended: threading.Event
    """set when nobody wants the answer any more"""
    key: str
    """the key of the configuration that a refusal advises to change"""
    is_waiting: Callable[[], bool] = lambda: False
    """whether the process waits on its socket, so that it answers if only it comes to it"""

    @property
    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def attempt(question: Question, limit: float, ask: Callable[[Question], str | None]) -> str | None:
    """What ``ask`` answers, or in a sentence what kept it from that. Raises nothing."""
    try:
        return ask(question)
    except Refused as refused:
        return str(refused)
    except TimeoutError:
        return f"no answer from {question.address} within {limit:g} s"
    except http.client.HTTPException as error:
        return f"no HTTP answer but {_told(error)}"
    except (OSError, ValueError) as error:
        return f"{question.address}: {str(error)[:TOLD]}"


@contextlib.contextmanager
def asked(question: Question) -> Iterator[socket.socket]:
    """A connection that a process of this pid's tree accepted.

    Raises Refused, TimeoutError, OSError and ValueError.
    """
    with contextlib.ExitStack() as opened:
        connection = opened.enter_context(_connected(question))
        try:
            _prove(connection, question)
        except Stranger:
            ours = _one_of_many(question, opened) if question.is_waiting() else None
            if ours is None:
                raise
            connection = ours
        yield connection


def _one_of_many(question: Question, opened: contextlib.ExitStack) -> socket.socket | None:
    """Several connections at once, of which whoever waits on the socket gets some; that of our process.

    Of processes that idle the kernel wakes the same ones first again and again: a newcomer among four got one
    of 60 connections that were opened alone, and none of 250 at worst (asyncio, uvloop; two cores). Of 32 at
    once it got some in one of two to four tries, also among eight.
    """
    crowd = []
    for _ in range(CROWD):
        crowd.append(opened.enter_context(_connected(question)))
        os.sched_yield()  # else one of the others, on another core, takes them all
    processes = tree(question.pid)
    for connection in crowd:
        with contextlib.suppress(Refused):
            if holds(processes, _accepted(connection, question)):
                return connection
    return None


def get(question: Question, *, has_body: bool) -> Answer:
    """The answer to a GET of ``http://`` or ``https://``, from a process of this pid's tree.

    Raises Refused, TimeoutError, OSError, ValueError and http.client.HTTPException.
    """
    url = urlsplit(question.address)
    with asked(question) as connection:
        if url.scheme != "https":
            return _get(connection, url, question, has_body)
        connection.settimeout(question.left)
        with _trusting().wrap_socket(connection, server_hostname=url.hostname) as secured:
            return _get(secured, url, question, has_body)


def _connected(question: Question) -> socket.socket:
    if question.address.startswith("unix://"):
        return _unix_connected(question)
    url = urlsplit(question.address)
    port = url.port or (443 if url.scheme == "https" else 80)
    refusal: OSError | None = None
    for family, name in resolved(url.hostname or "", port, question.left):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(question.left)
            connection.connect(name)
        except OSError as error:
            connection.close()
            refusal = error
        else:
            return connection
    raise refusal or OSError(f"{url.hostname!r} has no address")


def _unix_connected(question: Question) -> socket.socket:
    path = question.address.removeprefix("unix://")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(question.left)
        connection.connect("\0" + path[1:] if path.startswith("@") else path)
    except BlockingIOError:  # unix(7): a full backlog is told by EAGAIN, and not waited for
        connection.close()
        raise Refused("its backlog is full: nobody accepts connections") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _prove(connection: socket.socket, question: Question) -> None:
    """Raises Refused where the other end is not the process's, and OSError where that can't be told."""
    inode = _accepted(connection, question)
    processes = tree(question.pid)
    if holds(processes, inode):
        return
    stranger = holder(inode)
    if not stranger and (hidden := why_hidden(processes, question.key)):
        raise Refused(hidden)
    which = "new process" if question.key == "ready" else "process"
    raise Stranger(f"answered by {stranger or 'another process'}, not by the {which} {question.pid}")


def _accepted(connection: socket.socket, question: Question) -> int:
    """The inode of the other end, once somebody has accepted it. Raises Refused, and OSError."""
    pause = 0.001
    while (end := server_end(connection)) is not None and end.is_waiting:
        left = question.deadline - time.monotonic()
        if left <= 0 or question.ended.wait(min(pause, left)):
            raise Refused("connected, but nobody accepted the connection")
        pause = min(PAUSE, pause * 2)
    if end is None:  # gone, or on another machine, where nothing can be proved
        reset = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if reset:
            raise Refused(f"connected, then: {os.strerror(reset)}")
        raise Refused("connected, but by whom it was accepted can't be told: is that another machine?")
    if not end.inode:
        raise Refused("connected, and the connection was closed at once, by whom can't be told")
    return end.inode


class _Source(io.RawIOBase):
    """What the other side sends, until the deadline, and so many bytes of it; for http.client to read."""

    def __init__(self, connection: socket.socket, question: Question, most: int) -> None:
        self._connection = connection
        self._question = question
        self._most = most
        self._reader = io.BufferedReader(self)

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        return self._reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._most <= 0:
            raise http.client.HTTPException(f"more than {HEAD_LIMIT + BODY_LIMIT} bytes")
        self._connection.settimeout(self._question.left)
        count = self._connection.recv_into(buffer[: self._most])
        self._most -= count
        return count


def _get(connection: socket.socket, url: SplitResult, question: Question, has_body: bool) -> Answer:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {url.netloc.rpartition('@')[2]}\r\n"
    request += "User-Agent: supervisor-reload\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    connection.settimeout(question.left)
    connection.sendall(request.encode("ascii", "replace"))
    source = _Source(connection, question, HEAD_LIMIT + BODY_LIMIT)
    responses: list[http.client.HTTPResponse] = []  # kept, since each closes the source at its end
    try:
        while not responses or responses[-1].status < 200:  # such as 103 Early Hints
            responses.append(http.client.HTTPResponse(source, method="GET"))  # type: ignore[arg-type]
            responses[-1].begin()
        return Answer(responses[-1].status, _body(responses[-1]) if has_body else b"")
    finally:
        for response in responses:  # else each flushes the source at its end: Python 3.13 logs that it can't
            response.fp = None  # type: ignore[assignment]


def _body(response: http.client.HTTPResponse) -> bytes:
    body = response.read(BODY_LIMIT + 1)
    if len(body) <= BODY_LIMIT and response.length:  # a cut 05 is no 0
        raise http.client.IncompleteRead(body, response.length)
    return body


def _told(error: http.client.HTTPException) -> str:
    if isinstance(error, http.client.BadStatusLine):
        return repr(str(error.args[0])[:60])
    if isinstance(error, http.client.IncompleteRead):
        return f"a part of one: {len(error.partial)} bytes"
    return str(error)[:TOLD]


def _trusting() -> ssl.SSLContext:
    """The question is whether the process answers, not who it says it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

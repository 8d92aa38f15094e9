"""Serves the numbers over HTTP, in one thread of its own that waits for nobody.

However many ask, and however slowly, there are never more than MOST connections, each for ANSWER_LIMIT at
most; a new one takes the place of the oldest. The standard library's server has a thread for each, and limits
each read, which one byte a second never reaches.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable

from ...core.publication import Publication
from .answering import Connection
from .opening import Opened, open_socket

log = logging.getLogger(__name__)

MOST = 16
"""connections at a time"""

ANSWER_LIMIT = 5.0
"""seconds for one request and its answer; Prometheus waits for 10 by default"""

OPEN_AGAIN = 5.0
"""seconds until a socket that can't be opened is tried again, and between two looks at its file"""

CLOSE_LIMIT = 1.0
"""seconds for which close() waits"""


class Server:
    """Serves at one place, from ``start`` to ``close``."""

    def __init__(self, place: Publication, page: Callable[[], bytes], content_type: str) -> None:
        self._place, self._page, self._content_type = place, page, content_type
        self._selector = selectors.DefaultSelector()
        self._connections: dict[socket.socket, Connection] = {}
        """oldest first"""
        self._ear, self._mouth = socket.socketpair()
        self._closing = threading.Event()
        self._why_closed: str | None = None
        self._thread = threading.Thread(target=self._work, name=f"metrics {place}", daemon=True)

    def start(self) -> None:
        """Begin; where the place is taken, that is said, and it is tried again."""
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread.start()

    def touch(self) -> None:
        """There are new numbers: whoever asks will get them."""

    def close(self) -> None:
        """End, and remove the socket's file; waits up to CLOSE_LIMIT."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._mouth.send(b"x")
        self._thread.join(CLOSE_LIMIT)

    def _work(self) -> None:
        try:
            self._page()  # the first takes its time
            while not self._closing.is_set():
                opened = self._open()
                if opened is None:
                    self._selector.select(OPEN_AGAIN)
                    continue
                try:
                    self._serve(opened)
                finally:
                    opened.close()
        except ImportError as error:
            log.warning("metrics: can't be served at %s: %s", self._place, error)
        finally:
            for each in (self._ear, self._mouth, self._selector):
                each.close()

    def _open(self) -> Opened | None:
        try:
            opened = open_socket(self._place)
        except OSError as error:
            why = error.strerror or str(error)
            if why != self._why_closed:
                log.warning("metrics: can't be served at %s: %s; trying again", self._place, why)
            self._why_closed = why
            return None
        if self._why_closed != "":
            log.info("metrics: served at %s", self._place)
        self._why_closed = ""
        return opened

    def _serve(self, opened: Opened) -> None:
        """Until the end, or until the socket's file is gone."""
        self._selector.register(opened.socket, selectors.EVENT_READ)
        try:
            while opened.is_intact:
                for key, _ in self._selector.select(self._pause()):
                    if key.fileobj is self._ear:
                        return
                    if key.fileobj is opened.socket:
                        self._accept(opened.socket)
                    elif key.fileobj in self._connections:
                        self._advance(self._connections[key.fileobj])
                self._end_overdue()
        finally:
            for connection in tuple(self._connections.values()):
                self._end(connection)
            self._selector.unregister(opened.socket)

    def _pause(self) -> float:
        oldest = next(iter(self._connections.values()), None)
        return OPEN_AGAIN if oldest is None else max(0.0, oldest.deadline - time.monotonic())

    def _accept(self, listening: socket.socket) -> None:
        try:
            caller, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # such as no descriptor left: those that are open must go first
            log.debug("metrics: a connection can't be taken: %s", error)
            self._closing.wait(0.1)
            return
        caller.setblocking(False)
        while len(self._connections) >= MOST:
            self._end(next(iter(self._connections.values())))
        deadline = time.monotonic() + ANSWER_LIMIT
        self._connections[caller] = Connection(caller, self._page, self._content_type, deadline)
        self._selector.register(caller, selectors.EVENT_READ)

    def _advance(self, connection: Connection) -> None:
        try:
            connection.advance()
        except Exception:  # a defect of ours ends one answer, and not the thread
            log.exception("metrics: a request could not be answered")
            connection.is_over = True
        if connection.is_over:
            self._end(connection)
        elif connection.is_answering:
            self._selector.modify(connection.socket, selectors.EVENT_WRITE)

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for connection in [one for one in self._connections.values() if one.deadline <= now]:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        del self._connections[connection.socket]
        self._selector.unregister(connection.socket)
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.socket.close()

"""One connection of somebody who asks for the numbers: what was asked, what is answered, and until when.

It never waits: it takes what has come, and gives what can be taken.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

LONGEST_REQUEST = 8192
"""bytes; a scrape of Prometheus has about 300"""

PATHS = ("/metrics", "/")
BLOCK = 65536

_TEXT = "text/plain; charset=utf-8"


class Connection:
    """One request and its answer.

    Args:
        caller: the socket, which never blocks.
        page: makes the numbers' page.
        content_type: of the page.
        deadline: when it is closed, whatever has come (monotonic seconds).
    """

    def __init__(
        self, caller: socket.socket, page: Callable[[], bytes], content_type: str, deadline: float
    ) -> None:
        self.socket = caller
        self.deadline = deadline
        self._page, self._content_type = page, content_type
        self._request = b""
        self._answer = memoryview(b"")
        self.is_answering = False
        self.is_over = False

    def advance(self) -> None:
        """Go on as far as that is possible now."""
        try:
            if not self.is_answering:
                self._receive()
            if self.is_answering:
                self._send()
        except BlockingIOError:
            return
        except OSError:  # it left
            self.is_over = True

    def _receive(self) -> None:
        data = self.socket.recv(BLOCK)
        if not data:
            self.is_over = True
            return
        self._request += data
        head, end, _ = self._request.partition(b"\r\n\r\n")
        if end:
            self._begin(self._answer_to(head))
        elif len(self._request) > LONGEST_REQUEST:
            self._begin(_page_of("431 Request Header Fields Too Large", _TEXT, b"too long\n"))

    def _begin(self, answer: bytes) -> None:
        self._answer, self.is_answering = memoryview(answer), True

    def _send(self) -> None:
        while self._answer:
            self._answer = self._answer[self.socket.send(self._answer) :]
        self.is_over = True

    def _answer_to(self, head: bytes) -> bytes:
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return _page_of("400 Bad Request", _TEXT, b"this is no HTTP/1.1\n")
        method, path = words[0], words[1].partition("?")[0]
        if path not in PATHS:
            return _page_of("404 Not Found", _TEXT, b"the numbers are at /metrics\n")
        if method not in ("GET", "HEAD"):
            return _page_of(
                "405 Method Not Allowed", _TEXT, b"there is nothing to change here\n", "Allow: GET, HEAD\r\n"
            )
        answer = _page_of("200 OK", self._content_type, self._page())
        return answer if method == "GET" else answer[: answer.index(b"\r\n\r\n") + 4]


def _page_of(status: str, content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body

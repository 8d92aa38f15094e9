"""What a leaving server knows of its requests: an ASGI application around the user's own.

It adds ``Connection: close`` to answers once the server leaves, and counts what is under way. It is plain
ASGI, the same for every server, and never touches a request, a body, or an answer's status.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CLOSE = (b"connection", b"close")


class Farewell:
    """The user's application, and the requests that it is busy with."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.leaving = False
        """Whether answers say that their connection ends with them."""
        self.limit_at = float("inf")
        """``time.monotonic`` at which what is under way is cut."""
        self.websockets = 0
        """WebSocket conversations under way."""
        self.unwarned = 0
        """Answers under way whose head said nothing of closing: their clients may ask again after them."""
        self.unwarned_until = 0.0
        """``time.monotonic`` at which the last such answer ended after ``leaving`` was set."""
        self.cut = 0
        """Answers that ended at or after ``limit_at``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; ASGI's own signature."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            self.websockets += 1
            try:
                await self._application(scope, receive, send)
            finally:
                self.websockets -= 1
        else:
            await self._application(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        may_warn = scope["http_version"] in ("1.0", "1.1")  # HTTP/2 forbids the header, and has GOAWAY
        unwarned = False

        async def warn(message: Message) -> None:
            nonlocal unwarned
            if message["type"] == "http.response.start":
                if self.leaving and may_warn:
                    others = [pair for pair in message.get("headers", ()) if pair[0].lower() != CLOSE[0]]
                    message = {**message, "headers": [*others, CLOSE]}
                else:
                    unwarned = True
                    self.unwarned += 1
            await send(message)

        try:
            await self._application(scope, receive, warn)
        finally:
            now = time.monotonic()
            if unwarned:
                self.unwarned -= 1
                if self.leaving:
                    self.unwarned_until = now
            if now >= self.limit_at:
                self.cut += 1


def tell_cut(log: logging.Logger, websockets: int, answers: int) -> None:
    """Say in one line what had to be cut; nothing where nothing was."""
    kinds = [f"{websockets} WebSocket"] if websockets else []
    kinds += [f"{answers} response{'s' * (answers > 1)} under way"] if answers else []
    if kinds:
        total = websockets + answers
        log.warning("cut %d connection%s: %s", total, "s" * (total > 1), ", ".join(kinds))

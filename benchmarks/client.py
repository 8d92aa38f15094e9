"""HTTP/1.1 for the load: as much as it takes to know that an answer is whole, and cheap.

It exists because the load must cost less than the server that it measures: a protocol on the transport,
one future and one timer for a request. It never tries anything a second time.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class RequestError(Exception):
    """A request that got no whole answer with status 200; the argument is its kind."""


class Limit:
    """Seconds for the block of a ``with`` statement inside a task; then ``asyncio.TimeoutError``.

    ``asyncio.wait_for`` would make a task for every request, and ``asyncio.timeout`` begins with Python 3.11.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()  # the task is suspended within the block now, so the block is what it ends

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._expired and kind is asyncio.CancelledError:
            if hasattr(self._task, "uncancel"):  # Python 3.11
                self._task.uncancel()
            raise asyncio.TimeoutError from None


class Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self.closed = False
        """whether the server has said goodbye, as far as the event loop has heard"""
        self._received = bytearray()
        self._lost: Exception | None = None
        self._more: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._received += data
        self._wake()

    def eof_received(self) -> None:
        """Called by the event loop."""
        self.closed = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self.closed = True
        self._lost = exc
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    def close(self) -> None:
        """Leave; twice is once."""
        self._transport.close()

    async def get(self, request: bytes) -> tuple[str, bool]:
        """Send the request; the answer's body, and whether the server keeps the connection.

        Raises RequestError, and OSError as the socket does.
        """
        self._transport.write(request)
        end = await self._find(b"\r\n\r\n")
        head = self._received[:end].decode("latin-1").lower().split("\r\n")
        lengths = [line[15:].strip() for line in head if line.startswith("content-length:")]
        if len(lengths) != 1 or not lengths[0].isdecimal():
            raise RequestError("malformed")
        whole = end + 4 + int(lengths[0])
        while len(self._received) < whole:
            await self._hear()
        body = bytes(self._received[end + 4 : whole])
        del self._received[:whole]
        status = head[0].split(" ")[1:2]
        if status != ["200"]:
            raise RequestError(f"status {''.join(status)}"[:40])
        if self._received:
            raise RequestError("malformed")  # more than was asked for
        return body.decode(errors="replace").strip(), "connection: close" not in head

    async def _find(self, mark: bytes) -> int:
        while (at := self._received.find(mark)) < 0:
            if len(self._received) > 65536:
                raise RequestError("malformed")
            await self._hear()
        return at

    async def _hear(self) -> None:
        """Until something more was received; raises when nothing will be."""
        if self._lost is not None:
            raise self._lost
        if self.closed:
            raise RequestError("cut")
        self._more = asyncio.get_running_loop().create_future()
        await self._more
        self._more = None

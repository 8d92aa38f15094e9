"""The load: clients that ask a web service all the time and write down what every request met.

It exists to not flatter: latency runs from before the connect to the last byte, everything that is not a
whole answer with status 200 is an error, and no request is tried a second time. It runs as a process of its
own (``python -m benchmarks.load``), so that neither the experiment nor its own report disturbs its clock.
It never decides whether a number is good.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

REQUEST_LIMIT = 10.0
"""seconds for one request; then it counts as ``timeout``"""


class RequestError(Exception):
    """A request that got no whole answer with status 200; the argument is its kind."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it began (``time.monotonic``, seconds), how long it took, what it met."""

    began: float
    seconds: float
    error: str
    """'' or refused, reset, cut, timeout, status NNN, malformed, OSError's own name"""


@dataclass(slots=True)
class Load:
    """Clients against one address. ``run`` ends when ``over`` is set."""

    host: str
    port: int
    clients: int = 8
    pause: float = 0.03
    """seconds that every client waits between two requests, whatever the first one met"""
    keep_alive: bool = False
    path: str = "/"
    limit: float = REQUEST_LIMIT
    requests: list[Request] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    """answer text -> when it was first received whole"""
    errors: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Ask until ``over`` is set; requests under way are finished."""
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        connection: _Connection | None = None
        await self._pause(self.pause * number / self.clients)
        while not self.over.is_set():
            connection = await self._ask(connection)
            await self._pause(self.pause)
        if connection is not None:
            connection.close()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)

    async def _ask(self, connection: _Connection | None) -> _Connection | None:
        """One request; the connection if it may be used again."""
        began = time.monotonic()
        error = text = ""
        try:
            connection, text = await asyncio.wait_for(self._exchange(connection), self.limit)
        except RequestError as lost:
            connection, error = None, str(lost)
        except asyncio.TimeoutError:
            connection, error = None, "timeout"
        except ConnectionRefusedError:
            connection, error = None, "refused"
        except (ConnectionResetError, BrokenPipeError):
            connection, error = None, "reset"
        except OSError as other:
            connection, error = None, type(other).__name__
        ended = time.monotonic()
        self.requests.append(Request(began, ended - began, error))
        if error:
            self.errors += 1
        else:
            self.seen.setdefault(text, ended)
        return connection

    async def _exchange(self, connection: _Connection | None) -> tuple[_Connection | None, str]:
        if connection is not None and connection.was_closed():
            # the server said goodbye while nothing was under way: any client connects again
            connection.close()
            connection = None
        if connection is None:
            connection = _Connection(*await asyncio.open_connection(self.host, self.port))
        may_stay = False
        try:
            text, may_stay = await connection.get(self.path, keep_alive=self.keep_alive)
        finally:
            if not may_stay:
                connection.close()
        return (connection if may_stay else None), text


class _Connection:
    """HTTP/1.1 over one connection: as much as it takes to know that an answer is whole."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def was_closed(self) -> bool:
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()

    async def get(self, path: str, *, keep_alive: bool) -> tuple[str, bool]:
        """The body, and whether the connection may be used again.

        Raises RequestError, and OSError as the socket does.
        """
        wish = "keep-alive" if keep_alive else "close"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: load\r\nConnection: {wish}\r\n\r\n".encode())
        await self._writer.drain()
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            length = next((line[15:] for line in head if line.startswith("content-length:")), "")
            body = await self._reader.readexactly(int(length))
        except asyncio.IncompleteReadError:
            raise RequestError("cut") from None
        except (asyncio.LimitOverrunError, ValueError):
            raise RequestError("malformed") from None
        status = head[0].split(" ")[1:2]
        if status != ["200"]:
            raise RequestError(f"status {''.join(status)}")
        may_stay = keep_alive and "connection: close" not in head
        return body.decode(errors="replace").strip(), may_stay


async def _report(load: Load, interval: float = 0.2) -> None:
    """Tell on stdout, a JSON line each: answers never seen before at once, the totals now and then."""
    told: set[str] = set()
    while not load.over.is_set():
        for text in [text for text in load.seen if text not in told]:
            told.add(text)
            print(json.dumps({"seen": text, "at": load.seen[text]}), flush=True)
        print(json.dumps({"requests": len(load.requests), "errors": load.errors}), flush=True)
        known = len(load.seen)
        deadline = time.monotonic() + interval
        while len(load.seen) == known and time.monotonic() < deadline and not load.over.is_set():
            await load._pause(0.005)


async def _run(load: Load, out: Path, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, load.over.set)
    loop.add_signal_handler(signal.SIGINT, load.over.set)
    loop.add_reader(sys.stdin.fileno(), load.over.set)  # its end says that the experiment is gone
    loop.call_later(seconds, load.over.set)
    await asyncio.gather(load.run(), _report(load))
    with out.open("w", encoding="ascii") as file:
        file.writelines(json.dumps([r.began, r.seconds, r.error]) + "\n" for r in load.requests)


def main() -> None:
    """Run until SIGTERM, the end of stdin, or ``--seconds``; then write every request to OUT."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("out", type=Path, help="one JSON list a line: began, seconds, error")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between a client's requests")
    parser.add_argument("--keep-alive", action="store_true")
    parser.add_argument("--seconds", type=float, default=3600.0, help="longest run")
    args = parser.parse_args()

    async def go() -> None:
        load = Load("127.0.0.1", args.port, args.clients, args.pause, args.keep_alive)
        await _run(load, args.out, args.seconds)

    with contextlib.suppress(BrokenPipeError):
        asyncio.run(go())


if __name__ == "__main__":
    main()

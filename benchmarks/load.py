"""The load: clients that ask a web service all the time and write down what every request met.

It exists to not flatter: latency runs from before the connect to the last byte, everything that is not a
whole answer with status 200 is an error, and no request is tried a second time. It runs as a process of its
own (``python -m benchmarks.load``), so that neither the experiment nor its own report disturbs its clock;
that process keeps no request in memory. It never decides whether a number is good.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .client import Connection, Limit, RequestError

REQUEST_LIMIT = 10.0
"""seconds for one request; then it counts as ``timeout``, or ``connect timeout`` when it was not connected"""

BREATH = 0.01
"""seconds that a client waits at least after a request that failed: refused at once, a client without a pause
would ask ten thousand times a second, and say more about itself than about the service"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it began (``time.monotonic``, seconds), how long it took, what it met."""

    began: float
    seconds: float
    error: str
    """'' or refused, reset, cut, timeout, connect timeout, status NNN, malformed, OSError's own name"""


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
    spread: float = 0.0
    """seconds over which the clients begin, at random moments"""
    requests: list[Request] = field(default_factory=list)
    """all of them, unless ``sink`` takes them"""
    sink: Callable[[Request], object] | None = None
    seen: dict[str, float] = field(default_factory=dict)
    """answer text -> when it was first received whole"""
    count: int = 0
    errors: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """set at each answer that was not seen before"""

    async def run(self) -> None:
        """Ask until ``over`` is set; requests under way are finished."""
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        wish = "keep-alive" if self.keep_alive else "close"
        request = f"GET {self.path} HTTP/1.1\r\nHost: load\r\nConnection: {wish}\r\n\r\n".encode()
        connection: Connection | None = None
        await asyncio.sleep(self.pause * number / self.clients + random.uniform(0.0, self.spread))
        while not self.over.is_set():
            errors = self.errors
            connection = await self._ask(connection, request)
            await asyncio.sleep(self.pause if self.errors == errors else max(self.pause, BREATH))
        if connection is not None:
            connection.close()

    async def _ask(self, connection: Connection | None, request: bytes) -> Connection | None:
        """One request; the connection if it may be used again."""
        began = time.monotonic()
        error = text = ""
        may_stay = False
        if connection is not None and connection.closed:
            # the server said goodbye while nothing was under way: any client connects again
            connection.close()
            connection = None
        try:
            with Limit(self.limit):
                if connection is None:
                    connection = await self._connect()
                text, may_stay = await connection.get(request)
        except (RequestError, OSError, asyncio.TimeoutError) as lost:
            error = _kind(lost, connected=connection is not None)
        ended = time.monotonic()
        self._record(Request(began, ended - began, error), text)
        if connection is None or (may_stay and self.keep_alive):
            return connection
        connection.close()
        return None

    async def _connect(self) -> Connection:
        return (await asyncio.get_running_loop().create_connection(Connection, self.host, self.port))[1]

    def _record(self, request: Request, text: str) -> None:
        self.count += 1
        if request.error:
            self.errors += 1
        elif text not in self.seen:
            self.seen[text] = request.began + request.seconds
            self.news.set()
        (self.sink or self.requests.append)(request)


def _kind(lost: Exception, *, connected: bool) -> str:
    """What the table calls it."""
    if isinstance(lost, RequestError):
        return str(lost)
    if isinstance(lost, asyncio.TimeoutError):
        return "timeout" if connected else "connect timeout"
    if isinstance(lost, ConnectionRefusedError):
        return "refused"
    if isinstance(lost, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    return type(lost).__name__


async def _report(load: Load, interval: float = 0.2) -> None:
    """Tell on stdout, a JSON line each: answers never seen before at once, the totals now and then."""
    told: set[str] = set()
    over = asyncio.ensure_future(load.over.wait())
    while not load.over.is_set():
        load.news.clear()
        for text in [text for text in load.seen if text not in told]:
            told.add(text)
            print(json.dumps({"seen": text, "at": load.seen[text]}), flush=True)
        print(json.dumps({"requests": load.count, "errors": load.errors}), flush=True)
        news = asyncio.ensure_future(load.news.wait())
        await asyncio.wait({news, over}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()


async def _run(load: Load, out: Path, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, load.over.set)
    loop.add_signal_handler(signal.SIGINT, load.over.set)
    loop.add_reader(sys.stdin.fileno(), load.over.set)  # its end says that the experiment is gone
    loop.call_later(seconds, load.over.set)
    with out.open("w", encoding="ascii") as file:

        def write(request: Request) -> None:
            file.write(json.dumps([round(request.began, 6), round(request.seconds, 6), request.error]) + "\n")

        load.sink = write
        began = time.monotonic()
        await asyncio.gather(load.run(), _report(load))
    busy = time.process_time() / (time.monotonic() - began)
    print(json.dumps({"requests": load.count, "errors": load.errors, "busy": round(busy, 3)}), flush=True)


def main() -> None:
    """Run until SIGTERM, the end of stdin, or ``--seconds``; OUT gets every request at once."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("out", type=Path, help="one JSON list a line: began, seconds, error")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between a client's requests")
    parser.add_argument("--keep-alive", action="store_true")
    parser.add_argument("--path", default="/")
    parser.add_argument("--limit", type=float, default=REQUEST_LIMIT, help="seconds for one request")
    parser.add_argument("--spread", type=float, default=0.0, help="seconds over which the clients begin")
    parser.add_argument("--seconds", type=float, default=3600.0, help="longest run")
    args = parser.parse_args()

    async def go() -> None:
        load = Load("127.0.0.1", args.port, args.clients, args.pause, args.keep_alive)
        load.path, load.limit, load.spread = args.path, args.limit, args.spread
        await _run(load, args.out, args.seconds)

    with contextlib.suppress(BrokenPipeError):
        asyncio.run(go())


if __name__ == "__main__":
    main()

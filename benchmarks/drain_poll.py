"""What one look of ``drain=connections`` costs: a real server, thousands of connections in every kind of use.

    python -m benchmarks.drain_poll --connections 10000

It exists to check two promises at once: that the count is right, and that a look costs less than 50 ms of
CPU. It never decides how often one should look.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from supervisor_reload.core.model import SlotName, SlotSettings
from supervisor_reload.edges.drains.connections import Connections, Counts
from tests.integration.supervisord import free_port, wait_for

CLIENTS = 4
"""processes that the connections are spread over"""

LIMIT_MS = 50.0
"""milliseconds of CPU that one look may take"""

LIMIT = 120.0
"""seconds for all connections to be open and in use"""

SLOT = SlotSettings(name=SlotName("bench:bench"))

REQUEST = b"GET /%s HTTP/1.1\r\nHost: bench\r\n\r\n"


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]) -> None:
    """An ASGI application: /hold answers after an hour, everything else at once."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/hold":
        await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@dataclass(frozen=True, slots=True)
class Mix:
    """How many connections are in which use."""

    idle: int
    busy: int
    unused: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.idle + self.busy + self.unused


@dataclass(frozen=True, slots=True)
class Poll:
    """One look: what it cost in seconds, and what it found."""

    cpu: float
    wall: float
    counts: Counts


def mix_of(total: int) -> Mix:
    """Seven tenths idle keep-alive, two tenths busy, the rest never used."""
    idle, busy = total * 7 // 10, total * 2 // 10
    return Mix(idle=idle, busy=busy, unused=total - idle - busy)


def measure(total: int, polls: int) -> tuple[Mix, list[Poll]]:
    """Open the connections to a uvicorn of their own, and look so many times."""
    _allow(total + 1000)
    mix = mix_of(total)
    with _server() as (pid, port), _clients(port, mix):
        expected = (mix.busy, mix.idle + mix.unused)
        # until every answer is older than the quiet period of a stream
        wait_for(lambda: _found(Connections().count(pid)) == expected, LIMIT, f"{expected} to be counted")
        looks = Connections()
        return mix, [_poll(looks, pid) for _ in range(polls)]


def _found(counts: Counts) -> tuple[int, int]:
    return counts.busy, counts.idle


def _poll(looks: Connections, pid: int) -> Poll:
    """One look as the listener takes it; what it counts is counted once more, beside the clock."""
    cpu, wall = time.process_time(), time.monotonic()
    refusal = looks.drained(SLOT, pid, LIMIT, threading.Event())
    poll = Poll(time.process_time() - cpu, time.monotonic() - wall, looks.count(pid))
    assert refusal is not None, "a busy process was called drained"
    return poll


@contextlib.contextmanager
def _server() -> Iterator[tuple[int, int]]:
    port = free_port()
    argv = [sys.executable, "-m", "uvicorn", "benchmarks.drain_poll:app", "--port", str(port)]
    argv += ["--log-level", "warning", "--timeout-keep-alive", "3600", "--backlog", "4096"]
    with subprocess.Popen(argv) as process:
        try:
            wait_for(lambda: not socket.create_connection(("127.0.0.1", port)).close(), 30, "the server")
            yield process.pid, port
        finally:
            process.kill()


@contextlib.contextmanager
def _clients(port: int, mix: Mix) -> Iterator[None]:
    """Processes that hold the connections, and have seen all answers that were due."""
    shares = zip(*(_shares(number) for number in (mix.idle, mix.busy, mix.unused)), strict=True)
    with contextlib.ExitStack() as stack:
        processes = []
        for share in shares:
            argv = [sys.executable, "-m", "benchmarks.drain_poll", "--client", str(port), *map(str, share)]
            process = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.PIPE))
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n", "a client failed"
        yield


def _shares(number: int) -> list[int]:
    return [number // CLIENTS + (at < number % CLIENTS) for at in range(CLIENTS)]


def _client(port: int, mix: Mix) -> None:
    _allow(mix.total + 100)
    held = []
    for at in range(mix.total):
        connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        held.append(connection)
        if at < mix.idle:
            connection.sendall(REQUEST % b"")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        elif at < mix.idle + mix.busy:
            connection.sendall(REQUEST % b"hold")
    print("open", flush=True)
    time.sleep(3600)  # it is killed


def _allow(descriptors: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < descriptors:
        sys.exit(
            f"{descriptors} descriptors are needed, and the hard limit is {hard}: ask for fewer connections"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, descriptors), hard))


def _spread(name: str, seconds: list[float]) -> str:
    middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
    return f"{name}: median {middle:.1f} ms, worst {worst:.1f} ms"


def main() -> int:
    """Print what was found and what it cost; 1 where a count is wrong or a look costs too much."""
    parser = argparse.ArgumentParser(description="What one look of drain=connections costs.")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=30)
    parser.add_argument("--client", nargs=4, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        port, *share = options.client
        _client(port, Mix(*share))
        return 0
    mix, polls = measure(options.connections, max(1, options.polls))
    right = sum(_found(poll.counts) == (mix.busy, mix.idle + mix.unused) for poll in polls)
    print(f"open: {mix.busy} busy, {mix.idle} idle keep-alive, {mix.unused} never used (pid {os.getpid()})")
    print(f"found: {polls[-1].counts}; right in {right} of {len(polls)} looks")
    cpu = [poll.cpu for poll in polls]
    print(f"CPU of the first look, which finds out whose the connections are: {cpu[0] * 1000:.1f} ms")
    print(_spread(f"CPU of one look (limit {LIMIT_MS:g} ms)", cpu))
    print(_spread("time of one look", [poll.wall for poll in polls]))
    return 0 if right == len(polls) and statistics.median(cpu) * 1000 < LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())

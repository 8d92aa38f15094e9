"""What an inherited listening socket costs on kept-alive connections, and what ``exec`` makes of it.

The same stock uvicorn three times: on a port of its own, on descriptor 0 as supervisord hands it over, and
the same through ``supervisor-reload exec``. They are asked in turns, so that a busy machine hits all alike.
It prints medians and their ratios; with --limit it also ends with status 1 where exec's is worse than that.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.integration.supervisord import free_port, wait_for

from .table import milliseconds, quantile

OWN, STOCK, EXEC = "own --port", "--fd 0, stock", "--fd 0 through exec"

TURN = 25
"""Requests to one server before the next has its turn. Turns of one would hide the cost: on a connection that
rested for 40 ms the client's kernel acknowledges at once."""

APP = '''\
async def app(scope, receive, send):
    """The least that answers: what is measured is the socket."""
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})
'''
"""Not etc/app/web.py: nothing in the application itself may touch the socket."""


@contextmanager
def server(name: str, directory: Path) -> Iterator[http.client.HTTPConnection]:
    """One of the three, and a kept-alive connection to it."""
    uvicorn = [sys.executable, "-m", "uvicorn", "app:app", "--no-access-log", "--lifespan", "off"]
    with ExitStack() as undo:
        if name == OWN:
            port, stdin = free_port(), subprocess.DEVNULL
            argv = [*uvicorn, "--port", str(port)]
        else:
            listening = undo.enter_context(inherited())
            port, stdin = listening.getsockname()[1], listening.fileno()
            before = [sys.executable, "-m", "supervisor_reload", "exec", "--"] if name == EXEC else []
            argv = [*before, *uvicorn, "--fd", "0"]
        process = subprocess.Popen(argv, cwd=directory, stdin=stdin, stderr=subprocess.DEVNULL)
        undo.callback(process.wait)
        undo.callback(process.kill)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        undo.callback(connection.close)
        wait_for(lambda: answers(connection), 20, f"{name}: an answer")
        connection.close()  # this one may be older than the option that exec set
        ask(connection)
        yield connection


def answers(connection: http.client.HTTPConnection) -> bool:
    """Whether the server answers by now."""
    try:
        return ask(connection) > 0
    except OSError:
        connection.close()  # it can't be used again before that
        return False


def inherited() -> socket.socket:
    """A listening socket as supervisord makes it for an [fcgi-program]: proto 0, no options of TCP's own."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    made.listen(128)
    return made


def ask(connection: http.client.HTTPConnection) -> float:
    """Seconds for one request on the connection, to the last byte of its answer."""
    began = time.perf_counter()
    connection.request("GET", "/")
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - began
    if (response.status, body) != (200, b"ok"):
        raise RuntimeError(f"answered {response.status} {body!r}")
    return seconds


def measure(requests: int) -> dict[str, list[float]]:
    """Sorted seconds of so many requests to each of the three."""
    times: dict[str, list[float]] = {OWN: [], STOCK: [], EXEC: []}
    with ExitStack() as undo:
        directory = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="sr-")))
        (directory / "app.py").write_text(APP, encoding="utf-8")
        connections = {name: undo.enter_context(server(name, directory)) for name in times}
        for done in range(0, requests, TURN):
            for name, connection in connections.items():
                times[name] += [ask(connection) for _ in range(min(TURN, requests - done))]
    return {name: sorted(values) for name, values in times.items()}


def ratio(times: dict[str, list[float]], name: str) -> float:
    """The median of one, as a multiple of that on a port of its own."""
    return statistics.median(times[name]) / statistics.median(times[OWN])


def report(times: dict[str, list[float]]) -> str:
    """The three as text."""
    lines = [f"{'':20}  {'p50':>9}  {'p99':>9}  {'p50 / own port':>14}  {'n':>6}"]
    for name, values in times.items():
        p50, p99 = (milliseconds(quantile(values, share)) for share in (0.5, 0.99))
        if statistics.median(values) < 0.01:
            p50 = f"{statistics.median(values) * 1000:.2f} ms"
        lines.append(f"{name:20}  {p50:>9}  {p99:>9}  {ratio(times, name):>14.2f}  {len(values):>6,}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keepalive", description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="to each of the three (default: 500)")
    parser.add_argument("--limit", type=float, help="the worst ratio that is good, such as 1.2")
    args = parser.parse_args(argv)
    if args.requests < 1:
        parser.error("--requests must be at least 1")
    times = measure(args.requests)
    print(report(times))
    return 1 if args.limit is not None and ratio(times, EXEC) > args.limit else 0


if __name__ == "__main__":
    sys.exit(main())

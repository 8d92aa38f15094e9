"""Hostile endpoints against the probe ready=http and the look drain=http: when does each attempt end?

    python -m benchmarks.hostile [--limit 1.0]

It exists to check the promise that an attempt ends at its limit, plus or minus 50 ms, whatever the other side
does. Where an answer is refused sooner (a redirect, too many bytes) it may end earlier, and is said to.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from supervisor_reload.core.facts import Fact, ProbeFailed, ProbePassed, WorkDrained, WorkPending
from supervisor_reload.core.model import DrainSettings, ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.drains import Drains
from supervisor_reload.edges.probes import Probes
from tests.fakes.children import child
from tests.fakes.servers import ASLEEP

SLACK = 0.05
"""seconds around the limit"""

WELL = "connection.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n'); "
SERVER = """
import socket, threading, time
def do(connection):
    try:
        {does}
    except OSError:
        pass
listener = socket.socket(fileno=0)
print("up", flush=True)
held = []
while True:
    held.append(listener.accept()[0])
    threading.Thread(target=do, args=held[-1:], daemon=True).start()
"""
"""It may be at one connection for ever, so each has a thread."""

MEGABYTE = "block = b'x' * 2**20; "


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one server does with each connection."""

    does: str
    ends_at_limit: tuple[bool, bool] = (True, True)
    """for the probe, and for the look: else sooner, because the answer is known by then"""
    scheme: str = "http"


ENDPOINTS: dict[str, Endpoint] = {
    "drips its head, a byte at a time": Endpoint(
        "connection.sendall(b'HTTP/1.1 200 OK\\r\\nX: '); "
        "[(connection.sendall(b'x'), time.sleep({drip})) for _ in range(99999)]"
    ),
    "drips its body, a byte at a time": Endpoint(
        WELL + "[(connection.sendall(b' '), time.sleep({drip})) for _ in range(99999)]", (False, True)
    ),
    "redirects for ever": Endpoint(
        "connection.sendall(b'HTTP/1.1 302 Found\\r\\nLocation: /ready\\r\\nContent-Length: 0\\r\\n\\r\\n')",
        (False, False),
    ),
    "sends 1 GB": Endpoint(
        MEGABYTE + WELL + "[connection.sendall(block) for _ in range(1024)]", (False, False)
    ),
    "sends a head of 1 GB": Endpoint(
        MEGABYTE + "connection.sendall(b'HTTP/1.1 200 OK\\r\\nX: '); "
        "[connection.sendall(block) for _ in range(1024)]",
        (False, False),
    ),
    "sends 1xx for ever, slowly": Endpoint(
        "[(connection.sendall(b'HTTP/1.1 102 Processing\\r\\n\\r\\n'), time.sleep({drip})) "
        "for _ in range(99999)]"
    ),
    "accepts and says nothing": Endpoint("connection.recv(65536)"),
    "hangs in the TLS handshake": Endpoint("connection.recv(65536)", scheme="https"),
    "drips its TLS handshake": Endpoint(
        "connection.sendall(b'\\x16\\x03\\x03\\x3f\\xff'); "
        "[(connection.sendall(b'\\0'), time.sleep({drip})) for _ in range(99999)]",
        scheme="https",
    ),
    "never accepts": Endpoint(""),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How one attempt ended."""

    endpoint: str
    asked_by: str
    seconds: float
    said: str
    ends_at_limit: bool

    def is_kept(self, limit: float, slack: float = SLACK) -> bool:
        """Whether it kept the limit, from both sides where it must; both in seconds."""
        return self.seconds <= limit + slack and (self.seconds >= limit - slack or not self.ends_at_limit)


def endings(limit: float, drip: float) -> Iterator[Ending]:
    """Each endpoint, asked once by the probe and once by the look; both in seconds."""
    for name, endpoint in ENDPOINTS.items():
        with _server(endpoint, drip) as (pid, address):
            for asked_by, ask, at_limit in zip(
                ("ready", "drain"), (_ready, _drain), endpoint.ends_at_limit, strict=True
            ):
                seconds, said = ask(address, pid, limit)
                yield Ending(name, asked_by, seconds, said, at_limit)
    with _resolver_that_hangs():
        for asked_by, ask in (("ready", _ready), ("drain", _drain)):
            seconds, said = ask("http://name.invalid/", 1, limit)
            yield Ending("a name that the resolver never finds", asked_by, seconds, said, True)


@contextlib.contextmanager
def _server(endpoint: Endpoint, drip: float) -> Iterator[tuple[int, str]]:
    code = SERVER.format(does=endpoint.does.format(drip=drip)) if endpoint.does else ASLEEP
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with child(code, stdin=listener.fileno()) as process:
            yield process.pid, f"{endpoint.scheme}://{host}:{port}/"


def _ready(address: str, pid: int, limit: float) -> tuple[float, str]:
    slot = SlotSettings(
        name=SlotName("web:web"), ready=ReadySettings(scheme="http", address=address, timeout=limit)
    )
    return _first(lambda put: Probes([slot], put), slot.name, pid)


def _drain(address: str, pid: int, limit: float) -> tuple[float, str]:
    slot = SlotSettings(name=SlotName("web:web"), drain=DrainSettings(scheme="http", address=address))
    return _first(lambda put: Drains([slot], put, limit=limit), slot.name, pid)


def _first(
    make: Callable[[Callable[[Fact], None]], Probes | Drains], name: SlotName, pid: int
) -> tuple[float, str]:
    """The seconds until the first fact, and what it says."""
    facts: queue.SimpleQueue[Fact] = queue.SimpleQueue()
    asking = make(facts.put)
    began = time.monotonic()
    asking.begin(name, pid)
    try:
        fact = facts.get(timeout=60)
        seconds = time.monotonic() - began
    finally:
        asking.end(name)
    assert isinstance(fact, ProbePassed | ProbeFailed | WorkDrained | WorkPending)
    return seconds, fact.detail if isinstance(fact, ProbeFailed | WorkPending) else "yes"


@contextlib.contextmanager
def _resolver_that_hangs() -> Iterator[None]:
    """The C library's resolver waits for its name server for as long as resolv.conf says; here for ever."""
    over = threading.Event()
    real = socket.getaddrinfo

    def hang(host: str, *arguments: object, **named: object) -> object:
        if host == "name.invalid" and not named.get("flags"):
            over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "over")
        return real(host, *arguments, **named)  # type: ignore[arg-type]

    socket.getaddrinfo = hang  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.getaddrinfo = real
        over.set()


def main() -> int:
    """Print each attempt with its limit and when it ended; 1 where one missed it."""
    parser = argparse.ArgumentParser(description="When do attempts on hostile endpoints end?")
    parser.add_argument("--limit", type=float, default=2.0, help="seconds of one attempt (default 2)")
    limit = parser.parse_args().limit
    missed = 0
    print(f"{'endpoint':38}  {'asked by':8}  {'limit':>7}  {'ended':>9}  what was said")
    for ending in endings(limit, drip=1.0):
        kept = ending.is_kept(limit)
        missed += not kept
        when = f"{ending.seconds:.3f} s"
        note = "" if kept else "MISSED: "
        print(
            f"{ending.endpoint:38}  {ending.asked_by:8}  {limit:5.1f} s  {when:>9}  {note}{ending.said[:90]}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

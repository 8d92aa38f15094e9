"""The looks at in-flight work that ask the application or a command, and the port that repeats them."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.facts import Fact, WorkDrained, WorkPending
from supervisor_reload.core.model import DrainSettings, SlotName, SlotSettings
from supervisor_reload.edges.drains import Drains
from supervisor_reload.edges.drains.answering import http
from supervisor_reload.edges.drains.command import command
from supervisor_reload.edges.drains.connections import Connections, Counts
from tests.fakes.children import child
from tests.fakes.servers import ASLEEP, NEVER, REPLY, answers, at
from tests.integration.supervisord import wait_for

LIMIT = 10.0
WEB = SlotName("web:web_00")
NEITHER = 'an answer that is neither 0 nor {"active": 0}: '


def slot_at(listener: socket.socket) -> SlotSettings:
    return SlotSettings(name=WEB, drain=DrainSettings(scheme="http", address=at(listener).address))


def answer(body: bytes, status: bytes = b"200 OK", head: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n0\r\n0\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (answer(b"0"), None),
        (answer(b" 0\n", b"201 Created"), None),
        (answer(b'{"active": 0}'), None),
        (answer(b'{"active": 0.0, "idle": 3}'), None),
        (answer(b"", b"204 No Content"), None),
        (CHUNKED, None),
        (EARLY + answer(b"0"), None),
        (answer(b"3"), "it says that it has 3 in hand"),
        (answer(b'{"active": 2}'), "it says that it has 2 in hand"),
        (answer(b'{"active": -1}'), "it says that it has -1 in hand"),
        (answer(b"false"), NEITHER + "b'false'"),
        (answer(b'{"active": false}'), NEITHER + "b'{\"active\": false}'"),
        (answer(b'{"busy": 0}'), NEITHER + "b'{\"busy\": 0}'"),
        (answer(b""), NEITHER + "b''"),
        (answer(b"[" * 4000), NEITHER + repr(b"[" * 60)),
        (answer(b"OK"), NEITHER + "b'OK'"),
        (answer(b"0" * 5000), 'an answer of more than 4096 bytes, neither 0 nor {"active": 0}'),
        (answer(b"0", b"500 Oh"), "HTTP status 500"),
        (answer(b"0", b"302 Found", b"Location: /ready\r\n"), "HTTP status 302"),
        (answer(b"05")[:-1], "no HTTP answer but a part of one: 1 bytes"),
        (CHUNKED[:-5], "no HTTP answer but a part of one: 1 bytes"),
    ],
)
def test_http(listener: socket.socket, said: bytes, refusal: str | None) -> None:
    """204, or 2xx with 0 in one of two ways; anything else is not yet."""
    with answers(listener, REPLY.format(said) + "; connection.shutdown(socket.SHUT_RDWR)") as pid:
        assert refusal == http(slot_at(listener), pid, LIMIT, NEVER)


def test_http_does_not_wait_for_the_end_of_a_connection(listener: socket.socket) -> None:
    """The body's length is known; a server may keep the connection."""
    with answers(listener, REPLY.format(answer(b"0"))) as pid:
        began = time.monotonic()
        assert http(slot_at(listener), pid, LIMIT, NEVER) is None
        assert time.monotonic() - began < LIMIT / 2


def test_the_new_processs_answer_is_not_the_old_ones(listener: socket.socket) -> None:
    """On a shared socket the new process says that it has nothing in hand: true, and not asked."""
    with answers(listener, REPLY.format(answer(b"0"))) as new, child(ASLEEP, stdin=listener.fileno()) as old:
        refusal = http(slot_at(listener), old.pid, LIMIT, NEVER)
        assert refusal is not None
        assert refusal.startswith(f"answered by pid {new} (")
        assert refusal.endswith(f", not by the process {old.pid}")


def test_a_process_that_has_closed_its_port() -> None:
    """It can't be asked any more; that is no proof that it is done, and what to do is said."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refusal = http(slot_at(taken), os.getpid(), LIMIT, NEVER)
    assert refusal is not None
    assert "Connection refused" in refusal
    assert refusal.endswith("while it drains it must go on answering there, or set drain=connections")


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("exit 0", None),
        ("echo 2 jobs; exit 1", "exit status 1: 2 jobs"),
        ('test "$SUPERVISOR_RELOAD_PID" = 42', None),
        ('test "$SUPERVISOR_RELOAD_SLOT" = web:web_00', None),
        ("sleep 100", "no end within 0.4 s"),
    ],
)
def test_command(words: str, refusal: str | None) -> None:
    """Its exit status decides, its last words explain; it is told whom to ask about."""
    slot = SlotSettings(name=WEB, drain=DrainSettings(scheme="command", command=("sh", "-c", words)))
    assert refusal == command(slot, 42, 0.4, NEVER)


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


def draining() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("drain ")]


@pytest.fixture
def scripted(facts: queue.SimpleQueue[Fact]) -> Iterator[tuple[Drains, queue.SimpleQueue[str | None]]]:
    """A Drains with a look of its own, and the answers of that."""
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def look(slot: SlotSettings, pid: int, limit: float, ended: threading.Event) -> str | None:
        assert (WEB, 5.0) == (slot.name, limit)
        return said.get(timeout=LIMIT)

    slot = SlotSettings(name=WEB, drain=DrainSettings(scheme="message", interval=0.01))
    tested = Drains([slot], facts.put, {"message": look})
    yield tested, said
    tested.end(WEB)
    said.put(None)
    tested.close()
    wait_for(lambda: not draining(), LIMIT)


def test_every_look_is_told_with_its_pid(
    scripted: tuple[Drains, queue.SimpleQueue[str | None]], facts: queue.SimpleQueue[Fact]
) -> None:
    """Also after the work was done: more may come, and the core decides."""
    drains, said = scripted
    drains.begin(WEB, 42)
    for each in ("two in hand", None, "one more"):
        said.put(each)
    assert WorkPending(name=WEB, pid=42, detail="two in hand") == facts.get(timeout=LIMIT)
    assert WorkDrained(name=WEB, pid=42) == facts.get(timeout=LIMIT)
    assert WorkPending(name=WEB, pid=42, detail="one more") == facts.get(timeout=LIMIT)


def test_nothing_is_told_after_the_end(
    scripted: tuple[Drains, queue.SimpleQueue[str | None]], facts: queue.SimpleQueue[Fact]
) -> None:
    """Its answer is of no interest any more."""
    drains, said = scripted
    drains.begin(WEB, 42)
    drains.end(WEB)
    said.put(None)
    wait_for(lambda: not draining(), LIMIT)
    assert facts.empty()


def test_an_end_ends_the_command(facts: queue.SimpleQueue[Fact], tmp_path: Path) -> None:
    """Well before its limit."""
    words = f"echo $$ > {tmp_path}/pid; exec sleep 1000"
    settings = DrainSettings(scheme="command", command=("sh", "-c", words))
    drains = Drains([SlotSettings(name=WEB, drain=settings)], facts.put)
    drains.begin(WEB, 42)
    pid = int(wait_for((tmp_path / "pid").read_text, LIMIT))
    began = time.monotonic()
    drains.end(WEB)
    drains.close()
    assert not Path(f"/proc/{pid}").exists()
    assert time.monotonic() - began < LIMIT / 2
    assert facts.empty()


def test_connections_by_name(listener: socket.socket, facts: queue.SimpleQueue[Fact]) -> None:
    """The look that remembers, through the port; and how many are in flight, whatever a slot's drain is."""
    slots = [
        SlotSettings(name=WEB, drain=DrainSettings(scheme="connections", interval=0.01)),
        SlotSettings(name=SlotName("web:web_01")),
    ]
    drains = Drains(slots, facts.put)
    with (
        answers(listener, "connection.recv(65536)") as pid,
        socket.create_connection(listener.getsockname()) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait_for(lambda: drains.in_flight(SlotName("web:web_01"), pid) == 1, LIMIT)
        drains.begin(WEB, pid)
        words = "1 busy connection (1 request in hand), 0 idle"
        assert WorkPending(name=WEB, pid=pid, detail=words) == facts.get(timeout=LIMIT)
    wait_for(lambda: facts.get(timeout=LIMIT) == WorkDrained(name=WEB, pid=pid), LIMIT)  # it was killed
    drains.end(WEB)
    drains.close()


def test_connections_that_come_and_go_while_we_look(listener: socket.socket) -> None:
    """Some number is found, and none in the end."""
    over = threading.Event()

    def knock() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError), socket.create_connection(listener.getsockname()) as one:
                one.sendall(b"GET / HTTP/1.1\r\n\r\n")

    with answers(listener, "connection.recv(65536); held.pop().close()") as pid:
        knocking = threading.Thread(target=knock)
        knocking.start()
        try:
            looks = Connections()
            for _ in range(50):
                assert looks.count(pid).busy >= 0
        finally:
            over.set()
            knocking.join(LIMIT)
        wait_for(lambda: looks.count(pid) == Counts(), LIMIT)

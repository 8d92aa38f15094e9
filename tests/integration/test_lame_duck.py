"""Promise 3 for uvicorn: what a client has begun to say when the server is asked to leave is answered."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.leaving import GET, Leaving
from tests.integration.supervisord import free_port

pytestmark = pytest.mark.integration

SLOW_PYTHON = ("--http", "h11", "--loop", "asyncio")
FAST = ("--http", "httptools", "--loop", "uvloop")
BOTH = pytest.mark.parametrize(
    "manner",
    [
        pytest.param(SLOW_PYTHON, id="h11, asyncio"),
        pytest.param(
            FAST,
            id="httptools, uvloop",
            marks=pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="needs uvloop"),
        ),
    ],
)

Start = Callable[..., Leaving]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """The socket that supervisord would hold."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as held:
        yield held


@pytest.fixture
def start(listening: socket.socket, tmp_path: Path) -> Iterator[Start]:
    started: list[Leaving] = []

    def one(*options: str, lifespan: str = "", own_port: int = 0, wait: str = "running on") -> Leaving:
        door = ("--port", str(own_port)) if own_port else ("--fd", "0")
        words = ("uvicorn", "leaving_app:app", *door, "--no-access-log", *options)
        argv = [sys.executable, "-m", "supervisor_reload", *words]
        log = tmp_path / f"server{len(started)}.log"
        port = own_port or listening.getsockname()[1]
        started.append(Leaving(argv, listening.fileno(), port, log, lifespan))
        started[-1].wait_for_log("Uvicorn running on" if wait == "running on" else wait)
        return started[-1]

    yield one
    for server in started:
        server.close()


@BOTH
def test_what_is_said_on_open_connections_is_answered(start: Start, manner: tuple[str, ...]) -> None:
    """Under way, kept alive, accepted and silent so far: each gets its answer, which says goodbye."""
    server = start(*manner, "--lame-duck", "1")
    busy, kept, silent = (server.client() for _ in range(3))
    kept.ask()
    busy.say(GET % b"/slow")
    server.wait_for_log("slow began")
    server.term()
    for client in (kept, silent):
        head, body = client.ask()
        assert (b"connection: close" in head, body, client.rest()) == (True, b"hello", b"")
    head, body = busy.answer()
    assert (b"connection: close" in head, body, busy.rest()) == (True, b"hello", b"")
    assert server.end() == -signal.SIGTERM  # uvicorn's own way to end
    assert "application ended" in server.log()
    assert "cut" not in server.log()


@BOTH
def test_answers_that_said_nothing_of_closing_are_followed_by_another(
    start: Start, manner: tuple[str, ...]
) -> None:
    """Its head went out before the signal: the client may ask again after it, and is answered."""
    server = start(*manner)
    client = server.client()
    client.say(GET % b"/begun")
    head = client.head()
    server.term()
    assert (b"connection: close" in head, client._read.read(10)) == (False, b"begunended")
    head, body = client.ask()
    assert (b"connection: close" in head, body) == (True, b"hello")
    server.end()


def test_what_was_not_accepted_waits_for_the_successor(start: Start) -> None:
    """A request that comes when nobody accepts is answered by the next process on the socket."""
    server = start("--lame-duck", "0.1")
    server.term()
    late = server.client()
    late.say(GET % b"/")
    server.end()
    start()
    assert late.answer()[1] == b"hello"


@BOTH
def test_own_port_answers_what_the_kernel_accepted(start: Start, manner: tuple[str, ...]) -> None:
    """Nobody will take over a port of its own: what waits in its backlog is served before it closes."""
    server = start(*manner, own_port=free_port())
    busy = server.client()
    busy.say(GET % b"/block")
    server.wait_for_log("block began")
    waiting = [server.client() for _ in range(50)]
    for client in waiting:
        client.say(GET % b"/")
    server.process.send_signal(signal.SIGTERM)
    assert [client.answer()[1] for client in [busy, *waiting]] == [b"hello"] * 51
    assert server.end() == -signal.SIGTERM


def test_500_idle_connections_cost_the_lame_duck_and_no_more(start: Start) -> None:
    """They end in order (no reset), and hold it for the lame duck only."""
    server = start("--lame-duck", "0.5")
    clients = [server.client() for _ in range(500)]
    for client in clients:
        client.ask()
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert {client.rest() for client in clients} == {b""}
    assert 0.5 <= time.monotonic() - began < 5
    server.end()
    assert "cut" not in server.log()


@pytest.mark.parametrize("asked", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: e"])
def test_half_a_request_does_not_hold_it(start: Start, asked: bytes) -> None:
    """A client that stops in the middle of a head is let go after the lame duck."""
    server = start("--lame-duck", "0.2")
    client = server.client()
    client.say(asked)
    server.term()
    assert server.end() == -signal.SIGTERM


def test_half_a_body_is_waited_for(start: Start) -> None:
    """A request whose head is there is one under way: its body may come later than the lame duck."""
    server = start("--lame-duck", "0")
    client = server.client()
    client.say(b"POST /slow HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n12")
    server.wait_for_log("slow began")
    server.process.send_signal(signal.SIGTERM)
    client.say(b"34")
    head, body = client.answer()
    assert (b"connection: close" in head, body) == (True, b"hello")
    server.end()


@BOTH
def test_old_and_pipelining_clients(start: Start, manner: tuple[str, ...]) -> None:
    """HTTP/1.0 is answered; of pipelined requests the first, whose answer tells that it is the last."""
    server = start(*manner, "--lame-duck", "1")
    old, eager = server.client(), server.client()
    server.term()
    old.say(b"GET / HTTP/1.0\r\n\r\n")
    assert old.answer()[1] == b"hello"
    eager.say(GET % b"/" + GET % b"/")
    head, body = eager.answer()
    assert (b"connection: close" in head, body) == (True, b"hello")
    server.end()


def test_application_that_raises(start: Start) -> None:
    """A 500 in the lame duck is an answer, and nothing of ours is upset by it."""
    server = start("--lame-duck", "1")
    client = server.client()
    server.term()
    assert client.ask(b"/wrong")[0].startswith(b"http/1.1 500")
    assert server.end() == -signal.SIGTERM


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@BOTH
def test_streams_are_cut_at_the_limit_and_counted(start: Start, manner: tuple[str, ...]) -> None:
    """An endless answer and a WebSocket (closed with 1012, "service restart") end; one line says so."""
    pytest.importorskip("websockets")
    server = start(*manner, "--timeout-graceful-shutdown", "1", "--lame-duck", "0.1")
    stream, talk = server.client(), server.client()
    stream.say(GET % b"/endless")
    stream.head()
    talk.say(HANDSHAKE)
    assert talk.head().startswith(b"http/1.1 101")
    began = time.monotonic()
    server.term()
    assert talk.rest()[:4] == b"\x88\x02\x03\xf4"
    assert server.end() == -signal.SIGTERM
    assert 1 <= time.monotonic() - began < 4
    assert "cut 2 connections: 1 WebSocket, 1 response under way" in server.log()


@pytest.mark.fault(31)
def test_websockets_do_not_hold_it(start: Start) -> None:
    """Conversations have no end that could be waited for: they are closed when the lame duck is over."""
    pytest.importorskip("websockets")
    server = start("--lame-duck", "0.1")
    talk = server.client()
    talk.say(HANDSHAKE)
    talk.head()
    began = time.monotonic()
    server.term()
    server.end()
    assert time.monotonic() - began < 4
    assert "cut 1 connection: 1 WebSocket\n" in server.log()


def test_lifespan_that_hangs_has_a_limit(start: Start) -> None:
    """uvicorn would wait for the application's shutdown for ever."""
    server = start("--timeout-graceful-shutdown", "1", lifespan="hang")
    began = time.monotonic()
    server.term()
    assert server.end() == -signal.SIGTERM
    assert time.monotonic() - began < 8
    assert "did not end within 1 s" in server.log()


def test_asked_to_leave_while_it_starts(start: Start) -> None:
    """It ends when its application has started, and nobody's request is lost: they wait in the backlog."""
    server = start(lifespan="slow start", wait="start began")
    early = server.client()
    early.say(GET % b"/")
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == -signal.SIGTERM
    start()
    assert early.answer()[1] == b"hello"


def test_second_ctrl_c_ends_it_at_once(start: Start) -> None:
    """uvicorn's own force quit goes through the lame duck too."""
    server = start("--lame-duck", "60")
    client = server.client()
    client.ask()
    server.term(signal.SIGINT)
    server.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    server.end()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--reload",), "leave --reload out"),
        (("--workers", "3"), "numprocs=3"),
        (("--fd", "1"), "descriptor 1 is no socket"),
        (("--lame-duck", "-1"), "--lame-duck"),
    ],
)
def test_what_it_can_not_do_is_an_error_with_a_way_out(
    start: Start, options: tuple[str, ...], says: str
) -> None:
    server = start(*options, wait="Error")
    assert server.end() == 2
    assert says in server.log()

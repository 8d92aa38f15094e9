"""Promise 3 for hypercorn, by its public hooks: what a client has begun to say is answered."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.leaving import GET, Leaving

pytest.importorskip("hypercorn")
pytestmark = pytest.mark.integration

Start = Callable[..., Leaving]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Leaving] = []
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:

        def one(*words: str, wait: str = "Running on") -> Leaving:
            argv = [sys.executable, "-m", "supervisor_reload.contrib.hypercorn", *words]
            log = tmp_path / f"server{len(started)}.log"
            started.append(Leaving(argv, listening.fileno(), listening.getsockname()[1], log))
            started[-1].wait_for_log(wait)
            return started[-1]

        yield one
        for server in started:
            server.close()


def test_what_is_said_on_open_connections_is_answered(start: Start) -> None:
    """Under way, kept alive, accepted and silent: each is answered; a late one waits for the successor."""
    server = start("leaving_app:app", "--lame-duck", "1")
    busy, kept, silent = (server.client() for _ in range(3))
    kept.ask()
    busy.say(GET % b"/slow")
    server.wait_for_log("slow began")
    server.term()
    late = server.client()
    late.say(GET % b"/")
    for client in (kept, silent):
        head, body = client.ask()
        assert (b"connection: close" in head, body) == (True, b"hello")
    head, body = busy.answer()
    assert (b"connection: close" in head, body) == (True, b"hello")
    assert server.end() == 0
    assert "application ended" in server.log()
    start("leaving_app:app")
    assert late.answer()[1] == b"hello"


def test_a_second_signal_ends_the_lame_duck(start: Start) -> None:
    """And an endless answer ends at the limit, and is counted."""
    server = start("leaving_app:app", "--lame-duck", "60", "--graceful-timeout", "0.5")
    stream = server.client()
    stream.say(GET % b"/endless")
    stream.head()
    server.term()
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
    assert "cut 1 connection: 1 response under way" in server.log()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("no_such_module:app",), 1, "is no module:name"),
        (("leaving_app:nothing",), 1, "is no module:name"),
        (("leaving_app:app", "--lame-duck", "nan"), 2, "number of seconds"),
        (("leaving_app:app", "--bind", "fd://1"), 2, "descriptor 1 is no socket"),
    ],
)
def test_wrong_words_are_told(start: Start, words: tuple[str, ...], code: int, says: str) -> None:
    server = start(*words, wait=says)
    assert server.end() == code

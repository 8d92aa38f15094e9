"""The HTTP server, as well-behaved and as ill-behaved clients see it: real sockets, real threads."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.publication import Publication
from supervisor_reload.edges.metrics import opening, serving
from supervisor_reload.edges.metrics.serving import MOST, Server
from tests.integration.supervisord import free_port, short_directory, wait_for

PAGE = b"page 1\n"

Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """A socket that can't be opened is tried again soon."""
    monkeypatch.setattr(serving, "OPEN_AGAIN", 0.05)


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[Server] = []

    def start(place: Publication, page: Callable[[], bytes] = lambda: PAGE) -> Server:
        made.append(Server(place, page, "text/plain"))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("metrics")]


@pytest.fixture
def place() -> Publication:
    return Publication(scheme="http", host="127.0.0.1", port=free_port())


@pytest.fixture
def path() -> Iterator[Path]:
    directory = short_directory()
    yield directory / "m.sock"
    for left in directory.iterdir():
        left.unlink()
    directory.rmdir()


def ask(place: Publication, method: str = "GET", path: str = "/metrics") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(place.host, place.port, timeout=5)
    connection.request(method, path)
    return connection.getresponse()


def answers(place: Publication) -> bytes:
    """The page, once it is served."""
    return wait_for(lambda: ask(place).read(), 5, "a page")


def raw(place: Publication, data: bytes) -> bytes:
    """Everything that is answered to these bytes."""
    with socket.create_connection((place.host, place.port), timeout=5) as caller:
        caller.sendall(data)
        return b"".join(iter(lambda: caller.recv(65536), b""))


def ask_file(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(path))
        caller.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return b"".join(iter(lambda: caller.recv(65536), b""))


def test_the_page(serve, place):
    serve(place)
    assert PAGE == answers(place)
    answer = ask(place, path="/metrics?x=1")
    assert (200, "text/plain", str(len(PAGE)), "close") == (
        answer.status,
        *(answer.getheader(name) for name in ("Content-Type", "Content-Length", "Connection")),
    )
    head = ask(place, "HEAD")
    assert (200, str(len(PAGE)), b"") == (head.status, head.getheader("Content-Length"), head.read())


def test_what_is_not_there(serve, place):
    serve(place)
    answers(place)
    assert 404 == ask(place, path="/etc/passwd").status
    assert 405 == ask(place, "DELETE").status
    assert raw(place, b"SSH-2.0-x\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw(place, b"GET /metrics SPDY\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert raw(place, b"GET / HTTP/1.1\r\nX: " + b"x" * 8190).startswith(b"HTTP/1.1 431 ")
    assert PAGE == answers(place)


def test_a_request_in_pieces(serve, place):
    serve(place)
    answers(place)
    with socket.create_connection((place.host, place.port), timeout=5) as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (b"GET /met", b"rics HTTP/1.0\r", b"\n\r", b"\n"):
            caller.sendall(piece)
            assert PAGE == ask(place).read(), "somebody else is answered meanwhile"
        assert b"".join(iter(lambda: caller.recv(65536), b"")).endswith(PAGE)


def test_silent_clients_hold_nobody_up(serve, place):
    """More of them than may be connected at a time: the oldest go first, and whoever asks is answered."""
    serve(place)
    answers(place)
    silent = [socket.create_connection((place.host, place.port), timeout=5) for _ in range(2 * MOST)]
    try:
        began = time.monotonic()
        assert PAGE == ask(place).read()
        assert time.monotonic() - began < serving.ANSWER_LIMIT / 2
        assert b"" == silent[0].recv(1), "the oldest had to go"
    finally:
        for each in silent:
            each.close()


def test_a_silent_client_is_ended(serve, place, monkeypatch):
    """Also one that sends a byte now and then: the limit is one of the whole request."""
    monkeypatch.setattr(serving, "ANSWER_LIMIT", 0.3)
    serve(place)
    answers(place)
    with socket.create_connection((place.host, place.port), timeout=5) as caller:
        began = time.monotonic()

        def is_ended() -> bool:
            try:
                caller.send(b"x")
            except OSError:
                return True
            return False

        wait_for(is_ended, 5, "the end of it", step=0.05)
        assert time.monotonic() - began < 2


def test_a_client_that_does_not_read(serve, place, monkeypatch):
    """A page that is larger than all buffers: the others get theirs meanwhile, and this one is ended."""
    monkeypatch.setattr(serving, "ANSWER_LIMIT", 0.3)
    size = 16 * 1024 * 1024
    serve(place, lambda: b"x" * size)
    wait_for(lambda: ask(place, "HEAD").status == 200, 5, "a server")
    with socket.create_connection((place.host, place.port), timeout=5) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert 200 == ask(place, "HEAD").status
        time_out = time.monotonic() + 0.6
        wait_for(lambda: time.monotonic() > time_out, 5, "its end")
        got = len(b"".join(iter(lambda: caller.recv(1 << 20), b"")))
        assert 0 < got < size


def test_a_page_that_fails_ends_one_answer(serve, place, caplog):
    pages = iter([PAGE, ZeroDivisionError()])

    def page() -> bytes:
        found = next(pages, PAGE)
        if isinstance(found, Exception):
            raise found
        return found

    serve(place, page)
    with caplog.at_level(logging.ERROR):
        assert PAGE == answers(place)
    assert 1 == caplog.text.count("a request could not be answered")


def test_a_library_that_is_broken_is_told(serve, place, caplog):
    def page() -> bytes:
        raise ImportError("prometheus_client is broken")

    with caplog.at_level(logging.WARNING):
        server = serve(place, page)
        server._thread.join(5)
    assert f"metrics: can't be served at {place}: prometheus_client is broken" in caplog.text


def test_a_port_that_is_taken(serve, place, caplog):
    """It is told once, and served as soon as it is free."""
    with caplog.at_level(logging.INFO):
        with socket.create_server((place.host, place.port)):
            serve(place)
            wait_for(lambda: "something else listens there" in caplog.text, 5, "a warning")
        assert PAGE == answers(place)
    assert 1 == caplog.text.count("something else listens there")
    assert f"metrics: served at {place}" in caplog.text


def test_a_socket_for_a_group(serve, path):
    place = Publication(scheme="unix", path=str(path), mode=0o660)
    server = serve(place)
    assert wait_for(lambda: ask_file(path), 5, "a page").endswith(PAGE)
    assert 0o660 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == [*path.parent.iterdir()], "nothing else is left there"
    server.close()
    assert not path.exists()


def test_a_socket_of_a_listener_that_was_killed(serve, path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    serve(Publication(scheme="unix", path=str(path), mode=0o600))
    assert wait_for(lambda: ask_file(path), 5, "a page").endswith(PAGE)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_socket_of_somebody_else(serve, path, caplog):
    """Nobody's socket is taken away who answers there."""
    with socket.socket(socket.AF_UNIX) as other, caplog.at_level(logging.WARNING):
        other.bind(str(path))
        other.listen()
        identity = path.stat().st_ino
        serve(Publication(scheme="unix", path=str(path), mode=0o660))
        wait_for(lambda: "something else listens there" in caplog.text, 5, "a warning")
        assert identity == path.stat().st_ino


def test_a_file_that_is_no_socket(serve, path, caplog):
    path.write_text("mine")
    with caplog.at_level(logging.WARNING):
        serve(Publication(scheme="unix", path=str(path), mode=0o660))
        wait_for(lambda: "a file that is no socket: remove it" in caplog.text, 5, "a warning")
    assert "mine" == path.read_text()


def test_a_socket_whose_file_is_removed(serve, path):
    """Such as by a cleaner of /tmp: it is made again."""
    serve(Publication(scheme="unix", path=str(path), mode=0o660))
    wait_for(lambda: ask_file(path), 5, "a page")
    path.unlink()
    assert wait_for(lambda: ask_file(path), 5, "a page").endswith(PAGE)


def test_a_file_that_took_its_place_is_left(serve, path):
    server = serve(Publication(scheme="unix", path=str(path), mode=0o660))
    wait_for(lambda: ask_file(path), 5, "a page")
    server._closing.set()
    path.unlink()
    path.write_text("mine")
    server.close()
    assert "mine" == path.read_text()


def test_a_directory_that_is_exchanged_is_refused(path, monkeypatch):
    """What is made in somebody else's directory can be exchanged by him: the permissions of what then?"""
    made = path.parent / "made"
    made.mkdir(mode=0o777)
    made.chmod(0o777)
    monkeypatch.setattr(opening.tempfile, "mkdtemp", lambda **_: str(made))
    with pytest.raises(PermissionError, match="somebody exchanges"):
        opening.open_socket(Publication(scheme="unix", path=str(path), mode=0o660))
    assert not path.exists()
    assert not made.exists() or os.rmdir(made) is None

"""The uvicorn drop-in: what it takes from uvicorn, so that a change there is seen here first."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.config.keys import KEYS
from supervisor_reload.contrib.lameduck import Farewell, tell_cut
from supervisor_reload.contrib.uvicorn import (
    LAME_DUCK,
    LIMIT,
    command,
    has_unread,
    settings_of,
    stop_accepting,
)

stock = uvicorn.main


@pytest.fixture(autouse=True)
def path_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # --app-dir puts itself there


def parsed(*words: str) -> dict[str, Any]:
    """What uvicorn's own command line makes of the words."""
    return dict(stock.make_context("uvicorn", list(words)).params)


LINES: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "a port": ("--host", "::1", "--port", "9"),
    "headers": ("--header", "x-a:1", "--header", "x-b:2:3"),
    "limits": ("--timeout-graceful-shutdown", "7", "--limit-concurrency", "5", "--backlog", "9"),
    "an application's directory": ("--app-dir", "/srv/app"),
    "reloading": ("--reload", "--reload-dir", ".", "--reload-include", "*.x"),
    "logs": ("--log-level", "warning", "--no-access-log", "--no-use-colors"),
}


@pytest.mark.parametrize("name", LINES)
def test_settings_are_those_that_uvicorn_would_make(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's command hands its words to uvicorn.run, which hands them to Config: so do we."""
    callback = stock.callback
    assert callback is not None
    handed: dict[str, Any] = {}
    monkeypatch.setitem(callback.__globals__, "run", lambda app, **rest: handed.update(rest, app=app))
    callback(**parsed("web:app", *LINES[name]))
    before = list(sys.path)
    own = settings_of(parsed("web:app", *LINES[name]))
    assert sys.path == [handed.pop("app_dir"), *before]
    own["headers"] = [list(pair) for pair in own["headers"]]
    assert own == handed


def test_each_setting_is_one_of_config() -> None:
    """A new option of uvicorn's command line that is none would end every start with a TypeError."""
    known = set(inspect.signature(uvicorn.Config).parameters)
    assert set(settings_of(parsed("web:app"))) <= known


def test_the_command_line_is_uvicorns_and_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {param.name for param in command().params}
    assert ours == {param.name for param in stock.params} | {"lame_duck"}
    assert command().make_context("u", ["web:app"]).params["lame_duck"] == LAME_DUCK
    monkeypatch.setenv("SUPERVISOR_RELOAD_LAME_DUCK", "2.5")
    monkeypatch.setenv("UVICORN_PORT", "1234")
    params = command().make_context("u", ["web:app"], **command().context_settings).params
    assert (params["lame_duck"], params["port"]) == (2.5, 1234)


@pytest.mark.parametrize("wrong", ["-1", "601", "soon", "nan"])
def test_lame_ducks_that_can_not_be_are_refused(wrong: str) -> None:
    with pytest.raises(click.UsageError, match="not"):
        command().make_context("u", ["web:app", "--lame-duck", wrong])


def test_names_of_uvicorn_that_we_lean_on() -> None:
    """Read this where a new uvicorn breaks it: contrib/uvicorn.py overrides or reads each of them."""
    config = uvicorn.Config("web:app")
    server = uvicorn.Server(config)
    for method in (server.startup, server.shutdown):
        assert list(inspect.signature(method).parameters) == ["sockets"]
        assert inspect.iscoroutinefunction(method)
    assert server.server_state.connections == set()
    assert (server.force_exit, server.should_exit, server.started) == (False, False, False)
    assert (config.fd, config.is_ssl, config.timeout_graceful_shutdown, config.workers) == (
        None,
        False,
        None,
        1,
    )
    source = inspect.getsource(uvicorn.Server)
    assert "self.servers" in source
    assert "self.lifespan.state" in source
    assert "self.config.timeout_graceful_shutdown" in inspect.getsource(uvicorn.Server.shutdown)
    taken = inspect.signature(class_of("h11")).parameters
    assert {"config", "server_state", "app_state"} <= set(taken)
    assert "self.transport" in inspect.getsource(class_of("h11"))


def class_of(http: str) -> Any:
    """uvicorn's class for one connection."""
    config = uvicorn.Config(app=silent, http=http, log_config=None, lifespan="off")
    config.load()
    assert config.loaded_app is not None
    return config.http_protocol_class


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """An application."""


def test_its_limit_is_within_the_default_drain_timeout() -> None:
    """Else the listener would escalate before what is cut is counted."""
    default = next(key.default for key in KEYS if key.name == "drain_timeout")
    assert LIMIT < int(re.findall(r"\d+", str(default))[0])


class Connection:
    """A connection as uvicorn has it: its transport knows the socket."""

    def __init__(self, sock: socket.socket | None) -> None:
        self.transport = self if sock else None
        self._sock = sock

    def get_extra_info(self, name: str) -> socket.socket | None:
        assert name == "socket"
        return self._sock


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_bytes_that_nobody_read_are_seen(pair: tuple[socket.socket, socket.socket]) -> None:
    """Closing such a connection would lose a request."""
    one, other = pair
    connections = [Connection(None), Connection(one)]
    assert not has_unread(connections)
    other.send(b"G")
    assert has_unread(connections)
    one.recv(1)
    assert not has_unread(connections)
    other.close()  # its end is nothing that could be answered
    assert not has_unread(connections)
    one.close()
    assert not has_unread(connections)


@pytest.mark.parametrize(
    ("websockets", "answers", "line"),
    [
        (2, 1, "cut 3 connections: 2 WebSocket, 1 response under way"),
        (0, 1, "cut 1 connection: 1 response under way"),
        (1, 0, "cut 1 connection: 1 WebSocket"),
        (0, 2, "cut 2 connections: 2 responses under way"),
        (0, 0, None),
    ],
)
def test_what_was_cut_is_told_in_one_line(
    websockets: int, answers: int, line: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "uvicorn.error"):
        tell_cut(logging.getLogger("uvicorn.error"), websockets, answers)
    assert caplog.messages == ([line] if line else [])


def answered(farewell: Farewell, version: str = "1.1") -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is asked")

    asyncio.run(farewell({"type": "http", "http_version": version}, receive, send))
    return sent


def answering(headers: list[tuple[bytes, bytes]]) -> Farewell:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b"x"})

    return Farewell(application)


HEADERS = st.lists(st.tuples(st.sampled_from([b"connection", b"Connection", b"x-a", b"x-b"]), st.binary()))


@given(HEADERS, st.sampled_from(["1.0", "1.1", "2", "3"]), st.booleans())
def test_answers_say_goodbye_only_when_it_leaves(
    headers: list[tuple[bytes, bytes]], version: str, leaving: bool
) -> None:
    """One ``connection`` header, HTTP/1 only, and nothing else is touched."""
    farewell = answering(headers)
    farewell.leaving = leaving
    head, body = answered(farewell, version)
    others = [pair for pair in headers if pair[0].lower() != b"connection"]
    if leaving and version.startswith("1."):
        assert head["headers"] == [*others, (b"connection", b"close")]
    else:
        assert head["headers"] == headers
    assert (head["status"], body["body"]) == (201, b"x")
    assert (farewell.unwarned, farewell.websockets, farewell.cut) == (0, 0, 0)


def test_answers_that_end_after_the_limit_are_counted() -> None:
    farewell = answering([])
    farewell.leaving, farewell.limit_at = True, 0.0
    answered(farewell)
    assert farewell.cut == 1


def test_an_application_that_raises_leaves_no_count_behind() -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        assert farewell.websockets == (scope["type"] == "websocket")
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            assert farewell.unwarned == 1
        raise RuntimeError("wrong on purpose")

    async def call(kind: str) -> None:
        async def nothing(*_: Any) -> Any:
            return None

        with pytest.raises(RuntimeError, match="on purpose"):
            await farewell({"type": kind, "http_version": "1.1"}, nothing, nothing)

    farewell = Farewell(raises)
    for kind in ("http", "websocket", "lifespan"):
        asyncio.run(call(kind))
    assert (farewell.unwarned, farewell.websockets) == (0, 0)


@pytest.mark.parametrize("turn", range(12))
def test_no_accepted_connection_is_dropped(turn: int) -> None:
    """A client that connects in any turn of the loop is served, or waits for the successor."""

    async def scene() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        made: list[asyncio.Transport] = []
        clients: list[socket.socket] = []

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                made.append(transport)

        def connect(turns: int) -> None:
            if turns:
                loop.call_soon(connect, turns - 1)
            else:
                clients.append(socket.create_connection(held.getsockname(), timeout=5))

        with socket.create_server(("127.0.0.1", 0)) as held:
            server = await loop.create_server(Protocol, sock=held.dup())
            connect(turn)
            await stop_accepting([server])
            for _ in range(20):  # turns in which whatever was accepted is served, and the last client comes
                await asyncio.sleep(0)
            held.setblocking(False)
            waiting = 0
            while True:
                try:
                    held.accept()[0].close()
                except BlockingIOError:
                    break
                waiting += 1
        for one in (*made, *clients):
            one.close()
        await asyncio.sleep(0)
        return len(made), waiting

    assert sum(asyncio.run(scene())) == 1

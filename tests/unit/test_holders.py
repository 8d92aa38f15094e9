"""Strangers on our programs' addresses: real sockets, real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor_reload.core.orders import Story
from supervisor_reload.edges import holders as holding
from supervisor_reload.edges.connections import sockdiag
from supervisor_reload.edges.holders import COMMAND_LIMIT, Holder, Holders, complained_of
from supervisor_reload.edges.observers.logs import worded
from tests.fakes.children import as_nobody, child
from tests.integration.supervisord import short_directory

LONG = 10.0
"""Seconds: on a busy machine a search may take longer than it is given in use"""

LISTENS = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_UNIX if "/" in sys.argv[1] else socket.AF_INET
server = socket.socket(family)
server.bind(sys.argv[1] if family == socket.AF_UNIX else (sys.argv[1], 0))
server.listen()
print("up", flush=True)
print(0 if family == socket.AF_UNIX else server.getsockname()[1], flush=True)
input()
"""


@pytest.fixture(scope="module")
def supervisor() -> Iterator[int]:
    """A process of which none of the others here descends."""
    with child("print('up', flush=True); input()") as process:
        yield process.pid


@contextmanager
def stranger(host: str = "127.0.0.1", *more: str) -> Iterator[tuple[int, int]]:
    """pid and port of a process that listens."""
    with child(LISTENS, host, *more) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "tcp://127.0.0.1:{}"),
        ("127.0.0.1", "http://127.0.0.1:{}/healthz?x=1"),
        ("127.0.0.1", "https://localhost:{}/"),
        ("127.0.0.1", "tcp://0.0.0.0:{}"),
        ("0.0.0.0", "tcp://127.0.0.1:{}"),
        ("::1", "tcp://[::1]:{}"),
        ("::", "tcp://127.0.0.1:{}"),
    ],
)
def test_a_stranger_is_named(supervisor: int, host: str, address: str) -> None:
    """With its pid and what it is."""
    with stranger(host) as (pid, port):
        found = Holders(supervisor, limit=LONG).holder(address.format(port))
    assert found is not None
    assert pid == found.pid
    assert found.command.startswith(sys.executable)
    assert str(found).endswith("), which is not a process of this supervisord")
    assert f":{port} is held by pid {pid} (" in str(found)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.2", "tcp://127.0.0.1:{}"),
        ("127.0.0.1", "tcp://192.0.2.1:{}"),
        ("0.0.0.0", "tcp://192.0.2.1:{}"),
        ("0.0.0.0", "http://example.invalid:{}/"),
        ("127.0.0.1", "tcp://:{}x"),
        ("127.0.0.1", "{}"),
        ("127.0.0.1", ""),
        ("127.0.0.1", "@notify"),
        ("127.0.0.1", "tcp://[::1"),
    ],
)
def test_who_is_not_in_the_way_is_not_named(supervisor: int, host: str, address: str) -> None:
    """Another address of this machine, another machine's, a name, none."""
    with stranger(host) as (_, port):
        assert Holders(supervisor, limit=LONG).holder(address.format(port)) is None


def test_where_nobody_listens(supervisor: int) -> None:
    """A socket that is only bound counts for nothing: it can't be told from a client's."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert Holders(supervisor, limit=LONG).holder(f"tcp://127.0.0.1:{bound.getsockname()[1]}") is None


def test_a_unix_socket(supervisor: int) -> None:
    """By the path that it was bound to."""
    path = short_directory() / "s"
    with stranger(str(path)) as (pid, _):
        for address in (f"unix://{path}", f"unix:{path}"):
            found = Holders(supervisor, limit=LONG).holder(address)
            assert found is not None
            assert (f"unix:{path}", pid) == (found.address, found.pid)
        assert Holders(supervisor, limit=LONG).holder(f"unix://{path}x") is None
    path.unlink()
    path.parent.rmdir()


def test_what_this_supervisord_started_is_no_stranger() -> None:
    """Here we are the supervisord: what we start leads a group of processes."""
    with stranger() as (_, port):
        assert Holders(os.getpid(), limit=LONG).holder(f"tcp://127.0.0.1:{port}") is None
    with socket.create_server(("127.0.0.1", 0)) as own:
        assert Holders(os.getpid(), limit=LONG).holder(f"tcp://127.0.0.1:{own.getsockname()[1]}") is None


@pytest.mark.fault(33)
def test_what_a_dead_program_left_behind_is_one() -> None:
    """In a container supervisord is pid 1, so it becomes the parent of a killed program's workers."""
    argv = [sys.executable, "-c", LISTENS, "127.0.0.1"]  # leads no group, as no worker does
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        try:
            assert worker.stdout is not None
            assert b"up\n" == worker.stdout.readline()
            port = int(worker.stdout.readline())
            found = Holders(os.getpid(), limit=LONG).holder(f"tcp://127.0.0.1:{port}")
        finally:
            worker.kill()
    assert found is not None
    assert worker.pid == found.pid


def test_one_of_ours_beside_a_stranger(supervisor: int) -> None:
    """A shared socket: then it is not in our way."""
    with socket.create_server(("127.0.0.1", 0)) as shared:
        address = f"tcp://127.0.0.1:{shared.getsockname()[1]}"
        with child("print('up', flush=True); input()") as _:
            assert Holders(os.getpid(), limit=LONG).holder(address) is None
            assert Holders(supervisor, limit=LONG).holder(address) is not None


def test_a_command_line_can_forge_nothing(supervisor: int) -> None:
    """Shortened; control characters are written out."""
    with stranger("127.0.0.1", "\n2026 ERROR forged\x1b[2J", "x" * 500) as (_, port):
        found = Holders(supervisor, limit=LONG).holder(f"tcp://127.0.0.1:{port}")
    assert found is not None
    assert found.command.isprintable()
    assert len(found.command) <= COMMAND_LIMIT


HIDDEN = """
import os, subprocess, sys
from supervisor_reload.edges.holders import Holders
from supervisor_reload.edges.processes import may_look
os.setuid(NOBODY)
address = "tcp://127.0.0.1:" + sys.argv[1]
us = subprocess.Popen(["sleep", "60"])
while not may_look(us.pid):
    pass  # a moment after its exec it still counts as a process that was root's
print(Holders(us.pid, limit=10).holder(address))
us.kill()
us.wait()
print(Holders(os.getppid(), limit=10).holder(address))
"""


def test_a_stranger_whom_we_may_not_see() -> None:
    """Another user's process, and all of supervisord's can be seen: so it is none of these."""
    with stranger() as (_, port):
        seen, of_root = as_nobody(HIDDEN, str(port)).splitlines()
    assert f"127.0.0.1:{port} is in use by a process into which we may not look: another user's, or " in seen
    assert "None" == of_root  # it may be one of supervisord's own, which is root's


def test_a_search_ends_in_time(supervisor: int) -> None:
    """Nothing is told rather than something half known."""
    with stranger() as (_, port):
        assert Holders(supervisor, limit=0.0).holder(f"tcp://127.0.0.1:{port}") is None


def test_without_netlink(supervisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox: then /proc/net tells."""

    def refuse() -> list[object]:
        raise sockdiag.SockDiagUnavailable(93, "no netlink")

    monkeypatch.setattr(sockdiag, "listening", refuse)
    with stranger() as (pid, port):
        found = Holders(supervisor, limit=LONG).holder(f"tcp://127.0.0.1:{port}")
    assert found is not None
    assert pid == found.pid


def test_what_the_kernel_does_not_tell_is_nothing(supervisor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never an error: it is about one line of the log."""

    def refuse(self: object) -> list[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(holding.Wanted, "listeners", refuse)
    assert Holders(supervisor).holder("tcp://127.0.0.1:1") is None


@pytest.mark.parametrize(
    ("line", "first"),
    [
        (
            "OSError: [Errno 98] Address already in use (while attempting to bind on ('127.0.0.1', 80))",
            "tcp://127.0.0.1:80",
        ),
        (
            "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): "
            "address already in use",
            "tcp://127.0.0.1:8000",
        ),
        ("[2026-11-23 02:08:22 +0000] [123] [ERROR] Connection in use: ('::', 8000)", "tcp://[::]:8000"),
        ("Error: listen EADDRINUSE: address already in use :::8000", "tcp://[::]:8000"),
        ("listen tcp :8000: bind: address already in use", "tcp://0.0.0.0:8000"),
        (
            "2026/11/23 10:15:22 listen tcp 127.0.0.1:8000: bind: address already in use",
            "tcp://127.0.0.1:8000",
        ),
        (
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\nstill could not bind()",
            "tcp://0.0.0.0:80",
        ),
        ("bind() to unix:/run/x.sock failed (98: Address already in use)", "unix:///run/x.sock"),
        (
            'Address already in use - bind(2) for "127.0.0.1" port 3000 (Errno::EADDRINUSE)',
            "tcp://0.0.0.0:3000",
        ),
        ("Port 8080 was already in use.", "tcp://0.0.0.0:8080"),
        ("[::1]:8000: Address already in use", "tcp://[::1]:8000"),
    ],
)
def test_what_servers_say_when_their_address_is_in_use(line: str, first: str) -> None:
    """uvicorn, gunicorn, node, Go, nginx, puma, Spring; of several lines the last that says it."""
    assert first == complained_of(f"127.0.0.1:1 is in use\n{line}\n")[0]


def test_words_that_complain_of_nothing() -> None:
    """A port alone is no complaint, and a time of day is no port."""
    assert [] == complained_of("listening on 127.0.0.1:8000\nModuleNotFoundError")
    assert [] == complained_of("10:15:22 the device is in use")


def test_the_words_come_before_the_address(supervisor: int) -> None:
    """A program may fail on another port than that on which it is asked for its readiness."""
    with stranger() as (one, port), stranger() as (other, ready):
        holders = Holders(supervisor, limit=LONG)
        words = f"Connection in use: ('127.0.0.1', {port})"
        assert f"pid {one} " in holders.told(f"tcp://127.0.0.1:{ready}", words)
        assert f"pid {other} " in holders.told(f"tcp://127.0.0.1:{ready}", "SyntaxError")
        assert "" == holders.told("", "SyntaxError")


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text())
def test_nothing_that_a_program_says_is_an_error(address: str, words: str) -> None:
    """Both come from outside."""
    told = Holders(os.getpid()).told(address, f"{words} in use")
    assert told.isprintable()


def test_a_holder_without_a_command_line() -> None:
    """It has gone meanwhile."""
    told = str(Holder("127.0.0.1:80", 7))
    assert "127.0.0.1:80 is held by pid 7, which is not a process of this supervisord" == told


def test_a_look_takes_little(supervisor: int) -> None:
    """Every process of the machine, a few times: well below the time that one search has."""
    with stranger() as (pid, port):
        found = [Holders(supervisor).holder(f"tcp://127.0.0.1:{port}") for _ in range(20)]
    assert pid in [one.pid for one in found if one is not None]


def test_a_failure_is_told_with_the_stranger() -> None:
    """As the reason behind supervisord's own."""
    values = {"slot": "web:web", "reason": "Exited too quickly", "holder": "127.0.0.1:80 is held by pid 7"}
    story = Story(target="web", event="slot failed", values=values)
    assert "web: web failed: Exited too quickly; 127.0.0.1:80 is held by pid 7" == worded(story)
    values["holder"] = ""
    assert "web: web failed: Exited too quickly" == worded(story)

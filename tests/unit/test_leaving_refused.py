"""How a listener leaves that may not work: a young one is noticed at once, an old one ends slowly."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

import pytest

from supervisor_reload.edges import leaving

LIMIT = 10.0

REFUSED = """
import os, sys
from supervisor_reload.edges import leaving
leaving._age = lambda: float(sys.argv[1])
print("up", flush=True)
leaving.leave(0)
os._exit(2)
"""


def refused(age: float) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", REFUSED, str(age)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert b"up\n" == process.stdout.readline()
    return process


def test_the_pipes_of_a_young_one_close_after_its_end() -> None:
    """supervisord wakes when they close, and must find the process ended: else it sleeps for up to 1 s."""
    with refused(0.0) as process:
        assert process.stdout is not None
        assert [] == process.stdout.readlines()
        assert 2 == process.wait(0)  # no waiting: it has ended


def test_an_old_one_waits_and_leaves_with_supervisord() -> None:
    """supervisord would start it again at once; but where that ends nobody is waited for."""
    with refused(100.0) as process:
        assert process.stdin is not None
        process.stdin.write(b"ver:3.0 an event\n")
        process.stdin.flush()
        ended = select.poll()
        ended.register(os.pidfd_open(process.pid), select.POLLIN)
        assert [] == ended.poll(300)
        process.stdin.close()
        assert ended.poll(LIMIT * 1000)
        assert 2 == process.wait(LIMIT)


def test_an_old_one_ends_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait has a limit."""
    monkeypatch.setattr(leaving, "LINGERS", 0.05)
    monkeypatch.setattr(leaving, "_age", lambda: 100.0)
    reading, writing = os.pipe()
    began = time.monotonic()
    leaving.leave(reading)
    assert 0.04 < time.monotonic() - began < LIMIT
    os.close(reading)
    os.close(writing)


def test_where_no_process_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the end is noticed late."""

    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(leaving, "_age", lambda: 0.0)
    leaving.leave(0)


def test_the_age_is_of_this_process() -> None:
    """In seconds."""
    assert 0 < leaving._age() < 3600

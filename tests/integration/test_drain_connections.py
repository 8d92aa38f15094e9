"""drain=connections with a real supervisord and a server that dies of its stop signal at once."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import drain_poll
from supervisor_reload.edges.drains.connections import Connections
from tests.integration.scene import LIMIT, ONE, PLAIN, Scene, scene
from tests.integration.supervisord import wait_for

PROGRAM = PLAIN.replace("%(here)s/app.py", f"{Path(__file__).with_name('abrupt.py')}").replace(
    "startsecs=0", "startsecs=0\nstopwaitsecs=5"
)
TARGET = ONE + "drain=connections\ndrain_interval=0.05\ndrain_timeout={timeout}\n"


@contextmanager
def abrupt(timeout: float) -> Iterator[Scene]:
    with scene(PROGRAM, TARGET.replace("{timeout}", str(timeout))) as acted:
        yield acted


def ask(acted: Scene, path: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", acted.port, timeout=LIMIT)
    connection.request("GET", path)
    return connection


@pytest.mark.integration
def test_a_request_in_hand_is_waited_for_and_idle_connections_are_not() -> None:
    """The old process answers first, and is stopped long before drain_timeout; the idle ones stay open."""
    with abrupt(timeout=LIMIT * 3) as acted:
        idle = [ask(acted, "/") for _ in range(3)]
        old = {each.getresponse().read().decode().rpartition(" ")[2] for each in idle}
        slow = ask(acted, "/slow")
        looks = Connections()
        wait_for(lambda: [looks.in_flight(int(pid)) for pid in old] == [1], LIMIT)
        acted.save("two")
        text, _, pid = slow.getresponse().read().decode().partition(" ")
        assert ("one", old) == (text, {pid})
        assert int(pid) != acted.wait_for_text("two")
        for each in (*idle, slow):
            each.close()


@pytest.mark.fault(31)
@pytest.mark.integration
def test_a_stream_is_cut_at_the_limit_and_counted() -> None:
    """It would never end; how many were cut is in the log."""
    with abrupt(timeout=1) as acted:
        stream = ask(acted, "/stream")
        acted.save("two")
        acted.wait_for_text("two")
        assert 1 == acted.count(r"\(1 busy connection \(1 stream\), 0 idle\).* cuts 1 busy connection")
        stream.close()


@pytest.mark.integration
def test_the_benchmark_counts_right() -> None:
    """With a real uvicorn, and few connections: what a look costs is the benchmark's own matter."""
    mix, polls = drain_poll.measure(200, 3)
    assert (40, 140, 20) == (mix.busy, mix.idle, mix.unused)
    assert [(40, 160)] * 3 == [(poll.counts.requests, poll.counts.idle) for poll in polls]

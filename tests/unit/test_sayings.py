"""The words of sd_notify, and the memory of who said them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.edges.ancestry import Origin, child_above, origin, supervisords_pid
from supervisor_reload.edges.sayings import PROCESSES, SENDERS, STATUS_LIMIT, Sayings, Words, parse
from tests.fakes.children import child


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("READY=1", Words(is_ready=True)),
        ("READY=1\n", Words(is_ready=True)),
        ("READY=1\r\nX_ACTIVE=2\r\n", Words(is_ready=True, active=2)),
        ("RELOADING=1\nMONOTONIC_USEC=123", Words(is_ready=False)),
        ("STOPPING=1\nX_ACTIVE=3\nX_PID=7", Words(is_ready=False, active=3, sender=7)),
        ("RELOADING=1\nREADY=1", Words(is_ready=True)),
        ("STATUS=a=b \x1b[2J\t\u2028", Words(status="a=b \\x1b[2J\\t\\u2028")),
        ("STATUS=", Words(status="")),
        ("READY=0\nready=1\n READY=1\nREADY=1 \nREADY", Words()),
        ("X_ACTIVE=-1\nX_ACTIVE=\nX_ACTIVE=1.5\nX_ACTIVE=٣\nX_ACTIVE=9999999999", Words()),
        ("MAINPID=1\nWATCHDOG=1\nFDSTORE=1\nEXTEND_TIMEOUT_USEC=5\nX_OTHER=1\nBARRIER=1", Words()),
        ("", Words()),
    ],
)
def test_a_message(text, words) -> None:
    """What sd_notify(3) defines, and our two."""
    assert words == parse(text)


@given(st.text())
def test_whatever_is_said_can_be_shown(text) -> None:
    """A status is one short line of printable text; nothing raises."""
    status = parse(f"STATUS={text}").status
    assert status is not None
    assert status.isprintable()
    assert len(status) <= STATUS_LIMIT * 10


@given(st.text(alphabet="READY=1\nSTOPING_AV", max_size=5000))
def test_no_message_raises(text) -> None:
    """Made of pieces of words."""
    assert parse(text).is_ready in (None, True, False)


class Processes:
    """Those that live, by pid."""

    def __init__(self) -> None:
        self.alive: dict[int, Origin] = {}

    def add(self, pid: int, started: int = 1) -> Origin:
        self.alive[pid] = Origin(pid, 1, started)
        return self.alive[pid]


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
def sayings(processes) -> Sayings:
    return Sayings(look=processes.alive.get)


@pytest.mark.fault(34)
def test_a_pid_that_is_used_again_has_said_nothing(processes, sayings) -> None:
    """Its predecessor did."""
    sayings.add(processes.add(5, started=10), 5, Words(is_ready=True, status="x"))
    assert sayings.of(5).is_ready
    again = processes.add(5, started=11)
    assert sayings.of(5) is None
    sayings.add(again, 5, Words(active=1))
    assert (None, "", 1) == (sayings.of(5).is_ready, sayings.of(5).status, sayings.of(5).in_hand)


def test_a_number_is_taken_back_by_ready(processes, sayings) -> None:
    """A process that takes work again has not finished it."""
    process = processes.add(5)
    sayings.add(process, 5, Words(active=0, is_ready=False))
    assert sayings.of(5).in_hand == 0
    sayings.add(process, 5, Words(is_ready=True))
    assert sayings.of(5).in_hand is None


def test_a_script_that_sends_each_word_from_a_new_process(processes, sayings) -> None:
    """The sender has gone, its number stays until the next."""
    process = processes.add(5)
    for sender, count in ((6, 3), (7, 2), (8, 0)):
        sayings.add(process, sender, Words(active=count))
        assert count == sayings.of(5).in_hand


def test_a_worker_that_died_has_nothing_in_hand(processes, sayings) -> None:
    """As soon as another speaks; until then its work counts."""
    process, worker, _ = processes.add(5), processes.add(6), processes.add(7)
    sayings.add(process, worker.pid, Words(active=3))
    del processes.alive[worker.pid]
    assert sayings.of(5).in_hand == 3
    sayings.add(process, 7, Words(active=1))
    assert sayings.of(5).in_hand == 1


def test_the_memory_is_bounded(processes, sayings) -> None:
    """Those that have gone are forgotten first, then who was silent longest."""
    for pid in range(1, PROCESSES + 1):
        sayings.add(processes.add(pid), pid, Words(is_ready=True))
    del processes.alive[9]
    sayings.add(processes.add(1000), 1000, Words(is_ready=True))
    assert sayings.of(1) is not None
    sayings.add(processes.alive[1], 1, Words(status="still here"))
    sayings.add(processes.add(1001), 1001, Words(is_ready=True))
    assert sayings.of(1) is not None
    assert sayings.of(2) is None
    assert len(sayings._said) == PROCESSES


def test_senders_are_bounded(processes, sayings) -> None:
    """The rest share one number, which is never less than the newest."""
    process = processes.add(5)
    for sender in range(10, 10 + 3 * SENDERS):
        processes.add(sender)
        sayings.add(process, sender, Words(active=1))
    assert len(sayings.of(5).active) == SENDERS + 1
    assert sayings.of(5).in_hand == SENDERS + 1


def test_where_a_process_comes_from() -> None:
    """Its child, its grandchild, and nobody else."""
    with child("print('up', flush=True); import time; time.sleep(1000)") as process:
        assert process.pid == child_above(process.pid, os.getpid()).pid
        assert os.getpid() == child_above(process.pid, os.getppid()).pid
        assert child_above(process.pid, process.pid) is None
        assert child_above(os.getpid(), process.pid) is None
        assert origin(process.pid).parent == os.getpid()
    process.wait()
    assert child_above(process.pid, os.getpid()) is None
    assert [None, None, None] == [origin(pid) for pid in (process.pid, -1, 2**30)]
    assert child_above(0, os.getpid()) is None


ASKS = """
import os, subprocess, sys
from supervisor_reload.edges.ancestry import supervisords_pid
print(supervisords_pid(), flush=True)
"""
WRAPS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ASKS!r}], check=True)"


@pytest.mark.parametrize("code", [ASKS, WRAPS, WRAPS.replace(repr(ASKS), repr(WRAPS))])
def test_who_is_our_supervisord(code) -> None:
    """Whoever started what has our names in its environment: the listener, or a wrapper around it."""
    names = {"SUPERVISOR_PROCESS_NAME": "reload", "SUPERVISOR_GROUP_NAME": "reload"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **names}, capture_output=True, text=True, check=True
    )
    assert str(os.getpid()) == done.stdout.strip()


def test_without_supervisord_it_is_our_parent(monkeypatch) -> None:
    """There are no names to go by."""
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    assert os.getppid() == supervisords_pid()

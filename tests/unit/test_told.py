"""The probes notify and message, and the drain message: a process's word, and what it is checked against."""

from __future__ import annotations

import socket

import pytest

from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.drains.told import Told as ToldDrains
from supervisor_reload.edges.probes.told import Told
from supervisor_reload.edges.sayings import Said
from tests.fakes.children import as_nobody, child
from tests.fakes.servers import ASLEEP, EPOLL, NEVER, answers
from tests.integration.supervisord import wait_for

LIMIT = 10.0
SHORT = 0.4
SOCKET = "@somewhere"


class Heard:
    """What was heard of one process."""

    def __init__(self, said: Said | None = None, *, missed: bool = False, deaf: str = "") -> None:
        self._said, self._missed, self._deaf = said, missed, deaf

    def said(self, pid: int) -> Said | None:
        return self._said

    def may_have_missed(self, pid: int, address: str) -> bool:
        assert address in ("", SOCKET)
        return self._missed

    def why_deaf(self, address: str) -> str:
        return self._deaf


READY = Said(started=1, is_ready=True)
BUSY = Said(started=1, is_ready=None, status="3 of 7")
BACK = Said(started=1, is_ready=False, status="draining")


def notify(heard: Heard, pid: int, limit: float = LIMIT) -> str | None:
    return Told(heard)(ReadySettings(scheme="notify", address=SOCKET), pid, limit, NEVER)


def message(heard: Heard, pid: int, limit: float = LIMIT) -> str | None:
    return Told(heard)(ReadySettings(scheme="message"), pid, limit, NEVER)


@pytest.fixture(scope="module")
def process():
    """One without any socket."""
    with child(ASLEEP) as started:
        yield started.pid


@pytest.mark.parametrize("probe", [notify, message])
@pytest.mark.parametrize(
    ("heard", "refusal"),
    [
        (Heard(READY), None),
        (Heard(READY, missed=True), None),
        (Heard(), "it has not said READY=1 yet"),
        (Heard(BUSY), "it has not said READY=1 yet; its status: 3 of 7"),
        (Heard(BACK), "it took its READY=1 back; its status: draining"),
        (Heard(BACK, missed=True), "it took its READY=1 back; its status: draining"),
        (Heard(missed=True), None),
        (Heard(BUSY, missed=True), None),
    ],
)
def test_a_process_without_a_socket(probe, heard, refusal, process) -> None:
    """Its word is all there is; where that may be lost, nobody waits for it."""
    assert refusal == probe(heard, process)


def test_a_deaf_socket_is_the_refusal(process) -> None:
    """Unless the word came by another road."""
    assert "can't listen" == notify(Heard(deaf="can't listen"), process)
    assert "can't listen" == notify(Heard(deaf="can't listen", missed=True), process)
    assert notify(Heard(READY, deaf="can't listen"), process) is None


@pytest.mark.parametrize("probe", [notify, message])
@pytest.mark.parametrize("heard", [Heard(READY), Heard(missed=True)])
def test_a_server_must_accept_as_well(probe, heard) -> None:
    """gunicorn says READY=1 before its workers can answer, an ASGI lifespan before its server accepts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with child(ASLEEP, stdin=listener.fileno()) as idle:
            assert "connected, but nobody accepted the connection" == probe(heard, idle.pid, SHORT)
        with answers(listener, "pass") as pid:
            assert probe(heard, pid) is None
        with child(EPOLL, stdin=listener.fileno()) as serving:
            assert wait_for(lambda: probe(heard, serving.pid) is None, LIMIT)


ASKS = """
import os, sys
from tests.unit.test_told import Heard, READY, notify
os.setuid(NOBODY)
print(notify(Heard(READY), int(sys.argv[1])))
"""


def test_a_server_that_may_not_be_looked_into(monkeypatch) -> None:
    """Another user's: then its word must do."""
    monkeypatch.setenv("PYTHONPATH", ".")
    with socket.create_server(("127.0.0.1", 0)) as listener, child(ASLEEP, stdin=listener.fileno()) as idle:
        assert "None" == as_nobody(ASKS, str(idle.pid)).strip()


def drained(said: Said | None) -> str | None:
    return ToldDrains(Heard(said))(SlotSettings(name=SlotName("web:web")), 1, LIMIT, NEVER)


@pytest.mark.parametrize(
    ("active", "refusal"),
    [
        ({}, "it has not said how much work it has in hand (supervisor_reload.notify.draining)"),
        ({1: 0}, None),
        ({1: 0, 2: 0}, None),
        ({1: 0, 2: 3}, "it says that it has 3 in hand"),
    ],
)
def test_drained_when_all_say_zero(active, refusal) -> None:
    """Silence is not 0."""
    assert refusal == drained(Said(started=1, is_ready=False, active=active))


def test_one_that_never_spoke_is_not_drained() -> None:
    """Nor one that has gone: its exit is another fact."""
    assert drained(None) == drained(Said(started=1))
    assert drained(None) is not None

"""The groups of the port ``Supervisor``: read again, removed, added; the fake answers as a real one does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest

from supervisor_reload.core.configfacts import (
    GroupsCompared,
)
from supervisor_reload.core.errors import SupervisorFault
from supervisor_reload.core.model import ProcessState as S
from supervisor_reload.core.model import SlotName
from supervisor_reload.core.ports import Supervisor
from supervisor_reload.edges.supervisord import Supervisord as Edge
from tests.fakes.supervisord import Boot, FakeClock, FakeSupervisord, Program
from tests.integration.supervisord import PREAMBLE, Supervisord, short_directory, wait_for

OLD, OTHER = SlotName("old:old"), SlotName("other:other")


class Groups(Protocol):
    """One side: the port, and what the files say."""

    supervisor: Supervisor

    def configure(self, **startsecs: int) -> None:
        """These groups, of one process each, with this startsecs; nothing else."""

    def see(self, name: SlotName, state: S) -> None:
        """Wait until a process is in this state."""


class FakeGroups:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self._made: dict[tuple[str, int], Program] = {}
        self.supervisor = FakeSupervisord(self.clock, [])
        self.configure(old=0, other=0)
        self.supervisor.reread()
        for group in ("old", "other"):
            self.supervisor.add_group(group)

    def configure(self, **startsecs: int) -> None:
        self.supervisor.configured = {
            name: [self._program(name, seconds)] for name, seconds in startsecs.items()
        }

    def _program(self, name: str, seconds: int) -> Program:
        made = Program(name=SlotName(f"{name}:{name}"), boot=Boot, startsecs=float(seconds))
        return self._made.setdefault((name, seconds), made)

    def see(self, name: SlotName, state: S) -> None:
        self.clock.now += 10
        assert state is self.supervisor.process(name).state


class RealGroups:
    def __init__(self, supervisord: Supervisord) -> None:
        self.supervisor = Edge(f"unix://{supervisord.socket_file}")
        self._supervisord = supervisord

    def configure(self, **startsecs: int) -> None:
        self._supervisord.conf.write_text(PREAMBLE + sections(**startsecs))

    def see(self, name: SlotName, state: S) -> None:
        wait_for(lambda: self.supervisor.process(name).state is state, 10, f"{name} {state}")


def sections(**startsecs: int) -> str:
    return "".join(
        f"[program:{name}]\ncommand=sleep 1000\nstartsecs={seconds}\n" for name, seconds in startsecs.items()
    )


@contextmanager
def real() -> Iterator[RealGroups]:
    directory = short_directory()
    try:
        with Supervisord(directory, sections(old=0, other=0)) as supervisord:
            side = RealGroups(supervisord)
            yield side
            side.supervisor.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
def side(request: pytest.FixtureRequest) -> Iterator[Groups]:
    if request.param == "fake":
        yield FakeGroups()
        return
    with real() as made:
        yield made


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(SupervisorFault) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.code


def test_groups_are_compared_removed_and_added(side: Groups) -> None:
    """One after the other, with every refusal on the way."""
    port = side.supervisor
    side.see(OLD, S.RUNNING)
    assert GroupsCompared() == port.reread()
    side.configure(old=1, new=0)
    assert GroupsCompared(added=("new",), changed=("old",), removed=("other",)) == port.reread()
    assert GroupsCompared(added=("new",), changed=("old",), removed=("other",)) == port.reread()
    assert "STILL_RUNNING" == refused(port.remove_group, "old")
    assert "ALREADY_ADDED" == refused(port.add_group, "old")
    assert "BAD_NAME" == refused(port.remove_group, "nobody")
    assert "BAD_NAME" == refused(port.add_group, "nobody")
    for name in (OLD, OTHER):
        side.see(name, S.RUNNING)
        port.stop(name)
        side.see(name, S.STOPPED)
        port.remove_group(name.partition(":")[0])
    assert "BAD_NAME" == refused(port.process, OLD)
    for name in ("old", "new"):
        port.add_group(name)
        side.see(SlotName(f"{name}:{name}"), S.RUNNING)
    assert GroupsCompared() == port.reread()


@pytest.mark.integration
def test_a_file_that_supervisord_can_not_read() -> None:
    """CANT_REREAD, with its own words."""
    with real() as side:
        side.configure(old=0, other=0)
        with side._supervisord.conf.open("a") as conf:
            conf.write("[program:bad]\nstartsecs=no\n")
        with pytest.raises(SupervisorFault, match="bad") as caught:
            side.supervisor.reread()
        assert "CANT_REREAD" == caught.value.code

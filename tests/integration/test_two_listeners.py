"""Two listeners where there must be one: the first goes on, the second refuses and says who is first."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration import scene as scenes
from tests.integration.scene import LISTENER, ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration

FIRST_AT_THE_LOCK = r"ERROR pid (\d+) is the listener here already: it holds (\S+)\. "
FIRST_AT_A_PROCESS = r"ERROR pid (\d+) is the listener for web:web already, "


@contextmanager
def two_listeners(monkeypatch: pytest.MonkeyPatch, kind: str) -> Iterator[Scene]:
    """A scene in which supervisord starts a second listener; both write one log."""
    more = LISTENER.replace(":reload]", ":again]")
    prepare = None
    if kind == "numprocs":
        numbered = LISTENER + "numprocs=2\nprocess_name=%(program_name)s_%(process_num)d\n"
        monkeypatch.setattr(scenes, "LISTENER", numbered)
        more = ""
    if kind == "configurations":
        more = more.replace("listen\n", "listen -c %(here)s/other.conf\n")
        prepare = other_configuration
    with scene(PLAIN, ONE, more=more, prepare=prepare or (lambda acted: None)) as acted:
        yield acted


def other_configuration(acted: Scene) -> None:
    """The same programs and targets, read by the second listener, with a state directory of its own."""
    text = acted.supervisord.conf.read_text()
    text = text.split("[eventlistener:again]")[0] + "\n[reload]\nstate_dir=%(here)s/other\n"
    (acted.directory / "other.conf").write_text(text)


def listeners(acted: Scene) -> dict[str, int]:
    """The pids of those that supervisord knows of."""
    known = acted.supervisord.rpc.supervisor.getAllProcessInfo()
    return {p["name"]: p["pid"] for p in known if p["group"] in ("reload", "again")}


KINDS = {
    "numprocs": FIRST_AT_THE_LOCK,
    "sections": FIRST_AT_THE_LOCK,
    "configurations": FIRST_AT_A_PROCESS,
}


@pytest.mark.fault(38)
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_goes_on(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """One rollout for one save; when the first is killed there is one listener again."""
    with two_listeners(monkeypatch, kind) as acted:
        acted.wait_for_log(KINDS[kind])
        found = re.search(KINDS[kind], acted.log())
        assert found is not None
        first = int(found[1])
        assert first in listeners(acted).values()
        assert 1 == acted.count("watches web")
        acted.save("two")
        acted.wait_for_text("two")
        acted.wait_for_log("complete: ")
        assert 1 == acted.count("rolling out")
        assert first in listeners(acted).values()
        if kind == "configurations":
            os.kill(first, signal.SIGKILL)
            acted.wait_for_log("watches web", times=2)
            acted.save("three")
            acted.wait_for_text("three")
            assert 2 == acted.count("rolling out")

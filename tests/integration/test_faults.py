"""What goes wrong around a real listener: a socket that is gone, a wrong password, a supervisord that hangs.

Rows of docs/faults.md that no other test proves with real parts. They are played side by side, since most of
their time is a wait for somebody's seconds; each is a test of its own all the same.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.faulty import (
    AWAY,
    degraded,
    edit,
    journal_of,
    kill_listener,
    supervisords_log,
    without_socket,
)
from tests.integration.scene import LIMIT, LISTENER, ONE, PLAIN, SWAP, TWO, Scene, scene
from tests.integration.supervisord import PREAMBLE, Supervisord, free_port, short_directory
from tests.integration.test_status import status
from tests.unit.journaling import fill, small_disk

pytestmark = pytest.mark.integration

Play = Callable[[], None]

PLAYS: dict[str, Play] = {}


def side_by_side(play: Play) -> Callable[[Mapping[str, Future[None]]], None]:
    """A test which is played together with the others that were asked for."""
    PLAYS[play.__name__] = play

    def test(played: Mapping[str, Future[None]]) -> None:
        played[play.__name__].result(120)

    test.__name__, test.__doc__ = play.__name__, play.__doc__
    return test


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[None]]]:
    wanted = {item.name for item in request.session.items}
    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(play) for name, play in PLAYS.items() if name in wanted}


@pytest.mark.fault(7)
@side_by_side
def test_the_socket_is_removed() -> None:
    """Who has a connection keeps it. A listener that begins then has none: it says so and waits."""
    with scene(PLAIN, ONE) as acted:
        listener = acted.supervisord.process_pid("reload")
        with without_socket(acted):
            acted.save("two")
            pid = acted.wait_for_text("two")
            acted.wait_for_log("complete: ")
            os.kill(listener, signal.SIGKILL)
            acted.wait_for_log(AWAY)
            assert "its socket file is gone, and supervisord makes it only when it starts" in degraded(acted)
            acted.save("three")
            assert "" == acted.stays_quiet(0.7), "it is told once"
            assert ("two", pid) == acted.ask()
        acted.wait_for_text("three")
        acted.wait_for_log("supervisord answers again")
        assert "" == degraded(acted)
        assert 1 == acted.count(AWAY + "|ERROR|Traceback")
        assert 1 == acted.count(r"s\.sock can't be asked: No such file .*; trying again")


@pytest.mark.fault(8)
@side_by_side
def test_a_password_that_is_not_supervisords() -> None:
    """Changed in the file, while supervisord has the old one still: one line says where it comes from."""
    port = free_port()
    server = f"\n[inet_http_server]\nport=127.0.0.1:{port}\nusername=ann\npassword=the-first-one\n"

    def by_password(acted: Scene) -> None:
        edit(acted, "priority", f"serverurl=http://127.0.0.1:{port}\npriority")

    with scene(PLAIN, ONE, head=PREAMBLE, more=server, prepare=by_password) as acted:
        pid = acted.wait_for_text("one")
        edit(acted, "the-first-one", "the-second-one")
        kill_listener(acted)
        acted.wait_for_log(r"refused the user name or password \(401\): .* \[inet_http_server\]\. .* again")
        assert degraded(acted).endswith("Put the right ones there, then supervisorctl restart reload")
        acted.save("two")
        assert "" == acted.stays_quiet(0.7), "it is told once"
        assert ("one", pid) == acted.ask()
        edit(acted, "the-second-one", "the-first-one")
        kill_listener(acted)
        acted.wait_for_text("two")
        assert "" == degraded(acted)
        assert 1 == acted.count("401")


@pytest.mark.fault(9)
@side_by_side
def test_a_supervisord_that_hangs() -> None:
    """Its programs serve on; a call ends at its limit, and when it goes on, so do we, with one signal."""
    with scene(PLAIN, ONE) as acted:
        pid = acted.wait_for_text("one")
        os.kill(acted.supervisord.pid, signal.SIGSTOP)
        try:
            acted.save("two")
            until = time.monotonic() + LIMIT  # the limit of a call is 5 s
            while not (told := degraded(acted)):  # the log is no help: it comes by supervisord
                assert ("one", pid) == acted.ask()
                assert time.monotonic() < until
            assert "no answer within 5 s. Is it stopped (ps shows T; kill -CONT goes on)" in told
        finally:
            os.kill(acted.supervisord.pid, signal.SIGCONT)
        acted.wait_for_text("two")
        acted.wait_for_log("complete: ")
        assert "" == degraded(acted)
        assert 1 == acted.count(AWAY)
        assert 1 == acted.count("supervisord answers again")
        assert 1 == acted.count("web draining")


@side_by_side
def test_the_state_directory_is_removed() -> None:
    """``rm -rf`` in the wrong place: all of it is made again, and a second listener still finds the first."""
    with scene(PLAIN, ONE, more=LISTENER.replace(":reload]", ":again]") + "autostart=false\n") as acted:
        state = acted.directory / "supervisor_reload-supervisor"
        before = {path.name for path in state.iterdir()}
        shutil.rmtree(state)
        acted.save("two")
        acted.wait_for_text("two")
        acted.wait_for_log("lock was removed or replaced, and is locked anew")
        assert {"journal", "journal.reserve", "lock"} <= before & {path.name for path in state.iterdir()}
        assert 0o700 == state.stat().st_mode & 0o777
        told = status(acted, "--json").object
        assert acted.supervisord.process_pid("reload") == told["listener"]["pid"]
        assert "READY" == told["targets"][0]["condition"]
        acted.supervisord.rpc.supervisor.startProcess("again", False)
        acted.wait_for_log(f"ERROR pid {told['listener']['pid']} is the listener here already")
        assert 1 == acted.count("was removed, replaced or cut by somebody else")


@pytest.mark.fault(24)
@side_by_side
def test_stderr_that_takes_nothing() -> None:
    """Its disk is full: what it would say is lost, and it hears and works on."""
    directory, port = short_directory(), free_port()
    try:
        command = "supervisor-reload listen"
        listener = LISTENER.replace(command, f"sh -c 'exec {command} 2>/dev/full'")
        supervisord = Supervisord(directory, listener + (PLAIN + ONE).format(port=port))
        acted = Scene(directory, supervisord, port)
        shutil.copy(Path(__file__).with_name("app.py"), directory / "app.py")
        acted.src.mkdir()
        acted.save("one")
        with supervisord:
            supervisord.wait_for(lambda: '"phase":"READY"' in journal_of(acted), LIMIT, "a listener at work")
            for text in ("two", "three"):
                acted.save(text)
                acted.wait_for_text(text)
            supervisord.rpc.supervisor.stopProcess("web:web")
            acted.supervisord.wait_for(lambda: "by_hand" in journal_of(acted), LIMIT, "that it heard of it")
            assert "RUNNING" == supervisord.state("reload")
            assert "" == acted.log()
            assert "UNKNOWN" not in supervisords_log(acted)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.fault(23)
@side_by_side
def test_no_room_for_the_journal() -> None:
    """What is under way is finished, nothing new begins, and with room again it is made up for as one."""
    directory = short_directory()
    try:
        with small_disk(directory / "disk", "1m") as disk:
            own = f"\n[reload]\nstate_dir={disk}/state\n"
            with scene(SWAP.replace("startsecs=1", "startsecs=0"), TWO, more=own) as acted:
                filling = fill(disk)
                acted.save("two")
                acted.wait_for_log("ERROR journal: can't be written .*No space left on device")
                told = acted.count("rolling out")
                if told:  # and put off at once, where the disk failed before anything was done
                    acted.wait_for_log("complete: |waits: the journal")
                began = told - acted.count("waits: the journal")
                pid = acted.wait_for_text("two" if began else "one")
                acted.save("three")
                acted.save("four")
                assert "" == acted.stays_quiet(0.7)
                assert pid == acted.ask()[1]
                filling.unlink()
                acted.wait_for_text("four")
                acted.wait_for_log("journal: is written again")
                acted.wait_for_log("complete: ", began + 1)
                assert told + 1 == acted.count("rolling out")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


NOISY = """
import builtins, os
real = builtins.__import__

def noisy(name, *rest, **named):
    if name in ("watchdog.events", "pathspec"):
        os.write(1, b"stray bytes\\n")
        os.system("echo stray child")
        print("stray print", flush=True)
    return real(name, *rest, **named)

builtins.__import__ = noisy
"""
"""A library that talks while it is imported."""


@pytest.mark.fault(36)
@side_by_side
def test_junk_on_stdout() -> None:
    """A library prints, a child echoes: it is in the log, and not on the way to supervisord."""

    def prepare(acted: Scene) -> None:
        noise = acted.directory / "noise"
        noise.mkdir()
        (noise / "sitecustomize.py").write_text(NOISY)
        path = os.pathsep.join(filter(None, [str(noise), os.environ.get("PYTHONPATH", "")]))
        edit(acted, "buffer_size", f'environment=PYTHONPATH="{path}"\nbuffer_size')

    with scene(PLAIN, ONE, prepare=prepare) as acted:
        acted.supervisord.rpc.supervisor.stopProcess("web:web")
        acted.wait_for_log("stopped by hand")
        for word in ("bytes", "child", "print"):
            assert acted.count(f"^stray {word}$"), word
        assert "UNKNOWN" not in supervisords_log(acted)


EVENTS = 900


@pytest.mark.fault(37)
@side_by_side
def test_a_flood_of_events() -> None:
    """As many at once as supervisord keeps for us: each is acknowledged, and none is thrown away."""
    with scene(PLAIN, ONE) as acted:
        send = acted.supervisord.rpc.supervisor.sendRemoteCommEvent
        acted.wait_for_log("ready after")  # while it starts, supervisord can only keep what it has room for
        acted.save("two")
        for number in range(EVENTS):
            send("flood", str(number))
        acted.wait_for_text("two")
        acted.wait_for_log("complete: ")
        assert 1 == acted.count("rolling out")
        assert not re.search("overflow|UNKNOWN|rejected", supervisords_log(acted))


DIES = "import os, threading\nthreading.Timer(0.5, os._exit, [3]).start()"


@pytest.mark.fault(30)
@side_by_side
def test_ready_and_then_dead() -> None:
    """It answers, and dies before min_ready is over: the old process was not touched."""
    with scene(SWAP.replace("startsecs=1", "startsecs=0"), TWO + "min_ready=3\nfailure_limit=1\n") as acted:
        pid = acted.wait_for_text("one")
        acted.save("two", DIES)
        acted.wait_for_log(r"rollout 1: halted: .* still serves\. Held")
        assert ("one", pid) == acted.ask()
        assert 0 == acted.count(r"rollout 1: .* (retiring|draining)")


@pytest.mark.fault(32)
@side_by_side
def test_a_program_that_the_signal_kills() -> None:
    """HUP ends a program that does not know it: told as such, and it is started again on the new code."""
    program = PLAIN.replace("startsecs=0", "startsecs=1").replace("autorestart=true", "autorestart=false")
    with scene(program, ONE + "strategy=signal\n") as acted:
        pid = acted.wait_for_text("one")
        acted.save("two")
        assert pid != acted.wait_for_text("two")
        acted.wait_for_log(r"halted: web: ended by a signal; nothing is ready\. Trying again")

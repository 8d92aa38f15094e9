"""supervisord's own death and return: its listener leaves, its programs live on and keep their ports."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.scene import LIMIT, ONE, PLAIN, SWAP, TWO, Scene, scene
from tests.integration.supervisord import descendants, wait_for

pytestmark = pytest.mark.integration

LIVES = PLAIN.replace("startsecs=0", "startsecs=1")
"""A program on a port of its own, which fails when it can't have that"""

LEAVES_WITHIN = 3.0
"""Seconds: measured 0.06, and a second or so is promised; the rest is for a busy machine"""


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no zombie that init has not reaped yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def orphaned(acted: Scene) -> Iterator[set[int]]:
    """kill -9 of supervisord; the programs that live on, which are ended at the end."""
    listener = acted.supervisord.process_pid("reload")
    below = descendants(acted.supervisord.pid)
    began = time.monotonic()
    acted.supervisord.kill()
    try:
        wait_for(lambda: not is_alive(listener), LEAVES_WITHIN, "the listener's end")
        assert time.monotonic() - began < LEAVES_WITHIN
        yield {pid for pid in below if is_alive(pid)}
    finally:
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def end_by_hand(pid: int) -> None:
    """As an operator who read the log."""
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not is_alive(pid), LIMIT, f"the end of {pid}")


def at_rest(acted: Scene) -> str:
    """Nothing is under way."""
    return "one"


def in_a_rollout(acted: Scene) -> str:
    """The new process is there, and not ready yet, or has just become so."""
    acted.save("two")
    acted.wait_for_log(r"rollout 1: web started")
    wait_for(lambda: acted.ask()[0] == "two", LIMIT, "the new process's first answer")
    return "two"


@pytest.mark.fault(6)
@pytest.mark.parametrize("moment", [at_rest, in_a_rollout])
def test_a_stranger_on_the_port_is_named_and_left_alone(moment: Callable[[Scene], str]) -> None:
    """By pid. The listener works on, and when the stranger was ended by hand all is well."""
    with scene(LIVES, ONE) as acted:
        text = moment(acted)
        with orphaned(acted) as orphans:
            (orphan,) = orphans
            assert (text, orphan) == acted.ask()
            acted.supervisord.start()
            acted.wait_for_log(rf"web failed: .*; 127\.0\.0\.1:{acted.port} is held by pid {orphan} \(")
            assert 1 <= acted.count(rf"app\.py {acted.port}\), which is not a process of this supervisord")
            listener = acted.supervisord.process_pid("reload")
            acted.supervisord.wait_for(lambda: acted.supervisord.state("reload") == "RUNNING")
            assert (text, orphan) == acted.ask()

            ready = acted.count("web ready after")
            end_by_hand(orphan)
            if acted.supervisord.state("web") == "FATAL":
                acted.supervisord.rpc.supervisor.startProcess("web", False)
            assert orphan != acted.wait_for_text(text)  # also from BACKOFF: supervisord tries again
            acted.wait_for_log("web ready after", times=ready + 1)
            acted.save("three")
            acted.wait_for_text("three")
            assert listener == acted.supervisord.process_pid("reload")
            assert 2 == acted.count("watches web")


@pytest.mark.fault(6)
def test_strangers_on_a_socket_of_supervisords_own() -> None:
    """supervisord binds an fcgi-program's socket itself, and does not start while an orphan has it.

    So there is no listener to say it: supervisord's own words do, and the documentation.
    """
    with scene(SWAP, TWO) as acted, orphaned(acted) as orphans:
        with pytest.raises(AssertionError, match="supervisord ended with 1"):
            acted.supervisord.start(limit=LIMIT)
        said = (acted.directory / "supervisord.out").read_text()
        address = f"tcp://127.0.0.1:{acted.port}"
        assert f"Could not create FastCGI socket {address}: [Errno 98] Address already in use" in said
        for orphan in orphans:
            end_by_hand(orphan)
        acted.supervisord.start()
        acted.wait_for_text("one")


@pytest.mark.fault(5)
def test_supervisorctl_reload_in_the_middle_of_a_rollout() -> None:
    """supervisord stops everything and begins anew, in the same process: the next listener finds no other."""
    with scene(SWAP, TWO) as acted:
        listener = acted.supervisord.process_pid("reload")
        acted.save("two")
        acted.wait_for_log(r"rollout 1: web:web_0[01] started")
        subprocess.run(
            ["supervisorctl", "-c", str(acted.supervisord.conf), "reload"],
            env=acted.supervisord.environment,
            check=True,
            capture_output=True,
            timeout=LIMIT,
        )
        wait_for(lambda: not is_alive(listener), LIMIT, "the listener's end")
        acted.wait_for_log("watches web", times=2)
        acted.wait_for_text("two")
        acted.save("three")
        acted.wait_for_text("three")
        assert 0 == acted.count("ERROR")


def test_a_stray_term_is_not_the_end() -> None:
    """``kill PID``, or whoever frees memory: only what supervisord itself stops stays stopped."""
    with scene(PLAIN, ONE) as acted:
        running = acted.supervisord
        running.wait_for(lambda: running.state("reload") == "RUNNING", LIMIT, "startsecs")
        os.kill(running.process_pid("reload"), signal.SIGTERM)
        acted.wait_for_log("watches web", times=2)
        acted.save("two")
        acted.wait_for_text("two")
        running.rpc.supervisor.stopProcess("reload")
        assert "STOPPED" == running.state("reload")

"""Files that change while the listener is down, with a real supervisord: it comes back and knows which."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from supervisor_reload.core.adoption import EVENTS_COME, TOGETHER
from supervisor_reload.edges.processes import born, started
from tests.integration.scene import ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration

STAYS_DOWN = "autorestart=false\n"
"""of the event listener, whose section comes right before"""

RULES = """check=python
run_on=
  requirements.txt -> sh -c 'cat %(here)s/src/requirements.txt >> %(here)s/installed'
  *.scss -> sh -c 'echo built >> %(here)s/built'
ignore_on=*.scss
"""


def with_files(act: Scene) -> None:
    (act.src / "requirements.txt").write_text("flask\n")
    (act.src / "style.scss").write_text("1")
    (act.src / "helper.py").write_text("X = 1\n")


@contextmanager
def down(act: Scene) -> Iterator[None]:
    """The listener is killed, and started again in the end."""
    supervisord = act.supervisord
    supervisord.wait_for(lambda: supervisord.state("reload:reload") == "RUNNING", what="startsecs")
    os.kill(supervisord.process_pid("reload:reload"), signal.SIGKILL)
    supervisord.wait_for(lambda: supervisord.state("reload:reload") == "EXITED", what="the listener's end")
    watching = act.count("watches web")
    yield
    supervisord.rpc.supervisor.startProcess("reload:reload", False)
    act.wait_for_log("watches web", watching + 1)


@contextmanager
def settled() -> Iterator[Scene]:
    with scene(STAYS_DOWN + PLAIN, ONE + RULES, prepare=with_files) as act:
        act.stays_quiet(2 * EVENTS_COME)
        yield act


def test_code_that_changed_while_the_listener_was_down() -> None:
    """
    Nothing changed is nothing done. Bad code is refused, by the check of just the file that changed; good
    code is rolled out by its name, and a file that is gone is told, too.
    """
    with settled() as act:
        pid = act.wait_for_text("one")
        with down(act):
            pass
        assert "rolling out" not in act.stays_quiet()
        with down(act):
            act.save("two", "def (\n")
        act.wait_for_log("code_under_test.py: refused")
        assert act.wait_for_text("one") == pid
        with down(act):
            act.save("two")
            (act.src / "helper.py").unlink()
        assert act.wait_for_text("two") != pid
        act.wait_for_log("rollout 1: complete")
        rollout = next(line for line in act.log().splitlines() if "rolling out" in line)
        assert "code_under_test.py" in rollout
        assert "requirements.txt" not in rollout
        assert not (act.directory / "installed").exists()


def test_commands_for_what_changed_while_the_listener_was_down() -> None:
    """
    The command of a file that changed runs once, before the code is rolled out; the others don't.
    """
    with settled() as act:
        with down(act):
            (act.src / "requirements.txt").write_text("django\n")
            act.save("two")
        act.wait_for_text("two")
        act.wait_for_log("rollout 1: complete")
        assert (act.directory / "installed").read_text() == "django\n"
        assert not (act.directory / "built").exists()
        with down(act):
            (act.src / "style.scss").write_text("2")
        act.supervisord.wait_for((act.directory / "built").exists, what="the command of the style sheet")
        assert "rolling out" not in act.stays_quiet()  # a command that was cut short would run again
        with down(act):
            pass
        assert "rolling out" not in act.stays_quiet()
        assert (act.directory / "installed").read_text() == "django\n"
        assert (act.directory / "built").read_text() == "built\n"


def test_a_journal_that_is_lost() -> None:
    """
    The listener is killed, its state removed, and bad code saved: nobody knows what runs, so what is younger
    than the processes is checked, and refused; then good code is rolled out.
    """
    with settled() as act:
        pid = act.wait_for_text("one")
        born_at = started(born(pid))
        assert born_at is not None
        act.supervisord.wait_for(
            lambda: time.monotonic() > born_at + TOGETHER, what="a process that is older than the listener"
        )
        with down(act):
            shutil.rmtree(act.directory / "supervisor_reload-supervisor")
            act.save("two", "def (\n")
        act.wait_for_log("code_under_test.py: refused")
        assert act.wait_for_text("one") == pid
        with down(act):
            shutil.rmtree(act.directory / "supervisor_reload-supervisor")
            act.save("three")
        assert act.wait_for_text("three") != pid
        act.wait_for_log("rollout 1: complete")
        assert act.count("rolling out") == 1

"""``status --watch`` and Ctrl-Z: the terminal is given back for a while, and then drawn anew."""

from __future__ import annotations

import os
import pty
import signal

from supervisor_reload.showing.screens import ENTER, LEAVE, Terminal, View
from tests.fakes.children import child

READY = View(lines=("web  READY",), told={}, code=0)


def test_a_terminal_is_given_back_for_a_while() -> None:
    """
    What was there before comes back, and afterwards all is drawn again, though nothing changed.
    """
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:
        screen = Terminal(stream)
        screen.show(READY)
        drawn = os.read(master, 1000).decode()
        assert drawn.startswith(ENTER)
        screen.leave()
        assert os.read(master, 1000).decode() == LEAVE
        screen.enter()
        screen.show(READY)
        stream.flush()
        assert os.read(master, 1000).decode() == drawn
    os.close(master)


STOPPED = """
import os, sys
from supervisor_reload.showing.ending import stopped_between

def say(word):
    os.write(1, word)

with stopped_between(lambda: say(b"left "), lambda: say(b"entered\\n")):
    print("up", flush=True)
    sys.stdin.readline()
"""


def test_ctrl_z_stops_after_the_terminal_was_left() -> None:
    """
    And what comes first when it goes on is to enter it.
    """
    with child(STOPPED) as process:
        assert process.stdout is not None
        os.kill(process.pid, signal.SIGTSTP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert os.read(process.stdout.fileno(), 100) == b"left "
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.readline() == b"entered\n"

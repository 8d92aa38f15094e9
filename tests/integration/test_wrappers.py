"""The table of wrappers says what really becomes of a signal: each that is installed is tried with a program
that has a child, in a process group of its own, as supervisord starts it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from supervisor_reload.recognising import Passing, command_of
from tests.integration.supervisord import wait_for

pytestmark = pytest.mark.integration

PROGRAM = """\
import os, signal, sys
from pathlib import Path

def tell(number, frame):
    with Path(sys.argv[1], name).open("a") as file:
        file.write(f"{number} ")

name = "main"
for number in (signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, tell)
if os.fork() == 0:
    name = "child"
Path(sys.argv[1], f"{name}.part").write_text(str(os.getpid()))
Path(sys.argv[1], f"{name}.part").rename(Path(sys.argv[1], f"{name}.pid"))
while True:
    signal.pause()
"""

TRIED = [
    "{program}",
    "nohup {program}",
    "nice -n 1 {program}",
    "ionice -c 3 {program}",
    "stdbuf -oL {program}",
    "taskset -c 0 {program}",
    "setpriv --no-new-privs {program}",
    "env A=1 {program}",
    "timeout 60 {program}",
    "timeout --foreground 60 {program}",
    "tini -s -- {program}",
    "tini -s -g -- {program}",
    "dumb-init -- {program}",
    "dumb-init --single-child -- {program}",
    "setsid --wait {program}",
    "dash -c '{program}'",
    "dash -c 'cd / && exec {program}'",
    "bash -c '{program}'",
    "bash -c 'cd / && {program}'",
    "bash -c '{program} || exit 1'",
    "bash -c '{program} | cat'",
    "bash -c 'cd / && {program} > /dev/null'",
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@contextmanager
def running(command: str, place: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """The wrapper, and the pids of the program and its child; nothing of them is left at the end."""
    started = subprocess.Popen(shlex.split(command), start_new_session=True, stdout=subprocess.DEVNULL)
    found = []
    try:
        for name in ("main", "child"):
            file = place / f"{name}.pid"
            found.append(int(wait_for(file.read_text, 10, f"{name} of {command}")))
        yield started, found[0], found[1]
    finally:
        for pid in (*found, started.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        started.wait(10)


def got(place: Path, name: str) -> list[int]:
    """The signals that one of the two has told of."""
    file = place / name
    return [int(number) for number in file.read_text().split()] if file.exists() else []


@pytest.mark.parametrize("command", TRIED)
def test_what_becomes_of_a_signal(command: str, place: Path) -> None:
    """
    HUP to the process that supervisord would have started ends up where the table says.
    """
    if shutil.which(shlex.split(command)[0]) is None and command != TRIED[0]:
        pytest.skip("not installed")
    program = f"{sys.executable} {place}/program.py {place}"
    written = command.format(program=program)
    staying = command_of(written).staying
    passing = staying[0][1] if staying else Passing.BECOMES
    with running(written, place) as (wrapper, main, child):
        assert (wrapper.pid == main) is (passing is Passing.BECOMES)
        os.kill(wrapper.pid, signal.SIGHUP)
        if passing is Passing.LEAVES:
            wait_for(lambda: wrapper.poll() is not None, 10, "the wrapper's end")
            os.kill(main, signal.SIGUSR1)
            wait_for(lambda: signal.SIGUSR1 in got(place, "main"), 10, "a sign of the program")
            assert signal.SIGHUP not in got(place, "main")
            return
        wait_for(lambda: signal.SIGHUP in got(place, "main"), 10, "HUP at the program")
        os.kill(child, signal.SIGUSR1)
        wait_for(lambda: signal.SIGUSR1 in got(place, "child"), 10, "a sign of the child")
        assert (signal.SIGHUP in got(place, "child")) is (passing is Passing.TO_ALL)
        assert wrapper.poll() is None

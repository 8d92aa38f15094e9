"""``supervisor-reload run`` as a developer uses it: saves, crashes, Ctrl-C and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.running import SERVE, Run, run
from tests.integration.supervisord import free_port, wait_for

__all__ = ["run"]  # the fixture

pytestmark = pytest.mark.integration


def supervisord_of(run: Run) -> int:
    """The pid of the embedded supervisord."""
    return int((run.places()[0] / "supervisord.pid").read_text())


def test_a_save_starts_the_new_code(run):
    """
    The first process runs at once; a save replaces it by one that runs the new code.
    """
    run.save("one")
    run.serve()
    old = run.wait_version("one")
    run.save("two")
    new = run.wait_version("two")
    wait_for(lambda: not Path(f"/proc/{old}").exists())
    assert Path(f"/proc/{new}").exists()
    assert run.versions() == ["one", "two"]
    run.wait_said(f"(pid {new})")
    assert "serve.py: restarting" in run.said()


def test_a_syntax_error_touches_nothing(run):
    """
    With a Python command a save that does not compile leaves the old process alone, and says where it is.
    """
    run.save("one")
    run.serve()
    old = run.wait_version("one")
    (run.code / "serve.py").write_text("def broken(:\n")
    run.wait_said("SyntaxError")
    assert f"pid {old} still runs the old" in run.said()
    assert str(run.code / "serve.py") in run.said()
    run.save("two")
    run.wait_version("two")
    assert run.versions() == ["one", "two"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_leaving_leaves_nothing(run, number):
    """
    A signal ends everything with status 0: no process, no file.
    """
    run.save("one")
    run.serve()
    began = time.monotonic()
    assert run.stop(number) == 0
    assert time.monotonic() - began < 3
    assert run.processes() == []
    assert run.places() == []


def test_killed_leaves_nothing(run):
    """
    kill -9 of run itself: supervisord notices, stops the program, and removes the directory.
    """
    run.save("one")
    run.serve()
    assert len(run.processes()) >= 4
    run.stop(signal.SIGKILL)
    wait_for(lambda: not run.processes(), 10, "the processes' end")
    assert run.places() == []


def test_supervisord_killed(run):
    """
    kill -9 of the embedded supervisord: run says so, ends the orphans and fails.
    """
    run.save("one")
    process = run.serve()
    os.kill(supervisord_of(run), signal.SIGKILL)
    assert process.wait(10) == 1
    assert "supervisord ended by itself" in run.said()
    assert run.processes() == []
    assert run.places() == []


def test_second_interrupt_kills(run):
    """
    A program that ignores TERM gets its time; a second Ctrl-C ends it at once.
    """
    (run.code / "serve.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE.format(version="deaf")
    )
    process = run.serve("--stop-timeout", "60")
    process.send_signal(signal.SIGINT)
    run.wait_said("again kills it")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    assert run.stop() == 0
    assert run.processes() == []
    assert run.places() == []


@pytest.mark.fault(32)
def test_a_stubborn_program_meets_the_stop_timeout(run):
    """
    A program that ignores TERM is killed after the stop timeout.
    """
    (run.code / "serve.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE.format(version="deaf")
    )
    run.serve("--stop-timeout", "1")
    assert run.stop(limit=8) == 0
    assert run.processes() == []


def test_ended_by_itself(run):
    """
    A program that ends is reported and left alone; the next save starts it again.
    """
    (run.code / "serve.py").write_text(
        "import os, sys, time\nwhile not os.path.exists('../end'):\n    time.sleep(0.02)\nsys.exit(7)\n"
    )
    run.serve()
    (run.home / "end").touch()
    run.wait_said("exited with status 7; waiting for a change")
    run.save("two")
    run.wait_version("two")


def test_dead_before_anybody_looked(run):
    """
    A program that crashes at once is reported, is not tried again and again, and starts on the next save.
    """
    (run.code / "serve.py").write_text(
        "import os, sys\nwith open(os.environ['TRACE'], 'a') as t:\n    t.write('bad 0\\n')\nsys.exit(3)\n"
    )
    run.start("--", sys.executable, "serve.py")
    run.wait_said("exited with status 3; waiting for a change")
    run.save("two")
    run.wait_version("two")
    assert run.versions() == ["bad", "two"]


def test_a_shell_in_between(run):
    """
    What a shell started is ended before its successor starts, so that a port is free again.
    """
    port = free_port()
    (run.code / "serve.py").write_text(
        f"import socket\nport = socket.create_server(('127.0.0.1', {port}))\n" + SERVE.format(version="one")
    )
    run.start("--", "/bin/sh", "-c", f"{sys.executable} serve.py; true")
    old = run.wait_version("one")
    run.wait_said("started (pid")
    text = (run.code / "serve.py").read_text()
    (run.code / "serve.py").write_text(text.replace("'one'", "'two'"))
    run.wait_version("two")
    wait_for(lambda: not Path(f"/proc/{old}").exists())
    assert "Address already in use" not in run.said()


def test_signal_strategy(run):
    """
    With --signal the process stays, and gets the signal on a save.
    """
    (run.code / "serve.py").write_text(
        "import os, signal\n"
        "def hear(*_):\n"
        "    with open(os.environ['TRACE'], 'a') as trace:\n"
        "        trace.write(f'heard {os.getpid()}\\n')\n"
        "signal.signal(signal.SIGHUP, hear)\n" + SERVE.format(version="one")
    )
    run.serve("--signal", "HUP")
    pid = run.wait_version("one")
    (run.code / "other.txt").write_text("new")
    assert run.wait_version("heard") == pid


def test_what_is_watched(run):
    """
    Several directories are watched, and only what is not excluded counts.
    """
    lib = run.home / "lib, with comma"
    lib.mkdir()
    run.save("one")
    run.serve("--watch", ".", "--watch", str(lib), "--exclude", "*.dat", "--exclude", "data/")
    (run.code / "x.dat").write_text("1")
    (lib / "helper.txt").write_text("1")
    wait_for(lambda: len(run.started()) == 2)
    run.wait_said("started in")
    (run.code / "x.dat").write_text("2")
    (lib / "helper.txt").write_text("2")  # the first may have come before the first reading
    run.wait_said("helper.txt: restarting")
    wait_for(lambda: len(run.started()) == 3)
    assert "x.dat" not in run.said()

"""What goes wrong around a real listener: a socket that is gone, a wrong password, a supervisord that hangs.

Rows of docs/faults.md that no other test proves with real parts.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration import scene as scenes
from tests.integration.scene import LISTENER, ONE, PLAIN, TWO, Scene, scene
from tests.integration.supervisord import PREAMBLE, free_port

pytestmark = pytest.mark.integration

AWAY = r"WARNING supervisord at .*; trying again"

IGNORED = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
"""

DIES = """
import threading, os
threading.Timer(0.4, os._exit, [3]).start()
"""

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


def kill_listener(acted: Scene) -> None:
    os.kill(acted.supervisord.process_pid("reload"), signal.SIGKILL)


@contextmanager
def without_socket(acted: Scene) -> Iterator[None]:
    """supervisord's socket has no name for a while, as when somebody tidied up /tmp."""
    kept = acted.directory / "kept"
    kept.hardlink_to(acted.supervisord.socket_file)
    acted.supervisord.socket_file.unlink()
    try:
        yield
    finally:
        kept.rename(acted.supervisord.socket_file)


@pytest.mark.fault(7)
def test_the_socket_is_removed() -> None:
    """Who has a connection keeps it. A listener that begins then has none: it touches nothing, and says why."""
    with scene(PLAIN, ONE) as acted:
        listener = acted.supervisord.process_pid("reload")
        with without_socket(acted):
            acted.save("two")
            pid = acted.wait_for_text("two")
            acted.wait_for_log("complete: ")
            os.kill(listener, signal.SIGKILL)
            acted.wait_for_log(AWAY)
            acted.save("three")
            assert "" == acted.stays_quiet(0.7), "it is told once"
            assert ("two", pid) == acted.ask()
        acted.wait_for_text("three")
        acted.wait_for_log("supervisord answers again")
        assert 1 == acted.count(AWAY + "|ERROR|Traceback")
        assert 1 == acted.count(r"s\.sock can't be asked: \[Errno 2\] No such file or directory; trying again")


@pytest.mark.fault(8)
def test_a_password_that_is_not_supervisords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changed in the file, while supervisord has the old one still: one line says where it comes from."""
    port = free_port()
    server = f"\n[inet_http_server]\nport=127.0.0.1:{port}\nusername=ann\npassword=the-first-one\n"
    listener = LISTENER.replace("priority", f"serverurl=http://127.0.0.1:{port}\npriority")
    monkeypatch.setattr(scenes, "LISTENER", listener)
    with scene(PLAIN, ONE, head=PREAMBLE, more=server) as acted:
        conf = acted.supervisord.conf
        right = conf.read_text()
        pid = acted.wait_for_text("one")
        conf.write_text(right.replace("the-first-one", "the-second-one"))
        kill_listener(acted)
        acted.wait_for_log(r"refused the user name or password \(401\): .* \[inet_http_server\] .*; trying again")
        acted.save("two")
        assert "" == acted.stays_quiet(0.7), "it is told once"
        assert ("one", pid) == acted.ask()
        conf.write_text(right)
        kill_listener(acted)
        acted.wait_for_text("two")
        assert 1 == acted.count("401")


@pytest.mark.fault(9)
def test_a_supervisord_that_hangs() -> None:
    """Its programs serve on; a call ends at its limit, and when it goes on, so do we, with one signal."""
    with scene(PLAIN, ONE) as acted:
        pid = acted.wait_for_text("one")
        os.kill(acted.supervisord.pid, signal.SIGSTOP)
        try:
            acted.save("two")
            until = time.monotonic() + 5.5  # the limit of a call is 5 s
            while time.monotonic() < until:
                assert ("one", pid) == acted.ask()
        finally:
            os.kill(acted.supervisord.pid, signal.SIGCONT)
        acted.wait_for_text("two")
        acted.wait_for_log("complete: ")
        assert 1 == acted.count(r"can't be asked: timed out; trying again")
        assert 1 == acted.count("supervisord answers again")
        assert 1 == acted.count("web draining")

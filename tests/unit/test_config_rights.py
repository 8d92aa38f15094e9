"""Whose processes the listener may look into, as far as the configuration tells."""

from __future__ import annotations

import os
import pwd

import pytest

from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, SOCKET, WEB

OTHER, THIRD = sorted({user.pw_uid for user in pwd.getpwall()} - {0})[:2]
"""Users that exist (supervisord knows no other number), and are not root."""


@pytest.fixture(autouse=True)
def users(monkeypatch):
    """Whoever runs the tests, they are read by nobody of these."""
    monkeypatch.setattr(os, "geteuid", lambda: -1)


def _as(section: str, user: int | None) -> str:
    return section if user is None else f"{section.rstrip()}\nuser={user}\n"


@pytest.mark.parametrize(
    ("supervisord", "listener", "program"),
    [
        (None, OTHER, None),
        (None, OTHER, 0),
        (None, OTHER, THIRD),
        (0, OTHER, None),
        (THIRD, OTHER, None),
        (THIRD, None, OTHER),
    ],
)
@pytest.mark.parametrize("ready", ["", "ready=http://127.0.0.1:1/\n", "ready=tcp://127.0.0.1:1\n"])
def test_listener_may_not_look(place, supervisord, listener, program, ready):
    """
    Neither root nor the program's user: no probe that must know whose answer it is could ever succeed.
    """
    head = (
        HEAD if supervisord is None else HEAD.replace("[supervisord]", f"[supervisord]\nuser={supervisord}")
    )
    (error,) = place.errors(head, _as(LISTENER, listener), _as(SOCKET, program), RELOAD, ready)
    scheme = ready[6:].split(":")[0] or "accepting"
    assert error.startswith(
        f"{WEB}ready: {scheme} needs a look into the processes of [fcgi-program:web], which run as "
    )
    assert "[eventlistener:reload] runs as " in error
    assert error.endswith(
        ": give both the same user, run the listener as root, or set ready to running or to a command"
    )


def test_listener_may_not_look_at_the_work(place):
    """
    drain=connections reads what the processes hold.
    """
    keys = "ready=running\ndrain=connections\nquiesce_signal=USR1\n"
    (error,) = place.errors(HEAD, _as(LISTENER, OTHER), _as(SOCKET, THIRD), RELOAD, keys)
    assert error.startswith(f"{WEB}drain: connections needs a look into the processes of [fcgi-program:web]")
    assert error.endswith("run the listener as root, or set drain to exit or to a command")


@pytest.mark.parametrize(
    ("supervisord", "listener", "program", "ready"),
    [
        (None, None, None, "accepting"),
        (None, None, OTHER, "accepting"),
        (None, 0, OTHER, "accepting"),
        (None, OTHER, OTHER, "accepting"),
        (OTHER, OTHER, None, "accepting"),
        (OTHER, None, OTHER, "accepting"),
        (None, OTHER, THIRD, "running"),
        (None, OTHER, None, "message"),
    ],
)
def test_listener_may_look_or_need_not(place, supervisord, listener, program, ready):
    """
    Root, the same user, or a readiness that needs no look: nothing to say.
    """
    head = (
        HEAD if supervisord is None else HEAD.replace("[supervisord]", f"[supervisord]\nuser={supervisord}")
    )
    socket = _as(SOCKET, program).rstrip() + "\nstdout_capture_maxbytes=1KB\n"
    assert place.warnings(head, _as(LISTENER, listener), socket, RELOAD, f"ready={ready}\n") == []


def test_supervisord_may_be_the_listeners_user(place, monkeypatch):
    """
    Read by that user, it may be right: supervisord may have been started by the same one. A warning.
    """
    monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    (warning,) = place.warnings(HEAD, _as(LISTENER, OTHER), SOCKET, RELOAD)
    name = pwd.getpwuid(OTHER).pw_name
    assert f"which run as whoever starts supervisord, and [eventlistener:reload] runs as {name}:" in warning
    assert place.warnings(HEAD, _as(LISTENER, OTHER), PLAIN, RELOAD) == []

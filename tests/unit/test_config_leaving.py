"""The keys of the way in and the way out: what is read, what is doubted, and what would prove nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor_reload.core.model import DrainSettings, ReadySettings
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, SOCKET, WEB

CAPTURED = PLAIN + "stdout_capture_maxbytes=1KB\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exit", DrainSettings()),
        ("Connections", DrainSettings(scheme="connections")),
        ("message", DrainSettings(scheme="message")),
        (
            "http://127.0.0.1:90%(process_num)02d/drain",
            DrainSettings(scheme="http", address="http://127.0.0.1:9000/drain"),
        ),
        ("https://[::1]/d", DrainSettings(scheme="http", address="https://[::1]/d")),
        ("/bin/test -e 'a b'", DrainSettings(scheme="command", command=("/bin/test", "-e", "a b"))),
    ],
)
def test_drain_is_read(place, text, expected):
    """
    Each kind of look.
    """
    keys = f"drain={text}\nquiesce_signal=SIGUSR1\nlame_duck=1.5\n"
    settings = place.target(CAPTURED, RELOAD, keys)
    assert settings.slots[0].drain == expected
    assert (settings.quiesce_signal, settings.lame_duck) == ("USR1", 1.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("notify", ReadySettings(scheme="notify")),
        ("message", ReadySettings(scheme="message")),
        ("unix:///run/web.sock", ReadySettings(scheme="unix", address="unix:///run/web.sock")),
        ("unix:/run/web.sock", ReadySettings(scheme="unix", address="unix:///run/web.sock")),
    ],
)
def test_ready_is_read(place, text, expected):
    """
    What the application says itself, and unix sockets.
    """
    ready = place.target(CAPTURED, RELOAD, f"ready={text}\n").slots[0].ready
    if expected.scheme == "notify":
        assert ready.address.startswith("@supervisor-reload/")
        ready = replace(ready, address="")
    assert ready == expected


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [("", 10.0), ("drain=connections\n", 30.0), ("drain=connections\ndrain_timeout=99\n", 99.0)],
)
def test_drain_timeout_knows_what_it_limits(place, keys, seconds):
    """
    With drain=exit supervisord's stopwaitsecs limits it too; a measured drain comes before that begins.
    """
    settings = place.target(PLAIN, RELOAD, keys + "quiesce_signal=USR1\n")
    assert settings.drain_timeout == seconds


def test_no_quiesce_signal(place):
    """
    ``none`` is none, and so is nothing.
    """
    for keys in ("", "quiesce_signal=none\n"):
        assert place.target(PLAIN, RELOAD, keys).quiesce_signal == ""


def test_where_notices_are_heard(place):
    """
    The address is of the slot and the supervisord; a program's own NOTIFY_SOCKET comes first.
    """
    socket = SOCKET + "environment=A=1\n"
    slots = place.target(socket, RELOAD, "ready=notify\n").slots
    addresses = [slot.notify_socket for slot in slots]
    assert len(set(addresses)) == 4
    assert all(address.startswith("@supervisor-reload/") for address in addresses)
    own = SOCKET + 'environment=NOTIFY_SOCKET="/run/n"\n'
    slots = place.target(own, RELOAD, "ready=notify\n").slots
    assert {slot.notify_socket for slot in slots} == {"/run/n"}
    slots = place.target(socket, RELOAD).slots
    assert {slot.notify_socket for slot in slots} == {""}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("drain=connections", "drain: nothing tells a process to take no new work before it is looked at"),
        ("drain_interval=1", "drain_interval: drain=exit looks at nothing"),
        ("drain=http://127.0.0.1:1/\nquiesce_signal=USR1", "drain: several processes would be asked at http"),
        ("drain=connections\nquiesce_signal=USR1\ndrain_interval=60", "drain_interval: 60 seconds are more"),
        (
            "ready=notify",
            "ready: nobody tells [fcgi-program:web] where to say READY=1: begin its command with",
        ),
        ("ready=/bin/true", "ready: the processes share a socket, so the command itself must tell"),
    ],
)
def test_what_is_doubted(place, keys, expected):
    """
    It works, but hardly as it was meant.
    """
    (warning,) = place.warnings(HEAD, LISTENER, SOCKET, RELOAD, keys, "\n")
    assert warning.startswith(WEB + expected)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0", "localhost", "no-such-host.example"]
)
def test_an_address_of_this_machine(place, host):
    """
    Loopback is; a name may be, and is not looked up.
    """
    assert place.warnings(HEAD, LISTENER, SOCKET, RELOAD, f"ready=http://{host}:8000/\n") == []


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            PLAIN.replace("/bin/cat", "supervisor-reload exec -- cat"),
            "supervisord hands it no socket, so exec",
        ),
        (PLAIN.replace("/bin/cat", "supervisor-reload exec --no-socket -- cat"), ""),
        (
            PLAIN.replace("/bin/cat", "supervisor-reload exec -- cat --no-socket"),
            "supervisord hands it no socket",
        ),
        (SOCKET.replace("/bin/cat", "supervisor-reload exec -- cat"), ""),
        (SOCKET.replace("/bin/cat", "supervisor-reload exec -- 'cat"), ""),
    ],
)
def test_exec_needs_a_socket(place, program, expected):
    """
    Or the word that there is none.
    """
    errors = place.errors(HEAD, LISTENER, program, RELOAD, "ready=nonsense://\n")
    found = [error for error in errors if "command: supervisord hands" in error]
    assert len(found) == bool(expected)
    assert expected in "".join(found)


@pytest.mark.parametrize(
    "command",
    [
        "supervisor-reload exec -- cat",
        "supervisor-reload uvicorn web:app --fd 0",
        "python -m supervisor_reload.contrib.hypercorn web:app",
        "python -m supervisor_reload exec -- cat",
    ],
)
def test_who_tells_where_to_say_ready(place, command):
    """
    Each of our own verbs does, so there is nothing to warn of.
    """
    program = SOCKET.replace("/bin/cat", command).replace("stopwaitsecs=20", "stopwaitsecs=30")
    assert place.warnings(HEAD, LISTENER, program, RELOAD, "ready=notify\n") == []


@pytest.mark.parametrize(
    ("command", "is_warned"),
    [
        ("supervisor-reload uvicorn web:app --fd 0", True),
        ("supervisor-reload uvicorn web:app --fd 0 --timeout-graceful-shutdown=9", False),
        ("python -m supervisor_reload.contrib.hypercorn web:app", True),
        ("uvicorn web:app --fd 0", False),
    ],
)
def test_a_server_that_would_be_killed_before_its_own_limit(place, command, is_warned):
    """
    Then nobody counts what was cut.
    """
    warnings = place.warnings(HEAD, LISTENER, SOCKET.replace("/bin/cat", command), RELOAD)
    assert [
        f"{WEB.replace('reload:', 'fcgi-program:')}stopwaitsecs: is 20," in warning for warning in warnings
    ] == ([True] if is_warned else [])


@pytest.mark.parametrize("drain", ["none", ""])
def test_a_drain_that_waits_for_nothing(place, drain):
    """
    It has a name.
    """
    (error,) = place.errors(HEAD, LISTENER, PLAIN, RELOAD, f"drain={drain}\n")
    assert error.endswith("waits for nothing: write exit, and the stop signal comes at once")


@pytest.mark.parametrize(
    ("command", "is_wrong"),
    [
        ("gunicorn web:app --bind fd://0", True),
        ("supervisor-reload exec -- gunicorn web:app --bind=fd://0", True),
        ("supervisor-reload exec -- gunicorn web:app", False),
        ("uvicorn web:app --fd 0", False),
    ],
)
def test_gunicorn_removes_the_file_of_a_unix_socket(place, command, is_wrong):
    """
    Which is not its own.
    """
    unix = SOCKET.replace("tcp://127.0.0.1:8000", "unix:///run/web.sock").replace("/bin/cat", command)
    if is_wrong:
        (error,) = place.errors(HEAD, LISTENER, unix, RELOAD)
        assert "command: gunicorn with --bind removes the file" in error
    else:
        assert place.warnings(HEAD, LISTENER, unix, RELOAD) == []


def test_the_socket_of_a_program_is_what_must_accept(place):
    """
    The probe knows it, also where the program has others.
    """
    for socket in ("tcp://127.0.0.1:8000", "unix:///run/web.sock"):
        text = SOCKET.replace("tcp://127.0.0.1:8000", socket)
        assert place.target(text, RELOAD).slots[0].ready.address == socket


def test_nobody_would_hear_a_message(place):
    """
    Our listener must ask for these events.
    """
    deaf = LISTENER.replace("PROCESS_COMMUNICATION,", "")
    errors = place.errors(HEAD, deaf, CAPTURED, RELOAD, "ready=message\n")
    assert any(
        error.endswith("events: lacks PROCESS_COMMUNICATION, the messages that [reload:web] waits for")
        for error in errors
    )

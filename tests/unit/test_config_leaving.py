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

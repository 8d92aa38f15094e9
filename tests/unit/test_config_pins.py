"""What ``check`` says of sockets that close, and of our section in supervisord."""

from __future__ import annotations

import pytest

from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, SOCKET

OURS = """
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface
"""
ONE = SOCKET.replace("numprocs=4", "numprocs=1")
REFUSED = "HERE/supervisord.conf: [reload:web] max_surge: [fcgi-program:web] has no process left while "


@pytest.mark.parametrize(
    ("program", "keys", "count"),
    [
        (ONE, "", "it is replaced"),
        (SOCKET, "max_unavailable=4\n", "all 4 are replaced at once"),
        (SOCKET, "max_unavailable=100%\n", "all 4 are replaced at once"),
        (SOCKET, "replicas=1\n", "it is replaced"),
    ],
)
def test_clients_would_be_refused(place, program, keys, count):
    """
    Where all processes of a socket may be away at once, nobody keeps it open.
    """
    told = place.warnings(HEAD, LISTENER, program, RELOAD, keys)
    (warning,) = [text for text in told if text.startswith(REFUSED + count)]
    assert warning.endswith(OURS.strip())
    told.remove(warning)
    assert place.warnings(HEAD, LISTENER, OURS, program, RELOAD, keys) == told


@pytest.mark.parametrize(
    ("program", "keys"),
    [
        (PLAIN, ""),
        (SOCKET, ""),
        (SOCKET, "replicas=3\nmax_surge=1\nmax_unavailable=3\n"),
        (SOCKET, "programs=web:web_00\n"),
        (ONE, "strategy=signal\nsignal=HUP\n"),
    ],
)
def test_somebody_always_has_the_socket(place, program, keys):
    """
    No socket of supervisord's, or a process that stays: nothing to say.
    """
    assert place.warnings(HEAD, LISTENER, program, RELOAD, keys) == []


@pytest.mark.parametrize(
    "spec",
    [
        "supervisor_reload.rpcinterface:make_rpc_interface",
        "supervisor_reload:make_rpcinterface",
        "supervisor_reload.rpcinterface",
        "supervisor_relaod.rpcinterface:make_rpcinterface",
        "supervisor-reload.rpcinterface:make_rpcinterface",
    ],
)
def test_misspelt_factory(place, spec):
    """
    supervisord would not start; the error says what to write, and is the only one.
    """
    interface = OURS.replace("supervisor_reload.rpcinterface:make_rpcinterface", spec)
    assert place.errors(HEAD, LISTENER, interface, ONE, RELOAD) == [
        f"HERE/supervisord.conf: [rpcinterface:reload] supervisor.rpcinterface_factory: {spec!r} can't be "
        "found, and supervisord would not start: write supervisor_reload.rpcinterface:make_rpcinterface"
    ]


def test_interfaces_of_others(place):
    """
    An interface of somebody else is not ours to judge, and keeps no socket.
    """
    other = (
        "\n[rpcinterface:twiddler]\nsupervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make\n"
    )
    (warning,) = place.warnings(HEAD, LISTENER, other, ONE, RELOAD)
    assert warning.startswith(REFUSED)


@pytest.mark.parametrize(
    ("here", "there", "is_noted"),
    [
        ("", "", False),
        ("state_dir=%(here)s/mine", "", True),
        ("state_dir=%(here)s/mine", "state_dir=HERE/mine", False),
        ("state_dir=%(here)s/mine", "state_dir=HERE/other", True),
        ("", "state_dir=HERE/other", True),
    ],
)
def test_state_dir_of_both(place, here, there, is_noted):
    """
    supervisord hands out the journal of the directory that its own section names.
    """
    there = there.replace("HERE", str(place.directory))
    found = place.warnings(HEAD, LISTENER, OURS, there, "\n", ONE, "[reload]\n", here, "\n", RELOAD)
    assert [is_noted] == [bool(found)]
    if found:
        assert "status from elsewhere (-s) would find nothing: write state_dir=HERE/" in found[0]


def test_supervisord_expands_no_here_in_it(place):
    """
    It would not start, so it is an error.
    """
    (error,) = place.errors(HEAD, LISTENER, OURS, "state_dir=%(here)s/mine\n", ONE, RELOAD)
    assert "contains names ('here') which cannot be expanded" in error


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (
            "relase_after=3",
            "relase_after: unknown option, did you mean 'release_after'?; known are: release_after, "
            "state_dir",
        ),
        ("zebra=3", "zebra: unknown option; known are: release_after, state_dir"),
        (
            "release_after=0",
            "release_after: 0 seconds may be over while the one process of a group is replaced, or until a "
            "killed listener is back, and clients would be refused: let it be 2 or more",
        ),
        ("release_after=5s", "release_after: '5s' is not a number of seconds from 0 to 31622400; 5 is used"),
    ],
)
def test_wrong_option(place, option, expected):
    """
    supervisord works on with the default, so it is a warning.
    """
    assert place.warnings(HEAD, LISTENER, OURS, option, "\n", ONE, RELOAD) == [
        f"HERE/supervisord.conf: [rpcinterface:reload] {expected}"
    ]

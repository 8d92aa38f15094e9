"""The configuration as operators write it, and what is read of it."""

from __future__ import annotations

import os

import pytest

from supervisor_reload.core.model import LogFormat, ObserverKind, TargetSettings
from tests.fakes.place import GROUPED, HEAD, LISTENER, PLAIN, RELOAD, SOCKET


def test_least_configuration_has_all_defaults(place):
    """
    Two lines make a target, with the defaults that the documentation promises.
    """
    reading = place.read(HEAD, LISTENER, PLAIN, RELOAD)
    (target,) = reading.settings.targets
    (slot,) = target.slots
    assert (target.name, slot.name, slot.startsecs, slot.ready.scheme) == ("web", "web:web", 1.0, "running")
    assert target.watch.paths == (str(place.directory / "app"),)
    assert (target.replicas, target.max_surge, target.max_unavailable) == (1, 0, 1)
    assert (target.drain_timeout, target.stop_timeout, target.stop_signal) == (10.0, 10.0, "TERM")
    assert reading.settings.state_dir == str(place.directory / "run" / "supervisor_reload-supervisor")
    assert reading.server_url == f"unix://{place.directory}/run/supervisor.sock"
    assert reading.files == (str(place.conf),)
    assert reading.warnings == ()


def test_table_of_keys_and_settings_have_the_same_defaults(place):
    """
    What the table of keys documents as a default is what the settings say by themselves.
    """
    target = place.target(PLAIN, RELOAD)
    plain = TargetSettings(name="web", slots=target.slots, watch=target.watch)
    for name in ("signal", "strategy", "failure_limit", "min_interval", "max_per_hour", "check"):
        assert getattr(target, name) == getattr(plain, name), name
    defaults = type(target.watch)(paths=target.watch.paths)
    assert target.watch == defaults
    assert target.slots[0].ready == type(target.slots[0].ready)()


def test_every_key_is_read(place):
    """
    Every key that can be written arrives where it belongs.
    """
    (place.directory / "other").mkdir()
    target = place.target(
        SOCKET,
        """
[reload]
state_dir=%(here)s/state
log_format=JSON
log_level=warn
quiet_period=9
[reload:api]
programs=web
watch=%(here)s/app,
    %(here)s/other
include=*.py
exclude=*.log, !keep.log
gitignore=off
observer=polling
poll_interval=2
quiet_period=0.5
max_wait=3
git_wait=4
check=/bin/true --fast 'a b'
check_timeout=5
replicas=50%
max_surge=25%
max_unavailable=100%
drain=exit
drain_timeout=6
stop_signal=sigterm
ready=tcp://127.0.0.1:80%(process_num)02d
ready_interval=0.1
ready_timeout=7
min_ready=8
failure_limit=2
min_interval=10
max_per_hour=11
""",
    )
    assert target.watch.paths == (str(place.directory / "app"), str(place.directory / "other"))
    assert (target.watch.include, target.watch.exclude) == (("*.py",), ("*.log", "!keep.log"))
    assert (target.watch.gitignore, target.watch.observer) == (False, ObserverKind.POLLING)
    assert (target.watch.poll_interval, target.watch.quiet_period) == (2, 0.5)
    assert (target.watch.max_wait, target.watch.git_wait) == (3, 4)
    assert (target.check.command, target.check.timeout) == (("/bin/true", "--fast", "a b"), 5)
    assert (target.replicas, target.max_surge, target.max_unavailable) == (2, 1, 2)
    assert (target.drain_timeout, target.stop_timeout, target.stop_signal) == (6, 20, "TERM")
    assert [slot.ready.address for slot in target.slots] == [
        f"tcp://127.0.0.1:800{number}" for number in range(4)
    ]
    ready = target.slots[0].ready
    assert (ready.scheme, ready.interval, ready.timeout, ready.min_ready) == ("tcp", 0.1, 7, 8)
    assert (target.failure_limit, target.min_interval, target.max_per_hour) == (2, 10, 11)


def test_common_section_gives_defaults(place):
    """
    A key in [reload] holds for every target that does not have its own, and the journal's place is common.
    """
    own = "[program:two]\ncommand=/bin/cat\n[reload:two]\nwatch=%(here)s/app\nquiet_period=2\n"
    common = "[reload]\nquiet_period=1\nstate_dir=%(here)s/state\nlog_format=json\nlog_level=warn\n"
    found = place.settings(HEAD, LISTENER, PLAIN, RELOAD, own, common)
    assert [target.watch.quiet_period for target in found.targets] == [1, 2]
    assert found.state_dir == str(place.directory / "state")
    assert (found.log_format, found.log_level) == (LogFormat.JSON, "warning")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("", (4, 0, 1)),
        ("max_surge=1", (3, 1, 1)),
        ("max_surge=2\nmax_unavailable=0", (2, 2, 0)),
        ("replicas=2\nmax_surge=50%", (2, 1, 1)),
        ("replicas=3\nmax_surge=10%", (3, 1, 1)),  # up
        ("max_unavailable=49%", (4, 0, 1)),  # down
        ("max_unavailable=50%%", (4, 0, 2)),
        ("max_unavailable=1%", (4, 0, 1)),  # rounded down to nothing, with no spare: 1, as in Kubernetes
        ("replicas=75%\nmax_surge=1", (3, 1, 1)),
    ],
)
def test_numbers(place, keys, expected):
    """
    Absolute numbers and percentages become numbers of processes as Kubernetes would round them.
    """
    target = place.target(SOCKET, RELOAD, keys)
    assert (target.replicas, target.max_surge, target.max_unavailable) == expected


@pytest.mark.parametrize(
    ("ready", "scheme", "address", "command"),
    [
        ("running", "running", "", ()),
        ("Accepting", "accepting", "tcp://127.0.0.1:8000", ()),
        ("tcp://localhost:1", "tcp", "tcp://localhost:1", ()),
        ("http://[::1]:80/a?b=c", "http", "http://[::1]:80/a?b=c", ()),
        ("https://localhost/", "http", "https://localhost/", ()),
        ("/bin/test -e '/tmp/a b'", "command", "", ("/bin/test", "-e", "/tmp/a b")),
        ("/bin/echo %(process_num)d of %(numprocs)d", "command", "", ("/bin/echo", "0", "of", "4")),
        ("/bin/echo %(group_name)s %(ENV_HOME)s", "command", "", ("/bin/echo", "web", os.environ["HOME"])),
    ],
)
def test_ready(place, ready, scheme, address, command):
    """
    Each way to be ready is told apart by its first word, and knows its own process.
    """
    found = place.target(SOCKET, RELOAD, f"ready={ready}").slots[0].ready
    assert (found.scheme, found.address, found.command) == (scheme, address, command)


def test_ready_by_default(place):
    """
    A program with supervisord's socket is asked whether it accepts; any other is ready when it runs.
    """
    assert {slot.ready.scheme for slot in place.target(SOCKET, RELOAD).slots} == {"accepting"}
    assert {slot.ready.scheme for slot in place.target(PLAIN, RELOAD).slots} == {"running"}


@pytest.mark.parametrize(
    ("programs", "slots"),
    [
        ("all", ["all:a0", "all:a1", "all:b"]),
        ("a", ["all:a0", "all:a1"]),
        ("all:a1", ["all:a1"]),
        ("all:*", ["all:a0", "all:a1", "all:b"]),
        ("c, all:b", ["c:c", "all:b"]),
        ("all, a", ["all:a0", "all:a1", "all:b"]),
    ],
)
def test_programs(place, programs, slots):
    """
    Groups, programs in a group, and single processes can be named; a process named twice is there once.
    """
    target = place.target(GROUPED, f"[reload:x]\nwatch=%(here)s/app\nprograms={programs}\n")
    assert [slot.name for slot in target.slots] == slots


def test_relative_watch_is_below_the_programs_directory(place):
    """
    A relative path begins where the program begins.
    """
    target = place.target(PLAIN, f"directory={place.directory}\n", "[reload:web]\nwatch=app\n")
    assert target.watch.paths == (str(place.directory / "app"),)


def test_included_file_has_its_own_here(place):
    """
    %(here)s is the directory of the file that says it, and an error names that file.
    """
    part = place.directory / "conf.d" / "web.conf"
    (part.parent / "code").mkdir(parents=True)
    part.write_text(PLAIN + "[reload:web]\nwatch=%(here)s/code\n")
    reading = place.read(HEAD, LISTENER, "[include]\nfiles=conf.d/*.conf none/*.conf\n")
    assert reading.settings.targets[0].watch.paths == (str(part.parent / "code"),)
    assert reading.files == (str(place.conf), str(part))
    assert [str(warning) for warning in reading.warnings] == [
        f"{place.conf}: [include] files: no file matches 'none/*.conf'"
    ]
    part.write_text(PLAIN + "[reload:web]\nwatch=%(here)s/cod\nquite_period=1\n")
    assert place.errors(HEAD, LISTENER, "[include]\nfiles=conf.d/*.conf\n") == [
        "HERE/conf.d/web.conf: [reload:web] quite_period: unknown key; did you mean 'quiet_period'?",
        "HERE/conf.d/web.conf: [reload:web] watch: 'HERE/conf.d/cod' does not exist",
    ]


def test_environment_of_supervisord_can_be_used(place):
    """
    What [supervisord] environment= sets is known as %(ENV_X)s, as it is in a program's keys.
    """
    head = HEAD.replace("[supervisord]", '[supervisord]\nenvironment=CODE="app"')
    found = place.settings(head, LISTENER, PLAIN, "[reload:web]\nwatch=%(here)s/%(ENV_CODE)s\n")
    assert found.targets[0].watch.paths == (str(place.directory / "app"),)

"""What the interface does inside supervisord when something there is not as it should be: a line, no more."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from supervisor import datatypes, process

from supervisor_reload.inside import descriptors
from supervisor_reload.inside.binding import Binding
from supervisor_reload.inside.guard import Guard
from supervisor_reload.inside.pins import Pins
from supervisor_reload.inside.section import LONGEST, RELEASE_AFTER, Options, read_options
from supervisor_reload.inside.waking import Pace, Waker
from tests.integration.supervisord import free_port


class Log:
    """A logger as supervisord's."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, text: str) -> None:
        self.lines.append(text)

    info = warn


class Config:
    """A socket configuration as Supervisor's."""

    def __init__(self, url: str = "tcp://here:1", **more: object) -> None:
        self.url = url
        self.__dict__.update(more)


@pytest.fixture
def pins():
    kept = Pins()
    yield kept
    for pin in tuple(kept):
        kept.release(pin.url)


def test_what_fails_is_told_once():
    """
    The default comes back, and one line says what is lost and why; after a restart of supervisord again.
    """
    guard, log = Guard(), Log()
    guard.renew(log)
    for _ in range(3):
        assert guard.attempt("it is lost", 7, lambda: 1 // 0) == 7
    assert log.lines == [
        "supervisor_reload: it is lost: ZeroDivisionError: integer division or modulo by zero"
    ]
    guard.renew(log)
    guard.warn("it is lost")
    assert len(log.lines) == 2


def test_a_broken_log_breaks_nothing():
    """
    Without a logger, or with one that raises, there is nobody to tell.
    """
    guard = Guard()
    assert guard.attempt("it is lost", None, lambda: 1 // 0) is None
    guard.renew(object())
    guard.info("nobody hears it")


def test_the_factory_never_raises():
    """
    Not even when it is handed something that is no supervisord; its methods are there all the same.
    """
    code = (
        "from supervisor_reload.rpcinterface import make_rpcinterface as make\n"
        "for made in make(None), make(object(), supervisord='1', x='%'): print(hasattr(made, 'getSockets'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\nTrue\n"


def test_supervisord_imports_next_to_nothing():
    """
    The module brings nothing of ours but itself and what lives inside, and nothing of others but Supervisor.
    """
    code = (
        "import sys, supervisor.rpcinterface, supervisor.options, supervisor.process as _\n"
        "before = set(sys.modules) | sys.stdlib_module_names\n"
        "import supervisor_reload.rpcinterface\n"
        "print(*{name for name in sys.modules if not before & {name, name.partition('.')[0]}})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    names = done.stdout.split()
    assert {name.split(".")[0] for name in names} == {"supervisor_reload"}
    assert {name.split(".")[1] for name in names if "." in name} == {"inside", "rpcinterface"}


@pytest.mark.parametrize("text", ["0", "0.5", "7", str(LONGEST), " 3 "])
def test_release_after(text):
    """
    Seconds from none to a year.
    """
    assert read_options({"release_after": text}) == (Options(release_after=float(text)), [])


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "5s", "never", str(LONGEST + 1)])
def test_wrong_release_after(text):
    """
    The default, and a sentence.
    """
    options, ((key, problem),) = read_options({"release_after": text})
    assert (options.release_after, key) == (RELEASE_AFTER, "release_after")
    assert repr(text) in problem


def test_copies_above_the_limit():
    """
    Where the soft limit is minfds (systemd's 1024), a copy is made above it, and the limit stays as it was.
    """
    code = (
        "import os, resource as r\n"
        "from supervisor_reload.inside.descriptors import high_copy, identity\n"
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (64, hard))\n"
        "copies = [high_copy(0, 64) for _ in range(40)]\n"
        "assert copies == list(range(64, 104)), copies\n"
        "assert r.getrlimit(r.RLIMIT_NOFILE) == (64, hard)\n"
        "assert identity(copies[-1]) == identity(0)\n"
        "assert not os.get_inheritable(copies[-1])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL)


def test_copies_where_the_hard_limit_is_too_low():
    """
    Who is not root gets a low copy, which works until supervisord's next restart.
    """
    code = (
        "import os, resource as r\n"
        "from supervisor_reload.inside.descriptors import best_copy, high_copy\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (64, 64))\n"
        "os.geteuid() or os.setuid(65534)\n"
        "assert 3 <= best_copy(0, 64) < 64\n"
        "try: high_copy(0, 64)\n"
        "except (OSError, ValueError): print('as it should')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.stdout == "as it should\n"


def test_a_number_that_is_somebody_elses_now_is_left_alone(pins, tmp_path):
    """
    supervisord closed our descriptor and its number was given away: it is neither used nor closed.
    """
    config = Config()
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "log").open("w") as log:
        pin = pins.keep(config, server, 200, "web")
        assert pin.fd >= 200
        os.dup2(log.fileno(), pin.fd)
        try:
            assert pins.adopt(config) is None
            assert pins.get(config.url) is None
            assert os.fstat(pin.fd).st_ino == os.fstat(log.fileno()).st_ino
        finally:
            os.close(pin.fd)


def test_an_adopted_socket_is_another_descriptor_of_the_same(pins):
    """
    Its owner may close it; the kept one stays. Another configuration gets it blocking, the same as it is.
    """
    config = Config()
    with socket.create_server(("127.0.0.1", 0)) as server:
        pin = pins.keep(config, server, 200, "web")
        server.setblocking(False)
    with pins.adopt(config) as adopted:
        assert adopted.fileno() != pin.fd
        assert not os.get_blocking(adopted.fileno())
        address = adopted.getsockname()
    with pins.adopt(Config()) as adopted:
        assert os.get_blocking(adopted.fileno())
    socket.create_connection(address, timeout=5).close()
    assert pins.release(config.url)
    assert not pins.release(config.url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


@pytest.mark.parametrize("other", [{"mode": 0o660}, {"owner": (1, 1)}])
def test_another_owner_or_mode_is_bound_anew(pins, other):
    """
    Only a socket that is as it would be bound now is used again.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        pins.keep(Config(mode=0o600, owner=None), server, 200, "web")
    assert pins.adopt(Config(**{"mode": 0o600, "owner": None, **other})) is None
    assert pins.get("tcp://here:1") is None


def test_our_place_is_given_back():
    """
    Supervisor's methods are its own again, but for one that somebody else has wrapped since.
    """
    before = (datatypes.InetStreamSocketConfig.create_and_bind, process.FastCGISubprocess.spawn)
    binding = Binding(lambda config, original: original(config), lambda one, original: original(one))
    binding.install()
    binding.install()
    assert datatypes.InetStreamSocketConfig.create_and_bind is not before[0]
    config = datatypes.InetStreamSocketConfig("127.0.0.1", free_port())
    config.create_and_bind().close()
    ours = process.FastCGISubprocess.spawn
    theirs = process.FastCGISubprocess.spawn = functools.partial(ours)
    try:
        binding.remove()
        assert datatypes.InetStreamSocketConfig.create_and_bind is before[0]
        assert process.FastCGISubprocess.spawn is theirs
    finally:
        process.FastCGISubprocess.spawn = before[1]


def test_a_version_without_our_places(monkeypatch):
    """
    Nothing is changed at all where one of them is missing.
    """
    before = datatypes.InetStreamSocketConfig.create_and_bind
    monkeypatch.delattr(process.FastCGISubprocess, "spawn")
    monkeypatch.delattr(process.Subprocess, "spawn")
    with pytest.raises(AttributeError):
        Binding(lambda config, original: None, lambda one, original: None).install()
    assert datatypes.InetStreamSocketConfig.create_and_bind is before


def test_wakeup_descriptor_of_somebody_else():
    """
    It stays theirs, also when we leave.
    """
    theirs, other = os.pipe()
    os.set_blocking(other, False)
    assert signal.set_wakeup_fd(other) == -1
    waker = Waker(200, lambda: None)
    try:
        assert not waker.listen_to_signals()
        waker.close()
        assert signal.set_wakeup_fd(-1) == other
    finally:
        signal.set_wakeup_fd(-1)
        os.close(theirs)
        os.close(other)


def test_waker_wakes_and_leaves_no_trace():
    """
    A byte makes it readable, however many there were; reading empties it; closed, it is gone everywhere.
    """
    turns: list[int] = []
    waker = Waker(200, lambda: turns.append(1))
    places: dict[int, object] = {}
    waker.join(places)
    ((fd, entry),) = places.items()
    assert waker.listen_to_signals()
    for _ in range(100_000):
        waker.wake()  # full after 65,536
    waker.handle_read_event()
    with pytest.raises(BlockingIOError):
        os.read(fd, 1)
    assert entry.readable()
    assert not entry.writable()
    assert turns == [1]
    waker.close()
    waker.close()
    assert not entry.readable()
    assert places == {}
    assert signal.set_wakeup_fd(-1) == -1
    assert descriptors.identity(fd) is None


def test_pace():
    """
    A process that lived is always worth a wake; of those that end at once, five in ten seconds are.
    """
    pace, now = Pace(), time.time()
    assert all(pace.allows(now - 60) for _ in range(20))
    assert [pace.allows(now) for _ in range(7)] == [True] * 5 + [False] * 2
    assert pace.allows(now + 3600)  # a clock that was set back

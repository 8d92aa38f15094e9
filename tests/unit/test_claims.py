"""Claims: who is second finds the first, and whoever dies holds nothing any more."""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.model import SlotName
from supervisor_reload.edges import claims as claiming
from supervisor_reload.edges import lockfile
from supervisor_reload.edges.claims import Claimed, Claims, name_of
from supervisor_reload.edges.lockfile import NAME
from tests.fakes.children import NOBODY, child
from tests.integration.supervisord import wait_for

A, B, C = SlotName("web:a"), SlotName("web:b ü\udcff"), SlotName("web:c")
SHORT = 0.1
LONG = 20.0
ELSEWHERE = "2147483600 1"
"""A supervisord of which nobody here is a child"""

FIRST = """
import sys
from supervisor_reload.edges.claims import Claims
claims = Claims(sys.argv[1], sys.argv[2])
claims.take(sys.argv[3:])
print("up", flush=True)
input()
"""

SQUATTER = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
claim = socket.socket(socket.AF_UNIX)
claim.bind("\\0" + sys.argv[1])
claim.listen()
print("up", flush=True)
input()
"""


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / "beside" / "state")


@pytest.fixture
def supervisor() -> str:
    """As long as this test runs, no other has this one: abstract names are for the whole machine."""
    return f"{os.getpid()} {threading.get_ident()}-{os.urandom(8).hex()}"


@pytest.fixture
def first(directory: str, supervisor: str) -> Iterator[Claims]:
    claims = Claims(directory, supervisor, limit=0)
    yield claims
    claims.close()


@pytest.mark.fault(38)
def test_the_second_is_told_who_is_first(directory: str, supervisor: str) -> None:
    """The first is a child of the same supervisord (here: of ours), so it is not waited for."""
    with child(FIRST, directory, supervisor) as process, pytest.raises(Claimed) as refusal:
        Claims(directory, supervisor, limit=LONG)
    assert str(refusal.value).startswith(f"pid {process.pid} is the listener here already: ")
    assert str(Path(directory, NAME)) in str(refusal.value)


def test_the_lock_is_ours_alone(first: Claims, directory: str) -> None:
    """0700 and 0600; it holds our pid."""
    assert 0o700 == stat.S_IMODE(os.stat(directory).st_mode)
    assert 0o600 == stat.S_IMODE(Path(directory, NAME).stat().st_mode)
    assert f"{os.getpid()}\n" == Path(directory, NAME).read_text()


def test_who_was_killed_holds_nothing(directory: str, supervisor: str) -> None:
    """Also where it is still dying when the next one comes."""
    with child(FIRST, directory, ELSEWHERE, A) as process:
        taken: list[Claims] = []
        second = threading.Thread(target=lambda: taken.append(Claims(directory, ELSEWHERE, limit=LONG)))
        second.start()
        with pytest.raises(Claimed):
            Claims(directory, ELSEWHERE, limit=SHORT)
        assert second.is_alive()
        process.kill()
        second.join(LONG)
        taken[0].take([A])
        taken[0].close()


def test_a_lock_that_was_given_back_can_be_had(directory: str, supervisor: str) -> None:
    """close() is enough; the file stays."""
    Claims(directory, supervisor).close()
    assert Path(directory, NAME).exists()
    Claims(directory, supervisor, limit=0).close()


def test_a_longer_pid_leaves_nothing_behind(directory: str, supervisor: str) -> None:
    """Whose lock it was is overwritten as a whole."""
    Path(directory).mkdir(parents=True)
    Path(directory, NAME).write_text("123456789012\nand more")
    claims = Claims(directory, supervisor)
    assert f"{os.getpid()}\n" == Path(directory, NAME).read_text()
    claims.close()


def test_a_lock_of_which_the_pid_is_not_known(directory: str, supervisor: str) -> None:
    """Its disk was full: the lock holds all the same."""
    first = Claims(directory, supervisor)
    Path(directory, NAME).write_text("")
    with pytest.raises(Claimed, match=r"^another process is the listener here already"):
        Claims(directory, supervisor, limit=0)
    first.close()


@pytest.mark.fault(48)
def test_a_link_is_not_followed(directory: str, supervisor: str, caplog: pytest.LogCaptureFixture) -> None:
    """What it leads to is not ours to write; the listener works on without a lock."""
    Path(directory).mkdir(parents=True)
    other = Path(directory, "other")
    other.write_text("precious")
    Path(directory, NAME).symlink_to(other)
    Claims(directory, supervisor).close()
    assert "precious" == other.read_text()
    assert "can't be locked" in caplog.text


def test_where_no_directory_can_be(tmp_path: Path, supervisor: str, caplog: pytest.LogCaptureFixture) -> None:
    """That is said, and processes can be claimed nevertheless."""
    (tmp_path / "file").write_text("")
    claims = Claims(str(tmp_path / "file" / "state"), supervisor)
    claims.take([A])
    claims.close()
    assert "can't be locked, so a second listener would not be noticed" in caplog.text


def test_a_lock_that_was_removed_is_not_taken(
    directory: str, supervisor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking it somebody may remove the file: the next one would lock another."""
    lock = lockfile.fcntl.flock
    made: list[int] = []

    def remove_first(file: int, how: int) -> None:
        if not made:
            Path(directory, NAME).unlink()
        made.append(file)
        lock(file, how)

    monkeypatch.setattr(lockfile.fcntl, "flock", remove_first)
    claims = Claims(directory, supervisor)
    assert 2 == len(made)
    assert f"{os.getpid()}\n" == Path(directory, NAME).read_text()
    claims.close()


def test_a_process_has_one_listener(first: Claims, tmp_path: Path, supervisor: str) -> None:
    """Whatever their state directories; the names of others are free."""
    first.take([A, B])
    first.take([A])
    second = Claims(str(tmp_path / "other"), supervisor, limit=0)
    second.take([C])
    with pytest.raises(Claimed) as refusal:
        second.take([B])
    assert f"pid {os.getpid()} is the listener for web:b ü\\udcff already" in str(refusal.value)
    second.close()


def test_it_takes_all_or_none(first: Claims, tmp_path: Path, supervisor: str) -> None:
    """What was taken before stays."""
    first.take([B])
    second = Claims(str(tmp_path / "other"), supervisor, limit=0)
    second.take([C])
    with pytest.raises(Claimed):
        second.take([A, B, C])
    first.take([A])
    with pytest.raises(Claimed):
        first.take([C])
    second.close()
    first.take([C])


def test_what_is_not_kept_can_be_had(first: Claims, tmp_path: Path, supervisor: str) -> None:
    """Settings change: a process moves from one configuration to another."""
    first.take([A, B])
    first.keep([B])
    second = Claims(str(tmp_path / "other"), supervisor, limit=0)
    second.take([A])
    with pytest.raises(Claimed):
        second.take([B])
    second.close()


def test_another_supervisord_has_other_processes(first: Claims, tmp_path: Path) -> None:
    """Of the same name."""
    first.take([A])
    other = Claims(str(tmp_path / "other"), ELSEWHERE, limit=0)
    other.take([A])
    other.close()


def test_a_claim_ends_with_its_holder(directory: str, tmp_path: Path, supervisor: str) -> None:
    """kill -9 is enough."""
    claims = Claims(str(tmp_path / "other"), supervisor, limit=LONG)
    with child(FIRST, directory, supervisor, A) as process:
        with pytest.raises(Claimed, match=f"^pid {process.pid} is the listener for web:a already"):
            claims.take([A])
        process.kill()
        process.wait()
        claims.take([A])
    claims.close()


def test_a_stranger_with_the_name_stops_nobody(
    first: Claims, supervisor: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody may take a name; only a process of ours, or of this supervisord, may be a listener."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    name = name_of(ELSEWHERE, A)[1:].decode()
    with child(SQUATTER, name, str(NOBODY)) as process:
        claims = Claims("/proc/nowhere", ELSEWHERE, limit=SHORT)
        claims.take([A])
        claims.close()
    assert f"pid {process.pid} of user {NOBODY}, no process of this supervisord, has the name" in caplog.text
    with child(SQUATTER, name_of(supervisor, A)[1:].decode(), str(NOBODY)) as process, pytest.raises(Claimed):
        first.take([A])


def test_so_many_asked_that_the_first_is_not_known(first: Claims, tmp_path: Path, supervisor: str) -> None:
    """The queue of those who asked is full; the claim holds."""
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as asking:
        full.bind(name_of(supervisor, A))
        full.listen(0)
        asking.connect(name_of(supervisor, A))
        claims = Claims(str(tmp_path / "other"), supervisor, limit=SHORT)
        with pytest.raises(Claimed, match=r"^another process is the listener for web:a already"):
            claims.take([A])
        claims.close()


def test_where_the_kernel_refuses(
    first: Claims, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No descriptors left: said, and not fatal."""

    def refuse(name: bytes) -> socket.socket:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(claiming, "_bound", refuse)
    first.take([A])
    assert "web:a can't be kept from a second listener: [Errno 24] Too many open files" in caplog.text


@pytest.mark.fault(56)
def test_elsewhere_there_are_no_claims_on_processes(
    first: Claims, tmp_path: Path, supervisor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Abstract names are Linux's."""
    monkeypatch.setattr(claiming.sys, "platform", "darwin")
    first.take([A])
    other = Claims(str(tmp_path / "other"), supervisor, limit=0)
    other.take([A])
    other.close()


def test_children_inherit_nothing(first: Claims) -> None:
    """A check or a hook that outlives us must not keep the next listener out."""
    first.take([A, B])
    open_here = [first._lock.file, *(one.fileno() for one in first._slots.values() if one is not None)]
    assert 3 == len(open_here)
    assert not any(os.get_inheritable(file) for file in open_here if file is not None)


def test_close_gives_everything_back(
    directory: str, supervisor: str, caplog: pytest.LogCaptureFixture
) -> None:
    """May be called twice; no descriptor is left."""
    before = len(os.listdir("/proc/self/fd"))
    claims = Claims(directory, supervisor)
    with caplog.at_level(logging.WARNING):
        claims.take([A, B, C])
    claims.close()
    claims.close()
    wait_for(lambda: len(os.listdir("/proc/self/fd")) == before, SHORT * 10, "descriptors")
    assert "" == caplog.text

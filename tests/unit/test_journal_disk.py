"""Disks that are full, refuse, or fail."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import subprocess
import threading
from pathlib import Path

import pytest

from supervisor_reload.edges.journal import Header
from supervisor_reload.edges.journal.appending import Appending
from supervisor_reload.edges.journal.line import piece, sealed
from supervisor_reload.edges.journal.reading import MOST
from supervisor_reload.edges.journal.reserve import SIZE
from supervisor_reload.edges.journal.syncing import Syncing
from supervisor_reload.edges.journal.writing import LARGE, SMALL
from tests.integration.supervisord import wait_for

from .journaling import FAILED, MENDED, Writer, fill, no_file_beyond, small_disk


def test_a_write_that_fails_in_the_middle(tmp_path):
    """What was written of it is taken away; the newest is kept in mind, and written once it can be."""
    with Writer(tmp_path) as writer:
        writer.write(a={"n": 1})
        with no_file_beyond(writer.path.stat().st_size + 30):
            writer.write(a={"n": 2, "text": "x" * 100})
            writer.write(a={"n": 3, "text": "x" * 100}, b={"n": 3})
            writer.journal.tick()
            assert ({"a": {"n": 1}}, "") == (writer.read().records, writer.read().damage)
            assert writer.path.read_bytes().endswith(b'{"a":{"n":1}}\n')
        assert [FAILED] == writer.kinds
        assert writer.reason == f"the journal {writer.path} can't be written: File too large"
        writer.journal.tick()
        assert {"a": {"n": 3, "text": "x" * 100}, "b": {"n": 3}} == writer.read().records
        assert [FAILED, MENDED] == writer.kinds
        writer.journal.tick()
        assert [FAILED, MENDED] == writer.kinds


def test_what_is_torn_and_can_not_be_taken_away(tmp_path):
    """The next line begins behind it, and is read."""
    path = tmp_path / "journal"
    header = Header(boot="", supervisor="", time=0.0, pid=1)
    file = Appending(str(path), header.line())
    with path.open() as opened, no_file_beyond(len(header.line()) + 20):
        with AppendOnly(opened.fileno()), pytest.raises(OSError, match="File too large"):
            file.append(sealed([piece("a", {"text": "x" * 100})]))
        assert len(header.line()) + 20 == path.stat().st_size
    with path.open() as opened, AppendOnly(opened.fileno()):
        file.append(sealed([piece("a", {"n": 2})]))
    assert file.is_intact()
    file.append(sealed([piece("b", {"n": 3})]))
    assert file.is_intact()
    file.close()
    with Writer(tmp_path) as writer:
        assert {"a": {"n": 2}, "b": {"n": 3}} == writer.found.records
        assert "line 2 is bad" in writer.found.damage
        assert frozenset() == writer.found.doubted


class AppendOnly:
    """chattr +a: such a file can't be cut, not even by its owner (ioctl_iflags(2))."""

    GET, SET, FLAG = 0x80086601, 0x40086602, 0x20

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        try:
            self._before = fcntl.ioctl(self._descriptor, self.GET, b"\0" * 8)
            (flags,) = struct.unpack_from("i", self._before)
            fcntl.ioctl(self._descriptor, self.SET, struct.pack("q", flags | self.FLAG))
        except OSError as error:
            pytest.skip(f"ioctl: {error}")

    def __exit__(self, *_: object) -> None:
        fcntl.ioctl(self._descriptor, self.SET, self._before)


@pytest.mark.fault(23)
def test_a_full_disk(tmp_path):
    """The reserve is for the rollout in hand; it is said, and over when there is room again."""
    with small_disk(tmp_path / "disk", "1m") as disk, Writer(disk) as writer:
        writer.write(a={"n": 0})
        filling = fill(disk)
        number = 0
        while not writer.facts:
            number += 1
            writer.write(a={"n": number, "text": "x" * 500})
        assert [FAILED] == writer.kinds
        assert "No space left on device; what is under way is written into the room" in writer.reason
        assert not writer.facts[-1].is_dire
        assert SIZE // 2 == (disk / "journal.reserve").stat().st_size
        while [FAILED] == writer.kinds:
            number += 1
            writer.write(a={"n": number, "text": "x" * 500})
            assert number == writer.read().records["a"]["n"]
        assert writer.facts[-1].is_dire
        assert {"journal", "filling"} == writer.names
        for _ in range(30):
            number += 1
            writer.write(a={"n": number, "text": "x" * 500})
            assert number == writer.read().records["a"]["n"]
        writer.journal.tick()
        assert [FAILED, FAILED] == writer.kinds
        assert {"journal", "filling"} == writer.names

        fill(disk)
        before = writer.read().records["a"]["n"]
        for number in range(1_000, 1_100):
            writer.write(a={"n": number, "text": "x" * 500}, b={"n": number})
        assert before <= writer.read().records["a"]["n"] < 1_099
        assert "" == writer.read().damage
        assert [FAILED, FAILED] == writer.kinds

        filling.unlink()
        writer.journal.tick()
        assert [FAILED, FAILED, MENDED] == writer.kinds
        assert {"a": {"n": 1_099, "text": "x" * 500}, "b": {"n": 1_099}} == writer.read().records
        assert SIZE == (disk / "journal.reserve").stat().st_size


def test_a_disk_that_was_full_when_we_came(tmp_path):
    """What was left is found; what we write is kept in mind until there is room."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        with Writer(disk) as writer:
            writer.write(a={"n": 1})
        (disk / "journal.reserve").unlink()
        filling = fill(disk)
        with Writer(disk) as writer:
            assert {"a": {"n": 1}} == writer.found.records
            assert [FAILED] == writer.kinds
            writer.write(a={"n": 2})
            assert {"a": {"n": 1}} == writer.read().records
            filling.unlink()
            writer.journal.tick()
            assert {"a": {"n": 2}} == writer.read().records
            assert [FAILED, FAILED, MENDED] == writer.kinds
            assert [False, True] == [fact.is_dire for fact in writer.facts[:2]]


def test_what_is_left_of_the_reserve_is_kept(tmp_path):
    """Who comes to a full disk, where half was given away, finds the other half."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        with Writer(disk):
            os.truncate(disk / "journal.reserve", SIZE // 2)
        fill(disk)
        with Writer(disk) as writer:
            assert [FAILED] == writer.kinds
            assert SIZE // 2 == (disk / "journal.reserve").stat().st_size


def test_a_disk_that_is_mounted_read_only(tmp_path):
    """As the kernel does with a broken one: the reason is told, and it is mended when it can be written."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        with Writer(disk) as writer:
            writer.write(a={"n": 1})
        os.chmod(disk, 0o755)
        _mount(disk, "ro")
        with Writer(disk) as writer:
            writer.write(a={"n": 2})
            writer.journal.tick()
            assert [FAILED] == writer.kinds
            assert "Read-only file system" in writer.reason
            assert {"a": {"n": 1}} == writer.read().records
            _mount(disk, "rw")
            writer.journal.tick()
            assert {"a": {"n": 2}} == writer.read().records
            assert [FAILED, MENDED] == writer.kinds


def _mount(disk: Path, how: str) -> None:
    subprocess.run(("mount", "-o", f"remount,{how}", str(disk)), check=True, timeout=10)


def test_a_file_that_can_not_be_made_shorter(tmp_path, caplog):
    """It goes on growing, and it is tried again after a while; that alone is no failure."""
    free = threading.Event()
    free.set()
    with Writer(tmp_path, Syncing(0.0, lambda descriptor: free.wait(30) and None)) as writer:
        blocked = tmp_path / "journal.new"
        writer.write(a={})
        (blocked / "something").mkdir(parents=True)
        _grow(writer, beyond=SMALL)
        for number in range(20):
            writer.write(a={"n": number})
        assert 1 == caplog.text.count("can't be made shorter: Is a directory")
        (blocked / "something").rmdir()
        blocked.rmdir()
        free.clear()
        _grow(writer, beyond=3 * SMALL)
        assert blocked.exists()
        with no_file_beyond(1_000):  # the new one refuses what was written since it was made
            free.set()
            wait_for(lambda: writer.journal.tick() or "File too large" in caplog.text, 5, "another try")
        assert not blocked.exists()
        _grow(writer, beyond=4 * SMALL + 50_000)
        wait_for(lambda: writer.journal.tick() or writer.path.stat().st_size < SMALL, 5, "a shorter one")
        assert "x" * 10_000 == writer.read().records["a"]["text"]
        assert [] == writer.facts


def _grow(writer: Writer, *, beyond: int) -> None:
    """Until it is so large, or was made shorter meanwhile."""
    size, before = writer.path.stat().st_size, 0
    while before <= size <= beyond:
        writer.write(a={"text": "x" * 10_000})
        before, size = size, writer.path.stat().st_size


def test_larger_than_may_be(tmp_path):
    """A disk that syncs nothing for minutes: the file is replaced all the same."""
    never = threading.Event()
    with Writer(tmp_path, Syncing(0.0, lambda descriptor: never.wait(30) and None)) as writer:
        largest = 0
        for number in range(100):
            writer.write(a={"n": number, "text": "x" * 200_000})
            largest = max(largest, writer.path.stat().st_size)
        assert LARGE < largest < MOST
        assert writer.path.stat().st_size < largest
        assert 99 == writer.read().records["a"]["n"]
        never.set()


def test_a_sync_that_fails(tmp_path):
    """The kernel may have forgotten what it could not bring to the disk; so all is written anew."""
    broken = threading.Event()

    def sync(descriptor: int) -> None:
        if broken.is_set():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Writer(tmp_path, Syncing(0.0, sync)) as writer:
        writer.write(a={"n": 1})
        broken.set()
        writer.write(a={"n": 2})
        before = writer.path.stat().st_ino
        wait_for(lambda: writer.journal.tick() or writer.facts, 5, "the failure")
        assert writer.reason == f"the journal {writer.path} can't be brought to the disk: Input/output error"
        assert before != writer.path.stat().st_ino
        assert {"a": {"n": 2}} == writer.read().records
        for _ in range(3):
            writer.journal.tick()
        assert [FAILED] == writer.kinds
        broken.clear()
        wait_for(lambda: writer.journal.tick() or len(writer.facts) > 1, 5, "a sync")
        assert [FAILED, MENDED] == writer.kinds

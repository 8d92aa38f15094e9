"""What stands where the journal or its directory should be: it is set aside, or refused."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_reload.edges.journal import Header, JournalError, prepare
from supervisor_reload.edges.journal.line import sealed, sealed_values

from .journaling import FAILED, MENDED, Writer


def damaged(path: Path) -> None:
    path.write_bytes(Header(boot="", supervisor="", time=0.0, pid=1).line() + b"bad\n" + sealed([b'"a":{}']))


def newer(path: Path) -> None:
    path.write_bytes(sealed_values({"version": 3}))


def directory(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


def linked(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def emptied(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "aside", "kept"),
    [
        (damaged, "journal.damaged", {"a": {}}),
        (newer, "journal.version-3", {}),
        (directory, "journal.damaged", {}),
        (linked, "journal.damaged", {}),
        (emptied, "journal.damaged", {}),
        (os.mkfifo, "journal.damaged", {}),
    ],
)
def test_what_can_not_be_used_is_set_aside(tmp_path, make, aside, kept):
    """For people to look at; the newest only. A journal that is a file stays until ours replaces it."""
    (tmp_path / aside).write_text("of the time before")
    make(tmp_path / "journal")
    before = (tmp_path / "journal").lstat().st_ino
    for _ in range(2):  # a listener that is killed before it writes leaves the same to the next
        with Writer(tmp_path) as writer:
            assert writer.found.damage or make is directory
            assert kept == writer.found.records
        assert before == (tmp_path / aside).lstat().st_ino
    with Writer(tmp_path) as writer:
        writer.write(b={})
        assert {**kept, "b": {}} == writer.read().records
        assert "" == writer.read().damage
        assert [] == writer.facts
    assert {"journal", "journal.reserve", aside} == writer.names
    assert before == (tmp_path / aside).lstat().st_ino


def test_what_can_not_be_set_aside(tmp_path):
    """It is said; and the journal waits for somebody to make room."""
    directory(tmp_path / "journal")
    directory(tmp_path / "journal.damaged")
    with Writer(tmp_path) as writer:
        assert "could not be kept" in writer.found.damage
        writer.write(a={})
        assert [FAILED] == writer.kinds
        (tmp_path / "journal").rename(tmp_path / "away")
        writer.journal.tick()
        assert {"a": {}} == writer.read().records
        assert [FAILED, MENDED] == writer.kinds


def a_file(path: Path) -> None:
    path.touch()


def a_link(path: Path) -> None:
    path.with_name("real").mkdir()
    path.symlink_to("real")


def somebody_elses(path: Path) -> None:
    path.mkdir()
    try:
        os.chown(path, 12345, -1)
    except OSError as error:
        pytest.skip(f"chown: {error}")


@pytest.mark.fault(48)
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (a_file, "is not a directory"),
        (a_link, "is a symbolic link"),
        (somebody_elses, "belongs to user 12345"),
    ],
)
def test_a_directory_that_is_not_ours(tmp_path, make, why):
    """It is refused, and not touched."""
    path = tmp_path / "state"
    make(path)
    before = path.lstat()
    with pytest.raises(JournalError, match=f"^state_dir {path} {why}.*: set state_dir in "):
        Writer(path).journal.open()
    assert before == path.lstat()
    assert not path.is_dir() or not any(path.iterdir())


def test_a_directory_that_somebody_exchanged(tmp_path):
    """A link is not written through, and what was there before is waited for."""
    path = tmp_path / "state"
    with Writer(path) as writer:
        writer.write(a={"n": 1})
        path.rename(tmp_path / "away")
        (tmp_path / "theirs").mkdir()
        path.symlink_to("theirs")
        writer.write(a={"n": 2})
        assert [FAILED] == writer.kinds
        assert f"state_dir {path} is a symbolic link" in writer.reason
        path.unlink()
        writer.journal.tick()
        assert {"a": {"n": 2}} == writer.read().records
        assert [FAILED, MENDED] == writer.kinds
        assert [] == list((tmp_path / "theirs").iterdir())


def test_a_directory_that_can_not_be_made(tmp_path):
    """The way to it is no directory."""
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="can't be made: Not a directory"):
        prepare(str(tmp_path / "file" / "state"))


@pytest.mark.parametrize(
    ("before", "is_used", "then"),
    [
        (0o755, False, 0o700),
        (0o777, True, 0o755),
        (0o755, True, 0o755),
        (0o1770, True, 0o1750),
        (0o700, True, 0o700),
    ],
)
def test_a_directory_that_was_there(tmp_path, before, is_used, then):
    """Others can't write in it any more; but what else is in it can still be read."""
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(before)
    if is_used:
        (path / "something").touch()
    prepare(f"{path}/")
    assert then == stat.S_IMODE(path.stat().st_mode)


def test_it_imports_little():
    """The commands that only read a journal start as fast as before."""
    code = (
        "import supervisor_reload.edges.journal as _, sys; print({'supervisor', 'sqlite3'} & {*sys.modules})"
    )
    assert b"set()\n" == subprocess.check_output((sys.executable, "-c", code), timeout=30)

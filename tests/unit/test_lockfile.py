"""The lock of a state directory that somebody takes away while its listener works."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.model import SlotName
from supervisor_reload.edges.claims import Claimed, Claims
from supervisor_reload.edges.lockfile import NAME, owner
from tests.fakes.children import child
from tests.unit.test_claims import FIRST

SUPERVISOR = "2147483600 1"
"""of which nobody here is a child"""


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / "beside" / "state")


@pytest.fixture
def first(directory: str) -> Iterator[Claims]:
    claims = Claims(directory, SUPERVISOR, limit=0)
    yield claims
    claims.close()


def remove_lock(directory: str) -> None:
    Path(directory, NAME).unlink()


def remove_directory(directory: str) -> None:
    shutil.rmtree(directory)


def replace_lock(directory: str) -> None:
    """As whoever restores a backup does."""
    Path(directory, "copy").write_text("4711\n")
    Path(directory, "copy").rename(Path(directory, NAME))


@pytest.mark.parametrize("harm", [remove_lock, remove_directory, replace_lock])
def test_a_lock_that_is_taken_away_is_had_again(
    first: Claims,
    directory: str,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[[str], None],
) -> None:
    """Else nobody would find us: not the second listener, and not ``status``."""
    first.take([SlotName(f"web:{os.urandom(8).hex()}")])
    harm(directory)
    assert os.getpid() != owner(directory)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        first.tick()
    assert os.getpid() == owner(directory)
    assert 0o700 == stat.S_IMODE(os.stat(directory).st_mode)
    assert 0o600 == stat.S_IMODE(Path(directory, NAME).stat().st_mode) or harm is replace_lock
    assert before == len(os.listdir("/proc/self/fd"))
    assert 1 == caplog.text.count("was removed or replaced, and is locked anew")
    with pytest.raises(Claimed, match="is the listener here already"):
        Claims(directory, SUPERVISOR, limit=0)


def test_a_tick_where_nothing_is_wrong(
    first: Claims, directory: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same file, untouched, and not a word."""
    before = Path(directory, NAME).stat()
    first.tick()
    assert before == Path(directory, NAME).stat()
    assert "" == caplog.text


def test_another_has_the_lock_meanwhile(
    first: Claims, directory: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named once, and left in peace; when it has gone, the lock is ours again."""
    remove_directory(directory)
    with child(FIRST, directory, SUPERVISOR) as process:
        for _ in range(3):
            first.tick()
        assert process.pid == owner(directory)
        (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert f"was removed, and pid {process.pid} has another one there now" in error.getMessage()
    first.tick()
    assert os.getpid() == owner(directory)


def test_a_lock_that_could_not_be_had_at_first(directory: str, caplog: pytest.LogCaptureFixture) -> None:
    """That is said once; it is locked as soon as that can be."""
    Path(directory).parent.mkdir(parents=True)
    Path(directory).touch()
    claims = Claims(directory, SUPERVISOR)
    claims.tick()
    claims.tick()
    assert 1 == caplog.text.count("can't be locked")
    Path(directory).unlink()
    claims.tick()
    assert os.getpid() == owner(directory)
    assert "is locked now" in caplog.text
    claims.close()
    assert owner(directory) is None

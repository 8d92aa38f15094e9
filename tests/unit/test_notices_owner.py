"""Whose the files of notify's sockets are: the program's user's, and nobody can send before they are."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.model import Rights, SlotName, SlotSettings
from supervisor_reload.edges import ear
from tests.fakes.children import NOBODY, as_nobody
from tests.fakes.speakers import hearing, saying, slot
from tests.integration.supervisord import short_directory, wait_for

LIMIT = 10.0
OTHER = 65533

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@pytest.fixture
def directory() -> Iterator[Path]:
    """Into which every user may go."""
    made = short_directory()
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def told(where: Path, user: int | None, name: str = "web:web") -> SlotSettings:
    made = slot(str(where), name=SlotName(name))
    return replace(made, ready=replace(made.ready, rights=Rights(user=user)))


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_mode & 0o777


KNOCKS = """
import os, socket, sys
os.setuid(NOBODY)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    try:
        sender.connect(sys.argv[1])
        print("open")
    except PermissionError:
        print("shut")
"""


@needs_root
def test_it_is_the_programs_users(directory) -> None:
    """Whose process is heard; a third user does not even get in."""
    mine, others = directory / "mine", directory / "others"
    with hearing(told(mine, NOBODY, "web:0"), told(others, OTHER, "web:1")) as notices:
        assert ((NOBODY, 0o600), (OTHER, 0o600)) == (owner(mine), owner(others))
        with saying(f"os.setuid({NOBODY}); say('READY=1')", str(mine)) as process:
            assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready
        assert ["open\n", "shut\n"] == [as_nobody(KNOCKS, str(path)) for path in (mine, others)]
    assert [] == os.listdir(directory)


@needs_root
def test_the_user_of_a_program_changes_while_we_run(directory, caplog) -> None:
    """The socket is another's then, and stays open; what took its place meanwhile is given to nobody."""
    path = directory / "notify"
    with hearing(told(path, NOBODY)) as notices:
        before = path.lstat().st_ino
        notices.listen_for([told(path, OTHER)])
        assert (OTHER, 0o600) == owner(path)
        notices.listen_for([told(path, None)])
        assert (0, 0o600) == owner(path)
        assert before == path.lstat().st_ino
        precious = directory / "precious"
        precious.write_text("")
        path.rename(directory / "away")
        precious.rename(path)
        notices.listen_for([told(path, NOBODY)])
        assert 0 == path.lstat().st_uid
        path.unlink()
        notices.listen_for([told(path, OTHER)])
    assert [f"notify: {path} can't be given to user {OTHER}: No such file or directory"] == caplog.messages


@needs_root
def test_nobody_else_has_it_for_a_moment(directory, monkeypatch) -> None:
    """While it is made it is in a directory that is ours alone."""
    seen = []
    give = ear._give

    def look(path: str, user: int | None) -> None:
        seen.extend((owner(each), os.listdir(each)) for each in directory.iterdir())
        give(path, user)

    monkeypatch.setattr(ear, "_give", look)
    with hearing(told(directory / "notify", NOBODY)):
        assert [((0, 0o700), ["s"])] == seen


def test_one_that_is_shared_by_programs_of_different_users(directory, caplog) -> None:
    """It can be one user's only: that is said."""
    path = directory / "notify"
    with hearing(told(path, os.geteuid(), "web:0"), told(path, OTHER, "web:1")):
        assert (os.geteuid(), 0o600) == owner(path)
    assert [f"notify: {path} is for one user: web:1 can't use it, so set another"] == caplog.messages


def test_a_path_that_no_sender_could_name(directory) -> None:
    """Said as any other that can't be opened, and nothing is left."""
    path = directory / ("x" * ear.LONGEST)
    with hearing(slot(str(path))) as notices:
        assert notices.why_deaf(str(path)).endswith("a path may have 107 bytes")
    assert [] == os.listdir(directory)


def test_a_name_that_just_fits(directory) -> None:
    """The way on which it is made is no longer than that."""
    path = directory / ("x" * (ear.LONGEST - len(os.fsencode(directory)) - 1))
    with hearing(slot(str(path))) as notices, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        assert "" == notices.why_deaf(str(path))
        sender.connect(str(path))

"""edges/watching: the installed watchdog on real files. Waits for what must come, with a limit."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from supervisor_reload.core.facts import FileChanged
from tests.integration.listener import LIMIT, RESCAN, SETTLED, WRITING


def test_a_save_in_place(app, watch):
    """
    A file that is written to is not settled before it is closed.
    """
    seen = watch(app)
    with (app / "main.py").open("w") as file:
        file.write("half")
        file.flush()
        seen.wait(app / "main.py", WRITING)
        assert FileChanged(target="web", path=str(app / "main.py"), kind=SETTLED) not in seen.facts
    seen.wait(app / "main.py", SETTLED)


def test_a_new_file(app, watch):
    """
    A file that was just made, and is empty, is about to be written.
    """
    seen = watch(app)
    with (app / "new.py").open("w"):
        seen.wait(app / "new.py", WRITING)
    seen.wait(app / "new.py", SETTLED)


@pytest.mark.fault(20)
def test_an_atomic_save(app, watch):
    """
    Moved over the old file: whole at once, and the name that it came from settles too.
    """
    seen = watch(app)
    (app / "main.new").write_text("new")
    os.replace(app / "main.new", app / "main.py")
    seen.wait(app / "main.py")
    seen.wait(app / "main.new")


def test_moved_in_linked_and_deleted(app, tmp_path, watch):
    """
    What comes with its content, and what goes, is settled at once.
    """
    (tmp_path / "outside.py").write_text("x")
    seen = watch(app)
    os.rename(tmp_path / "outside.py", app / "moved.py")
    seen.wait(app / "moved.py")
    os.link(app / "main.py", app / "hard.py")
    seen.wait(app / "hard.py")
    (app / "soft.py").symlink_to("main.py")
    seen.wait(app / "soft.py")
    (app / "moved.py").unlink()
    seen.forget()
    (app / "hard.py").unlink()
    seen.wait(app / "hard.py")


@pytest.mark.fault(21)
def test_noise_is_not_told(app, watch):
    """
    Readers, editors' files, bytecode, other kinds of file and the directories' own times.
    """
    seen = watch(app)
    (app / ".main.py.swp").write_text("x")
    (app / "4913").write_text("x")
    (app / "__pycache__").mkdir()
    (app / "__pycache__" / "main.pyc").write_bytes(b"x")
    os.mkfifo(app / "fifo")
    for _ in range(3):
        (app / "main.py").read_text()
    assert seen.barrier(app) == []


def test_a_change_of_mode_after_the_close_leaves_nothing_open(app, watch):
    """
    The last word on a file that an editor closed, and then changed the mode of, is that it is settled.
    """
    seen = watch(app)
    for content in ("one", "two", "three"):
        (app / "main.py").write_text(content)
        (app / "main.py").chmod(0o640)
        (app / "main.py").chmod(0o644)
    told = [fact.kind for fact in seen.barrier(app) if fact.path == str(app / "main.py")]
    assert told[-1] is SETTLED


def test_only_what_the_filter_lets_through(app, watch):
    """
    include and exclude hold for events too; a .gitignore is always told.
    """
    seen = watch(app, include=("*.py",), exclude=("/generated/",))
    (app / "generated").mkdir()
    (app / "generated" / "x.py").write_text("x")
    (app / "style.css").write_text("x")
    (app / ".gitignore").write_text("x")
    (app / "end.py").write_text("x")
    seen.wait(app / "end.py")
    assert {Path(fact.path).name for fact in seen.facts} == {".gitignore", "end.py"}


def test_new_directories_are_watched(app, watch):
    """
    A directory that appears is to be read, and a file made in it later is told.
    """
    seen = watch(app)
    (app / "a" / "b").mkdir(parents=True)
    (app / "a" / "b" / "x.py").write_text("x")
    seen.wait(app / "a", RESCAN)
    shutil.rmtree(app / "a")
    seen.forget()
    shutil.copytree(app / "pkg", app / "c")
    seen.wait(app / "c", RESCAN)
    (app / "c" / "later.py").write_text("x")
    seen.wait(app / "c" / "later.py")


def test_a_directory_that_was_moved_in_is_watched(app, tmp_path, watch):
    """
    With all that is in it; watchdog 6 does not watch it.
    """
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    seen = watch(app)
    os.rename(tmp_path / "outside", app / "inside")
    seen.wait(app / "inside", RESCAN)
    deadline = time.monotonic() + LIMIT
    number = 0
    while not any(fact.path.startswith(str(app / "inside" / "deep" / "x")) for fact in seen.facts):
        assert time.monotonic() < deadline, "the files of a directory that was moved in are not seen"
        number += 1
        (app / "inside" / "deep" / f"x{number}.py").write_text("x")
        threading.Event().wait(0.05)


def test_names_of_any_bytes(app, watch):
    """
    They arrive as Python spells them, and can be opened.
    """
    seen = watch(app)
    for name in (b"a\nb.py", b"100%s.py", b"-rf", b"\xff\xfe.py"):
        path = os.fsdecode(os.path.join(os.fsencode(app), name))
        Path(path).write_text("x")
        seen.wait(path)

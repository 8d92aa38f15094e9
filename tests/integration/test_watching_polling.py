"""edges/watching: what polling sees, and how often it looks."""

from __future__ import annotations

import itertools
import os
import time

import pytest

from supervisor_reload.core.facts import ChangeKind
from supervisor_reload.core.model import ObserverKind
from supervisor_reload.edges.watching.hints import Hint
from supervisor_reload.edges.watching.polling import Snapshot
from supervisor_reload.edges.watching.roots import identity_of
from supervisor_reload.edges.watching.scope import Scope
from tests.integration.listener import RESCAN


@pytest.fixture
def snapshot(app):
    looked_at = []

    def may_enter(directory):
        looked_at.append(directory)
        return True

    made = Snapshot(
        Scope(
            directory=str(app),
            identity=identity_of(str(app)),
            is_recursive=True,
            may_enter=may_enter,
            learn=None,
            names_only=False,
            most=None,
            poll_interval=1.0,
            tell=looked_at.append,
            tell_lost=lambda: None,
            tell_end=looked_at.append,
        )
    )
    assert made.look(is_first=True) == []
    return made


def _settled(*paths):
    return {Hint(str(path), ChangeKind.SETTLED) for path in paths}


def _rescan(*paths):
    return {Hint(str(path), ChangeKind.RESCAN, is_directory=True) for path in paths}


def test_a_look_without_a_change_says_nothing(app, snapshot):
    """
    Reading a file is none, and neither is what happens to a directory's own time.
    """
    (app / "main.py").read_text()
    os.utime(app / "pkg")
    assert snapshot.look() == []


def test_a_rewrite_of_the_same_size_with_the_same_time(app, snapshot):
    """
    Within a second, and with the old time given back, as rsync --times --inplace does.
    """
    before = (app / "main.py").stat()
    (app / "main.py").write_text("niam")
    assert {*snapshot.look()} == _settled(app / "main.py")
    (app / "main.py").write_text("mina")
    os.utime(app / "main.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert {*snapshot.look()} == _settled(app / "main.py")


def test_links_files_and_directories_that_take_each_others_place(app, snapshot):
    """
    A swapped link, a file in the place of a directory, and the other way round.
    """
    (app / "link").symlink_to("main.py")
    assert {*snapshot.look()} == _settled(app / "link")
    (app / "next").symlink_to("pkg")
    os.replace(app / "next", app / "link")
    assert {*snapshot.look()} == _settled(app / "link")
    (app / "pkg").rmdir()
    (app / "pkg").write_text("x")
    assert {*snapshot.look()} == _settled(app / "pkg") | _rescan(app / "pkg")
    (app / "pkg").unlink()
    (app / "pkg").mkdir()
    (app / "pkg" / "x.py").write_text("x")
    assert {*snapshot.look()} == _settled(app / "pkg") | _rescan(app / "pkg")


def test_what_comes_and_goes(app, snapshot):
    """
    A directory that came or went is told, and not each file in it.
    """
    (app / "a" / "b").mkdir(parents=True)
    (app / "a" / "b" / "x.py").write_text("x")
    (app / "main.py").unlink()
    assert {*snapshot.look()} == _rescan(app / "a", app / "a" / "b") | _settled(app / "main.py")
    (app / "a").rename(app / "c")
    paths = (app / "a", app / "a" / "b", app / "c", app / "c" / "b")
    assert {*snapshot.look()} == _rescan(*paths)


def test_a_tree_that_can_not_be_read_for_a_moment(app, tmp_path, snapshot):
    """
    Nothing is told of it, and afterwards only what really changed.
    """
    app.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        snapshot.look()
    (tmp_path / "away").rename(app)
    assert snapshot.look() == []


def test_a_look_that_takes_long_is_followed_by_a_long_rest(app, watch, monkeypatch):
    """
    Polling never takes more than half of a core, however small the interval is.
    """
    looks = []
    took = 0.1
    look = Snapshot.look

    def slow(self, *, is_first=False):
        looks.append(time.monotonic())
        deadline = looks[-1] + took
        while time.monotonic() < deadline:
            pass
        return look(self, is_first=is_first)

    monkeypatch.setattr(Snapshot, "look", slow)
    seen = watch(app, observer=ObserverKind.POLLING, poll_interval=0.01)
    for number in range(3):
        (app / f"{number}.py").write_text("x")
        seen.wait(app / f"{number}.py")
    pauses = [after - before for before, after in itertools.pairwise(looks)]
    assert len(pauses) >= 3
    assert min(pauses) >= 2 * took


def test_a_single_file_is_polled_too(app, watch):
    """
    Only its own changes are told, also after it was replaced.
    """
    seen = watch(app / "main.py", observer=ObserverKind.POLLING, poll_interval=0.02)
    (app / "other.py").write_text("x")
    (app / "main.new").write_text("new")
    os.replace(app / "main.new", app / "main.py")
    seen.wait(app / "main.py")
    assert {fact.path for fact in seen.facts} == {str(app / "main.py")}
    assert RESCAN not in {fact.kind for fact in seen.facts}

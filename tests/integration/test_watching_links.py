"""edges/watching and edges/sources together: what is behind links that are followed is told."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.facts import FileChanged, RevisionComputed
from supervisor_reload.core.filters import filters_of
from supervisor_reload.core.model import ObserverKind, TargetSettings, WatchSettings
from supervisor_reload.edges.sources import Sources
from supervisor_reload.edges.watching import Watching

LIMIT = 15.0


class Both:
    """A Watching whose hints a Sources reads, as the engine has them."""

    def __init__(self, app: Path, **settings) -> None:
        watch = WatchSettings(paths=(str(app),), poll_interval=0.05, **settings)
        target = TargetSettings(name="web", slots=(), watch=watch)
        filters = filters_of([target])
        self._told: queue.SimpleQueue[FileChanged] = queue.SimpleQueue()
        self._read: queue.SimpleQueue[RevisionComputed] = queue.SimpleQueue()
        self.sources = Sources([target], self._read.put, filters)
        self.watching = Watching([target], self._told.put, filters, linked=self.sources.linked)
        self.watching.start()
        self.sources.compute("web", (), full=True, final=True)
        self._read.get(timeout=LIMIT)

    def changes(self, path: Path, change: Callable[[], object]) -> None:
        """Make a change, and read what is told, until this path is among what changed."""
        change()
        deadline = time.monotonic() + LIMIT
        while True:
            hint = self._told.get(timeout=max(deadline - time.monotonic(), 0.01)).path
            self.sources.compute("web", (hint,), full=False, final=True)
            if str(path) in self._read.get(timeout=LIMIT).changed:
                return

    def watched(self) -> set[str]:
        """The real paths of the directories that are observed."""
        return {want.directory for want in self.watching._watches}

    def until_watched(self, *directories: Path) -> None:
        wanted = {str(each) for each in directories}
        deadline = time.monotonic() + LIMIT
        while self.watched() != wanted:
            assert time.monotonic() < deadline, f"{self.watched()} is observed, not {wanted}"
            threading.Event().wait(0.01)

    def close(self) -> None:
        self.watching.close()
        self.sources.close()


@pytest.fixture(params=[ObserverKind.NATIVE, ObserverKind.POLLING])
def follow(request) -> Iterator[Callable[..., Both]]:
    made: list[Both] = []

    def make(app: Path, **settings) -> Both:
        made.append(Both(app, observer=request.param, follow_symlinks=True, **settings))
        return made[-1]

    yield make
    for both in made:
        both.close()


def linked(link: Path, leads_to: Path | str) -> Callable[[], None]:
    """Let a link lead there, as a deploy does: in one moment."""

    def change() -> None:
        new = link.with_name("new.link")
        new.symlink_to(leads_to)
        new.rename(link)

    return change


def test_a_directory_behind_a_link(app, tmp_path, follow):
    """
    One that is there at the start, one that comes, one in that; and none that nothing leads to any more.
    """
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for each in (one, two, three):
        (each / "deep").mkdir(parents=True)
        (each / "deep" / "x.py").write_text("1")
    (app / "first").symlink_to(one)
    both = follow(app)
    both.until_watched(app, one)
    both.changes(one / "deep" / "x.py", lambda: (one / "deep" / "x.py").write_text("2"))
    both.changes(two / "deep" / "x.py", linked(app / "pkg" / "second", two))
    both.until_watched(app, one, two)
    both.changes(two / "deep" / "x.py", lambda: (two / "deep" / "x.py").write_text("2"))
    both.changes(three / "deep" / "x.py", linked(two / "third", three))
    both.until_watched(app, one, two, three)
    # of the links in the trees their own observers tell
    assert {want.directory for want in both.watching._turn_watches} == {str(tmp_path)}
    both.changes(three / "new.py", lambda: (three / "new.py").write_text("new"))
    both.changes(three / "new.py", (app / "pkg" / "second").unlink)
    both.until_watched(app, one)


def test_a_link_on_the_way_is_exchanged(app, tmp_path, follow):
    """
    Of the link in the tree nothing is new; ``include`` does not name it.
    """
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.py").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("one")
    (app / "vendor").symlink_to(current)
    both = follow(app, include=("*.py",))
    both.until_watched(app, tmp_path / "one")
    both.changes(tmp_path / "two" / "x.py", linked(current, "two"))
    both.until_watched(app, tmp_path / "two")
    both.changes(tmp_path / "two" / "x.py", lambda: (tmp_path / "two" / "x.py").write_text("2"))
    both.changes(tmp_path / "one" / "x.py", linked(app / "vendor", tmp_path / "one"))
    both.until_watched(app, tmp_path / "one")
    both.changes(tmp_path / "two" / "x.py", linked(app / "more", tmp_path / "two"))
    both.until_watched(app, tmp_path / "one", tmp_path / "two")


def test_links_in_circles_are_not_watched_for_ever(app, tmp_path, follow):
    """
    To the whole machine, to itself, upwards, to one another: what is outside is observed once.
    """
    (tmp_path / "out").mkdir()
    links = {app / "root": "/", app / "self": ".", app / "up": "..", app / "out": tmp_path / "out"}
    links |= {app / "again": tmp_path / "out", tmp_path / "out" / "back": app, tmp_path / "out" / "up": ".."}
    for link, leads_to in links.items():
        link.symlink_to(leads_to)
    before = threading.active_count()
    both = follow(app)
    both.until_watched(app, tmp_path / "out")
    both.changes(tmp_path / "out" / "x.py", lambda: (tmp_path / "out" / "x.py").write_text("x"))
    assert threading.active_count() - before < 20
    assert os.path.samefile(both.sources.linked("web")[0].real, tmp_path / "out")


def test_without_the_key_nothing_is_entered(app, tmp_path):
    """
    What is outside is not observed, and no link is asked for.
    """
    (tmp_path / "out").mkdir()
    (app / "out").symlink_to(tmp_path / "out")
    both = Both(app)
    try:
        both.changes(app / "x.py", lambda: (app / "x.py").write_text("x"))
        assert both.watched() == {str(app)}
        assert both.sources.linked("web") == ()
    finally:
        both.close()

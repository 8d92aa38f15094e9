"""A Watching with all the facts that it told."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from supervisor_reload.core.facts import ChangeKind, FileChanged
from supervisor_reload.core.filters import filters_of
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.watching import Watching
from supervisor_reload.edges.watching.mounts import MountTable

LIMIT = 10.0
SETTLED, WRITING, RESCAN = ChangeKind.SETTLED, ChangeKind.WRITING, ChangeKind.RESCAN


class Listener:
    """A Watching with all the facts that it told."""

    def __init__(
        self,
        targets: dict[str, WatchSettings],
        allowed: Callable[[], int | None],
        mounts: MountTable | None = None,
    ) -> None:
        self.facts: list[FileChanged] = []
        self.goes_on = threading.Event()
        """cleared, it holds up whoever tells something"""
        self.goes_on.set()
        self._news = threading.Condition()
        made = [TargetSettings(name=name, slots=(), watch=watch) for name, watch in targets.items()]
        self.filters = filters_of(made)
        self.watching = Watching(made, self._put, self.filters, allowed, mounts)

    def _put(self, fact: FileChanged) -> None:
        assert self.goes_on.wait(3 * LIMIT)
        with self._news:
            self.facts.append(fact)
            self._news.notify_all()

    def wait(self, path: Path | str, kind: ChangeKind = SETTLED, target: str = "web") -> None:
        """Until this was told since the last forget()."""
        expected = FileChanged(target=target, path=str(path), kind=kind)
        with self._news:
            came = self._news.wait_for(lambda: expected in self.facts, LIMIT)
        assert came, f"{expected} did not come; {len(self.facts)} did, at the end {self.facts[-20:]}"

    def barrier(self, directory: Path) -> list[FileChanged]:
        """What was told before an event that is made now; the observers keep the order."""
        marker = directory / f"barrier{time.monotonic_ns()}"
        marker.write_text("x")
        self.wait(marker)
        return [fact for fact in self.facts if fact.path != str(marker)]

    def forget(self) -> None:
        with self._news:
            self.facts.clear()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait, with a limit, for what nobody tells."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)


def replace_by_making_it_again(app: Path) -> None:
    shutil.rmtree(app)
    app.mkdir()


def replace_by_moving(app: Path) -> None:
    (app.parent / "next").mkdir()
    os.rename(app, app.parent / "last")
    os.rename(app.parent / "next", app)


def made_until_seen(directory: Path, seen: Listener, prefix: str, beneath: Path | None = None) -> None:
    """Make files in a directory until one of them is told: a rescan may be told before the watch is back.

    Made beneath, where the directory shows what is elsewhere.
    """
    deadline = time.monotonic() + LIMIT
    number = 0
    while not any(fact.path.startswith(str(directory / prefix)) for fact in list(seen.facts)):
        assert time.monotonic() < deadline, "what is made in the new tree is not seen"
        number += 1
        ((beneath or directory) / f"{prefix}{number}.py").write_text("x")
        threading.Event().wait(0.05)


def instances() -> frozenset[int]:
    """The descriptors of this process that are inotify instances."""
    found = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return frozenset()
    for name in names:
        try:
            if os.readlink(f"/proc/self/fd/{name}") == "anon_inode:inotify":
                found.add(int(name))
        except OSError:  # closed meanwhile, such as the listing's own
            continue
    return frozenset(found)


def watches_held(descriptors: frozenset[int]) -> int | None:
    """How many watches these instances hold; None where that can't be told."""
    held = 0
    for descriptor in descriptors:
        try:
            text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
        except OSError:
            return None
        held += text.count("\ninotify wd:")
    return held if descriptors else None

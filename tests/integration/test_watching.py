"""edges/watching: the installed watchdog on real files. Waits for what must come, with a limit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor_reload.core.facts import ChangeKind, FileChanged
from supervisor_reload.core.model import ObserverKind, TargetSettings, WatchSettings
from supervisor_reload.edges.watching import Watching, limits

LIMIT = 10.0
SETTLED, WRITING, RESCAN = ChangeKind.SETTLED, ChangeKind.WRITING, ChangeKind.RESCAN


class Listener:
    """A Watching with all the facts that it told."""

    def __init__(self, targets: dict[str, WatchSettings], allowed: Callable[[], int | None]) -> None:
        self.facts: list[FileChanged] = []
        self._news = threading.Condition()
        made = [TargetSettings(name=name, slots=(), watch=watch) for name, watch in targets.items()]
        self.watching = Watching(made, self._put, allowed=allowed)

    def _put(self, fact: FileChanged) -> None:
        with self._news:
            self.facts.append(fact)
            self._news.notify_all()

    def wait(self, path: Path | str, kind: ChangeKind = SETTLED, target: str = "web") -> None:
        """Until this was told since the last forget()."""
        expected = FileChanged(target=target, path=str(path), kind=kind)
        with self._news:
            came = self._news.wait_for(lambda: expected in self.facts, LIMIT)
        assert came, f"{expected} did not come; {self.facts} did"

    def barrier(self, directory: Path) -> list[FileChanged]:
        """What was told before an event that is made now; the observers keep the order."""
        marker = directory / f"barrier{time.monotonic_ns()}"
        marker.write_text("x")
        self.wait(marker)
        return [fact for fact in self.facts if fact.path != str(marker)]

    def forget(self) -> None:
        with self._news:
            self.facts.clear()


@pytest.fixture
def watch():
    listeners = []

    def make(*paths: Path, allowed=limits.watches_allowed, others=None, **settings) -> Listener:
        targets = {"web": WatchSettings(paths=tuple(map(str, paths)), **settings), **(others or {})}
        listener = Listener(targets, allowed)
        listeners.append(listener)
        listener.watching.start()
        return listener

    yield make
    for listener in listeners:
        listener.watching.close()


@pytest.fixture
def app(tmp_path) -> Path:
    root = tmp_path / "app"
    (root / "pkg").mkdir(parents=True)
    (root / "main.py").write_text("main")
    return root


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
    watchdog 6 does not watch it: the watches are counted, and put up again.
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


def replace_by_making_it_again(app: Path) -> None:
    shutil.rmtree(app)
    app.mkdir()


def replace_by_moving(app: Path) -> None:
    (app.parent / "next").mkdir()
    os.rename(app, app.parent / "last")
    os.rename(app.parent / "next", app)


@pytest.mark.parametrize("replace", [replace_by_making_it_again, replace_by_moving])
@pytest.mark.parametrize("observer", [ObserverKind.NATIVE, ObserverKind.POLLING])
def test_a_root_that_is_replaced_is_watched_again(app, watch, replace, observer):
    """
    It is to be read as a whole, and a file made in it later is told.
    """
    seen = watch(app, observer=observer, poll_interval=0.1)
    for round_number in range(3):
        seen.forget()
        replace(app)
        shutil.rmtree(app.parent / "last", ignore_errors=True)
        if observer is ObserverKind.NATIVE:  # polling may find the same inode, and tells every file instead
            seen.wait(app, RESCAN)
        made_until_seen(app, seen, f"round{round_number}_")


def made_until_seen(directory: Path, seen: Listener, prefix: str) -> None:
    """Make files in a directory until one of them is told: a rescan may be told before the watch is back."""
    deadline = time.monotonic() + LIMIT
    number = 0
    while not any(fact.path.startswith(str(directory / prefix)) for fact in list(seen.facts)):
        assert time.monotonic() < deadline, "what is made in the new tree is not seen"
        number += 1
        (directory / f"{prefix}{number}.py").write_text("x")
        threading.Event().wait(0.05)


def test_a_root_that_comes_late(tmp_path, watch):
    """
    A path of which several parts are missing is watched as soon as it is there.
    """
    late = tmp_path / "a" / "b" / "c"
    seen = watch(late)
    late.mkdir(parents=True)
    seen.wait(late, RESCAN)
    made_until_seen(late, seen, "x")


@pytest.mark.parametrize("how", ["ln -sfn", "mv -T"])
def test_a_link_that_is_swapped(app, tmp_path, watch, how):
    """
    The new target is read and watched, under the configured name; the old one is forgotten.
    """
    other = tmp_path / "other"
    other.mkdir()
    current = tmp_path / "current"
    current.symlink_to("app")
    seen = watch(current)
    (app / "main.py").write_text("1")
    seen.wait(current / "main.py")
    seen.forget()
    if how == "mv -T":
        (tmp_path / "next").symlink_to("other")
        os.replace(tmp_path / "next", current)
    else:
        subprocess.run(["ln", "-sfn", "other", str(current)], check=True)
    seen.wait(current, RESCAN)
    made_until_seen(current, seen, "new")
    seen.forget()
    (app / "main.py").write_text("2")
    made_until_seen(current, seen, "newer")
    assert not [fact for fact in seen.facts if fact.path.endswith("main.py")]


def test_a_link_in_the_middle_of_the_path(tmp_path, watch):
    """
    Every link on the way is watched, not only the last part.
    """
    for release in ("1", "2"):
        (tmp_path / release / "app").mkdir(parents=True)
    (tmp_path / "current").symlink_to("1")
    (tmp_path / "srv").symlink_to(tmp_path / "current" / "app")
    seen = watch(tmp_path / "srv")
    (tmp_path / "next").symlink_to("2")
    os.replace(tmp_path / "next", tmp_path / "current")
    seen.wait(tmp_path / "srv", RESCAN)
    made_until_seen(tmp_path / "srv", seen, "x")


def test_a_single_file(app, watch):
    """
    Only its own events count, also after an editor replaced it and git deleted and made it.
    """
    seen = watch(app / "main.py")
    (app / "other.py").write_text("x")
    (app / "main.py.new").write_text("new")
    os.replace(app / "main.py.new", app / "main.py")
    seen.wait(app / "main.py")
    (app / "main.py").unlink()
    (app / "main.py").write_text("again")
    seen.forget()
    (app / "main.py").write_text("and again")
    seen.wait(app / "main.py")
    assert {fact.path for fact in seen.facts} == {str(app / "main.py")}


def test_several_targets_on_the_same_and_on_nested_trees(app, watch):
    """
    Each gets its own events once, filtered by its own rules.
    """
    others = {
        "same": WatchSettings(paths=(str(app),), include=("*.css",)),
        "nested": WatchSettings(paths=(str(app / "pkg"),)),
    }
    seen = watch(app, others=others)
    (app / "pkg" / "x.css").write_text("x")
    for target in ("web", "same", "nested"):
        seen.wait(app / "pkg" / "x.css", SETTLED, target)
    seen.barrier(app)
    seen.forget()
    (app / "pkg" / "x.css").unlink()
    for target in ("web", "same", "nested"):
        seen.wait(app / "pkg" / "x.css", SETTLED, target)
    seen.barrier(app)
    told = sorted(fact.target for fact in seen.facts if fact.path.endswith("x.css"))
    assert told == ["nested", "same", "web"]


def test_polling(app, watch):
    """
    Where it is asked for, changes are found by looking, and are settled.
    """
    seen = watch(app, observer=ObserverKind.POLLING, poll_interval=0.05)
    (app / "main.py").write_text("changed")
    seen.wait(app / "main.py")
    (app / "pkg" / "new.py").write_text("")
    seen.wait(app / "pkg" / "new.py")
    (app / "main.py").unlink()
    seen.forget()
    os.rename(app / "pkg", app / "package")
    seen.wait(app / "package", RESCAN)


def test_a_tree_over_the_limit_is_polled_with_one_warning(app, watch, caplog):
    """
    It goes on being watched, and the operator is told once what to set.
    """
    for number in range(20):
        (app / f"d{number}").mkdir()
    seen = watch(app, allowed=lambda: 10, poll_interval=0.05)
    (app / "d7" / "x.py").write_text("x")
    seen.wait(app / "d7" / "x.py")
    replace_by_moving(app)
    seen.wait(app, RESCAN)
    for number in range(20):
        (app / f"e{number}").mkdir()
    made_until_seen(app, seen, "x")
    (message,) = [record.getMessage() for record in caplog.records if "sysctl" in record.getMessage()]
    assert "the 22 watches" in message
    assert "fs.inotify.max_user_watches=" in message


def test_a_tree_that_vanishes_before_it_can_be_polled(app, tmp_path, watch, caplog):
    """
    It is over the limit and gone when polling begins: no error, and it is watched when it is back.
    """
    limits_asked = []

    def vanishing() -> int:
        limits_asked.append(app.exists())
        if len(limits_asked) == 1:
            app.rename(tmp_path / "away")
            return -1
        return 1000

    seen = watch(app, allowed=vanishing)
    assert limits_asked[0]
    assert not any("sysctl" in record.getMessage() for record in caplog.records)
    (tmp_path / "away").rename(app)
    made_until_seen(app, seen, "x")


def test_the_kernel_holds_a_watch_for_every_directory(app, watch):
    """
    What is counted is what the kernel says, also after directories came and went.
    """
    before = limits.instances()
    watch(app)
    held = limits.watches_held(limits.instances() - before)
    assert limits.watches_needed(str(app)) == 2
    assert held == 2 + 1  # and the one on the directory above, where the root may be replaced


def test_a_burst_of_thousands_is_told_and_followed_by_a_rescan(app, watch):
    """
    The kernel's queue may have overflowed without a word: everything is read once more when it is quiet.
    """
    seen = watch(app)
    for number in range(3000):
        (app / "pkg" / f"{number}.py").write_text("x")
    seen.wait(app, RESCAN)


def test_it_leaves_no_thread_and_no_descriptor(app, watch):
    """
    After close() all is as it was before start().
    """
    threads = set(threading.enumerate())
    descriptors = set(os.listdir("/proc/self/fd"))
    seen = watch(app)
    seen.barrier(app)
    seen.watching.close()
    deadline = time.monotonic() + LIMIT
    while set(threading.enumerate()) - threads or set(os.listdir("/proc/self/fd")) - descriptors:
        assert time.monotonic() < deadline, set(threading.enumerate()) - threads
        threading.Event().wait(0.01)


@pytest.mark.parametrize("observer", [ObserverKind.NATIVE, ObserverKind.POLLING])
def test_a_link_to_a_directory_is_not_watched_through(app, tmp_path, watch, observer):
    """
    A link that leads to a directory, even to the whole machine, settles like a file, and alone.
    """
    outside = tmp_path / "outside"
    outside.mkdir()
    before = limits.instances()
    seen = watch(app, observer=observer, poll_interval=0.05)
    held = limits.watches_held(limits.instances() - before)
    links = {app / "root": "/", app / "self": ".", app / "pkg" / "up": "..", app / "out": str(outside)}
    for link, target in links.items():
        link.symlink_to(target)
    for link in links:
        seen.wait(link)
    (outside / "x.py").write_text("x")
    told = {fact.path for fact in seen.barrier(app)}
    assert not {path for path in told if path.startswith(tuple(f"{link}/" for link in links))}
    assert all(fact.kind is not RESCAN for fact in seen.facts if fact.path in map(str, links))
    assert limits.watches_held(limits.instances() - before) == held


def test_it_survives_warnings_as_errors(tmp_path):
    """
    Directories made as fast as possible make watchdog 7.1 warn; that neither kills a thread nor is printed.
    """
    script = f"""
import pathlib, queue, sys
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.watching import Watching
root = pathlib.Path({str(tmp_path)!r}, "app")
root.mkdir()
facts = queue.SimpleQueue()
target = TargetSettings(name="web", slots=(), watch=WatchSettings(paths=(str(root),)))
watching = Watching([target], facts.put)
watching.start()
for number in range(200):
    (root / f"a{{number}}" / "b" / "c").mkdir(parents=True)
    (root / f"a{{number}}" / "b" / "c" / "x.py").write_text("x")
(root / "end.py").write_text("x")
while facts.get(timeout=10).path != str(root / "end.py"):
    pass
watching.close()
"""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

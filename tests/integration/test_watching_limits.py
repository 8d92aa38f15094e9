"""edges/watching: several targets, polling, limits, bursts, and what must not be left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from supervisor_reload.core.model import ObserverKind, WatchSettings
from supervisor_reload.edges.watching import limits
from tests.integration.listener import (
    LIMIT,
    RESCAN,
    SETTLED,
    instances,
    made_until_seen,
    replace_by_moving,
    watches_held,
)


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


@pytest.mark.fault(15)
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
    before = instances()
    watch(app)
    held = watches_held(instances() - before)
    assert limits.watches_needed(str(app)) == 2
    assert held == 2 + 1  # and the one on the directory above, where the root may be replaced


@pytest.mark.fault(13)
def test_a_burst_of_thousands_is_told_once_for_each_file(app, watch):
    """
    What happens to one name in a flood is told together, and the last word on each is that it is settled.
    """
    seen = watch(app)
    for number in range(3000):
        (app / "pkg" / f"{number}.py").write_text("x")
    told = [fact for fact in seen.barrier(app) if fact.path.startswith(str(app / "pkg"))]
    last = {fact.path: fact.kind for fact in told}
    assert len(last) == 3000
    assert {*last.values()} == {SETTLED}
    assert len(told) < 2 * 3000  # of three events each


@pytest.mark.fault(55)
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
    before = instances()
    seen = watch(app, observer=observer, poll_interval=0.05)
    held = watches_held(instances() - before)
    links = {app / "root": "/", app / "self": ".", app / "pkg" / "up": "..", app / "out": str(outside)}
    for link, target in links.items():
        link.symlink_to(target)
    for link in links:
        seen.wait(link)
    (outside / "x.py").write_text("x")
    told = {fact.path for fact in seen.barrier(app)}
    assert not {path for path in told if path.startswith(tuple(f"{link}/" for link in links))}
    assert all(fact.kind is not RESCAN for fact in seen.facts if fact.path in map(str, links))
    assert watches_held(instances() - before) == held


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

"""edges/watching: events that the kernel threw away, observers that died, limits that are reached late."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from supervisor_reload.core.model import ObserverKind
from supervisor_reload.edges.watching import observing
from tests.integration.listener import RESCAN, instances, made_until_seen, until, watches_held

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
MOST_EVENTS = 32_768
"""a larger queue would take too long to fill here"""


def _fill_queue(directory: Path, seen) -> None:
    """More events than the kernel keeps, while who should read them is held up."""
    queue = int(QUEUE.read_text())
    if queue > MOST_EVENTS:
        pytest.skip(f"{QUEUE} is {queue}")
    seen.goes_on.clear()
    for number in range(queue // 3 + 500):  # created, written and closed
        (directory / f"{number}.py").write_text("x")


@pytest.mark.fault(14)
def test_an_overflow_is_followed_by_a_rescan_and_leaves_nothing_unwatched(app, watch):
    """
    A directory made, one removed and one exchanged while events were lost are watched as they are then.
    """
    for name in ("gone/x", "new/x"):
        (app / name).mkdir(parents=True)
    seen = watch(app)
    _fill_queue(app / "pkg", seen)
    (app / "unseen" / "deep").mkdir(parents=True)
    shutil.rmtree(app / "gone")
    os.rename(app / "new", app / "old")
    (app / "new" / "y").mkdir(parents=True)
    seen.goes_on.set()
    seen.wait(app, RESCAN)
    for name in ("unseen/deep", "new/y", "old/x"):
        made_until_seen(app / name, seen, "later")
    before = {fact.path for fact in seen.facts if fact.path.startswith(str(app / "gone"))}
    assert before == set()


@pytest.mark.fault(16)
@pytest.mark.parametrize("observer", [ObserverKind.NATIVE, ObserverKind.POLLING])
def test_an_observer_whose_thread_dies_is_put_up_again(app, watch, caplog, observer):
    """
    The next look finds it, and all is read again, since nobody knows what was missed.
    """
    before = instances()
    seen = watch(app, observer=observer, poll_interval=0.02)
    assert len(instances() - before) == (2 if observer is ObserverKind.NATIVE else 1)
    if observer is ObserverKind.NATIVE:
        _break(instances() - before)
    else:
        seen.watching._watches[next(iter(seen.watching._watches))]._observer.stop()
    (app / "main.py").write_text("lost")
    (app.parent / "beside").write_text("x")
    until(lambda: seen.watching.tick() or any(fact.kind is RESCAN for fact in seen.facts), "it is dead")
    seen.wait(app, RESCAN)
    made_until_seen(app, seen, "x")
    if observer is ObserverKind.NATIVE:
        until(lambda: watches_held(instances() - before) == 3, "app, pkg, and the one above are watched")
        assert "failed; it begins anew" in caplog.text


def _break(descriptors) -> None:
    """Take the kernel's events away from who waits for them."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
    os.close(nothing)


@pytest.mark.fault(15)
def test_a_limit_that_is_reached_late(app, watch, caplog):
    """
    New directories that the kernel would not watch: the tree is polled, said once, and nothing is lost.
    """
    seen = watch(app, allowed=lambda: 4, poll_interval=0.02)
    for number in range(8):
        (app / f"d{number}").mkdir()
    seen.wait(app, RESCAN)
    made_until_seen(app / "d7", seen, "x")
    (message,) = [record.getMessage() for record in caplog.records if "sysctl" in record.getMessage()]
    assert "the 10 watches" in message


LIMITED = """
import pathlib, queue, sys
pathlib.Path("/proc/sys/user/max_inotify_watches").write_text(sys.argv[2])
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.watching import Watching
root = pathlib.Path(sys.argv[1])
facts = queue.SimpleQueue()
target = TargetSettings(name="web", slots=(), watch=WatchSettings(paths=(str(root),), poll_interval=0.02))
watching = Watching([target], facts.put, allowed=lambda: None)
watching.start()
for number in range(20):
    (root / f"d{number}").mkdir()
for number in range(200):
    (root / "d19" / f"x{number}.py").write_text("x")
    if facts.get(timeout=10).path.startswith(str(root / "d19" / "x")):
        break
else:
    sys.exit("what is made in the last directory is not seen")
watching.close()
"""


@pytest.mark.fault(15)
@pytest.mark.parametrize("limit", ["1", "10"])
def test_the_kernels_own_limit(app, limit):
    """
    At the start and later: the kernel's refusal leads to polling, with the remedy.
    """
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", LIMITED, str(app), limit]
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    if subprocess.run([*command[:3], "true"], capture_output=True, timeout=10, check=False).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("sysctl -w fs.inotify.max_user_watches=") == 1


@pytest.mark.fault(56)
def test_watchdogs_own_observer_where_there_is_no_inotify_of_ours(app, watch, monkeypatch):
    """
    Another system than Linux: its events mean the same.
    """
    monkeypatch.setattr(observing, "sys", SimpleNamespace(platform="darwin"))
    seen = watch(app)
    (app / "main.py").write_text("new")
    seen.wait(app / "main.py")
    (app / "a").mkdir()
    seen.wait(app / "a", RESCAN)
    os.replace(app / "main.py", app / "moved.py")
    seen.wait(app / "moved.py")
    shutil.rmtree(app)
    seen.forget()
    app.mkdir()
    seen.wait(app, RESCAN)
    made_until_seen(app, seen, "x")

"""edges/watching: file systems that don't tell what others change, made up and real (FUSE)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor_reload.core.model import ObserverKind, TargetSettings, WatchSettings
from supervisor_reload.edges.watching import plan
from supervisor_reload.edges.watching.mounts import Mounts, MountTable
from tests.integration.listener import RESCAN, instances, made_until_seen, until, watches_held

TABLE = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
40 27 0:50 /share /srv rw,relatime - nfs4 host:/share rw
41 40 0:51 / /srv/with\\040blank rw - ext4 /dev/vdb rw
42 27 0:52 / /mnt/host rw - fuse.sshfs me@host: rw
43 27 0:53 / /mnt/disk rw - fuseblk /dev/sdb1 rw
44 27 0:54 / /mnt/secret rw - fuse.gocryptfs /cipher rw
45 27 0:55 / /auto rw - autofs systemd-1 rw
46 45 0:56 / /auto rw - nfs host:/auto rw
a line that makes no sense
"""


@pytest.mark.parametrize(
    ("directory", "kind", "is_silent"),
    [
        ("/", "ext4", False),
        ("/home/me", "ext4", False),
        ("/srv", "nfs4", True),
        ("/srv/app", "nfs4", True),
        ("/srvx", "ext4", False),
        ("/srv/with blank/app", "ext4", False),
        ("/mnt/host/app", "fuse.sshfs", True),
        ("/mnt/disk/app", "fuseblk", False),
        ("/mnt/secret", "fuse.gocryptfs", False),
        ("/auto/app", "nfs", True),
    ],
)
def test_the_file_system_of_a_directory(directory, kind, is_silent):
    """
    The longest mount point counts, and of two on the same the one that hides the other.
    """
    mount = Mounts(TABLE).of(directory)
    assert (mount.kind, mount.is_silent) == (kind, is_silent)


def test_without_a_table_nothing_is_known(tmp_path):
    """
    Not Linux: no file system is taken for a silent one.
    """
    assert MountTable(tmp_path / "missing").now().of("/srv") is None


def _table(directory: Path, *lines: tuple[object, str]) -> MountTable:
    """A mount table with these file systems at these points."""
    file = directory / "mountinfo"
    rows = ["27 1 254:0 / / rw - ext4 /dev/vda rw"]
    rows += [f"{50 + n} 27 0:9 / {point} rw - {kind} x rw" for n, (point, kind) in enumerate(lines)]
    file.write_text("".join(f"{row}\n" for row in rows))
    return MountTable(file)


@pytest.mark.fault(18)
def test_a_tree_on_a_network_file_system_is_polled_and_said_once(app, tmp_path, watch, caplog):
    """
    The warning names the tree, the file system, the interval and the remedy; the tree takes no watch.
    """
    before = instances()
    seen = watch(app, mounts=_table(tmp_path, (app, "nfs4")), poll_interval=0.02)
    assert watches_held(instances() - before) == 1  # on the directory above
    made_until_seen(app, seen, "x")
    seen.watching.tick()
    made_until_seen(app, seen, "y")
    (message,) = [record.getMessage() for record in caplog.records]
    for part in (repr(str(app)), "nfs4", "every 0.02 s", "observer=native"):
        assert part in message


@pytest.mark.parametrize("observer", [ObserverKind.NATIVE, ObserverKind.POLLING])
def test_who_chose_is_obeyed_without_a_warning(app, tmp_path, watch, caplog, observer):
    """
    observer=native watches an NFS mount; observer=polling is what was asked for.
    """
    before = instances()
    seen = watch(app, mounts=_table(tmp_path, (app, "nfs4")), poll_interval=0.02, observer=observer)
    made_until_seen(app, seen, "x")
    assert watches_held(instances() - before) == (3 if observer is ObserverKind.NATIVE else 1)
    assert caplog.records == []


def test_a_part_of_a_tree_on_another_file_system(app, tmp_path, watch, caplog):
    """
    That part alone is polled, with one fact for each change; where it is ignored it is left alone.
    """
    for name in ("share/deep", "node_modules/x"):
        (app / name).mkdir(parents=True)
    table = _table(tmp_path, (app / "share", "9p"), (app / "node_modules", "nfs"), (app / "pkg", "tmpfs"))
    before = instances()
    others = {"native": WatchSettings(paths=(str(app),), observer=ObserverKind.NATIVE, exclude=("pkg",))}
    seen = watch(app, mounts=table, poll_interval=0.02, others=others)
    # app, pkg and, for the other one, share and deep; and the directory above
    assert watches_held(instances() - before) == 5
    (app / "share" / "deep" / "x.py").write_text("x")
    (app / "pkg" / "y.py").write_text("y")
    seen.wait(app / "share" / "deep" / "x.py")
    seen.wait(app / "share" / "deep" / "x.py", target="native")
    seen.wait(app / "pkg" / "y.py")
    assert len([record for record in caplog.records if str(app / "share") in record.getMessage()]) == 1
    assert len(caplog.records) == 1


def test_what_is_mounted_later(app, tmp_path, watch):
    """
    Found by the next look: what was watched below is polled, and watched again when it is unmounted.
    """
    (app / "share" / "deep").mkdir(parents=True)
    before = instances()
    seen = watch(app, mounts=_table(tmp_path), poll_interval=0.02)
    assert watches_held(instances() - before) == 5
    _table(tmp_path, (app / "share", "cifs"))
    seen.watching.tick()
    seen.wait(app, RESCAN)
    until(lambda: watches_held(instances() - before) == 3, "share takes no watch")
    made_until_seen(app / "share" / "deep", seen, "x")
    _table(tmp_path)
    seen.watching.tick()
    until(lambda: watches_held(instances() - before) == 5, "share is watched again")
    made_until_seen(app / "share" / "deep", seen, "y")


def test_the_plan_names_what_is_polled(app, tmp_path):
    """
    Before anything runs: the watches without what is ignored or polled, and the sentence.
    """
    for name in ("share/deep", "node_modules/x", "a/b"):
        (app / name).mkdir(parents=True)
    (app / ".gitignore").write_text("/a\n")
    target = TargetSettings(name="web", slots=(), watch=WatchSettings(paths=(str(app),)))
    found = plan([target], _table(tmp_path, (app / "share", "ceph")).now())
    assert found.watches == 3  # app, pkg, and the directory above
    (sentence,) = found.polled
    assert f"{str(app / 'share')!r} is on ceph" in sentence


@contextlib.contextmanager
def _bindfs(origin: Path, point: Path):
    if shutil.which("bindfs") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("bindfs or /dev/fuse is missing here")
    done = subprocess.run(["bindfs", origin, point], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        pytest.skip(f"bindfs can't mount here: {done.stderr}")
    try:
        yield
    finally:
        unmount = "fusermount3" if shutil.which("fusermount3") else "fusermount"
        subprocess.run([unmount, "-u", "-z", point], timeout=10, check=True)


@pytest.mark.fault(18)
def test_a_real_mount_whose_files_are_changed_beneath(app, tmp_path, watch, caplog):
    """
    bindfs shows a directory that others change: no event comes, and polling finds it.
    """
    point = tmp_path / "point"
    point.mkdir()
    with _bindfs(app, point):
        seen = watch(point, poll_interval=0.05)
        made_until_seen(point, seen, "x", beneath=app)
        (message,) = [record.getMessage() for record in caplog.records]
        assert "is on fuse" in message
        seen.watching.close()


def test_a_real_mount_below_a_tree_that_is_watched(app, tmp_path, watch):
    """
    Mounted while we watch: found by the next look, and polled.
    """
    origin = tmp_path / "origin"
    origin.mkdir()
    seen = watch(app, poll_interval=0.05)
    with _bindfs(origin, app / "pkg"):
        seen.watching.tick()
        seen.wait(app, RESCAN)
        made_until_seen(app / "pkg", seen, "x", beneath=origin)
        made_until_seen(app, seen, "y")
    seen.watching.tick()
    made_until_seen(app / "pkg", seen, "z")

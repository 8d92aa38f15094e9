"""edges/sources: links, roots that come and go, what can't be read, and git's lock."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from supervisor_reload.core.facts import RevisionFailed
from supervisor_reload.edges.sources import reading

is_root = os.geteuid() == 0


def test_a_link_counts_by_where_it_points_and_what_is_there(app, tmp_path, reader):
    """
    Both another target and another content behind a link are changes; linked directories are not entered.
    """
    outside = tmp_path / "outside.txt"
    outside.write_text("one")
    web = reader(app, follow_symlinks=True)
    web.look()
    (app / "link").symlink_to(outside)
    (app / "pkg" / "up").symlink_to("..")
    assert web.look().changed == (str(app / "link"), str(app / "pkg" / "up"))
    outside.write_text("two")
    assert web.look().changed == (str(app / "link"),)
    (app / "link").unlink()
    (app / "link").symlink_to("main.py")
    assert web.look(app / "link").changed == (str(app / "link"),)


@pytest.mark.fault(48)
@pytest.mark.parametrize("leads_to", ["OUTSIDE", ".", "..", "/"])
def test_a_link_to_a_directory_is_never_entered(app, tmp_path, reader, leads_to):
    """
    However the link is heard of, it alone counts, as in a look at everything: not what is behind it.
    """
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "x.py").write_text("x")
    web = reader(app)
    web.look()
    (app / "link").symlink_to(leads_to.replace("OUTSIDE", str(outside)))
    heard = web.look(app / "link")
    assert heard.changed == (str(app / "link"),)
    assert heard.revision == reader(app).look().revision
    behind = [app / "link" / "deep", app / "link" / "deep" / "x.py", app / "link" / "main.py"]
    assert web.look(*behind).revision == heard.revision == web.look().revision
    (app / "link").unlink()
    assert web.look(app / "link").revision == reader(app).look().revision


def test_a_directory_that_became_a_link(app, tmp_path, reader):
    """
    What was in the directory is gone, although the same names are behind the link; and back again.
    """
    web = reader(app)
    before = web.look()
    (app / "pkg").rename(tmp_path / "pkg")
    (app / "pkg").symlink_to(tmp_path / "pkg")
    after = web.look(app / "pkg", app / "pkg" / "mod.py")
    assert after.changed == (str(app / "pkg"), str(app / "pkg" / "mod.py"))
    assert after.revision == reader(app).look().revision
    (app / "pkg").unlink()
    (tmp_path / "pkg").rename(app / "pkg")
    assert web.look(app / "pkg").revision == before.revision


def test_a_linked_root_follows_its_link(app, tmp_path, reader):
    """
    A release that is swapped in by a link is read under the configured name.
    """
    shutil.copytree(app, tmp_path / "app2")
    (tmp_path / "app2" / "main.py").write_text("release 2")
    current = tmp_path / "current"
    current.symlink_to("app")
    web = reader(current)
    web.look()
    current.unlink()
    current.symlink_to("app2")
    assert web.look(current).changed == (str(current / "main.py"),)


def test_a_single_file_is_a_root_of_its_own(app, reader):
    """
    A watched file counts whatever the patterns say of its name.
    """
    web = reader(app / "main.py", include=("*.html",))
    web.look()
    (app / "main.py").write_text("other")
    (app / "pkg" / "mod.py").write_text("other")
    assert web.look(app / "main.py", app / "pkg" / "mod.py").changed == (str(app / "main.py"),)


def test_equal_files_in_two_roots_are_not_the_same(tmp_path, reader):
    """
    A file that moves from one root to another is a change.
    """
    for name in "ab":
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "x").write_text("x")
    web = reader(tmp_path / "a", tmp_path / "b")
    before = web.look()
    (tmp_path / "a" / "x").rename(tmp_path / "b" / "x")
    assert web.look(tmp_path / "a" / "x", tmp_path / "b" / "x").revision != before.revision


def test_a_root_that_was_never_there_is_an_empty_tree(tmp_path, reader, caplog):
    """
    It is warned of once, and read when it comes.
    """
    web = reader(tmp_path / "later")
    assert web.look().revision == web.look().revision
    assert sum("does not exist" in record.getMessage() for record in caplog.records) == 1
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "x").write_text("x")
    assert web.look(tmp_path / "later").changed == (str(tmp_path / "later" / "x"),)


def test_a_root_that_is_gone_is_not_an_empty_program(app, reader):
    """
    While a tree is replaced there is nothing to run, so there is no revision; then the new one counts.
    """
    web = reader(app)
    before = web.look()
    os.rename(app, f"{app}.old")
    failed = web.ask(app)
    assert isinstance(failed, RevisionFailed)
    assert failed.final
    early = web.ask(app / "main.py", final=False)
    assert isinstance(early, RevisionFailed)
    assert not early.final
    os.rename(f"{app}.old", app)
    again = web.look(app)
    assert (again.revision, again.changed) == (before.revision, ())


def test_one_root_that_fails_does_not_lose_the_others_changes(app, tmp_path, reader):
    """
    What was read of another root meanwhile is told when all can be read again.
    """
    other = tmp_path / "other"
    other.mkdir()
    (other / "x").write_text("x")
    web = reader(other, app)
    web.look()
    os.rename(other, tmp_path / "away")
    (app / "main.py").write_text("changed")
    assert isinstance(web.ask(app / "main.py"), RevisionFailed)
    os.rename(tmp_path / "away", other)
    assert web.look(other).changed == (str(app / "main.py"),)


@pytest.mark.skipif(is_root, reason="root may read everything")
def test_an_unreadable_root_is_a_failure(app, reader):
    """
    Nothing is believed of a tree that can't be read.
    """
    app.chmod(0)
    try:
        answer = reader(app).ask()
    finally:
        app.chmod(0o755)
    assert isinstance(answer, RevisionFailed)
    assert str(app) in answer.reason


@pytest.mark.skipif(is_root, reason="root may read everything")
def test_an_unreadable_file_counts_by_its_size_and_time(app, reader, caplog):
    """
    It is warned of once, and a change of it is seen.
    """
    (app / "main.py").chmod(0)
    web = reader(app)
    before = web.look()
    assert web.look().revision == before.revision
    os.utime(app / "main.py", (1, 1))
    assert web.look(app / "main.py").revision != before.revision
    assert sum("can't be read" in record.getMessage() for record in caplog.records) == 1


def test_a_very_large_file_is_told_apart_by_size_and_time(app, reader):
    """
    It is not read; its time is enough.
    """
    with (app / "model.bin").open("wb") as file:
        file.truncate(reading.LARGE_FILE + 1)
    web = reader(app)
    began = time.process_time()
    web.look()
    assert time.process_time() - began < 0.05
    os.utime(app / "model.bin", (1, 1))
    assert web.look(app / "model.bin").changed == (str(app / "model.bin"),)


def test_git_s_lock_is_seen_from_below(app, reader):
    """
    The working tree may begin above the watched path, and its git directory may be elsewhere.
    """
    web = reader(app / "pkg")
    assert not web.git()
    git = app / ".git"
    git.mkdir()
    assert not web.git()
    (git / "index.lock").write_text("")
    assert web.git()
    (git / "index.lock").unlink()
    git.rmdir()
    elsewhere = app.parent / "repository" / "worktrees" / "app"
    elsewhere.mkdir(parents=True)
    git.write_text("gitdir: ../repository/worktrees/app\n")
    assert not web.git()
    (elsewhere / "index.lock").write_text("")
    assert web.git()

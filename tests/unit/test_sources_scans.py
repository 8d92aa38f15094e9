"""edges/sources: what a scan of everything costs, and what may come in between it."""

from __future__ import annotations

import os
import shutil
import threading
import tracemalloc

import pytest

from supervisor_reload.core.facts import GitHeld, RevisionComputed
from supervisor_reload.core.filters import Filter
from supervisor_reload.edges.sources import directories
from tests.fakes.reader import LIMIT
from tests.integration.supervisord import wait_for


class Asked(Filter):
    """Counts the files that it is asked about, and can be stopped in front of a directory."""

    stops_at = ""

    def __init__(self, settings) -> None:
        super().__init__(settings)
        self.files = 0
        self.has_stopped = threading.Event()
        self.may_go_on = threading.Event()

    def file_is_watched(self, relative: str) -> bool:
        self.files += 1
        return super().file_is_watched(relative)

    def directory_is_watched(self, relative: str) -> bool:
        if relative == self.stops_at != "" and not self.has_stopped.is_set():
            self.has_stopped.set()
            assert self.may_go_on.wait(LIMIT)
        return super().directory_is_watched(relative)


@pytest.fixture
def asked():
    """A maker of filters, and the one that was made."""
    made = []

    def make(settings) -> Filter:
        made.append(Asked(settings))
        return made[0]

    make.made = made
    return make


def stop_in_a_scan(web, asked: Asked, directory: str) -> None:
    """Order a scan of everything, and wait until it has come to the directory's name."""
    asked.stops_at = directory
    web.order()
    assert asked.has_stopped.wait(LIMIT)


def test_an_unchanged_tree_is_neither_read_nor_judged_again(app, reader, asked, monkeypatch):
    """
    A rescan opens directories only, and asks the filter about no file, ignored ones included.
    """
    opened: list[str] = []
    really_open = os.open

    def note_open(path, *args, **kwargs):
        opened.append(str(path))
        return really_open(path, *args, **kwargs)

    (app / "x.log").write_text("ignored")
    (app / ".gitignore").write_text("*.o\n")
    web = reader(app, make_filter=asked)
    web.look()
    monkeypatch.setattr(os, "open", note_open)

    def opened_in_a_look() -> set[str]:
        opened.clear()
        web.look()
        return set(opened)

    wait_for(lambda: opened_in_a_look() == {str(app), str(app / "pkg")}, LIMIT, "files old enough to believe")
    before = asked.made[0].files
    web.look()
    assert asked.made[0].files == before


def test_ignored_directories_are_never_entered(app, reader, monkeypatch):
    """
    Not even to count what is in them.
    """
    (app / "node_modules" / "deep").mkdir(parents=True)
    opened: list[str] = []
    really_open = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: opened.append(str(path)) or really_open(path, *a, **k)
    )
    reader(app).look()
    assert not [path for path in opened if "node_modules" in path]


def test_a_hint_is_answered_in_the_middle_of_a_scan(app, reader, asked):
    """
    A save does not wait for the end of a scan that found nothing; and the scan's own answer is right.
    """
    web = reader(app, make_filter=asked)
    before = web.look()
    stop_in_a_scan(web, asked.made[0], "pkg")
    (app / "main.py").write_text("saved")
    web.order(app / "main.py")
    web.order()
    web.order(app / "main.py", final=False)  # after a scan of everything, in whose place it may not come
    asked.made[0].may_go_on.set()
    hinted, scanned = web.answer(), web.answer()
    assert hinted.changed == (str(app / "main.py"),)
    assert hinted.revision == scanned.revision == reader(app).look().revision != before.revision
    assert scanned.changed == ()
    assert [web.answer().final, web.answer().final] == [True, False]


def test_nobody_is_told_half_of_what_a_scan_finds(app, reader, asked):
    """
    Once a scan has found a change, a hint waits for its end: only git is answered.
    """
    (app / "other").mkdir()
    (app / "other" / "x.py").write_text("x")
    web = reader(app, make_filter=asked)
    web.look()
    (app / "main.py").write_text("its event was lost")
    (app / "other" / "x.py").write_text("its event, too")
    stop_in_a_scan(web, asked.made[0], "pkg")
    (app / "pkg" / "mod.py").write_text("saved")
    web.order(app / "pkg" / "mod.py")
    web.sources.ask_git("web")
    asked.made[0].may_go_on.set()
    answers = [web.answer() for _ in range(3)]
    revisions = {answer.revision for answer in answers if isinstance(answer, RevisionComputed)}
    assert [type(answer) for answer in answers].count(GitHeld) == 1
    assert revisions == {reader(app).look().revision}


@pytest.mark.parametrize("becomes", ["gone", "ignored", "a link", "a file"])
def test_a_directory_that_changes_while_a_scan_is_on_its_way_there(app, tmp_path, reader, asked, becomes):
    """
    The hint takes it out, and the scan that goes on does not bring it back.
    """
    (app / "pkg" / "deep").mkdir()
    (app / "pkg" / "deep" / "x.py").write_text("x")
    web = reader(app, make_filter=asked)
    web.look()
    stop_in_a_scan(web, asked.made[0], "pkg")
    hint = app / "pkg"
    if becomes == "ignored":
        hint = app / ".gitignore"
        hint.write_text("pkg/\n")
    else:
        (app / "pkg").rename(tmp_path / "away")
    if becomes == "a link":
        (app / "pkg").symlink_to(tmp_path / "away")
    elif becomes == "a file":
        (app / "pkg").write_text("x")
    web.order(hint)
    asked.made[0].may_go_on.set()
    hinted, scanned = web.answer(), web.answer()
    assert set(hinted.changed) >= {str(app / "pkg" / "mod.py"), str(app / "pkg" / "deep" / "x.py")}
    assert hinted.revision == scanned.revision == web.look().revision == reader(app).look().revision


def test_a_root_that_goes_while_it_is_scanned_is_not_half_a_program(app, tmp_path, reader, asked):
    """
    What can't be read any more because all is gone is not told as removed.
    """
    web = reader(app, make_filter=asked)
    before = web.look()
    stop_in_a_scan(web, asked.made[0], "pkg")
    app.rename(tmp_path / "away")
    asked.made[0].may_go_on.set()
    assert "is gone" in web.answer().reason
    (tmp_path / "away").rename(app)
    again = web.look(app)
    assert (again.revision, again.changed) == (before.revision, ())


def test_a_release_that_is_swapped_in_during_a_scan_is_read_whole(app, tmp_path, reader, asked):
    """
    The answer is the new tree's revision, and no mixture of the two.
    """
    shutil.copytree(app, tmp_path / "release2")
    for name in ("main.py", "pkg/mod.py"):
        (tmp_path / "release2" / name).write_text("release 2")
    current = tmp_path / "current"
    current.symlink_to("app")
    web = reader(current, make_filter=asked)
    web.look()
    stop_in_a_scan(web, asked.made[0], "pkg")
    (tmp_path / "next").symlink_to("release2")
    (tmp_path / "next").replace(current)
    asked.made[0].may_go_on.set()
    assert web.answer().revision == reader(tmp_path / "release2").look().revision


def test_a_disk_that_fails_removes_nothing(app, reader, monkeypatch, caplog):
    """
    Too many open files, or an error of the disk, is no reason to think that the code is gone.
    """
    web = reader(app)
    before = web.look()
    really_open = os.open

    def fail(path, flags, *args, **kwargs):
        if flags & os.O_DIRECTORY and str(path).endswith("pkg"):
            raise OSError(24, "Too many open files")
        return really_open(path, flags, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(directories.os, "open", fail)
        failed = web.look()
    assert (failed.revision, failed.changed) == (before.revision, ())
    assert "what is known of it stays" in caplog.text


def test_a_file_costs_little_memory(tmp_path, reader):
    """
    About 150 bytes, where many directories have files of the same names; here with room for any Python.
    """
    names = ("__init__.py", "models.py", "views.py", "urls.py", "forms.py", "admin.py", "tasks.py", "apps.py")
    for number in range(250):
        directory = tmp_path / f"package_{number}"
        directory.mkdir()
        for name in names:
            (directory / name).write_text(f"{number} {name}")
    web = reader(tmp_path / "none")
    web.look()
    tracemalloc.start()
    try:
        many = reader(tmp_path)
        many.look()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / (250 * len(names)) < 260

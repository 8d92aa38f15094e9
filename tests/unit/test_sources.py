"""edges/sources: real files in a temporary directory, read by the real worker."""

from __future__ import annotations

import os
import queue
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from supervisor_reload.core.facts import GitHeld, RevisionComputed, RevisionFailed
from supervisor_reload.core.model import TargetSettings, WatchSettings
from supervisor_reload.edges.sources import Sources, reading

LIMIT = 10.0
is_root = os.geteuid() == 0


class Reader:
    """A Sources with its answers, one at a time."""

    def __init__(self, *paths: Path, **settings) -> None:
        self.paths = paths
        self.facts: queue.SimpleQueue = queue.SimpleQueue()
        watch = WatchSettings(paths=tuple(map(str, paths)), **settings)
        self.sources = Sources([TargetSettings(name="web", slots=(), watch=watch)], self.facts.put)

    def look(self, *hints: Path | str, final: bool = True) -> RevisionComputed:
        fact = self.ask(*hints, final=final)
        assert isinstance(fact, RevisionComputed), fact
        return fact

    def ask(self, *hints: Path | str, final: bool = True):
        self.sources.compute("web", tuple(map(str, hints)), full=not hints, final=final)
        return self.facts.get(timeout=LIMIT)

    def git(self) -> bool:
        self.sources.ask_git("web")
        fact = self.facts.get(timeout=LIMIT)
        assert isinstance(fact, GitHeld)
        return fact.held


@pytest.fixture
def reader():
    made = []

    def make(*paths: Path, **settings) -> Reader:
        made.append(Reader(*paths, **settings))
        return made[-1]

    yield make
    for one in made:
        one.sources.close()


@pytest.fixture
def app(tmp_path) -> Path:
    root = tmp_path / "app"
    (root / "pkg").mkdir(parents=True)
    (root / "main.py").write_text("main")
    (root / "pkg" / "mod.py").write_text("mod")
    return root


def test_the_first_reading_has_no_changes(app, reader):
    """
    There is nothing before it that could differ.
    """
    first = reader(app).look()
    assert (first.changed, first.final) == ((), True)


def test_a_changed_file_is_told_and_only_it(app, reader):
    """
    A hint at one file gives the new revision, the same as reading everything anew would.
    """
    web = reader(app)
    before = web.look()
    (app / "main.py").write_text("main 2")
    after = web.look(app / "main.py")
    assert after.revision != before.revision
    assert after.changed == (str(app / "main.py"),)
    assert web.look().revision == after.revision == reader(app).look().revision


def test_touch_and_the_same_bytes_are_no_change(app, reader):
    """
    Time, mode and a rewrite of the same content leave the revision alone.
    """
    web = reader(app)
    before = web.look()
    os.utime(app / "main.py", (1, 1))
    (app / "main.py").chmod(0o755)
    (app / "pkg" / "mod.py").write_text("mod")
    after = web.look(app / "main.py", app / "pkg" / "mod.py")
    assert (after.revision, after.changed) == (before.revision, ())


def test_same_size_and_same_time_is_still_a_change(app, reader):
    """
    A hinted file is read even if its size and time say that nothing happened.
    """
    web = reader(app)
    os.utime(app / "main.py", (1000, 1000))
    before = web.look()
    (app / "main.py").write_text("MAIN")
    os.utime(app / "main.py", (1000, 1000))
    assert web.look(app / "main.py").revision != before.revision


def test_new_renamed_and_deleted_files(app, reader):
    """
    Each of them is a change, and undoing them gives the old revision back.
    """
    web = reader(app)
    before = web.look()
    (app / "new.py").write_text("")
    assert web.look(app / "new.py").changed == (str(app / "new.py"),)
    (app / "new.py").rename(app / "other.py")
    renamed = web.look(app / "new.py", app / "other.py")
    assert renamed.changed == (str(app / "new.py"), str(app / "other.py"))
    (app / "other.py").unlink()
    assert web.look(app / "other.py").revision == before.revision


def test_a_directory_hint_reads_everything_below(app, reader):
    """
    Directories that come, go and change into a file are followed.
    """
    web = reader(app)
    before = web.look()
    shutil.copytree(app / "pkg", app / "copy" / "deep")
    assert web.look(app / "copy").changed == (str(app / "copy" / "deep" / "mod.py"),)
    shutil.rmtree(app / "copy")
    assert web.look(app / "copy").revision == before.revision
    shutil.rmtree(app / "pkg")
    (app / "pkg").write_text("a file now")
    assert web.look(app / "pkg").changed == (str(app / "pkg"), str(app / "pkg" / "mod.py"))


def test_changes_gather_until_a_final_reading(app, reader):
    """
    An early reading tells what changed so far, the final one tells all of it, the next one nothing.
    """
    web = reader(app)
    web.look()
    (app / "main.py").write_text("1")
    early = web.look(app / "main.py", final=False)
    assert (early.changed, early.final) == ((str(app / "main.py"),), False)
    (app / "pkg" / "mod.py").write_text("2")
    both = (str(app / "main.py"), str(app / "pkg" / "mod.py"))
    assert web.look(app / "pkg" / "mod.py").changed == both
    assert web.look().changed == ()


def test_there_and_back_again_is_no_change(app, reader):
    """
    A file that is again what it was at the last final reading is not named.
    """
    web = reader(app)
    web.look()
    (app / "main.py").write_text("1")
    web.look(app / "main.py", final=False)
    (app / "main.py").write_text("main")
    assert web.look(app / "main.py").changed == ()


def test_ignored_files_don_t_count(app, reader):
    """
    Neither a scan nor a hint lets an excluded file in.
    """
    web = reader(app, exclude=("*.log",))
    before = web.look()
    (app / "__pycache__").mkdir()
    (app / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (app / "x.log").write_text("x")
    (app / ".main.py.swp").write_text("x")
    hints = (app / "__pycache__", app / "x.log", app / ".main.py.swp")
    assert web.look(*hints).revision == before.revision == web.look().revision


def test_gitignore_is_honoured_as_it_changes(app, reader):
    """
    A changed .gitignore takes the files that it names out, and lets them in again.
    """
    web = reader(app)
    before = web.look()
    (app / "pkg" / ".gitignore").write_text("*.py\n")
    assert web.look(app / "pkg" / ".gitignore").changed == (str(app / "pkg" / "mod.py"),)
    (app / "pkg" / ".gitignore").unlink()
    assert web.look(app / "pkg" / ".gitignore").revision == before.revision


def test_names_of_any_bytes(app, reader):
    """
    Line ends, per cent signs, dashes and bytes that are not UTF-8 are names like others.
    """
    web = reader(app)
    web.look()
    names = [b"a\nb.py", b"100%s.py", b"-rf", b"\xff\xfe.py", b"  ", b"x\ry", "ü".encode("latin-1")]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(app), name))).write_text("x")
    paths = tuple(sorted(os.fsdecode(os.path.join(os.fsencode(app), name)) for name in names))
    assert web.look(*paths).changed == paths
    assert web.look().changed == ()


def test_what_is_not_a_file_is_never_opened(app, reader):
    """
    A FIFO without a writer, a socket and a link to itself don't hold up the reading.
    """
    web = reader(app)
    before = web.look()
    os.mkfifo(app / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(app, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/s")
        finally:
            os.close(here)
        assert web.look(app / "fifo", app / "s").revision == before.revision == web.look().revision
    (app / "loop").symlink_to("loop")
    assert web.look().changed == (str(app / "loop"),)


def test_a_link_counts_by_where_it_points_and_what_is_there(app, tmp_path, reader):
    """
    Both another target and another content behind a link are changes; linked directories are not entered.
    """
    outside = tmp_path / "outside.txt"
    outside.write_text("one")
    web = reader(app)
    web.look()
    (app / "link").symlink_to(outside)
    (app / "pkg" / "up").symlink_to("..")
    assert web.look().changed == (str(app / "link"), str(app / "pkg" / "up"))
    outside.write_text("two")
    assert web.look().changed == (str(app / "link"),)
    (app / "link").unlink()
    (app / "link").symlink_to("main.py")
    assert web.look(app / "link").changed == (str(app / "link"),)


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


def run(app: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import mod; print(mod.value)"],
        cwd=app,
        check=True,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    )
    return done.stdout.strip()


def save(path: Path, text: str, second: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(second * 10**9 + 1, second * 10**9 + 1))


@pytest.mark.parametrize("is_discarded", [False, True])
def test_python_boots_the_second_of_two_quick_saves(app, reader, is_discarded):
    """
    Without us a real Python runs the first save's bytecode; with us it runs the second's.
    """
    second = int(time.time())
    save(app / "mod.py", "value = 'first'\n", second)
    web = reader(app)
    web.look()
    assert run(app) == "first"
    save(app / "mod.py", "value = 'newer'\n", second)
    if is_discarded:
        web.look(app / "mod.py")
    assert run(app) == ("newer" if is_discarded else "first")


def test_bytecode_written_late_by_the_old_process_is_discarded_before_a_start(app, reader):
    """
    A process that read the first save may write its bytecode after the second was read.
    """
    second = int(time.time())
    save(app / "mod.py", "value = 'first'\n", second)
    web = reader(app)
    web.look()
    assert run(app) == "first"
    (bytecode,) = (app / "__pycache__").glob("mod.*.pyc")
    late = bytecode.read_bytes()
    save(app / "mod.py", "value = 'newer'\n", second)
    web.look(app / "mod.py")
    bytecode.write_bytes(late)
    assert run(app) == "first"
    web.sources.discard_stale_bytecode("web")
    assert run(app) == "newer"


def test_bytecode_that_can_t_be_stale_stays(app, reader):
    """
    Bytecode that is checked by hash, is of another size, or of another module is none of our business.
    """
    web = reader(app)
    web.look()
    cache = app / "__pycache__"
    cache.mkdir()
    (app / "main.py").write_text("main 2")
    found = (app / "main.py").stat()
    headers = {
        "main.hashed.pyc": (1, int(found.st_mtime), found.st_size),
        "main.size.pyc": (0, int(found.st_mtime), found.st_size + 1),
        "main2.other.pyc": (0, int(found.st_mtime), found.st_size),
        "main.stale.opt-1.pyc": (0, int(found.st_mtime), found.st_size),
        "main.stale.pyc": (0, int(found.st_mtime), found.st_size),
    }
    for name, header in headers.items():
        (cache / name).write_bytes(b"mmmm" + struct.pack("<III", *header))
    (cache / "main.short.pyc").write_bytes(b"m")
    web.look(app / "main.py")
    left = {path.name for path in cache.iterdir()}
    assert left == {"main.hashed.pyc", "main.size.pyc", "main2.other.pyc", "main.short.pyc"}


def test_it_ends_in_time_and_silently(app):
    """
    After close() no fact follows, and its thread is gone.
    """
    web = Reader(app)
    for _ in range(50):
        web.sources.compute("web", (), full=True, final=True)
    web.sources.close()
    count = web.facts.qsize()
    web.sources.compute("web", (), full=True, final=True)
    with pytest.raises(queue.Empty):
        web.facts.get(timeout=0.05) if count == 0 else [web.facts.get(timeout=0.05) for _ in range(count + 1)]

"""edges/sources: the files remembered beside the journal, and what keeps them from being written."""

from __future__ import annotations

import logging
import os
import queue
import resource
import stat
from pathlib import Path

import pytest

from supervisor_reload.edges.sources import remembered
from supervisor_reload.edges.sources.remembered import Remembered, file_name
from supervisor_reload.edges.sources.sections import Group
from supervisor_reload.edges.sources.tree import InterruptedScanError
from tests.fakes.lives import Life, life, live, names
from tests.fakes.reader import LIMIT, Reader


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


def test_hostile_names(tmp_path, state):
    """
    Line ends, bytes that are not UTF-8, dashes, blanks; targets whose names are paths or endless.
    """
    app = tmp_path / os.fsdecode(b"a\nb\xff")
    app.mkdir()
    every = [b"a\nb.py", b"100%s", b"-rf", b"\xff\xfe.py", b"  ", b"x\ry", "ü😀".encode(), b"n" * 255]
    for name in every:
        (app / os.fsdecode(name)).write_text("1")
    for target in ("../../etc/x", "a" * 500, "a/b", "ü\n", "web", "web_", "web/"):
        _, mark = live(state, app, name=target)
        for name in every[::2]:
            with (app / os.fsdecode(name)).open("a") as file:
                file.write("+")
        first, _ = live(state, app, known=mark, name=target)
        assert first.changed == tuple(sorted(str(app / os.fsdecode(name)) for name in every[::2]))
    assert len(list(state.iterdir())) == 7
    assert {path.parent for path in tmp_path.rglob("files-*")} == {state}


def test_others_can_t_read_it(app, state):
    """
    The directory is ours alone, and so is the file; a link in its place is not followed, but replaced.
    """
    _, mark = live(state, app)
    file = state / file_name("web")
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    victim = state.parent / "victim"
    victim.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(victim)
    before = victim.read_bytes()
    (app / "main.py").write_text("2")
    first, _ = live(state, app, known=mark)
    assert names(first, app) == {"main.py", "pkg/mod.py"}
    assert victim.read_bytes() == before
    assert not file.is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(path, path)])
def test_what_is_no_file_holds_nothing_up(app, state, make):
    """
    A FIFO, a directory, or a link to itself where the file should be.
    """
    _, mark = live(state, app)
    file = state / file_name("web")
    file.unlink()
    make(file)
    (app / "main.py").write_text("2")
    assert names(live(state, app, known=mark)[0], app) == {"main.py", "pkg/mod.py"}


def test_where_it_can_t_be_written_one_warning_is_enough(app, state, caplog, monkeypatch):
    """
    The readings go on; when it can be written again, that is said, and it is right.
    """
    monkeypatch.setattr(remembered, "RETRY", 0.0)
    caplog.set_level(logging.INFO, "supervisor_reload")
    state.write_text("a file in place of the directory")
    with life(state, app) as web:
        web.look()
        for text in "23":
            (app / "main.py").write_text(text)
            web.look(app / "main.py")
            web.settle()
        assert caplog.text.count("can't be kept") == 1
        state.unlink()
        (app / "main.py").write_text("4")
        mark = web.look(app / "main.py").mark
        web.settle()
        assert "is written again" in caplog.text
    (app / "new.py").write_text("")
    assert names(live(state, app, known=mark)[0], app) == {"new.py"}


def test_a_file_that_is_another_s_is_written_anew(app, state):
    """
    Two Sources of one target may be open for a moment while settings change: neither breaks the other's file,
    and the one that stays has its own in the end.
    """
    (app / "long-name-that-only-one-of-them-knows.txt").write_text("1")
    other = {"exclude": ("*.txt",)}
    with life(state, app) as old, life(state, app, **other) as new:
        old.look()
        old.settle()
        new.look()
        new.settle()
        (app / "main.py").write_text("2")
        old.look(app / "main.py")
        old.settle()
        kept, mark = old.file.read_bytes(), new.look().mark
        new.settle()
        (app / "new.py").write_text("2")
        assert names(live(state, app, known=mark, **other)[0], app) == {"new.py"}
        old.file.write_bytes(kept)
        assert names(live(state, app, known=old.mark)[0], app) == {"new.py"}


def test_nothing_is_added_to_another_s_file(state):
    """
    Not even in the moment before all is written anew.
    """
    one, other = (Remembered(str(state), "web", ["/app"], lambda: None) for _ in "ab")
    one.keep(lambda: [Group(0, "", {"a.py": b"1" * 16})], "first", is_quiet=True)
    other.keep(lambda: [Group(0, "", {"a.py": b"1" * 16, "b.py": b"2" * 16})], "second", is_quiet=True)
    before = (state / file_name("web")).read_bytes()
    one.add([Group(0, "", {"a.py": b"3" * 16})], "third")
    assert (state / file_name("web")).read_bytes() == before


def test_a_file_that_went_is_written_anew(app, state):
    """
    By the next reading, also where that finds nothing.
    """
    with life(state, app) as web:
        web.look()
        web.settle()
        web.file.unlink()
        web.look()
        web.settle()
        assert web.mark.encode() in web.file.read_bytes()


def test_it_does_not_grow_for_ever(app, state, monkeypatch):
    """
    Many saves of one file are written together: at rest soon, without rest later; nothing is lost by it.
    """
    monkeypatch.setattr(remembered, "SLACK", 2000)
    sizes = []
    with life(state, app) as web:
        web.look()
        for number in range(600):
            (app / "main.py").write_text(str(number))
            web.look(app / "main.py")
            sizes.append(web.file.stat().st_size if web.file.exists() else 0)
        assert max(sizes) > 10_000
        assert max(sizes) < 9 * 2000 + 3000
        web.look()
        web.settle()
        assert web.file.stat().st_size < 3000
        mark = web.mark
    (app / "new.py").write_text("")
    assert names(live(state, app, known=mark)[0], app) == {"new.py"}


def test_leftovers_of_a_kill_in_the_middle_of_writing_go(app, state):
    """
    Half a new file is in nobody's way, and does not become many.
    """
    with life(state, app) as web:
        reading = next(iter(web.sources._readings.values()))
        state.mkdir(mode=0o700)
        Path(reading._remembered._new_path).write_bytes(b"half")
        web.look()
    assert [one.name for one in state.iterdir()] == [file_name("web")]


def grow(app: Path) -> None:
    """Files whose names take more than one section."""
    for number in range(100):
        (app / f"d{number}").mkdir(parents=True)
        for name in range(20):
            (app / f"d{number}" / f"{'n' * 200}{name}").touch()


def test_writing_ends_when_the_listener_must(app, state, caplog):
    """
    No half file is left, and none is taken for a whole one.
    """
    grow(app)
    with pytest.raises(InterruptedScanError):
        interrupted(app, state)
    assert list(state.iterdir()) == []
    one = Life(state, app)
    one.look()
    one.sources.close()
    assert not list(state.glob("*.new"))
    assert "can't be remembered" not in caplog.text
    (app / "new").touch()
    first, _ = live(state, app, known=one.mark)
    assert len(first.changed) in (1, 2003)


def interrupted(app: Path, state: Path) -> None:
    """Write a file, and be told to end in the middle."""
    begun = []

    def check() -> None:
        begun.append(True)
        if len(begun) == 2:
            raise InterruptedScanError

    files = [Group(0, f"d{n}", {"n" * 200 + str(m): bytes(range(16)) for m in range(2000)}) for n in range(3)]
    one = Remembered(str(state), "web", [str(app)], check)
    one.keep(lambda: files, "m", is_quiet=True)


def test_a_full_disk(app, state, caplog):
    """
    A reading that does not fit is not remembered, what was before it is; later all is written again.
    """
    caplog.set_level(logging.INFO, "supervisor_reload")
    grow(app)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with life(state, app) as web:
        known = web.look().mark
        web.settle()
        resource.setrlimit(resource.RLIMIT_FSIZE, (web.file.stat().st_size + 30, before[1]))
        try:
            (app / ("new" * 50)).touch()
            web.look(app / ("new" * 50))
            web.settle()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        kept = web.file.read_bytes()
        assert "File too large" in caplog.text
        web.sources._readings["web"]._remembered._retry_at = 0.0
        mark = web.look().mark
    assert "is written again" in caplog.text
    (app / "new.py").touch()
    assert names(live(state, app, known=mark)[0], app) == {"new.py"}
    web.file.write_bytes(kept)
    assert names(live(state, app, known=known)[0], app) == {"new" * 50, "new.py"}


def test_what_changed_is_on_disk_before_it_is_told(app, state):
    """
    Who kills the listener in the moment of the answer finds the reading in the file. All files, which take
    longer, are written after the first reading was told.
    """
    told = queue.SimpleQueue()

    def put(fact) -> None:
        there = web.file.read_bytes() if web.file.exists() else b""
        told.put(fact.mark.encode() in there)

    with life(state, app, put=put) as web:
        web.order()
        assert told.get(timeout=LIMIT) is False
        for text in map(str, range(3)):
            (app / "main.py").write_text(text)
            web.order(app / "main.py")
            assert told.get(timeout=LIMIT) is True


def test_without_a_directory_nothing_is_written(app, tmp_path, monkeypatch):
    """
    A Sources that shall remember nothing leaves no file, not even where it stands.
    """
    monkeypatch.chdir(tmp_path)
    web = Reader(app)
    assert web.look().mark
    (app / "main.py").write_text("main 2")
    web.look(app / "main.py")
    web.sources.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["app"]

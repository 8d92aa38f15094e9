"""edges/sources: what changed while the listener was down, by what it remembers beside the journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_reload.core.facts import RevisionFailed
from supervisor_reload.core.model import ReactionSettings, RunRule
from tests.fakes.lives import life, live, names

REACTIONS = ReactionSettings(
    signal_on=("*.html",),
    ignore_on=("*.scss",),
    run_on=(
        RunRule(patterns=("requirements*.txt",), command=("pip",)),
        RunRule(patterns=("*.scss",), command=("sass",)),
    ),
)


@pytest.fixture
def state(tmp_path) -> Path:
    return tmp_path / "state"


def test_what_changed_while_nobody_looked_is_told(app, state):
    """
    Changed, deleted, added and renamed files, a new directory and one that is gone: each, and nothing else.
    """
    for name in ("same.py", "old.py", "gone.py"):
        (app / name).write_text(name)
    (app / "lost").mkdir()
    (app / "lost" / "a.py").write_text("a")
    _, mark = live(state, app)
    (app / "main.py").write_text("main 2")
    (app / "old.py").rename(app / "new.py")
    (app / "gone.py").unlink()
    shutil.rmtree(app / "lost")
    (app / "deep" / "er").mkdir(parents=True)
    (app / "deep" / "er" / "b.py").write_text("b")
    os.utime(app / "same.py", (1, 1))
    first, _ = live(state, app, known=mark)
    assert names(first, app) == {"main.py", "old.py", "new.py", "gone.py", "lost/a.py", "deep/er/b.py"}


def test_nothing_changed_is_nothing_told(app, state):
    """
    Also where the file is lost: the mark alone tells that the content is the same.
    """
    _, mark = live(state, app)
    assert live(state, app, known=mark)[0].changed == ()
    shutil.rmtree(state)
    assert live(state, app, known=mark)[0].changed == ()


def test_a_target_that_the_journal_does_not_know_has_no_changes(app, state):
    """
    As ever: what runs is taken for what is on disk, whatever file lies there.
    """
    live(state, app)
    (app / "main.py").write_text("main 2")
    assert live(state, app)[0].changed == ()


def test_without_the_file_everything_counts(app, state, caplog):
    """
    The check must see the files that changed, so it sees all, and all commands are owed.
    """
    (app / "requirements.txt").write_text("1")
    _, mark = live(state, app, reactions=REACTIONS)
    shutil.rmtree(state)
    (app / "main.py").write_text("main 2")
    first, mark = live(state, app, known=mark, reactions=REACTIONS)
    assert names(first, app) == {"main.py", "pkg/mod.py", "requirements.txt"}
    assert first.rules == (0,)
    assert "since the listener ended is not known" in caplog.text
    (app / "main.py").write_text("main 3")
    assert names(live(state, app, known=mark, reactions=REACTIONS)[0], app) == {"main.py"}


def test_rules_of_what_changed_meanwhile(app, state):
    """
    Also of a file without weight, which changes no revision, and of a file that was deleted.
    """
    (app / "style.scss").write_text("1")
    (app / "requirements.txt").write_text("1")
    before, mark = live(state, app, reactions=REACTIONS)
    (app / "style.scss").write_text("2")
    first, mark = live(state, app, known=mark, reactions=REACTIONS)
    assert (first.revision, first.rules, names(first, app)) == (before.revision, (1,), {"style.scss"})
    (app / "requirements.txt").unlink()
    first, mark = live(state, app, known=mark, reactions=REACTIONS)
    assert (first.rules, names(first, app)) == ((0,), {"requirements.txt"})
    assert live(state, app, known=mark, reactions=REACTIONS)[0].rules == ()


def test_each_reading_can_be_the_one_that_the_journal_knows(app, state):
    """
    The listener may have died before its journal learnt of the newest one; or of the newest three.
    """
    marks = []
    with life(state, app) as web:
        marks.append(web.look().mark)
        for text in ("2", "3", "4"):
            (app / "main.py").write_text(text)
            (app / text).mkdir()
            (app / text / "new.py").write_text("new")
            marks.append(web.look(app / "main.py", app / text).mark)
    kept = web.file.read_bytes()
    expected = [
        {"main.py", "2/new.py", "3/new.py", "4/new.py", "down.py"},
        {"main.py", "3/new.py", "4/new.py", "down.py"},
        {"main.py", "4/new.py", "down.py"},
        {"down.py"},
    ]
    (app / "down.py").write_text("down")
    for mark, changed in zip(marks, expected, strict=True):
        web.file.write_bytes(kept)
        assert names(live(state, app, known=mark)[0], app) == changed
    web.file.write_bytes(kept)
    (app / "main.py").write_text("main")  # as it was in the first reading, and not in the one that is known
    assert "main.py" not in names(live(state, app, known=marks[0])[0], app)
    web.file.write_bytes(kept)
    assert "main.py" in names(live(state, app, known=marks[3])[0], app)


def test_killed_again_before_the_journal_learnt_of_the_first_reading(app, state):
    """
    The same changes are told once more, and what came in between; as often as it happens.
    """
    _, mark = live(state, app)
    expected = set()
    for name in ("main.py", "other.py", "third.py", "fourth.py"):
        (app / name).write_text("2")
        expected.add(name)
        assert names(live(state, app, known=mark)[0], app) == expected


def test_early_readings_have_no_mark(app, state):
    """
    Only what a final reading told can be in the journal; until then changes gather.
    """
    with life(state, app) as web:
        mark = web.look().mark
        web.settle()
        kept = web.file.read_bytes()
        web.file.unlink()  # so that all is to be written as soon as there is something to write
        (app / "main.py").write_text("2")
        assert web.look(app / "main.py", final=False).mark == ""
        web.settle()
        assert not web.file.exists()
        web.file.write_bytes(kept)
    (app / "pkg" / "mod.py").write_text("2")
    assert names(live(state, app, known=mark)[0], app) == {"main.py", "pkg/mod.py"}


def test_rules_that_only_rename_the_reading(app, state):
    """
    The same files have another mark under other rules: it is remembered, though nothing changed.
    """
    _, mark = live(state, app)
    first, mark = live(state, app, known=mark, reactions=REACTIONS)
    assert first.changed == ()
    (app / "main.py").write_text("2")
    assert names(live(state, app, known=mark, reactions=REACTIONS)[0], app) == {"main.py"}


@pytest.mark.parametrize(
    "change",
    [{"exclude": ("*.txt",)}, {"include": ("*.py",)}, {"gitignore": False}, {"reactions": REACTIONS}],
    ids=lambda change: next(iter(change)),
)
def test_other_rules_while_down_change_what_they_concern(app, state, change):
    """
    A file that counts now, or does not any more, is told with those that changed; the rest is known still.
    """
    (app / ".gitignore").write_text("ignored.py\n")
    for name in ("ignored.py", "notes.txt", "page.html"):
        (app / name).write_text("1")
    _, mark = live(state, app)
    (app / "main.py").write_text("2")
    first, after = live(state, app, known=mark, **change)
    concerned = {
        "exclude": {"notes.txt"},
        "include": {"notes.txt", "page.html", ".gitignore"},
        "gitignore": {"ignored.py"},
        "reactions": set(),
    }
    assert names(first, app) - {".gitignore"} == {"main.py"} | concerned[next(iter(change))] - {".gitignore"}
    assert live(state, app, known=after, **change)[0].changed == ()
    (app / "main.py").write_text("3")
    assert names(live(state, app, known=after, **change)[0], app) == {"main.py"}


def test_other_paths_make_everything_count(app, state, tmp_path):
    """
    What was remembered is of another tree.
    """
    _, mark = live(state, app)
    shutil.copytree(app, tmp_path / "other")
    (tmp_path / "other" / "main.py").write_text("2")
    first, _ = live(state, tmp_path / "other", known=mark)
    assert names(first, tmp_path / "other") == {"main.py", "pkg/mod.py"}


def test_several_paths_one_in_another_and_a_single_file(app, state):
    """
    Each tree has its own files; one that is in two is named once.
    """
    paths = (app, app / "pkg", app / "main.py")
    _, mark = live(state, *paths)
    (app / "pkg" / "mod.py").write_text("2")
    (app / "main.py").write_text("2")
    first, mark = live(state, *paths, known=mark)
    assert first.changed == (str(app / "main.py"), str(app / "pkg" / "mod.py"))
    with life(state, *paths, known=mark) as web:
        web.look()
        (app / "pkg" / "mod.py").write_text("3")
        mark = web.look(app / "pkg" / "mod.py").mark
    (app / "main.py").write_text("3")
    assert live(state, *paths, known=mark)[0].changed == (str(app / "main.py"),)


def test_a_tree_that_is_away_is_waited_for(app, state, tmp_path):
    """
    A deploy that moved it away is no new code; when it is back, what differs is told.
    """
    _, mark = live(state, app)
    app.rename(tmp_path / "away")
    with life(state, app, known=mark) as web:
        for _ in range(2):
            fact = web.ask()
            assert isinstance(fact, RevisionFailed), fact
            assert "waiting for it to come back" in fact.reason
        (tmp_path / "away" / "main.py").write_text("2")
        (tmp_path / "away").rename(app)
        assert names(web.look(), app) == {"main.py"}
        mark = web.mark
    app.rename(tmp_path / "away")
    shutil.rmtree(state)
    with life(state, app, known=mark) as web:
        assert isinstance(web.ask(), RevisionFailed)


def test_a_tree_that_was_never_there_is_not_waited_for(app, state, tmp_path):
    """
    It had no files before either.
    """
    paths = (app, tmp_path / "later")
    _, mark = live(state, *paths)
    (app / "main.py").write_text("2")
    assert live(state, *paths, known=mark)[0].changed == (str(app / "main.py"),)


def test_bytecode_of_what_changed_meanwhile_is_doubted(app, state):
    """
    Two saves of one length in one second, long before the listener came back: Python boots the second.
    """

    def save(text: str) -> None:
        (app / "mod.py").write_text(f"value = {text!r}\n")
        os.utime(app / "mod.py", (1_000_000_000, 1_000_000_000))

    def run() -> str:
        code = [sys.executable, "-c", "import mod; print(mod.value)"]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return subprocess.run(
            code, cwd=app, check=True, capture_output=True, text=True, env=environment
        ).stdout

    save("zeroth")
    _, mark = live(state, app)
    save("first")
    assert run() == "first\n"
    save("newer")
    assert run() == "first\n"
    live(state, app, known=mark)
    assert run() == "newer\n"

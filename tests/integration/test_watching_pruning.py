"""edges/watching: what is ignored takes no watch, and what is watched follows the rules and the moves."""

from __future__ import annotations

import ctypes
import os

import pytest

from supervisor_reload.core.filters import GITIGNORE
from supervisor_reload.core.model import ObserverKind, WatchSettings
from tests.integration.listener import RESCAN, instances, made_until_seen, until, watches_held


@pytest.fixture
def held():
    """How many watches the trees of a test hold, without the one on the directory above."""
    before = instances()
    return lambda: (watches_held(instances() - before) or 0) - 1


def _tree(root, *names):
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)


def test_ignored_directories_take_no_watch(app, watch, held):
    """
    Neither the built-in ones, nor those of exclude, nor those that a .gitignore at any depth names.
    """
    _tree(app, "node_modules/a/b", ".venv/lib", ".git/objects", "dist/x", "pkg/build/x", "pkg/deep", "made")
    (app / GITIGNORE).write_text("/dist\n")
    (app / "pkg" / GITIGNORE).write_text("build/\n")
    seen = watch(app, exclude=("/made/",))
    assert held() == 3  # app, pkg, deep
    (app / "dist" / "x" / "x.py").write_text("x")
    (app / "pkg" / "deep" / "x.py").write_text("x")
    seen.wait(app / "pkg" / "deep" / "x.py")
    _tree(app, "pkg/node_modules/c", "pkg/dist/y")
    until(lambda: held() == 5, "pkg/dist, which is not /dist, is watched")
    os.rename(app / "dist", app / "pkg" / "fresh")
    seen.wait(app / "pkg" / "fresh", RESCAN)
    made_until_seen(app / "pkg" / "fresh" / "x", seen, "y")


def test_without_gitignore_its_text_means_nothing(app, watch, held):
    """
    gitignore=false: what it names is watched.
    """
    _tree(app, "dist")
    (app / GITIGNORE).write_text("dist\n")
    watch(app, gitignore=False)
    assert held() == 3


def test_what_is_watched_follows_a_gitignore(app, watch, held):
    """
    Once its text is known, what it newly names loses its watches and what it no longer names gets them.
    """
    _tree(app, "dist/a", "out/b/c")
    (app / GITIGNORE).write_text("out\n")
    seen = watch(app)
    assert held() == 4  # app, pkg, dist, a
    for text, directories in (("dist\n", 5), ("dist\nout\n", 2), ("", 7)):
        (app / GITIGNORE).write_text(text)
        seen.wait(app / GITIGNORE)
        seen.filters["web"][0].set_gitignore("", text)
        until(lambda expected=directories: held() == expected, f"{held()} watches with {text!r}")
    seen.wait(app / "dist", RESCAN)
    made_until_seen(app / "out" / "b" / "c", seen, "x")


def test_a_watched_path_inside_an_ignored_directory(app, watch, held):
    """
    The way to it is watched, and what lies beside that is not.
    """
    _tree(app, "node_modules/mine/src", "node_modules/other/src")
    inner = app / "node_modules" / "mine"
    seen = watch(app, others={"inner": WatchSettings(paths=(str(inner),))})
    (inner / "src" / "x.js").write_text("x")
    seen.wait(inner / "src" / "x.js", target="inner")
    assert {fact.target for fact in seen.facts} == {"inner"}
    # app, pkg, node_modules, mine, src; and node_modules again, where mine may be replaced
    assert held() == 6


def test_directories_that_move(app, tmp_path, watch, held):
    """
    Within the tree they are told by their new names; outside nothing of them is told, and no watch stays.
    """
    _tree(app, "pkg/a/b")
    seen = watch(app)
    os.rename(app / "pkg", app / "package")
    seen.wait(app / "package", RESCAN)
    made_until_seen(app / "package" / "a" / "b", seen, "x")
    os.rename(app / "package", tmp_path / "outside")
    seen.forget()
    (tmp_path / "outside" / "a" / "b" / "y.py").write_text("y")
    seen.barrier(app)
    assert not [fact for fact in seen.facts if fact.path.endswith("y.py")]
    until(lambda: held() == 1, "only the root is watched")


def test_two_directories_that_change_places(app, watch):
    """
    Each is told by the name that it has now.
    """
    _tree(app, "a", "b")
    seen = watch(app)
    for _ in range(20):
        os.rename(app / "a", app / "c")
        os.rename(app / "b", app / "a")
        os.rename(app / "c", app / "b")
    seen.barrier(app)
    for name in ("a", "b"):
        made_until_seen(app / name, seen, "x")
        (app / name / f"only_{name}.py").write_text("x")
        seen.wait(app / name / f"only_{name}.py")
    assert not [fact for fact in seen.facts if fact.path.endswith(("a/only_b.py", "b/only_a.py"))]


def test_a_directory_that_becomes_readable(app, watch):
    """
    It can't be watched before that, and is then.
    """
    _tree(app, "closed")
    (app / "closed").chmod(0)
    if os.access(app / "closed", os.R_OK):
        (app / "closed").chmod(0o700)
        pytest.skip("we may read everything")
    seen = watch(app)
    (app / "closed").chmod(0o700)
    seen.wait(app / "closed", RESCAN)
    made_until_seen(app / "closed", seen, "x")


def test_polling_stays_out_of_ignored_directories(app, watch):
    """
    It follows the same rules, also when they change.
    """
    _tree(app, "node_modules/a", "dist")
    (app / GITIGNORE).write_text("dist\n")
    seen = watch(app, observer=ObserverKind.POLLING, poll_interval=0.02)
    (app / "dist" / "x.py").write_text("x")
    (app / "node_modules" / "a" / "x.py").write_text("x")
    assert seen.barrier(app) == []
    seen.filters["web"][0].set_gitignore("", None)
    seen.wait(app / "dist", RESCAN)
    made_until_seen(app / "dist", seen, "y")


def test_two_directories_that_were_exchanged(app, watch, held):
    """
    Each leaves its name and gets the other's in one step (renameat2(2), RENAME_EXCHANGE).
    """
    _tree(app, "one/deep", "two/deep")
    seen = watch(app)
    before = held()
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    if exchange is None or exchange(-100, bytes(app / "one"), -100, bytes(app / "two"), 2):
        pytest.skip("this file system or C library can't exchange names")
    seen.wait(app / "two", RESCAN)
    until(lambda: held() == before, "both trees are watched")
    for name in ("one", "two"):
        (app / name / "deep" / "x.py").write_text("x")
        seen.wait(app / name / "deep" / "x.py")

"""core/filters.py: names only, so plain tables; git itself is asked where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.core import filters
from supervisor_reload.core.filters import Filter, filters_of, pattern_error
from supervisor_reload.core.model import TargetSettings, WatchSettings


def chosen(**settings) -> Filter:
    return Filter(WatchSettings(paths=("/srv/app",), **settings))


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "a/b/c.html",
        "-rf",
        "100%.txt",
        "a\nb.py",
        "\udcff.py",
        ".env",
        "tmp/x.py",
        "git/x",
        "a.tmp.py",
        "log",
        "catalog",
        "x.log.py",
        "pid/x",
    ],
)
def test_code_is_watched(name):
    """
    What no rule excludes is watched, however it is spelt.
    """
    assert chosen().file_is_watched(name)


@pytest.mark.parametrize(
    "name",
    [
        ".git/HEAD",
        "sub/.git",
        "a/node_modules/b/c.js",
        ".venv/lib/x.py",
        "__pycache__/app.cpython-311.pyc",
        "app.pyc",
        ".app.py.swp",
        ".app.py.swx",
        "app.py~",
        ".#app.py",
        "#app.py#",
        "a/4913",
        "x.tmp",
        ".goutputstream-ABC",
        "app.py___jb_tmp___",
        "app.py___jb_old___",
        ".~lock.report.ods#",
        "a/uvicorn.log",
        "web.log.1",
        "web.log.2026-04-01.gz",
        "celery.pid",
        "gunicorn.sock",
        "nohup.out",
        ".DS_Store",
        "bad\nname/__pycache__/x",
        "a\nb.swp",
        "\udcff.pyc",
        ".gitignore",
    ],
)
def test_what_editors_and_tools_leave_is_not(name):
    """
    The built-in names are excluded at any depth, in names with odd characters too.
    """
    assert not chosen().file_is_watched(name)


def test_exclude_comes_before_the_built_in_names():
    """
    What the operator wrote wins, in both directions.
    """
    judge = chosen(exclude=("*.log", "/build/", "!keep.tmp"))
    assert not judge.file_is_watched("a/x.log")
    assert not judge.file_is_watched("build/x.py")
    assert judge.file_is_watched("a/build/x.py")
    assert judge.file_is_watched("keep.tmp")
    assert not judge.file_is_watched("other.tmp")


def test_include_narrows_the_files_but_not_the_directories():
    """
    With include, other files don't count, and every directory may still hold one that does.
    """
    judge = chosen(include=("*.py", "/templates/**"))
    assert judge.file_is_watched("a/b/c.py")
    assert judge.file_is_watched("templates/x/y.html")
    assert not judge.file_is_watched("a/readme.md")
    assert judge.directory_is_watched("a/b")
    assert not judge.file_is_watched("__pycache__/c.py")


def test_the_nearest_gitignore_that_says_something_decides():
    """
    A nested .gitignore overrides the outer one, and counts only below its own directory.
    """
    judge = chosen()
    assert judge.set_gitignore("", "*.log\n/dist\nsecret/\n")
    assert judge.set_gitignore("sub", "!keep.log\n*.css\n")
    assert not judge.file_is_watched("x.log")
    assert not judge.file_is_watched("sub/x.log")
    assert judge.file_is_watched("sub/keep.log")
    assert not judge.file_is_watched("keep.log")
    assert not judge.file_is_watched("sub/deep/x.css")
    assert judge.file_is_watched("x.css")
    assert judge.file_is_watched("sub/dist")
    assert not judge.directory_is_watched("a/secret")


def test_nothing_comes_back_below_an_excluded_directory():
    """
    As in git: what lies in an ignored directory can't be re-included.
    """
    judge = chosen()
    judge.set_gitignore("", "build/\n!build/keep.py\n")
    assert not judge.file_is_watched("build/keep.py")
    assert not judge.file_is_watched("build/deep/er/x.py")


def test_a_gitignore_that_changes_changes_the_answers():
    """
    Answers that were remembered don't outlive the patterns that they came from.
    """
    judge = chosen()
    judge.set_gitignore("", "gone/\n")
    assert not judge.file_is_watched("gone/x.py")
    assert judge.set_gitignore("", None)
    assert judge.file_is_watched("gone/x.py")
    assert not judge.set_gitignore("", None)


def test_gitignore_can_be_switched_off():
    """
    With gitignore=false the texts are not honoured, and no file is asked for.
    """
    judge = chosen(gitignore=False)
    assert not judge.set_gitignore("", "*\n")
    assert judge.file_is_watched("x.py")
    assert not judge.reads(".gitignore")


def test_which_gitignore_files_are_read():
    """
    Those in watched directories, and nothing else.
    """
    judge = chosen()
    assert judge.reads(".gitignore")
    assert judge.reads("a/.gitignore")
    assert not judge.reads("node_modules/a/.gitignore")
    assert not judge.reads("a/x.gitignore")


def test_a_broken_gitignore_line_is_no_rule():
    """
    Lines that make no sense, byte order marks and Windows line ends harm nothing else in the file.
    """
    judge = chosen()
    judge.set_gitignore("", "\ufeff*.one\r\n!\r\na\\\r\n# note\r\n*.two\r\n")
    assert not judge.file_is_watched("x.one")
    assert not judge.file_is_watched("x.two")
    assert judge.file_is_watched("x.three")


def test_a_wrong_pattern_is_explained():
    """
    The configuration can say what is wrong with a pattern, in a sentence.
    """
    assert pattern_error("!") != ""
    assert pattern_error("*.py") == ""
    assert pattern_error("[[:alpha:]]*") == ""
    assert pattern_error("[[:letter:]]*").startswith(
        "there is no character class [:letter:]; there are alnum, "
    )


def test_what_is_remembered_is_bounded(monkeypatch):
    """
    Directories without end neither fill the memory nor change the answers.
    """
    monkeypatch.setattr(filters, "_KNOWN_LIMIT", 3)
    judge = chosen()
    judge.set_gitignore("", "d7/\n")
    answers = [judge.directory_is_watched(f"d{number}") for number in range(10)]
    assert answers == [number != 7 for number in range(10)]
    assert len(judge._known) <= 3


def test_one_filter_for_each_path():
    """
    Two paths of one target have their own .gitignore files.
    """
    target = TargetSettings(name="web", slots=(), watch=WatchSettings(paths=("/a", "/b")))
    first, second = filters_of([target])["web"]
    first.set_gitignore("", "x.py\n")
    assert not first.file_is_watched("x.py")
    assert second.file_is_watched("x.py")


names = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))


@given(
    st.lists(
        names | st.sampled_from(["\udc80", "a\nb", "-x", "%(x)s", "[", "{", "\\"]), min_size=1, max_size=4
    )
)
def test_no_name_breaks_the_matching(parts):
    """
    Every name that a file can have gets an answer, and a file in an excluded directory is excluded.
    """
    judge = chosen(exclude=("*.x", "/one/**/two"), include=("*",))
    judge.set_gitignore("", "*.log\n!a\n")
    relative = "/".join(parts)
    directories = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    if judge.file_is_watched(relative):
        assert all(judge.directory_is_watched(directory) for directory in directories)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_agrees(tmp_path):
    """
    git ignores the same files of a tree with nested, negated and anchored patterns.
    """
    patterns = {
        "": "*.log\n!important.log\n/only-here\nbuild/\ndoc/*.txt\n**/deep/*.c\n\\#x\n",
        "a": "!*.log\n/b/c\n",
    }
    files = ["x.log", "important.log", "only-here", "a/only-here", "build/x", "a/build/y", "doc/a.txt"]
    files += ["doc/s/a.txt", "a/deep/x.c", "a/deep/s/x.c", "#x", "a/x.log", "a/b/c", "b/c", "build.py"]
    judge = chosen()
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for directory, text in patterns.items():
        (tmp_path / directory / ".gitignore").write_text(text)
        judge.set_gitignore(directory, text)
    assert {name for name in files if judge.file_is_watched(name)} == untracked(tmp_path) & set(files)


def untracked(directory: Path) -> set[str]:
    """What git does not ignore."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "init", "-q"], cwd=directory, check=True, env=environment)
    command = ["git", "-c", "core.quotePath=false", "ls-files", "-o", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=directory, check=True, env=environment, capture_output=True).stdout
    return set(listed.decode().split("\0"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_agrees_on_brackets(tmp_path):
    """
    Character classes and odd letters in brackets mean what they mean in git; nothing warns of them.
    """
    texts = [f"x[[:{name}:]]y" for name in filters._CLASSES]
    texts += [
        "x[^[:space:]]y",
        "x[![:punct:]_]y",
        "x[a[:digit:]-]y",
        "x[[a]y",
        "x[+--]y",
        "x[][!]y",
        "x[&&~~]y",
    ]
    texts += ["x[[:alpha:][:digit:]]y", r"x\[[:alpha:]]y", "x[[:letter:]]y"]
    letters = [chr(code) for code in range(1, 127) if chr(code) not in "/\n"]
    names = [f"x{letter}y" for letter in letters] + ["x[a]y", "x[:]y"]
    judge, files = chosen(), [f"{number}/{name}" for number in range(len(texts)) for name in names]
    for number, text in enumerate(texts):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / ".gitignore").write_text(text + "\n")
        judge.set_gitignore(str(number), text + "\n")
    for name in files:
        (tmp_path / name).touch()
    ours = {name for name in files if judge.file_is_watched(name)}
    assert [] == sorted(ours ^ (untracked(tmp_path) & set(files)))

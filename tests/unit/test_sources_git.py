"""edges/sources: by what git is seen to be at work; real git does real work where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from supervisor_reload.edges.sources.git import STEP, GitWork
from tests.integration.supervisord import wait_for

LIMIT = 20.0
BASE, TOP = "base", "top"

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Repository:
    """A working tree with a history, in which git works while somebody looks."""

    def __init__(self, tree: Path, files: int) -> None:
        self.tree = tree
        self.files = [tree / f"p{number % 20}" / f"m{number}.py" for number in range(files)]
        self.seen = self.files[:: max(1, files // 20)]

    def begin(self) -> None:
        self.tree.mkdir()
        self.git("init", "-q")
        self.commit(self.files, BASE)
        self.git("branch", BASE)

    def git(self, *argv: str) -> None:
        subprocess.run(self._argv(argv), cwd=self.tree, env=environment(), check=True, timeout=LIMIT)

    @staticmethod
    def _argv(argv: tuple[str, ...]) -> list[str]:
        return ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-c", "advice.detachedHead=false", *argv]

    def commit(self, files: list[Path], text: str) -> None:
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"{text} {file.name}\n")
        self.git("add", "-A")
        self.git("commit", "-qm", text)

    def content(self) -> tuple[str, ...]:
        """Some files, over all of the tree; a file that is just being replaced has none."""
        found = []
        for file in self.seen:
            try:
                found.append(file.read_text())
            except FileNotFoundError:
                found.append("")
        return tuple(found)

    def states_between(self, web, *argv: str, quiet: float = 0.0) -> tuple[set[tuple[str, ...]], set[str]]:
        """Contents that stood for a ``quiet`` time with git not seen at work, and the signs of its work."""
        states, signs = set(), set()
        latest: tuple[tuple[str, ...], float] = (), 0.0
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(
            self._argv(argv), cwd=self.tree, env=environment(), stdout=nothing, stderr=nothing
        )

        def has_ended() -> bool:
            nonlocal latest
            is_over = process.poll() is not None
            before, content = web.git_sign(), self.content()
            # Read twice: on a busy machine all of git's work may fall into one reading.
            is_one_moment, after = content == self.content(), web.git_sign()
            signs.update({before, after} - {""})
            if before or after or content != latest[0]:
                latest = content, time.monotonic()
            is_free = is_one_moment and not before and not after
            if is_free and time.monotonic() - latest[1] >= quiet:
                states.add(content)
            return is_over

        try:
            wait_for(has_ended, LIMIT, f"the end of git {argv}", step=0.0)
        finally:
            process.kill()
            process.wait()
        return states, signs


def environment() -> dict[str, str]:
    """No configuration of the user who runs the tests."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"}
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | own


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> Repository:
    """``base``, ``side`` with 20 commits on it, ``top`` with a commit on it that touches other files."""
    made = Repository(tmp_path_factory.mktemp("history") / "tree", files=400)
    made.begin()
    made.git("checkout", "-qb", "side")
    for number in range(20):
        made.commit(made.files[number * 10 : number * 10 + 10], f"side {number}")
    made.git("checkout", "-qb", TOP, BASE)
    made.commit(made.files[300:], TOP)
    return made


@pytest.fixture
def repository(history, tmp_path) -> Repository:
    shutil.copytree(history.tree, tmp_path / "tree")
    return Repository(tmp_path / "tree", len(history.files))


@needs_git
@pytest.mark.parametrize(
    ("begin", "argv"),
    [
        ("side", ("rebase", TOP)),
        (TOP, ("cherry-pick", f"{BASE}..side")),
        (TOP, ("merge", "-q", "side")),
        (BASE, ("merge", "-q", "--ff-only", TOP)),
        (BASE, ("pull", "-q", "--ff-only", ".", TOP)),
        (BASE, ("pull", "-q", "--rebase=true", ".", TOP)),
        ("side", ("checkout", "-q", TOP)),
        ("side", ("reset", "-q", "--hard", TOP)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_between_the_signs_there_is_only_the_old_or_the_new_content(repository, reader, begin, argv):
    """
    Whenever git is not seen to work, the files are as before the command or as after it.
    """
    repository.git("checkout", "-qB", "work", begin)
    web = reader(repository.tree)
    before = repository.content()
    states, _ = repository.states_between(web, *argv)
    after = repository.content()
    assert before != after, "the command did nothing"
    assert states <= {before, after}
    assert web.git_sign() == ""


@needs_git
def test_a_rebase_by_patches(repository, reader):
    """
    Between its first checkout and its first sign is a moment, but no quiet period.
    """
    repository.git("checkout", "-qB", "work", "side")
    web = reader(repository.tree)
    before = repository.content()
    states, signs = repository.states_between(web, "rebase", "--apply", TOP, quiet=0.05)
    assert states <= {before, repository.content()}
    assert "a rebase or git am" in signs


@needs_git
def test_stash_and_back(repository, reader):
    """
    The same holds for a stash of many changed files, and for its return.
    """
    clean = repository.content()
    for file in repository.files:
        file.write_text("changed")
    web = reader(repository.tree)
    changed = repository.content()
    assert repository.states_between(web, "stash", "-q")[0] <= {changed, clean}
    assert repository.content() == clean
    assert repository.states_between(web, "stash", "pop", "-q")[0] <= {changed, clean}
    assert repository.content() == changed


@needs_git
def test_a_checkout_of_2000_files(tmp_path, reader):
    """
    The lock is there from before the first file until after the last.
    """
    made = Repository(tmp_path / "tree", files=2000)
    made.begin()
    made.git("checkout", "-qb", TOP)
    made.commit(made.files, TOP)
    web = reader(made.tree)
    before = made.content()
    states, _ = made.states_between(web, "checkout", "-q", BASE)
    assert states <= {before, made.content()}


@needs_git
def test_a_rebase_that_waits_for_its_user_is_not_at_work(repository, reader):
    """
    At a conflict the files are what the user works on; when he goes on, git is at work again.
    """
    repository.git("checkout", "-qB", "work", "side")
    repository.commit(repository.files[300:301], "conflict")
    for number in range(5):
        repository.commit(repository.files[number * 40 : number * 40 + 40], f"later {number}")
    web = reader(repository.tree)
    repository.states_between(web, "rebase", TOP)
    assert (repository.tree / ".git" / "rebase-merge").exists()
    wait_for(lambda: not web.git(), STEP + LIMIT, "the rebase that stands still")
    repository.files[300].write_text("solved")
    repository.git("add", "-A")
    assert not web.git(), "to add a file is the user's work"
    before = repository.content()
    states, _ = repository.states_between(web, "rebase", "--continue")
    assert not (repository.tree / ".git" / "rebase-merge").exists()
    assert states <= {before, repository.content()}


@needs_git
def test_a_linked_worktree_has_signs_of_its_own(repository, tmp_path, reader):
    """
    A rebase in another worktree of the same repository is not ours.
    """
    other = tmp_path / "other"
    repository.git("worktree", "add", "-q", str(other), "side")
    here, there = reader(repository.tree), reader(other)
    marker = Path(repository.tree, ".git", "worktrees", "other", "rebase-merge")
    marker.mkdir()
    (marker / "done").write_text("pick")
    assert (here.git_sign(), there.git_sign()) == ("", "a rebase")


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("rebase-merge", "a rebase"),
        ("rebase-apply", "a rebase or git am"),
        ("sequencer", "a cherry-pick or revert"),
    ],
)
def test_an_operation_is_at_work_while_it_takes_steps(tmp_path, name, sign):
    """
    A sign is believed for STEP after each change, however the clocks of the files go.
    """
    operation = tmp_path / ".git" / name
    operation.mkdir(parents=True)
    head = tmp_path / ".git" / "HEAD"
    head.write_text("1")
    work = GitWork()

    def seen(now: float) -> str:
        return work.sign(str(tmp_path), now)

    (operation / "done").write_text("1")
    assert [seen(100.0), seen(100.0 + STEP / 2), seen(100.0 + STEP)] == [sign, sign, ""]
    (operation / "done").write_text("12")
    os.utime(operation / "done", (1, 1))  # a clock that goes backwards
    assert [seen(200.0), seen(200.0 + STEP)] == [sign, ""]
    head.write_text("12")
    assert [seen(300.0), seen(300.0 + STEP)] == [sign, ""]
    assert seen(9000.0) == "", "a save during the same stop waits for nothing"
    (tmp_path / ".git" / "index").write_text("git status writes it")
    assert seen(9001.0) == ""
    shutil.rmtree(operation)
    assert seen(9002.0) == ""
    operation.mkdir()
    (operation / "done").write_text("12")
    assert seen(9003.0) == sign, "another rebase"


@pytest.mark.parametrize("content", [b"gitdir: a\0b", b"gitdir: " + b"x" * 4000, b"\xff\xfe", b""])
def test_a_pointer_that_makes_no_sense(app, reader, content) -> None:
    """Anybody may have put it there; git is not at work, and the next reading is answered."""
    (app / ".git").write_bytes(content)
    one = reader(app)
    first = one.look()
    assert one.git() is False
    (app / "main.py").write_text("two")
    assert one.look(app / "main.py").revision != first.revision


def test_whatever_fails_is_answered(app, reader, monkeypatch, caplog) -> None:
    """A thread that ended would leave every target without an answer for ever."""
    one = reader(app)

    def fail(*_: object) -> str:
        raise PermissionError(13, "Permission denied", "/app/.git")

    monkeypatch.setattr(GitWork, "sign", fail)
    assert one.git() is False
    assert "it can't be seen whether git is at work" in caplog.text
    assert one.look().revision

"""From a saved file to the new process serving, with a real supervisord, a real server and real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.scene import ONE, PLAIN, SWAP, TWO, scene
from tests.integration.supervisord import PREAMBLE, descendants, wait_for

pytestmark = pytest.mark.integration

BROKEN = "def (:\n"
CHECKED = "check=python\n"


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


@pytest.mark.fault(19)
def test_syntax_error_touches_nothing() -> None:
    """With check=python the old process keeps its pid and answers; the fixed version serves."""
    with scene(PLAIN, ONE + CHECKED) as act:
        pid = act.wait_for_text("one")
        act.save("two", BROKEN)
        act.wait_for_log("refused by the check")
        assert act.ask() == ("one", pid)
        assert "SyntaxError" in act.log()
        assert "    |     def (:" in act.log(), "the line and the caret are shown"
        act.save("three")
        assert act.wait_for_text("three") != pid


@pytest.mark.fault(11)
def test_error_at_boot_keeps_the_old_serving() -> None:
    """Without a check, with a spare slot: the old process serves on, and the reason is on the screen."""
    with scene() as act:
        pid = act.wait_for_text("one")
        act.save("two", "raise RuntimeError('boom at boot')")
        act.wait_for_log("halted")
        assert act.ask() == ("one", pid)
        assert "    | RuntimeError: boom at boot" in act.log()
        act.save("three")
        act.wait_for_text("three")


@pytest.mark.fault(11)
def test_plain_restart_revives_what_a_broken_save_killed() -> None:
    """Without a check and without a spare slot a bad save kills; the next good save brings it back."""
    with scene(PLAIN.replace("startsecs=0", "startsecs=1\nstartretries=1"), ONE) as act:
        act.save("two", "raise SystemExit(3)")
        act.supervisord.wait_for(lambda: act.supervisord.state("web:web") == "FATAL", 20, "FATAL")
        act.save("three")
        act.wait_for_text("three")


@pytest.mark.fault(13)
def test_checkout_of_many_files_is_one_rollout() -> None:
    """git checkout between commits that differ in 2,000 files: one rollout, of the final content."""
    with scene() as act:
        repository = act.src
        git(repository, "init", "-q", "-b", "main")
        (repository / ".gitignore").write_text("__pycache__/\n")
        for number in range(2000):
            (repository / f"m{number}.py").write_text("A = 1\n")
        git(repository, "add", ".")
        git(repository, "commit", "-qm", "one")
        act.wait_for_log("complete")
        git(repository, "checkout", "-qb", "two")
        for number in range(2000):
            (repository / f"m{number}.py").write_text("A = 22\n")
        act.save("two")
        git(repository, "commit", "-qam", "two")
        act.wait_for_text("two")
        act.wait_for_log(r"complete", act.count("began|rolling out"))
        before, completed = act.count("rolling out"), act.count("complete")
        git(repository, "checkout", "-q", "main")
        act.wait_for_text("one")
        act.wait_for_log("complete", completed + 1)
        assert act.stays_quiet(2.0) == ""
        assert act.count("rolling out") == before + 1
        assert act.count("complete") == completed + 1


@pytest.mark.fault(20, 21)
def test_no_change_of_content_is_no_rollout() -> None:
    """touch, the same bytes, a swap file, bytecode, and reading the files."""
    with scene() as act:
        assert act.stays_quiet(0.5) == ""  # right after its first reading the listener doubts what it found
        act.code.touch()
        act.code.write_bytes(act.code.read_bytes())
        copy = act.src / "code_under_test.py.new"
        copy.write_bytes(act.code.read_bytes())
        copy.replace(act.code)
        (act.src / ".code_under_test.py.swp").write_text("x")
        (act.src / "__pycache__").mkdir(exist_ok=True)
        (act.src / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
        os.chmod(act.code, 0o640)
        act.code.read_text()
        assert act.stays_quiet(2.0) == ""


@pytest.mark.fault(19)
def test_a_half_written_file_is_no_change() -> None:
    """A slow writer: nothing happens until it closes the file, and then one rollout of the whole."""
    with scene() as act:
        with act.code.open("w") as file:
            file.write("TEXT = 'two'\nraise Runtime")
            file.flush()
            os.fsync(file.fileno())
            assert act.stays_quiet(0.7) == ""
            file.seek(0)
            file.truncate()
            file.write("TEXT = 'two'\n")
        act.wait_for_text("two")
        act.wait_for_log("complete")
        assert act.count("rolling out") == 1


def test_two_saves_within_a_second_of_one_length() -> None:
    """Python trusts bytecode by whole seconds and size: the second save must be what runs."""
    with scene(PLAIN, ONE) as act:
        for text in ("aaa", "bbb", "ccc", "ddd"):
            act.save(text)
            act.wait_for_text(text)


@pytest.mark.fault(49, 50)
def test_odd_file_names_break_nothing() -> None:
    """A newline, a percent sign, a leading dash, bytes that are no UTF-8."""
    with scene(SWAP, TWO + CHECKED) as act:
        for name in (b"a\nb.py", b"100%s.py", b"-rf.py", b"\xff\xfe.py", b"a b'\".py"):
            (Path(os.fsdecode(os.fsencode(act.src) + b"/" + name))).write_text("X = 1\n")
        act.save("two")
        act.wait_for_text("two")
        act.wait_for_log("complete")
        assert r"a\nb.py" in act.log()
        assert act.supervisord.state("reload:reload") == "RUNNING"


@pytest.mark.fault(40)
def test_operators_stop_is_obeyed() -> None:
    """What was stopped by hand stays stopped, whatever is saved, until it is started by hand."""
    with scene(PLAIN, ONE) as act:
        act.supervisord.rpc.supervisor.stopProcess("web:web")
        act.wait_for_log("stopped by hand")
        act.save("two")
        act.wait_for_log("every process that runs it was stopped by hand")
        assert act.supervisord.state("web:web") == "STOPPED"
        act.supervisord.rpc.supervisor.startProcess("web:web")
        act.wait_for_text("two")


@pytest.mark.fault(16)
def test_a_watched_directory_that_vanishes_and_returns() -> None:
    """It is watched again, and its new content is rolled out."""
    with scene() as act:
        away = act.directory / "away"
        act.src.rename(away)
        act.src.mkdir()
        act.save("two")
        act.wait_for_text("two")
        act.wait_for_log("complete")
        act.save("three")
        act.wait_for_text("three")


def test_a_whole_tree_is_watched_while_it_grows() -> None:
    """New directories are code too."""
    with scene() as act:
        deep = act.src / "a" / "b" / "c"
        deep.mkdir(parents=True)
        (deep / "late.py").write_text("X = 1\n")
        act.wait_for_log("late.py")


@pytest.mark.fault(6)
def test_listener_leaves_with_supervisord() -> None:
    """kill -9 of supervisord: our stdin ends, and we go at once; nothing of ours is left behind."""
    with scene() as act:
        below = descendants(act.supervisord.pid)
        listener = act.supervisord.process_pid("reload:reload")
        act.supervisord.kill()
        wait_for(lambda: not Path(f"/proc/{listener}").exists(), 10, "the listener's end")
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def test_a_killed_listener_comes_back_and_goes_on() -> None:
    """supervisord restarts it; the next save is a rollout again."""
    with scene() as act:
        os.kill(act.supervisord.process_pid("reload:reload"), signal.SIGKILL)
        act.wait_for_log("watches web", 2)
        act.save("two")
        act.wait_for_text("two")


def test_a_listener_that_is_told_to_stop() -> None:
    """It leaves in good order, by that signal: a stranger's is answered by supervisord with a new one."""
    with scene() as act:
        os.kill(act.supervisord.process_pid("reload:reload"), signal.SIGTERM)
        act.wait_for_log("watches web", 2)
        assert "leaving: told to stop by SIGTERM" in act.log()
        assert "exited: reload (terminated by SIGTERM; not expected)" in act.supervisord.log()
        act.supervisord.rpc.supervisor.stopProcess("reload:reload")
        assert "stopped: reload (terminated by SIGTERM)" in act.supervisord.log()
        assert act.supervisord.state("reload:reload") == "STOPPED"


@pytest.mark.fault(27)
def test_wrong_configuration_is_listed_and_ends_the_listener() -> None:
    """Exit status 2 and every error at once."""
    done = subprocess.run(
        [Path(sys.executable).with_name("supervisor-reload"), "listen", "-c", "/nonexistent.conf"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "/nonexistent.conf" in done.stderr
    assert done.stdout == ""


def test_a_server_with_a_password() -> None:
    """The listener takes user name and password from the section of the server that it is given."""
    secured = """
[unix_http_server:secured]
file=%(here)s/p.sock
username=u
password=p%%w
"""
    with scene(PLAIN, ONE, head=secured + PREAMBLE) as act:
        url = (act.directory / "p.sock").as_uri().replace("file:", "unix:")
        environment = Path(f"/proc/{act.supervisord.process_pid('reload:reload')}/environ").read_bytes()
        assert url.encode() in environment, "the listener was given the server with the password"
        act.save("two")
        act.wait_for_text("two")

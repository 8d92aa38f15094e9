"""The check: python syntax by the program's own interpreter, or an operator's command."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.facts import CheckFailed, CheckPassed, CommandFailed, CommandSucceeded, Fact
from supervisor_reload.core.model import CheckSettings, ReactionSettings, Revision, RunRule
from supervisor_reload.edges.commands import Checking, Commanding, check, command
from supervisor_reload.edges.spawning import Outcome
from tests.fakes.world import web
from tests.integration.supervisord import wait_for

R1, R2 = Revision("r1"), Revision("r2")
LIMIT = 20.0
PYTHON = CheckSettings(python=sys.executable)


def compiled(*names: str) -> Outcome:
    return check(PYTHON, "web", R1, names)


@pytest.fixture
def good(tmp_path: Path) -> str:
    (tmp_path / "good.py").write_text("import nothing_that_exists\nprint('ran')\nraise SystemExit(5)\n")
    return str(tmp_path / "good.py")


def test_good_code_passes_and_is_not_run(good: str) -> None:
    """Compiled, in memory: neither its imports nor its statements happen, and no bytecode appears."""
    outcome = compiled(good)
    assert (0, "") == (outcome.code, outcome.output)
    assert ["good.py"] == os.listdir(Path(good).parent)


def test_a_syntax_error_is_shown_as_python_shows_it(good: str, tmp_path: Path) -> None:
    """File, line, the text and the caret; every bad file is told in one go."""
    (tmp_path / "bad.py").write_text("x = 1\ndef f(:\n    pass\n")
    (tmp_path / "worse.py").write_text("  indented\n")
    outcome = compiled(str(tmp_path / "bad.py"), good, str(tmp_path / "worse.py"))
    assert (1, "exit status 1") == (outcome.code, outcome.reason)
    lines = outcome.output.splitlines()
    assert f'  File "{tmp_path}/bad.py", line 2' == lines[0]
    assert "    def f(:" == lines[1]
    assert "^" in lines[2]
    assert lines[3].startswith("SyntaxError: ")
    assert f'  File "{tmp_path}/worse.py", line 1' in lines
    assert "IndentationError: unexpected indent" in lines


@pytest.mark.parametrize(
    "content",
    [b"x = 1\0\n", b"# coding: no-such-codec\n", b"x = '\xff'\n", b"x = '\\N{no such name}'\n"],
)
def test_what_python_would_not_read_is_refused(tmp_path: Path, content: bytes) -> None:
    """Null bytes, unknown encodings, bytes that are no UTF-8; the file is named whatever Python says."""
    (tmp_path / "odd.py").write_bytes(content)
    outcome = compiled(str(tmp_path / "odd.py"))
    assert 1 == outcome.code
    assert "odd.py" in outcome.output
    assert "Traceback" not in outcome.output


def test_code_that_only_warns_passes(tmp_path: Path) -> None:
    """A SyntaxWarning is no error, also where the environment makes warnings errors."""
    (tmp_path / "warns.py").write_text(r"x = '\d'; assert (x, 'always true')")
    os.environ["PYTHONWARNINGS"] = "error"
    try:
        assert 0 == compiled(str(tmp_path / "warns.py")).code
    finally:
        del os.environ["PYTHONWARNINGS"]


@pytest.mark.fault(49)
@pytest.mark.parametrize(
    "name", [b"new\nline.py", b"-c.py", b"%s %(x)s.py", b"\xff\xfe.py", "ä 𝄞.py".encode(), b"$(id).py"]
)
def test_names_are_only_names(tmp_path: Path, name: bytes) -> None:
    """They travel on stdin, separated by what no name can hold."""
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(b"def f(:\n")
    outcome = compiled(os.fsdecode(path))
    assert 1 == outcome.code
    assert "SyntaxError" in outcome.output
    with open(path, "wb") as file:
        file.write(b"x = 1\n")
    assert 0 == compiled(os.fsdecode(path)).code


def test_two_thousand_files_are_one_run(tmp_path: Path) -> None:
    """More names than a command line could hold; the last is bad."""
    directory = tmp_path / ("long" * 40)
    directory.mkdir()
    names = [str(directory / f"module_{number:04d}.py") for number in range(2000)]
    for name in names:
        Path(name).write_text("x = 1\n")
    assert 0 == compiled(*names).code
    Path(names[-1]).write_text("x = = 1\n")
    assert "module_1999.py" in compiled(*names).output


def test_what_is_no_file_any_more_is_not_compiled(good: str, tmp_path: Path) -> None:
    """Deleted files are changes, too; so is a directory that is named like a module."""
    (tmp_path / "package.py").mkdir()
    (tmp_path / "broken.py").symlink_to("nowhere")
    outcome = compiled(
        str(tmp_path / "gone.py"), str(tmp_path / "package.py"), str(tmp_path / "broken.py"), good
    )
    assert (0, "") == (outcome.code, outcome.output)


def test_without_a_python_file_nothing_is_run() -> None:
    """A template or a stylesheet changed."""
    settings = CheckSettings(python="/no/such/python")
    assert "no Python file changed" == check(settings, "web", R1, ("/app/a.css", "/app/py")).reason
    assert 127 == check(settings, "web", R1, ("/app/a.py",)).code


def test_a_command_is_told_what_changed(tmp_path: Path) -> None:
    """Files on stdin, NUL-separated; target and revision in its environment; in its directory."""
    words = 'tr "\\0" "|"; echo; echo "$SUPERVISOR_RELOAD_TARGET $SUPERVISOR_RELOAD_REVISION"; pwd'
    settings = CheckSettings(command=("sh", "-c", words), directory=str(tmp_path))
    outcome = check(settings, "web", R1, ("/app/a\nb.css", "/app/c.py"))
    assert f"/app/a\nb.css|/app/c.py|\nweb r1\n{tmp_path}\n" == outcome.output


def test_what_changed_is_a_file_too() -> None:
    """For commands whose stdin is taken, or that read it twice; gone when the command is."""
    words = 'xargs -0 printf "<%s>" < "$SUPERVISOR_RELOAD_FILES"; echo; echo "$SUPERVISOR_RELOAD_FILES"'
    outcome = check(CheckSettings(command=("sh", "-c", words)), "web", R1, ("/app/a\nb.css", "/app/-rf"))
    shown, name = outcome.output.rsplit("\n", 2)[:2]
    assert "</app/a\nb.css></app/-rf>" == shown
    assert not Path(name).exists()


def test_a_command_of_run_on(facts: queue.SimpleQueue[Fact], tmp_path: Path) -> None:
    """Run without a shell, in its directory; how it ended is a fact."""
    rules = (
        RunRule(patterns=("*.txt",), command=("sh", "-c", "cat > got; pwd")),
        RunRule(patterns=("*.txt",), command=("sh", "-c", "echo no such package; exit 3")),
        RunRule(patterns=("*.txt",), command=("sleep", "1000")),
    )
    reactions = ReactionSettings(run_on=rules, run_timeout=0.3, directory=str(tmp_path))
    commanding = Commanding([replace(web(1, max_surge=0), reactions=reactions)], facts.put)
    try:
        commanding.run("web", 0, R1, ("/app/requirements.txt",))
        assert CommandSucceeded(target="web", rule=0) == facts.get(timeout=LIMIT)
        assert b"/app/requirements.txt\0" == (tmp_path / "got").read_bytes()
        commanding.run("web", 1, R1, ())
        failed = CommandFailed(target="web", rule=1, reason="exit status 3", output="no such package\n")
        assert failed == facts.get(timeout=LIMIT)
        commanding.run("web", 2, R1, ())
        late = facts.get(timeout=LIMIT)
        assert ("no end within 0.3 s", 2) == (getattr(late, "reason", ""), getattr(late, "rule", None))
        commanding.run("web", 2, R1, ())
    finally:
        commanding.close()
    assert facts.empty()


@pytest.mark.parametrize("run_as_check", [True, False])
def test_no_name_is_a_command(tmp_path: Path, run_as_check: bool) -> None:
    """Names of any bytes arrive as they are, by check and by run_on, and nothing in them happens."""
    names = (
        b"$(touch pwned)",
        b"`touch pwned`",
        b"; touch pwned",
        b"-rf",
        b"%s%(x)s",
        b"a\nb",
        b"\xff\xfe",
        b"*",
    )
    paths = tuple(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)) for name in names)
    words = ("sh", "-c", 'cat > got; cmp got "$SUPERVISOR_RELOAD_FILES"')
    if run_as_check:
        outcome = check(CheckSettings(command=words, directory=str(tmp_path)), "web", R1, paths)
    else:
        rule = RunRule(patterns=("*",), command=words)
        outcome = command(ReactionSettings(run_on=(rule,), directory=str(tmp_path)), 0, "web", R1, paths)
    assert (0, "") == (outcome.code, outcome.output)
    assert [os.fsencode(path) for path in paths] == (tmp_path / "got").read_bytes().split(b"\0")[:-1]
    assert ["got"] == os.listdir(tmp_path)


def test_a_command_has_a_limit() -> None:
    """check_timeout."""
    settings = CheckSettings(command=("sleep", "1000"), timeout=0.2)
    assert "no end within 0.2 s" == check(settings, "web", R1, ()).reason


@pytest.fixture
def facts() -> queue.SimpleQueue[Fact]:
    return queue.SimpleQueue()


def checking(facts: queue.SimpleQueue[Fact], *command: str, timeout: float = 60.0) -> Checking:
    settings = web(1, max_surge=0)
    return Checking([replace(settings, check=CheckSettings(command=command, timeout=timeout))], facts.put)


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("check ")]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    wait_for(lambda: not running(), LIMIT)


def test_passed_and_failed(facts: queue.SimpleQueue[Fact]) -> None:
    """One fact for each run, with the revision that was checked."""
    checking(facts, "true").run("web", R1, ())
    passed = facts.get(timeout=LIMIT)
    assert isinstance(passed, CheckPassed)
    assert ("web", R1) == (passed.target, passed.revision)
    checking(facts, "sh", "-c", "echo no; exit 2").run("web", R2, ())
    failed = CheckFailed(target="web", revision=R2, reason="exit status 2", output="no\n")
    assert failed == facts.get(timeout=LIMIT)


def test_a_newer_run_ends_the_older(facts: queue.SimpleQueue[Fact], tmp_path: Path) -> None:
    """Only the newest is told; the older one's command is gone."""
    words = f'test "$SUPERVISOR_RELOAD_REVISION" = r2 || {{ echo $$ > {tmp_path}/pid; exec sleep 1000; }}'
    checks = checking(facts, "sh", "-c", words)
    checks.run("web", R1, ())
    pid = int(wait_for((tmp_path / "pid").read_text, LIMIT))
    checks.run("web", R2, ())
    passed = facts.get(timeout=LIMIT)
    assert isinstance(passed, CheckPassed)
    assert R2 == passed.revision
    wait_for(lambda: not running() and not Path(f"/proc/{pid}").exists(), LIMIT)
    assert facts.empty()


def test_close_ends_the_command_before_we_leave(facts: queue.SimpleQueue[Fact], tmp_path: Path) -> None:
    """A thread that dies with us could not kill it any more."""
    checks = checking(facts, "sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    checks.run("web", R1, ())
    pid = int(wait_for((tmp_path / "pid").read_text, LIMIT))
    checks.close()
    assert not Path(f"/proc/{pid}").exists()
    assert facts.empty()


def test_close_ends_the_command_of_a_run_that_a_newer_one_just_ended(
    facts: queue.SimpleQueue[Fact], tmp_path: Path
) -> None:
    """It may not be gone yet."""
    checks = checking(facts, "sh", "-c", f"echo $$ > {tmp_path}/$SUPERVISOR_RELOAD_REVISION; exec sleep 1000")
    checks.run("web", R1, ())
    pid = int(wait_for((tmp_path / "r1").read_text, LIMIT))
    checks.run("web", R2, ())
    checks.close()
    assert not Path(f"/proc/{pid}").exists()


def test_a_check_that_can_not_even_be_begun_has_failed(facts: queue.SimpleQueue[Fact]) -> None:
    """The core waits for an answer, whatever happens here: a name that no file can have is a surprise."""
    checking(facts, "true").run("web", R1, ("/app/\ud800.py",))
    failed = facts.get(timeout=LIMIT)
    assert isinstance(failed, CheckFailed)
    assert ("web", R1) == (failed.target, failed.revision)
    assert failed.reason.startswith("the check could not be run: UnicodeEncodeError")


def test_cancelling_nothing_is_nothing(facts: queue.SimpleQueue[Fact]) -> None:
    """Orders may come twice."""
    checks = checking(facts, "true")
    checks.cancel("web")
    checks.cancel("nobody")
    checks.close()
    assert facts.empty()

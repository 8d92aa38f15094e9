"""What root may run: files that others can write, by whatever way, are found, and nothing else is."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import supervisor_reload
from supervisor_reload.core.model import Rights
from supervisor_reload.edges.ownership import weakness_of, weakness_of_command
from supervisor_reload.edges.spawning import Outcome, run
from tests.fakes.children import NOBODY
from tests.integration.supervisord import short_directory

GROUP = 12345
"""A group that is not root's, and has no name."""

FOLDERS = ["/usr/bin", "/bin"]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@pytest.fixture
def here() -> Iterator[Path]:
    """A directory of root's into which everybody may look."""
    directory = short_directory()
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def script(file: Path, text: str = "#!/bin/sh\nexit 0\n", mode: int = 0o755) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def weak(path: Path | str) -> str:
    found = weakness_of(str(path))
    return "" if found is None else str(found)


@root_only
@pytest.mark.parametrize(
    ("owner", "group", "mode", "who"),
    [
        (0, 0, 0o755, ""),
        (0, GROUP, 0o755, ""),
        (0, 0, 0o775, ""),
        (NOBODY, 0, 0o755, "belongs to nobody (chown root "),
        (4711, 0, 0o500, "belongs to user 4711 (chown root "),
        (0, GROUP, 0o775, f"can be written by group {GROUP} (chmod g-w "),
        (0, 0, 0o757, "can be written by everybody (chmod go-w "),
        (0, GROUP, 0o777, "can be written by everybody (chmod go-w "),
    ],
)
@pytest.mark.parametrize("kind", ["file", "directory", "directory above"])
def test_who_can_write(here: Path, owner: int, group: int, mode: int, who: str, kind: str) -> None:
    """A file, or a directory anywhere above it, in which another could put another file."""
    (here / "bin" / "deep").mkdir(parents=True)
    file = script(here / "bin" / "deep" / "check")
    given = {"file": file, "directory": file.parent, "directory above": file.parent.parent}[kind]
    os.chown(given, owner, group)
    given.chmod(mode)
    assert weak(file) == (f"{str(given)!r} {who}{given})" if who else "")


@root_only
def test_a_shared_directory_is_no_weakness_but_a_strangers_name_in_it_is(here: Path) -> None:
    """As /tmp: there nobody can replace what is another's."""
    shared = here / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    assert weak(script(shared / "ours")) == ""
    os.chown(script(shared / "theirs"), NOBODY, -1)
    assert "belongs to nobody" in weak(shared / "theirs")
    (shared / "link").symlink_to(shared / "ours")
    assert weak(shared / "link") == ""
    os.chown(shared / "link", NOBODY, -1, follow_symlinks=False)
    assert weak(shared / "link") == f"'{shared}/link' belongs to nobody (chown -h root {shared}/link)"
    os.chown(shared, NOBODY, -1)
    assert weak(shared / "ours").startswith(f"'{shared}' belongs to nobody")


@root_only
def test_links_are_followed_as_the_kernel_does(here: Path) -> None:
    """What counts is where names can be exchanged, and what is at the end; who made a link is nothing."""
    good, bad = here / "good", here / "bad"
    good.mkdir()
    bad.mkdir()
    os.chown(bad, NOBODY, -1)
    file = script(good / "check")
    script(bad / "check")
    (good / "to_bad").symlink_to("../bad/check")
    (bad / "to_good").symlink_to(file)
    (good / "fine").symlink_to(good / "." / ".." / "good" / "check")
    os.chown(good / "fine", NOBODY, -1, follow_symlinks=False)
    assert weak(good / "fine") == ""
    for path in (good / "to_bad", bad / "to_good", f"{good}/../bad/check", f"{bad}/../good/check"):
        assert weak(path).startswith(f"{str(bad)!r} belongs to nobody")


def test_what_is_not_there_is_not_judged(here: Path) -> None:
    """Nobody can run it; nor a circle of links, nor a name with a NUL."""
    (here / "circle").symlink_to("circle")
    for path in (here / "none" / "check", here / "circle", "/etc/passwd/x", "/\0", "/" + 300 * "x"):
        assert weak(path) == ""


@root_only
@pytest.mark.parametrize(
    "argv",
    [
        ["HERE/bad/check"],
        ["bad/check", "--all"],
        ["sh", "HERE/bad/check"],
        ["python3", "-u", "bad/check", "x"],
        ["python3", "-W", "ignore", "bad/check"],
        ["sh", "-ec", "bad/check --all"],
        ["env", "A=b", "sh", "bad/check"],
        ["timeout", "5", "nice", "-n", "5", "HERE/bad/check"],
        ["HERE/good/by_bad_python"],
        ["HERE/good/by_env"],
        ["HERE/good/link"],
    ],
)
def test_what_a_command_runs_is_looked_at(here: Path, argv: list[str]) -> None:
    """The program; the script of an interpreter; a script's interpreter; what a wrapper runs."""
    (here / "good").mkdir()
    (here / "bad").mkdir()
    script(here / "bad" / "check")
    script(here / "bad" / "python")
    script(here / "good" / "by_bad_python", f"#!{here}/bad/python -I\n")
    script(here / "good" / "by_env", f"#!/usr/bin/env -S {here}/bad/python -u\n")
    (here / "good" / "link").symlink_to("../bad/check")
    command = [word.replace("HERE", str(here)) for word in argv]
    assert weakness_of_command(command, str(here), FOLDERS) == ""
    (here / "bad").chmod(0o777)
    problem = weakness_of_command(command, str(here), FOLDERS)
    assert problem.startswith("would run as root by way of '")
    assert problem.endswith(f", and '{here}/bad' can be written by everybody (chmod go-w {here}/bad)")


@root_only
@pytest.mark.parametrize(
    "argv",
    [
        ["cat", "data"],
        ["sh", "-c", "exit 0", "data"],
        ["sh", "-c", "'"],
        ["python3", "-I", "-m", "compileall", "data"],
        ["python3", "-Ic", "pass", "data"],
        ["env"],
        ["no-such-command", "data"],
        [],
        ["\0"],
        ["sh", "\0"],
    ],
)
def test_data_and_directories_are_not_looked_at(here: Path, argv: list[str]) -> None:
    """What a command reads is its own business."""
    (here / "data").touch()
    here.chmod(0o777)
    assert weakness_of_command(argv, str(here), FOLDERS) == ""


@root_only
@pytest.mark.parametrize("option", ["-m", "-c", "-Bm"])
def test_python_imports_from_where_it_runs(here: Path, option: str) -> None:
    """With -m and -c: whoever writes there is run."""
    argv = ["python3", option, "json", "x"]
    assert weakness_of_command(argv, str(here), FOLDERS) == ""
    here.chmod(0o777)
    assert f"{str(here)!r} can be written by everybody" in weakness_of_command(argv, str(here), FOLDERS)


@root_only
def test_who_writes_earlier_on_the_path_goes_before(here: Path) -> None:
    """The folders up to the program's own count, and those behind it don't."""
    os.chown(here, NOBODY, -1)
    assert weakness_of_command(["cat"], "/", [*FOLDERS, str(here)]) == ""
    assert weakness_of_command(["cat"], "/", [str(here), *FOLDERS]) == (
        f"would run as root, 'cat' is looked up in '{here}' first, and '{here}' belongs to nobody "
        f"(chown root {here}); or name it by its whole path"
    )
    script(here / "cat")
    assert f"by way of '{here}/cat'" in weakness_of_command(["cat"], "/", [str(here), *FOLDERS])


def ran(*argv: str, rights: Rights, **options: object) -> Outcome:
    return run(argv, limit=20, rights=rights, **options)  # type: ignore[arg-type]


@root_only
def test_it_is_looked_at_right_before_it_runs(here: Path) -> None:
    """Whatever it was when the configuration was read."""
    file = script(here / "check", f"#!/bin/sh\necho ran >> {here}/ran\n")
    for rights in (Rights(), Rights(user=0)):
        file.chmod(0o775)
        os.chown(file, 0, GROUP)
        outcome = ran(str(file), rights=rights)
        assert (126, "") == (outcome.code, outcome.output)
        assert outcome.reason == (
            f"not run: would run as root, and '{file}' can be written by group {GROUP} (chmod g-w {file})"
        )
        assert not (here / "ran").exists()
    assert ran(str(file), rights=Rights(trust_writable=True)).code == 0
    file.chmod(0o755)
    assert ran(str(file), rights=Rights()).code == 0
    assert (here / "ran").read_text() == "ran\nran\n"


SAYS = 'id -u; id -g; id -G; cat "$FILES"; cat; test -w "$FILES" && echo own'


@root_only
def test_a_command_runs_as_its_programs_user(here: Path) -> None:
    """Its uid, group and groups, as supervisord sets them; also what others can write."""
    file = script(here / "check", f"#!/bin/sh\n{SAYS}\n", 0o777)
    outcome = ran(str(file), rights=Rights(user=NOBODY), stdin=b"given\n", named_in="FILES")
    assert outcome.output == "65534\n65534\n65534\ngiven\ngiven\nown\n"
    outcome = ran("/bin/sh", "-c", "kill -0 $PPID", rights=Rights(user=NOBODY))
    assert outcome.code == 1
    assert "not permitted" in outcome.output.lower()


@root_only
def test_no_such_user(here: Path) -> None:
    """Not run at all, least of all as root."""
    outcome = ran("/usr/bin/touch", str(here / "ran"), rights=Rights(user=471147))
    assert (127, "could not be started: there is no user 471147") == (outcome.code, outcome.reason)
    assert not (here / "ran").exists()


def test_who_is_not_root_runs_as_he_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """He could become nobody else, and what others write can do no more than he may."""
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    file = script(here / "check", "#!/bin/sh\nid -u\n", 0o777)
    assert ran(str(file), rights=Rights(user=471147)).output == f"{os.getuid()}\n"


FORBIDDEN = {"system", "popen", "getoutput", "getstatusoutput", "spawnl", "spawnlp", "spawnvp", "spawnv"}


@pytest.mark.fault(49)
def test_no_shell_is_started_anywhere() -> None:
    """No ``shell=``, no ``os.system`` and the like: a name can't become a command."""
    files = sorted(Path(supervisor_reload.__file__).parent.rglob("*.py"))
    assert len(files) > 100
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                assert name not in FORBIDDEN, f"{file}:{node.lineno}: {name}"
                assert "shell" not in [word.arg for word in node.keywords], f"{file}:{node.lineno}"

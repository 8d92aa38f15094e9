"""When ``status`` and ``history`` can tell nothing, or not all: the sentence, and the exit status."""

from __future__ import annotations

import os
import shutil

import pytest

from supervisor_reload import cli
from supervisor_reload.core.model import Record
from tests.fakes.children import as_nobody
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, Place
from tests.fakes.written import Written, records_of
from tests.integration.supervisord import short_directory

OK, WRONG, NOT_WELL, UNKNOWN = 0, 2, 3, 4


@pytest.fixture
def written(place: Place, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(place, capsys)


@pytest.fixture
def rest() -> dict[str, Record]:
    """Everything serves; there was one rollout."""
    return records_of()


@pytest.mark.parametrize("verb", ["status", "history"])
def test_no_journal(written: Written, verb: str) -> None:
    """The directory is named, and what to look at; it is not made."""
    (written.state.parent / "supervisord.pid").write_text(f"{os.getpid()}\n")  # it runs
    code, out, err = written.run(verb)
    assert (UNKNOWN, "") == (code, out)
    assert err == (
        "Error: no listener has written here yet: HERE/run/supervisor_reload-supervisor "
        "(is [eventlistener:reload] running? supervisorctl -c HERE/supervisord.conf status reload)\n"
    )
    assert not written.state.exists()


def test_another_configuration_file(written: Written, place: Place) -> None:
    """One without our listener is probably not the one that was meant."""
    place.write(HEAD + PLAIN)
    code, _, err = written.run("status")
    assert code == UNKNOWN
    assert "HERE/supervisord.conf has no listener of ours; is it the right file? -c names another" in err


@pytest.mark.parametrize("more", ["chek=1\n", "[reload]\nlog_level=loud\n", "[program:b]\nnumprocs=x\n"])
def test_a_mistake_elsewhere_does_not_matter(
    written: Written, place: Place, rest: dict[str, Record], more: str
) -> None:
    """In the middle of an edit the listener goes on with the last good one, and can be looked at."""
    place.write(HEAD + LISTENER + PLAIN + RELOAD + more)
    with written.listener(rest):
        assert OK == written.lines("status")[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + LISTENER + "[reload]\nstate_dir=here\n", "[reload] state_dir: 'here' is relative: begin it"),
        (HEAD + LISTENER + "[reload]\nstate_dir=%(ENV_NOBODYS)s\n", "[reload] state_dir: "),
        ("[unix_http_server\n", "supervisord.conf"),
    ],
)
def test_a_mistake_that_hides_the_place(written: Written, place: Place, text: str, sentence: str) -> None:
    """Rather than to look into a wrong directory, that is told; the exit status is 2, as for ``check``."""
    place.write(text)
    code, out, err = written.run("status")
    assert (WRONG, "") == (code, out)
    assert err.startswith("Error: ")
    assert sentence in err


def test_a_damaged_journal(written: Written, rest: dict[str, Record]) -> None:
    """What can be believed is shown, with a warning; nothing, where nothing can."""
    written.write(rest)
    journal = written.state / "journal"
    content = journal.read_bytes()
    journal.write_bytes(content + b"garbage\n")
    code, lines = written.lines("status")
    assert code == NOT_WELL
    assert lines[0].startswith("warning: HERE/run/supervisor_reload-supervisor/journal is damaged: line ")
    assert lines[2].startswith("web ")
    assert written.run("history")[2].startswith("warning: ")
    journal.write_bytes(b"garbage\n")
    code, out, err = written.run("status")
    assert (UNKNOWN, "") == (code, out)
    assert "journal is damaged" in err


def test_a_directory_in_the_journals_place(written: Written, rest: dict[str, Record]) -> None:
    (written.state / "journal").mkdir(parents=True)
    code, _, err = written.run("status")
    assert (UNKNOWN, "Error: HERE/run/supervisor_reload-supervisor/journal is no file\n") == (code, err)


def test_another_user(rest: dict[str, Record], capsys: pytest.CaptureFixture[str]) -> None:
    """Who may not look is told whose it is, and what to do."""
    directory = short_directory()
    try:
        directory.chmod(0o755)
        place = Place(directory)
        written = Written(place, capsys)
        written.write(rest)
        words = ["status", "-c", str(written.conf)]
        code = (  # once as we are: what it imports may not be readable any more then
            "import contextlib, io, os, sys\nfrom supervisor_reload import cli\nsys.stderr = sys.stdout\n"
            f"with contextlib.redirect_stdout(io.StringIO()):\n    assert cli.main({words}) == 3\n"
            f"os.setuid(NOBODY)\nprint(cli.main({words}))"
        )
        told = as_nobody(code)
        written.state.chmod(0o755)
        nearly = as_nobody(code)
    finally:
        shutil.rmtree(directory)
    whose = "can be read by root only, and you are nobody: use sudo\n4\n"
    assert f"Error: {written.state} {whose}" == told
    assert f"Error: {written.state}/journal {whose}" == nearly


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-c", "x", "run", "--", "true"], "; run reads no configuration"),
        (["-c", "x", "exec"], "-c is for listen, check, status, history, why, "),
        (["history", "-n", "0"], "argument -n: '0' is not a number from 1"),
        (["history", "-n", "x"], "argument -n: 'x' is not a number from 1"),
        (["stauts"], "invalid choice: 'stauts'"),
        (["status", "--js"], "unrecognized arguments: --js"),
        (
            ["wait", "web", "--timeout", "x"],
            "argument --timeout: 'x' is not a number of seconds from 0 to 86400",
        ),
        (["wait", "web", "--revision", ""], "argument --revision: it is empty: name a revision, or leave"),
        (["wait", "web", "job"], "wait takes one target"),
        (["wait", "all"], "wait takes one target"),
        (["run", "--port", "x", "--", "true"], "argument --port: 'x' is not a port from 1"),
    ],
)
def test_wrong_command_lines(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert (2, True) == (end.value.code, sentence in capsys.readouterr().err)

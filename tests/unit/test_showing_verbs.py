"""The verbs ``status`` and ``history`` on real files: what is printed where, and the exit status."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from supervisor_reload import cli
from supervisor_reload.core.model import Record
from supervisor_reload.edges.claims import NAME, Claims, owner
from tests.fakes.children import as_nobody, child
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, Place
from tests.fakes.supervisord import Boot
from tests.fakes.world import World, settled, web
from tests.fakes.written import SUPERVISOR, Written
from tests.integration.supervisord import short_directory

OK, WRONG, NOT_WELL, UNKNOWN = 0, 2, 3, 4

HOLDER = """
import sys
from supervisor_reload.edges.claims import Claims
claims = Claims(sys.argv[1], "1 2")
print("up", flush=True)
input()
"""


@pytest.fixture
def written(place: Place, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(place, capsys)


@pytest.fixture
def rest() -> dict[str, Record]:
    """Everything serves; there was one rollout."""
    return records_of()


@pytest.fixture
def held() -> dict[str, Record]:
    return records_of(Boot(dies_after=0.1))


def records_of(boot: Boot | None = None) -> dict[str, Record]:
    world = settled(World(web(2, failure_limit=1)))
    world.save("r1", boot=boot)
    world.advance(20)
    return world.journal.found()


def test_all_is_well(written: Written, rest: dict[str, Record]) -> None:
    """The columns are supervisorctl's; nothing else is said, and the exit status is 0."""
    with written.listener(rest):
        code, lines = written.lines("status")
    assert code == OK
    assert lines == [
        "web                              READY     revision r1",
        "  web:web_00                     SPARE     for TIME",
        "  web:web_01                     READY     pid 102, uptime TIME, revision r1 (newest)",
    ]


def test_something_is_not(written: Written, held: dict[str, Record]) -> None:
    """What is held is told with the process that failed, and the exit status is 3."""
    with written.listener(held):
        code, lines = written.lines("status", "web")
    assert code == NOT_WELL
    assert re.fullmatch(r"web +HELD +revision r1: web:web_01: Exited too quickly .*", lines[0])
    assert lines[1].endswith("revision r0 (old)")


def test_degraded(written: Written, rest: dict[str, Record]) -> None:
    with written.listener({**rest, "health": {"degraded": "no space left"}}):
        code, lines = written.lines("status")
        assert (NOT_WELL, "no space left") == (code, written.json("status")[1]["degraded"])
    assert "degraded: no space left" == lines[0]


def test_the_listener_is_down(written: Written, rest: dict[str, Record]) -> None:
    """What it knew last is shown with its age; nobody is asked."""
    written.write(rest)
    three_minutes_ago = os.stat(written.state / "journal").st_mtime - 200
    os.utime(written.state / "journal", (three_minutes_ago, three_minutes_ago))
    code, lines = written.lines("status")
    assert (NOT_WELL, "the listener is down; last known, 3 min ago:") == (code, lines[0])
    assert lines[1].startswith("web ")
    told = written.json("status")[1]
    assert {"is_running": False, "pid": None, "is_current": False} == told["listener"]
    assert 200 <= told["age"] < 260


def test_the_listener_has_just_come(written: Written, rest: dict[str, Record]) -> None:
    """Until its first turn the journal is the last one's."""
    written.write(rest)
    with child(HOLDER, str(written.state)) as holder:
        code, lines = written.lines("status")
        listener = written.json("status")[1]["listener"]
    assert code == NOT_WELL
    assert (
        f"the listener (pid {holder.pid}) has just come, and told nothing yet; last known, 0 s ago:"
        == lines[0]
    )
    assert {"is_running": True, "pid": holder.pid, "is_current": False} == listener


def test_another_boot(written: Written, rest: dict[str, Record]) -> None:
    """No process of then lives, and no length of time is told."""
    written.write(rest, boot="another")
    code, lines = written.lines("status")
    assert code == NOT_WELL
    assert re.fullmatch(
        r"the listener is down; last known, \d s ago, before this machine was started anew:", lines[0]
    )
    assert lines[1:] == [
        "web                              READY     revision r1",
        "  web:web_00                     SPARE",
        "  web:web_01                     READY     pid 102 (gone), revision r1 (newest)",
    ]


def test_history(written: Written, held: dict[str, Record]) -> None:
    """When, which, how, how long, what changed and why; it does not matter whether the listener works."""
    written.write(held)
    code, lines = written.lines("history")
    assert code == OK
    (line,) = lines
    pattern = (
        r"\d{4}-\d\d-\d\d TIME  web     1  r1  halted +\d\.\d\d s  app\.py: web:web_01: Exited too quickly .*"
    )
    assert re.fullmatch(pattern, line)
    ((ended,),) = [written.json("history", "web")[1]["rollouts"]]
    assert ("web", 1, "r1", "halted", 1) == tuple(
        ended[key] for key in ("target", "id", "revision", "outcome", "files")
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ended["ended"])


def test_the_newest_of_the_history(written: Written, rest: dict[str, Record]) -> None:
    outcome = rest["rollout web 1"]
    more: dict[str, Record] = {f"rollout web {n}": {**outcome, "id": n} for n in range(1, 30)}
    written.write({**rest, **more})
    numbers = [one["id"] for one in written.json("history")[1]["rollouts"]]
    assert list(range(10, 30)) == numbers
    assert [29] == [one["id"] for one in written.json("history", "-n", "1")[1]["rollouts"]]
    assert 29 == len(written.lines("history", "-n", "100")[1])


def test_no_rollout_yet(written: Written, rest: dict[str, Record]) -> None:
    del rest["rollout web 1"]
    written.write(rest)
    assert (OK, "", "no rollout has ended yet\n") == written.run("history")


@pytest.mark.parametrize("verb", ["status", "history"])
def test_unknown_targets(written: Written, rest: dict[str, Record], verb: str) -> None:
    """They are named, what was meant too, and the others are shown; the exit status is 4."""
    with written.listener(rest):
        code, out, err = written.run(verb, "wbe", "web", "web:web_01")
    assert code == UNKNOWN
    assert err.splitlines() == [
        "wbe: ERROR (no such target; did you mean 'web'?)",
        "web:web_01: ERROR (no such target; it is a process of 'web')",
    ]
    assert " r1" in out


@pytest.mark.parametrize("verb", ["status", "history"])
def test_no_journal(written: Written, verb: str) -> None:
    """The directory is named, and what to look at; it is not made."""
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


def test_names_can_forge_no_line(written: Written, rest: dict[str, Record]) -> None:
    """Control characters in reasons and names of files are written out, in both verbs."""
    rest["rollout web 1"] |= {"reason": "bad\n\x1b[31mREADY", "changed": ["/x/a\nb\udcff.py"]}
    rest["target web"] |= {"why": "x\r\nweb  READY", "condition": "HELD"}
    written.write(rest)
    _, lines = written.lines("status")
    assert ["web                              HELD      revision r1: x\\r\\nweb  READY"] == lines[1:2]
    _, (line,) = written.lines("history")
    assert line.endswith(r"a\nb\udcff.py: bad\n\x1b[31mREADY")
    assert written.json("history")[1]["rollouts"][0]["changed"] == ["/x/a\nb\udcff.py"]


def test_secrets_are_hidden(
    written: Written, rest: dict[str, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in every other output, whoever wrote the journal."""
    monkeypatch.setenv("SUPERVISOR_PASSWORD", "correct-horse")
    rest["rollout web 1"] |= {"reason": "GET http://me:correct-horse@h/ password=battery"}
    rest["target web"] |= {"why": "correct-horse", "condition": "HELD"}
    rest["health"] = {"degraded": "correct-horse"}
    written.write(rest)
    said = "".join(
        written.run(*words)[1] for verb in ("status", "history") for words in ([verb], [verb, "--json"])
    )
    assert said.count("***") >= 4
    assert "correct-horse" not in said
    assert "battery" not in said


def test_nothing_is_changed(written: Written, rest: dict[str, Record]) -> None:
    """Neither a file nor the lock: a listener that comes afterwards finds it free at once."""
    written.write(rest)
    Claims(str(written.state), SUPERVISOR, limit=0).close()

    def look() -> dict[str, Any]:
        found = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in written.state.iterdir()}
        return {**found, "": written.state.stat().st_mtime_ns}

    before = look()
    for words in (["status"], ["status", "--json"], ["history"], ["status", "nobody"]):
        written.run(*words)
    assert before == look()
    Claims(str(written.state), SUPERVISOR, limit=0).close()


def test_who_works_in_a_directory(tmp_path: Path) -> None:
    """Its pid; 0 where that can't be told; None where there is nobody, or was."""
    directory = str(tmp_path / "state")
    assert owner(directory) is None
    claims = Claims(directory, SUPERVISOR, limit=0)
    assert os.getpid() == owner(directory)
    Path(directory, NAME).write_text("")
    assert 0 == owner(directory)
    claims.close()
    assert owner(directory) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["-c", "x", "run", "--", "true"],
            "-c is for listen, check, status, history; run reads no configuration",
        ),
        (["-c", "x", "exec"], "-c is for listen, check, status, history; exec reads no configuration"),
        (["history", "-n", "0"], "argument -n: '0' is not a number from 1"),
        (["history", "-n", "x"], "argument -n: 'x' is not a number from 1"),
        (["stauts"], "invalid choice: 'stauts'"),
    ],
)
def test_wrong_command_lines(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert (2, True) == (end.value.code, sentence in capsys.readouterr().err)


def test_the_file_is_named_before_or_behind_the_verb(
    written: Written, rest: dict[str, Record], capsys: pytest.CaptureFixture[str]
) -> None:
    with written.listener(rest):
        assert OK == written.run("status")[0]
        assert OK == cli.main(["status", "web", "-c", str(written.conf)])
    assert OK == cli.main(["-c", "/no/such", "history", "-c", str(written.conf)])
    capsys.readouterr()

"""The verbs ``status`` and ``history`` on real files: what is printed where, and the exit status."""

from __future__ import annotations

import fcntl
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from supervisor_reload import cli
from supervisor_reload.core.model import Record
from supervisor_reload.edges.claims import Claims
from supervisor_reload.edges.lockfile import NAME, owner
from tests.fakes.children import child
from tests.fakes.place import Place
from tests.fakes.supervisord import Boot
from tests.fakes.written import SUPERVISOR, Written, records_of

OK, NOT_WELL, UNKNOWN = 0, 3, 4

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
    """The new code died at once."""
    return records_of(Boot(dies_after=0.1))


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


def test_what_a_listener_lacked_that_is_gone(written: Written, rest: dict[str, Record]) -> None:
    """It is what was known last, as all else; the next listener may lack nothing."""
    written.write({**rest, "health": {"degraded": "no answer"}})
    _, lines = written.lines("status")
    assert re.fullmatch(r"the listener is down; last known, \d+ s ago:", lines[0])
    assert "degraded: no answer" == lines[1]


def test_the_listener_is_down(written: Written, rest: dict[str, Record]) -> None:
    """What it knew last is shown with its age; nobody is asked."""
    rest["slot web:web_00"]["since"] = time.monotonic() - 300
    written.write(rest)
    three_minutes_ago = os.stat(written.state / "journal").st_mtime - 200
    os.utime(written.state / "journal", (three_minutes_ago, three_minutes_ago))
    code, lines = written.lines("status")
    assert (NOT_WELL, "the listener is down; last known, 3 min ago:") == (code, lines[0])
    assert lines[1].startswith("web ")
    told = written.json("status")[1]
    assert {"is_running": False, "pid": None, "is_current": False} == told["listener"]
    assert 200 <= told["age"] < 260
    assert 300 <= told["age"] + told["targets"][0]["processes"][0]["seconds"] < 301  # then, not now


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


def test_the_history_of_a_target_that_was_removed(written: Written, held: dict[str, Record]) -> None:
    """It is readable by its name, and marked; what is still configured is not."""
    gone = {
        key.replace("rollout web", "rollout old"): value for key, value in held.items() if "rollout" in key
    }
    written.write({**held, **gone})
    _, lines = written.lines("history")
    assert ["old (removed)", "web"] == [re.split("  +", line)[1] for line in lines]
    assert [True, False] == [one["is_removed"] for one in written.json("history")[1]["rollouts"]]
    assert (OK, lines[:1]) == written.lines("history", "old")
    assert UNKNOWN == written.run("status", "old")[0]


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
    with Path(directory, NAME).open() as another:  # who asks in the same moment
        fcntl.flock(another, fcntl.LOCK_SH)
        assert owner(directory) is None


def test_the_file_is_named_before_or_behind_the_verb(
    written: Written, rest: dict[str, Record], capsys: pytest.CaptureFixture[str]
) -> None:
    with written.listener(rest):
        assert OK == written.run("status")[0]
        assert OK == cli.main(["status", "web", "-c", str(written.conf)])
    assert OK == cli.main(["-c", "/no/such", "history", "-c", str(written.conf)])
    capsys.readouterr()

"""What ``status`` and ``history`` show of a real supervisord: the truth, and as the document says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tests.docs.blocks import all_blocks
from tests.docs.scenarios import environment
from tests.docs.schemas import all_keys_are_documented, documented
from tests.integration.scene import TWO, Scene, scene

pytestmark = pytest.mark.integration

OK, NOT_WELL = 0, 3

TARGET = TWO + "failure_limit=1\ncheck=python\n"

UNTIL_GO = """
import os, time
while not os.path.exists("../go"):
    time.sleep(0.01)
"""

FAILS = "raise SystemExit(3)\n"


@dataclass(frozen=True)
class Shown:
    """What a command said."""

    code: int
    out: str

    @property
    def rows(self) -> dict[str, list[str]]:
        """By the name at the begin of a line: the words behind it."""
        rows = [line.split() for line in self.out.splitlines()]
        return {row[0]: row[1:] for row in rows}

    @property
    def object(self) -> Any:
        return json.loads(self.out)


def run(acted: Scene, program: str, *words: str) -> Shown:
    argv = [sys.executable, "-W", "ignore", "-m", program, "-c", str(acted.supervisord.conf), *words]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert done.stderr == ""
    return Shown(done.returncode, done.stdout)


def status(acted: Scene, *words: str) -> Shown:
    return run(acted, "supervisor_reload", "status", *words)


def test_from_a_rollout_to_the_end_of_supervisord() -> None:
    """Each is told as it is: a rollout, a hold, a listener and a supervisord that are gone."""
    with scene(target=TARGET) as acted:
        told = [a_rollout(acted)]
        (acted.directory / "go").touch()
        acted.wait_for_log("complete: ")
        at_rest = status(acted)
        assert (OK, "READY") == (at_rest.code, at_rest.rows["web"][0])
        the_columns_are_supervisorctls(acted, at_rest)
        the_outputs_have_the_documents_shape(acted, at_rest)
        a_hold(acted)
        told.append(an_end(acted))
        history = run(acted, "supervisor_reload", "history", "--json").object
    assert ["complete", "halted"] == [one["outcome"] for one in history["rollouts"]]
    all_keys_are_documented(documented("status"), told)
    all_keys_are_documented(documented("history"), [history])


def a_rollout(acted: Scene) -> Any:
    """The old process serves, the new one is not ready; both pids are those of supervisord."""
    acted.save("two", UNTIL_GO)
    acted.wait_for_log(r"rollout 1: web:web_0\d started")
    told = status(acted, "--json").object
    (web,) = told["targets"]
    assert ("ROLLING", 1, 0, 1) == (
        web["condition"],
        *(web["rollout"][key] for key in ("id", "ready", "wanted")),
    )
    assert [str(acted.code)] == web["rollout"]["changed"]
    processes = {one["name"]: one for one in web["processes"]}
    assert {("READY", False), ("STARTING", True)} == {
        (one["state"], one["is_newest"]) for one in processes.values()
    }
    assert {name: acted.supervisord.process_pid(name) for name in processes} == {
        name: one["pid"] for name, one in processes.items()
    }
    return told


def the_columns_are_supervisorctls(acted: Scene, told: Shown) -> None:
    """The same names, their words in the same column, and where a process runs, the same words behind it."""
    listed = run(acted, "supervisor.supervisorctl", "status", "web:*").rows
    assert {"web", *listed} == set(told.rows)
    (serving,) = [name for name, words in listed.items() if words[0] == "RUNNING"]
    theirs, ours = listed[serving], told.rows[serving]
    assert ["pid", theirs[2], "uptime"] == ours[1:4]
    lines = [line for line in told.out.splitlines() if line.strip()]
    assert {33} == {line.index(told.rows[line.split()[0]][0], 30) for line in lines}


def the_outputs_have_the_documents_shape(acted: Scene, told: Shown) -> None:
    """The lines that docs/status.md shows are such as these, word for word but for what is never the same."""
    shown: dict[str, str] = {}
    for block in all_blocks("text"):
        if block.document == "docs/status.md":
            shown[block.heading] = shown.get(block.heading, "") + block.text
    serving = next(line for line in told.out.splitlines() if "READY     pid" in line)
    assert shape(serving) in map(shape, shown["status"].splitlines())
    (line,) = run(acted, "supervisor_reload", "history").out.splitlines()
    first = shown["history"].splitlines()[0]
    assert shape(line) == shape(first).replace("web.py", acted.code.name)


def shape(line: str) -> str:
    """Without numbers, revisions, and which mark of two there is."""
    line = re.sub(r"\b[0-9a-f]{12}\b", "REVISION", line)
    return re.sub(r"\((old|newest)\)", "(MARK)", re.sub(r"\d+", "0", line))


def a_hold(acted: Scene) -> None:
    """Which revision, and why."""
    acted.save("three", FAILS)
    acted.wait_for_log("Held")
    held = status(acted, "web")
    assert (NOT_WELL, "HELD") == (held.code, held.rows["web"][0])
    assert re.search(r"^web +HELD +revision [0-9a-f]{12}: web:web_0\d: Exited too quickly", held.out)


def an_end(acted: Scene) -> Any:
    """Without a listener, then without supervisord: what was known, how old it is, and who has gone."""
    acted.supervisord.rpc.supervisor.stopProcess("reload")
    down = status(acted)
    assert NOT_WELL == down.code
    assert re.match(r"the listener is down; last known, \d+ s ago:\nweb +HELD ", down.out)
    assert "(gone)" not in down.out
    acted.supervisord.stop()
    told = status(acted, "--json").object
    assert [True] == [one["is_gone"] for one in told["targets"][0]["processes"] if one["pid"]]
    assert not told["listener"]["is_running"]
    return told

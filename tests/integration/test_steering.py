"""The verbs that steer, as an operator and a deploy script type them, on a real supervisord."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.docs.scenarios import environment
from tests.integration.scene import ONE, PLAIN, SWAP, TWO, Scene, scene

pytestmark = pytest.mark.integration

CHECKED = ONE + "check=python\nfailure_limit=1\n"


def verb(act: Scene, *words: str) -> tuple[int, str]:
    """Its exit status, and what it wrote to stdout and stderr."""
    line = [sys.executable, "-m", "supervisor_reload", *words, "-c", str(act.supervisord.conf)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_start_pause_resume_abort() -> None:
    """
    Each is done at once, and said in supervisorctl's words; what can't be is refused with the reason.
    """
    with scene(PLAIN, CHECKED) as act:
        first = act.wait_for_text("one")
        assert verb(act, "start", "web") == (0, "web: started")
        act.wait_for_log("rollout 1: complete")
        second = act.wait_for_text("one")
        assert second != first
        assert verb(act, "pause") == (0, "web: paused")
        act.save("two")
        act.wait_for_log("paused")
        code, said = verb(act, "status")
        assert (code, "PAUSED" in said) == (3, True)
        assert verb(act, "start", "web") == (1, "web: ERROR (paused; resume it first)")
        assert act.wait_for_text("one") == second
        assert verb(act, "resume", "web") == (0, "web: resumed")
        act.wait_for_text("two")
        assert verb(act, "abort", "web") == (1, "web: ERROR (no rollout is under way)")
        assert verb(act, "pause", "wbe") == (2, "wbe: ERROR (no such target; did you mean 'web'?)")
        assert json.loads(verb(act, "pause", "all", "--json")[1]) == {
            "format": 1,
            "done": {"web": "paused"},
            "refused": {},
        }


def test_wait() -> None:
    """
    0 where what was just written serves; else the reason: refused, failed, not in time.
    """
    with scene(PLAIN, CHECKED) as act:
        act.save("two")
        code, said = verb(act, "wait", "web")
        assert (code, said.endswith(" serves")) == (0, True), said
        assert act.wait_for_text("two")
        revision = said.split()[1]
        assert verb(act, "wait", "web", "--revision", revision[:6])[0] == 0
        assert verb(act, "wait", "web", "--timeout", "0")[0] == 0
        act.save("bad", "def (\n")
        code, said = verb(act, "wait", "web")
        assert code == 1
        assert "ERROR (refused: the check: " in said
        assert verb(act, "wait", "web", "--revision", revision, "--timeout", "0.3")[0] == 1
        act.save("dies", "raise SystemExit(3)\n")
        code, said = verb(act, "wait", "web")
        assert (code, "it is held" in said) == (1, True), said
        code, said = verb(act, "wait", "web", "--revision", "0123", "--timeout", "0.3")
        assert (code, "not within 0.3 s" in said) == (1, True), said
        assert verb(act, "wait", "nobody") == (2, "Error: nobody: no such target; there is web")


def test_abort_in_the_middle() -> None:
    """
    What serves the old code goes on; wait tells that it was aborted, start takes it up again.
    """
    with scene(target=TWO) as act:
        act.save("two", "import os, time\nwhile not os.path.exists('../go'):\n    time.sleep(0.01)\n")
        act.wait_for_log("rolling out")
        assert verb(act, "abort", "web") == (0, "web: aborted")
        code, said = verb(act, "wait", "web", "--timeout", "5")
        assert (code, "aborted" in said) == (1, True), said
        assert act.wait_for_text("one")
        (act.directory / "go").touch()
        assert verb(act, "start", "web") == (0, "web: started")
        assert verb(act, "wait", "web")[0] == 0
        act.wait_for_text("two")


def test_a_listener_that_is_down() -> None:
    """
    It is said, with what to type; a listener that hears no requests is a sentence, too.
    """
    with scene(PLAIN, CHECKED) as act:
        act.supervisord.rpc.supervisor.stopProcess("reload:reload")
        code, said = verb(act, "start", "web")
        assert code == 7
        assert verb(act, "wait", "web", "--timeout", "0.5")[0] == 7
        assert said.startswith("Error: the listener is down: supervisorctl -c ")
        assert said.endswith(" start reload")
        act.supervisord.rpc.supervisor.startProcess("reload:reload")
        act.wait_for_log("watches web", 2)
        os.kill(act.supervisord.process_pid("reload:reload"), signal.SIGSTOP)
        code, said = verb(act, "pause", "web")
        assert code == 1
        assert "did not answer within 5 s" in said
        os.kill(act.supervisord.process_pid("reload:reload"), signal.SIGCONT)


def test_why() -> None:
    """
    A refused save: the check's words; a process that dies: its last ones; then nothing failed.
    """
    with scene(PLAIN, CHECKED) as act:
        assert verb(act, "why", "web")[1].endswith("nothing failed")
        act.save("bad", "def (\n")
        verb(act, "wait", "web")
        code, said = verb(act, "why", "web")
        assert (code, "check failed of " in said, "    | SyntaxError" in said) == (0, True, True), said
        assert "changed: " in said
        act.save("dies", "import sys\nprint('no database', file=sys.stderr)\nraise SystemExit(3)\n")
        verb(act, "wait", "web")
        code, said = verb(act, "why", "web")
        assert (code, "rollout halted of " in said, "    | no database" in said) == (0, True, True), said
        assert "attempt 1 of 1" in said
        told = json.loads(verb(act, "why", "web", "--json")[1])
        assert told["targets"][0]["failure"]["slot"] == "web:web"
        act.save("good")
        assert verb(act, "wait", "web")[0] == 0
        assert verb(act, "why", "web")[1].endswith("nothing failed")


def test_plan() -> None:
    """What it says is what happens next, and then the other way round; before the listener runs, too."""
    with scene(SWAP, TWO) as act:

        def planned() -> list[tuple[str, list[str]]]:
            code, said = verb(act, "plan", "web", "--json")
            assert code == 0, said
            (target,) = json.loads(said)["targets"]
            assert (target["serving"], target["fewest"], target["left"]) == (1, 1, 1)
            return [(step["what"], step["processes"]) for step in target["steps"]]

        act.wait_for_text("one")
        act.supervisord.wait_for(lambda: verb(act, "status")[0] == 0 and "SPARE" in verb(act, "status")[1])
        first = planned()
        for number, text in ((1, "two"), (2, "three")):
            steps = planned()
            (new,), (old,) = steps[0][1], steps[-1][1]
            assert [what for what, _ in steps] == ["start", "ready", "retire"]
            act.save(text)
            act.wait_for_log(f"rollout {number}: complete")
            log = act.log()
            assert f"rollout {number}: {new} started" in log
            assert f"rollout {number}: {old} retiring" in log
            act.supervisord.wait_for(lambda: "SPARE" in verb(act, "status")[1])
        assert planned() == first  # there and back again
        code, said = verb(act, "plan", "wbe")
        assert (code, said) == (4, "wbe: ERROR (no such target; did you mean 'web'?)")
        act.supervisord.rpc.supervisor.stopProcess("reload:reload")
        assert "note: the listener is down: as it was last known" in verb(act, "plan")[1]

"""What the verbs write for programs is what docs/verbs.md says, key by key."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.docs.scenarios import environment
from tests.docs.schemas import all_keys_are_documented, documented
from tests.integration.scene import TWO, Scene, scene

pytestmark = pytest.mark.integration


def told(act: Scene, *words: str) -> Any:
    line = [sys.executable, "-m", "supervisor_reload", *words, "--json", "-c", str(act.supervisord.conf)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    return json.loads(done.stdout)


def test_what_is_written_is_documented() -> None:
    """
    Done and refused, served and given up, failed and not: every key, with its types.
    """
    with scene(target=TWO + "check=python\n") as act:
        steered = [told(act, verb, "web", "wbe") for verb in ("pause", "resume", "abort")]
        steered = [
            json.loads(json.dumps(one).replace('"web"', '"NAME"').replace('"wbe"', '"NAME"'))
            for one in steered
        ]
        file = str(act.directory / "src" / "code_under_test.py")
        away = ("--changed", file, "--changed", "/nowhere")
        plans = [told(act, "plan"), told(act, "plan", *away)]
        told(act, "pause")
        plans.append(told(act, "plan"))
        told(act, "resume")
        act.save("two")
        waits = [told(act, "wait", "web")]
        reasons = [told(act, "why")]
        act.save("bad", "def (\n")
        waits.append(told(act, "wait", "web"))
        reasons.append(told(act, "why"))
        act.save("dies", "raise SystemExit(3)\n")
        act.wait_for_log("halted")
        reasons.append(told(act, "why"))
        act.supervisord.rpc.supervisor.stopProcess("reload:reload")  # something to remedy
        doctor = told(act, "doctor")
    all_keys_are_documented(documented("steering", "verbs.md"), steered)
    all_keys_are_documented(documented("plan", "verbs.md"), plans)
    assert [True, False] == [one["is_serving"] for one in waits]
    all_keys_are_documented(documented("wait", "verbs.md"), waits)
    all_keys_are_documented(documented("doctor", "verbs.md"), [doctor])
    failures = [{"targets": [{"failure": one["targets"][0].pop("failure")}]} for one in reasons]
    all_keys_are_documented(documented("why", "verbs.md"), failures)
    as_status = {path: kinds for path, kinds in documented("status").items() if ".rollout." not in path}
    all_keys_are_documented(as_status, reasons)

"""The doctor on a real supervisord: nothing wrong where all is well, and what is wrong when it is broken."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from tests.docs.scenarios import environment
from tests.integration.scene import ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration


def findings(act: Scene) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status, and of each topic the worst finding: level and text."""
    line = [sys.executable, "-m", "supervisor_reload", "doctor", "--json", "-c", str(act.supervisord.conf)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert not done.stderr, done.stderr
    worst: dict[str, tuple[str, str]] = {}
    order = ("ok", "warning", "error")
    for each in json.loads(done.stdout)["findings"]:
        known = worst.get(each["topic"], ("ok", ""))
        if order.index(each["level"]) >= order.index(known[0]):
            worst[each["topic"]] = (each["level"], each["text"])
    return done.returncode, worst


def test_from_well_to_sick() -> None:
    """All is well; then the configuration is changed and not updated, a stranger sits on a port, the
    listener dies.
    """
    with scene(PLAIN, ONE, more="[program:other]\ncommand=sleep 1000\n") as act:
        code, found = findings(act)
        assert (code, {topic for topic, (level, _) in found.items() if level == "error"}) == (0, set()), found
        for topic in ("supervisord", "listener", "state_dir", "socket", "code", "journal", "update", "ports"):
            assert found[topic][0] == "ok", found[topic]

        conf = act.supervisord.conf
        conf.write_text(conf.read_text().replace("sleep 1000", "sleep 1001"))
        code, found = findings(act)
        assert (code, found["update"][0], "other was changed" in found["update"][1]) == (0, "warning", True)

        act.supervisord.rpc.supervisor.stopProcess("web")
        with socket.socket() as stranger:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stranger.bind(("127.0.0.1", act.port))
            stranger.listen()
            code, found = findings(act)
        assert (code, found["ports"][0]) == (1, "error"), found["ports"]
        assert "which is not a process of this supervisord" in found["ports"][1]

        act.supervisord.rpc.supervisor.stopProcess("reload")
        code, found = findings(act)
        assert (code, found["listener"]) == (1, ("error", "reload:reload is STOPPED: no code is watched"))

        act.supervisord.stop()
        code, found = findings(act)
        assert (code, found["supervisord"][0], found["listener"][0]) == (1, "error", "error")
        assert found["journal"][0] == "ok"

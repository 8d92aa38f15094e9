"""``supervisorctl rollout``: on the command line, in its shell, and where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.scenarios import environment
from tests.integration.scene import ONE, PLAIN, Scene, scene

pytestmark = pytest.mark.integration

PLUGIN = """
[supervisorctl]
serverurl=unix://{socket}

[ctlplugin:rollout]
supervisor.ctl_factory=supervisor_reload.ctlplugin:make_rollout_ctlplugin
"""


def ctl(act: Scene, *words: str, keys: str | None = None) -> tuple[int, str]:
    """What supervisorctl ends with, and says; ``keys`` are typed into its shell."""
    conf = act.directory / "ctl.conf"
    socket = act.supervisord.socket_file
    conf.write_text(act.supervisord.conf.read_text() + PLUGIN.format(socket=socket))
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(conf), *words],
        input=keys,
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_verbs_in_supervisorctl() -> None:
    """
    What supervisor-reload says, with its exit status; help; a verb that is none.
    """
    with scene(PLAIN, ONE) as act:
        code, said = ctl(act, "rollout", "status")
        assert (code, "READY" in said) == (0, True), said
        assert ctl(act, "rollout", "start", "web") == (0, "web: started\n")
        assert ctl(act, "rollout", "wait", "web", "--timeout", "20")[0] == 0
        assert ctl(act, "rollout", "pause", "wbe") == (
            2,
            "wbe: ERROR (no such target; did you mean 'web'?)\n",
        )
        code, said = ctl(act, "rollout", "dance")
        assert (code, "Unknown verb: dance" in said) == (1, True)
        assert "rollout pause|resume" in ctl(act, "help", "rollout")[1]
        assert "rollout" in ctl(act, "help")[1]
        assert ctl(act, "status", "web")[0] == 0
        code, said = ctl(act, keys="rollout history\nrollout status web\nexit\n")
        assert (code, "complete" in said, "READY" in said) == (0, True, True), said


class Options:
    configfile: str | None = None


class Controller:
    """What the plugin sees of supervisorctl's."""

    def __init__(self) -> None:
        self.options, self.exitstatus, self.said = Options(), 0, ""

    def output(self, text: str) -> None:
        self.said += text + "\n"

    def complete(self, text: str, state: int, line: str | None = None) -> str | None:
        return "own " if state == 0 else None


def test_names_are_completed() -> None:
    """
    Our verbs, and the targets behind them; supervisorctl's own verbs as before.
    """
    from supervisor_reload.ctlplugin import make_rollout_ctlplugin

    with scene(PLAIN, ONE) as act:
        controller = Controller()
        controller.options.configfile = str(act.supervisord.conf)
        make_rollout_ctlplugin(controller)
        assert controller.complete("sta", 0, "sta") == "own "
        assert controller.complete("pa", 0, "rollout pa") == "pause "
        assert controller.complete("st", 1, "rollout st") == "start "
        assert controller.complete("", 0, "rollout why ") == "web "
        assert controller.complete("w", 0, "rollout why w") == "web "
        assert controller.complete("x", 0, "rollout why x") is None


def test_it_is_imported_with_nothing_but_supervisor(tmp_path: Path) -> None:
    """
    Every other dependency is absent: the import, the factory and the help work, and a verb is a sentence.
    """
    script = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"watchdog", "pathspec", "prometheus_client", "apprise", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
from tests.integration.test_ctlplugin import Controller
from supervisor_reload.ctlplugin import make_rollout_ctlplugin
controller = Controller()
plugin = make_rollout_ctlplugin(controller, nonsense="1")
plugin.help_rollout()
plugin.do_rollout("status 'half")
plugin.do_rollout("status")
print(controller.exitstatus, controller.said.splitlines()[-1])
"""
    line = [sys.executable, "-c", script]
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=os.getcwd(), env=environment(), timeout=30, check=True
    )
    assert done.stdout.startswith("1 Error: ") or done.stdout.startswith("2 "), done

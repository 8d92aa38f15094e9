"""status and history of a listener elsewhere, asked through its supervisord, which wants a password."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.scenarios import environment
from tests.integration.scene import ONE, PLAIN, Scene, scene
from tests.integration.supervisord import free_port
from tests.integration.test_status_watch import watched, web_is

pytestmark = pytest.mark.integration

SERVER = """
[inet_http_server]
port=127.0.0.1:{port}
username=me
password=secret
"""

INTERFACE = """
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface
"""


def run(*words: str, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
    line = [sys.executable, "-m", "supervisor_reload", *words]
    surroundings = {**environment(), **(environ or {})}
    done = subprocess.run(
        line, cwd="/", capture_output=True, text=True, timeout=30, env=surroundings, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("is_named", [False, True])
def test_from_another_configuration(is_named: bool, tmp_path: Path) -> None:
    """
    The same as at home, with the password; without it nothing is told. A listener that is down is told, too.
    """
    port = free_port()
    named = f"state_dir={tmp_path / 'elsewhere'}\n"
    more = INTERFACE + (f"{named}\n[reload]\n{named}" if is_named else "")
    with scene(PLAIN, ONE, head=SERVER.format(port=port), more=more) as act:
        act.save("two")
        act.wait_for_log("rollout 1: complete")
        url = f"http://127.0.0.1:{port}"
        here = run("status", "--json", "-c", str(act.supervisord.conf))
        afar = run("status", "--json", "-s", url, "-u", "me", "-p", "secret")
        assert afar[0] == here[0] == 0, afar
        ours, theirs = json.loads(here[1]), json.loads(afar[1])
        for told in (ours, theirs):
            told["age"] = 0
            for process in told["targets"][0]["processes"]:
                process["seconds"] = process["uptime"] = 0
        assert ours == theirs
        code, out, _ = run("history", "-s", url, "-u", "me", "-p", "secret")
        assert (code, "complete" in out) == (0, True)
        for words, why in REFUSED.items():
            code, out, said = run("status", "-s", url, *words)
            assert (code, out, why in said) == (4, "", True), said
            assert "secret" not in said
        watch(act, "-s", url, "-u", "me", "-p", "secret")
        code, out, _ = run("status", "-s", url, "-u", "me", "-p", "secret")
        assert code == 3
        assert out.startswith("the listener is down; last known, ")


REFUSED = {
    ("-u", "me", "-p", "wrong"): "refused the user name 'me' or its password (401)",
    (): "wants a user name and a password (401): -u NAME asks",
}


def watch(act: Scene, *words: str) -> None:
    """The listener's end is seen from afar, too."""
    with watched(act, *os.pipe(), "--json", *words) as told:
        told.until("the first look", web_is("READY"))
        act.supervisord.rpc.supervisor.stopProcess("reload:reload")
        told.until("a listener that is down", lambda last: not last["listener"]["is_running"])
        assert told.end(signal.SIGINT) == 3


def test_where_the_password_comes_from(tmp_path: Path) -> None:
    """
    The environment, supervisorctl's own section, a question at a terminal; a stranger gets none of our words.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with scene(PLAIN, ONE, head=SERVER.format(port=port), more=INTERFACE) as act:
        words = ("status", "-s", url)
        known = {"SUPERVISOR_USERNAME": "me", "SUPERVISOR_PASSWORD": "secret"}
        assert run(*words, environ=known)[0] == 0
        conf = tmp_path / "ctl.conf"
        conf.write_text("[supervisorctl]\nserverurl=http://elsewhere\nusername=me\npassword=secret\n")
        assert run(*words, "-c", str(conf))[0] == 0
        code, told, typed = at_a_terminal(act, *words, answers={"Username:": "me", "Password:": "secret"})
        assert (code, "READY" in told, "secret" in typed) == (0, True, False), typed
        code, told, typed = at_a_terminal(act, *words, "-u", "me", answers={"Password:": "secret"})
        assert (code, "READY" in told, "Username" in typed) == (0, True, False), typed
        code, _, said = run("status", "-s", f"http://127.0.0.1:{act.port}")
        assert (code, "is no supervisord" in said) == (4, True), said


def at_a_terminal(act: Scene, *words: str, answers: dict[str, str]) -> tuple[int, str, str]:
    """Its exit status, what it wrote, and what its terminal showed while the answers were typed."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-W", "ignore", "-m", "supervisor_reload", *words]
    surroundings, shown = {**environment(), "TERM": "xterm"}, ""
    with subprocess.Popen(
        line,
        cwd="/",
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.set_blocking(ours, False)

        def asks(question: str) -> bool:
            nonlocal shown
            with contextlib.suppress(BlockingIOError):
                shown += os.read(ours, 4096).decode()
            return question in shown

        try:
            for question, answer in answers.items():
                act.supervisord.wait_for(lambda question=question: asks(question), 10.0, question)
                os.write(ours, f"{answer}\n".encode())
            told, _ = process.communicate(timeout=20)
        finally:
            process.kill()
            os.close(ours)
    return process.returncode, told, shown


def test_a_supervisord_without_our_interface() -> None:
    """
    What to add is said.
    """
    port = free_port()
    with scene(PLAIN, ONE, head=SERVER.format(port=port)):
        code, _, said = run("status", "-s", f"http://127.0.0.1:{port}", "-u", "me", "-p", "secret")
    assert code == 4
    assert "\nError: [rpcinterface:reload]\nError: supervisor.rpcinterface_factory=" in said

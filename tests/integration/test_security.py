"""Secrets and rights with a real supervisord: what is shown, what a command gets, and as whom it runs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor_reload.core.adoption import EVENTS_COME
from tests.fakes.children import NOBODY
from tests.integration.scene import LISTENER, ONE, PLAIN, Scene
from tests.integration.supervisord import PREAMBLE, Supervisord, free_port, short_directory

pytestmark = pytest.mark.integration

PASSWORD, OF_URL, TOKEN = "hunter2-of-supervisord", "p%40ss-of-url", "token-of-check"

SERVER = f"""
[inet_http_server]
port=127.0.0.1:{{inet}}
username=ann
password={PASSWORD}
"""

NOSY = """#!/bin/sh
echo "SUPERVISOR_PASSWORD is ${SUPERVISOR_PASSWORD-unset}"
echo "given $*"
grep -v '^;' "$(dirname "$0")/supervisord.conf" | grep -i 'pass\\|http' | tail -n 10
exit 1
"""
"""A check that shows all that it can find, and fails."""

WHO = '#!/bin/sh\necho "$(id -un) $(id -gn) $HOME" >> "$(dirname "$0")/NAME"\n'


def script(act: Scene, name: str, text: str, mode: int = 0o755) -> Path:
    file = act.directory / name
    file.write_text(text)
    file.chmod(mode)
    return file


@contextmanager
def started(text: str, prepare: Callable[[Scene], object]) -> Iterator[Scene]:
    """A scene of this text, when its listener has seen its program ready."""
    directory, port = short_directory(), free_port()
    shutil.copy(Path(__file__).with_name("app.py"), directory / "app.py")
    (directory / "src").mkdir()
    act = Scene(directory, Supervisord(directory, PREAMBLE + text.format(port=port, inet=free_port())), port)
    act.save("one")
    prepare(act)
    try:
        with act.supervisord:
            act.wait_for_log("ready after")
            yield act
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def checked(act: Scene) -> str:
    """What the verb ``check`` prints."""
    program = Path(sys.executable).with_name("supervisor-reload")
    argv = [program, "check", "-c", act.supervisord.conf]
    environment = act.supervisord.environment
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.fault(51)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_shown_anywhere(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """supervisord's password and those in URLs: in no log of ours, no file of our state, and not in check."""
    monkeypatch.delenv("SUPERVISOR_PASSWORD", raising=False)
    listener = LISTENER.replace("priority", "serverurl=http://127.0.0.1:{inet}\npriority")
    target = ONE.replace("http://", f"http://ann:{OF_URL.replace('%', '%%')}@")
    target += f"check=%(here)s/nosy https://{TOKEN}@example.org {PASSWORD} {OF_URL.replace('%40', '@')}\n"
    own = f"\n[reload]\nlog_format={log_format}\nlog_level=debug\nstate_dir=%(here)s/state\n"
    text = SERVER + listener + PLAIN + target + own
    with started(text, lambda act: script(act, "nosy", NOSY)) as act:
        assert "ann:p%40ss-of-url@" in act.supervisord.conf.read_text().replace("%%", "%")
        act.stays_quiet(2 * EVENTS_COME)  # what is saved at once belongs to the code that was found
        act.save("two")
        act.wait_for_log("refused by the check")
        told, shown = act.log(), checked(act)
        assert "SUPERVISOR_PASSWORD is unset" in told
        assert "given https://***@example.org *** ***" in told
        assert "password=***" in told
        assert "http://***@127.0.0.1" in told
        assert "http://***@127.0.0.1" in shown
        assert "nosy https://***@example.org *** ***" in shown
        state = act.directory / "state"
        kept = [file.read_text(errors="replace") for file in state.rglob("*") if file.is_file()]
        for each in (told, shown, *kept):
            assert not [part for part in (PASSWORD, "ss-of-url", TOKEN) if part in each], each


@pytest.mark.fault(53)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run something as root")
def test_root_runs_nothing_that_others_can_write() -> None:
    """Changed after the configuration was read: refused right before it would run, run once it is right."""
    text = LISTENER + PLAIN + ONE + "check=%(here)s/who\n"
    with started(text, lambda act: script(act, "who", WHO.replace("NAME", "said"))) as act:
        (act.directory / "who").chmod(0o757)
        act.save("two")
        act.wait_for_log(r"refused by the check \(not run: would run as root, and '.*/who' can be written")
        assert not (act.directory / "said").exists()
        (act.directory / "who").chmod(0o755)
        act.save("three")
        act.wait_for_text("three")
        assert (act.directory / "said").read_text().split()[:2] == ["root", "root"]


@pytest.mark.fault(53)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_commands_run_as_the_programs_user() -> None:
    """Every kind of command; supervisord is root, and so is our listener. Also what others can write."""
    nobody = pwd.getpwuid(NOBODY).pw_name
    program = f"\n[program:web]\ncommand=/bin/sleep 1000\nuser={nobody}\nstartsecs=0\n"
    target = (
        "\n[reload:web]\nwatch=%(here)s/src\ncheck=%(here)s/check.sh\nrun_on=*.py -> %(here)s/run.sh\n"
        "ready=%(here)s/ready.sh\ndrain=%(here)s/drain.sh\nquiesce_signal=CONT\n"
    )
    names = ("check", "run", "ready", "drain")

    def prepare(act: Scene) -> None:
        act.directory.chmod(0o777)
        for name in names:
            script(act, f"{name}.sh", WHO.replace("NAME", name), 0o777)

    # the configuration is root's, in a directory of everybody's: that is trusted here, and told
    own = "\n[reload]\ntrust_writable=true\n"
    with started(LISTENER + program + target + own, prepare) as act:
        act.save("two")
        act.wait_for_log("complete: ")
        assert (
            act.count("WARNING .*runs as root and does what this file says, and '.*' can be written by") == 1
        )
        for name in names:
            first = (act.directory / name).read_text().split("\n")[0]
            assert first == f"{nobody} nogroup {os.environ.get('HOME', '')}"

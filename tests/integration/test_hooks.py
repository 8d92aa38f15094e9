"""Hooks and webhook, with a real supervisord: each gets its rollout, none delays it, one refuses it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.webhook import Webhook, webhook
from tests.integration.scene import ONE, PLAIN, Scene, scene
from tests.integration.supervisord import wait_for

pytestmark = pytest.mark.integration

KEYS = """before_rollout=sh %(here)s/hook before
after_rollout=sh %(here)s/hook after
on_failure=sh %(here)s/hook failed
notify_url={url}/told?token=t0k3n-of-the-path
notify_secret=%(ENV_HOOK_KEY)s
notify_on=all
ready_timeout=5
failure_limit=1
"""

HOOK = """cd {0}
cat > $1.json
env | grep '^SUPERVISOR_RELOAD_[TROD]' | sort > $1.env
echo "$1" >> runs
[ "$1" = before ] && [ -e locked ] && echo the database is locked && exit 3
while [ "$1" = before ] && [ -e gate ]; do sleep 0.05; done
[ "$1" = after ] && [ -e slow ] && sleep 60
echo "said by $1"
"""
"""By files that a test makes: ``locked`` (it refuses), ``gate`` (it waits), ``slow`` (it hangs after)."""


def with_hook(act: Scene) -> None:
    act.supervisord.environment["HOOK_KEY"] = "the key"  # type: ignore[index]
    (act.directory / "hook").write_text(HOOK.format(act.directory))


def told(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(wait_for(file.read_text))
    return found


def posted(server: Webhook) -> list[dict[str, object]]:
    return [json.loads(each.body) for each in server.posted]


@pytest.fixture(scope="module")
def server() -> Iterator[Webhook]:
    with webhook() as one:
        yield one


@pytest.fixture(scope="module")
def act(server: Webhook) -> Iterator[Scene]:
    with scene(PLAIN, ONE + KEYS.format(url=server.url), prepare=with_hook) as acted:
        acted.stays_quiet(1.0)
        yield acted


def test_a_good_rollout(act: Scene, server: Webhook) -> None:
    """Before it and after it, with the same rollout; and the webhook is told both, signed."""
    act.save("two")
    act.wait_for_text("two")
    act.wait_for_log("after_rollout is done")
    before, after = told(act.directory / "before.json"), told(act.directory / "after.json")
    assert (before["event"], after["event"]) == ("began", "complete")
    assert before["rollout"] == after["rollout"]
    assert (
        before["revision"] == after["revision"] != after["previous_revision"] == before["previous_revision"]
    )
    assert after["changed"] == [str(act.code)]
    assert (after["trigger"], after["files"], after["target"]) == ("files", 1, "web")
    assert isinstance(after["seconds"], float)
    environment = (act.directory / "after.env").read_text()
    assert f"SUPERVISOR_RELOAD_ROLLOUT={after['rollout']}\n" in environment
    assert f"SUPERVISOR_RELOAD_REVISION={after['revision']}\n" in environment
    assert "SUPERVISOR_RELOAD_OUTCOME=complete\n" in environment
    act.wait_for_log(r"\| said by before")
    act.wait_for_log(r"\| said by after")
    act.supervisord.wait_for(lambda: len(server.posted) >= 2, 20, "two posts")
    assert [each["event"] for each in posted(server)[-2:]] == ["began", "complete"]
    assert all("x-supervisor-reload-signature" in each.headers for each in server.posted)
    assert "t0k3n" not in act.log()


def test_bad_code(act: Scene, server: Webhook) -> None:
    """It is told why, with the last words of the process."""
    act.save("three", extra="raise SystemExit('no such table')\n")
    act.wait_for_log("halted")
    act.wait_for_log("on_failure is done")
    failed = told(act.directory / "failed.json")
    assert (failed["event"], failed["is_held"]) == ("halted", True)
    assert str(failed["reason"]).startswith("web:web: ")
    assert "no such table" in str(failed["output"])
    act.supervisord.wait_for(lambda: posted(server)[-1]["event"] == "halted", 20, "its post")
    assert posted(server)[-1]["reason"] == failed["reason"]
    act.save("four")
    act.wait_for_text("four")


def test_a_hook_that_refuses(act: Scene, server: Webhook) -> None:
    """Nothing is touched, the reason is told, and the next save has another chance."""
    pid = act.wait_for_text("four")
    act.wait_for_log("after_rollout is done", act.count("complete"))
    (act.directory / "locked").touch()
    (act.directory / "failed.json").unlink()
    act.save("five")
    act.wait_for_log(r"is refused: before_rollout: exit status 3; nothing was touched")
    act.wait_for_log(r"\| the database is locked")
    refused = told(act.directory / "failed.json")
    assert (refused["event"], refused["reason"]) == ("refused", "before_rollout: exit status 3")
    assert "started" not in act.stays_quiet()
    assert act.ask() == ("four", pid)
    (act.directory / "locked").unlink()
    act.save("six")
    act.wait_for_text("six")
    act.supervisord.wait_for(lambda: posted(server)[-1]["event"] == "complete", 20, "its post")


@pytest.mark.fault(1)
def test_the_listener_dies_before_the_rollout(act: Scene) -> None:
    """The next one waits for the hook that was left, runs it again, and rolls out."""
    act.wait_for_log("after_rollout is done", act.count("complete"))
    runs, gate = act.directory / "runs", act.directory / "gate"
    gate.touch()
    act.save("killed")
    act.supervisord.wait_for(lambda: runs.read_text().endswith("before\n"), 20, "the hook")
    before = runs.read_text()
    listener = act.supervisord.process_pid("reload:reload")
    os.kill(listener, signal.SIGKILL)
    act.wait_for_log(r"hook before of an earlier run still runs \(pid \d+\): waiting for it")
    assert act.supervisord.process_pid("reload:reload") not in (0, listener)
    assert runs.read_text() == before, "only the first runs"
    assert act.ask()[0] != "killed"
    gate.unlink()
    act.wait_for_text("killed")
    act.supervisord.wait_for(lambda: runs.read_text() == before + "before\nafter\n", 20, "what follows")


def test_a_hook_that_hangs_delays_nothing(act: Scene) -> None:
    """The next rollout does not wait for the last one's hook, nor does the listener's end."""
    act.wait_for_log("after_rollout is done", act.count("complete"))
    runs = (act.directory / "runs").read_text().count("after")
    (act.directory / "slow").touch()
    act.save("seven")
    act.wait_for_text("seven")
    act.supervisord.wait_for(
        lambda: (act.directory / "runs").read_text().count("after") > runs, 20, "the slow hook"
    )
    act.save("eight")
    act.wait_for_text("eight")
    act.supervisord.rpc.supervisor.stopProcess("reload:reload", False)
    act.wait_for_log("after_rollout failed .cancelled.", limit=5)
    act.supervisord.wait_for(lambda: act.supervisord.state("reload:reload") == "STOPPED", 5, "its end")

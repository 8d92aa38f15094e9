"""supervisord.conf is saved while everything runs: what is taken over, updated, and left alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.integration.scene import LIMIT, ONE, PLAIN, SWAP, TWO, Scene, scene

pytestmark = pytest.mark.integration


def edit(acted: Scene, *changes: tuple[str, str]) -> None:
    """Save the configuration with these changes, by rename, as most editors do."""
    conf = acted.supervisord.conf
    text = conf.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    beside = conf.with_name("conf.new")
    beside.write_text(text)
    beside.rename(conf)


def program(acted: Scene, name: str = "web:web") -> int:
    return acted.supervisord.process_pid(name)


def test_one_target_is_edited_again_and_again() -> None:
    """Other files to watch, a bad file, no file, a ready that can't be: no process is replaced for that."""
    with scene(PLAIN, ONE + "ready_timeout=2\nfailure_limit=1\n") as acted:
        pid = program(acted)
        edit(acted, ("ready=http", "exclude=*.json\nready=http"))
        acted.wait_for_log("web: its settings changed: exclude")
        (acted.src / "data.json").write_text("1")
        spoil_and_mend(acted)
        assert "" == acted.stays_quiet(0.6)
        assert pid == program(acted)
        make_unready_and_mend(acted)


def spoil_and_mend(acted: Scene) -> None:
    """Errors are told with section and key; the last good configuration goes on."""
    edit(acted, ("watch=%(here)s/src", "wach=%(here)s/src"))
    acted.wait_for_log(r"configuration: can't be used, so the last good one stays in force")
    acted.wait_for_log(r"\[reload:web\] wach: unknown key")
    conf = acted.supervisord.conf
    text = conf.read_text()
    conf.unlink()
    acted.wait_for_log("could not find config file")
    conf.write_text(text.replace("wach", "watch"))
    acted.wait_for_log("configuration: is right again")


def make_unready_and_mend(acted: Scene) -> None:
    """A wrong URL halts the rollout; with the right one it goes on, without another save or start."""
    right, wrong = f"http://127.0.0.1:{acted.port}/", "http://127.0.0.1:1/"
    edit(acted, (right, wrong))
    acted.wait_for_log("web: its settings changed: ready$")
    acted.save("two")
    acted.wait_for_log("Held")
    pid = program(acted)
    edit(acted, (wrong, right))
    acted.wait_for_log("complete")
    acted.wait_for_text("two")
    assert pid == program(acted)


def test_targets_come_and_go_with_an_included_file() -> None:
    """A new file that [include] matches adds a target; without the file, the program is left alone."""
    include = "\n[include]\nfiles=%(here)s/conf.d/*.conf\n"
    job = "\n[program:job]\ncommand=sleep 1000\nstartsecs=0\n"
    with scene(PLAIN, ONE, more=include + job, prepare=lambda a: (a.directory / "conf.d").mkdir()) as acted:
        jobs = acted.directory / "jobs"
        jobs.mkdir()
        (jobs / "job.py").write_text("1")
        added = acted.directory / "conf.d" / "job.conf"
        pids = program(acted), program(acted, "job:job")
        added.write_text("[reload:job]\nwatch=%(here)s/../jobs\n")
        acted.wait_for_log("job: is watched from now on")
        acted.wait_for_log("job: job ready after")
        assert pids == (program(acted), program(acted, "job:job"))
        (jobs / "job.py").write_text("2")
        acted.wait_for_log("job: rollout 1: complete")
        added.unlink()
        acted.wait_for_log("job: is no longer configured")
        (jobs / "job.py").write_text("3")
        assert "" == acted.stays_quiet(0.6)
        assert pids[0] == program(acted)


def test_a_rollout_under_way_goes_first() -> None:
    """It ends by the settings with which it began; then the newest of several saves holds."""
    slow = "import time\ntime.sleep(1)\n"
    with scene(SWAP, TWO) as acted:
        acted.save("two", slow)
        acted.wait_for_log("rolling out")
        edit(acted, ("replicas=1", "min_interval=1\nreplicas=1"))
        acted.wait_for_log("web: its settings changed: taken over after what is under way")
        edit(acted, ("min_interval=1", "min_interval=2"))
        edit(acted, ("min_interval=2", "failure_limit=5\nmin_interval=3"))
        acted.wait_for_log("complete")
        acted.wait_for_log("web: its settings changed: failure_limit")
        log = acted.log()
        assert log.index("complete") < log.index("failure_limit")
        assert "" == acted.stays_quiet(0.6)


def test_program_sections_are_the_operators_by_default() -> None:
    """It is said what to do; when it is done, the new settings hold, also for new processes."""
    with scene(SWAP, TWO) as acted:
        edit(acted, ("numprocs=2", "numprocs=3"), ("replicas=1", "replicas=2"))
        acted.wait_for_log(
            r"program sections changed \(web\): run supervisorctl update \(until then \[reload:web\]"
        )
        assert "" == acted.stays_quiet(0.5)
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(acted.supervisord.conf),
            "update",
        ]
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}
        )
        acted.wait_for_log("web: its settings changed: .*replicas")
        acted.wait_for_text("one")
        acted.save("two")
        acted.wait_for_text("two")
        acted.wait_for_log("complete")


UPDATING = "[reload]\nreload_config=true\n"

OTHERS = """
[program:job]
command=sleep 1000
autostart=false
startsecs=0

[program:idle]
command=sleep 1001
startsecs=0

[program:gone]
command=sleep 1002
startsecs=0
"""


def test_more_processes_with_reload_config() -> None:
    """The group is drained, replaced and followed; what was in flight is answered."""
    with scene(SWAP, TWO + "drain=connections\n", head=UPDATING) as acted:
        with socket.create_connection(("127.0.0.1", acted.port), timeout=LIMIT) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")  # in flight until its last line comes
            edit(acted, ("numprocs=2", "numprocs=3"), ("replicas=1", "replicas=2"))
            began = "group web is to be updated"
            acted.supervisord.wait_for(
                lambda: "draining" in acted.log().partition(began)[2], LIMIT, "it drains"
            )
            assert "" == acted.stays_quiet(0.3)
            connection.sendall(b"\r\n")
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200 OK")
        acted.wait_for_log("group web updated after")
        acted.wait_for_log("web: its settings changed: .*replicas")
        acted.wait_for_text("one")
        acted.supervisord.wait_for(
            lambda: states(acted, 3) == ["RUNNING", "RUNNING", "STOPPED"], 10, "two of 3"
        )
        acted.save("two")
        acted.wait_for_text("two")


def states(acted: Scene, number: int) -> list[str]:
    return sorted(acted.supervisord.state(f"web:web_0{n}") for n in range(number))


@pytest.mark.fault(26)
def test_other_groups_with_reload_config() -> None:
    """Added, changed and removed as by ``supervisorctl update``; but what somebody stopped stays stopped."""
    with scene(PLAIN, ONE, head=UPDATING, more=OTHERS) as acted:
        rpc = acted.supervisord.rpc.supervisor
        rpc.startProcess("job:job")
        rpc.stopProcess("idle:idle")
        pids = program(acted), program(acted, "job:job")
        edit(
            acted,
            ("=sleep 1000", "=sleep 2000"),
            ("=sleep 1001", "=sleep 2001"),
            ("program:gone", "program:new"),
        )
        with acted.supervisord.conf.open("a") as conf:
            conf.write("[reload:new]\nwatch=%(here)s/src\n")
        acted.wait_for_log("idle is not updated, which would start idle, stopped by hand")
        acted.wait_for_log("group job updated")
        acted.wait_for_log("group new added")
        acted.wait_for_log("group gone removed")
        acted.wait_for_log("new: is watched from now on")
        acted.wait_for_log("new: new ready")
        acted.supervisord.wait_for(
            lambda: program(acted, "job:job") not in (0, pids[1]), 10, "job runs again"
        )
        assert "STOPPED" == acted.supervisord.state("idle:idle")
        assert pids[0] == program(acted)
        assert {"web", "job", "idle", "new", "reload"} == {one["group"] for one in rpc.getAllProcessInfo()}
        refuse_and_mend(acted, pids[0])


def refuse_and_mend(acted: Scene, pid: int) -> None:
    """Our reading finds nothing wrong with a plugin; supervisord can't import it, and it is believed."""
    plugin = "[rpcinterface:x]\nsupervisor.rpcinterface_factory=nosuch.module:make\n\n"
    edit(acted, ("autorestart=true", "autorestart=unexpected"), ("[program:web]", plugin + "[program:web]"))
    acted.wait_for_log("can't be used, so the last good one stays in force")
    acted.wait_for_log("nosuch")
    assert "" == acted.stays_quiet(0.3)
    edit(acted, (plugin, ""))
    acted.wait_for_log("configuration: is right again")
    acted.wait_for_log("group web updated")
    acted.wait_for_text("one")
    assert pid != program(acted)


def test_a_listener_killed_in_the_middle_of_an_update() -> None:
    """When it is back, it goes on: no program is left stopped."""
    job = "\n[program:job]\ncommand=sh -c 'trap \"sleep 1.5; exit 0\" TERM; sleep 1000 & wait'\nstartsecs=0\n"
    more = job + "[program:quick]\ncommand=sleep 1000\nstartsecs=0\n[group:both]\nprograms=job,quick\n"
    with scene(PLAIN, ONE, head=UPDATING, more=more) as acted:
        edit(acted, ("[program:quick]\ncommand=sleep 1000", "[program:quick]\ncommand=sleep 2000"))
        acted.supervisord.wait_for(
            lambda: acted.supervisord.state("both:quick") == "STOPPED", 10, "one stopped"
        )
        os.kill(program(acted, "reload"), signal.SIGKILL)
        acted.wait_for_log("watches web", 2)
        acted.wait_for_log("group both updated")
        acted.supervisord.wait_for(
            lambda: acted.supervisord.state("both:quick") == acted.supervisord.state("both:job") == "RUNNING"
        )

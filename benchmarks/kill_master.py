"""kill -9 of a gunicorn master on supervisord's socket, again and again, with the socket kept and without.

Without ``[rpcinterface:reload]`` the group's socket closes with the master, its workers still hold the port,
and the error of supervisord's own bind ends supervisord. It only prints what happened.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.supervisord import descendants

from .service import Service, answers

CONF = """\
[supervisord]
logfile=%(here)s/run/kill.log
pidfile=%(here)s/run/kill.pid
childlogdir=%(here)s/run

[unix_http_server]
file=%(here)s/run/kill.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/run/kill.sock

[fcgi-program:web]
socket=tcp://127.0.0.1:8000
command=gunicorn wsgi:application --bind fd://0 --workers 2
directory=%(here)s/app
autorestart=true
startsecs=0
"""

INTERFACE = """
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface
"""

LIMIT = 30.0
"""seconds for each step"""


@dataclass(slots=True)
class Outcome:
    """What became of it."""

    killed: int = 0
    served: int = 0
    """masters after whose end the program served again, with none of their workers left"""
    alive: bool = True
    """whether supervisord lives"""
    seconds: list[float] = field(default_factory=list)
    """from each kill until the successor's process was there"""


def kill_masters(times: int, *, kept: bool = True) -> Outcome:
    """Kill so many masters, one after the other; ends when supervisord has ended."""
    outcome = Outcome()
    with Service(CONF + (INTERFACE if kept else ""), "wsgi.py") as service:
        for _ in range(times):
            try:
                _kill_once(service, outcome)
            except (AssertionError, OSError):
                outcome.alive = False
                break
    return outcome


def _kill_once(service: Service, outcome: Outcome) -> None:
    """AssertionError or OSError where supervisord has ended or something was not there in time."""
    supervisord = service.supervisord
    supervisord.wait_for(lambda: _has_workers(service), LIMIT, "a gunicorn that serves")
    master = supervisord.process_pid("web")
    workers = descendants(master)
    outcome.killed += 1
    began = time.monotonic()
    try:
        os.kill(master, signal.SIGKILL)
        # Seen from outside: a call would wake supervisord.
        supervisord.wait_for(lambda: descendants(supervisord.pid) - {master} - workers, LIMIT, "a successor")
        outcome.seconds.append(time.monotonic() - began)
        # An orphan finds out that it is one when it is asked something (or after half its own timeout).
        supervisord.wait_for(
            lambda: answers(service.port) and not any(map(_lives, workers)), LIMIT, "the old workers' end"
        )
    finally:
        for orphan in filter(_lives, workers):  # where supervisord has ended, nobody else will
            os.kill(orphan, signal.SIGKILL)
    supervisord.wait_for(lambda: _has_workers(service), LIMIT, "a gunicorn that serves again")
    outcome.served += 1


def _has_workers(service: Service) -> bool:
    pid = service.supervisord.process_pid("web")
    return bool(pid) and len(descendants(pid)) == 2 and answers(service.port)


def _lives(pid: int) -> bool:
    """Whether there is a process of this number that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def told(outcome: Outcome, times: int) -> str:
    """One line for a reader."""
    ordered = sorted(outcome.seconds)
    median = f", successor after {ordered[len(ordered) // 2] * 1000:.0f} ms (median)" if ordered else ""
    end = "supervisord lives" if outcome.alive else "supervisord has ended"
    return f"{outcome.killed} of {times} masters killed, served again {outcome.served} times{median}; {end}"


def main() -> int:
    """Read the arguments, run, print; 1 where the kept socket did not help."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_master", description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    args = parser.parse_args()
    print(f"without [rpcinterface:reload]: {told(kill_masters(args.times, kept=False), args.times)}")
    outcome = kill_masters(args.times)
    print(f"with    [rpcinterface:reload]: {told(outcome, args.times)}")
    return 0 if outcome.alive and outcome.served == args.times else 1


if __name__ == "__main__":
    sys.exit(main())

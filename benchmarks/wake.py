"""How long supervisord takes to notice that a process ended, with ``[rpcinterface:reload]`` and without.

Processes are killed at random moments under supervisords that nobody talks to, because any call would wake
them; what they do is read from /proc and from what a listener wrote down. It prints medians.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field

from tests.integration.pinned import cpu_seconds
from tests.integration.supervisord import Supervisord

from .table import milliseconds, quantile

INTERFACE = """
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface
"""

LISTENER = """
import sys, time
while True:
    print("READY", end="\\n", flush=True)
    head = dict(pair.split(":") for pair in sys.stdin.readline().split())
    sys.stdin.read(int(head["len"]))
    with open("events", "a") as file:
        file.write(f"{head['eventname']} {time.monotonic()}\\n")
    sys.stdout.write("RESULT 2\\nOK")
    sys.stdout.flush()
"""

CONF = """
[program:web]
command={command}
startsecs=1
autorestart=true
{more}

[eventlistener:watch]
command=python listener.py
directory=%(here)s
events=PROCESS_STATE_EXITED
"""

KINDS = {
    "its own log": ("sleep 100000", ""),
    "redirect_stderr": ("sleep 100000", "redirect_stderr=true"),
    "files of its own": ("sh -c 'exec sleep 100000 >/dev/null 2>&1'", ""),
}
"""What the program's output goes to: supervisord is woken by a pipe that closes, sometimes."""

LIMIT = 20.0
"""seconds for each step"""
REST = (1.2, 2.4)
"""seconds that a process lives before it is killed: more than startsecs, at a random moment of a second"""


@dataclass(slots=True)
class Times:
    """Seconds from the kills on."""

    successor: list[float] = field(default_factory=list)
    """until the next process was forked"""
    listener: list[float] = field(default_factory=list)
    """until an event listener had the EXITED event"""
    idle: float = 0.0
    """share of a core that supervisord used, all in all"""


def measure(kind: str, *, woken: bool, times: int) -> Times:
    """Kill a process so many times. Raises TimeoutError where a successor does not come."""
    command, more = KINDS[kind]
    conf = CONF.format(command=command, more=more) + (INTERFACE if woken else "")
    supervisord = Supervisord(None, conf)
    (supervisord.directory / "listener.py").write_text(LISTENER)
    found = Times()
    with supervisord:
        supervisord.wait_for(lambda: supervisord.state("watch") == "RUNNING", LIMIT)
        listener = supervisord.process_pid("watch")
        kills = []
        before, began = cpu_seconds(supervisord.pid), time.monotonic()
        for _ in range(times):
            time.sleep(random.uniform(*REST))
            killed, started = _kill(supervisord.pid, listener)
            kills.append(killed)
            found.successor.append(started - killed)
        found.idle = (cpu_seconds(supervisord.pid) - before) / (time.monotonic() - began)
        file = supervisord.directory / "events"
        supervisord.wait_for(lambda: len(file.read_text().splitlines()) == times, LIMIT, "all events")
        heard = [float(line.split()[1]) for line in file.read_text().splitlines()]
    found.listener = [at - killed for at, killed in zip(heard, kills, strict=True)]
    return found


def _kill(supervisord: int, listener: int) -> tuple[float, float]:
    """Kill the one process; when that was and when its successor was there (``time.monotonic``)."""
    (old,) = _children(supervisord) - {listener}
    killed = time.monotonic()
    os.kill(old, signal.SIGKILL)
    while time.monotonic() < killed + LIMIT:
        if _children(supervisord) - {listener, old}:
            return killed, time.monotonic()
        time.sleep(0.0005)
    raise TimeoutError(f"process {old} has no successor after {LIMIT:g} s")


def _children(pid: int) -> set[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return set(map(int, file.read().split()))


def run(times: int) -> dict[tuple[str, bool], Times]:
    """Everything side by side: all of them sleep nearly always."""
    results: dict[tuple[str, bool], Times] = {}

    def one(kind: str, woken: bool) -> None:
        results[kind, woken] = measure(kind, woken=woken, times=times)

    threads = [threading.Thread(target=one, args=(kind, woken)) for kind in KINDS for woken in (False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def table(results: dict[tuple[str, bool], Times]) -> str:
    """Medians and the slowest tenth."""

    def pair(numbers: list[float]) -> str:
        ordered = sorted(numbers)
        return f"{milliseconds(statistics.median(ordered))} / {milliseconds(quantile(ordered, 0.9))}"

    lines = [("output goes to", "interface", "n", "kill -> successor", "kill -> listener", "CPU")]
    for (kind, woken), times in sorted(results.items()):
        row = (pair(times.successor), pair(times.listener), f"{times.idle * 100:.1f} %")
        lines.append((kind, "with" if woken else "without", str(len(times.successor)), *row))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wake", description=__doc__)
    parser.add_argument("--times", type=int, default=30, help="kills for each row")
    args = parser.parse_args()
    results = run(args.times)
    print(table(results))
    print("median / p90 of each")
    return 0 if len(results) == 2 * len(KINDS) else 1


if __name__ == "__main__":
    sys.exit(main())

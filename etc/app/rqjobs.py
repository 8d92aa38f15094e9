"""RQ jobs that may take long, and a worker that writes down what happens to it.

``python rqjobs.py put 20 0.1 3`` adds twenty jobs of 0.1 to 3 seconds. ``log`` in the queue's directory has a
line for everything that happened: time, pid of the worker, version, what, job. Only the log needs a worker
class of its own; yours is run by plain ``rq worker``.
"""

import os
import random
import sys
import time
from pathlib import Path

from redis import Redis
from rq import Queue, Worker

VERSION = "1"  # edit this line, save, and look at the newest lines of the log

QUEUE = Path(os.environ.get("QUEUE", "queue")).absolute()
REDIS = os.environ.get("REDIS", "redis.sock")
"""the unix socket of a Redis server"""
WORKER = os.getpid()  # imported before a job is forked off, so that its process knows its worker

QUEUE.mkdir(parents=True, exist_ok=True)


def note(what: str, job: str = "-") -> None:
    """Add a line to the log, in one write, so that the lines of several workers don't mix."""
    line = f"{time.time():.6f} {WORKER} {VERSION} {what} {job}\n"
    log = os.open(QUEUE / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, line.encode())
    os.close(log)


class NotingWorker(Worker):
    """RQ's worker; it notes when it comes up, is asked to leave, and leaves."""

    def work(self, *args: object, **options: object) -> bool:
        """Work until asked to leave."""
        note("up")
        try:
            return super().work(*args, **options)
        finally:
            note("left")

    def request_stop(self, *args: object) -> None:
        """The first signal: finish the job in hand."""
        note("TERM")
        super().request_stop(*args)

    def request_force_stop(self, *args: object) -> None:
        """Another signal, after a second or more: kill the job in hand."""
        note("TERM")
        super().request_force_stop(*args)


def job(name: str, seconds: float) -> None:
    """The job itself: it takes a while."""
    note("began", name)
    time.sleep(seconds)  # the work itself
    note("done", name)


def put(count: int, shortest: float = 0.5, longest: float = 0.5) -> None:
    """Add jobs that take so many seconds."""
    queue = Queue("jobs", connection=Redis(unix_socket_path=REDIS))
    first = time.time_ns()
    for number in range(count):
        note("put", f"{first + number}")
        queue.enqueue("rqjobs.job", f"{first + number}", random.uniform(shortest, longest), result_ttl=0)


if __name__ == "__main__" and sys.argv[1:2] == ["put"]:
    put(int(sys.argv[2]), *map(float, sys.argv[3:5]))

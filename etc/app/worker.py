"""A queue worker that finishes the job in its hands when it is asked to leave (TERM).

The queue is a directory: ``todo/NAME`` is a job, ``doing/NAME@PID`` one in work, ``done/NAME`` says which
version did it. ``python worker.py put 20 0.1 3`` adds twenty jobs of 0.1 to 3 seconds. Renaming a file is
how a worker takes one, so that no two take the same. ``log`` has a line for everything that happened: time,
pid, version, what, job.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

VERSION = "1"  # edit this line, save, and look at the newest files in done/

QUEUE = Path(os.environ.get("QUEUE", "queue"))
JOB_SECONDS = float(os.environ.get("JOB_SECONDS", "0.5"))
"""of a job that does not say how long it takes"""


def note(what: str, job: str = "-") -> None:
    """Add a line to the log, in one write, so that the lines of several workers don't mix."""
    line = f"{time.time():.6f} {os.getpid()} {VERSION} {what} {job}\n"
    log = os.open(QUEUE / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, line.encode())
    os.close(log)


def put(count: int, shortest: float = JOB_SECONDS, longest: float = JOB_SECONDS) -> None:
    """Add jobs that take so many seconds."""
    first = time.time_ns()
    for number in range(count):
        new = QUEUE / f"{first + number}"
        note("put", new.name)
        new.write_text(f"{random.uniform(shortest, longest):.3f}")
        new.rename(QUEUE / "todo" / new.name)  # nobody may take a job that is half written


def take() -> Path | None:
    """Take the oldest job; None where there is none."""
    for job in sorted((QUEUE / "todo").iterdir()):
        try:
            return job.rename(QUEUE / "doing" / f"{job.name}@{os.getpid()}")
        except FileNotFoundError:
            continue  # another worker was faster
    return None


def take_back() -> None:
    """Put back what a worker had in hand that was killed; only that can run a job a second time."""
    for job in (QUEUE / "doing").iterdir():
        name, _, pid = job.name.partition("@")
        if not Path("/proc", pid).exists() or int(pid) == os.getpid():
            try:
                job.rename(QUEUE / "todo" / name)
            except FileNotFoundError:
                continue  # another worker was faster
            note("back", name)


def do(job: Path) -> None:
    """The job itself: it takes a while, and is done when its file is in ``done``."""
    name = job.name.partition("@")[0]
    note("began", name)
    time.sleep(float(job.read_text() or JOB_SECONDS))  # the work itself; a signal does not cut it short
    job.write_text(f"version {VERSION} pid {os.getpid()}\n")
    job.rename(QUEUE / "done" / name)
    note("done", name)
    print(f"done {name}", flush=True)


class Leaving:
    """Whether TERM has come. A plain attribute: the lock of an Event may be held when the signal comes."""

    asked = False

    def __call__(self, *_: object) -> None:
        """Called by the signal."""
        self.asked = True
        note("TERM")


def work() -> None:
    """Work until asked to leave; a job that was begun is finished."""
    leaving = Leaving()
    signal.signal(signal.SIGTERM, leaving)
    note("up")
    take_back()
    while not leaving.asked:
        job = take()
        if job is None:
            time.sleep(0.1)
        else:
            do(job)
    note("left")


def main() -> None:
    """Work, or add jobs."""
    for name in ("todo", "doing", "done"):
        (QUEUE / name).mkdir(parents=True, exist_ok=True)
    if sys.argv[1:2] == ["put"]:
        put(int(sys.argv[2]), *map(float, sys.argv[3:5]))
    else:
        work()


if __name__ == "__main__":
    main()

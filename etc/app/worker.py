"""A queue worker that finishes the job in its hands when it is asked to leave (TERM).

The queue is a directory: ``todo/NAME`` is a job, ``doing/`` holds those in work, ``done/NAME`` says which
version did it. ``python worker.py put 20`` adds twenty jobs. Renaming a file is how a worker takes one, so
that no two take the same.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

VERSION = "1"  # edit this line, save, and look at the newest files in done/

QUEUE = Path(os.environ.get("QUEUE", "queue"))
JOB_SECONDS = float(os.environ.get("JOB_SECONDS", "0.5"))


def put(count: int) -> None:
    """Add jobs."""
    first = time.time_ns()
    for number in range(count):
        (QUEUE / "todo" / f"{first + number}").touch()


def take() -> Path | None:
    """Take the oldest job; None where there is none."""
    for job in sorted((QUEUE / "todo").iterdir()):
        try:
            return job.rename(QUEUE / "doing" / job.name)
        except FileNotFoundError:
            continue  # another worker was faster
    return None


def work(leaving: threading.Event) -> None:
    """Work until asked to leave; a job that was begun is finished."""
    while not leaving.is_set():
        job = take()
        if job is None:
            leaving.wait(0.1)
            continue
        time.sleep(JOB_SECONDS)  # the work itself
        job.write_text(f"version {VERSION} pid {os.getpid()}\n")
        job.rename(QUEUE / "done" / job.name)
        print(f"done {job.name}", flush=True)


def main() -> None:
    """Work, or add jobs."""
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    for name in ("todo", "doing", "done"):
        (QUEUE / name).mkdir(parents=True, exist_ok=True)
    if sys.argv[1:2] == ["put"]:
        put(int(sys.argv[2]))
    else:
        work(leaving)


if __name__ == "__main__":
    main()

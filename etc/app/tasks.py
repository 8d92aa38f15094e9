"""Celery tasks that may take long, on a queue of files: no broker to install, and no job is lost in a reload.

``python tasks.py put 20 0.1 3`` adds twenty jobs of 0.1 to 3 seconds. ``log`` in the queue's directory has a
line for everything that happened: time, pid of the worker, version, what, job. Files are for trying out: a
worker that is killed takes its job with it. RabbitMQ and Redis give it to another: set BROKER to one's URL.
"""

import os
import random
import sys
import time
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

VERSION = "1"  # edit this line, save, and look at the newest lines of the log

QUEUE = Path(os.environ.get("QUEUE", "queue")).absolute()
WORKER = os.getpid()  # imported before the pool forks, so its children know their worker

for folder in ("todo", "taken", "control"):
    (QUEUE / folder).mkdir(parents=True, exist_ok=True)


class Channel(filesystem.Channel):
    """Kombu's own writes a message where a worker may take it when only half is there; this one does not."""

    def _put(self, queue: str, payload: object, **_: object) -> None:
        new = QUEUE / f"{time.time_ns()}_{os.getpid()}.{queue}.msg"
        new.write_text(dumps(payload))
        new.rename(QUEUE / "todo" / new.name)


class Transport(filesystem.Transport):
    """Kombu's queue of files with the channel above."""

    Channel = Channel


TRANSPORT_ALIASES["files"] = f"{__name__}:Transport"

app = Celery("tasks", broker=os.environ.get("BROKER", "files://"))
app.conf.update(
    task_acks_late=True,  # a job leaves the queue when it is done, not when it begins
    task_reject_on_worker_lost=True,  # and goes back when the pool's child that had it was killed
    worker_prefetch_multiplier=1,  # one job for each child, none waiting behind it
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
if "BROKER" not in os.environ:
    app.conf.broker_transport_options = {
        "data_folder_in": str(QUEUE / "todo"),
        "data_folder_out": str(QUEUE / "todo"),
        "processed_folder": str(QUEUE / "taken"),
        "control_folder": str(QUEUE / "control"),
        "store_processed": True,  # else through the temporary directory, perhaps another file system
        "polling_interval": 0.1,
    }
    app.conf.worker_enable_remote_control = False  # it leaves a queue for every worker there ever was


def note(what: str, job: str = "-") -> None:
    """Add a line to the log, in one write, so that the lines of several workers don't mix."""
    line = f"{time.time():.6f} {WORKER} {VERSION} {what} {job}\n"
    log = os.open(QUEUE / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, line.encode())
    os.close(log)


@app.task
def job(name: str, seconds: float) -> None:
    """The job itself: it takes a while."""
    note("began", name)
    time.sleep(seconds)  # the work itself
    note("done", name)


@worker_ready.connect
def up(**_: object) -> None:
    """The worker takes jobs from now on."""
    note("up")


@worker_shutting_down.connect
def asked(sig: str, **_: object) -> None:
    """A signal came that asks the worker to leave: once for each signal."""
    note(str(sig).removeprefix("SIG"))


@worker_shutdown.connect
def left(**_: object) -> None:
    """The worker ends; its jobs are done."""
    note("left")


def put(count: int, shortest: float = 0.5, longest: float = 0.5) -> None:
    """Add jobs that take so many seconds."""
    first = time.time_ns()
    for number in range(count):
        note("put", f"{first + number}")
        job.delay(f"{first + number}", random.uniform(shortest, longest))


if __name__ == "__main__" and sys.argv[1:2] == ["put"]:
    put(int(sys.argv[2]), *map(float, sys.argv[3:5]))

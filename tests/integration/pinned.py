"""A supervisord with ``[rpcinterface:reload]`` and a program on its socket: what these tests share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.load import Load
from tests.integration.supervisord import PREAMBLE, Supervisord, free_port, short_directory

INTERFACE = """
[rpcinterface:reload]
supervisor.rpcinterface_factory=supervisor_reload.rpcinterface:make_rpcinterface
release_after={release_after}
"""

WEB = """
[fcgi-program:web]
socket=tcp://127.0.0.1:{port}
command=python %(here)s/app.py
environment=PYTHONPATH="%(here)s"
autorestart=true
startsecs=0
stopwaitsecs=5
"""

LIMIT = 10.0


class Pinned:
    """What a test does to it, and what its clients see."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.supervisord = Supervisord(directory, PREAMBLE)

    def write(self, *parts: str, release_after: float = 5) -> None:
        """The whole configuration; ``{port}`` and ``{release_after}`` are filled in."""
        text = PREAMBLE + "".join(parts)
        text = text.replace("{port}", str(self.port)).replace("{release_after}", f"{release_after:g}")
        self.supervisord.conf.write_text(text)

    def connect(self, limit: float = LIMIT) -> socket.socket:
        """A connection; ConnectionRefusedError where nobody listens."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=limit)

    def is_refused(self) -> bool:
        """Whether a new client is refused."""
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def ask(self) -> int:
        """One request; the pid of the process that answered."""
        with self.connect() as connection:
            return answer(connection)

    def pid(self, name: str = "web:web") -> int:
        """The pid of a process."""
        return self.supervisord.process_pid(name)

    def sockets(self) -> dict[str, dict[str, Any]]:
        """What ``reload.getSockets`` tells, by group."""
        return {entry["group"]: entry for entry in self.supervisord.rpc.reload.getSockets()}

    def is_pinned(self, group: str = "web") -> bool:
        """Whether the socket of a group is kept."""
        return any(entry["pinned"] for name, entry in self.sockets().items() if name == group)

    def replace(self) -> None:
        """End the program, until it has a successor.

        KILL: before its exec a process swallows the TERM, which supervisord's own handler gets.
        """
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        self.supervisord.wait_for(lambda: self.pid() not in (0, pid), LIMIT, "a successor")

    def hang_up(self) -> None:
        """SIGHUP (``supervisorctl reload``), until the new programs answer."""
        before = self.pid()
        os.kill(self.supervisord.pid, signal.SIGHUP)
        self.supervisord.wait_for(lambda: self.pid() not in (0, before), LIMIT, "a restarted program")

    def update(self) -> None:
        """What ``supervisorctl update`` does, in its order."""
        supervisor = self.supervisord.rpc.supervisor
        ((added, changed, removed),) = supervisor.reloadConfig()
        for name in removed + changed:
            supervisor.stopProcessGroup(name)
            supervisor.removeProcessGroup(name)
            if name in changed:
                supervisor.addProcessGroup(name)
        for name in added:
            supervisor.addProcessGroup(name)

    def control(self, *words: str) -> str:
        """A command of supervisorctl; what it printed."""
        argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisorctl", "-c", self.supervisord.conf]
        done = subprocess.run([*argv, *words], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def descriptors(self) -> list[int]:
        """supervisord's open descriptors."""
        return sorted(map(int, os.listdir(f"/proc/{self.supervisord.pid}/fd")))

    def log(self) -> str:
        """supervisord's own log."""
        return (self.directory / "supervisord.log").read_text()

    @contextmanager
    def under_load(self, clients: int = 4) -> Iterator[Load]:
        """Clients that ask all the time, some times before and after what happens inside."""
        load = Load("127.0.0.1", self.port, clients=clients, pause=0.005)
        thread = threading.Thread(target=lambda: asyncio.run(load.run()))
        thread.start()
        try:
            self._further(load)
            yield load
            self._further(load)
        finally:
            load.over.set()  # noticed by each client after its pause
            thread.join(30)

    def _further(self, load: Load) -> None:
        wanted = len(load.requests) + 20
        self.supervisord.wait_for(lambda: len(load.requests) >= wanted, LIMIT, "requests")


def answer(connection: socket.socket) -> int:
    """Send a request on a connection; the pid of the process that answered."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    told = b""
    while more := connection.recv(1000):
        told += more
    return int(told.rsplit(b" ", 1)[1])


def errors_of(load: Load) -> dict[str, int]:
    """What was lost, by kind."""
    return dict(Counter(request.error for request in load.requests if request.error))


def wait_for_end(pid: int, limit: float = LIMIT) -> None:
    """Until a process of somebody else has ended (reaped or not)."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # reaped already
    try:
        assert select.select([fd], [], [], limit)[0], f"process {pid} lives on"
    finally:
        os.close(fd)


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_share(pid: int, seconds: float) -> float:
    """The share of one core that a process used in a while: the proof that it rests needs some time."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)


@contextmanager
def pinned(*parts: str, release_after: float = 5) -> Iterator[Pinned]:
    """The supervisord with these sections, its interface and its program ``web`` where ``parts`` are none."""
    directory = short_directory().resolve()
    scene = Pinned(directory, free_port())
    shutil.copy(Path(__file__).with_name("app.py"), directory / "app.py")
    (directory / "code_under_test.py").write_text("TEXT = 'one'\n")
    scene.write(*(parts or (INTERFACE, WEB)), release_after=release_after)
    try:
        with scene.supervisord:
            yield scene
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(directory)

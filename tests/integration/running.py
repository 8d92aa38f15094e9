"""One ``supervisor-reload run`` for tests: started, watched from outside, and gone at the end.

It finds every process that belongs to it by a mark in the environment, and never waits without a limit.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.supervisord import short_directory, wait_for

SERVE = """\
import os, signal, sys, time
VERSION = {version!r}
with open(os.environ["TRACE"], "a") as trace:
    trace.write(f"{{VERSION}} {{os.getpid()}}\\n")
while True:
    time.sleep(0.05)
"""


class Run:
    """One ``run`` with a directory of code, and a mark by which every process of it can be found."""

    def __init__(self) -> None:
        self.home = short_directory()
        self.code = self.home / "code"
        self.temporary = self.home / "t"
        self.trace = self.home / "trace"
        self.out, self.err = self.home / "out", self.home / "err"
        for directory in (self.code, self.temporary):
            directory.mkdir()
        self.mark = f"RUN_MARK={uuid.uuid4().hex}"
        name, value = self.mark.split("=")
        # tests run with coverage, warnings and so on in the environment; the user's own must get through
        self.environment = {
            **os.environ,
            name: value,
            "TMPDIR": str(self.temporary),
            "TRACE": str(self.trace),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def save(self, version: str, name: str = "serve.py") -> None:
        """Save a new version of the program."""
        (self.code / name).write_text(SERVE.format(version=version))

    def start(self, *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
        """Begin; output goes to files."""
        argv = [sys.executable, "-m", "supervisor_reload", "run", *arguments]
        with self.out.open("ab") as out, self.err.open("ab") as err:
            chosen = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **streams}
            environment = {**self.environment, "PYTHONPATH": os.getcwd()}
            self.process = subprocess.Popen(argv, cwd=self.code, env=environment, **chosen)  # type: ignore[call-overload]
        return self.process

    def serve(self, *options: str) -> subprocess.Popen[bytes]:
        """Begin with the program as it was saved, and wait until the listener has seen it."""
        process = self.start(*options, "--", sys.executable, "serve.py")
        self.wait_said("started (pid")
        return process

    def stop(self, number: int = signal.SIGINT, limit: float = 15.0) -> int:
        """Send a signal; answers the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(limit)

    def started(self) -> list[tuple[str, int]]:
        """Version and pid of every process that the program has been."""
        if not self.trace.exists():
            return []
        lines = self.trace.read_text().splitlines()
        return [(line.split()[0], int(line.split()[1])) for line in lines if len(line.split()) == 2]

    def versions(self) -> list[str]:
        return [version for version, _ in self.started()]

    def wait_version(self, version: str, limit: float = 10.0) -> int:
        """Wait until the newest process is of this version; answers its pid."""
        newest = wait_for(
            lambda: self.started()[-1:] if self.versions()[-1:] == [version] else [], limit, self.said()
        )
        return newest[0][1]

    def said(self) -> str:
        """What was written to stderr."""
        return self.err.read_text(errors="replace") if self.err.exists() else ""

    def wait_said(self, text: str, limit: float = 10.0) -> None:
        wait_for(lambda: text in self.said(), limit, f"{text!r} in {self.said()!r}")

    def processes(self) -> list[int]:
        """Every process that carries our mark."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def places(self) -> list[Path]:
        """The private directories that exist now."""
        return list(self.temporary.iterdir())

    def close(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait(5)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def run() -> Iterator[Run]:
    one = Run()
    try:
        yield one
    finally:
        one.close()

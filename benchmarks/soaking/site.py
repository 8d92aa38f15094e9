"""What is soaked: a private supervisord, our listener, and a target of each shape, whose code is saved.

A save is over when the listener's log says that its rollout is complete. The log is rotated by supervisord,
so that ten thousand rollouts don't fill a disk. It never waits without a limit.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tests.integration.supervisord import Supervisord, free_port, short_directory

HERE = Path(__file__).resolve().parent
LIMIT = 30.0
"""Seconds for one rollout, of which most take a tenth of one."""

HEAD = """\
[supervisord]
logfile=%(here)s/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s

[unix_http_server]
file=%(here)s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock

[eventlistener:reload]
command={listener}
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
stdout_logfile=NONE
stderr_logfile=%(here)s/reload.log
stderr_logfile_maxbytes=1MB
stderr_logfile_backups=1

[reload]
state_dir=%(here)s/state
log_format=json
quiet_period=0.01
ready_interval=0.01
drain_interval=0.01
check={true}
"""
COMMON = """
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""
OWN_PORT = f"""
[program:{{name}}]
command={{python}} -I -S %(here)s/server.py %(here)s/{{name}}/code {{port}}{COMMON}"""
SHARED = f"""
[fcgi-program:{{name}}]
socket=tcp://127.0.0.1:{{port}}
command={{python}} -I -S %(here)s/server.py %(here)s/{{name}}/code
process_name=%(program_name)s_%(process_num)d
numprocs=2{COMMON}"""
TARGET = """
[reload:{name}]
watch=%(here)s/{name}
ready=http://127.0.0.1:{port}/
"""
SHAPES: Mapping[str, str] = {
    "plain": OWN_PORT + TARGET,
    "swap": SHARED + TARGET + "replicas=1\nmax_surge=1\ndrain=connections\n",
    "rolling": SHARED + TARGET + "drain=connections\n",
}
"""Between them: a check, probes over HTTP that the wrong process answers at times, both kinds of drain."""


class Site:
    """A supervisord with these shapes; use it in a ``with`` statement."""

    def __init__(self, shapes: tuple[str, ...], *, is_traced: bool = False) -> None:
        self.directory = short_directory().resolve()
        self.state_dir = self.directory / "state"
        self._shapes = shapes
        self._listener = 0
        shutil.copy(HERE / "server.py", self.directory / "server.py")
        for name in shapes:
            (self.directory / name).mkdir()
            self._write(name, "0")
        listener = str(self._traced()) if is_traced else "supervisor-reload"
        text = HEAD.format(listener=f"{listener} listen", true=shutil.which("true") or "true")
        for name in shapes:
            text += SHAPES[name].format(name=name, port=free_port(), python=sys.executable)
        where = {"PYTHONPATH": f"{HERE.parents[1]}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        self.supervisord = Supervisord(self.directory, text, environment=where)
        self._log = Log(self.directory / "reload.log")

    def __enter__(self) -> Site:
        try:
            self.supervisord.start()
            ready: set[str] = set()
            deadline = time.monotonic() + LIMIT
            while ready != set(self._shapes):  # what runs at the start is ready, too, before it is replaced
                line = self._log.next(deadline)
                if line.get("event") == "slot ready":
                    ready.add(str(line["target"]))
            self.supervisord.wait_for(self._is_settled, LIMIT, "the start")
        except TimeoutError as error:
            why = f"{error}\n{self.supervisord.log()}"
            self.__exit__()
            raise RuntimeError(why) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        self.supervisord.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def listener(self) -> int:
        """Our listener's pid. Raises RuntimeError where it is another one than before: one must do it all."""
        pid = self.supervisord.process_pid("reload:reload")
        self._listener = self._listener or pid
        if pid != self._listener:
            raise RuntimeError(f"the listener {self._listener} ended\n{self.supervisord.log()}")
        return pid

    def roll(self, number: int) -> float:
        """Save new code for the next shape; seconds until its rollout was complete.

        Raises RuntimeError where it was halted or refused, TimeoutError where it did not end within LIMIT.
        """
        name = self._shapes[number % len(self._shapes)]
        began = time.monotonic()
        self._write(name, f"{number}")
        while True:
            line = self._log.next(began + LIMIT)
            if line.get("target") != name:
                continue
            if line.get("event") == "rollout complete":
                return time.monotonic() - began
            if line.get("event") in ("rollout halted", "check failed", "rollout aborted"):
                raise RuntimeError(f"rollout {number} of {name}: {line['message']}")

    def _traced(self) -> Path:
        """The listener with a notebook, under the name by which a listener of ours is known."""
        script = self.directory / "supervisor-reload"
        text = "import runpy\n\nrunpy.run_module('benchmarks.soaking.traced', run_name='__main__')\n"
        script.write_text(f"#!{sys.executable}\n{text}")
        script.chmod(0o700)
        return script

    def _write(self, name: str, text: str) -> None:
        new = self.directory / f"{name}.new"
        new.write_text(text)
        new.replace(self.directory / name / "code")

    def _is_settled(self) -> bool:
        """Whether no process is coming or going: the surplus of a swap has left."""
        states = [info["statename"] for info in self.supervisord.rpc.supervisor.getAllProcessInfo()]
        surplus = "swap" in self._shapes
        return set(states) <= {"RUNNING", "STOPPED"} and states.count("STOPPED") == surplus


class Log:
    """Follows a file of JSON lines through its rotations."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._lines: list[bytes] = []

    def next(self, deadline: float, step: float = 0.002) -> dict[str, Any]:
        """The next line; TimeoutError after the deadline, of the monotonic clock."""
        while not self._lines:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._path}: no line that ends the rollout came in time")
            if not self._read():
                time.sleep(step)
        line = self._lines.pop(0)
        try:
            told = json.loads(line)
        except ValueError:
            return {"message": line.decode(errors="replace")}  # of Python itself, such as a traceback
        return told if isinstance(told, dict) else {}

    def _read(self) -> bool:
        """Whether there was anything new."""
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return False
        new = self._file.read()
        if not new and self._was_rotated(self._file):
            new = self._file.read()  # what came between the look and the rotation
            self._file.close()
            self._file = None
        *lines, self._rest = (self._rest + new).split(b"\n")
        self._lines += lines
        return bool(lines) or self._file is None

    def _was_rotated(self, file: BinaryIO) -> bool:
        try:
            return os.fstat(file.fileno()).st_ino != self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

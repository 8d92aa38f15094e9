"""A private supervisord for tests and benchmarks, on a unix socket in a directory of its own.

It exists so that every test talks to the real thing and leaves nothing behind. It never uses a fixed
port or a socket path that could be too long, and never sleeps without a condition and a limit.
"""

from __future__ import annotations

import configparser
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PREAMBLE = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s

[unix_http_server]
file=%(here)s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/s.sock

"""


def short_directory() -> Path:
    """A new directory with a short name: a unix socket's path may have 107 bytes, pytest's are longer."""
    return Path(tempfile.mkdtemp(prefix="sr-"))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], T], limit: float = 10.0, what: str = "", step: float = 0.02) -> T:
    """The first true value of ``condition``, asked every ``step`` seconds; TimeoutError after ``limit``.

    OSError, http and XML-RPC faults of the condition count as "not yet" and are told when the limit is over.
    """
    deadline = time.monotonic() + limit
    newest: object = None
    while time.monotonic() < deadline:
        try:
            newest = value = condition()
            if value:
                return value
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            newest = error
        time.sleep(step)
    raise TimeoutError(f"{what or condition}: not within {limit:g} s; newest answer: {newest!r}")


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket, with a timeout (Supervisor's own transport has none)."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__()
        self._path = path
        self._timeout = timeout

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        del host  # there is one server behind the path
        if self._connection[1] is None:
            self._connection = "localhost", _UnixConnection(self._path, self._timeout)
        connection = self._connection[1]
        assert connection is not None
        return connection


class Supervisord:
    """One supervisord with its programs; use it in a ``with`` statement, from one thread."""

    def __init__(
        self, directory: Path | None, conf_text: str, *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Write ``conf_text`` into ``directory`` (None: a short new one, removed by ``stop``).

        Where the text has no ``[supervisord]`` section, PREAMBLE is put before it. Keep ``directory``
        short: a unix socket's path may have 107 bytes.
        """
        self._owns_directory = directory is None
        self.directory = (short_directory() if directory is None else directory).resolve()
        if "[supervisord]" not in conf_text:
            conf_text = PREAMBLE + conf_text
        self.conf = self.directory / "supervisord.conf"
        self.conf.write_text(conf_text, encoding="utf-8")
        parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
        parser.read_string(conf_text)
        socket_file = parser.get("unix_http_server", "file").replace("%(here)s", str(self.directory))
        self.socket_file = Path(socket_file)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self.environment = {**os.environ, "PATH": path, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._transport = _UnixTransport(str(self.socket_file), timeout=5.0)
        self.rpc: Any = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=self._transport)

    def __enter__(self) -> Supervisord:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """supervisord's pid."""
        assert self._process is not None
        return self._process.pid

    def start(self, limit: float = 10.0) -> None:
        """Start supervisord and wait until it answers."""
        code = "import sys; from supervisor.supervisord import main; sys.exit(main())"
        argv = [sys.executable, "-W", "ignore", "-c", code, "-n", "-c", str(self.conf)]
        with (self.directory / "supervisord.out").open("ab") as out:
            self._process = subprocess.Popen(
                argv,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop it
            )
        self.wait_for(lambda: self.rpc.supervisor.getState()["statename"] == "RUNNING", limit, "supervisord")

    def stop(self, limit: float = 20.0) -> None:
        """Stop supervisord and everything below it; after ``limit`` seconds by force. May be called twice."""
        self._transport.close()
        if self._process is not None:
            below = descendants(self._process.pid)
            self._process.terminate()
            try:
                self._process.wait(limit)
            except subprocess.TimeoutExpired:
                below |= descendants(self._process.pid)
                self._process.kill()
                self._process.wait()
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process = None
        if self._owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """Kill -9 supervisord alone; its programs live on as orphans, and the caller ends them."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait_for(self, condition: Callable[[], T], limit: float = 10.0, what: str = "") -> T:
        """As the function of that name; ends at once when supervisord has died, and tells the logs."""

        def asked() -> T:
            if self._process is not None and self._process.poll() is not None:
                raise AssertionError(f"supervisord ended with {self._process.returncode}\n{self.log()}")
            return condition()

        try:
            return wait_for(asked, limit, what)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def info(self, name: str) -> dict[str, Any]:
        """What supervisord says of one process (``group:process``)."""
        answer: dict[str, Any] = self.rpc.supervisor.getProcessInfo(name)
        return answer

    def state(self, name: str) -> str:
        """The state of one process, as supervisorctl names it."""
        return str(self.info(name)["statename"])

    def process_pid(self, name: str) -> int:
        """The pid of one process; 0 where there is none."""
        return int(self.info(name)["pid"])

    def log(self, size: int = 6000) -> str:
        """The ends of all logs below the directory, each under its file name."""
        files = sorted(f for f in self.directory.rglob("*.log") if f.is_file())
        files = files or list(self.directory.glob("*.out"))  # the same lines, and why it could not begin
        texts = ((f, f.read_text(encoding="utf-8", errors="backslashreplace")) for f in files)
        return "\n".join(f"--- {f.name}\n{text[-size:]}" for f, text in texts if text)

    def stderr(self, name: str) -> str:
        """Everything that one process wrote to stderr (the newest log file)."""
        path = self.info(name)["stderr_logfile"]
        return Path(path).read_text(encoding="utf-8", errors="backslashreplace") if path else ""


def descendants(pid: int) -> set[int]:
    """The pids below a process, as /proc tells them now; empty where there is no /proc."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the command name is in parentheses and may hold anything: the parent's pid follows the last ')'
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: set[int] = set()
    todo = [pid]
    while todo:
        children = [child for child in parents.get(todo.pop(), []) if child not in found]
        found.update(children)
        todo.extend(children)
    return found

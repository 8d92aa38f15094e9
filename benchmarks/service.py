"""The services under measurement: private copies of ``etc/`` under a supervisord of their own.

It exists so that an experiment can save files and count processes without knowing which tool reloads the
code. It never touches the checkout's own ``etc/``, and never uses a fixed port.
"""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.integration.supervisord import Supervisord, descendants, free_port, short_directory

ETC = Path(__file__).resolve().parent.parent / "etc"

ARTICLE_CONF = """\
[supervisord]
logfile=%(here)s/run/article.log
pidfile=%(here)s/run/article.pid

[unix_http_server]
file=%(here)s/run/article.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/run/article.sock

[program:web]
command=uvicorn web:app --port 8000 --no-access-log
directory=%(here)s/app
autorestart=true
environment=PYTHONDONTWRITEBYTECODE="1"
"""
"""The article's service: one process that owns its port. It writes no bytecode, which helps the loop: a new
``__pycache__`` file would be a change that restarts it once more, and stale bytecode would run old code."""


def etc_copy(directory: Path, port: int, conf_text: str) -> str:
    """Copy ``etc/app`` and an empty ``run`` into ``directory``; the configuration's text with our port."""
    shutil.copytree(ETC / "app", directory / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "run").mkdir()
    assert "8000" in conf_text or "127.0.0.1" not in conf_text
    return re.sub(r"\b8000\b", str(port), conf_text)


class Service:
    """A running copy of one configuration; use it in a ``with`` statement."""

    def __init__(self, conf_text: str, app: str = "web.py") -> None:
        self.port = free_port()
        self.directory = short_directory().resolve()
        self.app = self.directory / "app" / app
        try:
            text = etc_copy(self.directory, self.port, conf_text)
            environment = {"TMPDIR": str(self.directory / "run")}
            self.supervisord = Supervisord(self.directory, text, environment=environment)
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    @classmethod
    def of_etc(cls, name: str, app: str = "web.py") -> Service:
        """One of the configurations in ``etc/``, such as ``swap.conf``."""
        return cls((ETC / name).read_text(encoding="utf-8"), app)

    def __enter__(self) -> Service:
        try:
            self.supervisord.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.supervisord.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def save(self, version: str, *, atomic: bool) -> float:
        """Edit the application's version, as an editor does; the moment before it, ``time.monotonic``."""
        before = self.app.read_text(encoding="utf-8")
        after = re.sub(r'^VERSION = "[^"]*"', f'VERSION = "{version}"', before, count=1, flags=re.MULTILINE)
        assert after != before, f"{self.app} has no VERSION line that would change"
        began = time.monotonic()
        if atomic:
            new = self.app.with_name(f".{self.app.name}.new")
            new.write_text(after, encoding="utf-8")
            new.replace(self.app)
        else:
            self.app.write_text(after, encoding="utf-8")
        return began

    def spawned(self, program: str = "web") -> int:
        """How often supervisord has started a process of the program so far."""
        logs = (self.directory / "run").glob("*.log")
        own = next(log for log in logs if "---" not in log.name)  # the others are the programs' own
        log = own.read_text(encoding="utf-8", errors="replace")
        return len(re.findall(rf"INFO spawned: '{program}[_\d]*' with pid", log))

    def processes(self, program: str = "web") -> dict[int, str]:
        """The pids that the program has now, also those that come or go, and supervisord's word for each."""
        infos = self.supervisord.rpc.supervisor.getAllProcessInfo()
        return {i["pid"]: i["statename"] for i in infos if i["group"] == program and i["pid"]}

    def is_settled(self, count: int = 1, program: str = "web") -> bool:
        """Whether so many processes run, and none is coming or going."""
        return list(self.processes(program).values()) == ["RUNNING"] * count


class ShellLoop:
    """The article's loop: ``inotifywait | while read; do supervisorctl restart``. One shell pipeline.

    Where inotifywait is not installed, watchdog's watchmedo feeds the same loop with the same event.
    ``action`` is what supervisorctl does on each event.
    """

    def __init__(self, service: Service, action: str = "restart 'web:*'") -> None:
        app = shlex.quote(str(service.app.parent))
        conf = shlex.quote(str(service.supervisord.conf))
        if shutil.which("inotifywait"):
            self.name = "inotifywait loop"
            events = f"inotifywait -q -m -r -e close_write {app}"
        else:
            self.name = "watchmedo loop"
            show = shlex.quote('echo "${watch_event_type}"')
            events = f"watchmedo shell-command --recursive --command={show} {app}"
            events += " | grep --line-buffered '^closed$'"
        self.pipeline = f"{events} | while read -r _; do supervisorctl -c {conf} {action}; done"
        self._log = (service.directory / "run" / "loop.out").open("wb")
        self._shell = subprocess.Popen(
            ["sh", "-c", self.pipeline],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=service.supervisord.environment,
            start_new_session=True,
        )

    def __enter__(self) -> ShellLoop:
        return self

    def __exit__(self, *exc: object) -> None:
        below = descendants(self._shell.pid)
        try:
            os.killpg(self._shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._shell.wait()
        self._log.close()


def bare_boot(service: Service, times: int = 1, limit: float = 30.0) -> list[float]:
    """Seconds from spawning swap.conf's server on a free port to its first whole answer, each time.

    No tool has a part in it: the part of a reload that only the application can make shorter.
    """
    return [_boot_once(service, limit) for _ in range(times)]


def _boot_once(service: Service, limit: float) -> float:
    argv = [sys.executable, "-m", "supervisor_reload", "uvicorn", "web:app", "--fd", "0", "--no-access-log"]
    quiet = subprocess.DEVNULL
    with socket.socket() as sock:  # as supervisord does: bound here, handed over as fd 0
        sock.bind(("127.0.0.1", 0))
        began = time.monotonic()
        server = subprocess.Popen(
            argv, cwd=service.app.parent, stdin=sock.fileno(), stdout=quiet, stderr=quiet
        )
        try:
            while not answers(sock.getsockname()[1]):
                if server.poll() is not None or time.monotonic() > began + limit:
                    raise RuntimeError(f"{' '.join(argv)}: no answer; it ended with {server.poll()}")
                time.sleep(0.002)
            return time.monotonic() - began
        finally:
            server.kill()
            server.wait()


def answers(port: int) -> bool:
    """Whether the service gives a whole answer with status 200 now."""
    return body(port) is not None


def body(port: int) -> str | None:
    """The text of the service's whole answer with status 200; None where there is none within two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.read().decode(errors="replace").strip() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()

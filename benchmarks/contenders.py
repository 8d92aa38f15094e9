"""Who is compared: supervisor_reload in its strategies, and what people use instead.

Every contender is a service under its own supervisord with the same application, on uvicorn or gunicorn. None
gets a setting that its own documentation does not show.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.supervisord import descendants, free_port, wait_for

from .configurations import APPLICATIONS, OWN_PORT, with_command
from .experiment import BOOT_LIMIT
from .rollouts import Answers, Rollouts
from .service import ARTICLE_CONF, ETC, Service, ShellLoop, answers

SUPERFSMON = """
[program:superfsmon]
command=superfsmon %(here)s/app web
"""
"""https://github.com/timakro/superfsmon: ``command=superfsmon /app/devops celery``"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to reload, with one server."""

    name: str
    server: str
    conf: Callable[[], str]
    """its supervisord.conf; FileNotFoundError where this checkout has none"""
    slots: int = 1
    """processes of the program when nothing is coming or going"""
    is_ours: bool = False
    beside: Callable[[Service], AbstractContextManager[object]] = lambda _: contextlib.nullcontext()
    """what runs outside supervisord"""
    needs: str = "supervisord"
    """an executable beside our interpreter, or on PATH"""

    def service(self) -> Service:
        """The service, not started yet."""
        return Service(self.conf(), APPLICATIONS[self.server])

    def missing(self) -> str:
        """Why it can't be compared here; '' where it can."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        if shutil.which(self.needs, path=path) is None:
            return f"{self.needs} is not installed"
        try:
            self.conf()
        except FileNotFoundError as error:
            return f"there is no {error.filename}"
        return ""

    def wait(self, service: Service) -> None:
        """Until the service answers and its processes run; AssertionError where they don't in time."""
        service.supervisord.wait_for(lambda: answers(service.port), BOOT_LIMIT, "the first answer")
        service.supervisord.wait_for(lambda: service.is_settled(self.slots), BOOT_LIMIT, "RUNNING processes")
        tool = "reload" if self.is_ours else "superfsmon" if self.needs == "superfsmon" else ""
        if tool:
            is_running = functools.partial(self._is_running, service, tool)
            service.supervisord.wait_for(is_running, BOOT_LIMIT, tool)

    @staticmethod
    def _is_running(service: Service, tool: str) -> bool:
        return service.supervisord.state(tool) == "RUNNING"

    def watch(self, service: Service) -> Rollouts | Answers:
        """What tells when a reload is over."""
        return Rollouts(service, self.slots) if self.is_ours else Answers(service)


def _etc(name: str) -> Callable[[], str]:
    return lambda: (ETC / name).read_text(encoding="utf-8")


def _hup(service: Service) -> ShellLoop:
    return ShellLoop(service, "signal HUP 'web:*'")


def _own(server: str, more: str = "") -> Callable[[], str]:
    return lambda: with_command(ARTICLE_CONF, OWN_PORT[server] + more)


CONTENDERS = (
    Contender(name="supervisor_reload: swap", server="uvicorn", conf=_etc("swap.conf"), is_ours=True),
    Contender(
        name="supervisor_reload: rolling, 4 processes",
        server="gunicorn",
        conf=_etc("rolling.conf"),
        slots=4,
        is_ours=True,
    ),
    Contender(
        name="supervisor_reload: one process, pinned socket",
        server="uvicorn",
        conf=_etc("pinned.conf"),
        is_ours=True,
    ),
    Contender(
        name="supervisor_reload: strategy=signal",
        server="gunicorn",
        conf=lambda: with_command(_etc("gunicorn.conf")(), OWN_PORT["gunicorn"]),
        is_ours=True,
    ),
    Contender(
        name="supervisor_reload: plain program on its own port",
        server="uvicorn",
        conf=_etc("minimal.conf"),
        is_ours=True,
    ),
    Contender(name="the article's shell loop", server="uvicorn", conf=_own("uvicorn"), beside=ShellLoop),
    Contender(
        name="superfsmon",
        server="uvicorn",
        conf=lambda: ARTICLE_CONF + SUPERFSMON,
        needs="superfsmon",
    ),
    Contender(name="uvicorn --reload", server="uvicorn", conf=_own("uvicorn", " --reload")),
    Contender(name="gunicorn, HUP on each save", server="gunicorn", conf=_own("gunicorn"), beside=_hup),
    Contender(name="gunicorn --reload", server="gunicorn", conf=_own("gunicorn", " --reload")),
)


def bare_boot(server: str, service: Service, limit: float = BOOT_LIMIT) -> float:
    """Seconds from spawning the server on its own port to its first whole answer, without any tool."""
    port = free_port()
    argv = re.sub(r"\b8000\b", str(port), OWN_PORT[server]).split()
    argv[0] = str(Path(sys.executable).with_name(argv[0]))
    began = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=service.app.parent,
        env={**service.supervisord.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: process.poll() is not None or _answers(port), limit, " ".join(argv), step=0.002)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}")
        return time.monotonic() - began
    finally:
        below = descendants(process.pid)
        for pid in (process.pid, *below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()


def _answers(port: int) -> bool:
    """Whether it answers; asked every 2 ms, so the connect is tried first."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return answers(port)

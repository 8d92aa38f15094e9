"""A private supervisord with our listener, the tiny server and its code in a directory: a scene to act in."""

from __future__ import annotations

import http.client
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.supervisord import Supervisord, free_port, short_directory

LISTENER = """
[eventlistener:reload]
command=supervisor-reload listen
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
stdout_logfile=NONE
stderr_logfile=%(here)s/reload.log
"""

PLAIN = """
[program:web]
command=python %(here)s/app.py {port}
directory=%(here)s/src
environment=PYTHONPATH="%(here)s/src"
startsecs=0
autorestart=true
"""

SWAP = """
[fcgi-program:web]
socket=tcp://127.0.0.1:{port}
command=python %(here)s/app.py
directory=%(here)s/src
environment=PYTHONPATH="%(here)s/src"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=1
autorestart=true
"""

ONE = """
[reload:web]
watch=%(here)s/src
ready=http://127.0.0.1:{port}/
"""

TWO = (
    ONE
    + """replicas=1
max_surge=1
"""
)

LIMIT = 20.0


class Scene:
    """What a test does to it and sees of it."""

    def __init__(self, directory: Path, supervisord: Supervisord, port: int) -> None:
        self.directory = directory
        self.supervisord = supervisord
        self.port = port
        self.src = directory / "src"
        self.code = self.src / "code_under_test.py"

    def save(self, text: str, extra: str = "") -> None:
        """Save the code: it answers ``text`` once it runs."""
        self.code.write_text(f"TEXT = {text!r}\n{extra}")

    def ask(self) -> tuple[str, int]:
        """One answer: its text and the pid of the process that gave it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            text, pid = connection.getresponse().read().decode().rsplit(" ", 1)
            return text, int(pid)
        finally:
            connection.close()

    def wait_for_text(self, text: str, limit: float = LIMIT) -> int:
        """Until ten answers in a row have this text; the pid that gave the last."""

        def answers() -> int:
            given = [self.ask() for _ in range(10)]
            return given[-1][1] if {text for text, _ in given} == {text} else 0

        return self.supervisord.wait_for(answers, limit, f"ten answers {text!r}")

    def log(self) -> str:
        """What the listener logged."""
        path = self.directory / "reload.log"
        return path.read_text(errors="backslashreplace") if path.exists() else ""

    def count(self, pattern: str) -> int:
        """How many lines of the log match."""
        return sum(re.search(pattern, line) is not None for line in self.log().splitlines())

    def wait_for_log(self, pattern: str, times: int = 1, limit: float = LIMIT) -> None:
        """Until so many lines of the log match."""
        self.supervisord.wait_for(lambda: self.count(pattern) >= times, limit, f"{times} x {pattern!r}")

    def stays_quiet(self, seconds: float = 1.0) -> str:
        """What the listener logs within so many seconds: the proof that nothing follows needs some time."""
        before = len(self.log())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.ask()
        return self.log()[before:]


@contextmanager
def scene(
    program: str = SWAP,
    target: str = TWO,
    *,
    more: str = "",
    head: str = "",
    prepare: Callable[[Scene], object] = lambda acted: None,
) -> Iterator[Scene]:
    """The scene, settled and serving ``one``; ``prepare`` runs before supervisord is started."""
    directory, port = short_directory(), free_port()
    shutil.copy(Path(__file__).with_name("app.py"), directory / "app.py")
    (directory / "src").mkdir()
    text = head + LISTENER + (program + target).format(port=port) + more
    supervisord = Supervisord(directory, text)
    acted = Scene(directory, supervisord, port)
    acted.save("one")
    prepare(acted)
    try:
        with supervisord:
            acted.wait_for_text("one")
            acted.wait_for_log("watches web")
            acted.wait_for_log("ready after")
            if "max_surge" in target:
                acted.wait_for_log("left after")
            yield acted
    finally:
        shutil.rmtree(directory, ignore_errors=True)

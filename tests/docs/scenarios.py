"""Runs the documents' commands for real: one scenario for each heading that has some.

A scenario changes nothing but ports and places; its output must have the shape of what the document shows.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.service import ETC
from tests.integration.supervisord import Supervisord, free_port, short_directory, wait_for

from .blocks import ROOT, Block, Step, all_blocks, steps
from .shape import shape

LIMIT = 30.0


def blocks_under(document: str, heading: str, language: str) -> list[Block]:
    """The blocks of one kind under a heading."""
    found = [b for b in all_blocks(language) if (b.document, b.heading) == (document, heading)]
    assert found, f"{document}, {heading}: no {language} block"
    return found


def commands_under(document: str, heading: str) -> list[Step]:
    """The commands under a heading, in order."""
    return [step for block in blocks_under(document, heading, "console") for step in steps(block)]


def environment() -> dict[str, str]:
    """Ours, with this Python's own programs first, and nothing of a make that runs us."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {**inherited, "PATH": path}


def output_of(command: str, directory: Path) -> str:
    """What a command prints; it must end well."""
    done = subprocess.run(
        shlex.split(command),
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def answer(port: int) -> str:
    """What the service answers on ``/`` now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode().strip()
    finally:
        connection.close()


def save(app: Path, version: str) -> None:
    """Edit the version, as an editor does."""
    text = re.sub(
        r'^VERSION = ".*?"', f'VERSION = "{version}"', app.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    new = app.with_name(f".{app.name}.tmp")
    new.write_text(text, encoding="utf-8")
    new.replace(app)


@contextlib.contextmanager
def copy_of_etc(port: int) -> Iterator[Path]:
    """A place with ``etc`` in it, on another port."""
    place = short_directory().resolve()
    try:
        shutil.copytree(
            ETC, place / "etc", ignore=shutil.ignore_patterns("__pycache__", "*.log", "*.sock", "queue")
        )
        for conf in (place / "etc").glob("*.conf"):
            conf.write_text(
                re.sub(r"\b8000\b", str(port), conf.read_text(encoding="utf-8")), encoding="utf-8"
            )
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def make_knows(commands: list[Step]) -> None:
    """Every target exists; what pytest is asked for collects tests."""
    for step in commands:
        words = shlex.split(step.command)
        assert words[0] == "make"
        output_of(shlex.join([*words, "-n"]), ROOT)
        arguments = next((word.partition("=")[2] for word in words if word.startswith("ARGS=")), None)
        if arguments:
            output_of(
                f"{shlex.quote(sys.executable)} -m pytest --collect-only -q -p no:cacheprovider {arguments}",
                ROOT,
            )


def install(commands: list[Step]) -> None:
    """pip finds a project here, and it has the console script."""
    assert [step.command for step in commands] == ["python3 -m pip install ."]
    assert 'supervisor-reload = "supervisor_reload.cli:main"' in (ROOT / "pyproject.toml").read_text(
        encoding="utf-8"
    )


class Running:
    """``supervisor-reload run`` in a copy of etc/app."""

    def __init__(self, command: str, directory: Path, port: int) -> None:
        self.app = directory / "web.py"
        self.output = directory.parent / "run.out"
        words = shlex.split(re.sub(r"\b8000\b", str(port), command))
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                words,
                cwd=directory,
                env=environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def told(self) -> str:
        """Its own lines, without the command's."""
        lines = self.output.read_text(encoding="utf-8", errors="replace").splitlines()
        own = [line for line in lines if line.startswith(("[reload] ", "    | "))]
        return "\n".join(own) + "\n"

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until it has said so."""
        wait_for(lambda: self.told().count(text) >= times or self.process.poll() is not None, LIMIT, text)
        assert self.told().count(text) >= times, self.told()

    def interrupt(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(LIMIT)


@contextlib.contextmanager
def running(command: str, port: int) -> Iterator[Running]:
    """It runs and serves version 1; whatever happens, nothing is left."""
    with copy_of_etc(port) as place:
        run = Running(command, place / "etc" / "app", port)
        try:
            wait_for(lambda: answer(port) == "version 1", LIMIT, "version 1")
            run.wait_for("[reload] started (pid ")
            yield run
        finally:
            run.process.kill()
            run.process.wait()


def run_without_configuration(commands: list[Step]) -> None:
    """What README shows is what a save, a save that does not compile and Ctrl-C bring."""
    restarting, swapping = (step.command for step in commands)
    (block,) = blocks_under("README.md", "Without any configuration: `run`", "run")
    port = free_port()
    with running(restarting, port) as run:
        good = run.app.read_text(encoding="utf-8")
        lines = good.count("\n")
        save(run.app, "2")
        wait_for(lambda: answer(port) == "version 2", LIMIT, "version 2")
        run.wait_for("started in ")
        run.app.write_text(run.app.read_text(encoding="utf-8") + "def (\n", encoding="utf-8")
        run.wait_for("| SyntaxError: invalid syntax")
        assert answer(port) == "version 2"
        assert run.interrupt() == 0
        told = run.told().replace(str(run.app.parent), "/home/me/app").replace(f"line {lines + 1}", "line 53")
        assert shape(told, port=port) == shape(block.text)
    port = free_port()
    with running(swapping, port) as run:
        save(run.app, "2")
        wait_for(lambda: answer(port) == "version 2", LIMIT, "version 2")
        run.wait_for("started in ")
        assert run.interrupt() == 0
        assert "starting the new code beside the old" in run.told()


FIRST = """\
[program:web]
command=python -m http.server 8000 --bind 127.0.0.1
directory=%(here)s/app
"""


def with_your_configuration(commands: list[Step]) -> None:
    """README's first sections join a supervisord that runs already; ``check`` says what is shown."""
    *first, shown = commands
    port = free_port()
    with copy_of_etc(port) as place:
        assert shape(output_of(shown.command, place), place, port) == shape(shown.output)
        page = place / "app" / "page.py"
        page.parent.mkdir()
        page.write_text("x = 1\n", encoding="utf-8")
        with Supervisord(place, FIRST.replace("8000", str(port))) as supervisord:
            supervisord.wait_for(lambda: supervisord.state("web:web") == "RUNNING", LIMIT, "web")
            join(supervisord, first, page)


def join(supervisord: Supervisord, commands: list[Step], page: Path) -> None:
    """Add the listener and the target; web is not touched by that, and replaced by a save."""

    def listener_said(text: str) -> bool:
        return text in supervisord.stderr("reload")

    readme = next(block for block in all_blocks("ini") if block.document == "README.md")
    listener, _, rest = readme.text.partition("[program:web]")
    pid = supervisord.process_pid("web:web")
    with supervisord.conf.open("a", encoding="utf-8") as conf:
        conf.write(listener + rest[rest.index("[reload:web]") :])
    for step in commands:
        output_of(step.command, supervisord.directory)
    supervisord.wait_for(lambda: listener_said("web ready after"), LIMIT, "its first look")
    assert supervisord.process_pid("web:web") == pid
    page.write_text("x = 2\n", encoding="utf-8")
    supervisord.wait_for(lambda: listener_said("complete: "), LIMIT, "a rollout")
    assert supervisord.process_pid("web:web") != pid


def exchanged(text: str) -> str:
    """The same with the other slot: which of the two serves after the start is chance."""
    return re.sub(r"web_0([01])", lambda name: f"web_0{1 - int(name[1])}", text)


SCENARIOS: dict[tuple[str, str], Callable[[list[Step]], None]] = {
    ("README.md", "supervisor_reload"): make_knows,
    ("README.md", "Install"): install,
    ("README.md", "Without any configuration: `run`"): run_without_configuration,
    ("README.md", "With your supervisord.conf"): with_your_configuration,
    ("CONTRIBUTING.md", "Begin"): make_knows,
}
"""One for each heading that has commands below it."""

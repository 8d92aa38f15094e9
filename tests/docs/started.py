"""Does what docs/getting-started.md says, from its own blocks: in a container's manner, and in production.

Nothing but ports and places is changed. Docker is not needed: what it would run is run, in a pid namespace of
its own where that may be made, so that supervisord is the first process there, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.service import ETC
from tests.integration.supervisord import (
    Supervisord,
    descendants,
    free_port,
    short_directory,
    wait_for,
)

from .blocks import ROOT, Step, blocks
from .scenarios import LIMIT, answer, blocks_under, commands_under, environment, output_of, save

PAGE = "docs/getting-started.md"
OWN_PIDS = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def block(heading: str, language: str) -> str:
    """The text of the only block of a kind under a heading."""
    (found,) = blocks_under(PAGE, heading, language)
    return found.text


def on_your_machine(commands: list[Step]) -> None:
    """Both commands are README's, whose scenario runs them."""
    assert commands == commands_under("README.md", "Without any configuration: `run`")


@contextlib.contextmanager
def place_like_srv() -> Iterator[Path]:
    """An empty directory in place of /srv."""
    place = short_directory().resolve()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def here(text: str, place: Path, port: int) -> str:
    """A block with the test's places and port; who is not root can't be told to be."""
    text = text.replace("/srv", str(place)).replace("/run/", f"{place}/").replace("0.0.0.0", "127.0.0.1")
    if os.geteuid() != 0:
        text = text.replace("user=root", "")
    return re.sub(r"\b8000\b", str(port), text)


class Container:
    """What the Dockerfile's CMD starts, with its output on a pipe, as docker has it."""

    def __init__(self, command: list[str], place: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            done = subprocess.run([*OWN_PIDS, "true"], capture_output=True, timeout=10, check=False)
            if done.returncode == 0:
                command = [*OWN_PIDS, *command]
        self.is_first = command[0] == OWN_PIDS[0]
        self.process = subprocess.Popen(
            command, cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._said = b""

    def said(self) -> str:
        """What ``docker logs`` would show."""
        assert self.process.stdout is not None
        self._said += self.process.stdout.read() or b""
        return self._said.decode(errors="replace")

    def stop(self) -> int:
        """``docker stop``: TERM to the first process; its exit status."""
        children = descendants(self.process.pid)
        first = min(children) if self.is_first else self.process.pid
        os.kill(first, signal.SIGTERM)
        wait_for(lambda: self.process.poll() is not None, LIMIT, "the end of the container")
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        return self.process.returncode

    def kill(self) -> None:
        """Whatever happened, nothing is left."""
        for pid in {*descendants(self.process.pid), self.process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def command_of_dockerfile() -> list[str]:
    """Its CMD, in the form that puts no shell between."""
    (line,) = re.findall(r"(?m)^CMD (.*)$", block("In a container", "dockerfile"))
    words = json.loads(line)
    assert isinstance(words, list)
    return words


def in_a_container() -> None:
    """A save is rolled out and told on stdout; TERM ends everything well."""
    port = free_port()
    with place_like_srv() as place:
        shutil.copytree(ETC / "app", place / "app", ignore=shutil.ignore_patterns("__pycache__"))
        text = here(block("In a container", "ini"), place, port)
        (place / "supervisord.conf").write_text(text, encoding="utf-8")
        words = [here(word, place, port) for word in command_of_dockerfile()]
        words[:1] = [str(Path(sys.executable).with_name(words[0]))]
        container = Container(words, place)
        try:
            wait_for(lambda: answer(port) == "version 1", LIMIT, "version 1")
            wait_for(lambda: " left after " in container.said(), LIMIT, "one replica")
            save(place / "app" / "web.py", "2")
            wait_for(lambda: "web: rollout 1: complete: " in container.said(), LIMIT, "a rollout")
            assert answer(port) == "version 2"
            assert "Started server process" in container.said(), "the program's own words are there, too"
            assert container.stop() == 0, container.said()
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{container.said()}") from None
        finally:
            container.kill()


def furnish(place: Path) -> None:
    """Three releases, the last of which does not compile; the first is in force. This Python's programs."""
    for name in ("1", "2", "3"):
        shutil.copytree(
            ETC / "app", place / "releases" / name, ignore=shutil.ignore_patterns("__pycache__", "queue")
        )
        save(place / "releases" / name / "web.py", name)
    with (place / "releases" / "3" / "web.py").open("a", encoding="utf-8") as file:
        file.write("def (\n")
    (place / "current").symlink_to("releases/1")
    (place / "venv").mkdir()
    (place / "venv" / "bin").symlink_to(Path(sys.executable).parent)


def in_production(commands: list[Step]) -> None:
    """Each command does its work on the page's supervisord, whose program is not touched until a save."""
    port = free_port()
    with place_like_srv() as place:
        furnish(place)
        with Supervisord(place, here(block("In production", "cfg"), place, port)) as supervisord:
            supervisord.wait_for(lambda: answer(port) == "version 1", LIMIT, "version 1")
            pid = supervisord.process_pid("web")
            told = [output_of(here(step.command, place, port), place) for step in commands[:4]]
            assert "[reload:web]" in told[0]
            assert "[reload:web]" in supervisord.conf.read_text(encoding="utf-8")
            supervisord.wait_for(lambda: "web ready after" in supervisord.stderr("reload"), LIMIT, "a look")
            for step in commands[4:]:
                output_of(here(step.command, place, port), place)
            assert supervisord.process_pid("web") == pid
            save(place / "releases" / "1" / "web.py", "1b")
            supervisord.wait_for(lambda: answer(port) == "version 1b", LIMIT, "the new code")


def deployed() -> None:
    """The script ends well with good code; with bad code badly, and the old one is in force and serves."""
    port = free_port()
    with place_like_srv() as place:
        furnish(place)
        script = place / "deploy.sh"
        script.write_text(here(block("Deploy", "sh"), place, port), encoding="utf-8")
        with Supervisord(place, configuration(place, port)) as supervisord:
            supervisord.wait_for(lambda: " left after " in supervisord.stderr("reload"), LIMIT, "a replica")
            good = deploy(script, "2")
            assert (good.returncode, answer(port)) == (0, "version 2"), good.stdout + supervisord.log()
            bad = deploy(script, "3")
            assert bad.returncode == 1, bad.stdout
            assert "SyntaxError" in bad.stdout, bad.stdout
            assert (answer(port), os.readlink(place / "current")) == ("version 2", "releases/2")


def configuration(place: Path, port: int) -> str:
    """What stands in /srv/supervisord.conf in the end: the first, our listener, the swap for the program."""
    first = block("In production", "cfg").partition("[program:web]")[0]
    readme = next(each.text for each in blocks(ROOT / "README.md") if each.language == "ini")
    listener = readme.partition("[program:web]")[0]
    return here(first + listener + block("Lose nothing", "ini"), place, port)


def deploy(script: Path, release: str) -> subprocess.CompletedProcess[str]:
    """Run it as its user does."""
    return subprocess.run(
        ["sh", str(script), release],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


STARTED: dict[tuple[str, str], Callable[[list[Step]], None]] = {
    (PAGE, "On your machine: no configuration"): on_your_machine,
    (PAGE, "In production"): in_production,
}
"""One for each heading of the page that has commands below it."""

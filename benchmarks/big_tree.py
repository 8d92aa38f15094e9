"""What a big tree costs: until it is watched, in memory, when idle, and from a save to the new process.

supervisor_reload (a real supervisord and its listener), watchfiles and watchmedo, one after the other on one
tree that is made for it and removed again, each with the same program. It prints; whether the numbers are
good is the reader's to say.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from benchmarks.big_tree_table import Row, table
from tests.integration.scene import LISTENER
from tests.integration.supervisord import Supervisord, descendants, short_directory, wait_for

CONF = (
    LISTENER
    + """
[program:web]
command=sh %(here)s/program.sh
startsecs=0
[reload:web]
watch=%(here)s/tree
"""
)
PROGRAM = """date +%s.%N >> "$(dirname "$0")/started"\nexec sleep 3600\n"""

WORDS = ("models", "views", "urls", "forms", "admin", "tasks", "apps", "signals", "conf", "errors", "schema")
NAMES = ("__init__.py", "page.html", *(f"{word}.py" for word in WORDS), "test_models.py", "test_views.py")

SAVE_EVERY = 0.2
"""seconds between two saves until the first reaction; to all of them a shorter silence ends a burst"""

QUIET = 3.0
"""seconds without a new process after which everything that was saved counts as worked off"""

REST = 0.5
"""the same between two saves that are measured"""

START_LIMIT = 40.0
REACTION_LIMIT = 15.0


def grow(top: Path, directories: int, files: int) -> None:
    """Make so many directories, in groups of 50, with the files spread over them."""
    each, rest = divmod(files, directories)
    for number in range(directories):
        directory = top / f"area_{number // 1000}" / f"app_{number // 50 % 20}" / f"part_{number % 50}"
        directory.mkdir(parents=True)
        for index in range(each + (number < rest)):
            name = NAMES[(number + index) % len(NAMES)] if index < len(NAMES) else f"m{index}.py"
            (directory / name).write_text(f"# {number}\n" + "X = 1\n" * (number % 40))


class Scene:
    """A directory with a tree, and a program that writes down when it starts."""

    def __init__(self, directory: Path, arguments: argparse.Namespace) -> None:
        self.directory = directory
        self.tree = directory / "tree"
        self.program = directory / "program.sh"
        self.program.write_text(PROGRAM)
        grow(self.tree, arguments.directories, arguments.files)
        if arguments.node_modules:
            grow(self.tree / "node_modules", arguments.node_modules, arguments.node_modules * 3)
        self._sources = sorted(self.tree.glob("area_*/*/*/*.py"))
        self._saved = 0

    def starts(self) -> list[float]:
        """When the program started, as time.time(), since the tool began."""
        with contextlib.suppress(FileNotFoundError):
            return [float(line) for line in (self.directory / "started").read_text().split()]
        return []

    def forget_starts(self) -> None:
        """Another tool begins."""
        (self.directory / "started").unlink(missing_ok=True)

    def save(self) -> float:
        """Save a file, each time another one and another content; when that was."""
        self._saved += 1
        path = self._sources[self._saved * 7919 % len(self._sources)]
        before = time.time()
        path.write_text(f"SAVED = {self._saved}\n")
        return before

    def settle(self, quiet: float) -> None:
        """Wait until no process has started for so many seconds, or give up."""
        seen, since = 0, time.monotonic()

        def is_quiet() -> bool:
            nonlocal seen, since
            count = len(self.starts())
            if count != seen:
                seen, since = count, time.monotonic()
            return time.monotonic() - since > quiet

        with contextlib.suppress(TimeoutError):
            wait_for(is_quiet, START_LIMIT, "quiet")


@contextlib.contextmanager
def ours(scene: Scene) -> Iterator[Callable[[], set[int]]]:
    """supervisor_reload; its processes are the listener alone, as supervisord is there anyway."""
    with Supervisord(scene.directory, CONF) as supervisord:
        yield lambda: {supervisord.process_pid("reload:reload")}


@contextlib.contextmanager
def other(scene: Scene, argv: list[str]) -> Iterator[Callable[[], set[int]]]:
    """A tool of a command line; its processes are all but the program."""
    with (scene.directory / "other.out").open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, start_new_session=True)
    try:
        yield lambda: {pid for pid in {process.pid} | descendants(process.pid) if not is_program(pid)}
    finally:
        below = {process.pid} | descendants(process.pid)
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


COMMANDS: dict[str, Callable[[Scene], list[str]]] = {
    "watchfiles": lambda scene: [beside("watchfiles"), f"sh {scene.program}", str(scene.tree)],
    "watchmedo": lambda scene: [
        *(beside("watchmedo"), "auto-restart", "--recursive", "--directory", str(scene.tree)),
        *("--", "sh", str(scene.program)),
    ],
}
"""with their defaults"""


def beside(name: str) -> str:
    """The script of this environment."""
    return str(Path(sys.executable).parent / name)


def is_program(pid: int) -> bool:
    """Whether this is the program that is restarted, or its shell."""
    with contextlib.suppress(OSError):
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return argv[0] in (b"sleep", b"sh", b"date")
    return True


def cpu_seconds(pids: set[int]) -> float:
    """The CPU time that the processes have used, from the scheduler's own count in nanoseconds."""
    used = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # it ended
                used += int(task.read_text().split()[0])
    return used / 1e9


def pss_megabytes(pids: set[int]) -> float:
    """Memory of the processes, with each shared page counted in its share."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            found += sum(int(size) for size in re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE))
    return found / 1024


def first_reaction(scene: Scene, row: Row, began: float) -> None:
    """Save again and again until the tool reacts for the first time."""
    wait_for(scene.starts, START_LIMIT, "the first process")
    first = len(scene.starts())
    saved = 0.0

    def has_reacted() -> bool:
        nonlocal saved
        if len(scene.starts()) > first:
            return True
        if time.monotonic() - saved >= SAVE_EVERY:
            saved = time.monotonic()
            scene.save()
        return False

    try:
        wait_for(has_reacted, START_LIMIT, "a reaction")
    except TimeoutError:
        row.remark = f"no reaction within {START_LIMIT:g} s"
        return
    row.armed = scene.starts()[first] - began


def measure_save(scene: Scene, row: Row) -> None:
    """The time from one save to the process that starts after it."""
    saved = scene.save()
    try:
        started = wait_for(
            lambda: [at for at in scene.starts() if at > saved], REACTION_LIMIT, "a new process", step=0.005
        )
    except TimeoutError:
        row.missed += 1
    else:
        row.delays.append(started[0] - saved)


def measure(scene: Scene, name: str, arguments: argparse.Namespace) -> Row:
    """One tool, from its start to its end."""
    row = Row(name)
    scene.forget_starts()
    argv = COMMANDS.get(name)
    try:
        began = time.time()
        with other(scene, argv(scene)) if argv else ours(scene) as processes:
            first_reaction(scene, row, began)
            scene.settle(QUIET)
            pids = processes()
            used, since = cpu_seconds(pids), time.monotonic()
            time.sleep(arguments.idle)  # the measurement is of nothing happening for so long
            row.cpu = 100 * (cpu_seconds(pids) - used) / (time.monotonic() - since)
            row.megabytes = pss_megabytes(pids)
            for _ in range(arguments.saves if row.armed is not None else 0):
                scene.settle(REST)  # their own rest after a change is not what is measured
                measure_save(scene, row)
    except (OSError, TimeoutError) as error:  # not installed, or it ended by itself
        row.remark = f"could not be measured: {error}"
        return row
    if not argv:
        told = re.findall(r"armed in (\d+) ms", (scene.directory / "reload.log").read_text())
        row.remark = f"says itself: armed in {told[0]} ms" if told else "never said that it is armed"
    return row


def surroundings(arguments: argparse.Namespace) -> str:
    """On what it was measured."""
    versions = []
    for name in ("supervisor", "watchdog", "watchfiles"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    return (
        f"{arguments.files:,} files in {arguments.directories:,} directories, beside them"
        f" {arguments.node_modules:,} directories in node_modules; idle for {arguments.idle:g} s;"
        f" a save every {SAVE_EVERY:g} s until the first reaction\n"
        f"Python {platform.python_version()}, {', '.join(versions)}; {platform.system()}"
        f" {platform.release()}, {os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} at the end"
    )


def main(argv: list[str] | None = None) -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.big_tree", description=__doc__)
    parser.add_argument("--directories", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--node-modules", type=int, default=2_000, help="ignored directories beside them")
    parser.add_argument("--saves", type=int, default=10)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds")
    arguments = parser.parse_args(argv)
    directory = short_directory()
    try:
        scene = Scene(directory, arguments)
        rows = [measure(scene, name, arguments) for name in ("supervisor_reload", "watchfiles", "watchmedo")]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(table(rows))
    print(surroundings(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())

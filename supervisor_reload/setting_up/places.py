"""Where the code of a program is, told from its command and directory. It looks whether that exists, no
more."""

# Path raises where we may not look; os.path answers no.
# ruff: noqa: PTH112, PTH113

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..config.interpreter import located
from ..config.programs import ProgramProcess
from ..recognising import Command, Kind

TOO_WIDE = frozenset(
    (
        *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root", "/run"),
        *("/sbin", "/srv", "/sys", "/usr", "/usr/bin", "/usr/local", "/usr/local/bin", "/usr/lib", "/var"),
        *("/var/lib", "/var/log", "/var/run", "/var/www", tempfile.gettempdir()),
    )
)
"""Directories that hold more than anybody's code; so does somebody's home."""

DIRECTORY_OPTIONS = ("--chdir", "--app-dir", "--pythonpath", "--working-directory", "--workdir", "--path")

UNWRITABLE = re.compile(r"[,\n\r]|\s[;#]")
"""What a value of ``watch`` can't hold"""


class NoPlaceError(ValueError):
    """It can't be told where the code is; the text says why, and what to do."""


def place_of(process: ProgramProcess, command: Command, kind: Kind, others: Sequence[str] = ()) -> str:
    """The absolute path of the directory or file that is a program's code.

    ``others`` are places of programs in the same language, for one that names none. Raises NoPlaceError.
    """
    if kind.is_watched_alone:
        return _file(process, command)
    found = [place for place in _candidates(process, command) if os.path.isdir(place)]
    if not found and len(set(others)) == 1:
        found = [others[0]]
    if not found:
        _refuse_absent(process, command)
        raise NoPlaceError(
            "nothing says where its code is: set directory= in its section, and run init again"
        )
    place = os.path.normpath(found[0])
    if place in TOO_WIDE or place == os.environ.get("HOME"):
        raise NoPlaceError(
            f"it runs in {place}, which holds much more than its code: write its [reload:...] by hand"
        )
    return _writable(place)


def _refuse_absent(process: ProgramProcess, command: Command) -> None:
    """Where the file itself is missing, ``directory=`` is not what is wrong."""
    for word in (command.interpreter, command.path):
        file = Path(_within(process.directory, command.directory), word)
        if word and file.is_absolute() and not os.path.exists(file):  # noqa: PTH110
            raise NoPlaceError(f"its file {file} does not exist: put command= right, and run init again")


def _file(process: ProgramProcess, command: Command) -> str:
    directory = _within(process.directory, command.directory)
    if command.language:
        path = str(Path(directory or "/", command.path))
        found = (
            path if command.path and os.path.isfile(path) and (directory or command.path[0] == "/") else None
        )
    else:
        found = located(command.path, directory, process.path)
    if found is None:
        raise NoPlaceError(
            f"its file {command.path or command.program!r} is not found: write its [reload:...] by hand"
        )
    return _writable(os.path.normpath(found))


def _candidates(process: ProgramProcess, command: Command) -> Iterator[str]:
    """Absolute directories, the one that says most first."""
    directory = _within(process.directory, command.directory)
    named = command.option(*DIRECTORY_OPTIONS)
    if named and (directory or named.startswith("/")):
        yield str(Path(directory, named))
    if directory.startswith("/"):
        yield directory
    if command.path.startswith("/") and command.language:
        above = Path(command.path).parent
        yield str(above.parent if above.name == "bin" else above)


def _within(directory: str, further: str) -> str:
    return str(Path(directory, further)) if further else directory


def _writable(place: str) -> str:
    if UNWRITABLE.search(place):
        raise NoPlaceError(f"its path {place!r} can't stand in a list: write its [reload:...] by hand")
    return place


def written(place: str, here: str) -> str:
    """A path as a value: from ``%(here)s`` where it is below the configuration, and with %% for %."""
    relative = os.path.relpath(place, here)
    if here != "/" and not relative.startswith(".."):
        return "%(here)s" if relative == "." else "%(here)s/" + relative.replace("%", "%%")
    return place.replace("%", "%%")

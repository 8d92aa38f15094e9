"""Finds the Python that runs a program, from its command, for ``check=python``. It runs nothing."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

PYTHON = re.compile(r"(python|pypy)[0-9.]*[a-z]?")
SHELLS = ("sh", "bash", "dash", "ash", "zsh", "ksh")
LONGEST_FIRST_LINES = 4096
"""bytes; the kernel itself reads 256 of a #! line"""
LONGEST_SCRIPT = 64 * 1024
"""bytes of a shell's script that are looked at: its exec is mostly at the end"""


class NoInterpreterError(ValueError):
    """The program's Python can't be told; the text says why and what to do."""


def interpreter_of(command: str, directory: str, path: Sequence[str]) -> str:
    """The absolute path of the Python that runs ``command``.

    ``directory`` is where relative paths begin, ``path`` the program's own PATH. Raises NoInterpreterError.
    """
    try:
        argv = unwrapped(shlex.split(command))
    except ValueError as why:
        raise NoInterpreterError(f"can't read the program's command: {why}") from None
    if not argv:
        raise NoInterpreterError(
            "the program has no command of its own; use a check command instead of python"
        )
    file = located(argv[0], directory, path)
    if file is None:
        raise NoInterpreterError(_not_found(argv[0], path))
    if is_python(file):
        return file
    named = _shebang(file)
    if named and is_python(named[0]):
        found = located(named[0], directory, path)
        if found is None:
            raise NoInterpreterError(f"{file} wants {named[0]!r}, which does not exist")
        return found
    message = f"the program runs {file}, which is not a Python script; use a check command instead of python"
    raise NoInterpreterError(message)


def _not_found(word: str, path: Sequence[str]) -> str:
    """Why a program's own command is none, and what to do; another check would not make it start."""
    if "/" in word:
        return f"the program's command {word!r} does not exist, or can't be executed: put its path right"
    where = os.pathsep.join(path)
    return f"can't find the program's command {word!r}: name it by its full path; its PATH is {where!r}"


def unwrapped(argv: Sequence[str]) -> list[str]:
    """The command behind ``env``, ``exec``, a shell's ``-c``, and our own ``supervisor-reload exec --``."""
    words = list(argv)
    for _ in range(8):  # wrappers in wrappers; a limit, because a word may repeat for ever
        if not words:
            break
        name = Path(words[0]).name
        if name in SHELLS and len(words) > 2 and re.fullmatch(r"-[a-z]*c", words[1]):
            words = shlex.split(words[2])
        elif name == "supervisor-reload" and words[1:2] in (["exec"], ["launch"]):  # launch: what run writes
            words = words[2:]
            while words and words[0] in ("--no-socket", "--fd"):
                words = words[2:] if words[0] == "--fd" else words[1:]
        elif name == "env" or words[0] in ("exec", "--", "nohup") or re.match(r"[A-Za-z_]\w*=", words[0]):
            words = words[1:]
            while name == "env" and words and words[0] in ("-S", "-i", "-"):
                words = words[1:]
        else:
            break
    return words


def located(word: str, directory: str, path: Sequence[str]) -> str | None:
    """The absolute path of an executable, found as supervisord's child finds it; None where there is none."""
    if "\0" in word:
        return None
    if "/" in word:
        candidates = [Path(directory or ".", word)]
    else:
        candidates = [Path(directory or ".", folder, word) for folder in path]
    for candidate in candidates:
        # os.path answers False to a name that can't exist, such as one that is too long; Path raises
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):  # noqa: PTH113
            # not resolved: a virtual environment's python is a link, and means something by its own name
            return str(candidate.absolute())
    return None


def is_python(file: str) -> bool:
    """Whether the file's name is that of a Python interpreter."""
    return PYTHON.fullmatch(Path(file).name) is not None


def is_shell(file: str) -> bool:
    """Whether the file is a shell, or a script that a shell runs."""
    if Path(file).name in SHELLS:
        return True
    named = _shebang(file)
    return bool(named) and Path(named[0]).name in SHELLS


def first_lines(file: str) -> list[str]:
    """The beginning of a regular file, as text; nothing where there is none, or it can't be read."""
    return text_of(file, LONGEST_FIRST_LINES).splitlines()


def text_of(file: str, most: int = LONGEST_SCRIPT) -> str:
    """The first ``most`` bytes of a regular file, as text; '' where there is none, or it can't be read."""
    if not os.path.isfile(file):  # noqa: PTH113 - and a FIFO would block
        return ""
    try:
        with Path(file).open("rb") as script:
            return script.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def _shebang(file: str) -> list[str]:
    """What a script's first line says runs it."""
    lines = first_lines(file)
    if not lines or not lines[0].startswith("#!"):
        return []
    words = unwrapped(lines[0][2:].split())
    # pip writes this where the interpreter's path is too long or has a space:
    # #!/bin/sh
    # '''exec' "/long path/python" "$0" "$@"
    if len(lines) > 1 and lines[1].startswith("'''exec' "):
        quoted = re.match(r"'''exec' (\"[^\"]+\"|\S+)", lines[1])
        return [quoted[1].strip('"')] if quoted else words
    return words

"""Which row of the tables fits a command, and where none does, what the program's file tells.

It opens the program's file for its first bytes, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..config.interpreter import NoInterpreterError, interpreter_of, is_shell, located
from . import bystanders, others, python
from .commands import Command, is_python
from .kind import UNKNOWN, Care, Kind
from .wrappers import INSTEAD, Passing

MAGIC = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe")
"""How the file of a compiled program begins (elf(5), Mach-O)"""


WATCHING = ("--watch", "--hot")
"""Options of node, bun and deno with which they start the script again when it changes"""

OFF = ("", "0", "false", "no")
"""Flask's words for it (flask.helpers.get_debug_flag)"""

SERVER_DRAIN = 30
"""Seconds; for a server that would have reloaded itself"""


def kind_of(
    command: Command,
    directory: str = "",
    path: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Kind:
    """What a program is; UNKNOWN where nobody can tell.

    ``directory`` is where its relative paths begin, ``path`` where its command is looked up, ``environment``
    what its section sets.
    """
    for name in (*command.wrappers, command.program):
        if name in bystanders.NAMED:
            return bystanders.NAMED[name]
    if _is_watching(command):
        return others.NODE_WATCH
    kind = _in_tables(command) or _by_file(command, directory, path)
    if kind is python.FLASK and _is_debug({**(environment or {}), **command.environment}, command):
        return python.FLASK_RELOADING
    return _reached(kind, command)


def _is_watching(command: Command) -> bool:
    options = [option.partition("=")[0] for option in command.options]
    return command.language == "node" and any(
        option in WATCHING or option.startswith("--watch-") for option in options
    )


def _is_debug(environment: Mapping[str, str], command: Command) -> bool:
    """Whether Flask's debugger is on, and its reloader with it."""
    is_on = environment.get("FLASK_DEBUG", "").lower() not in OFF
    return is_on and not {"--no-debug", "--no-reload"}.intersection(command.words)


def _reached(kind: Kind, command: Command) -> Kind:
    """The same; replaced, where the signal to reload itself would not reach the program alone."""
    between = command.first_staying(Passing.STOPS, Passing.TO_ALL, Passing.MAY_LEAVE, Passing.LEAVES)
    if kind.care is not Care.SIGNALLED or not between:
        return kind
    way = next(passing for name, passing in command.staying if name == between)
    remedy = INSTEAD.get(between, "name the program itself in command=")
    why = (
        f"It could reload itself on {kind.signal} and keep its port, but the signal goes to {between}, which "
        f"{way.value}: {remedy}, take this section out, and run init again. Until then: {python.IN_PLACE}"
    )
    return replace(kind, care=Care.REPLACED, signal="", why=why, drain=SERVER_DRAIN)


def _in_tables(command: Command) -> Kind | None:
    if command.path.endswith("supervisor-reload"):
        return python.OUR_UVICORN
    if command.language in ("", "python"):
        for program, words, kind in python.ROWS:
            if _fits(program, words, command):
                return kind
    for language, program, words, kind in others.ROWS:
        if command.language == language and _fits(program, words, command):
            return kind
    return python.OTHER if command.language == "python" else None


def _fits(program: str, words: str, command: Command) -> bool:
    if re.fullmatch(program, command.program) is None:
        return False
    return re.search(words, command.text) is not None


def _by_file(command: Command, directory: str, path: Sequence[str]) -> Kind:
    """What the first bytes of the program's file say."""
    file = located(command.path, directory, path) if command.path else None
    if file is None:
        return UNKNOWN
    if _magic(file) in MAGIC:
        # what lies in a directory of the system came with a package, and is nobody's own code
        return UNKNOWN if file.startswith(("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")) else others.COMPILED
    if is_shell(file):
        return others.SHELL
    try:
        runs = interpreter_of(file, directory, path)
    except NoInterpreterError:
        return UNKNOWN
    return python.OTHER if is_python(Path(runs).name) else UNKNOWN


def _magic(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(4)
    except OSError:
        return b""

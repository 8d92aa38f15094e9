"""Reads ``ready`` and ``check``: what must be true of new code, and of a new process. It probes nothing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from urllib.parse import urlsplit

from supervisor_reload.core.model import CheckSettings, ReadySettings, Rights

from .findings import did_you_mean, nearest
from .interpreter import PYTHON, NoInterpreterError, interpreter_of
from .programs import ProgramProcess, common_directory
from .sections import OwnSection
from .users import rights_of
from .values import command_line

WORDS = ("running", "accepting", "notify", "message")
LONGEST_UNIX = 107
"""Bytes of a unix socket's path on Linux (unix(7))"""

SCHEMES = ("tcp", "http", "https", "unix")


def read_ready(section: OwnSection, process: ProgramProcess) -> ReadySettings:
    """How a new process of this slot shows that it may receive work; notes what is wrong."""
    text = section.optional("ready", str, process.expansions)
    default = "accepting" if process.has_socket else "running"
    scheme, address = default, ""
    command: tuple[str, ...] = ()
    if text is not None:
        try:
            scheme, address, command = parse_ready(text)
        except ValueError as why:
            section.error("ready", str(why))
    if scheme == "accepting" and process.has_socket:
        address = process.socket
    check_command(section, "ready", command, WORDS)
    return ReadySettings(
        scheme=scheme,
        address=address,
        command=command,
        interval=section.value("ready_interval", float),
        timeout=section.value("ready_timeout", float),
        min_ready=section.value("min_ready", float),
        rights=rights_of(section, [process]) if command else Rights(),
    )


def parse_ready(text: str) -> tuple[str, str, tuple[str, ...]]:
    """The probe's scheme, address and command. Raises ValueError with a sentence."""
    word = text.strip()
    if word.lower() in WORDS:
        return word.lower(), "", ()
    if word.lower().startswith("unix:"):
        return "unix", _unix_url(word), ()
    scheme = scheme_of(word, SCHEMES)
    if not scheme:
        return "command", "", command_line(word)
    return "tcp" if scheme == "tcp" else "http", word, ()


def scheme_of(word: str, known: Sequence[str]) -> str:
    """The scheme of a URL that can be asked, '' where it is a command line. Raises ValueError."""
    matched = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", word)
    if not matched:
        if re.match(r"(tcp|https?):", word, re.IGNORECASE):
            raise ValueError(f"{word!r} lacks the // behind the colon")
        return ""
    scheme = matched[1].lower()
    if scheme not in known:
        hint = did_you_mean(scheme, known) or f"; known are {', '.join(known)}"
        raise ValueError(f"{word!r} is of an unknown kind{hint}")
    _check_url(scheme, word)
    return scheme


def _unix_url(written: str) -> str:
    """``unix:///path``, also written ``unix:/path``, as supervisord writes it."""
    path = written.partition(":")[2]
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"{written!r} names no absolute path: write unix:///path")
    if len(path.encode()) > LONGEST_UNIX:
        raise ValueError(f"{written!r} is longer than a unix socket's path may be ({LONGEST_UNIX} bytes)")
    return f"unix://{path}"


def _check_url(scheme: str, url: str) -> None:
    if not url.isprintable() or " " in url:
        raise ValueError(f"{url!r} holds a space or a control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as why:
        # it may quote a piece of a password, which nobody would recognise as one
        hint = "what is before its @ must be written with %XX" if "@" in url else str(why)
        raise ValueError(f"{url!r} is not a URL: {hint}") from None
    if not host:
        raise ValueError(f"{url!r} names no host")
    if port == 0 or (scheme == "tcp" and port is None):
        raise ValueError(f"{url!r} names no port")
    if scheme == "tcp" and (parts.path or parts.query or parts.fragment):
        raise ValueError(f"{url!r} has a path, which tcp does not know; did you mean http?")


def read_check(section: OwnSection, processes: Sequence[ProgramProcess]) -> CheckSettings:
    """What must pass before anything is touched; notes what is wrong."""
    timeout = section.value("check_timeout", float)
    text = section.optional("check", str) or "none"
    directory = common_directory(processes)
    if text.lower() == "none":
        return CheckSettings(timeout=timeout)
    if text.lower() == "python":
        rights = rights_of(section, processes, is_theirs=True)
        python = _python(section, processes)
        return CheckSettings(python=python, timeout=timeout, directory=directory, rights=rights)
    try:
        command = command_line(text)
    except ValueError as why:
        section.error("check", str(why))
        return CheckSettings(timeout=timeout)
    check_command(section, "check", command, ("python", "none"))
    rights = rights_of(section, processes)
    return CheckSettings(command=command, timeout=timeout, directory=directory, rights=rights)


def _python(section: OwnSection, processes: Sequence[ProgramProcess]) -> str:
    """The one interpreter of all these processes, or '' where there is none or more than one."""
    found: dict[str, str] = {}
    for program in {process.program: process for process in processes}.values():
        try:
            found[interpreter_of(program.command, program.directory, program.path)] = program.program
        except NoInterpreterError as why:
            section.error("check", f"program {program.program!r}: {why}")
    if len(found) > 1:
        each = ", ".join(f"{program} runs {python}" for python, program in found.items())
        message = f"the programs have different Pythons ({each}): give each a section, or use a check command"
        section.error("check", message)
    return next(iter(found), "")


def check_command(section: OwnSection, key: str, command: Sequence[str], known: Sequence[str]) -> None:
    """Note a command that can't be run, above all a misspelt word that is no command at all."""
    if not command:
        return
    program = command[0]
    if len(command) == 1 and PYTHON.fullmatch(program):
        hint = did_you_mean(program, ["python"]) if key == "check" else ""
        section.error(key, f"{program!r} without arguments tells nothing{hint}")
    elif program.startswith("/"):
        if not os.path.isfile(program):  # noqa: PTH113 - Path raises where the name is too long
            section.error(key, f"{program!r} does not exist")
    elif "/" not in program and shutil.which(program) is None:
        near = nearest(program, known) if len(command) == 1 else None
        if near:
            section.error(
                key, f"{program!r} is neither a word that we know nor a command; did you mean {near!r}?"
            )
        else:
            section.warning(key, f"there is no command {program!r} on the PATH of this shell")

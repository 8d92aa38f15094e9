"""The section ``[reload:NAME]`` for one program: each line with its reason. It writes no file."""

# Path raises where we may not look; os.path answers no.
# ruff: noqa: PTH112, PTH113

from __future__ import annotations

import os
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config.interpreter import NoInterpreterError, interpreter_of
from ..config.supervisorconf import SupervisorConf
from ..recognising import RUNNERS, Care, address_of
from .places import written
from .survey import Program

WIDTH = 104
"""Characters of a comment line."""

COLUMN = 44
"""Where the comment behind a value begins, unless the value is longer."""

SERVER_DRAIN = 30
"""Seconds; the default of drain_timeout"""

ACCEPTING = ("uvicorn", "supervisor-reload uvicorn", "hypercorn", "node", "compiled")
"""They wait for connections with epoll, which shows (docs/configuration.md: ready)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One key, and why it has this value."""

    key: str
    value: str
    reason: str

    def __str__(self) -> str:
        """As it stands in the file."""
        return f"{self.key}={self.value}".ljust(COLUMN - 1) + f" ; {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section that is to be added."""

    name: str
    head: str
    """what stands above it, as one paragraph"""
    lines: tuple[Line, ...]

    def without(self, key: str) -> Section:
        """The same without a key."""
        left = tuple(line for line in self.lines if line.key != key)
        return Section(name=self.name, head=self.head, lines=left)

    def text(self) -> Iterator[str]:
        """The lines of the file."""
        yield from textwrap.wrap(self.head, WIDTH, initial_indent="; ", subsequent_indent="; ")
        yield f"[{self.name}]"
        yield from map(str, self.lines)


def section_of(program: Program, conf: SupervisorConf) -> Section:
    """The section for a program that wants one."""
    kind = program.kind
    lines = (
        *_programs(program, conf),
        *_watch(program, conf),
        *_manner(program),
        *_check(program),
        *_readiness(program),
        *_drain(program),
    )
    return Section(
        name=f"reload:{program.name}", head=f"{program.name}: {kind.what}. {kind.why}", lines=lines
    )


def _programs(program: Program, conf: SupervisorConf) -> Iterator[Line]:
    """Only where the section's name would name more, or something else."""
    named = {one.name for one in conf.processes if one.group == program.name}
    own = {one.name for one in program.processes}
    if named and named != own:
        names = ", ".join(sorted(own))
        yield Line("programs", names, "a group has the program's name")


def _watch(program: Program, conf: SupervisorConf) -> Iterator[Line]:
    kind, is_file = program.kind, not os.path.isdir(program.place)
    reason = "the program's file" if is_file else "where the code is"
    yield Line("watch", written(program.place, conf.here), reason)
    if is_file:
        return
    if kind.include:
        yield Line("include", kind.include, "uploads, databases and caches beside the code are none")
    if kind.exclude:
        yield Line("exclude", kind.exclude, "what the program itself writes")


def _manner(program: Program) -> Iterator[Line]:
    if program.kind.care is Care.SIGNALLED:
        yield Line("strategy", "signal", "no process is stopped: the program reloads itself")
        yield Line("signal", program.kind.signal, f"on which {program.kind.what.partition(',')[0]} does that")


def _check(program: Program) -> Iterator[Line]:
    kind, command = program.kind, program.command
    if kind.check == "python":
        if not unchecked(program):
            yield Line("check", "python", "changed files must compile before anything is touched")
    elif (
        kind.check and command.path and command.interpreter and not command.path.endswith((".ts", "artisan"))
    ):
        script = Path(program.first.directory or program.place, command.directory, command.path)
        if os.path.isfile(script):
            words = [
                command.interpreter if part != "{script}" else str(script) for part in kind.check.split()[:1]
            ]
            rest = [str(script) if part == "{script}" else part for part in kind.check.split()[1:]]
            value = shlex.join([*words, *rest]).replace("%", "%%")
            yield Line("check", value, "must pass before anything is touched")


def unchecked(program: Program) -> str:
    """Why a Python program gets no ``check=python``; '' where it gets one, and for other programs."""
    if program.kind.check != "python":
        return ""
    runner = next((name for name in program.command.wrappers if name in RUNNERS), "")
    if runner:
        return f"which Python it has is known to {runner} only; use a check command instead of python"
    first = program.first
    try:
        interpreter_of(first.command, first.directory, first.path)
    except NoInterpreterError as why:
        return str(why)
    return ""


def _readiness(program: Program) -> Iterator[Line]:
    kind, first = program.kind, program.first
    if first.has_socket and kind.name in ACCEPTING:
        yield Line("ready", "accepting", "the new process waits on the socket")
        return
    address = address_of(first, program.written, program.command, kind)
    if address.startswith("tcp:"):
        http = address.replace("tcp:", "http:", 1)
        yield Line("ready", address, f"a new process must listen there; better {http}/PATH, if it has one")
    elif address:
        yield Line("ready", address, "a new process must listen there")
    else:
        yield Line("ready", "running", f"that is, it lives for its startsecs ({first.startsecs} s)")
        if kind.min_ready and kind.care is Care.REPLACED:
            yield Line("min_ready", str(kind.min_ready), "seconds that it must go on living to count")


def _drain(program: Program) -> Iterator[Line]:
    kind, limit = program.kind, program.first.stopwaitsecs
    if not kind.drain or kind.care is not Care.REPLACED:
        return
    longest = min(limit, SERVER_DRAIN) if kind.is_server else limit
    if longest > 0:
        what = "answers" if kind.is_server else "work in hand"
        yield Line("drain_timeout", str(longest), f"seconds for {what}; stopwaitsecs ({limit}) is the most")

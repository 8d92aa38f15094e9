"""Reads the processes of every program with Supervisor's own code, one section at a time.

One broken section, or a log directory that exists on another machine only, must not hide what is wrong
elsewhere; so nothing here raises: it notes, and goes on with what can be read.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from supervisor.datatypes import (
    Automatic,
    boolean,
    integer,
    list_of_strings,
    process_or_group_name,
)
from supervisor.options import ServerOptions, UnhosedConfigParser

from supervisor_reload.core.model import SlotName

from .findings import Findings
from .values import LONGEST_SECONDS, signal_name

MOST_PROCESSES = 10_000
"""numprocs above this is a slip of the finger; supervisord would run out of file descriptors long before."""

CAPTURED = 100
"""Bytes: room for a message such as READY=1 with its pid"""

MACHINE_KEYS = ("stdout_logfile", "stderr_logfile", "user")
"""Keys whose values supervisord looks up on the machine where it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramProcess:
    """One process as the configuration describes it: supervisord's words, and nothing of ours."""

    group: str
    process: str
    program: str
    section: str
    file: str
    command: str
    socket: str
    """``tcp://host:port`` or ``unix:///path`` of an fcgi-program; '' for others"""
    directory: str
    """'' where supervisord's own is used"""
    startsecs: int
    """seconds"""
    stopsignal: str
    """without SIG"""
    stopwaitsecs: int
    """seconds"""
    stopasgroup: bool
    autostart: bool
    is_captured: bool
    """whether supervisord looks for Supervisor's own messages in its output (PROCESS_COMMUNICATION)"""
    serverurl: str
    numprocs: int
    uid: int | None
    """of ``user=``; None where there is none, or none such on this machine: supervisord's own user"""
    logfiles: tuple[str, ...]
    """as written: a relative one is relative to where supervisord was started"""
    has_automatic_log: bool
    """whether supervisord makes a log file for it in childlogdir"""
    path: tuple[str, ...]
    """where its command is looked up"""
    environment: dict[str, str] = field(hash=False)
    expansions: dict[str, str | int] = field(hash=False)
    """what ``%(…)s`` stands for in this process's own keys"""

    @property
    def name(self) -> SlotName:
        """``group:process``, always both parts."""
        return SlotName(f"{self.group}:{self.process}")

    @property
    def kind(self) -> str:
        """program, fcgi-program or eventlistener."""
        return self.section.split(":", 1)[0]

    @property
    def has_socket(self) -> bool:
        """Whether supervisord hands a listening socket to it; in a [group:x] it does not."""
        return self.kind == "fcgi-program" and self.group == self.program


class ProgramReader:
    """Goes through the sections of programs as ``ServerOptions.process_groups_from_parser`` does."""

    def __init__(
        self, options: ServerOptions, parser: UnhosedConfigParser, main: str, findings: Findings
    ) -> None:
        self.options = options
        self.parser = parser
        self.main = main
        self.findings = findings
        self.node = platform.node()

    def read(self) -> tuple[ProgramProcess, ...]:
        """Every process that supervisord would have."""
        found: list[ProgramProcess] = []
        in_groups: set[str] = set()
        for section in self._sections("group"):
            for member in self._members(section):
                in_groups.add(member)
                found.extend(self._processes(member, section.split(":", 1)[1].strip()))
        for kind in ("program", "eventlistener", "fcgi-program"):
            for section in self._sections(kind):
                if section not in in_groups:
                    found.extend(self._processes(section, section.split(":", 1)[1].strip()))
        return tuple(found)

    def file_of(self, section: str) -> str:
        """The file that has the section; Supervisor's parser knows only those of included files."""
        return str(self.parser.section_to_file.get(section, self.main))

    def _sections(self, kind: str) -> Iterator[str]:
        return (section for section in self.parser.sections() if section.startswith(f"{kind}:"))

    def _members(self, section: str) -> Iterator[str]:
        """The program sections that a [group:x] names."""
        existing = self.parser.sections()
        try:
            process_or_group_name(section.split(":", 1)[1])
            expansions = {"here": self.options.here}
            programs = list_of_strings(self.parser.saneget(section, "programs", None, expansions=expansions))
        except ValueError as why:
            self.findings.error(self.file_of(section), section, "programs", str(why))
            return
        for program in programs:
            known = [
                f"{kind}:{program}" for kind in ("program", "fcgi-program") if f"{kind}:{program}" in existing
            ]
            if len(known) == 1:
                yield known[0]
                continue
            problem = f"names unknown program or fcgi-program {program!r}"
            if known:
                problem = f"{program!r} is ambiguous: it is a program and an fcgi-program"
            self.findings.error(self.file_of(section), section, "programs", problem)

    def _processes(self, section: str, group: str) -> list[ProgramProcess]:
        if not self._has_sane_number(section, group):
            return []
        self._check_kind(section, group)
        try:
            return self._read_section(section, group)
        except (ValueError, TypeError) as why:
            problem = self._without_place(section, why)
        for key in MACHINE_KEYS:
            self.parser.remove_option(section, key)
        try:
            processes = self._read_section(section, group)
        except (ValueError, TypeError) as why:
            self.findings.error(self.file_of(section), section, "", self._without_place(section, why))
            return []
        message = f"supervisord would not start on this machine: {problem}"
        self.findings.warning(self.file_of(section), section, "", message)
        return processes

    def _has_sane_number(self, section: str, group: str) -> bool:
        """False only where Supervisor's code would build processes until memory ends."""
        try:
            numprocs = self._number(section, group, "numprocs", "1")
        except (ValueError, TypeError):
            return True  # Supervisor's own code says why
        if numprocs > MOST_PROCESSES:
            message = f"{numprocs} processes are more than {MOST_PROCESSES}"
            self.findings.error(self.file_of(section), section, "numprocs", message)
        return numprocs <= MOST_PROCESSES

    def _number(self, section: str, group: str, key: str, default: str) -> int:
        return int(
            integer(self.parser.saneget(section, key, default, expansions=self._common(section, group)))
        )

    def _common(self, section: str, group: str) -> dict[str, str | int]:
        """What ``%(…)s`` stands for in every key of a program."""
        return {
            "here": self.options.here,
            "host_node_name": self.node,
            "program_name": section.split(":", 1)[1].strip(),
            "group_name": group,
        }

    def _check_kind(self, section: str, group: str) -> None:
        """Note what supervisord refuses of an event listener and an fcgi-program in particular."""
        kind, file = section.split(":", 1)[0], self.file_of(section)
        if kind == "eventlistener":
            self._check_listener(section, group)
        if kind != "fcgi-program":
            return
        try:
            self._socket(section, group)
        except (ValueError, TypeError) as why:
            reason = why.args[0] % why.args[1:] if len(why.args) > 1 else str(why)
            self.findings.error(file, section, "socket", reason)

    def _socket(self, section: str, group: str) -> str:
        written = self.parser.saneget(section, "socket", "", expansions=self._common(section, group))
        return str(self.options.parse_fcgi_socket(written, None, None, None, None).url)

    def _check_listener(self, section: str, group: str) -> None:
        file, expansions = self.file_of(section), self._common(section, group)
        if not self.parser.has_option(section, "events"):
            self.findings.error(file, section, "events", 'the section requires an "events" line')
        try:
            mixes = boolean(self.parser.saneget(section, "redirect_stderr", "false", expansions=expansions))
        except ValueError:
            return  # Supervisor's own code says why
        if mixes:
            message = (
                "supervisord refuses true for an event listener, whose stdout is its protocol: remove it"
            )
            self.findings.error(file, section, "redirect_stderr", message)

    def _without_place(self, section: str, why: Exception) -> str:
        """Supervisor's message without the section and file that it adds and that we name ourselves."""
        file = self.parser.section_to_file.get(section, self.options.configfile)
        return str(why).removesuffix(f" in section {section!r} (file: {file!r})")

    def _read_section(self, section: str, group: str) -> list[ProgramProcess]:
        found: list[ProgramProcess] = []

        def record(_options: ServerOptions, **params: Any) -> _Sortable:
            # Supervisor forgets the number of a process; it makes them in order, so we count.
            found.append(self._process(section, group, len(found), params))
            return _Sortable()

        self.options.processes_from_section(self.parser, section, group, record)
        # supervisord keeps the processes of a program sorted by name (all have one priority)
        return sorted(found, key=lambda process: process.process)

    def _process(self, section: str, group: str, index: int, params: dict[str, Any]) -> ProgramProcess:
        environment = dict(self.options.configroot.supervisord.environment) | params["environment"]
        own_path = environment.get("PATH")
        socket = ""
        if section.startswith("fcgi-program:"):
            with contextlib.suppress(ValueError, TypeError):  # noted already
                socket = self._socket(section, group)
        logfiles = [params["stdout_logfile"], params["stderr_logfile"]]
        return ProgramProcess(
            group=group,
            process=params["name"],
            program=section.split(":", 1)[1].strip(),
            section=section,
            file=self.file_of(section),
            command=params["command"],
            socket=socket,
            directory=os.path.expanduser(params["directory"] or ""),  # noqa: PTH111 - must not normalise
            startsecs=_seconds(params["startsecs"]),
            stopsignal=signal_name(str(int(params["stopsignal"]))),
            stopwaitsecs=_seconds(params["stopwaitsecs"]),
            stopasgroup=params["stopasgroup"],
            autostart=params["autostart"],
            is_captured=max(params["stdout_capture_maxbytes"], params["stderr_capture_maxbytes"]) >= CAPTURED,
            serverurl=params["serverurl"] or "",
            numprocs=self._number(section, group, "numprocs", "1"),
            uid=params["uid"],
            logfiles=tuple(log for log in logfiles if isinstance(log, str)),
            has_automatic_log=Automatic in logfiles,
            path=tuple(own_path.split(os.pathsep) if own_path is not None else self.options.get_path()),
            environment=environment,
            expansions={
                **self.options.environ_expansions,
                **{f"ENV_{key}": value for key, value in environment.items()},
                **self._common(section, group),
                "process_num": self._number(section, group, "numprocs_start", "0") + index,
                "numprocs": self._number(section, group, "numprocs", "1"),
            },
        )


def common_directory(processes: Sequence[ProgramProcess]) -> str:
    """The working directory on which all processes agree; '' where they don't, or have none."""
    directories = {process.directory for process in processes}
    return directories.pop() if len(directories) == 1 else ""


def _seconds(number: int) -> int:
    """A number of supervisord's, which has no limit, as one that a float can hold."""
    return min(number, int(LONGEST_SECONDS))


class _Sortable:
    """Stands in for Supervisor's ProcessConfig, which it wants to sort."""

    def __lt__(self, other: object) -> bool:
        return False

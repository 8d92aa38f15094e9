"""Reads supervisord.conf as supervisord does, step by step like ``ServerOptions.read_config``.

Unlike it, this imports no plugin, needs no directory to exist, and goes on after an error. It knows nothing
of our own sections.
"""

from __future__ import annotations

import configparser
import glob
import io
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor import datatypes
from supervisor.options import ServerOptions, UnhosedConfigParser, expand, normalize_path

from .findings import Findings
from .programs import ProgramProcess, ProgramReader
from .servers import Server, read_servers


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorConf:
    """What supervisord would read, and the parser for sections of ours."""

    main: str
    """absolute path of the main file"""
    files: tuple[str, ...]
    """the main file and every included one"""
    patterns: tuple[str, ...]
    """absolute glob patterns of what ``[include]`` names"""
    parser: UnhosedConfigParser
    options: ServerOptions
    identifier: str
    logfile: str
    """'' for syslog or none"""
    pidfile: str
    childlogdir: str
    uid: int | None
    """of ``user=``; None where there is none, or none such on this machine: whoever starts supervisord"""
    is_pidfile_fixed: bool
    """False where the pid file depends on the directory in which supervisord was started"""
    processes: tuple[ProgramProcess, ...]
    servers: tuple[Server, ...]

    @property
    def here(self) -> str:
        """The main file's directory."""
        return str(Path(self.main).parent)

    def file_of(self, section: str) -> str:
        """The file that has the section; Supervisor's parser knows only those of included files."""
        return str(self.parser.section_to_file.get(section, self.main))


RPC_FACTORY = "supervisor.rpcinterface_factory"

GENERAL: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("minfds", datatypes.integer, "1024"),
    ("minprocs", datatypes.integer, "200"),
    ("umask", datatypes.octal_type, "022"),
    ("logfile_maxbytes", datatypes.byte_size, "50MB"),
    ("logfile_backups", datatypes.integer, "10"),
    ("loglevel", datatypes.logging_level, "info"),
    ("nodaemon", datatypes.boolean, "false"),
    ("silent", datatypes.boolean, "false"),
    ("nocleanup", datatypes.boolean, "false"),
    ("strip_ansi", datatypes.boolean, "false"),
)
"""Keys of [supervisord] that are right or wrong wherever they are read."""

ON_MACHINE: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("directory", datatypes.existing_directory),
    ("childlogdir", datatypes.existing_directory),
    ("logfile", datatypes.existing_dirpath),
    ("pidfile", datatypes.existing_dirpath),
    ("user", datatypes.name_to_uid),
)
"""Keys of [supervisord] that must be true on the machine where supervisord runs."""


def read_supervisorconf(main: str, findings: Findings, text: str | None = None) -> SupervisorConf:
    """Read the main file and what it includes; ``text`` is read in place of what the main file holds.

    Raises ConfigErrors where not even the sections can be told; other errors are noted in ``findings``.
    """
    options = _options(main)
    parser = UnhosedConfigParser()
    parser.expansions = options.environ_expansions
    files = [main]
    patterns: list[str] = []
    _parse(parser, main, findings, is_main=True, text=text)
    findings.raise_errors()
    if parser.has_section("include"):
        parser.expand_here(options.here)
        patterns = _included(parser, options, main, findings)
        files += _include(parser, patterns, options.here, main, findings)
    if not parser.has_section("supervisord"):
        findings.error(main, "supervisord", "", "the file has no [supervisord] section")
        parser.add_section("supervisord")
    general = _General(parser, options, findings)
    general.check()
    options.configroot.supervisord.environment = general.environment()
    programs = ProgramReader(options, parser, main, findings)
    logfile = general.text("logfile", "supervisord.log")
    return SupervisorConf(
        main=main,
        files=tuple(files),
        patterns=tuple(os.path.join(options.here, pattern) for pattern in patterns),  # noqa: PTH118 - as supervisord
        parser=parser,
        options=options,
        identifier=general.text("identifier", "supervisor"),
        logfile="" if logfile in ("syslog", "") else normalize_path(logfile),
        pidfile=normalize_path(general.text("pidfile", "supervisord.pid")),
        childlogdir=normalize_path(general.text("childlogdir", tempfile.gettempdir())),
        uid=general.uid(),
        is_pidfile_fixed=os.path.isabs(os.path.expanduser(general.text("pidfile", ""))),  # noqa: PTH111, PTH117
        processes=programs.read(),
        servers=read_servers(parser, options, programs.file_of, findings),
    )


def _options(main: str) -> ServerOptions:
    options = ServerOptions()
    options.poller.close()  # on BSD it holds a kqueue
    options.configfile = main
    options.here = str(Path(main).parent)
    return options


def _parse(
    parser: UnhosedConfigParser, file: str, findings: Findings, *, is_main: bool, text: str | None = None
) -> None:
    try:
        if text is None:
            text = Path(file).read_text()  # in the locale's encoding, as supervisord reads it
        if "\0" in text:
            findings.error(file, "", "", "the file holds a NUL character, which no name or command can have")
        elif is_main:
            parser.read_file(io.StringIO(text), file)
        else:
            parser.read(file)  # remembers which sections came from this file
    except FileNotFoundError:
        findings.error(file, "", "", "could not find config file")
    except OSError as why:
        findings.error(file, "", "", f"could not read config file: {why.strerror}")
    except (configparser.Error, ValueError) as why:
        findings.error(file, "", "", str(why))


def _included(
    parser: UnhosedConfigParser, options: ServerOptions, main: str, findings: Findings
) -> list[str]:
    """The glob patterns of [include]."""
    expansions = {"here": options.here, "host_node_name": platform.node(), **options.environ_expansions}
    if not parser.has_option("include", "files"):
        findings.error(main, "include", "files", "the section has no files setting")
        return []
    try:
        return list(expand(parser.get("include", "files"), expansions, "include.files").split())
    except ValueError as why:
        findings.error(main, "include", "files", str(why))
        return []


def _include(
    parser: UnhosedConfigParser, patterns: list[str], here: str, main: str, findings: Findings
) -> list[str]:
    """Read the included files into the parser; answers their paths."""
    found: list[str] = []
    for pattern in patterns:
        matching = sorted(glob.glob(os.path.join(here, pattern)))  # noqa: PTH118, PTH207 - as supervisord
        if not matching:
            findings.warning(main, "include", "files", f"no file matches {pattern!r}")
        for file in matching:
            _parse(parser, file, findings, is_main=False)
            parser.expand_here(str(Path(file).absolute().parent))
        found += matching
    return found


class _General:
    """The [supervisord] section, read key by key so that every key's error is told."""

    def __init__(self, parser: UnhosedConfigParser, options: ServerOptions, findings: Findings) -> None:
        self.parser = parser
        self.options = options
        self.findings = findings
        self.file = str(parser.section_to_file.get("supervisord", options.configfile))

    def text(self, key: str, default: str) -> str:
        """The value with its ``%(…)s`` filled in, or the default; an error is noted."""
        try:
            return str(self.parser.getdefault(key, default, expansions={"here": self.options.here}))
        except ValueError as why:
            self.findings.error(self.file, "supervisord", key, str(why))
            return default

    def uid(self) -> int | None:
        """The user to whom supervisord changes when it starts, where that user exists here."""
        try:
            return int(datatypes.name_to_uid(self.text("user", "")))
        except ValueError:
            return None  # not set, or noted by ``check``

    def check(self) -> None:
        """Note every value that supervisord would refuse."""
        for key, convert, default in GENERAL:
            try:
                convert(self.text(key, default))
            except ValueError as why:
                self.findings.error(self.file, "supervisord", key, str(why))
        for key, convert_here in ON_MACHINE:
            value = self.text(key, "")
            try:
                if value:
                    convert_here(value)
            except ValueError as why:
                message = f"supervisord would not start on this machine: {why}"
                self.findings.warning(self.file, "supervisord", key, message)
        for section in self.parser.sections():
            if section.startswith("rpcinterface:") and not self.parser.has_option(section, RPC_FACTORY):
                file = str(self.parser.section_to_file.get(section, self.options.configfile))
                self.findings.error(
                    file, section, RPC_FACTORY, f"the section does not specify a {RPC_FACTORY}"
                )

    def environment(self) -> dict[str, str]:
        """``environment=``; its names become ``%(ENV_X)s`` for all that follows, as in supervisord."""
        expansions = {
            "here": self.options.here,
            "host_node_name": platform.node(),
            **self.options.environ_expansions,
        }
        try:
            text = expand(self.text("environment", ""), expansions, "environment")
            found: dict[str, str] = datatypes.dict_of_key_value_pairs(text)
        except ValueError as why:
            self.findings.error(self.file, "supervisord", "environment", str(why))
            return {}
        self.options.environ_expansions.update({f"ENV_{key}": value for key, value in found.items()})
        return found

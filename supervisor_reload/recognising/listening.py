"""Where a program listens, told from its command: an address that a probe of ours can ask. It connects to
nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..config.bindings import ports_of
from ..config.programs import ProgramProcess
from .commands import Command
from .kind import Kind

HOSTS = ("--host", "-h", "--address", "--binding")
BINDS = ("--bind", "-b", "--listen", "--access", "-l")
EVERYWHERE = ("", "0.0.0.0", "*", "::", "[::]", "localhost")  # noqa: S104 - what is read, nothing is bound
NUMBERED = re.compile(r"(?:--port|-p|:|=)[ =]?(\d*%\(process_num\)0?\d*d)")
RUNSERVER = re.compile(r"(?:(?P<host>[^:\s-][^:\s]*|\[[0-9a-f:]+\]|):)?(?P<port>\d{2,5})")
"""``manage.py runserver [address:port]``"""
ELSEWHERE = re.compile(r"-c$|--config|-C$|[\w.*\[\]]*:\d{2,5}$")
"""A configuration file, or an address behind an option that we don't know, may say another port."""
UNIX = re.compile(r"(?:--uds[ =]|unix:(?://)?)(/[^\s,;'\"]+)")


def address_of(process: ProgramProcess, written: str, command: Command, kind: Kind) -> str:
    """``tcp://host:port`` or ``unix:///path`` for ``ready=``; '' where it can't be told.

    ``written`` is the command as it stands in the file, with its ``%(process_num)d``.
    """
    if process.socket:
        return process.socket if process.has_socket else ""
    if unix := UNIX.search(written):
        return f"unix://{unix[1]}"
    host = _host(command)
    if numbered := NUMBERED.search(written):
        return f"tcp://{host}:{numbered[1]}"
    ports = ports_of(process.command)
    if len(ports) == 1 and kind.is_server:
        return f"tcp://{host}:{next(iter(ports))}"
    if ports or process.numprocs > 1 or not kind.port:
        return ""
    return _default(command, kind, {**process.environment, **command.environment})


def _default(command: Command, kind: Kind, environment: Mapping[str, str]) -> str:
    """Where it listens if its words say nothing, or as Django's runserver says it."""
    if kind.name.startswith("runserver"):
        said = next((found for word in command.words if (found := RUNSERVER.fullmatch(word))), None)
        host = said["host"] if said and said["host"] not in (None, *EVERYWHERE) else "127.0.0.1"
        return f"tcp://{host}:{said['port'] if said else kind.port}"
    if any(name.endswith("PORT") for name in environment) or any(map(ELSEWHERE.match, command.words)):
        return ""
    return f"tcp://{_host(command)}:{kind.port}"


def _host(command: Command) -> str:
    named = command.option(*HOSTS)
    if not named:
        named = command.option(*BINDS).removeprefix("tcp://").rpartition(":")[0]
    return "127.0.0.1" if named in EVERYWHERE else named

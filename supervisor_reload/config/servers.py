"""Reads supervisord's own HTTP servers: what a client must say to be let in. It connects to nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from supervisor.datatypes import inet_address
from supervisor.options import ServerOptions, UnhosedConfigParser, normalize_path

from .findings import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One [unix_http_server] or [inet_http_server]."""

    section: str
    file: str
    """the configuration file that has the section"""
    url: str
    """as supervisord hands it to a listener in SUPERVISOR_SERVER_URL"""
    socket_file: str = ""
    username: str = ""
    password: str = ""
    """may be ``{SHA}`` and a hash, which is of no use to a client"""


def read_servers(
    parser: UnhosedConfigParser, options: ServerOptions, file_of: Callable[[str], str], findings: Findings
) -> tuple[Server, ...]:
    """The servers, the one that supervisord tells its listeners first (unix before inet, then as written)."""
    found: list[Server] = []
    for kind, key in (("unix_http_server", "file"), ("inet_http_server", "port")):
        for section in parser.sections():
            if section != kind and not section.startswith(f"{kind}:"):
                continue
            try:
                found.append(_read(parser, section, key, options.here, file_of(section)))
            except ValueError as why:
                findings.error(file_of(section), section, key, str(why))
    return tuple(found)


def _read(parser: UnhosedConfigParser, section: str, key: str, here: str, file: str) -> Server:
    username = parser.saneget(section, "username", None)
    password = parser.saneget(section, "password", None)
    if (username is None) != (password is None):
        raise ValueError("a username needs a password, and a password a username")
    value = parser.saneget(section, key, None, expansions={"here": here} if key == "file" else {})
    if value is None:
        raise ValueError(f"the section has no {key} value")
    common = {"section": section, "file": file, "username": username or "", "password": password or ""}
    if key == "file":
        path = normalize_path(value.strip())
        return Server(url=f"unix://{path}", socket_file=path, **common)
    host, port = inet_address(value)
    return Server(url=f"http://{host or 'localhost'}:{port}", **common)

"""Finds where our own files live, and what opens supervisord's door. It opens neither."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .findings import Findings
from .programs import ProgramProcess
from .sections import OwnSection
from .servers import Server
from .supervisorconf import SupervisorConf

HASHED = "{SHA}"
"""How supervisord marks a password of which it knows only the hash."""


def server_of(conf: SupervisorConf, listeners: Sequence[ProgramProcess]) -> Server | None:
    """The server that supervisord names to our listener: unix before inet, or that of its ``serverurl=``."""
    wanted = {listener.serverurl for listener in listeners}
    named = [server for server in conf.servers if server.url in wanted]
    return next(iter((*named, *conf.servers)), None)


def state_dir(conf: SupervisorConf, common: OwnSection, server: Server | None) -> str:
    """The directory of the journal and the status; by default beside supervisord's socket or pid file."""
    written = common.optional("state_dir", str)
    if written is None:
        beside = next((one.socket_file for one in (server, *conf.servers) if one and one.socket_file), "")
        if not beside and not conf.is_pidfile_fixed:
            message = "is beside the pid file, whose place depends on where supervisord was started: set it"
            common.warning("state_dir", message)
        name = f"supervisor_reload-{conf.identifier}".replace("/", "_")
        return str(Path(beside or conf.pidfile).parent / name)
    path = os.path.expanduser(written)  # noqa: PTH111 - as supervisord does
    if not path.startswith("/"):
        common.error("state_dir", f"{written!r} is relative: begin it with %(here)s/")
    elif os.path.isfile(path):  # noqa: PTH113 - Path raises where the name is too long
        common.error("state_dir", f"{path!r} is not a directory")
    return path


def credentials(conf: SupervisorConf, server: Server | None, findings: Findings) -> tuple[str, str]:
    """User name and password for supervisord's server; '' where it asks for none."""
    if server is None or not server.password.startswith(HASHED):
        return (server.username, server.password) if server else ("", "")
    # supervisord knows a hash only; what supervisorctl says in clear text serves us too.
    parser, section = conf.parser, "supervisorctl"
    try:
        plain = [
            str(parser.saneget(section, key)) if parser.has_option(section, key) else ""
            for key in ("username", "password")
        ]
    except ValueError as why:
        findings.error(conf.file_of(section), section, "password", str(why))
        return server.username, ""
    if not plain[1]:
        message = (
            "is a hash, with which no client can log in: give [supervisorctl] the username and password too"
        )
        findings.error(server.file, server.section, "password", message)
    return plain[0] or server.username, plain[1]

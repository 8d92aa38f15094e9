"""The sections that every configuration needs for us: the event listener, and supervisord's door. It writes
no file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ..config.ownlistener import INTERFACE_LINES, LINES, SERVER_LINES, own_listeners
from ..config.supervisorconf import SupervisorConf

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
"""Where a supervisord finds commands, whoever starts it."""

NAME = "supervisor-reload"

OTHER_NAMES = ("reload", "code-reload", "supervisor-reload", "code-reload-2")
"""For the listener, where a section has the first name already"""

REASONS = {
    "command": "watches the code, and has supervisord replace the processes",
    "events": "what it must hear of",
    "buffer_size": "with Supervisor's default of 10 a burst of events would be lost",
    "priority": "its own: what another listener rejects comes to all of equal priority",
    "startretries": "try for an hour and a half: a disk that comes late, a file in mid-edit",
}

CONTROL_LINES = """\
[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock"""


def frame(conf: SupervisorConf) -> Iterator[list[str]]:
    """The sections that are missing, each as lines with comments."""
    if not conf.servers and not any(name.endswith("_http_server") for name in conf.parser.sections()):
        yield [
            "; supervisorctl and supervisor_reload talk to supervisord through this.",
            *SERVER_LINES.splitlines(),
        ]
        if not conf.parser.has_section("supervisorctl"):
            yield CONTROL_LINES.splitlines()
    if not conf.parser.has_section("rpcinterface:supervisor"):
        yield [
            "; What they ask it with; supervisord needs this section for that.",
            *INTERFACE_LINES.splitlines(),
        ]
    if not own_listeners(conf):
        yield list(_listener(conf))


def needs_restart(conf: SupervisorConf) -> bool:
    """Whether supervisord itself must be restarted to take the new sections over: ``update`` reads none of
    these."""
    has_server = any(name.endswith("_http_server") for name in conf.parser.sections())
    return not has_server or not conf.parser.has_section("rpcinterface:supervisor")


def _listener(conf: SupervisorConf) -> Iterator[str]:
    taken = {process.program for process in conf.processes}
    name = next(each for each in (*OTHER_NAMES, f"{NAME}-{len(taken)}") if each not in taken)
    yield "; supervisor_reload itself. It must write nothing to stdout, which is its protocol."
    yield f"[eventlistener:{name}]"
    for line in LINES.splitlines()[1:]:
        key, _, value = line.partition("=")
        if key == "command":
            value = listener_command()
        if len(line) > 60:
            yield f"; {key}: {REASONS[key]}"
            yield f"{key}={value}"
        else:
            yield f"{key}={value}".ljust(43) + f" ; {REASONS[key]}"


def listener_command() -> str:
    """How supervisord starts our listener: by its name where every PATH has it, else by its whole path."""
    own = Path(sys.executable).with_name(NAME)
    found = shutil.which(NAME, path=SYSTEM_PATH)
    if found is not None and (not own.exists() or Path(found).samefile(own)):
        return f"{NAME} listen"
    python = sys.executable.replace("%", "%%")
    return (
        f"{_quoted(str(own).replace('%', '%%'))} listen"
        if own.exists()
        else f"{_quoted(python)} -m supervisor_reload listen"
    )


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path

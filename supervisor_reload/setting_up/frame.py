"""The sections that every configuration needs for us: the event listener, and supervisord's door. It writes
no file."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from supervisor.datatypes import TRUTHY_STRINGS

from ..config.ownlistener import INTERFACE_LINES, LINES, SERVER_LINES, own_listeners
from ..config.supervisorconf import SupervisorConf
from .places import UNWRITABLE, written

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
    "stderr_logfile": "its log",
    "stderr_logfile_maxbytes": "needed for what can't be rotated",
    "startretries": "try for an hour and a half: a disk that comes late, a file in mid-edit",
}

LOG = "supervisor-reload.log"

STREAM = re.compile(r"/dev/(stdout|stderr|fd/[12])|/proc/(self|1)/fd/[12]")
"""A log that is supervisord's own stdout or stderr"""

NO_FILE = ("/dev/null", "none", "off", "syslog")

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


def log_of(conf: SupervisorConf) -> dict[str, str]:
    """Where our log goes, beside supervisord's own; nothing where it can't be told whether it would open.

    Without these keys it is a file in childlogdir (/tmp), which any supervisord of the same identifier
    deletes when it starts.
    """
    logs = [log for process in conf.processes for log in process.logfiles]
    is_foreground = _general(conf, "nodaemon").lower() in TRUTHY_STRINGS
    is_null = _general(conf, "logfile") == "/dev/null"
    if any(STREAM.fullmatch(log) for log in (conf.logfile, *logs)) or (is_null and is_foreground):
        return {"stderr_logfile": "/dev/fd/2", "stderr_logfile_maxbytes": "0"}
    file = os.path.expanduser(_general(conf, "logfile"))  # noqa: PTH111 - as supervisord does it
    directory = Path(file).parent
    # without a whole path it lies wherever supervisord was started
    if file.lower() in NO_FILE or not Path(file).is_absolute() or not _may_write(directory, conf.uid):
        return {}
    value = written(str(directory / LOG), conf.here)
    return {} if UNWRITABLE.search(value) else {"stderr_logfile": value}


def _general(conf: SupervisorConf, key: str) -> str:
    try:
        return str(conf.parser.saneget("supervisord", key, "", expansions={"here": conf.here}))
    except ValueError:
        return ""  # supervisord would refuse it, which is noted by ``check``


def _may_write(directory: Path, uid: int | None) -> bool:
    """Whether supervisord, which becomes this user first, can make a file there."""
    try:
        found = directory.stat()
    except OSError:
        return False
    is_theirs = uid in (None, 0, found.st_uid) or bool(found.st_mode & stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and is_theirs


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
    for key, value in log_of(conf).items():
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

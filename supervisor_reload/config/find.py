"""Finds out which configuration file is meant; it never reads it."""

from __future__ import annotations

import getopt
import os
import re
from pathlib import Path

from supervisor.options import Options, ServerOptions

from supervisor_reload.core.errors import ConfigError, ConfigErrors

FARTHEST_ANCESTOR = 8
"""How many processes up we look for supervisord: a wrapper or two may stand between it and us."""

SUPERVISORD = re.compile(
    r"(^|/)supervisord(\.py)?$|^supervisor\.supervisord$|\bsupervisor\.supervisord import "
)


def find(given: str | None = None) -> str:
    """The absolute path of the configuration file.

    What was given; else the file of the supervisord that runs us; else the first on Supervisor's search path.
    Raises ConfigErrors where there is none, or where it can't be told which.
    """
    if given:
        return str(Path(given).expanduser().absolute())
    found = of_parent() or on_search_path()
    if found is None:
        paths = ", ".join(_search_paths())
        message = f"no configuration file found at the default paths ({paths}); name one with -c"
        raise _error(message)
    return found


def _error(message: str) -> ConfigErrors:
    return ConfigErrors((ConfigError(file="", section="", key="", message=message),))


def of_parent(proc: str = "/proc") -> str | None:
    """The file on the command line of the supervisord that runs us; None if none runs us or none is named.

    Raises ConfigErrors where a relative name is named and we may not see what it is relative to.
    """
    if "SUPERVISOR_ENABLED" not in os.environ:
        return None
    pid = os.getppid()
    for _ in range(FARTHEST_ANCESTOR):
        try:
            process = Path(proc, str(pid))
            argv = [os.fsdecode(word) for word in process.joinpath("cmdline").read_bytes().split(b"\0")[:-1]]
            if is_supervisord(argv):
                named = named_on(argv)
                return _absolute(named, process) if named else None
            pid = int(process.joinpath("stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            break  # no /proc here, or the process is another user's, or just ended
    return None


def _absolute(named: str, process: Path) -> str:
    """The name as supervisord meant it. Where a process is, only its own user and root may see (proc(5))."""
    if named.startswith("/"):
        return named
    try:
        return str(Path(process.joinpath("cwd").readlink(), named))
    except PermissionError:
        message = f"supervisord is another user's, so where its {named!r} is can't be seen: give -c"
        raise _error(message) from None


def is_supervisord(argv: list[str]) -> bool:
    """Whether this is supervisord's command line, and not that of a shell between it and us."""
    return any(SUPERVISORD.search(word) for word in argv)


def named_on(argv: list[str]) -> str | None:
    """What ``-c`` or ``--configuration`` names on supervisord's command line, whatever starts supervisord."""
    known = ServerOptions()
    known.poller.close()
    for start in range(1, len(argv)):
        if not argv[start].startswith("-"):
            continue
        try:
            options, _ = getopt.getopt(argv[start:], "".join(known.short_options), known.long_options)
        except getopt.error:
            continue  # an option of the interpreter, before the script's name
        # supervisord refuses a second -c, so an earlier one was the interpreter's.
        for option, value in reversed(options):
            if option in ("-c", "--configuration"):
                return value
    return None


def on_search_path() -> str | None:
    """The first file that exists on Supervisor's own search path."""
    return next((str(Path(path).absolute()) for path in _search_paths() if Path(path).is_file()), None)


def _search_paths() -> list[str]:
    return list(Options(require_configfile=False).searchpaths)

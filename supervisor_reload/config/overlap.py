"""The rule that no rollout may cause the next: what supervisord, the programs or we write is not code.

It reads ``.gitignore`` files and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from supervisor.options import normalize_path

from supervisor_reload.core.filters import GITIGNORE, Filter
from supervisor_reload.core.model import WatchSettings

from .supervisorconf import SupervisorConf
from .targets import Target


def note_overlap(conf: SupervisorConf, target: Target, state_dir: str) -> None:
    """Note every file that is written while a service runs, inside a watched tree and not excluded."""
    watch = target.settings.watch
    written = dict(_written(conf))
    for root in watch.paths:
        if _inside(_real(root), _real(state_dir)) is not None:
            target.section.error("watch", f"{root!r} is in our own state directory {state_dir!r}")
            continue
        # names of each kind; one that counts is enough to tell
        ours = next((file for file in _ours(state_dir) if counts(file, root, watch)), None)
        for file, what in ({ours: "our state directory's"} | written if ours else written).items():
            if counts(file, root, watch):
                message = (
                    f"{what} {file!r} is in the watched {root!r}, so that every change of it would look like "
                    "new code: put it elsewhere, or name it in exclude"
                )
                target.section.error("watch", message)


def _ours(state_dir: str) -> Iterator[str]:
    """What we write ourselves."""
    for name in ("journal", "journal.new", "files-web", "files-web.0.new"):
        yield str(Path(state_dir, name))


def _written(conf: SupervisorConf) -> Iterator[tuple[str, str]]:
    """What is written while supervisord runs, and what it is, in words."""
    if conf.logfile:
        yield conf.logfile, "supervisord's log"
    yield conf.pidfile, "supervisord's pid file"
    for server in conf.servers:
        if server.socket_file:
            yield server.socket_file, "supervisord's socket"
    for process in conf.processes:
        for log in process.logfiles:
            yield normalize_path(log), f"the log of {process.name}"
        if process.has_automatic_log:
            name = f"{process.process}-stdout---{conf.identifier}-a1b2c3.log"
            yield (
                str(Path(conf.childlogdir, name)),
                f"the log that supervisord makes for {process.name}, such as",
            )


def counts(file: str, root: str, watch: WatchSettings) -> bool:
    """Whether a change of the file would be a change of what is watched at ``root``."""
    real = os.path.join(_real(os.path.dirname(file)), os.path.basename(file))  # noqa: PTH118, PTH119, PTH120
    relative = _inside(real, _real(root))
    if relative is None:
        return False
    if not relative:
        return True  # the watched file itself
    judge = Filter(watch)
    parent = ""
    for part in ("", *relative.split("/")[:-1]):
        parent = f"{parent}/{part}" if parent else part
        judge.set_gitignore(parent, _text(Path(_real(root), parent, GITIGNORE)))
    return judge.file_is_watched(relative)


def _inside(path: str, directory: str) -> str | None:
    """The path as seen from the directory; '' for the directory itself, None where it is not below it."""
    if path == directory:
        return ""
    prefix = directory.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL: no such file can exist
        return path


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None

"""Which versions take part, whether they go together, and whether the listener runs the code that is
installed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .. import __version__
from ..edges.processes import born, started
from .finding import Finding, error, ok, warning
from .patient import Patient

TOPIC = "versions"
OLDEST = {"supervisor": (4, 2, 5), "watchdog": (6, 0, 0), "pathspec": (0, 12, 1)}
"""as pyproject.toml has them"""

SLACK = 2.0
"""Seconds by which a file may be newer than a process that has it: clocks of file systems are coarse."""


def versions(patient: Patient) -> Iterator[Finding]:
    """Ours, those of what we need, supervisord's, and the listener's."""
    found = {name: _version(name) for name in OLDEST}
    words = ", ".join(f"{name} {version}" for name, version in found.items())
    yield ok(TOPIC, f"supervisor-reload {__version__}, Python {platform.python_version()}, {words}")
    for name, version in found.items():
        oldest = ".".join(map(str, OLDEST[name]))
        if _numbers(version) < OLDEST[name]:
            yield error(TOPIC, f"{name} {version} is too old", f"pip install '{name}>={oldest}'")
    told = patient.told
    if told is not None and told.version != found["supervisor"]:
        yield warning(
            TOPIC,
            f"supervisord is {told.version}, and we have supervisor {found['supervisor']}: two environments",
            "install supervisor-reload into supervisord's own, at least where [rpcinterface:reload] is used",
        )
    if patient.listener:
        yield from _listener(patient, patient.listener)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _listener(patient: Patient, pid: int) -> Iterator[Finding]:
    """Which installation it runs, and whether that was changed since."""
    own = next((one.group for one in patient.listeners), "all")
    python = _python_of(pid)
    if python is None:
        yield warning(TOPIC, f"which version the listener (pid {pid}) runs can't be seen", "use sudo")
        return
    if Path(python).parent != Path(sys.executable).parent:
        theirs = _installed_beside(python)
        if theirs != __version__:
            yield warning(
                TOPIC,
                f"the listener runs supervisor-reload {theirs or 'of another environment'} with {python}, "
                f"and you ask {__version__}",
                f"use {Path(python).parent}/supervisor-reload",
            )
        return
    newest, began = _newest_file(), started(born(pid))
    if began is not None and time.time() - newest < time.monotonic() - began - SLACK:
        yield warning(
            TOPIC,
            "supervisor-reload was installed anew after the listener had started, so that it runs the old "
            "code",
            f"supervisorctl -c {patient.main} restart {own}",
        )


def _python_of(pid: int) -> str | None:
    """The interpreter as it was named, which says which virtual environment it is; None: we may not look."""
    process = Path("/proc", str(pid))
    try:
        name = os.fsdecode((process / "cmdline").read_bytes().split(b"\0")[0])
        if not name or name.startswith("/"):
            return name or None
        if "/" in name:
            return str((process / "cwd").readlink() / name)
        variables = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    path = next((one.removeprefix(b"PATH=") for one in variables if one.startswith(b"PATH=")), b"")
    return shutil.which(name, path=os.fsdecode(path)) or name


def _installed_beside(python: str) -> str:
    """The version in another environment; '' where it has none that can be seen."""
    folders = [str(path) for path in Path(python).parent.parent.glob("lib/python3*/site-packages")]
    for distribution in importlib.metadata.distributions(path=folders):
        if (distribution.metadata["Name"] or "").replace("_", "-").lower() == "supervisor-reload":
            return distribution.version
    return ""


def _newest_file() -> float:
    """When one of our modules last came to its place, seconds since 1970."""
    newest = 0.0
    for file in Path(__file__).parent.parent.rglob("*.py"):
        with contextlib.suppress(OSError):
            newest = max(newest, file.stat().st_ctime)
    return newest

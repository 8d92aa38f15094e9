"""Process groups that an earlier listener made for its commands: whether they live still, and their end.

They are no children of ours, so the kernel tells us nothing of them unasked. It never signals a process whose
birth is not the one that was remembered, nor any group but the one made for that command.
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass

from .processes import born
from .procfs import read
from .spawning import KILL_LIMIT, kill_group

LOOK = 0.1
"""Seconds between two looks at a process that is no child of ours."""

ENDED = re.compile(rb"^State:\s+[ZX]", re.MULTILINE)
"""In /proc/PID/status: a zombie that nobody reaped, or less."""

SHOWN = 200
"""Characters of a command line after which no further word is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A command that was begun, as its file tells it."""

    target: str
    pid: int
    """its first process; also its process group and its session, which were made for it"""
    born: str
    """that process's birth; see ``processes.born``"""
    until: float
    """monotonic time at which its limit is over"""
    mark: str
    """an entry of the environment that only its processes have; '' for none"""


def is_there(begun: Begun) -> bool:
    """Whether anything of it lives: the command itself, or what it left in its group."""
    return is_led(begun) or _has_left_others(begun)


def is_led(begun: Begun) -> bool:
    """Whether the command itself still runs, and leads the group and the session that were made for it."""
    pid = begun.pid
    try:
        is_its_own = os.getpgid(pid) == os.getsid(pid) == pid
        return is_its_own and born(pid) == begun.born and not ENDED.search(read(pid, "status"))
    except OSError:
        return False


def _has_left_others(begun: Begun) -> bool:
    """Whether it ended, and what it started lives on in its group.

    The number of a group is nobody else's while it has members (setpgid(2)); that they are ours their
    environment tells, and where we may not read that they are not.
    """
    if not begun.mark:
        return False
    try:
        os.killpg(begun.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # there are some, of another user
    mark = b"\0" + os.fsencode(begun.mark) + b"\0"
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - see procfs
    except OSError:
        return False
    return any(mark in b"\0" + _environment(pid) for pid in pids if _group(pid) == begun.pid)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0  # it has gone


def _environment(pid: int) -> bytes:
    try:
        return read(pid, "environ")
    except OSError:
        return b""


def end(begun: Begun, cancelled: threading.Event) -> str:
    """End what is left of its group, as ``spawning`` does at a limit. Why it still runs, or ''.

    Its end is awaited for KILL_LIMIT seconds, or until ``cancelled`` is set.
    """
    if not is_there(begun):
        return ""
    refusal = kill_group(begun.pid)
    deadline = time.monotonic() + KILL_LIMIT
    while is_there(begun):
        if cancelled.wait(LOOK):
            return "cancelled"
        if time.monotonic() >= deadline:
            return refusal or "it is stuck in the kernel"
    return ""


def command_line(pid: int) -> str:
    """Its words, none of them in part: half a secret would not be recognised. '' where it has gone."""
    try:
        words = read(pid, "cmdline").decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return ""
    shown = words[:1]
    for word in words[1:]:
        if sum(map(len, shown)) > SHOWN:
            return " ".join([*shown, "…"])
        shown.append(word)
    return " ".join(shown)

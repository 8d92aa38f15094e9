"""Processes as the kernel shows them: when one ends (pidfd), and what belongs to it (/proc).

It only looks: it never signals anything, and never trusts a pid for longer than one question.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from ..core.facts import ProcessExited
from ..core.model import SlotName
from ..core.ports import Put


class Exits:
    """The port ``ExitWatch``: supervisord notices an exit up to 1 s late, the kernel at once."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._wake_read, self._wake_write = os.pipe()
        self._pidfds: dict[int, tuple[SlotName, int]] = {}
        self._poll = select.poll()
        self._poll.register(self._wake_read, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="exits", daemon=True)
        self._thread.start()

    def watch(self, name: SlotName, pid: int) -> None:
        """Begin. A process that has gone already is told at once; where there is no pidfd, nothing ever."""
        if not hasattr(os, "pidfd_open"):
            return
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._put(ProcessExited(name=name, pid=pid))
            return
        except OSError:
            return
        self._pidfds[pidfd] = (name, pid)
        self._poll.register(pidfd, select.POLLIN)
        os.write(self._wake_write, b"w")

    def close(self) -> None:
        """Stop telling; waits up to 1 s for the thread."""
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"q")
        self._thread.join(1.0)
        for fd in (*self._pidfds, self._wake_read, self._wake_write):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _run(self) -> None:
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._wake_read:
                    if b"q" in os.read(fd, 4096):
                        return
                    continue
                self._poll.unregister(fd)
                name, pid = self._pidfds.pop(fd)
                os.close(fd)
                self._put(ProcessExited(name=name, pid=pid))


def tree(pid: int) -> tuple[int, ...]:
    """The process and all that descend from it, parents first. Linux; elsewhere the process alone."""
    children = _children_told if TELLS_CHILDREN else _children_found()
    found = [pid]
    for each in found:
        found.extend(children(each))
    return tuple(found)


TELLS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()
"""Whether this kernel lists a process's children (CONFIG_PROC_CHILDREN; proc(5), and what may be missed)."""


def _children_told(pid: int) -> list[int]:
    """A process's children, each below the thread that made it; asks nothing of any other process."""
    found: list[int] = []
    for thread in _entries(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            found.extend(map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split()))
    return found


def _children_found() -> Callable[[int], list[int]]:
    """The same, from the parents of all processes of the machine."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in _entries("/proc"):
        if entry.isdigit():
            parent = _parent(int(entry))
            if parent:
                children[parent].append(int(entry))
    return children.__getitem__


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(stat[stat.rindex(b")") + 2 :].split()[1])  # the name before it may hold anything


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are all that is wanted, and this is hot
    except OSError:
        return []


def sockets(pid: int) -> frozenset[int]:
    """The inodes of the sockets that a process holds; empty where we may not look."""
    found = set()
    for fd in _entries(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError, ValueError):
            link = os.readlink(f"/proc/{pid}/fd/{fd}")  # noqa: PTH115 - no path, and hot
            if link.startswith("socket:["):
                found.add(int(link[8:-1]))
    return frozenset(found)


def may_look(pid: int) -> bool:
    """Whether we may see what a process holds: it is ours, or we are root. True where it has gone."""
    directory = f"/proc/{pid}/fd"
    try:
        for fd in os.listdir(directory)[:1]:  # noqa: PTH208 - as above
            os.readlink(f"{directory}/{fd}")  # noqa: PTH115 - a sandbox may refuse no more than this
    except PermissionError:
        return False
    except OSError:
        pass  # it has gone, or closed it
    return True


def epoll_targets(pid: int) -> frozenset[int] | None:
    """The inodes that a process waits on with epoll; None where it has no epoll at all."""
    found: set[int] = set()
    has_epoll = False
    for fd in _entries(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError, ValueError):
            if os.readlink(f"/proc/{pid}/fd/{fd}") != "anon_inode:[eventpoll]":  # noqa: PTH115
                continue
            has_epoll = True
            for line in Path(f"/proc/{pid}/fdinfo/{fd}").read_text().splitlines():
                if line.startswith("tfd:"):
                    fields = line.replace(":", " ").split()
                    found.add(int(fields[fields.index("ino") + 1], 16))
    return frozenset(found) if has_epoll else None


def command(pid: int) -> str:
    """The command line of a process, for a message; '' where it has gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()[:200]
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()

"""Processes as the kernel shows them: when one ends (pidfd), and what belongs to it (/proc).

It only looks: it never signals anything, and never trusts a pid for longer than one question.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from ..core.facts import ProcessExited
from ..core.model import SlotName
from ..core.ports import Put
from .procfs import read

SOCKET, EPOLL = "socket:[", "anon_inode:[eventpoll]"
"""What a descriptor's link says of it."""

INODE = re.compile(rb"\bino:([0-9a-f]+)")
"""In the lines of an epoll's fdinfo (proc(5))"""

FIRST = 64
"""Descriptors that first_sockets looks at; the epoll of an event loop is among them."""


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

    def born(self, pid: int) -> str:
        """What no other process of this pid has, from its start to its end; '' where it can't be known."""
        return born(pid)

    def started(self, pid: int) -> float | None:
        """When the process was started (monotonic seconds); None where that can't be known."""
        return started(born(pid))

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
            found.extend(map(int, read(pid, f"task/{thread}/children").split()))
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


def born(pid: int) -> str:
    """When the kernel started a process, in clock ticks since it booted (proc_pid_stat(5): starttime).

    '' where there is no such process, or no /proc.
    """
    fields = _stat(pid)
    return fields[19].decode() if fields else ""


def started(born: str) -> float | None:
    """What ``born`` told, in monotonic seconds: as long ago, be it that the machine slept meanwhile.

    Precise to 0.01 s (sysconf(_SC_CLK_TCK)). None for ''.
    """
    if not born or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(born) / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age


def _parent(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the third on: the name before them may hold anything."""
    try:
        stat = read(pid, "stat")
    except OSError:
        return []
    return stat[stat.rindex(b")") + 2 :].split()


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are all that is wanted, and this is hot
    except OSError:
        return []


def sockets(pid: int) -> frozenset[int]:
    """The inodes of the sockets that a process holds; empty where we may not look."""
    return frozenset(int(link[8:-1]) for _, link in _descriptors(pid) if link.startswith(SOCKET))


def first_sockets(pid: int) -> set[int]:
    """Of the sockets that a process holds, those of its first descriptors, and all that its epolls wait on.

    A look at one descriptor costs some microseconds, and there may be 10,000 of them. Most servers wait for
    them with an epoll, which lists them at a third of the cost.
    """
    found: set[int] = set()
    for fd, link in itertools.islice(_descriptors(pid), FIRST):
        if link.startswith(SOCKET):
            found.add(int(link[8:-1]))
        elif link == EPOLL:
            found |= _waited_on(pid, fd)
    return found


def _descriptors(pid: int) -> Iterator[tuple[str, str]]:
    """The descriptors of a process with what they are, by their numbers; none where we may not look."""
    try:
        directory = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    # a quarter of the time goes into the way to the directory
                    link = os.readlink(entry.name, dir_fd=directory)
                except OSError:
                    continue  # it was closed meanwhile
                yield entry.name, link
    except OSError:
        return  # the process has gone
    finally:
        os.close(directory)


def _waited_on(pid: int, fd: str) -> set[int]:
    """The inodes that an epoll waits on; empty where it has gone."""
    try:
        text = read(pid, f"fdinfo/{fd}")
    except OSError:
        return set()
    return {int(inode, 16) for inode in INODE.findall(text)}


def stdin_socket(pid: int) -> int:
    """The inode of the socket that a process has as descriptor 0; 0 where that is none."""
    try:
        link = os.readlink(f"/proc/{pid}/fd/0")  # noqa: PTH115 - no path, and hot
    except OSError:
        return 0
    return int(link[8:-1]) if link.startswith(SOCKET) else 0


def may_look(pid: int) -> bool:
    """Whether we may see what a process holds: it is ours, or we are root. True where it has gone."""
    directory = f"/proc/{pid}/fd"
    try:
        os.readlink(f"{directory}/0")  # noqa: PTH115 - nearly all have one, and to list 10,000 takes 4 ms
    except PermissionError:
        return False
    except OSError:
        return _may_list(directory)
    return True


def _may_list(directory: str) -> bool:
    try:
        with os.scandir(directory) as entries:
            for entry in itertools.islice(entries, 1):
                os.readlink(entry.path)  # noqa: PTH115 - a sandbox may refuse no more than this
    except PermissionError:
        return False
    except OSError:
        pass  # it has gone, or closed it
    return True


def epoll_targets(pid: int) -> frozenset[int] | None:
    """The inodes that a process waits on with epoll; None where it has no epoll at all."""
    found = [_waited_on(pid, fd) for fd, link in _descriptors(pid) if link == EPOLL]
    return frozenset().union(*found) if found else None


def is_elsewhere(pid: int) -> bool:
    """Whether a process lives in another network namespace: its sockets are on none of our lists."""
    try:
        theirs = os.stat(f"/proc/{pid}/ns/net")  # noqa: PTH116 - see procfs
        ours = os.stat("/proc/self/ns/net")  # noqa: PTH116
    except OSError:
        return False
    return (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino)


def command(pid: int) -> str:
    """The command line of a process, for a message; '' where it has gone."""
    try:
        raw = read(pid, "cmdline")[:200]
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()

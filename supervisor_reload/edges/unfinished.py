"""Commands that outlive the listener that began them (SIGKILL): found again by the next, awaited or ended.

While a command runs, a small file in the state directory says which process group was made for it, and when
its first process was born; so no command runs twice at once. A death of ours within the fraction of a
millisecond between the command's start and its file leaves no trace. It never raises, and never believes a
file that it would not have written.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .orphans import LOOK, Begun, command_line, end, is_led, is_there
from .processes import born
from .sayings import printable

log = logging.getLogger(__name__)

NAME = re.compile(r"([a-z_]+)\.([1-9][0-9]{0,9})(\.new)?")
"""Our files: what kind of command, its pid, and whether the file was still being written."""

SIZE_LIMIT = 4096
"""Bytes that a file of ours may have."""

MOST = 2**22
"""PID_MAX_LIMIT of Linux: no pid is above it."""


class Unfinished:
    """What runs for some targets, in files of one directory; '' keeps nothing."""

    def __init__(self, directory: str, kind: str) -> None:
        """Removes the files of commands that have ended. ``kind`` tells ours from others in the directory."""
        self._directory, self._kind = directory, kind
        self._own: dict[int, Begun] = {}
        """what is followed here, by pid: no leftovers"""
        self._is_failure_told = False
        self._bad: set[str] = set()
        for begun in self._on_file():
            self._forget(begun)

    @contextlib.contextmanager
    def kept(self, target: str, limit: float, pid: int, mark: str) -> Iterator[None]:
        """Remember a child of ours, which may run for ``limit`` seconds from now on, until it has ended."""
        begun = Begun(target=target, pid=pid, born=born(pid), until=time.monotonic() + limit, mark=mark)
        self._own[pid] = begun
        try:
            self._remember(begun)
            yield
        finally:
            self._forget(begun)  # but for one that could not be ended: the next run meets it
            self._own.pop(pid, None)

    def tick(self) -> None:
        """Make the files again that somebody removed, with their directory."""
        for begun in [*self._own.values()]:
            if self._directory and is_led(begun) and not self._path(begun).exists():
                self._remember(begun)
                if begun.pid not in self._own:  # it ended meanwhile
                    self._forget(begun)

    def see_off(self, target: str, patience: float, cancelled: threading.Event) -> str:
        """Wait for what an earlier run left for this target, ``patience`` seconds at most; then end it.

        Nor is it awaited beyond its own limit. Why it still runs, or ''. Once ``cancelled`` is set it
        is left as it is.
        """
        deadline = time.monotonic() + patience
        for begun in self._on_file():
            if begun.target != target or begun.pid in self._own:
                continue
            if is_led(begun):
                self._await(begun, min(begun.until, deadline), cancelled)
            if cancelled.is_set():
                return "cancelled"
            refusal = end(begun, cancelled)
            if refusal:
                return f"pid {begun.pid} of an earlier run still runs and could not be ended: {refusal}"
            self._forget(begun)
        return ""

    def _await(self, begun: Begun, deadline: float, cancelled: threading.Event) -> None:
        named = printable(f"{command_line(begun.pid) or 'the command'} of an earlier run")
        seconds = deadline - time.monotonic()
        if seconds > 0:
            told = "%s: %s still runs (pid %d): waiting for it, %.0f s at most"
            log.info(told, begun.target, named, begun.pid, seconds)
        while is_led(begun):
            if time.monotonic() >= deadline:
                log.warning("%s: %s still runs (pid %d): it is ended", begun.target, named, begun.pid)
                return
            if cancelled.wait(LOOK):
                return

    def _on_file(self) -> list[Begun]:
        """What the files tell; those that can't be ours are removed, and said."""
        found: list[Begun] = []
        for name in self._names():
            path = Path(self._directory, name)
            try:
                begun = _read(path)
                if name != f"{self._kind}.{begun.pid}":
                    raise ValueError(f"it is of pid {begun.pid}")
                found.append(begun)
            except FileNotFoundError:
                continue  # its command ended just now
            except (OSError, ValueError, RecursionError) as error:
                self._refuse(path, error)
        return found

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._directory) if self._directory else []  # noqa: PTH208 - names are all
        except OSError as error:
            self._tell_failure(error)
            return []
        found = [(name, match) for name in sorted(names) if (match := NAME.fullmatch(name))]
        ours = [(name, match) for name, match in found if match[1] == self._kind]
        for name, match in ours:
            if match[3] and not born(int(match[2])):  # else somebody is writing it just now
                _remove(Path(self._directory, name))
        return [name for name, match in ours if not match[3]]

    def _refuse(self, path: Path, error: Exception) -> None:
        if path.name not in self._bad:
            self._bad.add(path.name)  # what can't be removed, such as a directory, is said once
            log.warning("%s tells of no command of ours, and is removed: %s", path, error)
        _remove(path)

    def _remember(self, begun: Begun) -> None:
        if not self._directory or not begun.born:
            return
        path = self._path(begun)
        new = path.with_name(f"{path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            _remove(new)
            with os.fdopen(os.open(new, flags, 0o600), "w", encoding="ascii") as file:
                json.dump(asdict(begun), file)
            new.rename(path)  # never half of it under its name
        except OSError as error:
            self._tell_failure(error)
            _remove(new)

    def _forget(self, begun: Begun) -> None:
        if self._directory and begun.born and not is_there(begun):
            _remove(self._path(begun))

    def _path(self, begun: Begun) -> Path:
        return Path(self._directory, f"{self._kind}.{begun.pid}")

    def _tell_failure(self, error: OSError) -> None:
        if not self._is_failure_told:
            self._is_failure_told = True
            told = (
                "%s can't keep which commands run (%s): after a kill -9 of ours the next does not know them"
            )
            log.info(told, self._directory, error)


def _read(path: Path) -> Begun:
    """Raises OSError, and ValueError or RecursionError for what is no file of ours, whoever wrote it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise ValueError("it is no file of ours")
        if found.st_size > SIZE_LIMIT:
            raise ValueError(f"it has {found.st_size} bytes")
        return _understood(json.loads(os.read(descriptor, SIZE_LIMIT)))
    finally:
        os.close(descriptor)


def _understood(told: object) -> Begun:
    """Raises ValueError for what we never wrote."""
    types = {"target": str, "pid": int, "born": str, "until": float, "mark": str}
    if not isinstance(told, dict) or {key: type(value) for key, value in told.items()} != types:
        raise ValueError("it has other fields")
    begun = Begun(**told)
    is_another = 1 < begun.pid <= MOST and begun.pid not in (os.getpid(), os.getpgrp())
    if not begun.born or not math.isfinite(begun.until) or not is_another:
        raise ValueError("it tells what can't be")
    os.fsencode(begun.mark)  # UnicodeEncodeError is a ValueError
    return begun


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()

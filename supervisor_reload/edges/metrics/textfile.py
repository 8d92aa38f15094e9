"""Writes the numbers into a file for node_exporter's textfile collector, in a thread of its own.

Whoever reads it sees a whole page, always: it is written beside and takes the file's name when it is done. At
the end it is removed, so that nobody takes old numbers for new ones.
"""

# The file's own name is kept as it was written, and a descriptor stands for a file, which Path has not.
# ruff: noqa: PTH105

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from ...core.publication import Publication

log = logging.getLogger(__name__)

LEAST_INTERVAL = 1.0
"""seconds between two writings, at least; node_exporter is asked every 15 s or so"""

LONGEST_INTERVAL = 15.0
"""seconds between two writings, at most: its age says that we live"""

CLOSE_LIMIT = 1.0
"""seconds for which close() waits"""


class Textfile:
    """Writes one file, from ``start`` to ``close``."""

    def __init__(self, place: Publication, page: Callable[[], bytes]) -> None:
        self._path, self._mode, self._page = place.path, place.mode, page
        directory, name = os.path.split(place.path)
        self._new = f"{directory}/.{name}.new"
        """node_exporter reads names that end in .prom only"""
        self._news = threading.Event()
        self._closing = threading.Event()
        self._why_failed: str | None = None
        self._identity: tuple[int, int, int] | None = None
        self._thread = threading.Thread(target=self._work, name=f"metrics {place}", daemon=True)

    def start(self) -> None:
        """Begin; where it can't be written, that is said, and it is tried again."""
        self._thread.start()

    def touch(self) -> None:
        """There are new numbers; returns at once."""
        self._news.set()

    def close(self) -> None:
        """End, and remove the file; waits up to CLOSE_LIMIT."""
        self._closing.set()
        self._news.set()
        self._thread.join(CLOSE_LIMIT)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._news.clear()
            try:
                self._write(self._page())
            except OSError as error:
                self._fail(error.strerror or str(error))
            except ImportError as error:
                self._fail(str(error))
            except Exception:  # a defect of ours must not end the thread
                log.exception("metrics: %s could not be written", self._path)
            if not self._closing.wait(LEAST_INTERVAL):
                self._news.wait(LONGEST_INTERVAL - LEAST_INTERVAL)
        self._remove()

    def _write(self, text: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            Path(self._new).unlink()  # of a listener that was killed; a link in its place is not followed
        descriptor = os.open(
            self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123
                file.write(text)
                file.flush()
                os.fchmod(descriptor, self._mode)
                found = os.fstat(descriptor)
            os.replace(self._new, self._path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(self._new).unlink()
            raise
        self._identity = _identity(found)
        if self._why_failed != "":
            log.info("metrics: written to %s", self._path)
        self._why_failed = ""

    def _fail(self, why: str) -> None:
        if why != self._why_failed:
            log.warning("metrics: %s can't be written: %s; trying again", self._path, why)
        self._why_failed = why

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            if _identity(os.lstat(self._path)) == self._identity:
                Path(self._path).unlink()


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    """Of a file that nobody but us writes; the number alone is given again to the next file."""
    return found.st_dev, found.st_ino, found.st_mtime_ns

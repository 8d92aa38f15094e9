"""Sees when supervisord's configuration files change, and has them read, in a thread of its own.

It looks at the signatures of a handful of files four times a second instead of being told of changes: that
costs next to nothing, works on every file system, and survives a file that is replaced, removed or made anew.
It never judges what was read: that is the reader's, which it gets as a function.
"""

# Names are exact strings here (any bytes), which Path would normalise.
# ruff: noqa: PTH116, PTH123, PTH207

from __future__ import annotations

import glob
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable

from ..core.configfacts import (
    ConfigurationRead,
    ConfigurationRefused,
)
from ..core.configuration import Configuration
from ..core.errors import ConfigErrors
from ..core.ports import Put

log = logging.getLogger(__name__)

INTERVAL = 0.25
"""seconds between two looks"""

QUIET = 0.3
"""seconds without a change that end an editor's save or a checkout"""

PATIENCE = 3.0
"""seconds without a change while a file is empty or gone: what it held is stopped and removed then"""

MAX_QUIET = 5.0
"""seconds after which files that never come to rest are read as they are"""

AGAIN = 2.0
"""seconds until a configuration that was refused is read again: what it names may have come into being"""

CLOSE_LIMIT = 2.0
"""seconds for which close() waits"""

_SIZE = 2
"""where the size stands in a signature"""

Signatures = dict[str, "tuple[int, ...]"]


class ConfigurationFiles:
    """Tells ConfigurationRead or ConfigurationRefused after each change of content, and once at the start.

    Args:
        known: what was read so far; its files and patterns are looked at.
        read: reads anew; raises ConfigErrors.
        put: takes the facts.
        interval, quiet, again: seconds, as the constants of these names.
    """

    def __init__(
        self,
        known: Configuration,
        read: Callable[[], Configuration],
        put: Put,
        *,
        interval: float = INTERVAL,
        quiet: float = QUIET,
        patience: float = PATIENCE,
        again: float = AGAIN,
    ) -> None:
        self._interval, self._quiet, self._again = interval, quiet, again
        self._patience = patience
        self._files, self._patterns = known.files, known.patterns
        self._read = read
        self._put = put
        self._content = b""
        self._refused: tuple[str, ...] = ()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop, within CLOSE_LIMIT."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_LIMIT)

    def _run(self) -> None:
        seen: Signatures = {}
        read_at = 0.0
        while not self._closing.is_set():
            now = time.monotonic()
            found = self._look()
            is_due = bool(self._refused) and now >= read_at + self._again
            if found != seen or is_due:
                seen = self._settle(found)
                read_at = time.monotonic()
                self._take(is_due=is_due)
            self._closing.wait(self._interval)

    def _look(self) -> Signatures:
        names = {*self._files, *(name for pattern in self._patterns for name in glob.glob(pattern))}
        return {name: _signature(name) for name in names}

    def _settle(self, found: Signatures) -> Signatures:
        """Wait until nothing changes any more; what the files look like then."""
        calm_since = time.monotonic()
        deadline = calm_since + MAX_QUIET
        while time.monotonic() < deadline and not self._closing.wait(self._quiet):
            newest = self._look()
            if newest != found:
                found, calm_since = newest, time.monotonic()
            elif time.monotonic() - calm_since >= (self._patience if self._is_torn(found) else 0.0):
                break
        return found

    def _is_torn(self, found: Signatures) -> bool:
        """Whether a file that was read is empty or gone, as it is for a moment while it is written."""
        return any(not found.get(name) or not found[name][_SIZE] for name in self._files)

    def _take(self, *, is_due: bool) -> None:
        """Read, where the content is another; and tell, where that is news."""
        content = self._digest()
        if self._closing.is_set() or (content == self._content and not is_due):
            return
        self._content = content
        try:
            configuration = self._read()
        except ConfigErrors as errors:
            self._refuse(tuple(map(str, errors.errors)))
        except Exception as error:
            # A defect of ours must not end the looking; the configuration that holds goes on.
            log.exception("the configuration could not be read")
            self._refuse((f"it could not be read: {error!r}",))
        else:
            self._refused = ()
            self._files, self._patterns = configuration.files, configuration.patterns
            self._put(ConfigurationRead(configuration=configuration))

    def _refuse(self, errors: tuple[str, ...]) -> None:
        if errors != self._refused:
            self._put(ConfigurationRefused(errors=errors))
        self._refused = errors

    def _digest(self) -> bytes:
        """Of the names and contents of all files."""
        whole = hashlib.sha256()
        for name in sorted(self._look()):
            content = _content(name)
            whole.update(b"%d:%s:%d:" % (len(name), os.fsencode(name), len(content)) + content)
        return whole.digest()


def _signature(name: str) -> tuple[int, ...]:
    """What tells one content from another; empty where there is no file."""
    try:
        found = os.stat(name)
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)


def _content(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return b"+" + file.read()
    except OSError as error:
        return b"-" + str(error.errno).encode()

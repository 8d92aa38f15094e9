"""The port ``Journal``: keeps the newest record of each key in a file, before what it is about is done.

A turn of the engine is one line, appended with one write(2). A file that has grown is replaced by a fresh
one, which is made beside it while the engine goes on. What a disk refuses is kept in memory and tried again.
It never raises where a disk fails, and never waits for one, but once: at the first write, for 1 s at most.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...core.facts import JournalFailed, JournalMended
from ...core.model import Record
from ...core.ports import Put
from .appending import Appending
from .header import Header
from .line import sealed
from .newest import Newest
from .place import DAMAGED, JOURNAL, NEW, OTHER_VERSION, RESERVE, JournalError, prepare, set_aside, within
from .reading import MOST, Found, read
from .reserve import Reserve
from .syncing import Asked, Syncing

log = logging.getLogger(__name__)

SMALL = 256 * 1024
"""bytes to which a file may grow, however little is in it"""

GROWTH = 4
"""how many times the size of its newest records a file may have"""

LARGE = MOST // 2
"""bytes at which a file is replaced at once, without waiting for the disk: a reader stops at MOST"""

FIRST_SYNC = 1.0
"""seconds that the first write waits for the disk: a machine that dies leaves the old file or the new"""

MANY = 1_000
"""keys that wait to be written; with more, a whole new file is the shorter way"""

SPOILED = "%s was removed, replaced or cut by somebody else, and is written anew: leave it alone"

FULL = (errno.ENOSPC, errno.EDQUOT)

Failure = OSError | JournalError


@dataclass(slots=True)
class _Next:
    """A fresh file that is on its way to the disk, to take the place of the one that has grown."""

    file: Appending
    asked: Asked
    missed: dict[str, bytes] = field(default_factory=dict)
    """what was written since it was made"""


class Journal:
    """The file ``journal`` in a ``state_dir``, and the only one who writes it."""

    def __init__(
        self, directory: str, put: Put, *, boot: str, supervisor: str, syncing: Syncing | None = None
    ) -> None:
        self._directory, self._put = directory, put
        self._boot, self._supervisor = boot, supervisor
        self._path, self._new = within(directory, JOURNAL), within(directory, NEW)
        self._reserve = Reserve(within(directory, RESERVE))
        self._syncing = syncing or Syncing()
        self._newest = Newest()
        self._unwritten: dict[str, bytes] = {}
        self._file: Appending | None = None
        self._next: _Next | None = None
        self._compact_from = 0
        self._is_stale = False
        """whether only a whole new file will do"""
        self._asked: Asked | None = None
        self._is_unproved = False
        """whether a sync failed, and none has succeeded since"""
        self._is_failing = self._is_dire = False

    def open(self) -> Found:
        """What an older self left. Raises JournalError where the directory can't be the place of our state.

        What was found stays in the file, under its own header, until the first write(). That one begins a new
        file with our header: it must hold all that is no longer true of what was found.
        """
        try:
            prepare(self._directory)
        except OSError as error:
            self._fail(self._sentence(error))
        self._syncing.start()
        with contextlib.suppress(OSError):
            Path(self._new).unlink()
        found = read(self._directory)
        if found.damage:
            name = OTHER_VERSION.format(found.newer) if found.newer else DAMAGED
            found = replace(found, damage=f"{found.damage}; {set_aside(self._directory, name)}")
        self._newest.take(found.records)
        self._keep_room()
        return found

    def write(self, records: Mapping[str, Record | None]) -> None:
        """Keep these from now on, by key, whatever becomes of us; None forgets a key. Never raises.

        JournalFailed follows where they can't be written, and JournalMended once they could be.
        """
        self._unwritten.update(self._newest.take(records))
        for key, why in self._newest.refused.items():
            self._fail(f"the record {key!r} can't be kept: {why}")
        if len(self._unwritten) > MANY:
            self._is_stale = True
            self._unwritten.clear()
        if self._is_behind:
            self._store()

    def tick(self) -> None:
        """Try again what failed, and see that the file is where it was; one look at it where nothing did."""
        failure = self._syncing.failure()
        if failure:
            # What the kernel could not bring to the disk it may have forgotten: fsync(2).
            self._is_stale = self._is_unproved = True
            self._fail(f"the journal {self._path} can't be brought to the disk: {failure}")
        if self._file is not None or self._is_behind:
            self._store()
        if not self._is_failing:
            self._keep_room()
        elif self._is_well():
            self._is_failing = self._is_dire = False
            self._put(JournalMended())

    def close(self) -> None:
        """Write no more; waits up to 1 s for the disk."""
        self._syncing.close()
        self._give_up_next()
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _is_behind(self) -> bool:
        return self._is_stale or bool(self._unwritten)

    def _is_well(self) -> bool:
        """Whether all is written, and there is room for more."""
        if self._is_behind or self._newest.refused:
            return False
        if self._is_unproved:
            self._is_unproved = not (self._asked and self._asked.done.is_set() and not self._asked.error)
        if self._is_unproved:
            return False
        try:
            prepare(self._directory)
            self._reserve.make()
        except (OSError, JournalError):
            return False
        return True

    def _keep_room(self) -> None:
        """Have the reserve, also where somebody removed it, or the whole directory."""
        try:
            if not self._reserve.is_there():
                prepare(self._directory)
                self._reserve.make()
        except (OSError, JournalError) as failure:
            self._fail(self._sentence(failure))

    def _store(self) -> None:
        """Bring the file up to what is known; what can't be done now is tried again at the next tick."""
        was_behind = self._is_behind
        failure = self._attempt()
        if failure is None:
            return
        reason = self._sentence(failure)
        is_full = isinstance(failure, OSError) and failure.errno in FULL
        has_room = is_full and was_behind and self._write_into_reserve()
        if has_room:
            reason += "; what is under way is written into the room that was kept for it"
        self._fail(reason, is_dire=not has_room)

    def _write_into_reserve(self) -> bool:
        """Write what the disk refused; whether that was done, and there is still some room left."""
        while self._reserve.give():
            if self._attempt() is None:
                return self._reserve.is_left()
        return False

    def _attempt(self) -> Failure | None:
        try:
            self._bring_up()
        except (OSError, JournalError) as failure:
            return failure
        return None

    def _bring_up(self) -> None:
        file = self._file
        is_spoiled = file is not None and not file.is_intact()
        if file is None or self._is_stale or file.size > LARGE or is_spoiled:
            self._begin_anew()
            if is_spoiled:
                log.warning(SPOILED, self._path)
            return
        if self._unwritten:
            file.append(sealed(self._unwritten.values()))
            if self._next is not None:
                self._next.missed.update(self._unwritten)
            self._unwritten.clear()
            self._asked = self._syncing.ask(self._path)
        self._compact(file)

    def _begin_anew(self) -> None:
        """Write everything into a file of its own, and give it the journal's name."""
        prepare(self._directory)
        self._give_up_next()
        fresh = Appending(self._new, self._content())
        if self._file is None:
            self._syncing.ask(self._new).done.wait(FIRST_SYNC)
        self._take(fresh)

    def _compact(self, file: Appending) -> None:
        """Replace a file that has grown: by one that is on the disk already, so that nobody waits for it."""
        try:
            if self._next is None:
                if file.size > max(SMALL, GROWTH * self._newest.size, self._compact_from):
                    self._next = _Next(Appending(self._new, self._content()), self._syncing.ask(self._new))
            elif self._next.asked.done.is_set():
                if self._next.missed:
                    self._next.file.append(sealed(self._next.missed.values()))
                following, self._next = self._next.file, None
                self._take(following)
        except OSError as error:
            # The file that there is does: it may grow some more before this is tried again.
            self._compact_from = file.size + SMALL
            self._give_up_next()
            log.warning("%s can't be made shorter: %s", self._path, error.strerror)

    def _give_up_next(self) -> None:
        if self._next is not None:
            self._next.file.discard()
            self._next = None

    def _take(self, fresh: Appending) -> None:
        try:
            fresh.rename(self._path)
        except OSError:
            fresh.discard()
            raise
        if self._file is not None:
            self._file.close()
        self._file, self._compact_from, self._is_stale = fresh, 0, False
        self._unwritten.clear()
        self._asked = self._syncing.ask(self._path)
        self._syncing.ask(self._directory)

    def _content(self) -> bytes:
        header = Header(
            boot=self._boot,
            supervisor=self._supervisor,
            time=time.time(),
            pid=os.getpid(),
            held=self._newest.count,
        )
        return header.line() + self._newest.lines()

    def _fail(self, reason: str, *, is_dire: bool = False) -> None:
        if not self._is_failing or (is_dire and not self._is_dire):
            self._is_failing, self._is_dire = True, is_dire
            self._put(JournalFailed(reason=reason, is_dire=is_dire))

    def _sentence(self, failure: Failure) -> str:
        if isinstance(failure, JournalError):
            return str(failure)
        return f"the journal {self._path} can't be written: {failure.strerror or failure}"

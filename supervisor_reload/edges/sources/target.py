"""What was read of one target: its trees, their revision, and what is new since the last final reading.

Only the worker's thread changes it; the names of recently changed sources may be asked for from any thread.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH100

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from ...core.facts import RevisionComputed
from ...core.filters import Filter
from ...core.model import TargetSettings
from ...core.orders import ComputeRevision
from ...core.revision import Fingerprint
from . import bytecode
from .tree import Difference, Interrupt, RootUnreadableError, Tree

RECENT_SECONDS = 60.0
"""for which the bytecode of a file that changed is doubted before each start"""

RECENT_FILES = 256
"""of the files that changed, the newest so many are doubted before a start, which must not take long"""

_FRESH_SECONDS = 5
"""A file whose own time is further back than this was not saved twice within one second just now."""


class Reading:
    """The content of one target's watched paths, as far as it was read."""

    def __init__(self, target: TargetSettings, filters: Sequence[Filter], is_interrupted: Interrupt) -> None:
        self.paths = tuple(os.path.abspath(path) for path in target.watch.paths)
        self._target = target.name
        self._trees = [
            Tree(path, chosen, is_interrupted) for path, chosen in zip(self.paths, filters, strict=True)
        ]
        self._fingerprint = Fingerprint()
        self._was_read = False
        self._before: dict[str, bytes | None] = {}
        """by absolute path: the content at the last final reading, None where there was no file"""
        self._recent: tuple[tuple[float, str], ...] = ()
        """sources that changed and when, oldest first; replaced as a whole, for other threads"""

    def compute(self, request: ComputeRevision) -> RevisionComputed:
        """Carry out one request.

        Raises:
            RootUnreadableError: a watched path can't be read now; what could be read is kept.
            InterruptedScanError: told to end.
        """
        failure: RootUnreadableError | None = None
        differences: list[tuple[str, Difference]] = []
        for number, tree in enumerate(self._trees):
            try:
                found = tree.full_look() if request.full else tree.look(request.hints)
            except RootUnreadableError as error:
                failure = failure or error
                continue
            differences += [(tree.absolute(difference.relative), difference) for difference in found]
            self._count(number, found)
        self._doubt([path for path, difference in differences if _may_be_stale(path, difference)])
        if self._was_read:
            self._remember(differences)
        if failure is not None:
            raise failure
        self._was_read = True
        return self._answer(is_final=request.final)

    def recent_sources(self, now: float) -> list[str]:
        """Sources whose bytecode is doubted at a monotonic time; may be called from any thread."""
        return [path for at, path in self._recent if now - at < RECENT_SECONDS]

    def _count(self, number: int, found: Sequence[Difference]) -> None:
        for difference in found:
            if difference.before is not None:
                self._fingerprint.remove(number, difference.relative, difference.before.digest)
            if difference.after is not None:
                self._fingerprint.add(number, difference.relative, difference.after.digest)

    def _remember(self, differences: Sequence[tuple[str, Difference]]) -> None:
        for path, difference in differences:
            after = difference.after.digest if difference.after else None
            before = self._before.setdefault(path, difference.before.digest if difference.before else None)
            if before == after:  # it is what it was: a checkout there and back again
                del self._before[path]

    def _doubt(self, sources: list[str]) -> None:
        bytecode.discard(sources)
        now = time.monotonic()
        doubted = {path: at for at, path in self._recent if now - at < RECENT_SECONDS}
        for path in sources:
            doubted.pop(path, None)
            doubted[path] = now
        self._recent = tuple((at, path) for path, at in doubted.items())[-RECENT_FILES:]

    def _answer(self, *, is_final: bool) -> RevisionComputed:
        changed = tuple(sorted(self._before))
        if is_final:
            self._before.clear()
        return RevisionComputed(
            target=self._target,
            revision=self._fingerprint.revision(),
            changed=changed,
            final=is_final,
        )


def _may_be_stale(path: str, difference: Difference) -> bool:
    """Whether Python may hold bytecode of another content under this file's time and size."""
    after = difference.after
    if after is None or not path.endswith(".py"):
        return False
    if difference.before is not None and difference.before.key == after.key:
        return True
    # The content that was saved and compiled between two looks is unknown here: the file's age must do.
    return time.time() - after.key[0] < _FRESH_SECONDS

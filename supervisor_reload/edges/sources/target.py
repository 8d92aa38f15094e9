"""What was read of one target: its trees, their revision, and what is new since the last final reading.

The first reading is compared with what is remembered of the life before, where the journal knows of one.
Only the worker's thread changes it; the names of recently changed sources may be asked for from any thread.
"""

# Names are exact strings here (any bytes), which Path would normalise; and this runs per file.
# ruff: noqa: PTH100, PTH119

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from ...core.facts import RevisionComputed
from ...core.filters import Filter
from ...core.linked import Linked
from ...core.model import TargetSettings
from ...core.orders import ComputeRevision
from ...core.reactions import Reactions
from ...core.revision import Fingerprint, Weight
from . import bytecode, comparing
from .comparing import all_files, all_paths, changed_since, differences, files_at, newest_change
from .linked import LinkedTrees
from .reach import Reach
from .record import digest, key
from .remembered import Remembered
from .sections import BrokenError
from .tree import RootUnreadableError, Tree

log = logging.getLogger(__name__)

RECENT_SECONDS = 60.0
"""for which the bytecode of a file that changed is doubted before each start"""

RECENT_FILES = 256
"""of the files that changed, the newest so many are doubted before a start, which must not take long"""

_FRESH_SECONDS = 5
"""A file whose own time is further back than this was not saved twice within one second just now."""


class _Name(NamedTuple):
    """What a file is called: in the revision, and on the disk."""

    root: int
    relative: str
    path: str


class Reading:
    """The content of one target's watched paths, as far as it was read.

    Args:
        target: whose paths to read.
        filters: one for each watched path.
        pause: called between two directories of a scan; may call ``compute`` if ``may_be_asked_in_between``.
        check_interrupt: called before each file that is read; raises InterruptedScanError to end.
        directory: where the files are remembered; '' for nowhere.
        known: the mark of the reading of which the journal knows; '' where it knows of none.
    """

    def __init__(
        self,
        target: TargetSettings,
        filters: Sequence[Filter],
        pause: Callable[[], None],
        check_interrupt: Callable[[], None],
        *,
        directory: str = "",
        known: str = "",
    ) -> None:
        self.paths = tuple(os.path.abspath(path) for path in target.watch.paths)
        self._target = target.name
        self._reach = Reach(self.paths, is_open=target.watch.follow_symlinks)
        self._trees = [
            Tree(path, chosen, self._reach, partial(self._note_in_root, number), pause, check_interrupt)
            for number, (path, chosen) in enumerate(zip(self.paths, filters, strict=True))
        ]
        self._linked = LinkedTrees(target.watch, self._reach, self._note_linked, pause, check_interrupt)
        self._is_in_linked = False
        """what links lead to is looked at, and may become another"""
        self._has_weights = bool(target.reactions.signal_on or target.reactions.ignore_on)
        self._has_rules = bool(target.reactions.run_on)
        self._reactions = Reactions(target.reactions)
        self._fingerprint = Fingerprint()
        self._ignored = Fingerprint()
        """the files that have no weight, which the revision does not tell"""
        self._remembered = Remembered(directory, target.name, self.paths, check_interrupt)
        self._mark = known
        """of the newest final reading, be it in the life before; '' where there was none"""
        self._is_compared = False
        """the first final reading was"""
        self._is_quiet = False
        """the newest reading found nothing"""
        self._was_read = False
        self._has_news = False
        """the request that is being worked off found a difference"""
        self._is_after_hints = False
        """that request is for hints"""
        self._stale: list[str] = []
        """sources among them that Python may have bytecode of, of another content"""
        self._before: dict[str, bytes | None] = {}
        """by absolute path: the content at the last final reading, None where there was no file"""
        self._recent: tuple[tuple[float, str], ...] = ()
        """sources that changed and when, oldest first; replaced as a whole, for other threads"""

    @property
    def may_be_asked_in_between(self) -> bool:
        """Whether a request for hints may be answered while a scan of everything pauses.

        Not in the first reading; and what was found so far may be one half of a change, which nobody may take
        for a revision. A look at hints is where changes are expected, so it is not divided at all.
        """
        is_divided = self._has_news or self._is_after_hints or self._is_in_linked
        return self._was_read and not is_divided

    @property
    def linked(self) -> tuple[Linked, ...]:
        """The links out of the watched paths that are followed; from any thread."""
        return self._linked.found

    @property
    def all_trees(self) -> list[comparing.Tree]:
        """Of the watched paths, and of what links lead to; for the worker's thread alone."""
        return [*self._trees, self._linked]

    def compute(self, request: ComputeRevision) -> RevisionComputed:
        """Carry out one request.

        Raises:
            RootUnreadableError: a watched path can't be read now; what could be read is kept.
            InterruptedScanError: told to end.
        """
        failure: RootUnreadableError | None = None
        self._is_after_hints = not request.full
        self._reach.refresh()
        for tree in self._trees:
            try:
                if request.full:
                    tree.full_look()
                else:
                    tree.look(request.hints)
            except RootUnreadableError as error:
                failure = failure or error
        self._look_at_linked(None if request.full else request.hints)
        self._doubt(self._stale)
        self._stale = []
        self._has_news = self._is_after_hints = False
        if failure is not None:
            raise failure
        self._was_read = True
        return self._answer(request)

    def recent_sources(self, now: float) -> list[str]:
        """Sources whose bytecode is doubted at a monotonic time; may be called from any thread."""
        return [path for at, path in self._recent if now - at < RECENT_SECONDS]

    def _look_at_linked(self, hints: Sequence[str] | None) -> None:
        if not self._reach.is_open:
            return
        self._is_in_linked = True
        try:
            self._linked.look(hints)
            self._linked.follow(self._trees)
        finally:
            self._is_in_linked = False

    def _note_in_root(self, number: int, relative: str, before: bytes | None, after: bytes | None) -> None:
        path = self._trees[number].absolute(relative)
        self._note(_Name(number, relative, path), relative, before, after)

    def _note_linked(self, real: str, relative: str, before: bytes | None, after: bytes | None) -> None:
        path = f"{real}/{relative}" if relative else real
        self._note(_Name(len(self._trees), path, path), relative, before, after)

    def _note(self, name: _Name, relative: str, before: bytes | None, after: bytes | None) -> None:
        """Take a difference that a tree has just found."""
        self._has_news = True
        number, known, path = name
        weight = self._weight(path, relative)
        old = None if before is None else digest(before)
        new = None if after is None else digest(after)
        fingerprint, weight = (
            (self._ignored, Weight.CODE) if weight is Weight.NONE else (self._fingerprint, weight)
        )
        if old is not None:
            fingerprint.remove(number, known, old, weight)
        if new is not None:
            fingerprint.add(number, known, new, weight)
        if _may_be_stale(path, before, after):
            self._stale.append(path)
        if self._was_read and self._before.setdefault(path, old) == new:
            del self._before[path]  # it is what it was: a checkout there and back again

    def _weight(self, path: str, relative: str) -> Weight:
        if not self._has_weights:
            return Weight.CODE
        return self._reactions.weight(relative or os.path.basename(path))

    def _rules(self, changed: Iterable[str]) -> tuple[int, ...]:
        """The rules of ``run_on`` that name one of these paths, below any of the trees."""
        found: set[int] = set()
        for path in changed if self._has_rules else ():
            for tree in (*self._trees, *self._linked):
                relative = tree.relative(path)
                if relative is not None:
                    found.update(self._reactions.rules(relative or os.path.basename(path)))
        return tuple(sorted(found))

    def _doubt(self, sources: list[str]) -> None:
        bytecode.discard(sources)
        now = time.monotonic()
        doubted = {path: at for at, path in self._recent if now - at < RECENT_SECONDS}
        for path in sources[-RECENT_FILES:]:
            doubted.pop(path, None)
            doubted[path] = now
        self._recent = tuple((at, path) for path, at in doubted.items())[-RECENT_FILES:]

    def _newest_mark(self) -> str:
        revision = self._fingerprint.revision()
        return f"{revision}/{self._ignored.revision()}" if self._has_weights else revision

    def keep(self) -> None:
        """After a reading was told: what costs time, so that it is remembered. May be interrupted."""
        if self._is_compared and not self._before:  # else the files are not those of the mark
            self._remembered.keep(lambda: all_files(self.all_trees), self._mark, is_quiet=self._is_quiet)

    def _answer(self, request: ComputeRevision) -> RevisionComputed:
        is_final = request.final
        is_first = is_final and not self._is_compared
        found = set(self._settled() if is_final else self._before)
        found |= changed_since(self.all_trees, request.since) if request.since is not None else set()
        changed = tuple(sorted(found))
        if is_final:
            self._before.clear()
        return RevisionComputed(
            target=self._target,
            revision=self._fingerprint.revision(),
            changed=changed,
            rules=self._rules(changed),
            mark=self._mark if is_final else "",
            written=newest_change(self.all_trees, self._weight) if is_first else None,
            full=request.full,
            final=is_final,
        )

    def _settled(self) -> Collection[str]:
        """What changed since the final reading before, be it in the life before; it is remembered now."""
        mark = self._newest_mark()
        is_known = self._is_compared or not self._mark
        changed = set(self._before) if is_known else self._since_our_death(mark)
        if changed or mark != self._mark:
            self._remembered.add(files_at(self.all_trees, changed), mark)
        self._mark, self._is_compared, self._is_quiet = mark, True, not changed
        return changed

    def _since_our_death(self, mark: str) -> set[str]:
        """What differs from a reading of the life before; everything, where nobody knows what that was.

        Raises RootUnreadableError where a tree is gone that was there.
        """
        is_found = self._remembered.find(self._mark)
        if mark == self._mark:
            return set()
        changed = self._differences() if is_found else None
        if changed is None:
            changed = all_paths(self.all_trees)
            for tree in self._trees if not changed else ():
                tree.check_gone(was_file=False)
            self._remembered.forget()
            log.warning(
                "what changed in %s since the listener ended is not known: all of it counts", self._target
            )
        self._doubt([path for path in changed if path.endswith(".py")])
        return changed

    def _differences(self) -> set[str] | None:
        """From what was found in our memory; None where that is of no use."""
        try:
            return differences(self._remembered.recall(), self.all_trees)
        except RootUnreadableError:
            raise
        except (OSError, BrokenError) as error:
            log.warning("what is remembered of %s can't be read: %s", self._target, error)
            return None


def _may_be_stale(path: str, before: bytes | None, after: bytes | None) -> bool:
    """Whether Python may hold bytecode of another content under this file's time and size."""
    if after is None or not path.endswith(".py"):
        return False
    if before is not None and key(before) == key(after):
        return True
    # The content that was saved and compiled between two looks is unknown here: the file's age must do.
    return time.time() - key(after)[0] < _FRESH_SECONDS

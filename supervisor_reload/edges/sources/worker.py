"""The Sources port: takes requests, works them off in one thread, and answers with facts.

It keeps per target what was read, so that a save of one file costs the reading of one file. It never decides
whether a change matters, and its callers never wait for the disk, but for the bytecode of a few files.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from ...core.facts import GitHeld, RevisionComputed, RevisionFailed
from ...core.filters import Filter, filters_of
from ...core.linked import Linked
from ...core.model import TargetSettings
from ...core.orders import AskGit, ComputeRevision
from ...core.ports import Put
from . import bytecode
from .comparing import counted
from .git import GitWork
from .target import Reading
from .tree import InterruptedScanError

log = logging.getLogger(__name__)

Request = ComputeRevision | AskGit

CLOSE_LIMIT = 2.0
"""seconds for which close() waits for the worker"""


class Sources:
    """The watched files of all targets, read by one thread.

    Args:
        targets: what to read.
        put: takes the facts.
        filters: by target name, one for each watched path; shared with the watching, so that both judge by
            the same ``.gitignore`` files, which are read here. Made here where None.
        directory: where it is kept what the files were, so that what changes while we are not there is told
            when we are back; '' for nowhere. One file for each target, which is nobody else's.
        known: by target name, the ``mark`` of the newest final reading that is in the journal. The first
            reading of a target that is named tells what differs from that one, that of another nothing.
    """

    def __init__(
        self,
        targets: Sequence[TargetSettings],
        put: Put,
        filters: Mapping[str, Sequence[Filter]] | None = None,
        directory: str = "",
        known: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._put = put
        self._closing = threading.Event()
        chosen = filters_of(targets) if filters is None else filters
        self._readings = {
            target.name: Reading(
                *(target, chosen[target.name], self._pause, self._check_interrupt),
                directory=directory,
                known=known.get(target.name, ""),
            )
            for target in targets
        }
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._waiting: deque[Request] = deque()
        """taken from the queue in a pause of a scan, and left for its end"""
        self._is_pausing = False
        self._git = GitWork()
        self._worker = threading.Thread(target=self._work, name="sources", daemon=True)
        self._worker.start()

    def compute(
        self, target: str, hints: tuple[str, ...], *, full: bool, final: bool, since: float | None = None
    ) -> None:
        """Read what changed; RevisionComputed or RevisionFailed follows."""
        asked = ComputeRevision(target=target, hints=hints, full=full, final=final, since=since)
        self._requests.put(asked)

    def ask_git(self, target: str) -> None:
        """GitHeld follows."""
        self._requests.put(AskGit(target=target))

    def linked(self, target: str) -> tuple[Linked, ...]:
        """The links out of a target's watched paths that are followed; from any thread."""
        return self._readings[target].linked

    def discard_stale_bytecode(self, target: str) -> None:
        """Remove bytecode of recently changed files that Python would trust; never raises."""
        bytecode.discard(self._readings[target].recent_sources(time.monotonic()))

    def close(self) -> None:
        """End the worker, waiting at most CLOSE_LIMIT; no fact follows."""
        self._closing.set()
        self._requests.put(None)
        self._worker.join(CLOSE_LIMIT)

    def _work(self) -> None:
        while not self._closing.is_set():
            request = self._waiting.popleft() if self._waiting else self._requests.get()
            if request is None:
                return
            self._answer(request)

    def _answer(self, request: Request) -> None:
        if isinstance(request, AskGit):
            self._answer_git(request)
        else:
            self._answer_revision(request)

    def _check_interrupt(self) -> None:
        if self._closing.is_set():
            raise InterruptedScanError

    def _pause(self) -> None:
        """Between two directories of a scan: a save must not wait for the end of a huge tree."""
        self._check_interrupt()
        if self._is_pausing or self._requests.empty():
            return
        self._is_pausing = True
        try:
            while not self._requests.empty():
                request = self._requests.get()
                if request is not None:
                    self._waiting.append(request)
            for request in self._those_that_may_go_first():
                self._waiting.remove(request)
                self._answer(request)
        finally:
            self._is_pausing = False

    def _those_that_may_go_first(self) -> Iterator[Request]:
        """Requests that cost little and are answered as if no scan were under way; in their order."""
        held_back: set[str] = set()
        for request in tuple(self._waiting):
            if isinstance(request, AskGit):
                yield request
            elif (
                request.full
                or request.target in held_back
                or not self._readings[request.target].may_be_asked_in_between
            ):
                held_back.add(request.target)
            else:
                yield request

    def _answer_git(self, request: AskGit) -> None:
        now = time.monotonic()
        reading = self._readings[request.target]
        paths = [*reading.paths, *(each.real for each in reading.linked)]
        signs = []
        try:
            signs = [sign for path in paths if (sign := self._git.sign(path, now))]
        except Exception:
            # Whatever lies in somebody's .git must not leave a target without an answer for ever.
            log.exception("it can't be seen whether git is at work")
        if signs:
            self._put(GitHeld(target=request.target, held=True, sign=signs[0]))
        else:
            self._put(GitHeld(target=request.target, held=False))

    def _answer_revision(self, request: ComputeRevision) -> None:
        fact: RevisionComputed | RevisionFailed
        reading = self._readings[request.target]
        try:
            fact = reading.compute(request)
            if request.full:
                fact = replace(fact, counted=counted(reading.all_trees))
        except InterruptedScanError:
            return
        except OSError as error:
            fact = RevisionFailed(target=request.target, reason=str(error), final=request.final)
        except Exception as error:
            # A defect of ours must not leave a target without an answer for ever.
            log.exception("the code could not be read")
            fact = RevisionFailed(target=request.target, reason=repr(error), final=request.final)
        if not self._closing.is_set():
            self._put(fact)
            self._keep(request.target)

    def _keep(self, target: str) -> None:
        try:
            self._readings[target].keep()
        except InterruptedScanError:
            pass  # half a file, which is removed again
        except Exception:
            # A defect of ours must not end the readings.
            log.exception("the files of %s can't be remembered", target)

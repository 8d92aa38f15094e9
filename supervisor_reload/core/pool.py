"""Named questions about a target's slots, so that the policy in ``rollout`` reads as English.

It answers and never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import ProcessState, Revision, TargetSettings
from .phase import Phase
from .revision import has_same_code
from .slot import Slot


def runs(slot: Slot, revision: Revision) -> bool:
    """Whether its process runs this code, and nobody wants another process all the same."""
    return slot.revision == revision and not slot.is_due


def is_told(slot: Slot, revision: Revision) -> bool:
    """Whether its process runs this code but for light files, so that a signal is enough."""
    return has_same_code(slot.revision, revision) and not slot.is_due


@dataclass(frozen=True, slots=True)
class Pool:
    """The slots of one target, seen by a rollout of one revision that began at a time."""

    slots: tuple[Slot, ...]
    revision: Revision
    began: float

    def _where(self, matching: Iterable[bool]) -> tuple[Slot, ...]:
        return tuple(slot for slot, matches in zip(self.slots, matching, strict=True) if matches)

    @property
    def ready(self) -> tuple[Slot, ...]:
        """May receive work, whatever code they run."""
        return self._where(slot.phase is Phase.READY for slot in self.slots)

    @property
    def ready_old(self) -> tuple[Slot, ...]:
        """May receive work, on other code than the rollout's."""
        return self._where(s.phase is Phase.READY and not runs(s, self.revision) for s in self.slots)

    @property
    def ready_told(self) -> tuple[Slot, ...]:
        """Of ready_old, those on the rollout's code but for light files: a signal is enough for them."""
        return tuple(slot for slot in self.ready_old if is_told(slot, self.revision))

    @property
    def ready_other(self) -> tuple[Slot, ...]:
        """Of ready_old, those that must be replaced."""
        return tuple(slot for slot in self.ready_old if not is_told(slot, self.revision))

    @property
    def ready_new(self) -> tuple[Slot, ...]:
        """May receive work, on the rollout's code."""
        return self._where(s.phase is Phase.READY and runs(s, self.revision) for s in self.slots)

    @property
    def booting(self) -> tuple[Slot, ...]:
        """On the way to READY on the rollout's code."""
        return self._where(s.phase.is_booting and runs(s, self.revision) for s in self.slots)

    @property
    def reloading(self) -> tuple[Slot, ...]:
        """Signalled for light files that changed again since: to be signalled again when they are ready."""
        return self._where(
            s.is_reloading and not runs(s, self.revision) and is_told(s, self.revision) for s in self.slots
        )

    @property
    def _not_ready(self) -> tuple[Slot, ...]:
        """Up, not on the rollout's code (or it failed there before), and not known to be ready."""
        return self._where(
            (s.phase.is_booting and not runs(s, self.revision) and s not in self.reloading)
            or (s.phase is Phase.FAILED and s.is_live and s not in self.failed)
            for s in self.slots
        )

    @property
    def stale_boots(self) -> tuple[Slot, ...]:
        """Booting code that nobody wants any more: no loss to replace it."""
        return tuple(s for s in self._not_ready if s.state is not ProcessState.RUNNING)

    @property
    def unproven(self) -> tuple[Slot, ...]:
        """RUNNING on other code and never seen ready: found so, or the probe can't pass. Youngest first.

        They may be serving all the same, so they count as if they were when something is taken down.
        """
        running = (s for s in self._not_ready if s.state is ProcessState.RUNNING)
        return tuple(sorted(running, key=lambda slot: -slot.began))

    @property
    def owed(self) -> tuple[Slot, ...]:
        """Have, or will have, no process because of us; each will be started."""
        return self._where(
            (s.phase is Phase.VACANT or (s.phase.is_leaving and not s.is_retiring)) and not s.is_by_hand
            for s in self.slots
        )

    @property
    def failed(self) -> tuple[Slot, ...]:
        """Failed in this rollout: on its code, by not leaving, or by a fall that we only heard of."""
        return self._where(
            (
                s.phase is Phase.FAILED
                and s.since >= self.began
                and (runs(s, self.revision) or s.state is ProcessState.STOPPING)
            )
            or (s.fell_at >= self.began and s.fell_on == self.revision)
            for s in self.slots
        )

    @property
    def retried(self) -> tuple[Slot, ...]:
        """Failed, not on the rollout's code, and supervisord is about to try again (BACKOFF)."""
        return self._where(
            s.phase is Phase.FAILED and s.state is ProcessState.BACKOFF and s not in self.failed
            for s in self.slots
        )

    @property
    def fallen(self) -> tuple[Slot, ...]:
        """Failed, not on the rollout's code, without a process: FATAL, EXITED. A good save revives them."""
        return self._where(
            s.phase is Phase.FAILED
            and not s.state.has_process
            and s.state is not ProcessState.BACKOFF
            and s not in self.failed
            for s in self.slots
        )

    @property
    def spare(self) -> tuple[Slot, ...]:
        """Free for a new process beside the old ones."""
        return self._where(s.phase is Phase.SPARE and not s.is_by_hand for s in self.slots)

    @property
    def stopped_by_hand(self) -> tuple[Slot, ...]:
        """An operator stopped them since the rollout began."""
        return self._where(s.is_by_hand and s.since >= self.began for s in self.slots)

    @property
    def in_use(self) -> tuple[Slot, ...]:
        """Filled, or meant to be: neither spare nor stopped by hand."""
        return self._where(s.phase is not Phase.SPARE and not s.is_by_hand for s in self.slots)

    def wanted(self, settings: TargetSettings) -> int:
        """How many ready slots there should be: ``replicas``, less those that were stopped by hand."""
        if not self.in_use:
            return 0
        if settings.has_spare:
            return max(1, settings.replicas - sum(slot.is_by_hand for slot in self.slots))
        return min(settings.replicas, len(self.in_use))

    def has_room(self, wanted: int) -> bool:
        """Whether a slot is, or was, free for a successor: not when the others were stopped by hand."""
        return bool(self.spare) or len(self.in_use) > wanted

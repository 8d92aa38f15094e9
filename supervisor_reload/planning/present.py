"""A target as it stands now: as the journal tells it, or as it would be with all well where none does.

It reads what others wrote; nothing of it is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.memory import HEALTH, TARGET
from ..core.model import LIGHT, ProcessState, Record, Revision, TargetSettings
from ..core.phase import Phase
from ..core.recall import Recollection, recall
from ..core.target import Target
from ..edges.clock import monotonic
from ..showing.place import Place, Unknown
from ..showing.reading import look

ON_DISK = Revision(f"on disk{LIGHT}now")
"""what lies on disk, where nobody has read it"""

SUPPOSED = "nothing is known of it, so it is supposed that all is well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is known, and how sure it is."""

    records: Mapping[str, Record]
    at: float
    """the moment of which they tell (monotonic seconds)"""
    doubt: str = ""
    """why it is not for sure that things are so now, as a sentence; '' where it is"""

    def target(self, settings: TargetSettings) -> Target:
        """One target, made anew."""
        if TARGET + settings.name not in self.records:
            return _assumed(settings)
        return recall(settings, Recollection(records=self.records, is_same_life=True), self.at)

    def disk(self, settings: TargetSettings) -> Revision:
        """What lies on disk."""
        intake = self.target(settings).intake
        return intake.disk_before or intake.accepted or ON_DISK

    def is_known(self, name: str) -> bool:
        """Whether the journal tells of this target."""
        return TARGET + name in self.records

    @property
    def obstacle(self) -> str:
        """Why the listener would begin nothing now; '' where it would."""
        told = self.records.get(HEALTH, {}).get("obstacle", "")
        return told if isinstance(told, str) else ""


def present(place: Place) -> Present:
    """Look at it. Nothing that is missing is an error: a plan is wanted before anything runs, too."""
    try:
        reading = look(place)
    except Unknown:
        return Present(records={}, at=monotonic(), doubt=SUPPOSED)
    if reading.at is None:
        doubt = f"{SUPPOSED} (this machine was started anew since anything was known)"
        return Present(records={}, at=monotonic(), doubt=doubt)
    doubt = "" if reading.is_current else "the listener is down: as it was last known"
    return Present(records=reading.records, at=reading.at, doubt=doubt)


def _assumed(settings: TargetSettings) -> Target:
    """As many processes as replicas serve what is on disk, and the surplus has been retired."""
    target = Target.of(settings)
    target.is_trimmed = True
    for number, (name, slot) in enumerate(target.slots.items()):
        pid = 2**31 + number  # no process has it
        running = replace(slot, state=ProcessState.RUNNING, phase=Phase.READY, pid=pid, revision=ON_DISK)
        stopped = replace(slot, state=ProcessState.STOPPED)
        target.slots[name] = running if number < settings.replicas else stopped
    return target

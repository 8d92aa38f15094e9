"""Turns a running target to changed settings: what is known of its processes is kept, and none is touched.

Where other files are watched than before, the same code has another revision. So the files are read once by
the new rules while the old ones still hold, and what ran the old revision is said to run the new one, unless
a file changed meanwhile. It never decides when (``reconfiguring`` does), and never reads a file itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .adoption import events_come
from .configuration import group_of, sees_the_same
from .facts import ChangeKind, FileChanged, GitHeld, RevisionComputed, RevisionFailed
from .filters import Filter
from .gathering import Gathering
from .intake import Goal, Intake
from .model import ObserverKind, ProcessState, Revision, SlotName, SlotSettings, TargetSettings
from .moves import Moves
from .orders import Order
from .phase import Phase
from .slot import Slot
from .taking import follow
from .target import Target

READ_LIMIT = 120.0
"""Seconds for the reading by the new rules; then the change is taken over as if files had changed."""


def is_at_rest(target: Target) -> bool:
    """Whether nothing is under way that was begun by the settings that hold."""
    intake = target.intake
    is_reading = not intake.is_quiet and not intake.gathering.unreadable
    if target.rollout is not None or is_reading or intake.checking is not None:
        return False
    return not any(
        slot.phase.is_leaving or slot.phase in (Phase.STARTING, Phase.VACANT)
        for slot in target.slots.values()
    )


@dataclass(slots=True)
class Ahead:
    """The reading by the new rules, and what is heard meanwhile. Times are monotonic seconds."""

    settings: TargetSettings
    ends_at: float
    revision: Revision | None = None
    changes: list[FileChanged] = field(default_factory=list)
    """of files that count by the new rules; the old eyes tell of others, too"""

    def take(self, fact: FileChanged | GitHeld | RevisionComputed | RevisionFailed, now: float) -> None:
        """Take a fact about the target's files."""
        if isinstance(fact, FileChanged):
            if _counts(fact, self.settings):
                self.changes.append(fact)
        elif isinstance(fact, RevisionFailed):
            self.ends_at = now
        elif isinstance(fact, RevisionComputed) and self.revision is None:
            watch = self.settings.watch
            is_native = watch.observer is ObserverKind.NATIVE
            self.revision = fact.revision
            self.ends_at = now + events_come(watch, is_native=is_native)

    def is_over(self, now: float) -> bool:
        """Whether everything was heard that can have happened before the reading."""
        return now >= self.ends_at or (self.revision is not None and bool(self.changes))

    def translation(self, intake: Intake) -> Revision | None:
        """What the code that runs is called by the new rules; None where that can't be said."""
        return self.revision if intake.is_settled and not self.changes else None


def _counts(fact: FileChanged, settings: TargetSettings) -> bool:
    """Whether a change is one by these rules, as far as names tell."""
    if fact.kind is ChangeKind.RESCAN:
        return True
    for path in settings.watch.paths:
        if fact.path == path:
            return True
        if fact.path.startswith(path.rstrip("/") + "/"):
            relative = fact.path[len(path.rstrip("/")) + 1 :]
            return Filter(settings.watch).file_is_watched(relative)
    return settings.watch.follow_symlinks  # it may be behind a link


def turned(
    former: Target, settings: TargetSettings, now: float, ahead: Ahead | None
) -> tuple[Target, list[Order]]:
    """The target by its new settings, with everything that is known of it, and what follows at once."""
    old = former.settings
    slots = {slot.name: _slot(former.slots.get(slot.name), slot, now) for slot in settings.slots}
    target = replace(former, settings=settings, slots=slots, is_waiting=False)
    target.restraint = replace(former.restraint, settings=settings)
    if replace(old, watch=settings.watch) != settings:
        # it may have failed for what changed: one more try
        target.restraint.failures = min(1, target.restraint.failures)
        target.restraint.is_held, target.restraint.retry_at = False, None
    numbers = (settings.replicas, settings.max_surge, settings.slots)
    target.is_trimmed = former.is_trimmed and numbers == (old.replicas, old.max_surge, old.slots)
    orders = _see(target, former.intake, now, ahead)
    for slot in target.slots.values():
        orders += follow(Slot(settings=slot.settings), slot)  # whoever asked before is closed
    return target, [*orders, *_fill(target, old.replicas, now)]


def _slot(former: Slot | None, settings: SlotSettings, now: float) -> Slot:
    """A slot by its new settings; one that failed by the old way to be ready is asked again."""
    if former is None:
        return Slot(settings=settings)
    slot = replace(former, settings=settings)
    if former.settings.ready == settings.ready or slot.phase is not Phase.FAILED or not slot.is_live:
        return slot
    return slot.enter(Phase.PROBING, now, limit=settings.ready.timeout, look_at=now)


def _see(target: Target, intake: Intake, now: float, ahead: Ahead | None) -> list[Order]:
    """Turn the files: keep what was read, or have it read by the new rules."""
    settings = target.settings
    target.intake = replace(intake, settings=settings)
    if settings.reactions.run_on != intake.settings.reactions.run_on:
        target.intake.preparation = replace(intake.preparation, owed=set())
    if sees_the_same(intake.settings, settings):
        gathering = target.intake.gathering = replace(intake.gathering, settings=settings)
        interval = settings.watch.rescan_interval
        gathering.rescan_at = now + interval if interval else None
        if settings.check != intake.settings.check and intake.rejected is not None:
            target.intake.rejected = None
            gathering.read_at = now  # the new check may let it through
        return []
    target.intake.gathering = Gathering(settings=settings)  # which reads everything, also what came since
    translation = None if ahead is None else ahead.translation(intake)
    if translation is not None and intake.goal is not None:
        _translate(target, intake.goal, translation)
        return []
    target.intake.rejected = None
    changes = [] if ahead is None else ahead.changes
    target.intake.changed = intake.changed | {fact.path for fact in changes}
    return [order for fact in changes for order in target.take(fact, now)]


def _translate(target: Target, goal: Goal, revision: Revision) -> None:
    """The same code has another name now, wherever it is named."""
    intake = target.intake
    intake.disk = intake.accepted = revision
    intake.rejected, intake.goal = None, replace(goal, revision=revision)
    if target.restraint.seen == goal.revision:
        target.restraint.seen = revision
    if target.unserved == goal.revision:
        target.unserved = revision

    def named(one: Revision | None) -> Revision | None:
        return revision if one == goal.revision else one

    target.slots = {
        name: replace(
            slot,
            revision=named(slot.revision),
            former_revision=named(slot.former_revision),
            fell_on=named(slot.fell_on),
        )
        for name, slot in target.slots.items()
    }


def _fill(target: Target, before: int, now: float) -> list[Order]:
    """More replicas than before are started from spare slots; fewer are the next ``trim``'s.

    Only where as many ran as should: what nobody started is not started by a change of a number.
    """
    slots = target.slots.values()
    in_use = sum(slot.phase is not Phase.SPARE or slot.is_by_hand for slot in slots)
    spare = [slot for slot in slots if _is_spare(slot)]
    moves = Moves.of(slots)
    missing = target.settings.replicas - in_use if in_use >= before else 0
    for slot in spare[: max(0, missing)]:
        moves.start(slot, now, target.intake.on_disk)
    target.slots = moves.slots
    return moves.orders


def _is_spare(slot: Slot) -> bool:
    """Known to be empty, and not by an operator's hand."""
    is_known = slot.state is not ProcessState.UNKNOWN
    return slot.phase is Phase.SPARE and not slot.is_by_hand and not slot.state.is_up and is_known


def emptied(target: Target, group: str, now: float) -> Moves:
    """Take the processes of a group out of service, as the target says."""
    moves = Moves.of(target.slots.values())
    for slot in target.slots.values():
        is_there = slot.state.has_process or slot.state is ProcessState.BACKOFF
        is_free = slot.phase is not Phase.SPARE and not slot.phase.is_leaving
        if group_of(slot.name) == group and is_there and is_free:
            moves.leave(slot, now, target.settings, retiring=True)
    return moves


def refilled(target: Target, group: str) -> None:
    """A group was put in anew: whatever is found in its slots now was started by supervisord."""
    target.is_trimmed = False
    for name, slot in target.slots.items():
        if group_of(name) == group:
            target.slots[name] = Slot(settings=slot.settings, state=ProcessState.STOPPED)


def coming(target: Target) -> set[SlotName]:
    """The slots that are on their way out or in: whatever they will be is the target's own doing."""
    own = (Phase.VACANT, Phase.STARTING)
    return {
        slot.name
        for slot in target.slots.values()
        if slot.phase in own or (slot.phase.is_leaving and not slot.is_retiring)
    }


def brought_back(target: Target, names: set[SlotName], now: float) -> Moves:
    """Start again what was taken out of service for nothing, or have it started once it has gone."""
    moves = Moves.of(target.slots.values())
    for slot in target.slots.values():
        if slot.name not in names or slot.is_by_hand:
            continue
        if slot.phase.is_leaving:
            moves.slots[slot.name] = replace(slot, is_retiring=False)
        elif slot.phase is Phase.SPARE:
            moves.start(slot, now, target.intake.on_disk)
    return moves

"""The life of one slot: what a probe, an exit, a refusal or the passing of time makes of it.

A slot is one supervisor process as a rollout sees it; it outlives the pids that fill it. Nothing here
chooses which slot is replaced when (that is ``rollout``), and nothing here knows of files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .model import UNKNOWN, ProcessState, Revision, SlotName, SlotSettings
from .phase import TRANSITIONS, Phase

MIN_AGE = 0.05
"""Seconds: a TERM to a younger process can be swallowed between fork and exec (FACTS: 8 of 40)."""

LOOK_INTERVAL = 0.25
"""Seconds between two looks at a slot on its way; a look also wakes supervisord's loop (up to 1 s)."""

LONGEST_SOAK = 60.0
"""Seconds: however often a process fell, its successor counts as ready after this time."""

KILL_MARGIN = 5.0
"""Seconds after stopwaitsecs, when supervisord has sent KILL, until a slot counts as stuck."""

LAST_LOOK = 2 * LOOK_INTERVAL
"""Seconds before supervisord's KILL, when it is counted what that will cut."""

CALM_FALLS = 3
"""Falls of one revision in a slot, from which on its end is nothing to hurry for."""

RESTART_WINDOW = 3.0
"""Seconds after an exit within which supervisord's autorestart starts the next process (FACTS: 1 to 2 s)."""

REAP_INTERVAL = 0.01
"""Seconds between two looks at a process that the kernel has seen end and supervisord has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot, as far as we know. Times are monotonic seconds."""

    settings: SlotSettings
    phase: Phase = Phase.SPARE
    since: float = 0.0
    """when the phase began"""
    deadline: float | None = None
    """when the phase has lasted too long"""
    look_at: float | None = None
    """when to ask supervisord again, although it said nothing"""
    state: ProcessState = ProcessState.UNKNOWN
    pid: int = 0
    born: str = ""
    """what no other process of this pid has; '' where that is not known"""
    started: float | None = None
    """when the process was started, as the kernel says; None where it does not"""
    signalled_pid: int = 0
    """the pid that got the graceful signal; it never gets a second one (celery: "kill the tasks")"""
    quiesced_pid: int = 0
    """the pid that was asked to take no new work; it is never asked twice"""
    told_pid: int = 0
    """the pid that was signalled to read its files again, when it was ready"""
    is_unanswered: bool = False
    """nobody knows yet whether the signal reached the process of told_pid: never claim so, never send two"""
    dead_pid: int = 0
    """a pid that the kernel has seen end; supervisord may still call it RUNNING"""
    began: float = 0.0
    """when the process was started, or first seen"""
    revision: Revision | None = None
    """what the process was started on; None where the files were changing"""
    soak: float = 0.0
    """seconds for which it must stay ready"""
    is_asked: bool = False
    """while leaving: supervisord was ordered to signal or stop it"""
    is_drained: bool = False
    """while DRAINING: its work is done, or had its time"""
    is_overdue: bool = False
    """while STOPPING: supervisord is about to kill it"""
    is_retiring: bool = False
    """while leaving: surplus, not to be started again"""
    is_retired: bool = False
    """while SPARE: its process ended by itself on its way out, so autorestart may fill the slot again"""
    is_surplus: bool = False
    """its process is autorestart's, in a slot that was to be empty"""
    is_surge: bool = False
    """started beside the old ones, from a spare slot"""
    is_started_by_hand: bool = False
    """somebody started its process: neither we nor supervisord would have, out of STOPPED or FATAL"""
    is_due: bool = False
    """an operator wants its process replaced, whatever it runs"""
    is_by_hand: bool = False
    """somebody stopped it; it stays stopped until somebody starts it"""
    former_pid: int = 0
    former_revision: Revision | None = None
    """the process before this one, which may turn out to have fallen"""
    fell_at: float = 0.0
    fell_on: Revision | None = None
    """when a process that we had not asked to leave ended, and on which code"""
    falls: int = 0
    """of processes on this slot's revision; each doubles the time for which the next must stay ready"""
    reason: str = ""
    """why it FAILED; while PROBING, the newest answer of the probe; while DRAINING, what is not done yet"""

    @property
    def name(self) -> SlotName:
        """``group:process``"""
        return self.settings.name

    @property
    def began_at(self) -> float:
        """When its process was started, or told to reload itself, as well as anybody can tell."""
        if self.started is None or self.told_pid == self.pid:
            return self.began
        return min(self.started, self.began)

    @property
    def is_live(self) -> bool:
        """Whether a process fills it that is not on its way out."""
        return self.state.is_up and self.pid != self.dead_pid and not self.phase.is_leaving

    def enter(self, phase: Phase, now: float, *, limit: float | None = None, **changes: object) -> Slot:
        """Change the phase; ``limit`` in seconds."""
        assert phase in TRANSITIONS[self.phase], f"{self.name}: {self.phase} -> {phase}"
        deadline = None if limit is None else now + limit
        fresh = {**_FRESH, **changes}
        return replace(self, phase=phase, since=now, deadline=deadline, **fresh)  # type: ignore[arg-type]

    @property
    def is_reloading(self) -> bool:
        """Whether its process reads its files again, and serves meanwhile, as far as anybody knows."""
        return self.phase.is_booting and self.pid == self.told_pid != 0

    @property
    def is_measured(self) -> bool:
        """While DRAINING: whether its work is looked at from outside, before it gets the stop signal."""
        return self.settings.drain.is_measured and not self.is_asked

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes this slot, or asks for a look."""
        times = [at for at in (self.deadline, self.look_at) if at is not None]
        if self.phase is Phase.SOAKING and self.state is ProcessState.RUNNING:
            times.append(self.since + self.soak)
        if self.phase is Phase.STOPPING and self.deadline is not None and not self.is_overdue:
            times.append(self.deadline - KILL_MARGIN - LAST_LOOK)
        return min(times, default=None)


_FRESH: dict[str, object] = {
    **dict.fromkeys(("is_asked", "is_drained", "is_overdue", "is_retired", "is_retiring"), False),
    **{"reason": "", "look_at": None},
}
"""what belongs to one phase only"""


def miss(slot: Slot, now: float) -> Slot:
    """supervisord does not know the slot (any more): somebody removed its program."""
    slot = replace(slot, state=ProcessState.UNKNOWN, pid=0, look_at=None)
    if slot.phase is Phase.SPARE:
        return replace(slot, is_by_hand=True)
    return slot.enter(Phase.SPARE, now, is_by_hand=True)


def fall(slot: Slot, pid: int, now: float) -> Slot:
    """A process ended that nobody had asked to; autorestart may have started the next one already."""
    if pid in (slot.signalled_pid, slot.quiesced_pid) or pid not in (slot.pid, slot.former_pid):
        return slot
    fell_on = slot.revision if pid == slot.pid else slot.former_revision
    falls = slot.falls + 1 if fell_on == slot.revision else 1
    slot = replace(slot, fell_at=now, fell_on=fell_on, falls=falls, former_pid=0)
    if pid == slot.pid or not slot.phase.is_booting:
        return slot
    soak = soak_after(slot, falls)
    deadline = None if slot.deadline is None else slot.deadline + soak - slot.soak
    return replace(slot, soak=soak, deadline=deadline)


def soak_after(slot: Slot, falls: int) -> float:
    """Seconds for which the next process must stay ready: a crash loop looks ready between two falls."""
    return max(slot.settings.ready.min_ready, min(LONGEST_SOAK, 2.0**falls) if falls else 0.0)


def relabel(slot: Slot, revision: Revision) -> Slot:
    """It turned out which code the process was started on."""
    return replace(slot, revision=revision)


def hear_sent(slot: Slot, pid: int) -> Slot:
    """supervisord passed a signal on."""
    return replace(slot, is_unanswered=False) if pid == slot.told_pid else slot


def end_process(slot: Slot, pid: int, now: float) -> Slot:
    """The kernel told that a process ended."""
    if pid != slot.pid:
        return slot
    return replace(slot, dead_pid=pid, look_at=next_look(slot, now))


def next_look(slot: Slot, now: float) -> float:
    """When to look at a slot of which something was heard: at once, but not at a crash loop.

    A look wakes supervisord, which then starts the next process at once, where it would wait for up to 1 s;
    with startsecs=0 it has no back-off of its own (14 boots a second were measured).
    """
    if slot.falls < CALM_FALLS or slot.phase.is_leaving:
        return now
    return now + min(1.0, 0.05 * 2.0**slot.falls)


def pass_probe(slot: Slot, now: float) -> Slot:
    """The slot's very process answered its probe; not, if it may not have been told yet to reload itself."""
    if slot.phase is not Phase.PROBING or slot.is_unanswered:
        return slot
    limit = (_remaining(slot, now) or 0.0) + slot.soak
    return elapse(slot.enter(Phase.SOAKING, now, limit=limit, look_at=slot.look_at), now)


def fail_probe(slot: Slot, detail: str, now: float) -> Slot:
    """The slot's process did not answer as it should, this time."""
    if slot.phase is Phase.SOAKING:
        # the soak was granted on top; kept, a probe that passes and fails in turn would go on for ever
        limit = max(0.0, (_remaining(slot, now) or 0.0) - slot.soak)
        slot = slot.enter(Phase.PROBING, now, limit=limit, look_at=slot.look_at)
    return replace(slot, reason=detail) if slot.phase is Phase.PROBING else slot


def finish_work(slot: Slot) -> Slot:
    """The in-flight work of the slot's very process is done."""
    if slot.phase is not Phase.DRAINING or slot.is_drained:
        return slot
    return replace(slot, is_drained=True, reason="")


def await_work(slot: Slot, detail: str) -> Slot:
    """It is not done yet, as far as anybody can tell."""
    if slot.phase is not Phase.DRAINING or slot.is_drained:
        return slot
    return replace(slot, reason=detail)


def _remaining(slot: Slot, now: float) -> float | None:
    return None if slot.deadline is None else max(0.0, slot.deadline - now)


def refuse(slot: Slot, code: str, message: str, now: float) -> Slot:
    """supervisord refused an order about this slot, or to tell of it."""
    if code == "BAD_NAME":
        return miss(slot, now)
    if code != "UNANSWERED":
        slot = replace(slot, is_unanswered=False)  # it never reached the process
    if code == "NOT_RUNNING" and slot.phase is Phase.STOPPING:
        # not our stop then: it ended by itself, or an operator was first; the next look tells which
        reason = "ended before it was stopped"
        return slot.enter(Phase.FAILED, now, revision=UNKNOWN, look_at=now, reason=reason)
    if code in ("ALREADY_STARTED", "NOT_RUNNING"):
        return replace(slot, look_at=now)
    if code in ("UNAVAILABLE", "UNANSWERED"):
        return _pause(slot, code, message, now)
    if slot.phase in (Phase.STARTING, Phase.PROBING):
        # while PROBING only the signal to reload itself is ordered: the process may run the old code still
        return slot.enter(Phase.FAILED, now, reason=message)
    return replace(slot, look_at=now + LOOK_INTERVAL)


def _pause(slot: Slot, code: str, message: str, now: float) -> Slot:
    """An order did not reach supervisord (UNAVAILABLE), or nobody knows (UNANSWERED): no revision's fault."""
    if slot.phase is Phase.STARTING:
        return slot.enter(Phase.VACANT, now, look_at=now)  # the next look tells whether it started
    if slot.phase is Phase.PROBING:
        return slot.enter(Phase.FAILED, now, revision=UNKNOWN, look_at=now, reason=message)
    if slot.phase in (Phase.QUIESCING, Phase.DRAINING) and code == "UNANSWERED":
        return replace(slot, look_at=now)  # it may have got its signal: never a second one
    if slot.phase is Phase.QUIESCING:
        return replace(slot, is_asked=False, quiesced_pid=0, look_at=now)
    signalled = 0 if slot.phase is Phase.DRAINING else slot.signalled_pid
    return replace(slot, is_asked=False, signalled_pid=signalled, look_at=now)


def elapse(slot: Slot, now: float) -> Slot:
    """What the time makes of a slot; QUIESCING and DRAINING are led on by ``moves.tend``."""
    running = slot.state is ProcessState.RUNNING and slot.pid != slot.dead_pid
    if slot.phase is Phase.SOAKING and running and now >= slot.since + slot.soak:
        return slot.enter(Phase.READY, now, look_at=slot.look_at)
    if slot.deadline is None or slot.phase in (Phase.QUIESCING, Phase.DRAINING):
        return slot
    if now < slot.deadline:
        about_to_be_killed = now >= slot.deadline - KILL_MARGIN - LAST_LOOK
        is_stopping = slot.phase is Phase.STOPPING and slot.is_asked
        return replace(slot, is_overdue=True) if is_stopping and about_to_be_killed else slot
    waited = f"{now - slot.since:.3g} s"
    if slot.phase is Phase.STOPPING:
        return slot.enter(Phase.FAILED, now, reason=f"did not end within {waited} of being stopped")
    if slot.phase is Phase.STARTING:
        return slot.enter(Phase.FAILED, now, reason=f"supervisord did not start it within {waited}")
    detail = f": {slot.reason}" if slot.reason else ""
    return slot.enter(Phase.FAILED, now, reason=f"not ready within {slot.settings.ready.timeout:g} s{detail}")

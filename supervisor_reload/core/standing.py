"""How everything stands at one moment, in numbers and closed sets of words: what is measured, not told.

It only looks at the state of the core and at what the journal holds; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .condition import Condition, condition
from .memory import ROLLOUT
from .model import Record
from .phase import Phase
from .records import number, text

if TYPE_CHECKING:
    from .coordinator import Coordinator
    from .target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStanding:
    """How one target stands."""

    name: str
    condition: Condition
    ready: int
    """processes that may receive work"""
    wanted: int
    """processes that should"""
    outdated: int
    """processes that are not known to run the newest code that passed its check"""
    revision: str
    """the newest code that passed its check, or was found running; '' where it is not known yet"""
    is_readable: bool
    """the watched files could be read at the last try"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How everything stands."""

    targets: tuple[TargetStanding, ...]
    is_reachable: bool
    """supervisord answers"""
    is_journaled: bool
    """the journal can be written"""
    is_configured: bool
    """the configuration in the files can be used, or is what holds"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a rollout ended."""

    outcome: str
    seconds: float
    ended: float
    """seconds since 1970"""


def standing(core: Coordinator) -> Standing:
    """How everything stands now; asked by the thread that owns the core."""
    return Standing(
        targets=tuple(_of_target(target) for target in core.targets.values()),
        is_reachable=not core.unreachable,
        is_journaled=not core.unwritten,
        is_configured=not core.reconfiguring.refused,
    )


def _of_target(target: Target) -> TargetStanding:
    goal, slots = target.intake.goal, target.slots.values()
    revision = None if goal is None else goal.revision
    running = [slot for slot in slots if slot.pid and slot.state.has_process]
    return TargetStanding(
        name=target.settings.name,
        condition=condition(target)[0],
        ready=sum(slot.phase is Phase.READY for slot in slots),
        wanted=target.settings.replicas,
        outdated=0 if revision is None else sum(slot.revision != revision for slot in running),
        revision=revision or "",
        is_readable=not target.intake.gathering.unreadable,
    )


def last_ended(records: Mapping[str, Record], outcomes: tuple[str, ...]) -> dict[str, Ended]:
    """By target: its newest rollout in the journal that ended in one of these ways."""
    found: dict[str, tuple[float, Ended]] = {}
    for key, record in records.items():
        if not key.startswith(ROLLOUT):
            continue
        target = key.removeprefix(ROLLOUT).rpartition(" ")[0]
        try:
            outcome, at = text(record.get("outcome")), number(record.get("id"))
            ended = Ended(
                outcome=outcome, seconds=number(record.get("seconds", 0.0)), ended=number(record.get("ended"))
            )
        except ValueError:
            continue  # damaged, or of another version
        if outcome in outcomes and (target not in found or found[target][0] < at):
            found[target] = at, ended
    return {target: ended for target, (_, ended) in found.items()}

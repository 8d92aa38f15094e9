"""Where a slot can stand, and every way from one phase to another: one table, drawn in docs/architecture.md.

It holds no rule about when a slot moves.
"""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """Where a slot stands."""

    SPARE = "SPARE"
    """no process, and none is wanted"""
    QUIESCING = "QUIESCING"
    """was asked to take no new work; others may still have to notice"""
    DRAINING = "DRAINING"
    """finishes its in-flight work: looked at from outside, or until it ends by itself"""
    STOPPING = "STOPPING"
    """supervisord was asked to stop it"""
    VACANT = "VACANT"
    """we took its process away: who stops must start"""
    STARTING = "STARTING"
    """supervisord was asked to start it"""
    PROBING = "PROBING"
    """a new process, not ready yet"""
    SOAKING = "SOAKING"
    """its probe passed; must stay so, and live for startsecs"""
    READY = "READY"
    """may receive work"""
    FAILED = "FAILED"
    """its process died, or did not become ready in time"""

    @property
    def is_booting(self) -> bool:
        """On the way to READY."""
        return self in (Phase.STARTING, Phase.PROBING, Phase.SOAKING)

    @property
    def is_leaving(self) -> bool:
        """On the way out, at our request."""
        return self in _LEAVING


_DOWN = {Phase.SPARE, Phase.VACANT}
_LEAVING = {Phase.QUIESCING, Phase.DRAINING, Phase.STOPPING}
_PROBING = {Phase.PROBING}
TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.SPARE: frozenset({Phase.STARTING, Phase.FAILED} | _PROBING),
    Phase.VACANT: frozenset({Phase.STARTING, Phase.SPARE, Phase.FAILED} | _PROBING),
    Phase.STARTING: frozenset({Phase.STOPPING, Phase.SPARE, Phase.VACANT, Phase.FAILED} | _PROBING),
    Phase.PROBING: frozenset({Phase.SOAKING, Phase.SPARE, Phase.FAILED} | _LEAVING | _PROBING),
    Phase.SOAKING: frozenset({Phase.READY, Phase.SPARE, Phase.FAILED} | _LEAVING | _PROBING),
    Phase.READY: frozenset({Phase.SPARE, Phase.FAILED} | _LEAVING | _PROBING),
    Phase.QUIESCING: frozenset({Phase.DRAINING, Phase.STOPPING, Phase.FAILED} | _DOWN | _PROBING),
    Phase.DRAINING: frozenset({Phase.READY, Phase.STOPPING, Phase.FAILED} | _DOWN | _PROBING),
    Phase.STOPPING: frozenset({Phase.FAILED} | _DOWN | _PROBING),
    Phase.FAILED: frozenset({Phase.STARTING, Phase.SPARE} | _LEAVING | _PROBING),
}
"""Every change of phase there is. PROBING is entered wherever a new pid shows up, whoever started it, by a
process that reloads itself, and again by one that stopped to answer while it soaked."""

"""The story of a changed configuration, line by line: what was taken over, and what an operator must do.

It only words what happened; the story of the rollouts is in ``story``.
"""

from __future__ import annotations

from collections.abc import Iterable

from .configuration import Configuration
from .orders import Story

WHOLE = "configuration"
JOURNAL = "journal"
"""stand where the others have their target's name"""


def _story(event: str, level: str = "info", **values: object) -> Story:
    return Story(target=WHOLE, event=event, level=level, values=values)


def degraded(reason: str) -> Story:
    """The journal can't be written: what we intend would die with us."""
    return Story(target=JOURNAL, event="journal failed", level="error", values={"reason": reason})


def frozen(reason: str) -> Story:
    """Nor is there room left for what the rollout in hand would do next."""
    return Story(target=JOURNAL, event="journal full", level="error", values={"reason": reason})


def mended() -> Story:
    """It can be written again."""
    return Story(target=JOURNAL, event="journal mended")


def refused(errors: Iterable[str]) -> Story:
    """It can't be used."""
    return _story("configuration refused", "warning", output="\n".join(errors))


def righted() -> Story:
    """It can be used again."""
    return _story("configuration right again")


def warned(warning: str) -> Story:
    """What works, but hardly as it was meant."""
    return _story("configuration doubted", "warning", output=warning)


def fixed(what: tuple[str, ...], configuration: Configuration) -> Story:
    """What a listener that runs can't take over."""
    remedy = f"supervisorctl restart {configuration.own_group or 'reload'}"
    if any("server" in one for one in what):
        remedy = "restart supervisord (supervisorctl reload does, with all programs)"
    return _story("restart needed", "warning", keys=", ".join(what), remedy=remedy)


def taken_over(target: str, keys: Iterable[str]) -> Story:
    """A target's settings changed."""
    return Story(target=target, event="settings taken over", values={"keys": ", ".join(keys)})


def added(target: str) -> Story:
    """There is a new target."""
    return Story(target=target, event="target added")


def removed(target: str) -> Story:
    """A target is no longer configured."""
    return Story(target=target, event="target removed")


def waits(target: str) -> Story:
    """What is under way goes first."""
    return Story(target=target, event="settings wait")


def update_wanted(groups: Iterable[str], targets: Iterable[str]) -> Story:
    """Program sections changed, and updating them is the operator's."""
    waiting = ", ".join(f"[reload:{target}]" for target in targets)
    return _story("update wanted", "warning", groups=", ".join(groups), waiting=waiting)


def own_group(group: str) -> Story:
    """Our own listener's section changed."""
    return _story("own section changed", "warning", group=group)


def update_began(group: str, verb: str) -> Story:
    """A group is being updated."""
    return _story("group update began", group=group, verb=verb)


def update_waits(group: str, targets: Iterable[str]) -> Story:
    """What is under way in its targets goes first."""
    return _story("group update waits", group=group, targets=", ".join(targets))


def update_dropped(group: str) -> Story:
    """A group is as the files say again."""
    return _story("group update dropped", group=group)


def updated(group: str, verb: str, seconds: float) -> Story:
    """supervisord runs a group as it is configured."""
    return _story("group updated", group=group, verb=verb, seconds=seconds)


def left_alone(group: str, stopped: tuple[str, ...]) -> Story:
    """Its update would start what somebody stopped."""
    return _story("group left alone", "warning", group=group, slots=stopped)


def not_emptied(group: str, slots: tuple[str, ...]) -> Story:
    """A process did not end."""
    return _story("group not emptied", "error", group=group, slots=slots)


def update_refused(group: str, message: str, pause: float) -> Story:
    """supervisord did not remove or add a group."""
    return _story("group update refused", "error", group=group, reason=message, limit=pause)


def refusal(errors: tuple[str, ...]) -> str:
    """Why what the files say is not in force, in one line; '' where it is."""
    what = "the configuration in the files is refused, and the last good one holds"
    return f"{what}: {'; '.join(errors[:2])}" if errors else ""

"""From the configuration that holds to the one in the files: what is asked, told and updated when.

Level-triggered like everything here: supervisord says which of its groups differ from the files, and each is
updated as soon as nothing is under way there. A configuration that either of us refuses changes nothing. How
one group is updated is in ``updating``, how our own settings are taken over in ``switching``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import configstory as story
from .configfacts import (
    ConfigurationRead,
    ConfigurationRefused,
    GroupRefused,
    GroupReplaced,
    GroupsChanged,
    GroupsCompared,
    RereadRefused,
)
from .configuration import Configuration, GroupSettings, fixed_between, group_of, groups_of
from .model import Process, SlotName
from .orders import Order, RereadConfiguration, Story, Tell
from .switching import Switching
from .target import Target
from .turning import is_at_rest
from .updating import LONGEST_PAUSE, PAY_AGAIN, Kind, Step, Update, down_of, kinds_of, repay, to_start

ASK_AGAIN = 10.0
"""Seconds until a supervisord that could not read its configuration is asked again."""

SOON = 0.2
"""Seconds after a group came or went until supervisord is asked what differs: an update moves several."""

ConfigurationFact = (
    ConfigurationRead
    | ConfigurationRefused
    | GroupsCompared
    | RereadRefused
    | GroupReplaced
    | GroupRefused
    | GroupsChanged
)


@dataclass(slots=True, kw_only=True)
class Reconfiguring:
    """What is wanted, and the way there. Times are monotonic seconds."""

    wanted: Configuration
    """the newest that both of us can use"""
    former: Configuration
    """the one before it"""
    switching: Switching
    seen: dict[SlotName, Process] = field(default_factory=dict)
    """by the newest look at everything"""
    pending: Configuration | None = None
    """the newest that we can use; supervisord was not asked yet"""
    has_begun: bool = False
    refused: tuple[str, ...] = ()
    reread_at: float | None = None
    outdated: dict[str, Kind] = field(default_factory=dict)
    """the groups of which supervisord runs something else than the files say"""
    settled: set[str] = field(default_factory=set)
    """groups of ``outdated`` that are left as they are until the files change"""
    update: Update | None = None
    blocking: dict[str, tuple[SlotName, ...]] = field(default_factory=dict)
    """of ``settled``: the processes that somebody stopped, which an update would start"""
    pay_at: float = 0.0
    owed: set[SlotName] = field(default_factory=set)
    """processes that an update stopped and that do not run again yet"""
    tries: int = 0
    """of updates in a row that supervisord refused"""
    retry_at: float = 0.0
    told: list[Story] = field(default_factory=list)
    """what was said once, since the files changed"""
    wants_look: bool = False
    """everything is to be looked at before the next decision"""
    is_fresh: bool = False
    """``seen`` is from after that was wanted"""

    @classmethod
    def of(
        cls, configuration: Configuration, targets: dict[str, Target], owed: Iterable[SlotName] = ()
    ) -> Reconfiguring:
        """The configuration with which we began holds."""
        switching = Switching(settings=configuration.settings, targets=targets)
        return cls(wanted=configuration, former=configuration, switching=switching, owed=set(owed))

    def take(self, fact: ConfigurationFact, now: float) -> list[Order]:
        """Take a fact about the configuration or about supervisord's groups."""
        match fact:
            case ConfigurationRead():
                return self._read(fact.configuration, now)
            case ConfigurationRefused():
                self.pending = self.reread_at = None
                return self._refuse(fact.errors)
            case GroupsCompared():
                return self._compare(fact, now)
            case RereadRefused():
                is_away = fact.code == "UNAVAILABLE"
                self.reread_at = now + (SOON if is_away else ASK_AGAIN)
                return [] if is_away or self.pending is None else self._refuse((fact.message,))
            case GroupReplaced():
                return self._finish(fact.group, now)
            case GroupRefused():
                return self._fail(fact, now)
            case GroupsChanged():
                self.reread_at = now + SOON if self.outdated else self.reread_at
                return []

    def _read(self, configuration: Configuration, now: float) -> list[Order]:
        is_first, self.has_begun = not self.has_begun and not self.refused, True
        newest = self.pending or self.wanted
        if is_first and configuration == newest and not configuration.settings.reload_config:
            return []  # it was only made sure that nothing changed since we began
        self.pending, self.reread_at = configuration, now
        fresh = (warning for warning in configuration.warnings if warning not in newest.warnings)
        told = [story.warned(warning) for warning in fresh]
        fixed = fixed_between(newest, configuration)
        return [Tell(story=one) for one in (*told, *([story.fixed(fixed, configuration)] if fixed else []))]

    def _refuse(self, errors: tuple[str, ...]) -> list[Order]:
        if errors == self.refused:
            return []
        self.refused = errors
        return [Tell(story=story.refused(errors))]

    def observe(self, processes: tuple[Process, ...]) -> None:
        """supervisord listed all its processes."""
        self.seen = {process.name: process for process in processes}
        self.is_fresh, self.wants_look = True, False
        for group, names in tuple(self.blocking.items()):
            if names and not down_of(names, self.seen):
                del self.blocking[group]  # somebody started what stood in the way
                self.settled.discard(group)

    def _compare(self, fact: GroupsCompared, now: float) -> list[Order]:
        orders: list[Order] = []
        if self.pending is not None:
            if self.refused:
                orders.append(Tell(story=story.righted()))
            self.former, self.wanted, self.pending = self.wanted, self.pending, None
            self.refused = ()
            self.settled.clear()
            self.blocking.clear()
            self.told.clear()
            self.tries, self.retry_at = 0, 0.0
        self._look()  # and decide again
        self.outdated = kinds_of(fact)
        update = self.update
        if update is not None and update.group not in self.outdated:
            # the files are what they were, or somebody else was faster
            self.update = None
            orders += update.bring_back(self._targets_of(update.group), now)
            orders.append(Tell(story=story.update_dropped(update.group)))
        return [*orders, *self._tell_outdated()]

    def _tell_outdated(self) -> list[Order]:
        own = self.wanted.own_group
        orders = self._tell(story.own_group(own)) if own in self.outdated else []
        others = [group for group in self.outdated if group != own]
        if others and not self.wanted.settings.reload_config:
            changes = self.switching.differing(self.wanted.settings)
            waiting = [name for name, change in changes.items() if groups_of(*change) & self.outdated.keys()]
            orders += self._tell(story.update_wanted(others, waiting))
        return orders

    def _finish(self, group: str, now: float) -> list[Order]:
        update, self.update = self.update, None
        self.outdated.pop(group, None)
        self.tries = 0
        self._look()
        self.owed = {name for name in self.owed if group_of(name) != group}
        assert update is not None
        return update.finish(self._targets_of(group), now)

    def _fail(self, fact: GroupRefused, now: float) -> list[Order]:
        if self.update is None or fact.code == "STILL_RUNNING":
            return []  # somebody started a process in between: it is looked at again, until the deadline
        self.update = None
        self.tries += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self.tries - 1))
        self.reread_at = self.retry_at = now + pause
        told = story.update_refused(fact.group, fact.message, pause)
        return [Tell(story=told)] if self.tries == 1 else []

    def decide(self, now: float) -> list[Order]:
        """What is to be done now; called before the targets decide."""
        if self.reread_at is not None and now >= self.reread_at:
            self.reread_at = None
            return [RereadConfiguration()]  # and nothing that its answer may contradict
        for target in self.switching.targets.values():
            target.is_waiting = False
        if self.pending is not None and self.update is None:
            return []  # supervisord's word on it comes first
        orders = [*self._pay(now), *self._update(now)]
        return [*orders, *self.switching.decide(self.wanted.settings, self.outdated, now)]

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes something."""
        times = [self.reread_at, self.switching.wakes_at, self.update and self.update.look_at]
        if self.update is None and self.outdated.keys() - self.settled:
            times.append(self.retry_at)
        if self.update is None and self.owed:
            times.append(self.pay_at)
        return min((at for at in times if at), default=None)

    def _update(self, now: float) -> list[Order]:
        """Begin an update, or lead it on."""
        if self.update is None and self.wanted.settings.reload_config and now >= self.retry_at:
            return self._begin(now)
        if self.update is None:
            return []
        targets = self._targets_of(self.update.group)
        for target in targets:
            target.is_waiting = True
        if now < self.update.look_at:
            return []
        if not self.is_fresh:
            self.wants_look = True
            return []
        self.is_fresh = False
        if self.update.step is Step.LOOKING:
            former = self._former(self.update.group)
            orders = self.update.begin(targets, self.seen, self.owed, former, now)
            self.owed |= self.update.were_up
        else:
            orders = self.update.go_on(
                targets, self.seen, to_start(self.wanted.group(self.update.group), self.owed), now
            )
        self.wants_look |= self.update.look_at <= now
        if self.update.step is Step.OVER:
            self._leave_alone(self.update)
        return orders

    def _former(self, group: str) -> GroupSettings:
        found = self.former.group(group)
        return found if found.processes else self.wanted.group(group)  # it was edited before we began

    def _leave_alone(self, update: Update) -> None:
        """Until the files change, or what stood in the way was started."""
        self.settled.add(update.group)
        self.blocking[update.group] = update.blocking
        self.update = None

    def _pay(self, now: float) -> list[Order]:
        """Start what we stopped for an update that came to nothing, also before we were killed.

        It is owed until it was seen to run, or to be tried by supervisord.
        """
        going_on = self.outdated.keys() - self.settled if self.wanted.settings.reload_config else set()
        due = {name for name in self.owed if group_of(name) not in going_on}
        if self.update is not None or not self.has_begun or not due or now < self.pay_at:
            return []
        if not self.is_fresh:
            self.wants_look = True
            return []
        self.is_fresh, self.pay_at = False, now + PAY_AGAIN
        orders, still = repay(due, self.seen, self.switching.targets.values())
        self.owed -= due - still
        return orders

    def _look(self) -> None:
        self.wants_look, self.is_fresh = True, False

    def _begin(self, now: float) -> list[Order]:
        """Choose a group in whose targets nothing is under way; the others begin nothing new."""
        orders: list[Order] = []
        for group, kind in self.outdated.items():
            if group in self.settled or group == self.wanted.own_group:
                continue
            targets = self._targets_of(group)
            for target in targets:
                target.is_waiting = True
            busy = [target.settings.name for target in targets if not is_at_rest(target)]
            if not busy and self.update is None:
                self.update = Update(group=group, kind=kind, began=now, look_at=now, is_retry=self.tries > 0)
                self._look()
            elif busy:
                orders += self._tell(story.update_waits(group, busy))
        return orders

    def _targets_of(self, group: str) -> list[Target]:
        targets = self.switching.targets.values()
        return [target for target in targets if group in groups_of(target.settings)]

    def _tell(self, told: Story) -> list[Order]:
        """Say it once for each change of the files."""
        if told in self.told:
            return []
        self.told.append(told)
        return [Tell(story=told)]

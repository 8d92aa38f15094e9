"""From the settings that hold to those that are wanted, target by target, as soon as nothing is under way.

It restarts nothing: a target that is unchanged notices nothing, one that changed keeps what is known of it.
How one target is turned is in ``turning``; whether supervisord has the groups for it is ``reconfiguring``'s.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from . import configstory as story
from .configuration import groups_of, keys_between, sees_the_same
from .facts import FileChanged, GitHeld, RevisionComputed, RevisionFailed, SeenBy
from .model import Settings, TargetSettings
from .orders import DropEyes, Order, PrepareEyes, TakeOver, Tell
from .target import Target
from .turning import READ_LIMIT, Ahead, is_at_rest, turned

FileFact = FileChanged | GitHeld | RevisionComputed | RevisionFailed
Change = tuple["TargetSettings | None", "TargetSettings | None"]
"""The settings that hold and those that are wanted; None where there is no such target."""


@dataclass(slots=True, kw_only=True)
class Switching:
    """The targets and the settings that hold for each."""

    settings: Settings
    targets: dict[str, Target]
    ahead: dict[str, Ahead] = field(default_factory=dict)
    """targets whose files are just read by new rules; they decide nothing meanwhile"""
    reopened: set[str] = field(default_factory=set)
    """targets whose eyes were opened in the place of others"""
    told: set[str] = field(default_factory=set)
    """targets of which was said that their new settings wait"""

    @property
    def wakes_at(self) -> float | None:
        """When time alone changes something (monotonic seconds)."""
        return min((ahead.ends_at for ahead in self.ahead.values()), default=None)

    def differing(self, wanted: Settings) -> dict[str, Change]:
        """By name: the targets that are not as they are wanted."""
        old = {target.name: target for target in self.settings.targets}
        new = {target.name: target for target in wanted.targets}
        names = dict.fromkeys((*old, *new))
        return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}

    def sift(self, seen: FileFact | SeenBy, now: float) -> FileFact | None:
        """A fact about files, if it is one by the rules that hold; what the new rules need is taken from it.

        Facts of eyes that were closed may come late; a revision by other rules would be a wrong name.
        """
        fact = seen.fact if isinstance(seen, SeenBy) else seen
        by = seen.settings if isinstance(seen, SeenBy) else None
        ahead = self.ahead.get(fact.target)
        if ahead is not None:
            if isinstance(fact, FileChanged) or by == ahead.settings:
                ahead.take(fact, now)
            return None
        target = self.targets.get(fact.target)
        if target is None or (by is None and fact.target in self.reopened):
            return None
        return fact if by is None or sees_the_same(by, target.settings) else None

    def decide(self, wanted: Settings, outdated: Collection[str], now: float) -> list[Order]:
        """Turn what can be turned now; targets of ``outdated`` groups wait for supervisord."""
        changes = {
            name: change
            for name, change in self.differing(wanted).items()
            if not groups_of(*change) & set(outdated)
        }
        orders = self._drop(changes, now)
        ready: dict[str, Change] = {}
        for name, change in changes.items():
            waiting = self._prepare(name, change, now)
            if waiting is None:
                ready[name] = change
            else:
                orders += waiting
        ready = self._without_conflicts(ready)
        if ready or _own(wanted) != _own(self.settings):
            orders += self._switch(wanted, ready, now)
        return orders

    def _drop(self, changes: dict[str, Change], now: float) -> list[Order]:
        """End what is done for settings that nobody wants any more."""
        wanted = {name: new for name, (_, new) in changes.items()}
        stale = [name for name, ahead in self.ahead.items() if wanted.get(name) != ahead.settings]
        for name in stale:
            del self.ahead[name]
            self.targets[name].intake.gathering.forget(now)  # what was heard meanwhile was not for it
        return [DropEyes(target=name) for name in stale]

    def _prepare(self, name: str, change: Change, now: float) -> list[Order] | None:
        """What must be done before a target can be turned; None where it can be now."""
        old, new = change
        target = self.targets.get(name)
        if target is None or old is None:
            return None
        ahead = self.ahead.get(name)
        if not is_at_rest(target):
            target.is_waiting = True
            return self._tell_waiting(name)
        if new is None or sees_the_same(old, new) or (ahead is not None and ahead.is_over(now)):
            return None
        if ahead is not None:
            return []
        self.ahead[name] = Ahead(settings=new, ends_at=now + READ_LIMIT)
        return [PrepareEyes(settings=new)]

    def _tell_waiting(self, name: str) -> list[Order]:
        if name in self.told:
            return []
        self.told.add(name)
        return [Tell(story=story.waits(name))]

    def _without_conflicts(self, ready: dict[str, Change]) -> dict[str, Change]:
        """Without those that get a process which another target still has."""
        held = {
            slot: name for name, target in self.targets.items() if name not in ready for slot in target.slots
        }
        return {
            name: (old, new)
            for name, (old, new) in ready.items()
            if new is None or not any(slot.name in held for slot in new.slots)
        }

    def _switch(self, wanted: Settings, ready: dict[str, Change], now: float) -> list[Order]:
        follow: list[Order] = []
        stories = []
        for name, (old, new) in ready.items():
            self.told.discard(name)
            ahead = self.ahead.pop(name, None)
            if ahead is not None:
                self.reopened.add(name)
            if new is None:
                del self.targets[name]
                self.reopened.discard(name)
                stories.append(story.removed(name))
            elif old is None:
                self.targets[name] = Target.of(new)
                self.targets[name].intake.adoption.came = now
                stories.append(story.added(name))
            else:
                self.targets[name], orders = turned(self.targets[name], new, now, ahead)
                follow += orders
                stories.append(story.taken_over(name, keys_between(old, new)))
        self.settings = replace(wanted, targets=self._in_order(wanted))
        names = tuple(name for name, (_, new) in ready.items() if new is not None)
        return [
            TakeOver(settings=self.settings, targets=names),
            *(Tell(story=one) for one in stories),
            *follow,
        ]

    def _in_order(self, wanted: Settings) -> tuple[TargetSettings, ...]:
        """The settings of all targets, in the order of the files; of those that wait, the old ones."""
        names = [name for target in wanted.targets if (name := target.name) in self.targets]
        names += [name for name in self.targets if name not in names]
        found = {name: self.targets[name] for name in names}
        self.targets.clear()
        self.targets.update(found)  # the same dictionary: others hold it
        return tuple(target.settings for target in found.values())


def _own(settings: Settings) -> object:
    """What is no target's, and taken over at once."""
    return settings.log_format, settings.log_level, settings.metrics

"""The ports of each target while we run: settings change, and what an unchanged target has is not touched.

A target has eyes (what watches and reads its files) and hands (what checks, probes and drains for it). Those
of several targets may be one; each is closed when the last target that has it is gone. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from .core.model import Settings, SlotName, TargetSettings
from .core.orders import DropEyes, PrepareEyes, TakeOver, Tell
from .core.ports import Checks, Commands, Draining, Hooks, Probing, Sources, Watch
from .outside import Harmless, Outside

Change = PrepareEyes | DropEyes | TakeOver
"""The orders that change what is outside."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eyes:
    """What watches and reads the files of some targets."""

    sources: Sources
    watch: Watch

    def close(self) -> None:
        """Stop both."""
        self.watch.close()
        self.sources.close()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hands:
    """What checks, runs commands, probes and drains for some targets."""

    checks: Checks
    commands: Commands
    hooks: Hooks
    probing: Probing
    draining: Draining

    def close(self) -> None:
        """End everything that runs."""
        for each in (self.checks, self.commands, self.hooks, self.probing, self.draining):
            each.close()


class Build(Protocol):
    """Makes what new settings need."""

    def eyes(self, targets: tuple[TargetSettings, ...], by: TargetSettings | None = None) -> Eyes:
        """They watch already when this returns; what they see is said to be SeenBy ``by``, where given."""

    def hands(self, targets: tuple[TargetSettings, ...]) -> Hands:
        """Nothing runs yet."""

    def settle(self, settings: Settings) -> None:
        """What is no target's: the log, and who is listened to."""


class Surroundings:
    """Which ports belong to which target."""

    def __init__(
        self,
        outside: Outside,
        targets: tuple[str, ...],
        target_of: Callable[[SlotName], str],
        build: Build | None = None,
    ) -> None:
        """``outside`` holds the ports of all ``targets`` with which we begin, which others close."""
        self._outside = outside
        self._target_of = target_of
        self._build = build
        eyes = Eyes(sources=outside.sources, watch=outside.watch)
        hands = Hands(
            checks=outside.checks,
            commands=outside.commands,
            hooks=outside.hooks,
            probing=outside.probing,
            draining=outside.draining,
        )
        self._eyes = dict.fromkeys(targets, eyes)
        self._hands = dict.fromkeys(targets, hands)
        self._prepared: dict[str, Eyes] = {}
        self._all = dict.fromkeys(targets, outside)

    def carry_out(self, order: Harmless) -> None:
        """Give an order to the ports of its target; one for a target that has gone is for nobody."""
        if isinstance(order, Tell):
            self._outside.carry_out(order)
            return
        target = self._target_of(order.name) if hasattr(order, "name") else order.target
        if target in self._all:
            self._all[target].carry_out(order)

    def tick(self) -> None:
        """Look whether every watched path still leads where it did, and all else is where it was."""
        for eyes in {*self._eyes.values(), *self._prepared.values()}:
            eyes.watch.tick()
        self._outside.tick()
        for hands in {*self._hands.values()}:
            hands.checks.tick()
            hands.commands.tick()
            hands.hooks.tick()

    def discard_stale_bytecode(self, target: str) -> None:
        """Before a process of this target is started."""
        if target in self._eyes:
            self._eyes[target].sources.discard_stale_bytecode(target)

    def change(self, order: Change) -> None:
        """Build what is new, and close what nobody has any more."""
        assert self._build is not None, "nobody can build what changed settings need"
        match order:
            case PrepareEyes():
                name = order.settings.name
                self._drop(name)
                eyes = self._prepared[name] = self._build.eyes((order.settings,), by=order.settings)
                eyes.sources.compute(name, (), full=True, final=True)
            case DropEyes():
                self._drop(order.target)
            case TakeOver():
                self._take_over(order, self._build)

    def close(self) -> None:
        """Close everything that was built here."""
        for eyes in {*self._eyes.values(), *self._prepared.values()}:
            if eyes.sources is not self._outside.sources:
                eyes.close()
        for hands in {*self._hands.values()}:
            if hands.checks is not self._outside.checks:
                hands.close()

    def _drop(self, target: str) -> None:
        prepared = self._prepared.pop(target, None)
        if prepared is not None:
            prepared.close()

    def _take_over(self, order: TakeOver, build: Build) -> None:
        eyes, hands = {*self._eyes.values()}, {*self._hands.values()}
        build.settle(order.settings)
        names = [target.name for target in order.settings.targets]
        changed = tuple(target for target in order.settings.targets if target.name in order.targets)
        unseen = tuple(t for t in changed if t.name not in self._prepared and t.name not in self._eyes)
        new_eyes = dict.fromkeys((t.name for t in unseen), build.eyes(unseen)) if unseen else {}
        new_hands = dict.fromkeys((t.name for t in changed), build.hands(changed)) if changed else {}
        prepared = {t.name: self._prepared.pop(t.name) for t in changed if t.name in self._prepared}
        every = {**self._eyes, **new_eyes, **prepared}
        self._eyes = {name: every[name] for name in names}
        self._hands = {name: {**self._hands, **new_hands}[name] for name in names}
        self._all = {name: self._of(name) for name in names}
        for old_eyes in eyes - {*self._eyes.values()}:
            old_eyes.close()
        for old_hands in hands - {*self._hands.values()}:
            old_hands.close()

    def _of(self, name: str) -> Outside:
        eyes, hands = self._eyes[name], self._hands[name]
        return replace(
            self._outside,
            sources=eyes.sources,
            watch=eyes.watch,
            checks=hands.checks,
            commands=hands.commands,
            hooks=hands.hooks,
            probing=hands.probing,
            draining=hands.draining,
        )

"""The engine's ports in a world of memory: orders are recorded, checks and probes answer from the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor_reload.core.configfacts import (
    GroupsCompared,
)
from supervisor_reload.core.facts import (
    CheckFailed,
    CheckPassed,
    CommandFailed,
    CommandSucceeded,
    Fact,
    HookFailed,
    HookSucceeded,
)
from supervisor_reload.core.model import Revision, SlotName

if TYPE_CHECKING:
    from .world import World


class Recorded:
    """The fake supervisord, and a record of what it was ordered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._supervisor = world.supervisor
        self.processes = self._supervisor.processes
        self.process = self._supervisor.process
        self.last_words = self._supervisor.last_words

    def start(self, name: SlotName) -> None:
        self._record("start", name)
        self._supervisor.start(name)
        self._world.after_order()

    def stop(self, name: SlotName) -> None:
        self._record("stop", name)
        self._supervisor.stop(name)
        self._world.after_order()

    def signal(self, name: SlotName, signal: str) -> None:
        self._record(signal, name)
        self._supervisor.signal(name, signal)
        self._world.after_order()

    def reread(self) -> GroupsCompared:
        return self._supervisor.reread()

    def remove_group(self, group: str) -> None:
        self._record("remove", SlotName(group))
        self._supervisor.remove_group(group)

    def add_group(self, group: str) -> None:
        self._record("add", SlotName(group))
        self._supervisor.add_group(group)

    def _record(self, verb: str, name: SlotName) -> None:
        self._world.orders.append((verb, name))
        self._world.on_order(verb, name)


class Checks:
    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, target: str, revision: Revision, changed: tuple[str, ...]) -> None:
        passes = self._world.code.passes
        fact: Fact = CheckPassed(target=target, revision=revision)
        if not passes:
            fact = CheckFailed(target=target, revision=revision, reason="exit status 1", output="SyntaxError")
        self._world.put(fact, self._world.check_seconds)

    def cancel(self, target: str) -> None:
        pass

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class Commands:
    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, target: str, rule: int, revision: Revision, changed: tuple[str, ...]) -> None:
        world = self._world
        world.commands.append((rule, world.clock.now, world.command_succeeds))
        fact: Fact = CommandSucceeded(target=target, rule=rule)
        if not world.command_succeeds:
            fact = CommandFailed(target=target, rule=rule, reason="exit status 1", output="no such package")
        self._world.put(fact, self._world.command_seconds)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class Hooks:
    def __init__(self, world: World) -> None:
        self._world = world

    def run(self, target: str, rollout: int, revision: Revision, changed: tuple[str, ...]) -> None:
        world = self._world
        world.hooks.append((rollout, revision))
        fact: Fact = HookSucceeded(target=target, rollout=rollout)
        if not world.hook_succeeds:
            fact = HookFailed(target=target, rollout=rollout, reason="exit status 1", output="no backup")
        self._world.put(fact, self._world.hook_seconds)

    def cancel(self, target: str, rollout: int) -> None:
        self._world.cancelled_hooks.append(rollout)

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass


class Probing:
    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, name: SlotName, pid: int) -> None:
        self._world._probing[name] = pid

    def end(self, name: SlotName) -> None:
        self._world._probing.pop(name, None)

    def close(self) -> None:
        pass


class Draining:
    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, name: SlotName, pid: int) -> None:
        self._world._draining[name] = pid

    def end(self, name: SlotName) -> None:
        self._world._draining.pop(name, None)

    def in_flight(self, name: SlotName, pid: int) -> int | None:
        return self._world.in_flight(name)

    def close(self) -> None:
        pass


class Exits:
    def __init__(self, world: World) -> None:
        self._world = world

    def watch(self, name: SlotName, pid: int) -> None:
        pass

    def born(self, pid: int) -> str:
        return f"{pid}00"

    def started(self, pid: int) -> float | None:
        return self._world.supervisor.started(pid)

    def close(self) -> None:
        pass

"""A world whose supervisord is away, refuses, or is interrupted in the middle of a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from supervisor_reload.core.errors import ReloadError, SupervisorUnavailable
from supervisor_reload.core.model import SlotName
from tests.fakes.world import World

A, B = SlotName("web:web_00"), SlotName("web:web_01")
VERBS = ("processes", "process", "start", "stop", "signal", "last_words")
AWAY = SupervisorUnavailable("supervisord at unix:///s.sock can't be asked: timed out")


class Mood:
    """What supervisord does instead of what it is asked, for one verb or all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.errors: dict[str, ReloadError] = {}
        self.before: dict[str, Callable[[], None]] = {}
        self.asked: Counter[str] = Counter()
        for verb in VERBS:
            setattr(world.supervisor, verb, self._moody(verb, getattr(world.supervisor, verb)))
        world.start_listener()
        world.advance(6)
        world.orders.clear()
        world.stories.clear()

    def _moody(self, verb: str, ask: Callable[..., object]) -> Callable[..., object]:
        def asked(*arguments: object) -> object:
            self.asked[verb] += 1
            self.before.pop(verb, lambda: None)()
            if verb in self.errors:
                raise self.errors[verb].with_traceback(None) from None
            return ask(*arguments)

        return asked

    def goes_away(self) -> None:
        self.errors = dict.fromkeys(VERBS, AWAY)
        self.asked.clear()

    def comes_back(self) -> None:
        self.errors = {}


def moody(world: World) -> Mood:
    world.supervisor.boot_all()
    world.advance(5)
    return Mood(world)

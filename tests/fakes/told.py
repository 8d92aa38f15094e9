"""Stories and settings for what is told of rollouts."""

from __future__ import annotations

from dataclasses import replace

from supervisor_reload.core.model import HookSettings, TargetSettings
from supervisor_reload.core.notifying import Event, NotifySettings
from supervisor_reload.core.orders import Story
from supervisor_reload.edges.telling import Documents, Report
from tests.fakes.world import web

NOON = 1_763_899_200.25
"""2025-11-23 12:00:00.25 UTC"""


def story(event: str, rollout: int = 7, target: str = "web", **values: object) -> Story:
    return Story(target=target, event=event, rollout=rollout, values=values)


def began(rollout: int = 7, **values: object) -> Story:
    usual = {"revision": "r1", "trigger": "files", "changed": ("/app/a.py",), "previous": "r0"}
    return story("rollout began", rollout, **{**usual, **values})


def complete(rollout: int = 7, **values: object) -> Story:
    return story("rollout complete", rollout, **{"revision": "r1", "ready": 1, "seconds": 1.5, **values})


def halted(rollout: int = 7, **values: object) -> Story:
    usual = {"revision": "r1", "reason": "exit status 1", "slot": "web:web_00", "held": False}
    return story("rollout halted", rollout, **{**usual, **values})


def documents(**changes: object) -> Documents:
    return Documents(**{"host": "here", "clock": lambda: 5.0, "wall": lambda: NOON, **changes})  # type: ignore[arg-type]


def report(event: Event = Event.COMPLETE, rollout: int = 7, **changes: object) -> Report:
    """A document of an event, as it comes of the stories."""
    told = documents()
    told.of(began(rollout))
    stories = {
        Event.COMPLETE: complete(rollout),
        Event.HALTED: halted(rollout),
        Event.LIFTED: story("hold lifted", 0, revision="r1"),
    }
    made = told.of(stories.get(event) or story(f"rollout {event.value}", rollout))
    assert made is not None
    return replace(made, **changes)


def target(
    name: str = "web", *, url: str = "", chats: tuple[str, ...] = (), **hooks: object
) -> TargetSettings:
    """A target with these hooks, and of which all is told there."""
    notify = NotifySettings(url=url, chats=chats, events=tuple(Event))
    settings = replace(web(1, max_surge=0), name=name, notify=notify)
    return replace(settings, hooks=HookSettings(**{"timeout": 20.0, **hooks}))  # type: ignore[arg-type]

"""The observer behind hooks, webhooks and chats: who is told of which event. It returns at once, always."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

from ...core.model import TargetSettings
from ...core.notifying import NotifySettings
from ...core.orders import Story
from . import chatting
from .after import Following
from .delivering import USUAL, Courier, Patience, Send
from .documents import Documents, Report
from .line import close_all
from .posting import Verdict, post

Place = tuple[str, str, str]
"""A webhook's URL, key and file of a key; of a chat's only its URL, behind an empty one."""


class Telling:
    """One for a listener; everything that is told of its rollouts goes through it."""

    def __init__(
        self,
        targets: Iterable[TargetSettings],
        documents: Documents,
        state_dir: str = "",
        patience: Patience = USUAL,
    ) -> None:
        """``state_dir``: where is kept what runs, for the listener after us; '' for nowhere."""
        self.documents = documents
        self._patience = patience
        self._following = Following((), state_dir)
        self._couriers: dict[Place, Courier] = {}
        self._settings: dict[str, NotifySettings] = {}
        self.settle(targets)

    def __call__(self, story: Story) -> None:
        """Take one line of the story."""
        report = self.documents.of(story)
        if report is None:
            return
        self._following.follow(report)
        settings = self._settings.get(report.target)
        if settings is not None and report.kind in settings.events:
            for place in _places(settings):
                self._courier(place).bring(report)

    def settle(self, targets: Iterable[TargetSettings]) -> None:
        """From now on these settings hold; what waits for a place that is no longer theirs is dropped."""
        every = tuple(targets)
        self._following.settle(every)
        self._settings = {target.name: target.notify for target in every}
        places = {place for settings in self._settings.values() for place in _places(settings)}
        for place in [place for place in self._couriers if place not in places]:
            self._couriers.pop(place).line.end()

    def tick(self) -> None:
        """Look whether what is known of those that run is still on file; returns at once."""
        self._following.tick()

    def close(self) -> None:
        """End everything; what is not delivered within 1 s is told in the log, and lost."""
        close_all([*(courier.line for courier in self._couriers.values()), *self._following.lines])

    def _courier(self, place: Place) -> Courier:
        if place not in self._couriers:
            url, first, second = place
            if url:
                settings = NotifySettings(url=url, secret=first, secret_file=second)
                self._couriers[place] = Courier(settings.places[0], posting(settings), self._patience)
            else:
                settings = NotifySettings(chats=(first,))
                send = partial(chatting.send, first)
                self._couriers[place] = Courier(settings.places[0], send, self._patience)
        return self._couriers[place]


def posting(settings: NotifySettings) -> Send:
    """The tries for a webhook; one under way has a limit of its own, so nothing gives it up before."""

    def send(report: Report, closing: threading.Event) -> Verdict:
        del closing
        return post(settings, report)

    return send


def _places(settings: NotifySettings) -> list[Place]:
    own = [(settings.url, settings.secret, settings.secret_file)] if settings.url else []
    return [*own, *(("", chat, "") for chat in settings.chats)]

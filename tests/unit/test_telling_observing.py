"""The observer: who is told of what, what a message says, and what becomes of it when settings change."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from supervisor_reload.core.model import TargetSettings
from supervisor_reload.core.notifying import Event, NotifySettings
from supervisor_reload.edges.telling import Telling, chatting
from supervisor_reload.edges.telling.chatting import send, worded
from supervisor_reload.edges.telling.delivering import Patience
from tests.fakes.told import began, complete, documents, halted, report, story, target
from tests.fakes.webhook import Webhook, hang, status, webhook
from tests.integration.supervisord import wait_for

QUICK = Patience(first=0.02, longest=0.1, give_up=20.0)


@pytest.fixture
def telling() -> Iterator[Callable[..., Telling]]:
    made = []

    def make(*targets: TargetSettings) -> Telling:
        made.append(Telling(targets, documents(), patience=QUICK))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "supervisor_reload.edges.telling")
    return caplog


def events(server: Webhook) -> list[tuple[str, str, int]]:
    documents = [json.loads(posted.body) for posted in server.posted]
    return [(each["target"], each["event"], each["rollout"]) for each in documents]


def test_the_story_of_two_targets(telling):
    """Each where it belongs; both in one place are in order."""
    with webhook() as server, webhook() as other:
        one = telling(target(url=server.url), target("jobs", url=other.url))
        for each in (began(1), story("slot ready", 1), halted(1), began(2), complete(2)):
            one(each)
        one(story("rollout began", 5, "jobs", revision="r1"))
        one(story("check failed", 0, "gone", revision="r1"))
        wait_for(lambda: len(server.posted) == 4 and other.posted)
    assert events(server) == [
        ("web", "began", 1),
        ("web", "halted", 1),
        ("web", "began", 2),
        ("web", "complete", 2),
    ]
    assert events(other) == [("jobs", "began", 5)]


def test_only_what_is_wanted_is_told(telling):
    """notify_on."""
    with webhook() as server:
        settings = target(url=server.url)
        settings = replace(settings, notify=replace(settings.notify, events=(Event.HALTED,)))
        one = telling(settings)
        for each in (began(1), complete(1), began(2), halted(2)):
            one(each)
        wait_for(lambda: server.posted)
        one.close()
    assert events(server) == [("web", "halted", 2)]


def test_nothing_waits_for_a_webhook_that_hangs(telling):
    """Neither the rollout nor the other places; closing takes a second."""
    with webhook(hang) as server, webhook() as other:
        one = telling(target(url=server.url), target("jobs", url=other.url))
        moment = time.monotonic()
        for number in range(1, 200):
            one(began(number))
        one(story("rollout began", 5, "jobs", revision="r1"))
        assert time.monotonic() - moment < 1
        wait_for(lambda: other.posted)
        wait_for(lambda: server.posted)
        moment = time.monotonic()
        one.close()
        assert time.monotonic() - moment < 1.5
        assert len(server.posted) == 1


def test_new_settings(telling, told):
    """What waits for a place that is no longer anybody's is dropped; the new one gets what comes."""
    with webhook(status(503)) as server, webhook() as other:
        one = telling(target(url=server.url))
        one(began(1))
        one(complete(1))
        wait_for(lambda: len(server.posted) > 1)
        one.settle([target(url=other.url)])
        one(began(2))
        wait_for(lambda: other.posted)
        wait_for(lambda: [line for line in told.messages if "we end before it could be" in line])
    assert events(other) == [("web", "began", 2)]
    assert f"the webhook of localhost:{server.server_port}: 1 that waited are dropped" in told.messages


def test_the_same_settings_again_change_nothing(telling):
    """What is being tried goes on."""
    with webhook(status(503), status(200)) as server:
        settings = target(url=server.url)
        one = telling(settings)
        one(began(1))
        one.settle([settings])
        wait_for(lambda: len(server.posted) == 2)


def test_no_secret_is_in_the_log(telling, told):
    """Neither of a URL nor the key; not even in a repr."""
    secret, token = "key-of-a-webhook", "T0K3N-of-a-path"
    with webhook(status(404)) as server:
        url = server.url.replace("://", "://me:passw0rd@") + f"/{token}"
        settings = target(url=url)
        settings = replace(settings, notify=replace(settings.notify, secret=secret))
        telling(settings)(began(1))
        wait_for(lambda: told.messages)
    written = told.text + repr(settings)
    assert f"not told to the webhook of localhost:{server.server_port}" in written
    assert not [each for each in (secret, token, "passw0rd") if each in written]


@pytest.mark.parametrize(
    ("settings", "hidden", "shown"),
    [
        (NotifySettings(secret="abcd"), {"abcd"}, set()),
        (
            NotifySettings(
                url="https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
            ),
            {"T00000000", "B00000000", "XXXXXXXXXXXXXXXXXXXXXXXX"},
            {"hooks.slack.com", "services"},
        ),
        (
            NotifySettings(url="https://example.com/hook?token=s3cret-token"),
            {"s3cret-token"},
            {"example.com"},
        ),
        (
            NotifySettings(url="https://me:pw@example.com?token=s3cret-token"),
            {"s3cret-token", "?token=s3cret-token"},
            {"example.com", "me:pw@example.com"},
        ),
        (
            NotifySettings(url="https://example.com:80?key=longlonglong/a"),
            {"?key=longlonglong/a"},
            {"example.com", "/a", "a"},
        ),
        (NotifySettings(url="https://example.com#s3cret-token"), {"s3cret-token"}, {"example.com"}),
        (
            NotifySettings(chats=("tgram://123456789:abcdefg_hijklmnop/12315544/", "mailto://a:b@gmail.com")),
            {"123456789:abcdefg_hijklmnop/12315544/"},
            {"gmail.com"},
        ),
        (NotifySettings(url="http://localhost:8000/hook"), set(), {"hook", "localhost"}),
    ],
)
def test_secrets(settings, hidden, shown):
    """What may be a token is hidden; what everybody knows can still be read."""
    secrets = set(settings.secrets)
    assert hidden <= secrets
    assert not shown & secrets


@pytest.mark.parametrize("rest", ["", "/a/b", "?token=x/y", "#x", "/?a@b"])
def test_places(rest):
    """A host is named, and nothing that stands before or behind it."""
    settings = NotifySettings(url=f"https://me:pw@example.com:8443{rest}", chats=("tgram://1:a/2/",))
    assert settings.places == ("the webhook of example.com:8443", "tgram://")


def test_a_message_in_words():
    """What happened, where, why."""
    title, body = worded(report(Event.HALTED, is_held=True, output="one\ntwo\n", seconds=2.5, files=3))
    assert title == "web: rollout 7 halted (here)"
    assert body.splitlines() == [
        "revision r1",
        "changed: a.py and 2 more",
        "reason: web:web_00: exit status 1",
        "held: it is left alone until the files change",
        "after 2.5 s",
        "> one",
        "> two",
    ]
    title, body = worded(report(rollout=None, revision="", files=0, seconds=None))
    assert (title, body) == ("web: complete (here)", "")


def test_a_chat_gets_a_message(telling):
    """By apprise, for real: its plugin ``json`` posts to our server."""
    pytest.importorskip("apprise")
    with webhook() as server:
        one = telling(target(chats=(f"json://localhost:{server.server_port}/a",)))
        one(began())
        one(halted())
        wait_for(lambda: len(server.posted) == 2, 30)
    first, second = (json.loads(posted.body) for posted in server.posted)
    assert (first["title"], first["type"]) == ("web: rollout 7 began (here)", "info")
    assert (second["title"], second["type"]) == ("web: rollout 7 halted (here)", "failure")
    assert "exit status 1" in second["message"]


def test_a_chat_that_refuses():
    """Is tried again later; why is told without its URL."""
    pytest.importorskip("apprise")
    with webhook(status(500)) as server:
        verdict = send(f"json://me:passw0rd@localhost:{server.server_port}", report(), threading.Event())
    assert verdict.problem.startswith("apprise: ")
    assert "500" in verdict.problem
    assert "passw0rd" not in verdict.problem
    assert not verdict.is_final


def test_a_url_that_apprise_does_not_know():
    """Will never be one."""
    pytest.importorskip("apprise")
    verdict = send("bogus://somebody", report(), threading.Event())
    assert verdict == ("it is no URL that apprise knows", True, 0.0)


def test_a_chat_without_the_library(monkeypatch):
    """Tells what to install."""
    monkeypatch.setattr(chatting, "CODE", chatting.CODE.replace("import apprise\n", "import no_apprise\n"))
    verdict = send("json://localhost", report(), threading.Event())
    assert verdict.is_final
    assert "pip install 'supervisor_reload[notify]'" in verdict.problem


def test_a_chat_that_hangs_is_left_at_once():
    """The library's process is ended."""
    pytest.importorskip("apprise")
    cancelled = threading.Event()
    with webhook(hang) as server:
        threading.Thread(
            target=lambda: (wait_for(lambda: server.posted, 30), cancelled.set()), daemon=True
        ).start()
        url = f"json://localhost:{server.server_port}/?rto=20"
        moment = time.monotonic()
        assert send(url, report(), cancelled).problem == "apprise: cancelled"
        assert time.monotonic() - moment < 15

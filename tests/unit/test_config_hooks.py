"""Hooks and messages in the configuration: what is read, what is refused, and what no refusal shows."""

from __future__ import annotations

import importlib.util
import io
import os

import pytest

from supervisor_reload.checking import check
from supervisor_reload.core.model import HookSettings, NotifySettings, Rights
from supervisor_reload.core.notifying import Event
from supervisor_reload.core.secrets import Redaction, secrets_of
from supervisor_reload.edges.telling import chatting
from tests.fakes.children import NOBODY
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD, WEB

HAS_APPRISE = importlib.util.find_spec("apprise") is not None
USUAL = (Event.COMPLETE, Event.HALTED, Event.ABORTED, Event.REFUSED, Event.LIFTED)


def errors(place, *keys: str) -> list[str]:
    found = place.errors(HEAD, LISTENER, PLAIN, RELOAD, *(f"{key}\n" for key in keys))
    assert all(each.startswith(WEB) for each in found)
    return [each.removeprefix(WEB) for each in found]


def test_nothing_is_told_by_default(place):
    """Nor run."""
    target = place.target(PLAIN, RELOAD)
    assert (target.hooks.before, target.hooks.after, target.hooks.on_failure) == ((), (), ())
    assert target.notify == NotifySettings(events=USUAL)


def test_hooks(place):
    """Words, in the program's directory, as its user."""
    target = place.target(
        PLAIN,
        f"directory=/tmp\nuser={os.geteuid()}\n",
        RELOAD,
        "before_rollout=/bin/cat 'a b'\nafter_rollout=/bin/true\non_failure=/bin/false\nhook_timeout=7\n",
    )
    assert target.hooks == HookSettings(
        before=("/bin/cat", "a b"),
        after=("/bin/true",),
        on_failure=("/bin/false",),
        timeout=7.0,
        directory="/tmp",
        rights=Rights(user=os.geteuid()),
    )


def test_defaults_of_all_targets(place, monkeypatch):
    """[reload], and none where one target needs none of it; %(ENV_X)s is filled in."""
    monkeypatch.setenv("HOOK_KEY", "k3y-of-the-hook")
    common = (
        "\n[reload]\nafter_rollout=/bin/true\nnotify_url=https://example.com/hook\n"
        "notify_secret=%(ENV_HOOK_KEY)s\nnotify_on=halted, Complete\n"
    )
    (target,) = place.settings(HEAD, LISTENER, PLAIN, common, RELOAD).targets
    assert target.hooks.after == ("/bin/true",)
    assert target.notify == NotifySettings(
        url="https://example.com/hook", secret="k3y-of-the-hook", events=(Event.HALTED, Event.COMPLETE)
    )
    (target,) = place.settings(
        HEAD, LISTENER, PLAIN, common, RELOAD, "after_rollout=none\nnotify_url=none\nnotify_secret=none\n"
    ).targets
    assert target.hooks.after == ()
    assert (target.notify.url, target.notify.secret) == ("", "")


def test_all_events(place):
    """One word."""
    assert place.target(PLAIN, RELOAD, "notify_on=all\n").notify.events == tuple(Event)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("before_rollout=/nowhere/hook", "before_rollout: '/nowhere/hook' does not exist"),
        ("after_rollout='", 'after_rollout: "\'" is not a command line: No closing quotation'),
        ("hook_timeout=0", "hook_timeout: must be more than 0 seconds"),
        ("notify_on=halt", "notify_on: 'halt' is not one of all, began, complete"),
        ("notify_on=halt", "did you mean 'halted'?"),
        ("notify_url=ftp://example.com", "notify_url: must begin with https:// or http://"),
        ("notify_url=example.com/hook", "notify_url: must begin with https:// or http://"),
        ("notify_url=https:///hook", "notify_url: names no host"),
        ("notify_url=https://[::1/hook", "notify_url: is not a URL: write https://host/path"),
        ("notify_url=https://example.com:0/", "notify_url: names no host, or the port 0"),
        ("notify_url=https://example.com/a b", "notify_url: holds a space"),
        ("notify_url=https://exämple.com/", "notify_url: holds a space, a control character or a letter"),
        ("notify_secret=abc", "notify_secret: signs what is posted to notify_url, which is not set"),
        ("notify_secret_file=key", "notify_secret_file: 'key' is relative: begin it with %(here)s/"),
        ("notify_secret_file=/nowhere", "notify_secret_file: '/nowhere' can't be read: No such file"),
        ("notify_secret_file=/tmp", "notify_secret_file: '/tmp' is no file"),
        ("notify-url=https://example.com", "notify-url: unknown key; did you mean 'notify_url'?"),
    ],
)
def test_errors(place, line, said):
    """File, section, key, and what to do."""
    assert any(said in each for each in errors(place, line))


def test_two_keys_for_one_url(place):
    """Which of them would count?"""
    (place.directory / "key").write_text("abc")
    lines = ("notify_url=https://example.com", "notify_secret=abc", "notify_secret_file=%(here)s/key")
    (error,) = errors(place, *lines)
    assert error == "notify_secret: stands beside notify_secret_file: write one of them"


def test_a_key_that_others_can_read(place):
    """A warning; what only its owner can read is right."""
    key = place.directory / "key"
    key.write_text("abc")
    lines = RELOAD + "notify_url=https://example.com\nnotify_secret_file=%(here)s/key\n"
    key.chmod(0o604)
    (warning,) = place.warnings(HEAD, LISTENER, PLAIN, lines)
    assert warning.endswith("'HERE/key' can be read by everybody: chmod 600 HERE/key")
    key.chmod(0o600)
    assert place.warnings(HEAD, LISTENER, PLAIN, lines) == []
    (target,) = place.settings(HEAD, LISTENER, PLAIN, lines).targets
    assert target.notify.secret_file == str(key)
    assert "abc" not in repr(target)


def test_no_error_shows_a_secret(place):
    """Neither a wrong URL nor a wrong chat is quoted."""
    found = errors(
        place,
        "notify_url=htps://me:passw0rd@example.com/T0K3N-of-the-path",
        "notify_secret=k3y-of-the-hook",
        "notify=bogus://T0K3N-of-the-chat",
    )
    assert not [word for word in ("passw0rd", "T0K3N", "k3y") if word in "".join(found)]


@pytest.mark.skipif(not HAS_APPRISE, reason="needs apprise")
@pytest.mark.parametrize(
    "written",
    [
        "json://localhost/a, mailto://me:s3cret@example.com?to=a@b.example,c@d.example",
        "\n  json://localhost/a\n  mailto://me:s3cret@example.com?to=a@b.example,c@d.example",
    ],
)
def test_chats(place, written):
    """One a line or with commas between; a comma of a URL is its own."""
    (target,) = place.settings(HEAD, LISTENER, PLAIN, RELOAD, f"notify={written}\n").targets
    assert target.notify.chats == (
        "json://localhost/a",
        "mailto://me:s3cret@example.com?to=a@b.example,c@d.example",
    )


@pytest.mark.skipif(not HAS_APPRISE, reason="needs apprise")
def test_chats_that_nobody_knows(place):
    """By their number and kind."""
    found = errors(place, "notify=json://localhost, bogus://somebody, just-a-word")
    assert found == [
        "notify: its URL number 2 (bogus://) is none that apprise knows",
        "notify: its URL number 3 (without a ://) is none that apprise knows",
    ]


def test_chats_without_the_library(place, monkeypatch):
    """What to install."""
    monkeypatch.setattr(chatting, "CHECK", chatting.CHECK.replace("import apprise\n", "import no_apprise\n"))
    chatting.unknown.cache_clear()
    (error,) = errors(place, "notify=json://localhost")
    assert error == "notify: needs apprise: pip install 'supervisor_reload[notify]'"


def test_check_shows_what_is_run_and_who_is_told(place):
    """But of an address no more than its host."""
    stream = io.StringIO()
    lines = (
        "before_rollout=/bin/cat 'a b'\non_failure=/bin/true\nhook_timeout=7\nnotify_on=halted, lifted\n"
        "notify_url=https://me:passw0rd@example.com:8443/T0K3N-of-the-path\n"
    )
    assert check(str(place.write(HEAD + LISTENER + PLAIN + RELOAD + lines)), stream) == 0
    shown = stream.getvalue().splitlines()
    assert "  before     /bin/cat 'a b' (at most 7 s)" in shown
    assert "  on failure /bin/true (at most 7 s)" in shown
    assert "  tells      the webhook of example.com:8443: halted, lifted" in shown


def test_every_secret_is_known_to_the_log(place):
    """The key, a password, a token in a path."""
    lines = "notify_url=https://me:passw0rd@example.com/T0K3N-of-the-path\nnotify_secret=k3y-of-the-hook\n"
    settings = place.settings(HEAD, LISTENER, PLAIN, RELOAD, lines)
    hide = Redaction(secrets_of(settings))
    said = hide("passw0rd k3y-of-the-hook /T0K3N-of-the-path example.com")
    assert said == "*** *** *** example.com"


@pytest.mark.fault(53)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be a listener that is root")
@pytest.mark.parametrize("key", ["before_rollout", "after_rollout", "on_failure"])
def test_root_runs_no_hook_that_others_can_write(place, key):
    """As with every other command; as the program's user it is no matter of ours."""
    file = place.script("hook", "#!/bin/sh\n")
    os.chmod(file, 0o777)
    (error,) = errors(place, f"{key}={file}")
    assert error.startswith(
        f"{key}: 'HERE/hook' would run as root, and 'HERE/hook' can be written by everybody"
    )
    place.target(PLAIN, f"user={NOBODY}\n", RELOAD, f"{key}={file}\n")

"""Reads the commands around a rollout, and whom to tell of it; notes what is wrong, without showing a secret.

It sends nothing, and runs no command of the operator's. Whether a URL is one that apprise knows, apprise is
asked, which takes half a second, once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from urllib.parse import urlsplit

from supervisor_reload.core.model import HookSettings
from supervisor_reload.core.notifying import NotifySettings
from supervisor_reload.edges.telling.chatting import LibraryError, unknown

from .probes import check_command
from .programs import ProgramProcess, common_directory
from .sections import OwnSection
from .users import rights_of

HOOKS = ("before_rollout", "after_rollout", "on_failure")


def read_hooks(section: OwnSection, processes: Sequence[ProgramProcess]) -> HookSettings:
    """The commands around a rollout of one target; notes what is wrong."""
    before, after, on_failure = (section.value(key, tuple) for key in HOOKS)
    for key, command in zip(HOOKS, (before, after, on_failure), strict=True):
        check_command(section, key, command, ("none",))
    return HookSettings(
        before=before,
        after=after,
        on_failure=on_failure,
        timeout=section.value("hook_timeout", float),
        directory=common_directory(processes),
        rights=rights_of(section, processes),
    )


def read_notify(section: OwnSection) -> NotifySettings:
    """Whom to tell of a target's rollouts; notes what is wrong."""
    url, secret, file = (_given(section, f"notify_{key}") for key in ("url", "secret", "secret_file"))
    chats = section.value("notify", tuple)
    if url and (problem := url_problem(url)):
        section.error("notify_url", problem)
        url = ""
    if secret and file:
        section.error("notify_secret", "stands beside notify_secret_file: write one of them")
    if (secret or file) and not (url or section.is_set("notify_url")):
        key = "notify_secret" if secret else "notify_secret_file"
        section.error(key, "signs what is posted to notify_url, which is not set")
    if file:
        _note_file(section, file)
    return NotifySettings(
        url=url,
        secret=secret,
        secret_file=file,
        chats=_known(section, chats),
        events=section.value("notify_on", tuple),
    )


def _given(section: OwnSection, key: str) -> str:
    text = section.value(key, str)
    return "" if text.lower() == "none" else text


def url_problem(url: str) -> str:
    """Why nothing can be posted to a URL, in a sentence that shows nothing of it; '' where it can."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "holds a space, a control character or a letter that is not ASCII: write it as %XX"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a URL: write https://host/path"
    if parts.scheme not in ("http", "https"):
        return "must begin with https:// or http://; for chats and mail there is notify"
    return "" if host and port != 0 else "names no host, or the port 0: write https://host/path"


def _note_file(section: OwnSection, name: str) -> None:
    """The key must be there, and no one else's to read."""
    if not name.startswith("/"):
        section.error("notify_secret_file", f"{name!r} is relative: begin it with %(here)s/")
        return
    try:
        found = os.stat(name)  # noqa: PTH116 - Path raises where the name is too long
    except OSError as error:
        section.error("notify_secret_file", f"{name!r} can't be read: {error.strerror}")
        return
    if not stat.S_ISREG(found.st_mode):
        section.error("notify_secret_file", f"{name!r} is no file")
    elif not os.access(name, os.R_OK):
        section.warning("notify_secret_file", f"{name!r} can't be read by who asks now")
    elif found.st_mode & stat.S_IRWXO:
        section.warning("notify_secret_file", f"{name!r} can be read by everybody: chmod 600 {name}")


def _known(section: OwnSection, chats: tuple[str, ...]) -> tuple[str, ...]:
    """The URLs that apprise knows; the others are noted, by their place, for all of one may be secret."""
    if not chats:
        return ()
    try:
        strangers = unknown(chats)
    except LibraryError as why:
        section.error("notify", str(why))
        return ()
    for number in strangers:
        scheme, colon, _ = chats[number].partition("://")
        kind = f"{scheme}://" if colon else "without a ://"
        section.error("notify", f"its URL number {number + 1} ({kind}) is none that apprise knows")
    return tuple(url for number, url in enumerate(chats) if number not in strangers)

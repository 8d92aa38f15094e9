"""Tells from the words of a program's command which port it binds itself. A guess; it looks at no process."""

from __future__ import annotations

import re
import shlex

PORT_OPTIONS = ("--port", "--http-port", "--listen-port", "-p")
BIND_OPTIONS = ("--bind", "--listen", "--address", "--addr", "-b", "-l")
SHARED = ("--reuse-port", "--reuseport", "--reuse_port", "--so-reuseport")
"""Options of servers that several processes may bind."""

LOCAL = r"(?:\*|0\.0\.0\.0|127(?:\.\d{1,3}){3}|localhost|\[::1?\]|\[::ffff:[\d.]+\])?"
ADDRESS = re.compile(rf"(?:https?://|tcp://)?({LOCAL}):(\d{{1,5}})")
LEAST_PORT = 80
"""A smaller number behind ``-p`` is hardly a port."""


def ports_of(command: str) -> frozenset[str]:
    """The ports that a command line names to listen on, such as ``8000``."""
    try:
        words = _words(command)
    except ValueError:
        return frozenset()
    if any(word.split("=", 1)[0] in SHARED for word in words):
        return frozenset()
    found: set[str] = set()
    for before, word in zip(["", *words], words, strict=False):
        found |= _port_in(before, word)
    return frozenset(found)


def _words(command: str) -> list[str]:
    """The words of a command, and of the command that it hands to a shell."""
    words: list[str] = []
    for word in shlex.split(command):
        is_script = words and re.fullmatch(r"-[a-z]*c", words[-1]) and " " in word
        words += shlex.split(word) if is_script else [word]
    return words


def _port_in(before: str, word: str) -> set[str]:
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return _port_value(option, value)
    if before.startswith("-") and "=" not in before:
        return (
            _port_value(before, word)
            if before in PORT_OPTIONS + BIND_OPTIONS
            else _standing_alone(before, word)
        )
    return _standing_alone(before, word)


def _port_value(option: str, value: str) -> set[str]:
    if option in BIND_OPTIONS:
        matched = ADDRESS.fullmatch(value) or re.fullmatch(r"(.*):(\d{1,5})", value)
        return {matched[2]} if matched else set()
    if option in PORT_OPTIONS and re.fullmatch(r"\d{1,5}", value, re.ASCII) and int(value) >= LEAST_PORT:
        return {value}
    return set()


def _standing_alone(before: str, word: str) -> set[str]:
    """``runserver 0.0.0.0:8000``: an address of this machine, behind no option; others are clients'."""
    if before.startswith("-"):
        return set()
    matched = ADDRESS.fullmatch(word)
    return {matched[2]} if matched and not word.startswith(("http", "tcp")) else set()

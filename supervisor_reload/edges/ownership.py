"""Who could change what root is about to run: a file, and every directory and link on the way to it.

It exists because root that runs what others can write hands them the machine. It only looks, as cheaply as it
can, for it is asked before every command that runs as root. It never decides: others refuse, or warn.
"""

# Names are exact strings here (any bytes), which Path would normalise; "" and ".." have a meaning, too.
# ruff: noqa: PTH109, PTH113, PTH115, PTH118, PTH119, PTH120

from __future__ import annotations

import grp
import os
import pwd
import re
import shlex
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = 0

MOST_LINKS = 40
"""as the kernel's own limit on links in one path (path_resolution(7))"""

MOST_LAYERS = 5
"""Wrappers, shells and scripts' interpreters around what is run in the end."""

FIRST_LINE = 256
"""Bytes that the kernel reads of a script's first line (execve(2))."""

INTERPRETER = re.compile(
    r"(python|pypy|perl|ruby|php|lua)[0-9.]*|(ba|da|a|z|k)?sh|node(js)?|Rscript|tclsh[0-9.]*"
)
SHELL = re.compile(r"(ba|da|a|z|k)?sh")
PYTHON = re.compile(r"(python|pypy)[0-9.]*")
WRAPPERS = ("env", "nice", "ionice", "nohup", "setsid", "stdbuf", "timeout", "chronic")
"""Commands that run the command behind their own words."""


class Weakness(NamedTuple):
    """A place where somebody else than root could change what a path leads to."""

    path: str
    who: str
    """such as ``belongs to alice``"""
    remedy: str
    """a command line"""

    def __str__(self) -> str:
        """As a clause: what is the matter, and what to do about it."""
        return f"{self.path!r} {self.who} ({self.remedy})"


class _File(NamedTuple):
    """A file, or a directory, that decides what a command does."""

    path: str
    sought: str = ""
    """the program that is looked for in this directory, and is not there"""


def weakness_of(path: str) -> Weakness | None:
    """The first place on the way to an absolute path that others can write; None where only root can.

    What can't be looked at, or does not exist, is no weakness: whoever wants to run it will fail. A directory
    in which everybody may make names, and only their owners change them (sticky, as /tmp), is none either.
    """
    is_shared = False
    for name, found in _way(path):
        weakness = _judge(name, found, is_shared=is_shared)
        if weakness is not None:
            return weakness
        if stat.S_ISDIR(found.st_mode):
            is_shared = _is_shared(found)
    return None


def weakness_of_command(argv: Sequence[str], directory: str, folders: Sequence[str]) -> str:
    """Why root should not run this command, in words with what to do; '' where nothing speaks against it.

    Args:
        argv: the command.
        directory: where it runs; '' for our own working directory.
        folders: where its program is looked up, as in PATH.
    """
    for file in dict.fromkeys(_files(argv, directory or os.getcwd(), folders, MOST_LAYERS)):
        weakness = weakness_of(file.path)
        if weakness is not None and file.sought:
            return (
                f"would run as root, {file.sought!r} is looked up in {file.path!r} first, and {weakness}; or "
                "name it by its whole path"
            )
        if weakness is not None:
            means = "" if weakness.path == file.path else f" by way of {file.path!r}"
            return f"would run as root{means}, and {weakness}"
    return ""


def _way(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every directory, link and file that decides what an absolute path leads to, from / on."""
    waiting = deque(path.split("/"))
    here, links = "/", 0
    try:
        yield here, os.lstat(here)
        while waiting:
            name = waiting.popleft()
            if name in ("", ".", ".."):
                here = os.path.dirname(here) if name == ".." else here
                continue
            candidate = os.path.join(here, name)
            found = os.lstat(candidate)
            yield candidate, found
            if not stat.S_ISLNK(found.st_mode):
                here = candidate
                continue
            links += 1
            if links > MOST_LINKS:
                return
            pointed = os.readlink(candidate)
            here = "/" if pointed.startswith("/") else here
            waiting.extendleft(reversed(pointed.split("/")))
    except (OSError, ValueError):  # it is not there, or may not be seen: then it can't be run either
        return


def _is_shared(found: os.stat_result) -> bool:
    """Whether it is a directory such as /tmp: others may write, but nobody may touch another's names."""
    return bool(found.st_mode & stat.S_ISVTX) and bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _judge(name: str, found: os.stat_result, *, is_shared: bool) -> Weakness | None:
    """What speaks against one name; ``is_shared`` is said of the directory in which it is."""
    is_link = stat.S_ISLNK(found.st_mode)
    if is_link and not is_shared:
        return None  # a link can't be changed, only replaced, which its directory decides
    quoted = shlex.quote(name)
    if found.st_uid != ROOT:
        option = "-h " if is_link else ""
        return Weakness(name, f"belongs to {_user(found.st_uid)}", f"chown {option}root {quoted}")
    if is_link or (stat.S_ISDIR(found.st_mode) and _is_shared(found)):
        return None
    if found.st_mode & stat.S_IWOTH:
        return Weakness(name, "can be written by everybody", f"chmod go-w {quoted}")
    if found.st_mode & stat.S_IWGRP and found.st_gid != ROOT:
        return Weakness(name, f"can be written by group {_group(found.st_gid)}", f"chmod g-w {quoted}")
    return None


def _files(argv: Sequence[str], directory: str, folders: Sequence[str], layers: int) -> Iterator[_File]:
    """The files that decide what a command does: its program, and those of scripts and wrappers."""
    if not argv or not layers:
        return
    yield from _earlier_folders(argv[0], directory, folders)
    file = located(argv[0], directory, folders)
    if file is None:
        return
    yield _File(file)
    name, words = os.path.basename(argv[0]), list(argv[1:])
    by = _first_line(file)
    if by:
        yield from _files([*by, file], directory, folders, layers - 1)
    elif SHELL.fullmatch(name) and len(words) > 1 and re.fullmatch(r"-[a-z]*c", words[0]):
        yield from _files(_split(words[1]), directory, folders, layers - 1)
    elif INTERPRETER.fullmatch(name):
        yield from _script(words, directory, is_python=bool(PYTHON.fullmatch(name)))
    elif name in WRAPPERS:
        behind = next((i for i, word in enumerate(words) if located(word, directory, folders)), len(words))
        yield from _files(words[behind:], directory, folders, layers - 1)


def located(word: str, directory: str, folders: Sequence[str]) -> str | None:
    """The absolute path of a program as exec finds it from ``directory``; None where there is none."""
    if not word or "\0" in word:
        return None
    for folder in [""] if "/" in word else folders:
        candidate = os.path.join(directory, folder, word)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def _earlier_folders(word: str, directory: str, folders: Sequence[str]) -> Iterator[_File]:
    """The folders that are searched before the one that has the program: who writes there goes before it."""
    if "/" in word:
        return
    for folder in folders:
        if located(word, directory, [folder]):
            return
        yield _File(os.path.join(directory, folder), word)


def _script(words: Sequence[str], directory: str, *, is_python: bool) -> Iterator[_File]:
    """The script that an interpreter is given. Python's -m and -c import from where they run (-I: not)."""
    is_isolated = False
    for word in words:
        if is_python and re.fullmatch(r"-[A-Za-z]*I[A-Za-z]*", word):
            is_isolated = True
        if is_python and re.fullmatch(r"-[A-Za-z]*[cm]", word):
            if not is_isolated:
                yield _File(directory)
            return
        file = os.path.join(directory, word)
        if not word.startswith("-") and "\0" not in word and os.path.isfile(file):
            yield _File(file)
            return


def _first_line(file: str) -> list[str]:
    """What a script's first line says runs it; nothing for a program, or one that can't be read."""
    try:
        with Path(file).open("rb") as script:
            line = script.read(FIRST_LINE).partition(b"\n")[0]
    except OSError:
        return []
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    return [word for word in words if word != "-S"]  # env -S: split what follows, as we do anyway


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)

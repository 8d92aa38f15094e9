"""The table of what starts other programs: which words are its own, and what becomes of a signal to it.

supervisord signals the one process that it started. What a wrapper does with that was measured, each once and
with a program that has a child: nohup, nice, ionice, chrt, stdbuf, taskset, setpriv, env, gosu 1.14, chpst,
chroot, ``poetry run`` 2.5, ``pipenv run`` 2026.10, ddtrace-run 4.16, opentelemetry-instrument 0.66 and
``newrelic-admin run-program`` 14.1 become the program. tini 0.19 and ``dumb-init --single-child`` 1.2.5 stay,
and hand every signal to the program alone; dumb-init, ``tini -g`` and timeout hand it to the program's
children as well (a gunicorn worker dies of HUP, and its request with it), and timeout dies of USR2.
``uv run`` 0.13 hands all signals on, but before April 2025 only TERM (github.com/astral-sh/uv/pull/13017);
su and ``pdm run`` 2.29 hand TERM on, and not HUP. npm and npx 11, ``hatch run`` 1.18, xvfb-run and setsid
end on TERM or HUP and leave the program behind. exec and command are the shell's; su-exec, setuidgid,
``bundle exec``, ``rbenv exec`` and ``rye run`` become the program by their own sources. Nothing here runs
anything.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType


class Passing(str, enum.Enum):
    """What becomes of a signal that supervisord sends to a wrapper; the text goes on from "which"."""

    BECOMES = "becomes the program"
    ALONE = "hands every signal on to the program alone"
    STOPS = "stays its parent, and hands on the stop signal, but not surely another"
    TO_ALL = "stays its parent, and hands it to the program's children as well, whose requests it cuts"
    MAY_LEAVE = "stays its parent, and may keep it"
    LEAVES = "ends of it, and leaves the program behind"


NO_OPTIONS: frozenset[str] = frozenset()

WRAPPERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "exec": frozenset({"-a"}),
        "nohup": NO_OPTIONS,
        "setsid": NO_OPTIONS,
        "command": NO_OPTIONS,
        "nice": frozenset({"-n", "--adjustment"}),
        "ionice": frozenset({"-c", "-n", "--class", "--classdata"}),
        "chrt": frozenset({"-p"}),
        "chpst": frozenset(f"-{letter}" for letter in "uUbe/CnlLmdopfcrt"),
        "stdbuf": frozenset({"-i", "-o", "-e"}),
        "sudo": frozenset({"-u", "-g", "-C", "--user", "--group"}),
        "setpriv": frozenset({"--reuid", "--regid", "--groups"}),
        "dumb-init": frozenset({"-r", "--rewrite"}),
        "tini": frozenset({"-e", "-p"}),
        "catchsegv": NO_OPTIONS,
        "ddtrace-run": NO_OPTIONS,
        "opentelemetry-instrument": NO_OPTIONS,
        "npx": frozenset({"-p", "--package"}),
        "bunx": NO_OPTIONS,
        "uvx": frozenset({"--from", "--with", "--python", "-p", "--env-file"}),
        "xvfb-run": frozenset({"-n", "-s", "--server-num", "--server-args"}),
        "newrelic-admin": NO_OPTIONS,
        "env": frozenset({"-u", "-C", "--unset", "--chdir"}),
    }
)
"""Commands that become, or start, what stands behind them; with their options that take a word."""

WITH_ONE_WORD = ("timeout", "gosu", "su-exec", "setuidgid", "chroot", "taskset")
"""The same, with one word of their own (a time, a user) before it."""

ONE_WORDS_OPTIONS = frozenset({"-s", "-k", "-u", "--signal", "--kill-after"})

RUNNERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "poetry": ("run",),
        "pipenv": ("run",),
        "uv": ("run",),
        "pdm": ("run",),
        "rye": ("run",),
        "hatch": ("run",),
        "conda": ("run",),
        "micromamba": ("run",),
        "bundle": ("exec",),
        "rbenv": ("exec",),
        "pnpm": ("exec",),
        "yarn": ("exec",),
        "coverage": ("run",),
        "newrelic-admin": ("run-program",),
    }
)
"""Commands of which one verb runs what stands behind it."""

RUNNERS_OPTIONS = frozenset(
    (
        *("-n", "-p", "--name", "--prefix", "--cwd", "--project", "--directory", "-C", "--with"),
        *("--with-requirements", "--with-editable", "--env-file", "--python", "--extra", "--group", "-e"),
    )
)
"""Their options that take a word, before the verb and behind it"""

PASSING: Mapping[str, Passing] = MappingProxyType(
    {
        **dict.fromkeys(("sudo", "uv", "uvx", "pdm"), Passing.STOPS),
        **dict.fromkeys(("dumb-init", "timeout"), Passing.TO_ALL),
        **dict.fromkeys(("yarn", "pnpm", "bunx", "conda", "micromamba", "catchsegv"), Passing.MAY_LEAVE),
        **dict.fromkeys(("npx", "npm", "hatch", "xvfb-run", "setsid"), Passing.LEAVES),
        "tini": Passing.ALONE,
    }
)
"""All others become the program."""

SPECIAL: tuple[tuple[str, str, Passing], ...] = (
    ("tini", r"-\w*g\w*", Passing.TO_ALL),
    ("dumb-init", r"-\w*c\w*|--single-child", Passing.ALONE),
    ("timeout", r"-\w*f\w*|--foreground", Passing.STOPS),
)
"""By an option of its own"""


INSTEAD: Mapping[str, str] = MappingProxyType(
    {"dumb-init": "say dumb-init --single-child", "tini": "leave out -g of tini"}
)
"""What lets a signal come to the program alone, where the wrapper itself can do that"""


def passing_of(name: str, rest: Sequence[str]) -> Passing:
    """What a wrapper with these words behind it does with a signal."""
    for wrapper, option, passing in SPECIAL:
        if wrapper == name and any(re.fullmatch(option, word) for word in _own_options(rest)):
            return passing
    return PASSING.get(name, Passing.BECOMES)


def _own_options(rest: Sequence[str]) -> list[str]:
    """The options before the program's own words."""
    end = next((n for n, word in enumerate(rest) if word == "--" or not word.startswith("-")), len(rest))
    return list(rest[:end])

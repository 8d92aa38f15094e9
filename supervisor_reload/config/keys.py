"""The one table of our keys: name, default, converter, unit and meaning. The documentation is made from it.
It holds no rule across keys; those are in ``contradictions``."""

from __future__ import annotations

from functools import partial

from supervisor.datatypes import boolean

from supervisor_reload.core.model import ObserverKind, Strategy

from . import values
from .commonkeys import COMMON_KEYS
from .hookkeys import HOOK_KEYS
from .key import Key

KEYS: tuple[Key, ...] = (
    Key(
        name="programs",
        default="(the section's NAME)",
        convert=values.some_words,
        doc="The groups or programs (or group:process) that run this code.",
    ),
    Key(
        name="watch",
        default="(required)",
        convert=values.some_words,
        doc="Directories or files; a symlink is followed, and its swap is seen. "
        "A relative path is relative to the program's directory.",
    ),
    Key(
        name="include",
        default="",
        convert=values.words,
        doc="gitignore patterns of the files that count; empty means all.",
    ),
    Key(
        name="exclude",
        default="",
        convert=values.words,
        doc="gitignore patterns of files that don't count, added to the built-in list.",
    ),
    Key(name="gitignore", default="true", convert=boolean, doc="Obey .gitignore files in the watched trees."),
    Key(
        name="follow_symlinks",
        default="false",
        convert=boolean,
        doc="Follow links that lead out of the watched trees: read such files, watch such directories.",
    ),
    Key(
        name="observer",
        default="auto",
        convert=partial(values.one_of, ObserverKind),
        doc="Where file events come from: native, polling, or auto: native where the file system tells of "
        "every change.",
    ),
    Key(
        name="poll_interval",
        default="1.0",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Time between two looks of the polling observer.",
    ),
    Key(
        name="quiet_period",
        default="0.05",
        convert=values.seconds,
        unit="seconds",
        doc="Silence that ends a burst of changes; one that lasts needs a quarter of its length.",
    ),
    Key(
        name="max_wait",
        default="2.0",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Longest length of a burst that never goes quiet.",
    ),
    Key(
        name="git_wait",
        default="30",
        convert=values.seconds,
        unit="seconds",
        doc="How long git at work (index.lock, a rebase) may keep a burst open.",
    ),
    Key(
        name="rescan_interval",
        default="30",
        convert=values.seconds_or_none,
        unit="seconds",
        doc="Time between two looks at every watched file, which find what no event told; none: never.",
    ),
    Key(
        name="run_on",
        default="",
        convert=values.run_rules,
        doc="Commands for certain files, one rule a line: gitignore patterns, ->, a command line (no shell). "
        "Run before the check, where one of these files changed; it must end with status 0.",
    ),
    Key(
        name="run_timeout",
        default="600",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Limit of one command of run_on.",
    ),
    Key(
        name="signal_on",
        default="",
        convert=values.words,
        doc="gitignore patterns: where only such files changed, the processes get signal, and go on.",
    ),
    Key(
        name="ignore_on",
        default="",
        convert=values.words,
        doc="gitignore patterns: a change of only such files concerns no process; run_on sees it, which with "
        "exclude it would not.",
    ),
    Key(
        name="check",
        default="none",
        convert=str.strip,
        doc="Run before anything is touched: a command line (no shell), "
        "or python: byte-compile the changed files with the program's own interpreter.",
    ),
    Key(
        name="check_timeout",
        default="60",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Limit of the check.",
    ),
    Key(
        name="strategy",
        default="rolling",
        convert=partial(values.one_of, Strategy),
        doc="rolling: new processes; signal: the program reloads itself when it gets the signal.",
    ),
    Key(
        name="signal",
        default="HUP",
        convert=values.reload_signal,
        doc="The signal of strategy=signal, and of signal_on.",
    ),
    Key(
        name="replicas",
        default="(all processes; less max_surge where that is given as a number)",
        convert=values.share,
        is_expanded=False,
        unit="processes, or a percentage of them",
        doc="How many processes shall serve.",
    ),
    Key(
        name="max_surge",
        default="0",
        convert=values.share,
        is_expanded=False,
        unit="processes, or a percentage of replicas (rounded up)",
        doc="How many spare processes may boot the new code beside the old.",
    ),
    Key(
        name="max_unavailable",
        default="1",
        convert=values.share,
        is_expanded=False,
        unit="processes, or a percentage of replicas (rounded down)",
        doc="How many of the replicas may be down at once.",
    ),
    Key(
        name="quiesce_signal",
        default="none",
        convert=values.quiesce_signal,
        doc="Asks a process to take no new work, before its in-flight work is waited for; sent once.",
    ),
    Key(
        name="lame_duck",
        default="0",
        convert=values.seconds,
        unit="seconds",
        doc="After quiesce_signal: how long others may take to notice that a process takes no new work.",
    ),
    Key(
        name="drain",
        default="exit",
        convert=str.strip,
        per_slot=True,
        doc="How we know that in-flight work is done. exit: the process gets the stop signal, and ends when "
        "it is. Before the stop signal: connections (none of its own is busy), http://host:port/path (it "
        'answers 204, 0 or {"active": 0}), message (it says so itself), or a command line (exit status 0).',
    ),
    Key(
        name="drain_interval",
        default="0.1",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Time between two looks at the in-flight work.",
    ),
    Key(
        name="drain_timeout",
        default="(30; with drain=exit the program's stopwaitsecs if that is less)",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Time for in-flight work; what is not done by then is cut, and counted in the log.",
    ),
    Key(
        name="stop_signal",
        default="(the program's stopsignal)",
        convert=values.signal_name,
        doc="The graceful signal of a process that is replaced in place; we send it once to a process.",
    ),
    Key(
        name="ready",
        default="(accepting for an fcgi-program, else running)",
        convert=str.strip,
        per_slot=True,
        doc="How a new process shows that it may receive work: running, accepting, notify (sd_notify), "
        "message (Supervisor's own events), tcp://host:port, http://host:port/path, unix:///path, or a "
        "command line.",
    ),
    Key(
        name="ready_interval",
        default="0.05",
        convert=values.limit_seconds,
        unit="seconds",
        doc="Time between two attempts.",
    ),
    Key(
        name="ready_timeout",
        default="60",
        convert=values.limit_seconds,
        unit="seconds",
        doc="From the start of a process until it counts as failed.",
    ),
    Key(
        name="min_ready",
        default="0",
        convert=values.seconds,
        unit="seconds",
        doc="How long a process must stay ready before it counts.",
    ),
    Key(
        name="failure_limit",
        default="3",
        convert=values.count,
        unit="failures",
        doc="A revision that failed this often is left alone until the files change.",
    ),
    Key(
        name="min_interval",
        default="0",
        convert=values.seconds,
        unit="seconds",
        doc="Least time between the beginnings of two rollouts.",
    ),
    Key(
        name="max_per_hour",
        default="none",
        convert=values.count_or_none,
        unit="rollouts",
        doc="Most rollouts in one hour.",
    ),
    *HOOK_KEYS,
    *COMMON_KEYS,
)

KEY_NAMED = {key.name: key for key in KEYS}

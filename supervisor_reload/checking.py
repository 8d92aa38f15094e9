"""The verb ``check``: what is wrong with the configuration, else what would be done and watched.

It reads the configuration and the watched trees; it changes nothing and needs no running supervisord.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from supervisor_reload import config
from supervisor_reload.config.findings import printable
from supervisor_reload.core.errors import ConfigError, ConfigErrors
from supervisor_reload.core.filters import GITIGNORE, Filter
from supervisor_reload.core.model import (
    CheckSettings,
    ReadySettings,
    Settings,
    Strategy,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.secrets import Redaction, secrets_of
from supervisor_reload.edges.watching import plan
from supervisor_reload.edges.watching.limits import watches_allowed

OK = 0
WRONG_CONFIGURATION = 2

SHOWN_SLOTS = 4


def check(config_file: str | None, stream: TextIO) -> int:
    """Write the errors, or the warnings and every target; answers the exit code: 0, or 2 for errors."""
    try:
        reading = config.read(config_file)
    except ConfigErrors as wrong:
        return _report_errors(wrong.errors, _Page(stream, Redaction(secrets_of(None, os.environ))))
    return _report(reading, _Page(stream, Redaction(secrets_of(reading.settings, os.environ))))


@dataclass(frozen=True, slots=True)
class _Page:
    """What is written to, a line at a time."""

    stream: TextIO
    redact: Redaction

    def say(self, line: str) -> None:
        """Write one line, whatever its names hold and whatever the terminal can show, without secrets."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        shown = printable(self.redact(line)).encode(encoding, "backslashreplace").decode(encoding)
        self.stream.write(shown + "\n")


def _report(reading: config.Reading, page: _Page) -> int:
    for warning in reading.warnings:
        page.say(f"warning: {warning}")
    more = len(reading.files) - 1
    page.say(f"{reading.settings.config_file}{f' and {more} included' if more else ''}: no errors")
    surveys = {
        target.name: [survey(path, target.watch) for path in target.watch.paths]
        for target in reading.settings.targets
    }
    for warning in nothing_included(reading.settings, surveys):
        page.say(f"warning: {warning}")
    for target in reading.settings.targets:
        page.say("")
        for line in description(target, surveys[target.name]):
            page.say(line)
    page.say("")
    for line in watching(reading.settings, watches_allowed()):
        page.say(line)
    page.say(f"state: {reading.settings.state_dir}")
    return OK


def nothing_included(settings: Settings, surveys: Mapping[str, Sequence[Survey]]) -> Iterator[ConfigError]:
    """Targets whose ``include`` leaves no file at all, so that no save is a change."""
    for target in settings.targets:
        if target.watch.include and not any(found.files for found in surveys[target.name]):
            patterns = ", ".join(target.watch.include)
            message = f"no file matches {patterns!r}, so no save is a change"
            yield ConfigError(file="", section=f"reload:{target.name}", key="include", message=message)


def _report_errors(errors: tuple[ConfigError, ...], page: _Page) -> int:
    for error in errors:
        page.say(f"error: {error}")
    page.say(_count(len(errors), "error"))
    return WRONG_CONFIGURATION


def _count(number: int, noun: str) -> str:
    if number != 1:
        noun = (
            noun[:-1] + "ies" if noun.endswith("y") else noun + ("es" if noun.endswith(("s", "ch")) else "s")
        )
    return f"{number} {noun}"


def _duration(seconds: float) -> str:
    return f"{seconds:g} s"


def description(target: TargetSettings, surveys: Sequence[Survey]) -> Iterator[str]:
    """One target in words: how it is replaced, and every limit."""
    names = [str(slot.name) for slot in target.slots]
    shown = names if len(names) <= SHOWN_SLOTS else [*names[:2], "...", names[-1]]
    yield f"{target.name}: {manner(target)}"
    yield f"  processes  {', '.join(shown)} ({len(names)})"
    yield (
        f"  numbers    {_count(target.replicas, 'replica')}, {target.max_surge} spare, "
        f"at most {target.max_unavailable} unavailable"
    )
    yield f"  check      {_check_words(target.check)}"
    yield from _reaction_lines(target)
    if target.strategy is Strategy.ROLLING:
        yield from _leaving_lines(target)
    yield from _ready_lines(target)
    storm = f", at most {_count(target.max_per_hour, 'rollout')} an hour" if target.max_per_hour else ""
    yield (
        f"  failures   {target.failure_limit} of one revision, then it is left alone; "
        f"{_duration(target.min_interval)} between rollouts{storm}"
    )
    watch = target.watch
    yield (
        f"  burst      ends after {_duration(watch.quiet_period)} of silence, or {_duration(watch.max_wait)} "
        f"in all; git may hold it open for {_duration(watch.git_wait)}"
    )
    for path, found in zip(watch.paths, surveys, strict=True):
        if not found.is_directory:
            yield f"  watch      {path}: one file"
            continue
        where = _count(found.directories, "directory")
        yield f"  watch      {path}: {_count(found.files, 'file')} in {where}"


def manner(target: TargetSettings) -> str:
    """What the numbers of a target mean, in words."""
    total = len(target.slots)
    if target.strategy is Strategy.SIGNAL:
        return f"signal: the program gets {target.signal} and reloads itself"
    if target.max_surge and target.replicas == target.max_surge == 1:
        return "swap: a spare slot boots the new code beside the old, which stops when the new one is ready"
    if target.max_surge and target.max_surge >= target.replicas:
        return f"blue/green: {target.max_surge} spare slots boot the new code beside {target.replicas} old"
    if target.max_surge:
        boots = "slot boots" if target.max_surge == 1 else "slots boot"
        return f"surge: at most {target.max_surge} spare {boots} the new code beside the old at a time"
    if total == 1:
        return "restart: the old process finishes and stops, then the new one starts"
    return f"rolling: {target.max_unavailable} of {target.replicas} at a time, in place"


def _check_words(settings: CheckSettings) -> str:
    if settings.python:
        what = f"changed .py files compile with {settings.python}"
    elif settings.command:
        what = " ".join(settings.command)
    else:
        return "none"
    return f"{what} (at most {_duration(settings.timeout)})"


def _reaction_lines(target: TargetSettings) -> Iterator[str]:
    """What certain files ask for."""
    reactions = target.reactions
    for rule in reactions.run_on:
        limit = _duration(reactions.run_timeout)
        yield f"  run on     {' '.join(rule.patterns)}: {shlex.join(rule.command)} (at most {limit})"
    if reactions.signal_on:
        yield f"  signal on  {' '.join(reactions.signal_on)}: {target.signal}"
    if reactions.ignore_on:
        yield f"  ignore on  {' '.join(reactions.ignore_on)}"


def _leaving_lines(target: TargetSettings) -> Iterator[str]:
    """How a process is taken out of service, step by step."""
    if target.quiesce_signal:
        lame_duck = f", then {_duration(target.lame_duck)} for others to notice" if target.lame_duck else ""
        yield f"  quiesce    {target.quiesce_signal}{lame_duck}"
    ways = dict.fromkeys(
        slot.drain.address or " ".join(slot.drain.command) or slot.drain.scheme
        for slot in target.slots
        if slot.drain.is_measured
    )
    limit = _duration(target.drain_timeout)
    shown = list(ways) if len(ways) <= SHOWN_SLOTS else [*list(ways)[:2], "..."]
    yield from (f"  drain      {way} (at most {limit})" for way in shown)
    kill = _duration(target.stop_timeout)
    if target.has_spare:
        yield f"  stop       {target.stop_signal}; supervisord kills it after {kill}"
    else:
        first = kill if ways else limit
        how = f"after {first} supervisord stops it, and kills it after {kill} more"
        yield f"  stop       {target.stop_signal}; {how}"


def _ready_lines(target: TargetSettings) -> Iterator[str]:
    """How the slots show readiness, each way once."""
    ways = dict.fromkeys(_ready_words(slot.ready) for slot in target.slots)
    shown = list(ways) if len(ways) <= SHOWN_SLOTS else [*list(ways)[:2], "..."]
    yield from (f"  ready      {way}" for way in shown)


def _ready_words(ready: ReadySettings) -> str:
    what = ready.address or " ".join(ready.command) or ready.scheme
    if ready.scheme == "notify":
        what = f"notify at {ready.address}"
    if ready.scheme == "accepting" and ready.address:
        what = f"accepting on {ready.address}"
    soak = f", then {_duration(ready.min_ready)} without failing" if ready.min_ready else ""
    return f"{what} (at most {_duration(ready.timeout)} from the start{soak})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is below one watched path."""

    files: int
    """that count"""
    directories: int
    """that are looked into, with the path itself"""
    is_directory: bool = True


def survey(path: str, watch: WatchSettings) -> Survey:
    """Count what would be watched at a path; a directory that can't be read counts, and holds nothing."""
    if not Path(path).is_dir():
        return Survey(files=1, directories=0, is_directory=False)
    judge = Filter(watch)
    files, directories, waiting = 0, 0, [""]
    while waiting:
        directory = waiting.pop()
        directories += 1
        entries = _entries(Path(path, directory))
        rules = Path(path, directory, GITIGNORE)
        judge.set_gitignore(directory, _text(rules) if (GITIGNORE, False) in entries else None)
        prefix = f"{directory}/" if directory else ""
        for name, is_directory in entries:
            if is_directory and judge.directory_is_watched(prefix + name):
                waiting.append(prefix + name)
            elif not is_directory:
                files += judge.file_is_watched(prefix + name)
    return Survey(files=files, directories=directories)


def _entries(directory: Path) -> list[tuple[str, bool]]:
    try:
        with os.scandir(directory) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return []


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None


def watching(settings: Settings, allowed: int | None) -> Iterator[str]:
    """The inotify watches that all targets need together, how many a user may have, and what is polled."""
    if allowed is None:
        return  # not Linux
    found = plan(settings.targets)
    yield f"inotify: {_count(found.watches, 'watch')} needed, {allowed} allowed"
    if found.watches > allowed:
        yield (
            f"warning: the trees that don't fit will be polled; to watch them: "
            f"sysctl fs.inotify.max_user_watches={2 * found.watches}"
        )
    yield from (f"warning: {sentence}" for sentence in found.polled)

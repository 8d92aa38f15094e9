"""The verb ``check``: what is wrong with the configuration, else what would be done and watched.

It reads the configuration and the watched trees; it changes nothing and needs no running supervisord.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from supervisor_reload import config
from supervisor_reload.config.findings import printable
from supervisor_reload.core.errors import ConfigError, ConfigErrors
from supervisor_reload.core.filters import GITIGNORE, Filter
from supervisor_reload.core.model import (
    Settings,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.secrets import Redaction, secrets_of
from supervisor_reload.describing import count, description
from supervisor_reload.edges.watching import plan
from supervisor_reload.edges.watching.limits import watches_allowed

OK = 0
WRONG_CONFIGURATION = 2


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
        for line in (*description(target), *_watch_lines(target, surveys[target.name])):
            page.say(line)
    page.say("")
    for line in watching(reading.settings, watches_allowed()):
        page.say(line)
    page.say(f"state: {reading.settings.state_dir}")
    for place in reading.settings.metrics:
        page.say(f"metrics: {place}")
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
    page.say(count(len(errors), "error"))
    return WRONG_CONFIGURATION


def _watch_lines(target: TargetSettings, surveys: Sequence[Survey]) -> Iterator[str]:
    for path, found in zip(target.watch.paths, surveys, strict=True):
        if not found.is_directory:
            yield f"  watch      {path}: one file"
            continue
        where = count(found.directories, "directory")
        yield f"  watch      {path}: {count(found.files, 'file')} in {where}"


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
    yield f"inotify: {count(found.watches, 'watch')} needed, {allowed} allowed"
    if found.watches > allowed:
        yield (
            f"warning: the trees that don't fit will be polled; to watch them: "
            f"sysctl fs.inotify.max_user_watches={2 * found.watches}"
        )
    yield from (f"warning: {sentence}" for sentence in found.polled)

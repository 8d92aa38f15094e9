"""The configuration files on disk: when they are read again, and what is told."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.configfacts import (
    ConfigurationRead,
    ConfigurationRefused,
)
from supervisor_reload.core.configuration import Configuration
from supervisor_reload.core.errors import ConfigError, ConfigErrors
from supervisor_reload.core.facts import (
    Fact,
)
from supervisor_reload.core.model import Settings
from supervisor_reload.edges.configuration import ConfigurationFiles

LIMIT = 10.0
AGAIN = 0.2
PATIENCE = 1.0
NOTHING = 0.4
"""seconds in which a change would have been told"""


class Files:
    """A main file and a directory of included ones, under watch."""

    def __init__(self, directory: Path) -> None:
        self.main = directory / "main.conf"
        self.included = directory / "conf.d"
        self.included.mkdir()
        self.main.write_text("one")
        self.facts: queue.SimpleQueue[Fact] = queue.SimpleQueue()
        self.readings = 0
        self.fails: Callable[[], None] = lambda: None
        self.watched = ConfigurationFiles(
            self.read(), self.read, self.facts.put, interval=0.02, quiet=0.05, patience=PATIENCE, again=AGAIN
        )
        self.watched.start()
        assert self.told() == ["one"]

    def read(self) -> Configuration:
        """As the door would, but the texts are the warnings."""
        self.readings += 1
        self.fails()
        files = [self.main, *sorted(self.included.glob("*.conf"))]
        try:
            texts = tuple(file.read_text() for file in files)
        except FileNotFoundError as error:
            raise refusal("could not find config file") from error
        if "bad" in texts:
            raise refusal("bad")
        return Configuration(
            settings=Settings(targets=()),
            files=tuple(map(str, files)),
            patterns=(str(self.included / "*.conf"),),
            warnings=texts,
        )

    def told(self) -> list[str]:
        """What the next fact says."""
        fact = self.facts.get(timeout=LIMIT)
        if isinstance(fact, ConfigurationRead):
            return list(fact.configuration.warnings)
        assert isinstance(fact, ConfigurationRefused)
        return [f"refused: {error}" for error in fact.errors]

    def is_silent(self) -> bool:
        try:
            self.facts.get(timeout=NOTHING)
        except queue.Empty:
            return True
        return False


def refusal(message: str) -> ConfigErrors:
    return ConfigErrors((ConfigError(file="main.conf", section="", key="", message=message),))


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    made = Files(tmp_path)
    yield made
    made.watched.close()


def test_content_counts_and_not_times(files: Files) -> None:
    """Another file by rename is a change; a touch, or the same text again, is none and is not even read."""
    beside = files.main.with_name("new")
    beside.write_text("two")
    beside.rename(files.main)
    assert ["two"] == files.told()
    readings = files.readings
    os.utime(files.main)
    files.main.with_name("other.txt").write_text("x")
    assert files.is_silent()
    assert readings == files.readings


def test_included_files_come_and_go(files: Files) -> None:
    """They are seen by their pattern, before and after they are there."""
    added = files.included / "a.conf"
    added.write_text("more")
    assert ["one", "more"] == files.told()
    added.write_text("less")
    assert ["one", "less"] == files.told()
    added.unlink()
    assert ["one"] == files.told()


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_text("")])
def test_a_file_that_is_torn_for_a_moment(files: Files, how: Callable[[Path], object]) -> None:
    """An editor that truncates it, and takes its time: what it holds must not be stopped for that."""
    added = files.included / "a.conf"
    added.write_text("more")
    assert ["one", "more"] == files.told()
    how(added)
    assert files.is_silent()
    added.write_text("more")
    assert files.is_silent()
    how(added)
    assert files.told() in (["one"], ["one", ""]), "it stays so"


@pytest.mark.fault(26)
def test_bad_files_are_told_once_and_read_again(files: Files) -> None:
    """What a configuration names may come into being without any change of it."""
    files.main.write_text("bad")
    assert ["refused: main.conf: bad"] == files.told()
    readings = files.readings
    with pytest.raises(queue.Empty):
        files.facts.get(timeout=AGAIN + NOTHING)
    assert readings < files.readings
    files.main.unlink()
    assert ["refused: main.conf: could not find config file"] == files.told()
    files.main.write_text("one")
    assert ["one"] == files.told()


def test_a_defect_of_ours_ends_nothing(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    """It is told like an error, and the next change is read."""

    def fail() -> None:
        raise ZeroDivisionError

    files.fails = fail
    files.main.write_text("two")
    assert "it could not be read: ZeroDivisionError()" in files.told()[0]
    assert "the configuration could not be read" in caplog.text
    files.fails = lambda: None
    assert ["two"] == files.told()


def test_what_can_not_be_read_is_no_end(files: Files) -> None:
    """A directory in a file's place; and it may be closed before it began."""
    (files.included / "b.conf").mkdir()
    assert "IsADirectoryError" in files.told()[0]
    ConfigurationFiles(Configuration(settings=Settings(targets=())), files.read, files.facts.put).close()

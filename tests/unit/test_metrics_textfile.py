"""The file for node_exporter: whole at any time, and never older than the listener lives."""

from __future__ import annotations

import logging
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.publication import Publication
from supervisor_reload.edges.metrics import publishing, textfile
from supervisor_reload.edges.metrics.publishing import Publishing
from supervisor_reload.edges.metrics.tally import Tally
from supervisor_reload.edges.metrics.textfile import Textfile
from tests.integration.supervisord import free_port, wait_for

LINE = b"x" * 99 + b"\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(textfile, "LEAST_INTERVAL", 0.01)
    monkeypatch.setattr(textfile, "LONGEST_INTERVAL", 0.05)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "reload.prom"


@pytest.fixture
def write(path) -> Iterator[Callable[..., Textfile]]:
    made: list[Textfile] = []

    def start(page: Callable[[], bytes], mode: int = 0o644) -> Textfile:
        made.append(Textfile(Publication(scheme="textfile", path=str(path), mode=mode), page))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_a_file_for_everybody(write, path):
    """Whatever the umask; the file beside it has no name that node_exporter reads, and is gone again."""
    before = os.umask(0o077)
    try:
        file = write(lambda: LINE)
        wait_for(path.exists, 5, "the file")
        assert (LINE, 0o644) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    finally:
        os.umask(before)
    file.close()
    assert not [*path.parent.iterdir()], "old numbers would be taken for new ones"


def test_it_is_whole_at_any_time(write, path):
    """A reader never sees half a page, however often it is written."""
    pages = iter(range(1, 1_000_000))
    file = write(lambda: b"%d\n" % next(pages) + LINE * 2000 + b"end\n")
    wait_for(path.exists, 5, "the file")
    seen = set()

    def look() -> bool:
        file.touch()
        text = path.read_bytes()
        assert text.endswith(LINE + b"end\n")
        assert len(text.splitlines()) == 2002
        seen.add(text.split(b"\n")[0])
        return len(seen) >= 20

    wait_for(look, 10, "20 pages", step=0)


def test_it_is_not_written_without_end(write, path, monkeypatch):
    """However often the numbers change."""
    monkeypatch.setattr(textfile, "LEAST_INTERVAL", 0.2)
    count: list[int] = []
    file = write(lambda: count.append(1) or LINE)  # type: ignore[func-returns-value]
    end = threading.Event()
    threading.Timer(0.5, end.set).start()
    while not end.is_set():
        file.touch()
    assert 1 <= len(count) <= 4


def test_it_is_written_without_news(write, path):
    """Its age says that we live."""
    write(lambda: LINE)
    wait_for(path.exists, 5, "the file")
    first = path.stat().st_ino, path.stat().st_mtime_ns
    wait_for(lambda: (path.stat().st_ino, path.stat().st_mtime_ns) != first, 5, "the next one")


def test_a_directory_that_is_missing(write, path, caplog):
    """It is told once, and written as soon as there is one."""
    path.parent.rmdir()
    with caplog.at_level(logging.INFO):
        write(lambda: LINE)
        wait_for(lambda: "No such file or directory; trying again" in caplog.text, 5, "a warning")
        path.parent.mkdir()
        wait_for(path.exists, 5, "the file")
        wait_for(lambda: f"metrics: written to {path}" in caplog.text, 5, "the end of it")
    assert 1 == caplog.text.count("can't be written")


def test_a_link_in_its_way_is_not_followed(write, path, tmp_path):
    """Neither at its name nor beside it: what it leads to is nobody's business."""
    other = tmp_path / "other"
    other.write_text("mine")
    path.symlink_to(other)
    Path(f"{path.parent}/.{path.name}.new").symlink_to(other)
    write(lambda: LINE)
    wait_for(lambda: not path.is_symlink() and path.exists(), 5, "the file")
    assert "mine" == other.read_text()


def test_a_file_that_took_its_place_is_left(write, path, monkeypatch):
    monkeypatch.setattr(textfile, "LONGEST_INTERVAL", 60.0)
    file = write(lambda: LINE)
    wait_for(path.exists, 5, "the file")
    wait_for(lambda: file._identity is not None, 5, "its note")
    path.unlink()
    path.write_text("mine")
    monkeypatch.setattr(file, "_write", lambda _: None)
    file.close()
    assert "mine" == path.read_text()


def test_what_fails_is_told_and_tried_again(write, path, caplog):
    fates = iter([ImportError("prometheus_client is broken"), ZeroDivisionError()])

    def page() -> bytes:
        fate = next(fates, None)
        if fate is not None:
            raise fate
        return LINE

    with caplog.at_level(logging.WARNING):
        write(page)
        wait_for(path.exists, 5, "the file")
    assert f"metrics: {path} can't be written: prometheus_client is broken; trying again" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("metrics")}


def test_places_come_and_go(path):
    """As the configuration is saved: what stays is not touched."""
    stays = Publication(scheme="textfile", path=str(path), mode=0o644)
    goes = Publication(scheme="http", host="127.0.0.1", port=free_port())
    comes = Publication(scheme="http", host="127.0.0.1", port=free_port())
    published = Publishing(Tally())
    published.publish(())
    assert not threads()
    published.publish([stays, goes])
    kept = published._publishers[stays]
    published.publish([comes, stays, stays])
    assert kept is published._publishers[stays]
    assert {f"metrics {stays}", f"metrics {comes}"} == threads()
    published.touch()
    wait_for(path.exists, 5, "the file")
    published.close()
    assert not threads()


def test_without_the_library_nothing_is_published(path, monkeypatch):
    """Of which ``check`` and the listener tell when they read the configuration."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    published = publishing.Publishing(Tally())
    published.publish([Publication(scheme="textfile", path=str(path), mode=0o644)])
    published.touch()
    assert not threads()
    published.close()

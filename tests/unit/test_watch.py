"""``status --watch``: what makes a new view, how it is drawn, and what ends it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from supervisor_reload.core.model import Record
from supervisor_reload.showing import watching
from supervisor_reload.showing.ending import ending
from supervisor_reload.showing.glance import Glances
from supervisor_reload.showing.place import Unknown, place_of
from supervisor_reload.showing.reading import Here, Reading
from supervisor_reload.showing.screens import ENTER, LEAVE, Blocks, Objects, Terminal, View
from supervisor_reload.showing.watching import REFRESH, Views
from tests.fakes.place import Place
from tests.fakes.written import Written, records_of
from tests.integration.supervisord import wait_for

OK, NOT_WELL, UNKNOWN = 0, 3, 4


@pytest.fixture
def written(place: Place, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(place, capsys)


@pytest.fixture
def rest() -> dict[str, Record]:
    """Everything serves; there was one rollout."""
    return records_of()


class Looked:
    """Views of a real place, at a time that the test says."""

    def __init__(self, written: Written) -> None:
        self.now = 100.0
        self.read = 0
        here = Here(place_of(str(written.conf)))

        def look() -> Reading:
            self.read += 1
            return here.look()

        self.views = Views(look, Glances(()), lambda: self.now)

    def lines(self) -> list[str]:
        return [*self.views.next().lines]


def test_what_does_not_change_is_not_computed_again(written: Written, rest: dict[str, Record]) -> None:
    """
    Each time it is looked at; a view is made anew for a new journal, and once a second for the clocks.
    """
    with written.listener(rest):
        looked = Looked(written)
        first = looked.views.next()
        assert (OK, "READY") == (first.code, first.lines[0].split()[1])
        looked.now += REFRESH / 2
        assert looked.views.next() is first
        assert looked.read == 2
        looked.now += REFRESH / 2
        assert looked.views.next() is not first
        rest["target web"]["condition"] = "DOWN"
        written.write(rest)
        looked.now += 0.1
        last = looked.views.next()
        assert (NOT_WELL, "DOWN") == (last.code, last.lines[0].split()[1])


def test_a_listener_that_goes_and_comes(written: Written, rest: dict[str, Record]) -> None:
    """
    Its end is seen at once, though nothing is written; so is its successor.
    """
    with written.listener(rest):
        looked = Looked(written)
        assert looked.lines()[0].startswith("web ")
    assert looked.lines()[0].startswith("the listener is down; last known, ")
    assert looked.views.last.code == NOT_WELL
    with written.listener(rest):
        assert looked.lines()[0].startswith("web ")


def test_a_journal_that_vanishes_and_comes_back(written: Written, rest: dict[str, Record]) -> None:
    """
    That is told, with what was known last, and is no end; to programs as an error.
    """
    with written.listener(rest):
        looked = Looked(written)
        known = looked.lines()
        journal = written.state / "journal"
        content = journal.read_bytes()
        journal.unlink()
        view = looked.views.next()
        assert view.lines[0].startswith("Error: no listener has written here yet: ")
        assert ["what was known last:", *known] == [*view.lines[1:]]
        assert (UNKNOWN, 1) == (view.code, view.told["format"])
        assert str(view.told["error"]).startswith("no listener has written here yet")
        journal.write_bytes(b"")
        assert "empty" in looked.lines()[0]
        journal.write_bytes(content)
        assert known[0] == looked.lines()[0]


def test_from_the_beginning_there_must_be_something(written: Written) -> None:
    """
    As without --watch: a sentence, and the exit status.
    """
    code, out, err = written.run("status", "--watch")
    assert (UNKNOWN, "") == (code, out)
    assert "no listener has written here yet" in err


def test_a_name_that_is_none(written: Written, rest: dict[str, Record]) -> None:
    with written.listener(rest):
        code, out, err = written.run("status", "--watch", "wbe")
    assert (UNKNOWN, "") == (code, out)
    assert "wbe: ERROR (no such target; did you mean 'web'?)\n" == err


def view(*lines: str, **told: Any) -> View:
    return View(lines=lines, told={"format": 1, **told}, code=OK)


def test_blocks_tell_what_changed() -> None:
    """
    One below the other, each with the time of day; not for what changes with the time alone.
    """
    stream = io.StringIO()
    blocks = Blocks(stream)
    blocks.show(view("web READY 1 s", targets=[{"condition": "READY", "seconds": 1.0}]))
    blocks.show(view("web READY 2 s", targets=[{"condition": "READY", "seconds": 2.0}], age=3.0))
    blocks.show(view("web DOWN", targets=[{"condition": "DOWN", "seconds": 0.0}]))
    blocks.close(view("web DOWN", targets=[{"condition": "DOWN", "seconds": 1.0}]))
    told = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", stream.getvalue())
    assert told == "TIME:\nweb READY 1 s\n\nTIME:\nweb DOWN\n\n"


def test_objects_tell_what_changed() -> None:
    """
    One in each line, whole.
    """
    stream = io.StringIO()
    objects = Objects(stream)
    for age, condition in ((1.0, "READY"), (2.0, "READY"), (3.0, "DOWN")):
        objects.show(view("", age=age, condition=condition))
    objects.close(view("", age=4.0, condition="STOPPED"))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(1.0, "READY"), (3.0, "DOWN"), (4.0, "STOPPED")] == [
        (one["age"], one["condition"]) for one in told
    ]


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A stream to a terminal of 5 lines, and what has arrived there."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    resize(slave, 5)

    def arrived() -> str:
        try:
            return os.read(master, 65536).decode()
        except BlockingIOError:
            return ""

    with open(slave, "w", encoding="utf-8") as stream:
        yield stream, arrived
    os.close(master)


def resize(descriptor: int, lines: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 40, 0, 0))


def test_a_terminal_is_drawn_anew(terminal: tuple[TextIO, Callable[[], str]]) -> None:
    """
    Over the last view, in its own screen; nothing is sent where nothing changed; then it is left as it was,
    with the last view on it.
    """
    stream, arrived = terminal
    screen = Terminal(stream)
    screen.show(view("web  READY \x1b[31m", "  web:web"))
    assert arrived() == f"{ENTER}\x1b[Hweb  READY \\x1b[31m\x1b[K\r\n  web:web\x1b[K\x1b[J"
    screen.show(view("web  READY \x1b[31m", "  web:web"))
    assert arrived() == ""
    screen.close(view("web  DOWN"))
    assert arrived() == f"{LEAVE}web  DOWN\r\n"


def test_a_terminal_that_is_too_small_and_grows(terminal: tuple[TextIO, Callable[[], str]]) -> None:
    """
    What does not fit is counted; another size is another picture, although nothing else changed.
    """
    stream, arrived = terminal
    screen = Terminal(stream)
    seven = view(*(f"line {number}" for number in range(7)))
    screen.show(seven)
    small = arrived()
    assert "line 3" in small
    assert "line 4" not in small
    assert small.endswith("... and 3 more lines: name targets to see fewer\x1b[K\x1b[J")
    resize(stream.fileno(), 30)
    screen.show(seven)
    assert "line 6" in arrived()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_only_told(number: signal.Signals) -> None:
    """
    It ends the wait at once; afterwards it means what it meant before.
    """
    before = signal.getsignal(number)
    with ending(io.StringIO()) as end:
        assert not end.within(0.0)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
        timer.start()
        assert end.within(10.0)
        timer.join()
        assert end.within(0.0)  # it was told, and stays so
    assert signal.getsignal(number) is before


def test_a_reader_that_left() -> None:
    """
    ``status --watch | head``: it need not wait for a change to see that nobody reads any more.
    """
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stream, ending(stream) as end:
        assert not end.within(0.0)
        os.close(reader)
        assert end.within(10.0)


def test_the_end_is_the_last_view(
    written: Written, rest: dict[str, Record], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The whole verb in a file: a block for each change, until SIGTERM; the exit status is that of the last.
    """
    monkeypatch.setattr(watching, "INTERVAL", 0.01)
    told = tmp_path / "told"

    def act() -> None:
        try:
            wait_for(lambda: "READY" in told.read_text(), what="the first view")
            written.write({**rest, "target web": {**rest["target web"], "condition": "DOWN"}})
            wait_for(lambda: "DOWN" in told.read_text(), what="the second view")
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    with written.listener(rest), told.open("w", encoding="utf-8") as stream:
        stream.flush()
        actor = threading.Thread(target=act)
        actor.start()
        code = watching.watch_status(str(written.conf), (), stream, stream)
        actor.join()
    assert code == NOT_WELL
    assert ["READY", "DOWN"] == re.findall(r"^web +(\w+)", told.read_text(), re.MULTILINE)


def test_what_cant_be_told_is_an_error_with_its_own_code(written: Written, rest: dict[str, Record]) -> None:
    """
    As Unknown has it, which verbs elsewhere may raise with another.
    """
    views = Views(lambda: (_ for _ in ()).throw(Unknown("gone", "for good")), Glances(()))
    told = views.next()
    assert (["Error: gone", "Error: for good"], UNKNOWN) == ([*told.lines], told.code)

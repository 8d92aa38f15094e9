"""What is advised where supervisord does not run: to start it, and nothing that needs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_reload.core.model import Record
from supervisor_reload.showing.afar import Afar
from supervisor_reload.showing.credentials import Server
from supervisor_reload.showing.place import Unknown, is_supervisord_gone, place_of
from tests.fakes.place import Place
from tests.fakes.written import Written, records_of

DOWN = "Error: supervisord does not run: supervisord -c HERE/supervisord.conf\n"


@pytest.fixture
def written(place: Place, capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(place, capsys)


@pytest.fixture
def pidfile(written: Written) -> Path:
    return Path(place_of(str(written.conf)).pidfile)


@pytest.fixture(scope="module")
def rest() -> dict[str, Record]:
    return records_of()


def test_nobody_has_its_pid(written: Written, pidfile: Path, rest: dict[str, Record]) -> None:
    """
    Killed, or shut down: it takes the file along, if it can.
    """
    written.write(rest)
    assert (7, "", DOWN) == written.run("start", "web")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(10)
    pidfile.write_text(f"{ended.pid}\n")
    assert (7, "", DOWN) == written.run("start", "web")
    with written.listener(rest):  # its supervisord was killed: it leaves in a moment
        assert (7, "", DOWN) == written.run("pause")


def test_it_lives(written: Written, pidfile: Path, rest: dict[str, Record]) -> None:
    """
    Then it is the listener that is down.
    """
    written.write(rest)
    pidfile.write_text(f"{os.getpid()}\n")
    code, _, err = written.run("start", "web")
    assert (7, True) == (code, err.startswith("Error: the listener is down: supervisorctl -c "))


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "9" * 40])
def test_what_is_no_pid_tells_nothing(written: Written, pidfile: Path, text: str) -> None:
    pidfile.write_text(text)
    assert not is_supervisord_gone(place_of(str(written.conf)))


def test_a_cleaner_took_the_file(written: Written, pidfile: Path, rest: dict[str, Record]) -> None:
    """
    The listener lives, and so does its parent.
    """
    with written.listener(rest):
        assert not is_supervisord_gone(place_of(str(written.conf)))
    assert is_supervisord_gone(place_of(str(written.conf)))


def test_nothing_was_ever_written(written: Written) -> None:
    code, _, err = written.run("status")
    assert (4, True) == (code, "(supervisord does not run: supervisord -c " in err)


def test_an_address_that_was_mistyped(tmp_path: Path) -> None:
    """
    Nothing is to be restarted for that.
    """
    url = f"unix://{tmp_path}/typo.sock"
    with pytest.raises(Unknown) as raised:
        Afar(Server(url=url), may_ask=lambda: False).look()
    assert f"there is no {url}: is that the address of the supervisord that runs?" == str(raised.value)

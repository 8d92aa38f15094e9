"""The writer of the journal: what it keeps, where, and what it does about a file that is not there."""

from __future__ import annotations

import math
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from supervisor_reload.edges.journal import Found, Header, read
from supervisor_reload.edges.journal.syncing import LEAVING, Syncing
from supervisor_reload.edges.journal.writing import MANY, SMALL
from supervisor_reload.edges.machine import boot_id

from .journaling import FAILED, MENDED, Writer
from .test_journal_reading import after, turns


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns)
def test_what_is_written_is_there_at_once(tmp_path_factory, turns):
    """For whoever looks, and for the next listener; also without a close."""
    with Writer(tmp_path_factory.mktemp("state")) as writer:
        for number, turn in enumerate(turns, 1):
            writer.journal.write(turn)
            assert after(turns[:number]) == writer.read().records
        assert [] == writer.facts
    with Writer(writer.directory) as following:
        assert after(turns) == following.found.records
        assert "" == following.found.damage


def test_who_wrote_it(directory):
    """The header tells the life that the records are of."""
    with Writer(directory, life="first") as writer:
        assert Found() == writer.found
        writer.write(a={"n": 1})
    header = writer.read().header
    assert (header.boot, header.supervisor, header.pid) == ("boot", "first", os.getpid())
    assert abs(header.time - time.time()) < 60


def test_nothing_is_ours_before_it_is_written(directory):
    """What another life left keeps its header until we say what is still true: we may die before."""
    with Writer(directory, life="first") as writer:
        writer.write(a={"n": 1}, b={"n": 1})
    with Writer(directory, life="second") as writer:
        writer.journal.tick()
        assert "first" == writer.read().header.supervisor
        writer.write(a=None, c={"n": 2})
        assert "second" == writer.read().header.supervisor
        assert {"b": {"n": 1}, "c": {"n": 2}} == writer.read().records


def test_a_turn_is_a_line(directory):
    """It is there as a whole, or not at all."""
    with Writer(directory) as writer:
        writer.write(a={"n": 1})
        before = writer.path.read_bytes()
        writer.write(a={"n": 2}, b={"n": 2}, c=None)
        added = writer.path.read_bytes().removeprefix(before)
    assert added.endswith(b' {"a":{"n":2},"b":{"n":2},"c":null}\n')
    assert 1 == added.count(b"\n")


@pytest.mark.fault(52)
def test_who_may_see_it(directory):
    """Nobody else."""
    before = os.umask(0)
    try:
        with Writer(directory) as writer:
            writer.write(a={})
    finally:
        os.umask(before)
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert {"journal", "journal.reserve"} == writer.names


def test_it_does_not_grow(directory):
    """It is replaced by a shorter one, again and again, and nothing is lost meanwhile."""
    with Writer(directory) as writer:
        shorter = before = number = 0
        limit = time.monotonic() + 10
        while shorter < 3:
            assert time.monotonic() < limit
            writer.write(**{f"k{number % 10}": {"n": number, "text": "x" * 2_000}, f"t{number}": {}})
            writer.write(**{f"t{number - 10}": None})
            number += 1
            size = writer.path.stat().st_size
            shorter, before = shorter + (size < before), size
        assert before < SMALL
        expected = {f"k{n % 10}": n for n in range(number)} | {
            f"t{n}": None for n in range(number - 10, number)
        }
        assert expected == {key: record.get("n") for key, record in writer.read().records.items()}
        assert [] == writer.facts


def test_a_stalled_disk_stalls_nobody(directory, caplog):
    """No write waits for a sync but the first, and that for a second; a file that grew is replaced later."""
    hangs, release = threading.Event(), threading.Event()

    def sync(descriptor: int) -> None:
        if hangs.is_set():
            release.wait(30)

    with Writer(directory, Syncing(0.0, sync)) as writer:
        writer.write(a={"n": 0})
        hangs.set()
        longest = 0.0
        for number in range(1, 400):
            began = time.monotonic()
            writer.write(a={"n": number, "text": "x" * 2_000})
            longest = max(longest, time.monotonic() - began)
        assert longest < 5  # the sync hangs for 30 s
        assert writer.path.stat().st_size > 2 * SMALL
        hangs.clear()
        release.set()
        limit = time.monotonic() + 10
        while writer.path.stat().st_size > SMALL:
            assert time.monotonic() < limit
            number += 1
            writer.write(a={"n": number})
        assert {"a": {"n": number}} == writer.read().records
        release.clear()
        hangs.set()
        writer.write(a={"n": -1})
        began = time.monotonic()
    assert time.monotonic() - began < LEAVING + 5
    release.set()
    assert {"a": {"n": -1}} == writer.read().records


KILLED = """
import sys
from supervisor_reload.edges.journal import Journal
from supervisor_reload.edges.journal.syncing import Syncing
journal = Journal(sys.argv[1], print, boot="b", supervisor="s", syncing=Syncing(0.0))
journal.open()
for number in range(1_000_000):
    journal.write({"a": {"n": number, "text": "x" * 50_000}, "b": {"n": number}})
    print(number, flush=True)
"""


def test_killed_at_any_moment(directory):
    """What was said to be written is there, whether the file was just being replaced or not."""
    for nth in range(10):
        process = subprocess.Popen((sys.executable, "-c", KILLED, str(directory)), stdout=subprocess.PIPE)
        assert process.stdout
        heard = [process.stdout.readline() for _ in range(20 + 7 * nth)]
        process.send_signal(signal.SIGKILL)
        heard += process.stdout.readlines()
        process.wait(10)
        process.stdout.close()
        said = int(heard[-1])
        found = read(str(directory))
        assert "" == found.damage
        assert found.records["a"]["n"] == found.records["b"]["n"] in (said, said + 1)
    (directory / "journal.new").write_bytes(b"what a killed one left")
    with Writer(directory) as writer:
        assert found == writer.found
        assert {"journal", "journal.reserve"} == writer.names


def remove(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()
    path.parent.rmdir()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def replace(path: Path) -> None:
    path.with_name("other").write_bytes(Header(boot="", supervisor="", time=0, pid=1).line())
    path.with_name("other").rename(path)


@pytest.mark.parametrize("harm", [remove, remove_all, empty, replace])
@pytest.mark.parametrize("noticed_by", ["tick", "write"])
def test_somebody_takes_the_file_away(directory, harm, noticed_by, caplog):
    """It is written anew, in full, by a tick at the latest, and said once; the reserve is made again."""
    with Writer(directory) as writer:
        writer.write(a={"n": 1}, b={"n": 1})
        harm(writer.path)
        if noticed_by == "write":
            writer.write(b={"n": 2})
        writer.journal.tick()
        assert {"a": {"n": 1}, "b": {"n": 2 if noticed_by == "write" else 1}} == writer.read().records
        assert "life" == writer.read().header.supervisor
        writer.journal.tick()
        assert {"journal", "journal.reserve"} <= writer.names
        assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
        assert 1 == caplog.text.count(f"{writer.path} was removed, replaced or cut by somebody else")
        writer.write(c={})
        assert {"a", "b", "c"} == writer.read().records.keys()
        assert [] == writer.facts


def test_the_reserve_alone_is_removed(directory):
    """It is made again, also before anything was written; no trouble is told."""
    with Writer(directory) as writer:
        for _ in range(2):
            (directory / "journal.reserve").unlink()
            writer.journal.tick()
            assert "journal.reserve" in writer.names
            writer.write(a={})
        assert [] == writer.facts


def test_a_directory_that_goes_before_anything_was_written(directory):
    """As the journal of a listener that has nothing to write yet."""
    with Writer(directory) as writer:
        (directory / "journal.reserve").unlink()
        directory.rmdir()
        writer.journal.tick()
        assert {"journal.reserve"} == writer.names
        assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
        assert [] == writer.facts


def test_where_the_directory_can_not_be_made_again(directory):
    """Somebody else was faster: the journal is no more, and it is back when that one makes way."""
    with Writer(directory) as writer:
        writer.write(a={})
        remove_all(writer.path)
        directory.symlink_to("/tmp")
        writer.journal.tick()
        assert [FAILED] == writer.kinds
        assert "is a symbolic link" in writer.reason
        directory.unlink()
        writer.journal.tick()
        assert [FAILED, MENDED] == writer.kinds
        assert {"journal", "journal.reserve"} == writer.names


def test_a_tick_changes_nothing_where_nothing_is_wrong(directory):
    """Every five seconds, for years."""
    with Writer(directory) as writer:
        writer.write(a={})
        before = writer.path.read_bytes(), writer.path.stat()
        writer.journal.tick()
        assert before == (writer.path.read_bytes(), writer.path.stat())


@pytest.mark.parametrize("wrong", [math.inf, math.nan, object(), {1: 1, "1": 1}], ids=str)
def test_what_is_no_json(directory, wrong):
    """It is said, what was known before stays, and all else is kept."""
    with Writer(directory) as writer:
        writer.write(a={"n": 1})
        writer.write(a={"n": wrong}, b={"n": 2})
        assert {"a": {"n": 1}, "b": {"n": 2}} == writer.read().records
        assert [FAILED] == writer.kinds
        assert "'a'" in writer.reason
        writer.journal.tick()
        assert [FAILED] == writer.kinds
        writer.write(a={"n": 3})
        writer.journal.tick()
        assert {"a": {"n": 3}, "b": {"n": 2}} == writer.read().records
        assert 2 == len(writer.facts)


def test_many_at_once(directory):
    """A target with more slots than fit into a line of a decent length."""
    records = {f"slot web:{number}": {"n": number} for number in range(MANY + 1)}
    with Writer(directory) as writer:
        writer.write(a={})
        writer.journal.write(records)
        assert {"a": {}, **records} == writer.read().records


def test_a_boot_of_this_machine():
    """It is the same all the time."""
    assert boot_id() == boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

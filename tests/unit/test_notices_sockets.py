"""The sockets of Notices: names that are taken or wrong, files, time; and supervisord's events."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor_reload.core.model import DrainSettings, SlotName, SlotSettings
from supervisor_reload.edges import notices as module
from supervisor_reload.edges.notices import Notices, is_told
from tests.fakes.speakers import WEB, hearing, saying, slot, unused
from tests.integration.supervisord import short_directory, wait_for

LIMIT = 10.0


@pytest.fixture
def where() -> str:
    return unused()


@pytest.fixture
def notices(where: str) -> Iterator[Notices]:
    with hearing(slot(where)) as heard:
        yield heard


def test_a_name_that_another_process_holds(where, caplog) -> None:
    """Said once, and as the refusal; heard again as soon as the name is free."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as squatter:
        squatter.bind("\0" + where[1:])
        with hearing(slot(where)) as notices:
            why = f"can't listen on {where}: another process does; end it, or set another NOTIFY_SOCKET"
            assert why == notices.why_deaf(where)
            squatter.close()
            wait_for(lambda: not notices.why_deaf(where), LIMIT)
            with saying("say('READY=1')", where) as process:
                assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready
    assert [f"notify: {why}"] == [r.message for r in caplog.records if r.levelno >= logging.WARNING]


def test_one_that_can_not_be_opened_does_not_stop_the_others(where) -> None:
    """Each of these is said; the good one hears."""
    bad = ["relative", "vsock:2:1234", "/nowhere/at/all/s", "@" + "x" * 200]
    slots = [slot(each, name=SlotName(f"web:{number}")) for number, each in enumerate(bad)]
    with hearing(*slots, slot(where)) as notices:
        for each in bad:
            assert notices.why_deaf(each).startswith(f"can't listen on {each}: ")
        with saying("say('READY=1')", where) as process:
            assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready


@pytest.fixture
def directory() -> Iterator[Path]:
    made = short_directory()
    yield made
    shutil.rmtree(made)


def test_a_socket_with_a_path(directory) -> None:
    """What a killed listener left is replaced; only we may send; at the end it is gone."""
    path = directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(path))
    with hearing(slot(str(path))) as notices:
        assert 0o600 == path.stat().st_mode & 0o777
        with saying("say('READY=1')", str(path)) as process:
            assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready
        second = Notices([slot(str(path))], os.getpid())
        assert "another process does" in second.why_deaf(str(path))
        second.close()
        assert path.exists()
    assert not path.exists()


def test_a_file_in_the_way_is_left_alone(directory) -> None:
    """It is no socket, so it is not ours to remove."""
    path = directory / "notify"
    path.write_text("precious")
    with hearing(slot(str(path))) as notices:
        assert "another process does" in notices.why_deaf(str(path))
    assert "precious" == path.read_text()


def test_one_socket_for_several_slots(where) -> None:
    """environment=NOTIFY_SOCKET=... is the same for all processes of a program."""
    slots = slot(where), slot(where, name=SlotName("web:other"))
    one, two = saying("say('READY=1')", where), saying("say('STOPPING=1')", where)
    with hearing(*slots) as notices, one as first, two as second:
        assert wait_for(lambda: notices.said(first.pid), LIMIT).is_ready
        assert wait_for(lambda: notices.said(second.pid), LIMIT).is_ready is False


def test_what_was_said_before_may_have_been_missed(where) -> None:
    """By when the process began, in the kernel's clock."""
    with saying("", where) as older:
        tick = module.now_in_ticks()
        wait_for(lambda: module.now_in_ticks() > tick, LIMIT)
        with hearing(slot(where)) as notices:
            tick = module.now_in_ticks()
            wait_for(lambda: module.now_in_ticks() > tick, LIMIT)
            with saying("", where) as younger:
                for address in (where, ""):
                    assert notices.may_have_missed(older.pid, address)
                    assert not notices.may_have_missed(younger.pid, address)
            younger.wait()
            assert not notices.may_have_missed(younger.pid, where)


def test_an_event_of_supervisords() -> None:
    """Its pid is supervisord's child, whoever of its workers wrote; other programs' events are not ours."""
    with hearing(slot(scheme="message")) as notices, saying("", "@") as process:
        notices.hear(SlotName("other:other"), process.pid, "READY=1")
        assert notices.said(process.pid) is None
        notices.hear(WEB, process.pid, "READY=1\nX_PID=77")
        assert notices.said(process.pid).is_ready
        notices.hear(WEB, process.pid, f"STOPPING=1\nX_ACTIVE=2\nX_PID={os.getpid()}")
        notices.hear(WEB, process.pid, f"STOPPING=1\nX_ACTIVE=0\nX_PID={process.pid}")
        assert (False, 2) == (notices.said(process.pid).is_ready, notices.said(process.pid).in_hand)
    notices.hear(WEB, process.pid, "READY=1")
    assert notices.said(process.pid) is None


def test_the_newest_word_counts_by_whatever_road(notices, where) -> None:
    """The socket was deaf for a while, so it came as an event."""
    with saying("say('READY=1')", where) as process:
        wait_for(lambda: notices.said(process.pid), LIMIT)
        notices.hear(WEB, process.pid, "STOPPING=1")
        assert notices.said(process.pid).is_ready is False


def test_whose_words_are_heard() -> None:
    """Where neither ready nor drain asks for words, no socket is opened."""
    assert not is_told(slot("@x", scheme="running"))
    assert is_told(SlotSettings(name=WEB, drain=DrainSettings(scheme="message")))
    assert [True, True] == [is_told(slot(scheme=scheme)) for scheme in ("notify", "message")]


def test_it_ends_at_once(where) -> None:
    """With or without having begun; the name is free again."""
    for begins in (True, False, True):
        notices = Notices([slot(where)], os.getpid())
        assert "" == notices.why_deaf(where)
        if begins:
            notices.start()
        began = time.monotonic()
        notices.close()
        assert time.monotonic() - began < 0.5
    assert not [thread for thread in threading.enumerate() if thread.name == "notices"]


def test_other_slots_are_listened_to_while_it_runs(where, directory) -> None:
    """What those that stay have said is kept; the socket of one that goes is closed, a new one is open."""
    gone, new = str(directory / "gone"), unused()
    first, second = slot(gone, name=SlotName("web:0")), slot(where, name=SlotName("web:1"))
    with hearing(first, second) as notices, saying("say('READY=1')", where) as process:
        assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready
        notices.listen_for([second, slot(new, name=SlotName("web:2"))])
        assert notices.said(process.pid).is_ready
        wait_for(lambda: not Path(gone).exists(), LIMIT, "the socket of the slot that went is removed")
        with saying("say('READY=1')", new) as other:
            assert wait_for(lambda: notices.said(other.pid), LIMIT).is_ready
        notices.hear(SlotName("web:0"), os.getpid(), "READY=1")
        assert notices.said(os.getpid()) is None
        notices.listen_for([])
        wait_for(lambda: notices._forgotten == [], LIMIT)

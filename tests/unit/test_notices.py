"""Who said what, over real sockets: only the slot's own processes count; whoever else tries costs little."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from supervisor_reload.core.model import SlotName
from supervisor_reload.edges import notices as module
from supervisor_reload.edges.notices import Notices
from tests.fakes.children import NOBODY, child
from tests.fakes.speakers import SAYS, hearing, saying, slot, unused
from tests.integration.supervisord import wait_for

LIMIT = 10.0


@pytest.fixture
def where() -> str:
    return unused()


@pytest.fixture
def notices(where: str) -> Iterator[Notices]:
    with hearing(slot(where)) as heard:
        yield heard


def wait_until_read(notices: Notices, where: str) -> None:
    """Until all that was sent before has been judged: a word of a child of ours, sent now, has been."""
    with saying("say('STATUS=after')", where) as last:
        wait_for(lambda: notices.said(last.pid), LIMIT)


def test_a_word_of_the_process(notices, where) -> None:
    """It is ready, with its status."""
    with saying("say('READY=1\\nSTATUS=3 workers\\nMAINPID=1\\nWATCHDOG=1')", where) as process:
        said = wait_for(lambda: notices.said(process.pid), LIMIT)
    assert (True, "3 workers", None) == (said.is_ready, said.status, said.in_hand)


def test_a_word_of_a_grandchild(notices, where) -> None:
    """A worker speaks for its process."""
    code = (
        "if os.fork() == 0:\n    if os.fork() == 0:\n        say('READY=1'); time.sleep(1000)\n    os.wait()"
    )
    with saying(code, where) as process:
        assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready


def test_both_roads_together(notices, where) -> None:
    """A status that comes by supervisord takes back nothing that was said on the socket."""
    with saying("say('READY=1\\nX_ACTIVE=2')", where) as process:
        wait_for(lambda: notices.said(process.pid), LIMIT)
        notices.hear(SlotName("web:web"), process.pid, "STATUS=busy")
        said = notices.said(process.pid)
    assert said is not None
    assert (True, "busy", 2) == (said.is_ready, said.status, said.in_hand)


def test_a_word_counts_for_nobody_else(notices, where) -> None:
    """The old process's READY says nothing of the new one, on the same socket."""
    with saying("say('READY=1')", where) as old, saying("", where) as new:
        wait_for(lambda: notices.said(old.pid), LIMIT)
        assert notices.said(new.pid) is None
    old.wait()
    assert notices.said(old.pid) is None


@pytest.mark.parametrize("last", ["RELOADING=1\nMONOTONIC_USEC=5", "STOPPING=1"])
def test_a_word_can_be_taken_back(notices, where, last) -> None:
    """Until the next READY=1."""
    with saying(f"say('READY=1'); say({last!r})", where) as process:
        assert wait_for(lambda: (s := notices.said(process.pid)) and s.is_ready is False, LIMIT)
    with saying(f"say('READY=1'); say({last!r}); say('READY=1\\nSTATUS=again')", where) as process:
        assert wait_for(
            lambda: (s := notices.said(process.pid)) and s.status == "again" and s.is_ready, LIMIT
        )


@pytest.mark.fault(52)
def test_a_stranger_is_refused_once_in_a_while(notices, where, caplog) -> None:
    """We are no child of ourselves: a thousand messages are one line of the log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.connect("\0" + where[1:])
        for _ in range(1000):
            stranger.send(b"READY=1")
    wait_until_read(notices, where)
    assert notices.said(os.getpid()) is None
    (record,) = caplog.records
    assert f"a message to {where} from pid {os.getpid()} (" in record.message
    assert record.message.endswith("counts for nothing: its sender does not descend from our supervisord")


def test_a_sender_that_has_ended_is_refused(where, caplog) -> None:
    """Whose it was can't be told any more."""
    notices = Notices([slot(where)], os.getpid())
    try:
        with saying("say('READY=1')", where) as process:
            pass
        process.wait()
        notices.start()
        wait_until_read(notices, where)
    finally:
        notices.close()
    assert [
        f"from pid {process.pid} (gone) can't be checked: its sender has ended, or is hidden from us"
    ] == [record.message.partition(f"{where} ")[2] for record in caplog.records]


def test_lines_of_a_strangers_name_do_not_reach_the_log(where, caplog) -> None:
    """A command line may hold anything; the only supervisord is another process."""
    says = SAYS.format(code="say('READY=1')")
    stranger = child(says, where, "x\n2026 ERROR all lost\x1b[2J")
    with saying("", where) as other, hearing(slot(where), supervisor=other.pid), stranger:
        wait_for(lambda: caplog.records, LIMIT)
    assert caplog.records[0].message.isprintable()


def test_a_forged_pid_is_for_root_alone(where, caplog) -> None:
    """Another user who names the slot's pid in his credentials is stopped by the kernel."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    forge = f"""
import struct
os.setuid({NOBODY})
try:
    forged = struct.pack("3i", int(sys.argv[2]), {NOBODY}, 0)
    say('READY=1', (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, forged))
    raise SystemExit("it was sent")
except PermissionError:
    pass
"""
    with hearing(slot(where)) as notices, saying("", where) as victim:
        with child(SAYS.format(code=forge), where, str(victim.pid)):
            wait_until_read(notices, where)
        assert notices.said(victim.pid) is None


def test_another_users_process_is_heard(notices, where) -> None:
    """``user=`` in a program: there is no file, so there are no permissions."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with saying(f"os.setuid({NOBODY}); say('READY=1')", where) as process:
        assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready


def test_descriptors_that_are_sent_along_are_not_kept(notices, where) -> None:
    """systemd-notify's barrier is one, and waits until it is closed; a thousand of them fill no table."""
    code = """
import array, select
for number in range(1000):
    mine, theirs = os.pipe()
    say("BARRIER=1", (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs])))
    os.close(theirs)
    poll = select.poll()
    poll.register(mine, 0)
    assert poll.poll(10_000), number
    os.close(mine)
say("READY=1")
"""
    before = len(os.listdir("/proc/self/fd"))
    with saying(code, where) as process:
        assert wait_for(lambda: notices.said(process.pid), LIMIT)
        assert len(os.listdir("/proc/self/fd")) <= before + 3  # the child's pipes, and the directory


def test_a_message_that_is_too_long_is_refused(notices, where, caplog) -> None:
    """It would be cut somewhere, and X_ACTIVE=10 read as X_ACTIVE=1."""
    with saying("say('READY=1\\nX_ACTIVE=10\\nSTATUS=' + 'x' * 5000)", where) as process:
        wait_until_read(notices, where)
        assert notices.said(process.pid) is None
    assert "is longer than 4096 bytes" in caplog.text


@pytest.mark.parametrize(
    "data", ["b''", "b'\\0' * 100", "b'\\xff\\xfe=1'", "b'READY'", "b'=\\n=\\n=='", "b'READY=1 '"]
)
def test_rubbish_says_nothing(notices, where, data) -> None:
    """From the process itself."""
    with saying(f"say(({data}).decode('latin-1'))", where) as process:
        wait_until_read(notices, where)
        said = notices.said(process.pid)
        assert said is None or said.is_ready is None


def test_a_flood_is_read_at_a_bounded_rate(notices, where) -> None:
    """Strangers who do nothing else cost no more than that; the slot's own word still comes through."""
    over = threading.Event()
    sent = [0] * 4

    def send(number: int) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0.1)
            sender.connect("\0" + where[1:])
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    sent[number] += sender.send(b"READY=1") > 0

    senders = [threading.Thread(target=send, args=(number,)) for number in range(len(sent))]
    began = time.monotonic()
    for each in senders:
        each.start()
    try:
        with saying("say('READY=1')", where) as process:
            assert wait_for(lambda: notices.said(process.pid), LIMIT).is_ready
            wait_for(lambda: sum(sent) > 1000, LIMIT)
    finally:
        over.set()
        for each in senders:
            each.join(LIMIT)
    passed = time.monotonic() - began  # whatever was sent was sent within this time, however slow the machine
    assert sum(sent) < 100 + passed * module.BURST / module.BREATH


def test_work_in_hand_is_the_sum_of_all_workers(notices, where) -> None:
    """Two workers with their own numbers: 0 of one does not hide 3 of the other."""
    code = """
for number in (3, 0):
    if os.fork() == 0:
        say(f'STOPPING=1\\nX_ACTIVE={number}'); time.sleep(1000)
say('STATUS=parent')
"""
    with saying(code, where) as process:
        assert 3 == wait_for(
            lambda: (s := notices.said(process.pid)) and len(s.active) == 2 and s.in_hand, LIMIT
        )

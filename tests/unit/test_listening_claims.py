"""Events that claim what can't be, or have no measure: bounded memory, and in step with what follows."""

from __future__ import annotations

import threading
import tracemalloc

import pytest

from supervisor_reload.core.facts import ListenerClosed, Ticked
from supervisor_reload.edges.listening import KEPT, LINE_LIMIT, OK, READY
from tests.unit.test_listening import LIMIT, Conversation, talk

__all__ = ["talk"]  # a fixture


@pytest.mark.parametrize("length", [2**33, 10**30])
def test_no_room_is_made_for_a_length_that_is_only_claimed(talk: Conversation, length: int) -> None:
    """What follows belongs to that payload, so nothing is heard before the end; nor is anything held."""
    tracemalloc.start()
    try:
        talk.send(f"ver:3.0 eventname:TICK_5 len:{length}\n")
        talk.send(talk.event("TICK_5"))
        talk.hang_up()
        assert ListenerClosed(reason="supervisord closed our stdin") == talk.fact()
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_of_a_payload_without_measure_the_beginning_counts(talk: Conversation) -> None:
    """Whoever may call sendRemoteCommEvent may send any number of bytes; the next event is heard."""
    payload = "processname:web_00 groupname:web pid:12\n" + "x" * (KEPT * 2)
    sending = threading.Thread(target=talk.send, args=[talk.event("PROCESS_COMMUNICATION_STDOUT", payload)])
    sending.start()
    assert OK + READY == talk.hear(len(OK + READY))
    sending.join(LIMIT)
    assert KEPT > len(talk.heard.get(timeout=LIMIT)[2]) > KEPT - 100
    talk.send(talk.event("TICK_5"))
    assert Ticked() == talk.fact()


def test_a_header_without_an_end_ends_it(talk: Conversation) -> None:
    """It is no header, and is not gathered for ever."""
    talk.send("x" * LINE_LIMIT)
    closed = talk.fact()
    assert isinstance(closed, ListenerClosed)
    assert f"a header of {LINE_LIMIT} characters" in closed.reason

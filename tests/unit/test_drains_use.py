"""What a connection is in use for, from the kernel's numbers."""

from __future__ import annotations

import pytest

from supervisor_reload.edges.drains.use import QUIET_LEAST, QUIET_MOST, TIE, Use, is_outgoing, use_of
from supervisor_reload.edges.sockdiag import CLOSE_WAIT, ESTABLISHED, Tcp


def tcp(state: int = ESTABLISHED, **numbers: int) -> Tcp:
    return Tcp(state, 0, *(numbers.get(field, 0) for field in Tcp._fields[2:]))


def used(sent_ago: int, received_ago: int, acknowledged_ago: int = 0, **numbers: int) -> Tcp:
    """A connection on which both sides said something."""
    ages = {"sent_ago": sent_ago, "received_ago": received_ago, "acknowledged_ago": acknowledged_ago}
    return tcp(**{"bytes_received": 10, "bytes_acknowledged": 10, **ages, **numbers})


@pytest.mark.parametrize(
    ("seen", "use"),
    [
        (tcp(sent_ago=5000, received_ago=5000), Use.IDLE),  # never used
        (tcp(bytes_received=10, sent_ago=900, received_ago=900), Use.REQUEST),  # the first, or half of it
        (tcp(bytes_received=10, unread=10), Use.REQUEST),
        (used(9000, 9000, 9000, unread=1), Use.REQUEST),
        (used(9000, 9000, 9000, unacknowledged=1), Use.STREAM),
        (used(5000, 20), Use.REQUEST),  # idle for long, and asked again
        (used(8, 4), Use.REQUEST),
        (used(QUIET_LEAST, QUIET_LEAST + 4), Use.IDLE),
        (used(QUIET_LEAST - 4, QUIET_LEAST), Use.STREAM),  # answered just now; more may follow
        (used(QUIET_LEAST, 60_000), Use.STREAM),
        (used(QUIET_MOST, 60_000), Use.IDLE),
        (used(400, 400, 400), Use.REQUEST),  # one tick: nobody can tell which was last
        (used(400, 400, 396), Use.IDLE),  # the answer was acknowledged later
        (used(TIE, TIE, TIE), Use.IDLE),
        (tcp(bytes_acknowledged=10, sent_ago=QUIET_LEAST), Use.IDLE),  # the server speaks first
        (tcp(bytes_acknowledged=10, sent_ago=QUIET_LEAST - 4), Use.STREAM),
        (tcp(CLOSE_WAIT, bytes_received=1, unread=1), Use.IDLE),  # never used, and closed by the client
        (tcp(CLOSE_WAIT, bytes_received=11), Use.REQUEST),  # asked, and then closed its half
        (tcp(CLOSE_WAIT, bytes_received=11, unread=11), Use.REQUEST),
    ],
)
def test_what_a_connection_is_in_use_for(seen: Tcp, use: Use) -> None:
    """By the order in which things were said, and by how long that is ago."""
    assert use is use_of(seen)


def test_who_opened_the_connection() -> None:
    """Whoever did was acknowledged one more than it sent; bytes that were sent twice count once."""
    assert is_outgoing(tcp(bytes_acknowledged=1))
    assert is_outgoing(tcp(bytes_acknowledged=11, bytes_sent=15, bytes_sent_again=5))
    assert not is_outgoing(tcp())
    assert not is_outgoing(tcp(bytes_acknowledged=10, bytes_sent=15, bytes_sent_again=5))

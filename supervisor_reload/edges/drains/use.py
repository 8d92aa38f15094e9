"""What a connection is in use for, from the kernel's numbers: a request in hand, a stream, or nothing.

Rules only: it asks nobody. A server is taken to answer what it receives, as HTTP/1 servers do; a protocol in
which the client has the last word (HTTP/2 frames, a WebSocket client's messages) looks busy.
"""

from __future__ import annotations

import enum

from ..sockdiag import CLOSE_WAIT, Tcp

QUIET_LEAST, QUIET_MOST = 200, 1000
"""Milliseconds of silence behind what was sent, after which nothing more is expected."""

TIE = 1000
"""Milliseconds for which a request is assumed in hand where the kernel's ticks can't tell."""


class Use(enum.Enum):
    """What a connection is in use for."""

    IDLE = "idle"
    REQUEST = "request"
    """something came, and has not been answered"""
    STREAM = "stream"
    """something is being sent, or was until just now"""


def use_of(tcp: Tcp) -> Use:
    """What an accepted connection is in use for."""
    closed = 1 if tcp.state == CLOSE_WAIT else 0  # the kernel counts the end of a stream as a byte
    if tcp.unread > closed:
        return Use.REQUEST
    if tcp.unacknowledged:
        return Use.STREAM
    if tcp.bytes_received <= closed:  # never used, unless the server speaks first
        return Use.STREAM if tcp.bytes_acknowledged and tcp.sent_ago < QUIET_LEAST else Use.IDLE
    if not tcp.bytes_acknowledged or tcp.received_ago < tcp.sent_ago:
        return Use.REQUEST
    if tcp.received_ago == tcp.sent_ago and tcp.acknowledged_ago >= tcp.sent_ago and tcp.sent_ago < TIE:
        # An answer and the next request, or a request and its answer, within one tick. A later
        # acknowledgement is the answer's; without one it may be a request that is in hand.
        return Use.REQUEST
    # the longer it has gone on sending, the likelier is more: an event stream is slow, an answer is quick
    quiet = min(max(tcp.received_ago - tcp.sent_ago, QUIET_LEAST), QUIET_MOST)
    return Use.STREAM if tcp.sent_ago < quiet else Use.IDLE


def is_outgoing(tcp: Tcp) -> bool:
    """Whether this side opened the connection: the other side acknowledged the SYN, too.

    Right where all that was sent is acknowledged. True for nearly all where Linux is older than 4.19.
    """
    return tcp.bytes_acknowledged > tcp.bytes_sent - tcp.bytes_sent_again

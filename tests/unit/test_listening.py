"""The event listener protocol over real pipes: every event acknowledged at once, whatever comes."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_reload.core.configfacts import (
    GroupsChanged,
)
from supervisor_reload.core.facts import (
    Fact,
    ListenerClosed,
    ProcessChanged,
    SupervisorStopping,
    Ticked,
)
from supervisor_reload.core.model import SlotName
from supervisor_reload.edges.listening import (
    OK,
    READY,
    Listener,
    fields_of,
    read_event,
    read_words,
)

LIMIT = 10.0
STATE = "processname:web_00 groupname:web from_state:RUNNING expected:0 pid:12"


class Conversation:
    """supervisord's end of a listener."""

    def __init__(self) -> None:
        self._theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        self.stdin = open(self._theirs, encoding="utf-8", errors="surrogateescape", newline="\n")  # noqa: SIM115
        self.stdout = open(ours, "w", encoding="utf-8", newline="\n")  # noqa: SIM115
        self.facts: queue.SimpleQueue[Fact] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[tuple[SlotName, int, str]] = queue.SimpleQueue()
        self.listener = Listener(
            self.stdin, self.stdout, self.facts.put, lambda *words: self.heard.put(words)
        )

    def send(self, text: str, *, encoding: str = "utf-8") -> None:
        data = text.encode(encoding)
        while data:
            data = data[os.write(self._to, data) :]

    def event(self, name: str, payload: str = "", serial: int = 1, server: str = "supervisor") -> str:
        header = f"ver:3.0 server:{server} serial:{serial} pool:reload poolserial:{serial} eventname:{name}"
        return f"{header} len:{len(payload)}\n{payload}"

    def hear(self, size: int) -> str:
        """What the listener says next; never blocks for ever, since its end closes with it."""
        heard = b""
        while len(heard) < size and (block := os.read(self._from, size - len(heard))):
            heard += block
        return heard.decode()

    def fact(self) -> Fact:
        return self.facts.get(timeout=LIMIT)

    def hang_up(self) -> None:
        os.close(self._to)
        self._to = -1

    def close(self) -> None:
        if self._to >= 0:
            self.hang_up()
        self.listener._thread.join(LIMIT)
        assert not self.listener._thread.is_alive()
        self.stdin.close()
        self.stdout.close()
        os.close(self._from)


@pytest.fixture
def talk() -> Iterator[Conversation]:
    conversation = Conversation()
    conversation.listener.start()
    assert READY == conversation.hear(len(READY))
    yield conversation
    conversation.close()


def test_acknowledges_and_tells(talk: Conversation) -> None:
    """RESULT and READY come at once, in one go; the fact follows."""
    talk.send(talk.event("PROCESS_STATE_EXITED", STATE))
    assert OK + READY == talk.hear(len(OK + READY))
    assert ProcessChanged(name=SlotName("web:web_00"), exited_pid=12) == talk.fact()


@pytest.mark.fault(37)
def test_acknowledges_although_the_inbox_is_not_read(talk: Conversation) -> None:
    """A thousand events are answered while nobody takes a fact."""
    for number in range(1000):
        talk.send(talk.event("TICK_5", f"when:{number}", serial=number))
        assert OK + READY == talk.hear(len(OK + READY))
    assert [Ticked()] * 1000 == [talk.fact() for _ in range(1000)]


def test_what_a_program_says_is_heard(talk: Conversation) -> None:
    """After the acknowledgement; it is no fact."""
    payload = "processname:web_00 groupname:web pid:12\nREADY=1\nSTATUS=a b:c ä"
    for channel in ("STDOUT", "STDERR"):
        talk.send(talk.event(f"PROCESS_COMMUNICATION_{channel}", payload))
        assert OK + READY == talk.hear(len(OK + READY))
        assert ("web:web_00", 12, "READY=1\nSTATUS=a b:c ä") == talk.heard.get(timeout=LIMIT)
    talk.send(talk.event("TICK_5"))
    assert Ticked() == talk.fact()


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "\n",
        "READY=1",
        "processname:web_00 groupname:web\nREADY=1",
        "processname:web_00 groupname:web pid:-1\nREADY=1",
        "processname:web_00 groupname:web pid:x\nREADY=1",
        "processname:web_00 pid:12\nREADY=1",
        "groupname:web pid:12\nREADY=1",
        "x\nprocessname:web_00 groupname:web pid:12",
    ],
)
def test_what_nobody_says_is_not_heard(payload: str) -> None:
    """A process of the program could write what looks like a header; only supervisord's own line counts."""
    assert read_words("PROCESS_COMMUNICATION_STDOUT", payload) is None


def test_other_events_are_no_words() -> None:
    """Nor is a program's output."""
    assert read_words("PROCESS_LOG_STDOUT", "processname:web_00 groupname:web pid:12\nREADY=1") is None


def test_the_length_is_in_characters(talk: Conversation) -> None:
    """supervisord counts before it encodes: a payload of two-byte characters does not eat the next event."""
    talk.send(talk.event("REMOTE_COMMUNICATION", "type:x\nä€𝄞é"))
    talk.send(talk.event("TICK_5", "when:1"))
    assert (OK + READY) * 2 == talk.hear(2 * len(OK + READY))
    assert Ticked() == talk.fact()


def test_bytes_that_are_no_utf8_do_not_end_it(talk: Conversation) -> None:
    """A program's output in an event may be anything."""
    os.write(talk._to, b"ver:3.0 eventname:PROCESS_COMMUNICATION_STDOUT len:2\n\xff\xfe")
    talk.send(talk.event("TICK_5", "when:1"))
    assert Ticked() == talk.fact()


def test_an_event_may_come_in_pieces(talk: Conversation) -> None:
    """Even byte by byte, and cut inside a character."""
    for byte in (talk.event("PROCESS_GROUP_ADDED", "groupname:wéb") + talk.event("TICK_5")).encode():
        os.write(talk._to, bytes([byte]))
    assert [GroupsChanged(), Ticked()] == [talk.fact(), talk.fact()]


def test_unknown_events_are_acknowledged_and_ignored(talk: Conversation) -> None:
    """Events that another pool rejected arrive here too."""
    for name in (
        "PROCESS_LOG_STDOUT",
        "REMOTE_COMMUNICATION",
        "NEWS_FROM_THE_FUTURE",
        "SUPERVISOR_STATE_CHANGE",
    ):
        talk.send(talk.event(name, "a payload: of any kind"))
        assert OK + READY == talk.hear(len(OK + READY))
    talk.send(talk.event("SUPERVISOR_STATE_CHANGE_STOPPING"))
    assert SupervisorStopping() == talk.fact()


@pytest.mark.parametrize("server", ["prod web", "a:b", "len:7 len:"])
def test_supervisords_identifier_may_be_anything(talk: Conversation, server: str) -> None:
    """It stands in every header, before the fields that count."""
    talk.send(talk.event("TICK_5", "when:1", server=server))
    assert OK + READY == talk.hear(len(OK + READY))
    assert Ticked() == talk.fact()


@pytest.mark.parametrize(
    "header",
    [
        "nonsense\n",
        "\n",
        "len:x eventname:TICK_5\n",
        "len:-1 eventname:TICK_5\n",
        f"len:-{'9' * 1000} eventname:TICK_5\n",
        "eventname:TICK_5\n",
        "len:0\n",
    ],
)
def test_a_malformed_header_ends_it(talk: Conversation, header: str) -> None:
    """Out of step with supervisord nothing can be believed: leave, and be restarted."""
    talk.send(header + talk.event("TICK_5"))
    closed = talk.fact()
    assert isinstance(closed, ListenerClosed)
    assert closed.reason.startswith("the event stream broke: ")
    assert len(closed.reason) <= 200


def test_a_process_event_without_names_ends_it(talk: Conversation) -> None:
    """It was acknowledged all the same."""
    talk.send(talk.event("PROCESS_STATE_EXITED", "what:ever"))
    assert OK + READY == talk.hear(len(OK + READY))
    assert isinstance(talk.fact(), ListenerClosed)


def test_the_end_of_stdin_is_the_end(talk: Conversation) -> None:
    """supervisord is gone."""
    talk.hang_up()
    assert ListenerClosed(reason="supervisord closed our stdin") == talk.fact()


@pytest.mark.parametrize(
    "torn",
    [
        "ver:3.0 eventname:PROCESS_STATE_EXITED len:100\nprocessname:web_00",
        f"ver:3.0 eventname:PROCESS_STATE_EXITED len:{len(STATE) + 1}\n{STATE}",  # pid:12 of pid:123
        "ver:3.0 eventname:TICK_5 len:1",  # of len:15
        "ver:3.0 eventn",
    ],
)
def test_an_end_inside_an_event_is_the_end(talk: Conversation, torn: str) -> None:
    """supervisord died while it wrote: what there is of a number would be another number."""
    talk.send(torn)
    talk.hang_up()
    assert ListenerClosed(reason="supervisord closed our stdin") == talk.fact()
    assert talk.facts.empty()


def test_a_supervisord_that_does_not_listen_is_told() -> None:
    """Our stdout is closed at its end: that is no crash of a thread."""
    talk = Conversation()
    os.close(talk._from)
    talk.listener.start()
    closed = talk.fact()
    assert isinstance(closed, ListenerClosed)
    assert "BrokenPipe" in closed.reason
    talk._from = os.dup(0)
    with pytest.raises(BrokenPipeError):
        talk.stdout.close()
    talk.close()


@given(name=st.text(), payload=st.text())
def test_whatever_is_read_is_a_fact_or_nothing(name: str, payload: str) -> None:
    """The only thing that an event may raise is KeyError, for a process that it does not name."""
    try:
        fact = read_event(name, payload)
    except KeyError:
        assert name.startswith("PROCESS_STATE")
    else:
        known = (ProcessChanged, GroupsChanged, SupervisorStopping, Ticked)
        assert fact is None or isinstance(fact, known)


@given(st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), st.from_regex(r"[^\s]*", fullmatch=True)))
def test_fields_are_read_as_they_were_written(fields: dict[str, str]) -> None:
    """A value may hold colons."""
    assert fields == fields_of(" ".join(f"{key}:{value}" for key, value in fields.items()))

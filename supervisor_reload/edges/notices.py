"""Hears what applications say of themselves: sd_notify datagrams, and supervisord's communication events.

It exists so that a word counts only for the process that said it: the kernel tells who sent a datagram
(SO_PASSCRED), supervisord whose output an event is. Whatever comes, from whomever, it reads a bounded
number of bounded messages, keeps a bounded memory, logs at a bounded rate, and decides nothing.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from ..core.model import SlotName, SlotSettings
from .ancestry import child_above, now_in_ticks, origin, supervisords_pid
from .ear import RETRY, Ear
from .sayings import TEXT_LIMIT, Said, Sayings, parse

log = logging.getLogger(__name__)

BURST = 16
"""Datagrams that are read from one socket before the others get their turn."""

BREATH = 0.01
"""Seconds of pause after a full burst: 1,600 messages a second and socket are more than anybody needs."""


class Notices:
    """The words of all slots. The sockets are open once it is made; ``start`` begins to read them."""

    def __init__(self, slots: Iterable[SlotSettings], supervisor: int = 0) -> None:
        """``supervisor`` is supervisord's pid; 0: whoever started us."""
        told = [slot for slot in slots if is_told(slot)]
        self._supervisor = supervisor or supervisords_pid()
        self._began = now_in_ticks()
        self._names = frozenset(slot.name for slot in told)
        self._by_socket, self._by_event = Sayings(), Sayings()  # each is written by one thread
        self._ears = {address: Ear(address, user) for address, user in _users(told).items()}
        for ear in self._ears.values():
            ear.open()
        self._forgotten: list[Ear] = []
        """to be closed by the thread that reads them"""
        self._wake_read, self._wake_write = os.pipe()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread.start()

    def listen_for(self, slots: Iterable[SlotSettings]) -> None:
        """From now on hear these slots and no others. What those that stay have said is kept."""
        told = [slot for slot in slots if is_told(slot)]
        users = _users(told)
        ears = {address: self._ears.get(address) or Ear(address, users[address]) for address in sorted(users)}
        for address, ear in ears.items():
            if address in self._ears:
                ear.give_to(users[address])
            else:
                ear.open()
        self._forgotten += [ear for address, ear in self._ears.items() if address not in ears]
        self._names, self._ears = frozenset(slot.name for slot in told), ears
        os.write(self._wake_write, b"w")

    def close(self) -> None:
        """Stop; waits up to 1 s for the thread."""
        self._ended.set()
        os.write(self._wake_write, b"q")
        if self._thread.ident is not None:
            self._thread.join(1.0)
        for ear in (*self._ears.values(), *self._forgotten):
            ear.close()
        for fd in (self._wake_read, self._wake_write):
            os.close(fd)

    def hear(self, name: SlotName, pid: int, text: str) -> None:
        """A PROCESS_COMMUNICATION event. Called by the listener's thread; returns at once, never raises."""
        process = origin(pid) if name in self._names else None
        if process is not None:
            words = parse(text)
            self._by_event.add(process, words.sender or pid, words)

    def said(self, pid: int) -> Said | None:
        """What this very process, with its descendants, has said; None: nothing. From any thread.

        By both roads together: a word about its status by one takes back nothing that it said by the other.
        """
        one, other = self._by_socket.of(pid), self._by_event.of(pid)
        if one is None or other is None:
            return one or other
        older, newer = sorted((one, other), key=lambda said: said.at)
        return replace(
            newer,
            is_ready=older.is_ready if newer.is_ready is None else newer.is_ready,
            status=newer.status or older.status,
            active={**older.active, **newer.active},
        )

    def may_have_missed(self, pid: int, address: str) -> bool:
        """Whether the process may have spoken before anybody listened there ('': for events).

        Where it has gone: no. A process that began in the same tick as we: yes, for what was not heard
        must never be waited for.
        """
        process = origin(pid)
        ear = self._ears.get(address)
        return process is not None and process.started <= (self._began if ear is None else ear.since)

    def why_deaf(self, address: str) -> str:
        """Why nothing can be heard on a socket, as a sentence; '' where all is well."""
        ear = self._ears.get(address)
        return "" if ear is None else ear.why_deaf

    def _run(self) -> None:
        while not self._ended.is_set():
            while self._forgotten:
                self._forgotten.pop().close()
            ears = {ear.fileno(): ear for ear in self._ears.values() if not ear.why_deaf}
            poll = select.poll()
            for fd in (self._wake_read, *ears):
                poll.register(fd, select.POLLIN)
            found = [fd for fd, _ in poll.poll(self._patience())]
            if self._wake_read in found:
                os.read(self._wake_read, 4096)
            ready = [ears[fd] for fd in found if fd in ears]
            full = [ear for ear in ready if self._read(ear)]
            if full:
                self._ended.wait(BREATH)
            for ear in self._ears.values():
                if ear.why_deaf and time.monotonic() >= ear.retry_at and not self._ended.is_set():
                    ear.open()

    def _patience(self) -> float | None:
        """Milliseconds until a deaf ear is tried again; None where all hear."""
        return RETRY * 1000 if any(ear.why_deaf for ear in self._ears.values()) else None

    def _read(self, ear: Ear) -> bool:
        """Read what is there; whether there may be more."""
        for _ in range(BURST):
            try:
                received = ear.receive()
            except BlockingIOError:
                return False
            except OSError as error:
                ear.fall_deaf(f"{ear.address} can't be read any more: {error}")
                return False
            self._judge(ear, *received)
        return True

    def _judge(self, ear: Ear, data: bytes, sender: int) -> None:
        process = child_above(sender, self._supervisor)
        if process is not None and len(data) <= TEXT_LIMIT:
            self._by_socket.add(process, sender, parse(data.decode("utf-8", "replace")))
        elif process is not None:
            ear.refuse(sender, f"is longer than {TEXT_LIMIT} bytes")
        elif origin(sender) is None:
            ear.refuse(sender, "can't be checked: its sender has ended, or is hidden from us")
        else:
            ear.refuse(sender, "counts for nothing: its sender does not descend from our supervisord")


def is_told(slot: SlotSettings) -> bool:
    """Whether this slot's own words count."""
    return slot.ready.scheme in ("notify", "message") or slot.drain.scheme == "message"


def _users(told: Iterable[SlotSettings]) -> dict[str, int | None]:
    """By address: to whom the socket belongs. One that several share is for one user, and root."""
    users: dict[str, int | None] = {}
    for slot in told:
        address, user = slot.notify_socket, slot.ready.rights.user
        if address.startswith("/") and users.setdefault(address, user) != user:
            log.warning("notify: %s is for one user: %s can't use it, so set another", address, slot.name)
        elif address:
            users.setdefault(address, user)
    return dict(sorted(users.items()))

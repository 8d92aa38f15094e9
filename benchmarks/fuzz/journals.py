"""The journal's reader (edges/journal): files that were cut, damaged, written over, or made by somebody.

An input is a file; a line that begins with ``!`` is sealed with its checksum first, so that what is behind
the checksum is reached, too. What must hold: nothing is raised, whatever the file holds, and only records
come out, and a header of the right types, with damage told in one sentence that a log can show.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

from supervisor_reload.edges.journal import Found, Header, read
from supervisor_reload.edges.journal.line import sealed_values
from supervisor_reload.edges.journal.place import JOURNAL

from .mutating import NUMBERS

SENTENCE = 500
HEADER: dict[str, Any] = asdict(Header(boot="b0b0", supervisor="77:1234", time=1.7e9, pid=4711, held=4242))
TURNS: list[dict[str, Any]] = [
    {"slot web:web_00": {"phase": "DRAINING", "pid": 12, "born": "9911", "until": 1234.5, "signalled": True}},
    {"target web": {"desired": "0a1b2c", "held": [], "failures": {"0a1b2c": 2}}, "health": {"why": ""}},
    {"owed": {"names": ["web:web_00", "web:w\u00e9b"]}, "rollout web 17": {"end": "complete", "took": 1.25}},
    {"slot web:web_00": None, "owed": None},
]  # fmt: skip
ODD: list[Any] = [None, True, -1, 2**70, 1e308, "", "\x1b[2J\n", "\ud800", [], {}, [[[]]], "x" * 5000]


class Journals:
    """A Reader."""

    name = "journal"
    tokens = (
        *NUMBERS, *(json.dumps(turn)[1:-1].encode() for turn in TURNS), b'"', b"{", b"}", b"[" * 2000,
        b":null", b"!", b"\n!", b"\n", b"\0" * 512, b'"\\ud800"', b"NaN", b"-Infinity", b"1E999",
    )  # fmt: skip

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="sr-fuzz-"))
        self._file = self._directory / JOURNAL
        good = b"".join(sealed_values(line) for line in (HEADER, *TURNS))
        plain = b"".join(b"!" + json.dumps(line).encode() + b"\n" for line in (HEADER, *TURNS))
        self.seeds = (good, plain, good + good, b"", plain.replace(b'"version": 1', b'"version": 2'))

    def fresh(self, chance: Random) -> bytes:
        """A header with an odd field, and turns with odd records."""
        lines: list[object] = [{**HEADER, chance.choice(list(HEADER)): chance.choice([*ODD, 10**400, 1.5])}]
        lines = lines if chance.random() < 0.5 else [HEADER]
        for turn in chance.choices(TURNS, k=chance.choice((0, 1, 4, 40))):
            lines.append({**turn, chance.choice([*turn, "", "x" * 300]): chance.choice([*ODD, {"a": 1}])})
        return b"".join(b"!" + json.dumps(line).encode() + b"\n" for line in lines)

    def read(self, data: bytes) -> None:
        """As a listener that begins."""
        lines = [_sealed(line) if line.startswith(b"!") else line for line in data.split(b"\n")]
        self._file.write_bytes(b"\n".join(lines))
        found = read(str(self._directory))
        assert found.damage.isprintable() and len(found.damage) <= SENTENCE, "damage that no log should hold"
        assert _is_typed(found), "a reading of wrong types"
        assert found.doubted <= found.records.keys() or found.damage, "doubt without damage"

    def close(self) -> None:
        """The directory."""
        shutil.rmtree(self._directory, ignore_errors=True)


def _sealed(line: bytes) -> bytes:
    return b"%08x %s" % (crc32(line[1:]), line[1:])


def _is_typed(found: Found) -> bool:
    records = all(isinstance(key, str) and isinstance(value, dict) for key, value in found.records.items())
    head = found.header
    if head is None:
        return records
    assert isinstance(head, Header)
    texts = isinstance(head.boot, str) and isinstance(head.supervisor, str)
    return records and texts and isinstance(head.time, float) and isinstance(head.pid, int)

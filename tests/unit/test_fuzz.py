"""A short fuzz of every reader of what others write; and that the fuzzer finds what there is to find.

The seed is fixed, so that a failure comes again: ``python -m benchmarks.fuzz --seed 4 --only NAME`` gives the
same inputs. The long run is no test; docs/benchmarks.md has its numbers.
"""

from __future__ import annotations

import time
from random import Random

import pytest

from benchmarks.fuzz import reader as module
from benchmarks.fuzz.catalogue import READERS
from benchmarks.fuzz.driving import driven
from benchmarks.fuzz.mutating import mutated
from benchmarks.fuzz.reader import bounded_memory, tried

SEED = 4
INPUTS = {"config": 250, "sd_notify-socket": 100, "http-socket": 200, "sd_notify": 1500}
OTHERS = 500


@pytest.mark.parametrize("name", READERS)
def test_nothing_comes_out_that_may_not(name: str) -> None:
    """No exception, no hang, no room made for a size that is only claimed, nothing without a limit."""
    outcome = driven(READERS[name], inputs=INPUTS.get(name, OTHERS), seconds=0, seed=SEED)
    assert [] == [f"{finding.what}: {finding.data[:300]!r}" for finding in outcome.findings]
    assert INPUTS.get(name, OTHERS) == outcome.inputs


class Broken:
    """A reader with the defects that a fuzzer is for."""

    name = "broken"
    seeds = (b"READ ten 10",)
    tokens = (b"-1",)

    def fresh(self, chance: Random) -> bytes:
        return b"READ %d" % chance.randrange(100)

    def read(self, data: bytes) -> None:
        number = data.split()[-1]
        if number.isdigit() and int(number) > 10**10:
            bytearray(10**10)
        assert number != b"-1", "it reads backwards"
        {}[number if number.isalnum() else b"ten"] if number == b"READ" else None

    def close(self) -> None:
        pass


def test_it_finds() -> None:
    """Exceptions (one for 5,000 digits), a broken rule, and memory; each once, with an input for it."""
    outcome = driven(Broken, inputs=3000, seconds=0, seed=SEED)
    kinds = sorted(finding.what.split()[0] for finding in outcome.findings)
    assert ["AssertionError", "IndexError", "KeyError", "MemoryError", "ValueError"] == kinds
    with bounded_memory():
        assert all(tried(Broken(), finding.data) is not None for finding in outcome.findings)


class Stuck(Broken):
    def read(self, data: bytes) -> None:
        while True:
            try:
                time.sleep(0.001)
            except Exception:
                continue


def test_it_finds_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the reader swallows every exception."""
    monkeypatch.setattr(module, "LIMIT", 0.05)
    finding = tried(Stuck(), b"")
    assert finding is not None and finding.what.startswith("TookTooLong")


def test_a_seed_makes_the_same_inputs_again() -> None:
    """Else a finding of a long run could not be looked at."""
    made = []
    for _ in range(2):
        chance = Random(SEED)
        made.append([mutated(b"ver:3.0 len:7\npayload", chance, Broken()) for _ in range(200)])
    assert made[0] == made[1]
    assert len(set(made[0])) > 150

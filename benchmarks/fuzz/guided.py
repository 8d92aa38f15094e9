"""The same inputs and readers, guided by coverage: atheris (libFuzzer) keeps what reaches new code.

    python -m benchmarks.fuzz.guided NAME DIRECTORY INPUTS SECONDS SEED      (run by ``--guided``)

libFuzzer ends its process when it is done, so each reader has a process of its own. Every second input is
changed by libFuzzer, the others by ``mutating``, which knows the language. What was found, and how much was
tried, is in a file of that process by then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from .driving import Outcome
from .reader import LONGEST, Finding

EVERY = 500
"""Inputs between two notes of how far it is; libFuzzer ends without a word to Python."""


def guided(name: str, *, inputs: int, seconds: float, seed: int) -> Outcome:
    """As ``driving.driven``, by a reader's name. Raises RuntimeError where atheris is missing or fails."""
    with tempfile.TemporaryDirectory(prefix="sr-guided-") as made:
        directory = Path(made)
        argv = [
            sys.executable,
            "-m",
            f"{__package__}.guided",
            name,
            made,
            str(inputs),
            f"{seconds:.0f}",
            str(seed),
        ]
        ended = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
        try:
            told = json.loads((directory / "outcome.json").read_text())
        except OSError:
            raise RuntimeError(f"atheris could not fuzz {name}:\n{ended.stderr[-3000:]}") from None
        findings = [
            Finding(name, what, trace, (directory / f"finding-{number}").read_bytes())
            for number, (what, trace) in enumerate(told["findings"])
        ]
    if ended.returncode and not findings:
        raise RuntimeError(f"atheris ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return Outcome(name, told["inputs"], told["seconds"], told["slowest"], tuple(findings), "coverage")


class Session:
    """One reader under libFuzzer, in this process."""

    def __init__(self, name: str, directory: Path, inputs: int, seconds: int, seed: int) -> None:
        import atheris  # type: ignore[import-untyped]

        self._atheris = atheris
        with atheris.instrument_imports(include=["supervisor_reload"]):
            from .catalogue import READERS
        self._reader = READERS[name]()
        self._directory = directory
        self._found: dict[str, Finding] = {}
        self._count, self._slowest, self._began = 0, 0.0, time.monotonic()
        self._inputs, self._seconds, self._seed = inputs, seconds, seed

    def run(self) -> None:
        """Does not return: libFuzzer ends the process."""
        from .reader import bounded_memory

        corpus = self._directory / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(self._reader.seeds):
            (corpus / f"{number}").write_bytes(seed)
        limits = [f"-runs={self._inputs}"] if self._inputs else []
        limits += [f"-max_total_time={self._seconds}"] if self._seconds else []
        options = [
            f"-seed={self._seed % 2**31 or 1}",
            f"-max_len={LONGEST}",
            "-handle_alrm=0",
            "-len_control=0",
        ]
        self._atheris.Setup(
            [sys.argv[0], *limits, *options, str(corpus)],
            self.one,
            custom_mutator=self.mutate,
            internal_libfuzzer=True,
        )
        with bounded_memory():
            self._atheris.Fuzz()

    def one(self, data: bytes) -> None:
        """One input. A finding is kept, and does not end the run."""
        from .reader import tried

        began = time.monotonic()
        finding = tried(self._reader, data)
        self._slowest = max(self._slowest, time.monotonic() - began)
        self._count += 1
        if finding is not None and finding.what not in self._found:
            (self._directory / f"finding-{len(self._found)}").write_bytes(data)
            self._found[finding.what] = finding
            self._note()
        if self._count % EVERY == 0 or self._count == self._inputs:
            self._note()

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """The next input: by libFuzzer, or by what we know of the language."""
        from .mutating import next_input

        chance = Random(seed)
        if chance.random() < 0.5:
            return bytes(self._atheris.Mutate(data, most))
        return next_input(chance, self._reader, [data])[:most]

    def _note(self) -> None:
        told = {
            "inputs": self._count,
            "seconds": time.monotonic() - self._began,
            "slowest": self._slowest,
            "findings": [(finding.what, finding.trace) for finding in self._found.values()],
        }
        new = self._directory / "outcome.new"
        new.write_text(json.dumps(told))
        new.replace(self._directory / "outcome.json")


if __name__ == "__main__":
    Session(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])).run()

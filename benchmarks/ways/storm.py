"""A storm: thousands of files rewritten while the listener is stopped, so that the kernel's queue overflows.

An inotify instance of its own, which nobody reads meanwhile either, is the witness that events were lost. The
last files are written when the queue has long been full, and a directory is made then: what nobody was told
must run within ``rescan_interval`` all the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .site import Site, text_of
from .stage import BEGUN, Stage, staged
from .way import Way

RESCAN_INTERVAL = 5.0
"""seconds, as configured for the storm"""
GRACE = 1.0
"""seconds more than that, for the reading and the start of the process"""
LIMIT = 60.0
"""seconds after which the storm is given up"""
PER_DIRECTORY = 200
_MASK = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
"""modified, closed after writing, moved, created, deleted (inotify(7)): what any watcher must ask for"""
_OVERFLOW = 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What came of it; times in seconds."""

    files: int
    overflowed: bool
    """whether the witness lost events"""
    rewriting: float
    served_after: float | None
    """from SIGCONT to the start of the process that runs the final content; None for never"""
    rollouts: int
    later: float | None
    """from a save in the directory that was made unseen to its process; None for never"""

    @property
    def problems(self) -> list[str]:
        """What must not be."""
        limit = RESCAN_INTERVAL + GRACE
        found = [] if self.overflowed else ["no event was lost: this shows nothing; take more --files"]
        for what, seconds in (("the storm's end", self.served_after), ("a later save", self.later)):
            if seconds is None or seconds > limit:
                found.append(f"{what} did not run within {limit:g} s")
        return found


def _laid(files: int) -> Way:
    def lay(site: Site) -> None:
        site.grow("app", 0)
        for number in range(files):
            site.write(_name(number), 0)

    settings = f"rescan_interval={RESCAN_INTERVAL:g}"
    return Way(group="storm", name="storm", act=_rewrite, lay=lay, settings=settings)


def _name(number: int) -> str:
    return f"app/many/d{number // PER_DIRECTORY}/m{number}.py"


def _rewrite(site: Site, files: int) -> None:
    for number in range(files):
        (site.directory / _name(number)).write_text("X = 1\n")
    site.write("app/unseen/x.py", 1)


@contextmanager
def witness(top: Path) -> Iterator[int]:
    """The descriptor of an inotify instance on every directory of a tree. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    try:
        for directory, _, _ in os.walk(top):
            if libc.inotify_add_watch(descriptor, os.fsencode(directory), _MASK) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", directory)
        yield descriptor
    finally:
        os.close(descriptor)


def has_overflowed(descriptor: int) -> bool:
    """Whether the kernel threw events away; reads all that are left."""
    head = struct.Struct("iIII")
    overflowed = False
    while True:
        try:
            events = os.read(descriptor, 1 << 20)
        except BlockingIOError:
            return overflowed
        offset = 0
        while offset < len(events):
            _, mask, _, length = head.unpack_from(events, offset)
            overflowed |= bool(mask & _OVERFLOW)
            offset += head.size + length


def storm(files: int) -> Storm:
    """Let one go over a real listener."""
    with staged(_laid(files), "native") as stage:
        assert stage.becomes_calm(LIMIT), "the stage did not settle"
        listener = stage.supervisord.process_pid("reload:reload")
        stage.mark()
        with witness(stage.site.app) as descriptor:
            os.kill(listener, signal.SIGSTOP)
            try:
                began = time.monotonic()
                _rewrite(stage.site, files)
                rewriting = time.monotonic() - began
                overflowed = has_overflowed(descriptor)
            finally:
                os.kill(listener, signal.SIGCONT)
        served_after = _served(stage, time.monotonic())
        rollouts = len(stage.events(BEGUN))
        stage.site.path("app/unseen/x.py").write_text(text_of(2))
        later = _served(stage, time.monotonic())
    return Storm(
        files=files,
        overflowed=overflowed,
        rewriting=rewriting,
        served_after=served_after,
        rollouts=rollouts,
        later=later,
    )


def _served(stage: Stage, since: float) -> float | None:
    if not stage.becomes_calm(LIMIT):
        return None
    return float(stage.boots.read[-1]["at"]) - since


def report(files: int, around: dict[str, Any], out: Path | None) -> int:
    """Let one go, print what came of it, and keep that; the exit code."""
    found = storm(files)
    print(
        f"{found.files:,} files rewritten in {found.rewriting:.1f} s while the listener was stopped; "
        f"events were {'' if found.overflowed else 'not '}lost; rescan_interval {RESCAN_INTERVAL:g} s"
    )
    print(f"SIGCONT to the process of the final content  {told(found.served_after)}")
    print(f"rollouts                                     {found.rollouts}")
    print(f"a save in a directory that was made unseen   {told(found.later)}")
    for problem in found.problems:
        print(f"WRONG: {problem}", file=sys.stderr)
    if out is not None:
        text = json.dumps({"surroundings": around, "storm": asdict(found)}, indent=1)
        out.write_text(text + "\n", encoding="utf-8")
    return 1 if found.problems else 0


def told(seconds: float | None) -> str:
    """Seconds in words."""
    return "never" if seconds is None else f"{seconds:.2f} s"


def markdown(documents: Sequence[dict[str, Any]]) -> str:
    """A row for each storm that ``report`` kept; bold where something must not be."""
    heads = ("", "files", "events were lost", "SIGCONT to the final content", "rollouts", "a later save")
    lines = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|"]
    for document in documents:
        found = Storm(**document["storm"])
        lost = "yes" if found.overflowed else "no"
        cells = [f"{found.files:,}", lost, told(found.served_after), str(found.rollouts), told(found.later)]
        marked = [f"**{cell}**" for cell in cells] if found.problems else cells
        versions = document["surroundings"]["versions"]
        lines.append(f"| watchdog {versions['watchdog']} | {' | '.join(marked)} |")
    return "\n".join(lines)

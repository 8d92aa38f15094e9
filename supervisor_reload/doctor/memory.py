"""The journal, and the disk that it is on. It reads them, and repairs nothing."""

# Path raises where we may not look; os.path answers no.
# ruff: noqa: PTH110

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..edges.machine import boot_id
from ..showing.words import age
from .finding import Finding, error, ok, warning
from .patient import Patient, name_of

LEAST = 10 * 1024 * 1024
"""bytes: the journal needs some hundred kilobytes, and so do the programs' logs"""

FEW = 200 * 1024 * 1024
"""bytes"""

AHEAD = 60.0
"""Seconds that a journal may be ahead of the clock: small corrections are nobody's fault."""


def journal(patient: Patient) -> Iterator[Finding]:
    """What the listener knows after its death."""
    found, place = patient.journal, patient.place
    if place is None:
        return
    for path in (place.directory, place.journal):
        if os.path.exists(path) and not os.access(path, os.R_OK):
            yield warning("journal", f"{path} can't be read by {name_of(os.geteuid())}", "use sudo")
            return
    if found.damage:
        yield warning(
            "journal",
            found.damage,
            "the listener sets it aside, and looks at what runs anew: docs/troubleshooting.md",
        )
        return
    if found.header is None:
        yield ok("journal", f"none yet in {place.directory}")
        return
    ahead = found.header.time - time.time()
    if ahead > AHEAD:
        yield warning(
            "journal",
            f"it was begun {age(ahead)} in the future: the clock was set back",
            "have the clock slewed (chrony, ntpd), not set; supervisord's stopwaitsecs goes by it",
        )
    elif found.header.boot and found.header.boot != boot_id():
        yield ok("journal", f"{place.journal} is of another boot: the next listener looks at everything anew")
    else:
        yield ok("journal", f"{place.journal} can be read, {len(found.records):,} records")


def disk(patient: Patient) -> Iterator[Finding]:
    """Whether there is room: without it nothing new begins."""
    if patient.place is None:
        return
    path = Path(patient.place.directory)
    there = next((each for each in (path, *path.parents) if os.path.exists(each)), Path("/"))
    try:
        found = os.statvfs(there)
    except OSError as why:
        yield warning("disk", f"{there} can't be looked at: {why.strerror}")
        return
    free = found.f_bavail * found.f_frsize
    words = f"{free // 1024 // 1024:,} MiB free where the journal is"
    if free < LEAST or (found.f_files and not found.f_favail):
        what = words if free < LEAST else "no inode is free where the journal is"
        yield error(
            ("disk"), (f"{what}: nothing new begins on a full disk"), (f"make room: du -xh {there} | sort -h")
        )
    elif free < FEW:
        yield warning("disk", words, f"make room: du -xh {there} | sort -h")
    else:
        yield ok("disk", words)

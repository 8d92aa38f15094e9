"""What the listener before us left behind: its journal, and whether what it says of processes still holds.

It reads, and words what it could not use; what is made of it is the core's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from .core.memory import HEALTH
from .core.model import Record
from .core.ports import Put
from .core.recall import Recollection
from .edges.journal import Found, Journal
from .edges.machine import boot_id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """The journal, open, and what it held."""

    journal: Journal
    past: Recollection
    kept: Mapping[str, Record]
    """the records that need not be written again; an empty one for each that must"""


def resume(directory: str, supervisor: str, put: Put) -> Legacy:
    """Open the journal in the directory of our state; ``supervisor`` is what no other supervisord ever had.

    Raises:
        JournalError: the directory can't be ours.
    """
    boot = boot_id()
    journal = Journal(directory, put, boot=boot, supervisor=supervisor)
    found = journal.open()
    past = recollect(found, boot, supervisor)
    if found.damage:
        _warn(found, past)
    # something is written by each listener, or the file would go on to name the one before it
    again = found.doubted | {HEALTH}
    kept = {key: {} if key in again else record for key, record in found.records.items()}
    return Legacy(journal=journal, past=past, kept=kept)


def recollect(found: Found, boot: str, supervisor: str) -> Recollection:
    """What a journal tells to a listener of this boot and this supervisord."""
    return Recollection(
        records=found.records,
        is_same_life=_is_of(found, boot, supervisor),
        doubted=found.doubted,
        is_damaged=bool(found.damage),
        is_lost=bool(found.damage) and not found.records,
    )


def _is_of(found: Found, boot: str, supervisor: str) -> bool:
    """Whether its pids and its times are of this boot and this supervisord; unknown counts as so.

    For what it says of a process holds only where the kernel started that one at the same moment.
    """
    header = found.header
    return header is None or (header.boot, header.supervisor) == (boot, supervisor)


def _warn(found: Found, past: Recollection) -> None:
    if past.is_lost:
        outlook = "what runs is replaced once, and what is stopped stays so: see supervisorctl status"
    else:
        outlook = "what it does not tell for sure is looked at, or replaced once"
    log.warning("the journal was damaged (%s): %s", found.damage, outlook)

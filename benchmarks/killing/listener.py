"""Our listener, which kills itself (SIGKILL) right before or right after it writes a record of its journal.

Or right after the first order that follows on the record: supervisord has obeyed then. Where it dies is
written in a file, the plan. That is there from the save on, and gone before the shot, so that the listener
that supervisord starts next lives. Nothing else of the listener is changed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from supervisor_reload import cli
from supervisor_reload.core.model import Record
from supervisor_reload.edges.journal import Journal
from supervisor_reload.edges.supervisord import Supervisord

PLACES = BEFORE, AFTER, ORDER = "before", "after", "order"


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to die: at the record of this number (the first after the save is 1), or at the first that fits.

    One that names neither never fires; then the records are only counted.
    """

    place: str = BEFORE
    number: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    """what must be written of one slot; True: anything but 0, '' and None"""
    again: int = 0
    """the record at which the next listener dies, too; 0: it lives"""
    forget: bool = False
    """whether the journal goes with it: nobody can go on then, which shows that somebody would notice"""

    def save(self, path: Path) -> None:
        """Put it where the listener finds it, whole."""
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self)))
        beside.replace(path)

    @classmethod
    def found(cls, path: Path) -> Plan | None:
        """The plan of that path; None where there is none."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None

    def fits(self, number: int, records: Mapping[str, Record | None]) -> bool:
        """Whether this is the place."""
        if self.fields:
            return any(self._names(record) for record in records.values() if record is not None)
        return number == self.number

    def _names(self, record: Record) -> bool:
        return all(
            bool(record.get(key)) if value is True else record.get(key) == value
            for key, value in self.fields.items()
        )


class Fused(Journal):
    """The journal, with a fuse."""

    place: Path
    """a directory: the plan is in it, and each write and each death is noted"""
    count = 0
    lit: Plan | None = None
    """whose record is written, and which waits for an order"""

    def write(self, records: Mapping[str, Record | None]) -> None:
        """As the journal does, unless it is the end."""
        plan = Plan.found(self.place / "plan")
        if plan is None:
            super().write(records)
            return
        self.count += 1
        self._note(records)
        type(self).lit = None
        is_due = plan.fits(self.count, records)
        if is_due and plan.place == BEFORE:
            self._die(plan)
        super().write(records)
        if is_due and plan.place == AFTER:
            self._die(plan)
        if is_due:
            type(self).lit = plan

    def _note(self, records: Mapping[str, Record | None]) -> None:
        with (self.place / "writes").open("a") as file:
            file.write(json.dumps(records) + "\n")

    @classmethod
    def hear_order(cls) -> None:
        """An order was given, and supervisord has obeyed."""
        if cls.lit is not None:
            cls._die(cls.lit)

    @classmethod
    def _die(cls, plan: Plan) -> None:
        if plan.again:
            replace(plan, number=plan.again, fields={}, again=0).save(cls.place / "plan")
        else:
            (cls.place / "plan").unlink()
        if plan.forget:
            (cls.place / "state" / "journal").unlink()
        with (cls.place / "deaths").open("a") as file:
            file.write(".")
        os.kill(os.getpid(), signal.SIGKILL)


def _fused(order: Callable[..., None]) -> Callable[..., None]:
    def ordered(*words: object) -> None:
        order(*words)
        Fused.hear_order()

    return ordered


def main(directory: str) -> int:
    """The command line of our listener; the plan is in the directory."""
    from supervisor_reload import resuming

    for name in ("start", "stop", "signal"):
        setattr(Supervisord, name, _fused(getattr(Supervisord, name)))
    Fused.place = Path(directory)
    resuming.Journal = Fused  # type: ignore[attr-defined] # nobody else opens a journal
    return cli.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv.pop(1)))

"""What is known of the servers that run here, and who else is on their ports. It looks at no request."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.datatypes import TRUTHY_STRINGS

from ..config.programs import ProgramProcess
from ..edges.holders import Holders
from ..recognising import Care, Kind, address_of, command_of, kind_of
from .finding import Finding, error, ok, warning
from .patient import Patient

SEARCH = 1.0
"""Seconds for the search of who has one port"""

WITH_CHILDREN = ("gunicorn", "gunicorn with uvicorn's worker", "gunicorn --preload")
"""They leave workers behind when only their main process is killed."""


def servers(patient: Patient) -> Iterator[Finding]:
    """Servers that are known to lose requests when they leave, and programs that reload themselves as
    well."""
    told = set()
    count = 0
    for process in _processes(patient):
        if process.section in told:
            continue
        told.add(process.section)
        command = command_of(process.command)
        kind = kind_of(command, process.directory, process.path, process.environment)
        found = [*_loses(process, kind), *_itself(process, kind), *_leaves_children(patient, process, kind)]
        count += len(found)
        yield from found
    if told and not count:
        yield ok("servers", "none is known to lose requests")


def _processes(patient: Patient) -> Iterator[ProgramProcess]:
    for target in patient.targets:
        yield from patient.processes_of(target)


def _loses(process: ProgramProcess, kind: Kind) -> Iterator[Finding]:
    if kind.loses:
        text, _, remedy = kind.loses.partition(": ")
        yield warning("servers", f"[{process.section}] {kind.what}: {text}", *([remedy] if remedy else []))


def _itself(process: ProgramProcess, kind: Kind) -> Iterator[Finding]:
    if kind.care is Care.ITSELF:
        yield warning(
            "servers",
            f"[{process.section}] {kind.what}: it {kind.why.partition('. ')[0]}, and so do we: everything "
            "is twice",
            "take one of the two out",
        )


def _leaves_children(patient: Patient, process: ProgramProcess, kind: Kind) -> Iterator[Finding]:
    """After stopwaitsecs supervisord kills: with killasgroup the children, too."""
    if not (kind.is_pool or kind.name in WITH_CHILDREN) or process.stopasgroup:
        return
    written = patient.conf.parser.get(process.section, "killasgroup", fallback="false")
    if str(written).strip().lower() not in TRUTHY_STRINGS:
        yield warning(
            "servers",
            f"[{process.section}] killasgroup is false: when supervisord has to kill it, its children live "
            "on",
            "killasgroup=true",
        )


def ports(patient: Patient) -> Iterator[Finding]:
    """Strangers where our programs are to listen, such as what a killed supervisord left behind."""
    if patient.told is None:
        return
    holders = Holders(patient.told.pid, limit=SEARCH)
    addresses = dict.fromkeys(_addresses(patient))
    found = [holder for address in addresses if (holder := holders.holder(address)) is not None]
    for words in dict.fromkeys(map(str, found)):
        pid = next(each.pid for each in found if str(each) == words)
        remedy = (
            (f"if it is left from a supervisord that was killed: kill {pid}") if pid else "ss -ltnp, as root"
        )
        yield error("ports", words, remedy)
    if not found and addresses:
        yield ok("ports", f"no stranger listens at {', '.join(addresses)}")


def _addresses(patient: Patient) -> Iterator[str]:
    """Where the programs of the targets listen, as far as that is known."""
    for target in patient.targets:
        for slot in target.slots:
            if slot.ready.address and slot.ready.scheme in ("tcp", "http", "accepting", "unix"):
                yield slot.ready.address.partition("?")[0]
        for process in patient.processes_of(target):
            command = command_of(process.command)
            kind = kind_of(command, process.directory, process.path)
            address = address_of(process, process.command, command, kind)
            if address:
                yield address

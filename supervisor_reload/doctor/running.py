"""Whether supervisord and our listener run, and whether what runs is what the files say. It only asks."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.model import Process, ProcessState
from .finding import Finding, error, ok, warning
from .patient import Patient

UP = (ProcessState.STARTING, ProcessState.RUNNING)

SHOWN = 4
"""Names in one line"""


def supervisord(patient: Patient) -> Iterator[Finding]:
    """Whether it answers."""
    if patient.told is None:
        text, _, remedy = patient.silence.partition(". ")
        yield error("supervisord", text, remedy or f"is it running? supervisord -c {patient.main}")
        return
    yield ok("supervisord", f"answers, pid {patient.told.pid}, version {patient.told.version}")


def update(patient: Patient) -> Iterator[Finding]:
    """Whether it runs what the files say, as ``supervisorctl reread`` would tell it."""
    told = patient.told
    if told is None:
        return
    if told.compared is None:
        yield error(
            "update", f"supervisord can't read its configuration: {told.unread}", "supervisor-reload check"
        )
        return
    found = (
        *(f"{name} is new" for name in told.compared.added),
        *(f"{name} was changed" for name in told.compared.changed),
        *(f"{name} was removed" for name in told.compared.removed),
    )
    if not found:
        yield ok("update", "supervisord runs what the configuration says")
        return
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    yield warning(
        "update",
        f"supervisord runs another configuration than the files have: {', '.join(found[:SHOWN])}{more}",
        f"supervisorctl -c {patient.main} update",
    )


def listener(patient: Patient) -> Iterator[Finding]:
    """Whether ours runs, and whether it wrote what ``status`` shows."""
    if not patient.listeners:
        yield error("listener", "the configuration has none", "supervisor-reload init")
        return
    name = patient.listeners[0].name
    process = _process(patient, name)
    if process is not None and process.state not in UP:
        yield from _not_running(patient, process)
    elif process is None and patient.told is not None:
        yield error(
            "listener", f"supervisord does not have {name} yet", f"supervisorctl -c {patient.main} update"
        )
    elif patient.listener_problem:
        yield warning("listener", patient.listener_problem, "use sudo")
    elif patient.listener is None and process is not None and process.state is ProcessState.STARTING:
        yield warning("listener", f"{name} has just begun", "ask again in a second")
    elif patient.listener is None:
        yield from _nobody(patient, process)
    else:
        pid = f", pid {patient.listener}" if patient.listener else ""
        yield ok("listener", f"{name} works{pid}")


def _process(patient: Patient, name: str) -> Process | None:
    processes = patient.told.processes if patient.told else ()
    return next((one for one in processes if one.name == name), None)


def _not_running(patient: Patient, process: Process) -> Iterator[Finding]:
    own = process.name.partition(":")[0]
    why = f" ({process.detail})" if process.detail else ""
    yield error(
        "listener",
        f"{process.name} is {process.state.value}{why}: no code is watched",
        f"its log says why: supervisorctl -c {patient.main} tail {own} stderr",
        f"when that is put right: supervisorctl -c {patient.main} start {own}",
    )


def _nobody(patient: Patient, process: Process | None) -> Iterator[Finding]:
    directory = patient.place.directory if patient.place else "its state directory"
    if process is None:
        yield error("listener", f"none works in {directory}", "supervisord starts it, once it runs")
        return
    yield error(
        "listener",
        f"{process.name} is RUNNING, and none works in {directory}: it has another configuration, or has "
        "just begun",
        f"supervisorctl -c {patient.main} restart {process.name.partition(':')[0]}",
    )

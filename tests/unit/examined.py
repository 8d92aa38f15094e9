"""Systems that are made up, for the tests of the doctor: a configuration, and a supervisord that says so."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor_reload.core.configfacts import GroupsCompared
from supervisor_reload.core.model import Process, ProcessState, SlotName
from supervisor_reload.doctor import versions
from supervisor_reload.doctor.finding import Finding, Level
from supervisor_reload.doctor.patient import Patient, Told, patient_of

HEAD = """\
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
pidfile=%(here)s/supervisord.pid
logfile=%(here)s/supervisord.log
childlogdir=%(here)s
[eventlistener:reload]
command=supervisor-reload listen
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
startretries=100
"""
WEB = """\
[program:web]
command=uvicorn main:app --port 8000
directory=%(here)s/app
[reload:web]
watch=%(here)s/app
"""
SAME = GroupsCompared(added=(), changed=(), removed=())


@pytest.fixture
def place(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").touch()
    return tmp_path


def patient(place: Path, text: str = WEB, head: str = HEAD, mode: int = 0o600) -> Patient:
    conf = place / "supervisord.conf"
    conf.write_text(head + text)
    conf.chmod(mode)
    return patient_of(str(conf))


def told(*states: tuple[str, ProcessState], **changes: object) -> Told:
    """A supervisord that says so."""
    processes = tuple(
        Process(
            name=SlotName(name),
            state=state,
            pid=0,
            detail="spawn error" if state is ProcessState.FATAL else "",
        )
        for name, state in states
    )
    answer = Told(
        version=versions._version("supervisor"), pid=os.getpid(), processes=processes, compared=SAME
    )
    return replace(answer, **changes)


def one(findings: object) -> Finding:
    (finding,) = list(findings)
    return finding


def bad(findings: object) -> list[Finding]:
    return [finding for finding in findings if finding.level is not Level.OK]


def words(finding: Finding) -> str:
    return " ".join((finding.level.value, finding.text, *finding.remedy))

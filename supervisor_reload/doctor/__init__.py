"""The verb ``doctor``: looks at everything that a running system needs, and says what to do. It changes
nothing.

One room in several modules, which belong together: ``patient`` (what is looked at, gathered once),
``finding`` (the words), a module for each side of a system (``configured``, ``versions``, ``running``,
``rights``, ``memory``, ``watching``, ``programs``), and ``report``. To add a check, write a function that
takes a Patient, and add it to CHECKS.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TextIO

from ..core.secrets import Redaction, secrets_of
from . import configured, memory, programs, rights, running, versions, watching
from .finding import Finding, Level
from .patient import Patient, patient_of
from .report import show

__all__ = ["CHECKS", "examine"]

OK = 0
SICK = 1
"""Exit status where something does not work"""

CHECKS: tuple[Callable[[Patient], Iterator[Finding]], ...] = (
    configured.configuration,
    configured.ctlplugin,
    configured.secrets,
    versions.versions,
    running.supervisord,
    running.update,
    running.listener,
    rights.door,
    rights.state,
    rights.code,
    memory.journal,
    memory.disk,
    watching.inotify,
    watching.mounts,
    programs.servers,
    programs.ports,
)
"""Every check, in the order in which they are told."""


def examine(config_file: str | None, stream: TextIO, *, as_json: bool = False) -> int:
    """Write every finding; returns the exit status: 0, or 1 where there is an error.

    Raises ConfigErrors where there is no configuration file that can be read.
    """
    patient = patient_of(config_file)
    findings = [finding for check in CHECKS for finding in check(patient)]
    known = [server.password for server in patient.conf.servers if server.password]
    show(findings, stream, Redaction((*secrets_of(None, os.environ), *known)), as_json=as_json)
    return SICK if any(one.level is Level.ERROR for one in findings) else OK

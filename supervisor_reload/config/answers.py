"""Looks for what supervisord could not tell: names that have no place in its XML.

It exists because one such name spoils the answer about all processes, for every client: supervisord escapes
nothing, and no parser takes it (XML 1.0, section 2.2). It changes no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .findings import Findings
from .programs import ProgramProcess
from .supervisorconf import SupervisorConf

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def note_answers(conf: SupervisorConf, findings: Findings) -> None:
    """Note each section whose processes nobody could ask for."""
    for process in conf.processes:
        for key, text in _told(process):
            bad = NO_XML.search(text)
            if bad is not None:
                findings.error(process.file, process.section, key, _message(bad[0]))


def _told(process: ProgramProcess) -> Iterator[tuple[str, str]]:
    """What supervisord tells of a process, and where that is written; '' is the section's own name."""
    is_own = process.process != process.program
    yield "process_name" if is_own and NO_XML.search(process.process) else "", process.name
    for path in process.logfiles:
        yield "stdout_logfile, stderr_logfile", path


def _message(letter: str) -> str:
    return (
        f"has the character U+{ord(letter):04X}, which has no place in XML: supervisord could tell nobody "
        "of any process any more, neither supervisorctl nor us. Take it out"
    )

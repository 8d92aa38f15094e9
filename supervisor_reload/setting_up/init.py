"""The door of ``init``: reads, tells what the programs are, shows what would be added, and writes it if told
to."""

from __future__ import annotations

import difflib
import locale
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from typing import TextIO

from ..config.find import find
from ..config.findings import Findings
from ..config.supervisorconf import SupervisorConf, read_supervisorconf
from ..core.errors import ConfigError
from ..core.secrets import Redaction
from ..showing.page import say
from .advice import Advice, advice_on
from .frame import needs_restart
from .proposal import Proposal, propose
from .survey import Program, survey
from .writing import File

OK = 0
WOULD_NOT_WORK = 1
"""``check`` would find errors in the result"""

NAMES = 30
"""Characters of the column of names, as supervisorctl's."""


def init(config_file: str | None, names: Sequence[str], stream: TextIO, *, is_applied: bool = False) -> int:
    """Write what the programs of these names are (all without any), and the diff; with ``is_applied`` the
    file, too.

    Returns the exit status. Raises ConfigErrors where the configuration can't be read, and NotWritten.
    """
    main = find(config_file)
    findings = Findings()
    encoding = locale.getpreferredencoding(False)
    conf = read_supervisorconf(main, findings)
    findings.raise_errors()
    file = File(main, conf.patterns)
    before = file.content.decode(encoding)
    programs = survey(conf, names)
    proposal = propose(conf, programs, before.replace("\r\n", "\n"))
    added = proposal.text.replace("\n", "\r\n") if "\r\n" in before else proposal.text
    page = _Page(stream)
    for line in _told(programs):
        page.say(line)
    page.say("")
    if added:
        backup = file.write(file.content + added.encode(encoding)) if is_applied else ""
        _show(page, main, before, added, backup)
    else:
        doctor = f"supervisor-reload doctor -c {shlex.quote(main)}"
        page.say(f"{main}: nothing to add. What could be better with what is there: {doctor}")
    for line in _words(programs, proposal):
        page.say(line)
    if added:
        page.say("")
        page.say(_next(conf, is_applied=is_applied))
    return WOULD_NOT_WORK if proposal.errors else OK


class _Page:
    """Where it is written, a line at a time, without secrets."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._redact = stream, Redaction()

    def say(self, line: str) -> None:
        """Write one line, whatever its names hold."""
        say(self._stream, self._redact(line))


def _told(programs: Sequence[Program]) -> Iterator[str]:
    """A line for each program: what it is, and what becomes of it."""
    width = max((NAMES, *(len(one.name) for one in programs))) + 3
    for one in programs:
        if one.target:
            outcome = f"[{one.target}] has it already"
        elif one.problem:
            outcome = f"{one.kind.what}: left out: {one.problem}"
        elif one.is_wanted:
            outcome = f"{one.kind.what}: [reload:{one.name}]"
        else:
            outcome = f"{one.kind.what}: left out: {one.kind.why}"
        yield f"{one.name:<{width}}{outcome}"


def _show(page: _Page, main: str, before: str, added: str, backup: str) -> None:
    old, new = before.splitlines(keepends=True), (before + added).splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, main, main):
        page.say(line.rstrip("\r\n"))
        if not line.endswith("\n"):
            page.say("\\ No newline at end of file")
    if backup:
        page.say("")
        page.say(f"{main}: written; as it was, it is {backup}")


def _words(programs: Sequence[Program], proposal: Proposal) -> Iterator[str]:
    """What is left to the operator: what would not work, and what could be better."""
    for title, errors in (
        ("Left out, because it would not work here:", proposal.left_out),
        ("Before it works, this must be put right:", proposal.errors),
    ):
        yield from _listed(title, [_finding(error) for error in errors])
    advice = [each for one in programs for each in advice_on(one)]
    notes = [_finding(warning) for warning in proposal.warnings] if proposal.text else []
    yield from _listed("To think about; init changes nothing of it:", [*map(_advice, advice), *notes])


def _listed(title: str, items: Sequence[Sequence[str]]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield title
    for item in items:
        yield from item


def _advice(advice: Advice) -> list[str]:
    text = f"[{advice.section}] {advice.message}"
    return [*_wrapped(text), *(f"      {line}" for line in advice.lines)]


def _finding(error: ConfigError) -> list[str]:
    where = f"[{error.section}] {error.key}".strip() if error.section else error.file
    first, *rest = f"{where}: {error.message}".splitlines()
    return [*_wrapped(first), *(f"      {line}" for line in rest)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        100,
        initial_indent="  * ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _next(conf: SupervisorConf, *, is_applied: bool) -> str:
    if not is_applied:
        return "Nothing was changed. To write it: the same with --apply"
    if needs_restart(conf):
        return "Next: restart supervisord, which must open its socket; update would not"
    return f"Next: supervisorctl -c {conf.main} update, which starts the listener and touches no program"

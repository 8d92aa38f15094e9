"""How the findings are written: a line each, in supervisorctl's columns, or as JSON. It finds nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TextIO

from ..core.model import Value
from ..core.secrets import Redaction
from ..showing.page import FORMAT, say, say_json
from .finding import Finding, Level

TOPICS, LEVELS = 16, 10
"""Characters of the first two columns"""

WIDTH = 110


def show(findings: Sequence[Finding], stream: TextIO, hide: Redaction, *, as_json: bool) -> None:
    """Write them."""
    if as_json:
        say_json(stream, _object(findings, hide))
        return
    for line in lines(findings):
        say(stream, hide(line))


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The report."""
    for one in findings:
        yield f"{one.topic:<{TOPICS}}{one.level.value:<{LEVELS}}{one.text}"
        for remedy in one.remedy:
            yield from textwrap.wrap(
                remedy,
                WIDTH,
                initial_indent=" " * 4,
                subsequent_indent=" " * 6,
                break_long_words=False,
                break_on_hyphens=False,
            )
    yield ""
    counted = {level: sum(one.level is level for one in findings) for level in Level}
    yield ", ".join(f"{count} {_plural(level, count)}" for level, count in counted.items())


def _plural(level: Level, count: int) -> str:
    return level.value if level is Level.OK or count == 1 else f"{level.value}s"


def _object(findings: Sequence[Finding], hide: Redaction) -> Value:
    return {
        "format": FORMAT,
        "findings": [
            {
                "topic": one.topic,
                "level": one.level.value,
                "text": hide(one.text),
                "remedy": [hide(each) for each in one.remedy],
            }
            for one in findings
        ],
    }

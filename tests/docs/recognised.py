"""Writes the two parts of docs/init.md that the code knows: ``python -m tests.docs.recognised``."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from supervisor_reload.recognising import Care, Kind, others, python
from supervisor_reload.setting_up import init

from .blocks import ROOT, blocks

FILE = ROOT / "docs" / "init.md"
LISTENER = re.compile(r"^\+command=.*listen *;", re.MULTILINE)
"""its path is that of this machine"""
PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def kinds() -> list[Kind]:
    """Every kind that gets a section, once, in the tables' order."""
    rows = [*(row[-1] for row in python.ROWS), *(row[-1] for row in others.ROWS), others.COMPILED]
    wanted = (Care.REPLACED, Care.SIGNALLED)
    return list(dict.fromkeys(kind for kind in rows if kind.care in wanted))


def table() -> str:
    """What becomes of each kind."""
    lines = ["| program | reload | check | in hand |", "|---|---|---|---|"]
    for kind in kinds():
        how = f"signal, `{kind.signal}`" if kind.signal else "in place: stop, then start"
        drain = f"{kind.drain} s and more" if kind.drain else ""
        lines.append(f"| {kind.what} | {how} | {f'`{kind.check}`' if kind.check else ''} | {drain} |")
    return "\n".join(lines) + "\n"


def shown() -> str:
    """What init tells of the example, as if it lay in /srv."""
    given = next(block.text for block in blocks(FILE) if block.heading == "An example")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory).resolve()
        (place / "app").mkdir()
        (place / "app" / "main.py").touch()
        (place / "supervisord.conf").write_text(given.replace("/srv", str(place)))
        stream = io.StringIO()
        with programs_found():
            assert init(str(place / "supervisord.conf"), [], stream) == 0
        text = stream.getvalue().replace(str(place), "/srv")
    return LISTENER.sub("+command=supervisor-reload listen            ;", text)


@contextlib.contextmanager
def programs_found() -> Iterator[None]:
    """With the programs beside this Python on the PATH, as in a virtual environment that is active."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def part(name: str) -> str:
    """One of the two."""
    return f"\n{table()}\n" if name == "recognised" else f"\n```text\n{shown()}```\n\n"


def filled(text: str) -> str:
    """The page with both as they should be."""
    return PLACE.sub(lambda place: f"{place[1]}{part(place[2])}{place[3]}", text)


def main() -> None:
    """Write the page anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

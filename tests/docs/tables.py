"""Writes the tables of docs/configuration.md from the one table of keys: ``python -m tests.docs.tables``."""

from __future__ import annotations

import re

from supervisor_reload.config import KEYS, Key

from .blocks import ROOT

FILE = ROOT / "docs" / "configuration.md"
PLACE = re.compile(r"(<!-- keys: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def kind_of(key: Key) -> str:
    """Which table a key belongs to."""
    return "common" if key.only_common else "target"


def table(kind: str) -> str:
    """The table of the keys of one kind, in the code's order."""
    lines = ["| key | default | unit | meaning |", "|---|---|---|---|"]
    for key in KEYS:
        if kind_of(key) == kind:
            plain = not key.default or key.default.startswith("(")
            default = key.default.strip("()") if plain else f"`{key.default}`"
            cells = (f"`{key.name}`", default, key.unit, key.doc)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """The document with every table as it should be."""
    return PLACE.sub(lambda place: f"{place[1]}\n{table(place[2])}\n{place[3]}", text)


def main() -> None:
    """Write the document anew."""
    FILE.write_text(filled(FILE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

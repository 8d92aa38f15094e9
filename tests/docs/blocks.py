"""Reads the documents: their fenced blocks, headings and links. It judges nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
)

FENCE = re.compile(r"```(\w*)\s*$")
HEADING = re.compile(r"#{1,6} (.*)")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block."""

    document: str
    line: int
    heading: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    found: list[Block] = []
    heading, opened, lines = "", None, []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if opened is not None and fence:
            text = "\n".join(lines) + "\n"
            name = str(document.relative_to(ROOT))
            found.append(Block(document=name, line=opened[0], heading=heading, language=opened[1], text=text))
            opened = None
        elif opened is not None:
            lines.append(line)
        elif fence:
            opened, lines = (number, fence[1]), []
        elif matched := HEADING.match(line):
            heading = matched[1]
    assert opened is None, f"{document}:{opened} is not closed"
    return found


def all_blocks(language: str | None = None) -> list[Block]:
    """The blocks of all documents, or those of one language."""
    every = [block for document in DOCUMENTS for block in blocks(document)]
    return [block for block in every if language in (None, block.language)]


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The names under which GitHub links to the document's headings."""
    titles = re.findall(r"^#{1,6} (.*)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of a console block, and what it prints."""

    command: str
    output: str


def steps(block: Block) -> list[Step]:
    """The commands of a console block: each ``$ `` line, with the lines that follow it."""
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Step(command=line[2:], output=""))
        else:
            assert found, f"{block}: a console block begins with '$ '"
            found[-1] = Step(command=found[-1].command, output=found[-1].output + line + "\n")
    return found

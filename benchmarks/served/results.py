"""What was measured, a JSON line for each run, and the table made of it. It adds up; it judges nothing."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from .catalogue import SERVERS, SET_UPS, Server, gin_folder

KEPT = Path(__file__).with_name("results.jsonl")
"""The runs that docs/servers.md shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run, or the sum of several of the same server in the same version under the same load."""

    server: str
    load: str
    version: str
    saves: int
    missed: int
    """saves whose version was never served in time"""
    requests: int
    errors: dict[str, int]
    """kind -> requests that met it"""

    def plus(self, other: Cell) -> Cell:
        """Both together; the newer version's where they differ."""
        if self.version != other.version:
            return other
        return Cell(
            server=self.server,
            load=self.load,
            version=self.version,
            saves=self.saves + other.saves,
            missed=self.missed + other.missed,
            requests=self.requests + other.requests,
            errors=dict(Counter(self.errors) + Counter(other.errors)),
        )

    def __str__(self) -> str:
        """``3 of 1,000 in 30 (2 cut, 1 reset)``: lost requests, all requests, replacements."""
        lost = sum(self.errors.values())
        kinds = [f"{count:,} {kind}" for kind, count in Counter(self.errors).most_common()]
        kinds += [f"{self.missed} saves never served"] if self.missed else []
        text = f"{lost:,}" if lost else "**0**"
        return f"{text} of {self.requests:,} in {self.saves}" + (f" ({', '.join(kinds)})" if kinds else "")


def version_of(server: Server) -> str:
    """The server's name and version, as installed here."""
    if server.package == "node":
        return "Node " + _output("node", "--version").lstrip("v")
    if server.package in {"go", "gin"}:
        go = "Go " + _output("go", "version").split()[2].removeprefix("go")
        return go if server.package == "go" else f"Gin {_gin_version()}, {go}"
    return f"{server.package} {version(server.package)}"


def _output(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.strip()


def _gin_version() -> str:
    text = (Path(gin_folder()) / "version.go").read_text(encoding="utf-8")
    found = re.search(r'Version = "v([^"]+)"', text)
    return found[1] if found else "?"


def append(path: Path, cell: Cell) -> None:
    """Write one more line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(cell)) + "\n")


def read(path: Path) -> list[Cell]:
    """All lines."""
    return [Cell(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]


def sums(cells: Iterable[Cell]) -> dict[tuple[str, str], Cell]:
    """By server and load."""
    found: dict[tuple[str, str], Cell] = {}
    for cell in cells:
        key = cell.server, cell.load
        found[key] = found[key].plus(cell) if key in found else cell
    return found


def table(cells: Iterable[Cell], loads: Sequence[str]) -> str:
    """A Markdown table: a row for each server that was measured, a column for each load."""
    found = sums(cells)
    lines = ["| server | version | set-up | " + " | ".join(loads) + " |", "|---" * (3 + len(loads)) + "|"]
    for server in SERVERS:
        row = {load: found[server.name, load] for load in loads if (server.name, load) in found}
        if row:
            shown = next(iter(row.values())).version
            texts = [str(row[load]) if load in row else "-" for load in loads]
            lines.append(
                f"| {server.title} | {shown} | {SET_UPS[server.set_up]} | " + " | ".join(texts) + " |"
            )
    return "\n".join(lines) + "\n"

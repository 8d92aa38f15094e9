"""Write the newest results into ``docs/benchmarks.md``: tables between its markers, and the picture.

It exists so that no number in the documentation was typed. It never touches a word outside the markers.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import compare_table, lossless_table, plot

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
PICTURE = "images/reloads.png"
KEYS = ("when", "python", "cpus")


def surroundings(some: Sequence[dict[str, Any]]) -> str:
    """What the numbers of these runs depend on, in a sentence."""
    versions = dict.fromkeys(f"{name} {number}" for run in some for name, number in run["versions"].items())
    days, pythons, cores = (" and ".join(sorted({str(run[key])[:10] for run in some})) for key in KEYS)
    loads = sorted(run["load_average"] for run in some)
    load = f"{loads[0]:g}" if loads[0] == loads[-1] else f"{loads[0]:g} to {loads[-1]:g}"
    return (
        f"Measured {days} with Python {pythons}, {', '.join(versions)},\n"
        f"on {cores} cores. The machine's load average over 15 minutes, this included, was {load}."
    )


def lossless(path: Path) -> str:
    """The runs of ``benchmarks.lossless``: table, sum, surroundings."""
    runs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return f"{lossless_table.render(runs)}\n\n**{lossless_table.sentence(runs)[0]}**\n\n{surroundings(runs)}"


def compared(document: dict[str, Any]) -> str:
    """The comparison of ``benchmarks.compare``: table, surroundings, command, picture."""
    return (
        f"{compare_table.render(document)}\n\n{surroundings([document['surroundings']])}\n"
        f"Made by `{document['command']}`.\n\n"
        f"![Latency over time under each way to reload, with lost requests in red]({PICTURE})"
    )


def replace(text: str, name: str, new: str) -> str:
    """The text with what is between the markers NAME exchanged; ValueError where they are missing."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{DOCUMENT} has no place {begin} ... {end}")
    return pattern.sub(lambda _: f"{begin}\n{new}\n{end}", text)


def main() -> int:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.document", description=__doc__)
    parser.add_argument("--lossless", type=Path, metavar="FILE", help="what benchmarks.lossless --out wrote")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="what benchmarks.compare --out wrote")
    args = parser.parse_args()
    try:
        text = DOCUMENT.read_text(encoding="utf-8")
        if args.lossless is not None:
            text = replace(text, "lossless", lossless(args.lossless))
        if args.compare is not None:
            document = json.loads(args.compare.read_text(encoding="utf-8"))
            plot.draw(document, "fresh", 0, DOCUMENT.parent / PICTURE)
            text = replace(text, "compare", compared(document))
        DOCUMENT.write_text(text, encoding="utf-8")
    except (ImportError, OSError, ValueError, KeyError) as error:
        print(f"can't write the results: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

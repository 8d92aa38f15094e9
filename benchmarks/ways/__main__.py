"""Reads the arguments, runs ways side by side, prints a line for each, and ends with 1 where one is wrong."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import catalogue, storm, table, trial
from .way import Way

OBSERVERS = ("native", "polling")


def run(
    ways: Sequence[Way],
    observers: Sequence[str],
    *,
    tries: int,
    jobs: int,
    keep: Path | None = None,
    limit: float = trial.SERVE_LIMIT,
) -> list[trial.Result]:
    """Try everything, ``jobs`` supervisords at a time; the results in the order of the table."""
    results: dict[tuple[str, str], trial.Result] = {}
    with ThreadPoolExecutor(jobs) as pool:
        asked = {
            pool.submit(trial.run, way, observer, tries, limit, keep): (way.name, observer)
            for observer in observers
            for way in ways
        }
        for done in as_completed(asked):
            results[asked[done]] = done.result()
            print(table.line(done.result()), flush=True)
    return [results[way.name, observer] for observer in observers for way in ways]


def report(args: argparse.Namespace) -> int:
    """Run the ways and keep what came out; the exit code."""
    around = catalogue.surroundings()
    print(table.head(around), flush=True)
    began = time.monotonic()
    observers = OBSERVERS if args.observer == "both" else (args.observer,)
    ways = catalogue.chosen(args.only)
    results = run(ways, observers, tries=args.tries, jobs=args.jobs, keep=args.keep)
    if args.out is not None:
        table.write(args.out, around, results)
    wrong = [result for result in results if not result.is_right]
    untried = sum(bool(result.missing) for result in results)
    took = time.monotonic() - began
    print(f"{len(results)} cells, {len(wrong)} wrong, {untried} not tried, {took:.0f} s")
    for result in wrong:
        print(table.line(result))
    return 1 if wrong else 0


def merge(paths: Sequence[Path], page: Path | None) -> None:
    """Print what several runs kept, or put it into a page, between its markers."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for name, text in (
        ("ways", table.markdown([document for document in documents if "results" in document])),
        ("storm", storm.markdown([document for document in documents if "storm" in document])),
    ):
        if page is not None:
            table.put_into(page, text, name)
        else:
            print(text, end="\n\n")


def arguments() -> argparse.ArgumentParser:
    """What can be said."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ways", description=__doc__)
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--observer", choices=(*OBSERVERS, "both"), default="both")
    parser.add_argument("--only", nargs="+", default=(), metavar="WAY", help="groups, or parts of names")
    parser.add_argument(
        "--jobs", type=int, default=6, help="ways that are tried side by side; they mostly wait"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the results as JSON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the logs of wrong ways go")
    parser.add_argument("--list", action="store_true", help="name all ways and end")
    parser.add_argument("--table", nargs="+", type=Path, metavar="FILE", help="results as one Markdown table")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="with --table: between a page's markers")
    parser.add_argument("--storm", action="store_true", help="20,000 files while the listener is stopped")
    parser.add_argument("--files", type=int, default=20_000, help="of the storm")
    return parser


def main() -> int:
    """Do what the arguments say."""
    parser = arguments()
    args = parser.parse_args()
    if args.tries < 1 or args.jobs < 1:
        parser.error("--tries and --jobs must be at least 1")
    try:
        if args.table:
            merge(args.table, args.into)
            return 0
        if args.list:
            print("\n".join(f"{way.group:8} {way.name}" for way in catalogue.WAYS))
            return 0
        if args.storm:
            return storm.report(args.files, catalogue.surroundings(), args.out)
        return report(args)
    except (AssertionError, OSError, ValueError) as error:
        print(f"can't do that: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

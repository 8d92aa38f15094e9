"""Side by side: the same saves, the same application, the same load, and every way to reload in turns.

Blocks of a few reloads of each contender alternate over several rounds, so that a noisy machine hits all
alike. It prints a Markdown table and writes what it measured as JSON; ``benchmarks.plot`` draws from that. It
never drops a block because it looks bad: a contender that could not run is named with the reason.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .compare_table import render
from .contenders import CONTENDERS, Contender, bare_boot
from .demo import exit_code_of
from .experiment import Outcome, Plan, experiment
from .loading import LoadProcess
from .service import Service
from .summary import rounded, slow_summary, summary, surroundings

LOADS = {
    "fresh": Plan(clients=8, pause=0.03, limit=20.0),
    "keep-alive": Plan(clients=8, pause=0.03, limit=20.0, keep_alive=True),
    "in-flight": Plan(clients=2, pause=0.03, limit=20.0),
}
"""``in-flight`` only looks, beside requests of 5 s"""

SLOW = Plan(clients=2, pause=0.0, path="/slow?seconds=5", spread=2.5, limit=20.0)

POINTS = 6000
"""requests of a block that are kept one by one, for the plot"""


def blocks(
    contenders: Sequence[Contender], loads: Sequence[str], rounds: int, saves: int
) -> Iterator[dict[str, Any]]:
    """All blocks, in turns; one that could not run has an ``error``."""
    for number in range(rounds):
        for contender in contenders:
            told = {"contender": contender.name, "server": contender.server, "round": number}
            try:
                for block in _turn(contender, loads, saves, number):
                    yield told | block
            except (AssertionError, RuntimeError, TimeoutError, OSError) as error:
                print(f"{contender.name} could not run: {str(error)[-3000:]}", flush=True)
                yield told | {"error": str(error)[-3000:]}


def _turn(contender: Contender, loads: Sequence[str], saves: int, number: int) -> Iterator[dict[str, Any]]:
    """One contender's turn: its service, and a block for each load."""
    with contender.service() as service:
        contender.wait(service)
        with contender.beside(service):
            for index, load in enumerate(loads):
                plan = dataclasses.replace(LOADS[load], saves=saves, seed=number)
                yield {"load": load} | _block(contender, service, plan, load, 2 + index * saves)


def _block(contender: Contender, service: Service, plan: Plan, load: str, first: int) -> dict[str, Any]:
    """A few saves under one load, a bare boot after each, under the same load."""
    over = contender.watch(service)
    boots: list[float] = []

    def between() -> None:
        over.next()
        boots.append(bare_boot(contender.server, service))

    with contextlib.ExitStack() as stack:
        if load == "in-flight":
            out = service.directory / "run" / "slow-requests"
            slow = stack.enter_context(LoadProcess(service.port, out, SLOW))
            time.sleep(SLOW.spread)  # the run's pace: from now on all of them ask
        outcome = experiment(
            f"{contender.name}, {load}",
            service,
            plan,
            first_version=first,
            between=between,
            settled=over.settled,
        )
        result = summary(outcome) | {"delays": [rounded(d) for d in outcome.delays]}
        result["boots"] = [rounded(boot) for boot in boots]
        if load == "in-flight":
            result["slow"] = slow_summary(outcome, slow.finish())
        else:
            result["points"] = points(outcome)
    return result


def points(outcome: Outcome) -> dict[str, Any]:
    """The first requests one by one (seconds since the first, how long, what went wrong), and the windows."""
    zero = min((request.began for request in outcome.requests), default=0.0)
    kept = sorted(outcome.requests, key=lambda request: request.began)[:POINTS]
    return {
        "requests": [[round(r.began - zero, 3), rounded(r.seconds), r.error] for r in kept],
        "windows": [[round(begin - zero, 3), round(end - zero, 3)] for begin, end in outcome.windows],
    }


def run(args: argparse.Namespace) -> int:
    """Measure, print, and write; 1 where a contender of ours failed in any way."""
    chosen = [c for c in CONTENDERS if not args.only or any(part in c.name for part in args.only)]
    missing = {c.name: c.missing() for c in chosen if c.missing()}
    for name, why in missing.items():
        print(f"left out: {name}: {why}")
    able = [contender for contender in chosen if contender.name not in missing]
    print(
        f"{len(able)} ways to reload, {args.rounds} rounds: about {minutes(args, len(able)):.0f} min",
        flush=True,
    )
    results = list(blocks(able, args.loads, args.rounds, args.saves))
    around = surroundings("uvicorn")
    around["versions"] |= surroundings("gunicorn")["versions"]
    document = {
        "command": command(args),
        "missing": missing,
        "surroundings": around,
        "blocks": results,
    }
    if args.out is not None:
        args.out.write_text(json.dumps(document) + "\n", encoding="utf-8")
    print(f"\n{render(document)}")
    ours = {contender.name for contender in able if contender.is_ours}
    return int(any("error" in b or b["never_served"] for b in results if b["contender"] in ours))


def command(args: argparse.Namespace) -> str:
    """What made the numbers, without where they went."""
    words = ["python -m benchmarks.compare", "--rounds", args.rounds, "--saves", args.saves]
    words += ["--loads", *args.loads, *(["--only", *args.only] if args.only else [])]
    return " ".join(map(str, words))


def report(path: Path) -> int:
    """Print the table of a file that ``--out`` wrote."""
    try:
        print(render(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError) as error:
        print(f"can't read {path}: {error!r}", file=sys.stderr)
        return 1
    return 0


def minutes(args: argparse.Namespace, contenders: int) -> float:
    """About how long it will take."""
    seconds: float = sum(4 + args.saves * (8.0 if load == "in-flight" else 3.5) for load in args.loads)
    return float(args.rounds * contenders * (4 + seconds) / 60)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--saves", type=int, default=4, help="in each block")
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="contenders whose name has it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="everything that was measured, as JSON")
    parser.add_argument("--report", type=Path, metavar="FILE", help="print the table of such a file, no more")
    args = parser.parse_args()
    if args.rounds < 1 or args.saves < 1:
        parser.error("--rounds and --saves must be at least 1")
    if args.report is not None:
        return report(args.report)
    return exit_code_of(lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

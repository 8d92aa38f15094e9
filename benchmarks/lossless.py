"""Is a request lost? Hundreds of reloads of a real service under load, every failure counted by its kind.

One run is one strategy, one server, one kind of load. A run appends one line of JSON to ``--out``;
``--report`` adds such runs up. A reload whose version was never served is a failure, and so is a request
without a whole answer 200. It never asks twice, and leaves nothing out of the sum.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import configurations
from .contenders import bare_boot
from .demo import exit_code_of, wait_until_settled
from .experiment import Plan, experiment
from .loading import LoadProcess
from .lossless_table import render, sentence
from .rollouts import Rollouts
from .service import Service
from .summary import rounded, slow_summary, summary, surroundings

STRATEGIES = {"swap": "swap.conf", "pinned": "pinned.conf", "slow": "swap.conf"}

LOADS = {
    "fresh": Plan(clients=24, pause=0.03),
    "keep-alive": Plan(clients=24, pause=0.03, keep_alive=True),
    "saturated": Plan(clients=32, pause=0.0),
    "saturated-keep-alive": Plan(clients=32, pause=0.0, keep_alive=True),
}
"""24 clients with a pause of 30 ms are some 500 requests a second; 32 without are what the service can do"""

SLOW = Plan(clients=8, pause=0.0, path="/slow?seconds=5", spread=5.0, limit=20.0)
"""Eight requests of 5 s are always in flight, begun at random phases."""

REST = (0.05, 0.35)
"""seconds between a reload's end and the next save: short, since an old process must be gone before the next
save anyway; random, so that saves meet the requests at all phases"""

BOOTS = 5
"""bare boots before the load, to compare the longest wait with"""


INTERRUPTED = 130
"""the exit code that ``exit_code_of`` gives to Ctrl-C"""


@contextlib.contextmanager
def slow_clients(service: Service, wanted: bool) -> Iterator[LoadProcess | None]:
    """Requests of 5 s that are always in flight, where they are wanted."""
    if not wanted:
        yield None
        return
    with LoadProcess(service.port, service.directory / "run" / "slow-requests", SLOW) as load:
        time.sleep(SLOW.spread)  # the run's pace: from now on all of them ask
        yield load


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is asked for."""

    strategy: str
    server: str
    load: str
    reloads: int

    @property
    def name(self) -> str:
        """Its name for people and files."""
        return f"{self.strategy}, {self.server}, {self.load}"

    @property
    def minutes(self) -> float:
        """About how long it takes."""
        return self.reloads * (7.0 if self.strategy == "slow" else 1.8) / 60 + 0.2


def every_run(reloads: int) -> list[Run]:
    """All that is promised: each strategy, each server, each load, and half as often with requests of 5 s."""
    loads = ("fresh", "keep-alive", "saturated")
    runs = [
        Run(strategy=strategy, server=server, load=load, reloads=reloads)
        for strategy in ("swap", "pinned")
        for server in configurations.SERVERS
        for load in loads
    ]
    half = max(1, reloads // 2)
    return runs + [
        Run(strategy="slow", server=server, load="fresh", reloads=half) for server in configurations.SERVERS
    ]


def perform(run: Run, logs: Path | None) -> dict[str, Any]:
    """One run; what it met. Raises what ``demo.exit_code_of`` catches."""
    plan = dataclasses.replace(LOADS[run.load], saves=run.reloads, limit=20.0, rest=REST, seed=time.time_ns())
    with configurations.service(STRATEGIES[run.strategy], run.server) as service:
        wait_until_settled(service)
        boots = sorted(bare_boot(run.server, service) for _ in range(BOOTS))
        rollouts = Rollouts(service)
        with slow_clients(service, run.strategy == "slow") as slow:
            outcome = experiment(run.name, service, plan, between=rollouts.next, settled=rollouts.settled)
            result = dataclasses.asdict(run) | summary(outcome) | {"rollouts": rollouts.complete}
            if slow is not None:
                result["slow"] = slow_summary(outcome, slow.finish())
        result["bare_boot"] = {"median": rounded(boots[BOOTS // 2]), "max": rounded(boots[-1])}
        if logs is not None and not sentence([result])[1]:
            logs.mkdir(parents=True, exist_ok=True)
            (logs / f"{run.name.replace(', ', '-')}.log").write_text(service.supervisord.log(2_000_000))
    return result | surroundings(run.server)


def report(path: Path) -> int:
    """Print the table of all runs in the file; 1 where something failed."""
    try:
        runs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        print(f"can't read {path}: {error}", file=sys.stderr)
        return 1
    if not runs:
        print(f"{path} holds no runs: make some with --out {path}", file=sys.stderr)
        return 1
    text, lossless = sentence(runs)
    print(f"{render(runs)}\n\n{text}")
    return 0 if lossless else 1


def report_one(run: Run, out: Path | None, logs: Path | None) -> int:
    """One run, its table, and its line in ``out``; 1 where something failed."""
    print(f"{run.name}: {run.reloads} reloads, about {run.minutes:.0f} min", flush=True)
    result = perform(run, logs)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
    text, lossless = sentence([result])
    print(f"\n{render([result])}\n\n{text}")
    for example in result["examples"]:
        print(f"  {example['kind']}: {example['after_save']} s after a save, took {example['seconds']} s")
    print(flush=True)
    return 0 if lossless else 1


def report_every(runs: Sequence[Run], out: Path | None, logs: Path | None) -> int:
    """One after the other, also when one failed; 1 where any did."""
    print(f"{len(runs)} runs, about {sum(run.minutes for run in runs):.0f} min", flush=True)
    worst = 0
    for run in runs:
        worst = max(worst, exit_code_of(functools.partial(report_one, run, out, logs)))
        if worst == INTERRUPTED:
            break
    return worst


def main(argv: Sequence[str] | None = None) -> int:
    """Read the arguments and run; the exit code, 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lossless", description=__doc__)
    parser.add_argument("--strategy", choices=STRATEGIES, default="swap")
    parser.add_argument("--server", choices=configurations.SERVERS, default="uvicorn")
    parser.add_argument("--load", choices=LOADS, default="fresh")
    parser.add_argument("--reloads", type=int, default=200)
    parser.add_argument("--all", action="store_true", help="all of them, with requests of 5 s half as often")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append the result, a line of JSON")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep the logs there where something failed")
    parser.add_argument("--report", type=Path, metavar="FILE", help="print the runs of this file, no more")
    args = parser.parse_args(argv)
    if args.reloads < 1:
        parser.error("--reloads must be at least 1")
    if args.report is not None:
        return report(args.report)
    if args.all:
        return report_every(every_run(args.reloads), args.out, args.logs)
    run = Run(strategy=args.strategy, server=args.server, load=args.load, reloads=args.reloads)
    return exit_code_of(lambda: report_one(run, args.out, args.logs))


if __name__ == "__main__":
    sys.exit(main())

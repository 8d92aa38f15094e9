"""How long a save takes to be served, beyond what the application's own boot takes, on ``etc/swap.conf``.

Two runs on one service: first save and bare boot in turns (so that a busy machine hits both alike) under a
light load, which only looks; then saves under full load, for the latency in reload windows. It prints;
whether the numbers are good is the reader's to say.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence

from .demo import exit_code_of, wait_until_settled
from .experiment import Outcome, Plan, experiment
from .service import Service, bare_boot
from .table import milliseconds, quantile

LOOK = Plan(clients=2, pause=0.004, rest=(0.1, 0.4))
"""The light load: an answer every 7 ms tells when the new code is there."""


def timed(service: Service, saves: int) -> tuple[Outcome, list[float]]:
    """Saves and bare boots in turns."""
    boots: list[float] = []
    plan = Plan(saves=saves, clients=LOOK.clients, pause=LOOK.pause, rest=LOOK.rest)
    outcome = experiment(
        "save to first answer", service, plan, between=lambda: boots.extend(bare_boot(service))
    )
    return outcome, boots


def _spread(numbers: Sequence[float]) -> str:
    ordered = sorted(numbers)
    parts = (quantile(ordered, 0.1), statistics.median(ordered), quantile(ordered, 0.9))
    return " / ".join(milliseconds(part) for part in parts)


def report(timing: Outcome, boots: Sequence[float], loaded: Outcome) -> str:
    """Both results as text."""
    over = [delay - statistics.median(boots) for delay in timing.delays]
    steady = quantile(loaded.latencies(in_windows=False), 0.99)
    reloading = quantile(loaded.latencies(in_windows=True), 0.99)
    lines = [
        (
            "save to first new answer, p10 / median / p90",
            f"{_spread(timing.delays)}  (n = {len(timing.delays)})",
        ),
        ("bare boot of the application", f"{_spread(boots)}  (n = {len(boots)})"),
        ("save to first new answer less the median bare boot", _spread(over)),
        ("saves never served", f"{timing.missed + loaded.missed}"),
        ("p99 steady", milliseconds(steady)),
        ("p99 while reloading", f"{milliseconds(reloading)}, {reloading / steady:.2f} times the steady one"),
        ("requests, errors", f"{len(loaded.requests):,}, {dict(loaded.errors) or 'none'}"),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n".join(f"{label.ljust(width)}  {value}" for label, value in lines)


def run(saves: int, plan: Plan) -> int:
    """Measure and print; 1 where a save was never served."""
    with Service.of_etc("swap.conf") as service:
        wait_until_settled(service)
        bare_boot(service)  # compiles and caches what both kinds of boot then find
        timing, boots = timed(service, saves)
        loaded = experiment("latency while reloading", service, plan, first_version=saves + 2)
    if not timing.delays or not loaded.requests:
        print("nothing was served", file=sys.stderr)
        return 1
    print(f"\n{report(timing, boots, loaded)}")
    return 1 if timing.missed + loaded.missed else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reload_time", description=__doc__)
    parser.add_argument("--saves", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between a client's requests")
    parser.add_argument("--keep-alive", action="store_true")
    args = parser.parse_args()
    if args.saves < 1 or args.clients < 1:
        parser.error("--saves and --clients must be at least 1")
    print(f"two times {args.saves} saves, about {args.saves * 5 / 60 + 0.3:.1f} min", flush=True)
    plan = Plan(saves=args.saves, clients=args.clients, pause=args.pause, keep_alive=args.keep_alive)
    return exit_code_of(lambda: run(args.saves, plan))


if __name__ == "__main__":
    sys.exit(main())

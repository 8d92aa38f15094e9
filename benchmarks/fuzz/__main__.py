"""Fuzz every reader of what others write, and print what came out.

    python -m benchmarks.fuzz --inputs 200000
    python -m benchmarks.fuzz --seconds 60 --only events --guided

Inputs are made from good ones by changes that know each language, from a seed that is printed. ``--guided``
lets the coverage of the reader decide which inputs are kept and changed further (``pip install atheris``).
Each finding's input and traceback are written to build/fuzz. Exit status 1 where there is any.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.lossless_table import markdown

from .catalogue import READERS
from .driving import Outcome, driven

OUT = Path("build/fuzz")


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.split("\n\n")[0])
    parser.add_argument("--inputs", type=int, default=0, help="for each reader")
    parser.add_argument("--seconds", type=float, default=0.0, help="for each reader")
    parser.add_argument("--only", action="append", choices=list(READERS), help="may be given again")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris")
    args = parser.parse_args()
    if not args.inputs and not args.seconds:
        parser.error("say how long: --inputs N or --seconds N")
    print(f"seed {args.seed}, python {sys.version.split()[0]}", flush=True)
    outcomes = []
    for name in args.only or READERS:
        if args.guided:
            from .guided import guided

            outcome = guided(name, inputs=args.inputs, seconds=args.seconds, seed=args.seed)
        else:
            outcome = driven(READERS[name], inputs=args.inputs, seconds=args.seconds, seed=args.seed)
        outcomes.append(outcome)
        _tell(outcome)
    print(_table(outcomes))
    return 1 if any(outcome.findings for outcome in outcomes) else 0


def _tell(outcome: Outcome) -> None:
    print(f"{outcome.reader}: {outcome.inputs:,} inputs in {outcome.seconds:.0f} s", flush=True)
    for finding in outcome.findings:
        print(f"  {finding.what}\n    {finding.save(OUT)}", flush=True)


def _table(outcomes: list[Outcome]) -> str:
    return markdown(
        [["reader", "guide", "inputs", "seconds", "slowest input", "findings"]]
        + [
            [
                each.reader,
                each.guide,
                f"{each.inputs:,}",
                f"{each.seconds:.0f}",
                f"{each.slowest * 1000:.0f} ms",
                str(len(each.findings)),
            ]
            for each in outcomes
        ],
    )


if __name__ == "__main__":
    sys.exit(main())

"""``make demo``: the article's shell loop against supervisor_reload, on a real server under real load.

It tells what happened, also when that is not what we hoped for, and leaves nothing behind: no process and no
file. It never touches the checkout.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.supervisord import wait_for

from .experiment import BOOT_LIMIT, Outcome, Plan, experiment
from .service import ARTICLE_CONF, Service, ShellLoop, answers, bare_boot
from .table import render


def loop_run(plan: Plan) -> Outcome:
    """The article's service and its loop."""
    with Service(ARTICLE_CONF) as service:
        wait_for(lambda: answers(service.port), BOOT_LIMIT, "the service's first answer")
        with ShellLoop(service) as loop:
            print(f"\n1. the article's loop, on a program that owns its port:\n   {loop.pipeline}\n")
            return experiment(loop.name, service, plan)


def wait_until_settled(service: Service) -> None:
    """Until the service answers and its surplus slot has been retired: then the listener is at work."""
    wait_for(lambda: answers(service.port), BOOT_LIMIT, "the service's first answer")

    def settled() -> bool:
        if service.supervisord.state("reload") == "FATAL":
            raise RuntimeError(f"the listener does not run:\n{service.supervisord.log()}")
        return service.is_settled()

    service.supervisord.wait_for(settled, BOOT_LIMIT, "one replica")


def verdict(outcome: Outcome) -> int:
    """Say in words whether supervisor_reload kept its promise; the exit code."""
    failures = [f"{outcome.missed} of {outcome.saves} saves were never served"] if outcome.missed else []
    failures += [f"{count} requests met: {kind}" for kind, count in outcome.errors.items()]
    if failures:
        print("supervisor_reload failed: " + "; ".join(failures))
        return 1
    print(f"supervisor_reload lost none of {len(outcome.requests):,} requests.")
    return 0


def stay(service: Service) -> None:
    """Leave the service to the user and show the listener's log, until Ctrl-C."""
    print(
        f"\nThe service runs on. Edit and save\n   {service.app}\nand ask  curl http://127.0.0.1:{service.port}/"
    )
    print("The listener's log follows; Ctrl-C ends everything.\n", flush=True)
    path = Path(service.supervisord.info("reload")["stderr_logfile"])
    with path.open(encoding="utf-8", errors="backslashreplace") as log:
        while True:
            if text := log.read():
                print(text, end="", flush=True)
            time.sleep(0.2)


def run(plan: Plan, *, once: bool) -> int:
    """The whole demo; the exit code."""
    kind = "kept-alive" if plan.keep_alive else "fresh"
    print(
        f"{plan.saves} saves each, {plan.clients} clients on {kind} connections, some minutes in all.",
        flush=True,
    )
    first = loop_run(plan)
    with Service.of_etc("swap.conf") as service:
        wait_until_settled(service)
        boots = bare_boot(service, 5)
        print("\n2. supervisor_reload, etc/swap.conf:\n", flush=True)
        second = experiment("supervisor_reload", service, plan)
        print(f"\n{render([first, second], boots)}\n")
        code = verdict(second)
        if not once:
            with contextlib.suppress(KeyboardInterrupt):
                stay(service)
            print("\nstopping the service; nothing is left behind")
    return code


def exit_code_of(work: Callable[[], int]) -> int:
    """Run ``work`` so that every way to end it cleans up: Ctrl-C, TERM, HUP, and what went wrong."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return work()
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    except (TimeoutError, AssertionError, RuntimeError, FileNotFoundError) as error:
        print(f"\nit could not run: {error}", file=sys.stderr)
        return 1


def _leave(*_: object) -> None:
    raise SystemExit(143)  # so that every ``with`` cleans up


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the table")
    parser.add_argument("--saves", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--keep-alive", action="store_true")
    args = parser.parse_args()
    if args.saves < 1 or args.clients < 1:
        parser.error("--saves and --clients must be at least 1")
    plan = Plan(saves=args.saves, clients=args.clients, keep_alive=args.keep_alive)
    return exit_code_of(lambda: run(plan, once=args.once))


if __name__ == "__main__":
    sys.exit(main())

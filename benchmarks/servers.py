"""What servers lose when they are replaced, and in which form they lose nothing: docs/servers.md.

Every server of ``benchmarks/served`` is replaced again and again by supervisor_reload under a real
supervisord, while clients ask. Every request that got no whole answer is counted by kind. It prints and
keeps numbers; whether one is good is the reader's to say.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.integration.supervisord import free_port

from .demo import exit_code_of, wait_until_settled
from .experiment import BOOT_LIMIT, Plan, experiment
from .served.catalogue import SERVERS, Server, search_path
from .served.results import Cell, append, read, table, version_of
from .service import ETC, Service

SOURCES = Path(__file__).with_name("served")
REST = (0.1, 0.4)
"""seconds between the end of a reload and the next save"""

LOADS = {
    "8 clients, fresh": {"clients": 8, "pause": 0.005},
    "8 clients, keep-alive": {"clients": 8, "pause": 0.005, "keep_alive": True},
    "32 clients without pause, fresh": {"clients": 32, "pause": 0.0},
}


def free_pair() -> int:
    """A port that ends in 0 and is free, and the one after it is free, too.

    Raises RuntimeError where a hundred tries found none.
    """
    for _ in range(100):
        base = free_port() // 10 * 10
        try:
            for port in (base, base + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("no two free ports side by side on 127.0.0.1")


def hurried(section: str) -> str:
    """The same, less waiting: RUNNING at once (the probe says when it is ready), and killed after 5 seconds.

    No request of the load takes as long; what has not left by then would not leave by itself.
    """
    return section.replace("stopwaitsecs=30", "startsecs=0\nstopwaitsecs=5")


def edited(text: str, version: str) -> str:
    """A program with another ``VERSION = "..."``, which may stand anywhere in a line."""
    after = re.sub(r'VERSION(\s*)= "[^"]*"', rf'VERSION\1= "{version}"', text, count=1)
    assert after != text, f"no VERSION that would change to {version}:\n{text}"
    return after


class Served(Service):
    """One server of the table on free ports, under a supervisord of its own."""

    def __init__(self, server: Server) -> None:
        self._base = free_pair()
        self._replicas = server.replicas
        self._before: set[int] = set()
        head, _, _ = (ETC / "swap.conf").read_text(encoding="utf-8").partition("[fcgi-program:web]")
        super().__init__(self._moved(head + hurried(server.section)), server.code)
        try:
            self._bring_code(server)
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def _moved(self, text: str) -> str:
        """Ports 8100 and 8101 are those that we found; 8000 is Service's to replace."""
        return re.sub(r"\b810(\d|%)", lambda found: f"{self._base // 10}{found[1]}", text)

    def _bring_code(self, server: Server) -> None:
        shutil.copytree(
            SOURCES / server.folder,
            self.app.parent,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        for source in (SOURCES / "nginx").iterdir():
            text = re.sub(r"\b8000\b", str(self.port), self._moved(source.read_text(encoding="utf-8")))
            (self.app.parent / source.name).write_text(text, encoding="utf-8")
        if server.folder.startswith("go/"):  # the first one; later ones are built by check=
            argv = ["go", "build", "-o", str(self.directory / "run" / "web"), "."]
            subprocess.run(
                argv, cwd=self.app.parent, env=self.supervisord.environment, check=True, timeout=300
            )

    def save(self, version: str, *, atomic: bool) -> float:
        """As Service, for every language; it also remembers which processes ran until then."""
        text = edited(self.app.read_text(encoding="utf-8"), version)
        self._before = set(self.processes())
        began = time.monotonic()
        if atomic:
            new = self.app.with_name(f".{self.app.name}.new")
            new.write_text(text, encoding="utf-8")
            new.replace(self.app)
        else:
            self.app.write_text(text, encoding="utf-8")
        return began

    def is_settled(self, count: int | None = None, program: str = "web") -> bool:
        """Whether as many as shall serve run, all of them started after the last save, and no other."""
        now = self.processes(program)
        return list(now.values()) == ["RUNNING"] * (count or self._replicas) and self._before.isdisjoint(now)


def measure(server: Server, load: str, saves: int) -> Cell:
    """Replace it ``saves`` times under one of LOADS.

    Raises TimeoutError where it does not serve, RuntimeError where the listener does not run.
    """
    plan = Plan(saves=saves, rest=REST, **LOADS[load])  # type: ignore[arg-type]
    with Served(server) as service:
        wait_until_settled(service)
        supervisord = service.supervisord
        supervisord.wait_for(
            lambda: "watches web" in supervisord.stderr("reload"), BOOT_LIMIT, "the listener"
        )
        outcome = experiment(f"{server.name}, {load}", service, plan)
    return Cell(
        server=server.name,
        load=load,
        version=version_of(server),
        saves=outcome.saves,
        missed=outcome.missed,
        requests=len(outcome.requests),
        errors=dict(outcome.errors),
    )


def prepare_environment() -> None:
    """What supervisord and its programs inherit: nginx on PATH, and Gin as Debian installs it."""
    os.environ["PATH"] = search_path()
    os.environ.setdefault("GOPATH", "/usr/share/gocode")
    os.environ.setdefault("GO111MODULE", "off")
    os.environ.setdefault("GOFLAGS", "-p=1")  # a build leaves a core to the clients


def run(servers: list[Server], loads: list[str], saves: int, out: Path | None) -> int:
    """Measure all of them, and print the table; the exit code."""
    prepare_environment()
    cells = []
    for server in servers:
        if reason := server.missing():
            print(f"{server.name}: left out: {reason}", flush=True)
            continue
        for load in loads:
            cells.append(measure(server, load, saves))
            print(f"{server.name}, {load}: {cells[-1]}", flush=True)
            if out is not None:
                append(out, cells[-1])
    print("\n" + table(cells, loads))
    return 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    names = [server.name for server in SERVERS]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--load", action="append", choices=list(LOADS), help="all of them by default")
    parser.add_argument("--saves", type=int, default=30, help="replacements of each server under each load")
    parser.add_argument("--out", type=Path, help="a file to which each result is added as a JSON line")
    parser.add_argument("--report", type=Path, help="measure nothing; print the table of such a file")
    args = parser.parse_args()
    if args.saves < 1:
        parser.error("--saves must be at least 1")
    if args.report is not None:
        print(table(read(args.report), list(LOADS)), end="")
        return 0
    servers = [server for server in SERVERS if args.only is None or server.name in args.only]
    return exit_code_of(lambda: run(servers, args.load or list(LOADS), args.saves, args.out))


if __name__ == "__main__":
    sys.exit(main())

"""What is reloaded in the kill matrix: the configuration of each shape of a target. It runs nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.integration.supervisord import PREAMBLE

ROOT = Path(__file__).resolve().parents[2]

HEAD = f"""{PREAMBLE}
[eventlistener:reload]
command=%(here)s/supervisor-reload listen
environment=PYTHONPATH="{ROOT}"
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
stdout_logfile=NONE
stderr_logfile=%(here)s/reload.log

[reload]
state_dir=%(here)s/state
log_format=json
"""

OWN_PORT = "\n[program:web]\n"
SHARED = "\n[fcgi-program:web]\nsocket=tcp://127.0.0.1:{port}\n"

OWN = (
    f"{sys.executable} -I -S %(here)s/server.py"
    " %(here)s %(group_name)s:%(program_name)s_%(process_num)02d {boot} {drain}{port}"
)
GUNICORN = f"{sys.executable} -m gunicorn --config %(here)s/gunicorned.py gunicorned:load()"

PROGRAM = """\
command={command}
process_name=%(program_name)s_%(process_num)02d
numprocs={slots}
startsecs=0
stopwaitsecs=10
autorestart={autorestart}

[reload:web]
watch=%(here)s/src
ready=http://127.0.0.1:{port}/
drain_timeout=5
ready_timeout=10
"""

SPARE = "replicas=1\nmax_surge=1\n"
POLITE = "quiesce_signal=USR1\nlame_duck=0.1\ndrain=connections\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a target is replaced."""

    name: str
    slots: int
    keys: str = ""
    """lines of our section"""
    replicas: int = 0
    """how many run; 0: all"""
    is_shared: bool = True
    """whether all listen on one socket, so that nothing may be lost"""
    command: str = OWN
    boot: float = 0.2
    drain: float = 0.2
    """seconds; the next listener comes after one or two"""
    autorestart: bool = True
    """False: what ended is started by us, or by nobody"""

    @property
    def running(self) -> int:
        """How many processes run at rest."""
        return self.replicas or self.slots

    def text(self, port: int) -> str:
        """The configuration."""
        head = HEAD + (SHARED.format(port=port) if self.is_shared else OWN_PORT)
        program = PROGRAM.format(
            command=self.command.format(
                boot=self.boot, drain=self.drain, port="" if self.is_shared else f" {port}"
            ),
            slots=self.slots,
            port=port,
            autorestart=str(self.autorestart).lower(),
        )
        return head + program + self.keys


PLAIN = Shape("plain", 1, is_shared=False, autorestart=False)
ROLLING = Shape("rolling", 3, "max_unavailable=1\n")
SWAP = Shape("swap", 2, SPARE, replicas=1)
DRAINED = Shape("swap drained", 2, SPARE + POLITE, replicas=1)
SIGNAL = Shape("signal", 2, "strategy=signal\n")
SLOW_PLAIN = replace(PLAIN, name="plain slow", boot=1.5, drain=2.5)
SLOW_SWAP = replace(SWAP, name="swap slow", boot=1.5, drain=2.5)
HUP = Shape("gunicorn", 2, "strategy=signal\n", command=GUNICORN)

ALL = (PLAIN, SLOW_PLAIN, ROLLING, SWAP, SLOW_SWAP, DRAINED, SIGNAL, HUP)
SHAPES = {shape.name: shape for shape in ALL}

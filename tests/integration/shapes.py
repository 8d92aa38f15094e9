"""The shapes of a target that the tests of the operator's hand play with: its configuration, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.integration.scene import LISTENER
from tests.integration.supervisord import PREAMBLE

PROGRAM = """
[program:web]
command=python -I -S %(here)s/app.py %(here)s %(group_name)s:%(program_name)s_%(process_num)02d
process_name=%(program_name)s_%(process_num)02d
"""

OTHER = """
[reload]
log_format=json

[program:other]
command=sleep 1000

[reload:other]
watch=%(here)s/src
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a target is replaced: keys of the program's section, and of ours."""

    name: str
    program: dict[str, str]
    target: dict[str, str] = field(default_factory=dict)
    common: dict[str, str] = field(default_factory=dict)
    """keys of ``[reload]``"""
    is_gone: bool = False

    @property
    def slots(self) -> int:
        """How many processes the program has."""
        return int(self.program["numprocs"])

    @property
    def replicas(self) -> int:
        """How many of them shall run."""
        return int(self.target.get("replicas", self.slots))

    @property
    def has_spare(self) -> bool:
        """Whether new processes come up beside old ones."""
        return self.slots > self.replicas

    def of(self, *, program: Mapping[str, str] | None = None, **target: str) -> Shape:
        """The same shape with other keys."""
        return replace(self, program={**self.program, **(program or {})}, target={**self.target, **target})

    def without_program(self) -> Shape:
        """A configuration in which there is another program instead."""
        return replace(self, is_gone=True)

    @property
    def text(self) -> str:
        """The configuration."""
        if self.is_gone:
            return PREAMBLE + LISTENER + OTHER
        program = {"startsecs": "0", "stopwaitsecs": "60", "autorestart": "true", **self.program}
        target = {"watch": "%(here)s/src", "ready_timeout": "30", **self.target}
        target["ready"] = "sh %(here)s/ready.sh %(here)s"
        common = {"log_format": "json", **self.common}
        return (
            PREAMBLE
            + LISTENER
            + PROGRAM
            + _keys(program)
            + "\n".join(("\n[reload]", _keys(common), "[reload:web]", _keys(target)))
        )


def _keys(values: Mapping[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())


DRAIN = "test ! -e %(here)s/hold/drain"
PLAIN = Shape("plain", {"numprocs": "1", "autorestart": "false"})
ROLLING = Shape("rolling", {"numprocs": "3"})
SWAP = Shape("swap", {"numprocs": "2"}, {"replicas": "1", "max_surge": "1"})
SIGNAL = Shape("signal", {"numprocs": "2"}, {"strategy": "signal"})
MEASURED = Shape(
    "swap, measured",
    SWAP.program,
    {**SWAP.target, "drain": DRAIN, "quiesce_signal": "USR1", "lame_duck": "0.1"},
)

"""The first line of a journal: who wrote it, and in which life of the machine and of supervisord.

It only packs and unpacks; what another life means is for the core to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.model import Value
from .line import sealed_values

VERSION = 1
"""of the format and of the meaning of the records; a program reads its own version only"""

HIGHEST = 999_999
"""a version above it is none"""


class NewerVersion(ValueError):
    """The journal is of a later program."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"it is of version {version}, and this program knows version {VERSION} only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who wrote a journal, and when."""

    version: int = VERSION
    boot: str
    """which boot of the machine (edges.machine.boot_id); '' where that is not known"""
    supervisor: str
    """which supervisord: no other one has it"""
    time: float
    """seconds since 1970, for people; nothing may depend on it"""
    pid: int
    """the listener that wrote the file"""
    held: int = 0
    """lines that the file had besides this one when it came to its name: with fewer, it was cut"""

    def line(self) -> bytes:
        """The first line of a file."""
        return sealed_values(
            {
                "version": self.version,
                "boot": self.boot,
                "supervisor": self.supervisor,
                "time": self.time,
                "pid": self.pid,
                "held": self.held,
            }
        )


def header(values: Mapping[str, Value]) -> Header:
    """The header that a line's object holds. Raises NewerVersion, and ValueError where it is none."""
    match values:
        case {"version": int(version)} if VERSION < version <= HIGHEST:
            raise NewerVersion(version)
        case {
            "version": int(version),
            "boot": str(boot),
            "supervisor": str(supervisor),
            "time": float(time),  # an int may be too large for a float
            "pid": int(pid),
            "held": int(held),
        } if version == VERSION:
            return Header(version=version, boot=boot, supervisor=supervisor, time=time, pid=pid, held=held)
    raise ValueError("it is no header of a journal")

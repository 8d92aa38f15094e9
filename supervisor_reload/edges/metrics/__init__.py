"""Numbers for Prometheus: how often, how long, and how everything stands.

One edge in several modules, which belong together and import one another: ``definitions`` (what is measured),
``tally`` (the numbers), ``rollouts``, ``processes``, ``gauging``, ``hearing`` and ``saves`` (what happens, in
numbers), ``exposing`` (from numbers to text), ``opening``, ``answering`` and ``serving`` (over HTTP),
``textfile``, ``publishing``, and ``metering``, which is the edge's face. Nothing here decides anything, and
nothing waits for who reads the numbers.
"""

from .definitions import DEFINITIONS, Definition, Kind
from .metering import Metering, versions

__all__ = ["DEFINITIONS", "Definition", "Kind", "Metering", "versions"]

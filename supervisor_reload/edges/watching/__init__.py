"""File events, from watchdog's observers, as hints for the engine.

One edge in several modules, which belong together and import one another: ``roots`` (where a watched path
leads), ``limits`` (what the kernel allows), ``hints`` (what an event means), ``observing`` (one watchdog
observer), ``subscribing`` (who is told), and ``keeper``, which is the edge's face. Nothing here reads a
file's content or decides what a change means.
"""

from .keeper import Watching

__all__ = ["Watching"]

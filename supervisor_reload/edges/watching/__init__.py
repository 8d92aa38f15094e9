"""File events, from watchdog's observers, as hints for the engine.

One edge in several modules, which belong together and import one another: ``roots`` (where a watched path
leads), ``mounts`` (on which file system), ``limits`` (what the kernel allows), ``hints`` (what an event
means), ``inotify``, ``tree`` and ``native`` (events from the kernel), ``polling`` (looks instead), ``scope``
(what those are given), ``observing`` (one watchdog observer), ``subscribing`` (who is told), ``advice`` (what
the operator is told), ``planning`` (for ``check``), and ``keeper``, which is the edge's face. Nothing here
reads a source file's content or decides what a change means.
"""

from .keeper import Watching
from .planning import Plan, plan

__all__ = ["Plan", "Watching", "plan"]

"""The content of the watched files: scanned and read in one worker thread, answered with facts.

One edge in several modules, which belong together and import one another: ``reading`` (one file), ``tree``
(one watched path), ``git``, ``bytecode``, and ``worker``, which is the port. Nothing here watches or decides.
"""

from .worker import Sources

__all__ = ["Sources"]

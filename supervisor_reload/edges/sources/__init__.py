"""The content of the watched files: scanned and read in one worker thread, answered with facts.

One edge in several modules, which belong together and import one another: ``record`` (what is remembered of
a file), ``reach`` (how far links lead), ``reading`` (one file), ``rules`` (the ``.gitignore`` files),
``links``, ``directories`` (one directory at a time), ``tree`` (one watched path), ``linked`` (what links lead
to outside), ``target``, ``git``, ``bytecode``; ``sections``, ``remembered`` and ``comparing``, for what
changes while we are not there; and ``worker``, which is the port. Nothing here watches or decides.
"""

from .worker import Sources

__all__ = ["Sources"]

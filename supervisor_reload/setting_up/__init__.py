"""The verb ``init``: our sections for an existing supervisord.conf, shown as a diff or written.

One room in several modules, which belong together: ``survey`` (what the programs are), ``places`` (where
their code is), ``section`` (the lines for one program), ``frame`` (the lines for all), ``advice`` (what only
the operator may change), ``proposal`` (the text that would be added, and whether it would work), ``writing``
(the file). It adds at the end of the file, and never changes a byte of what is there.
"""

from .init import init
from .writing import NotWritten

__all__ = ["NotWritten", "init"]

"""The journal: what must be known after our death, in one file of lines that are only appended.

One edge in several modules, which belong together and import one another: ``line`` (a turn as bytes, and
back), ``reading`` (what a file holds), ``place`` (the directory), ``appending`` (one open file), ``reserve``
(room for a full disk), ``syncing`` (a thread beside), and ``writing``, which is the port. Nothing here knows
what a record means.
"""

from .header import Header
from .place import JournalError, prepare
from .reading import Found, read, read_content
from .writing import Journal

__all__ = ["Found", "Header", "Journal", "JournalError", "prepare", "read", "read_content"]

"""What a program is, told from its command: which server, worker or language, also behind wrappers.

One room in several modules, which belong together: ``commands`` (the command behind its wrappers),
``wrappers`` (what these do with a signal), ``kind`` (the words for what a program is), ``python``, ``others``
and ``bystanders`` (the tables), ``recognise`` (which row fits) and ``listening`` (where it listens). It
guesses from words and from a file's first bytes; it runs nothing, and what it can't tell it calls unknown.
"""

from .commands import Command, command_of
from .kind import Care, Kind
from .listening import address_of
from .recognise import kind_of
from .wrappers import INSTEAD, PASSING, RUNNERS, Passing

__all__ = [
    "INSTEAD",
    "PASSING",
    "RUNNERS",
    "Care",
    "Command",
    "Kind",
    "Passing",
    "address_of",
    "command_of",
    "kind_of",
]

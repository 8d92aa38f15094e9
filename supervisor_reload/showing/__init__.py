"""The verbs ``status``, ``why`` and ``history``: what the journal tells, for people and for programs.

They exist so that an operator can ask while the listener works, and while it does not. They only read the
files of the state directory and ask the kernel who lives; supervisord is not asked, and nothing is changed.
"""

from .credentials import Server
from .history import show_history
from .names import target_names
from .place import Unknown
from .status import show_status
from .watching import watch_status
from .why import show_why

__all__ = [
    "Server",
    "Unknown",
    "show_history",
    "show_status",
    "show_why",
    "target_names",
    "watch_status",
]

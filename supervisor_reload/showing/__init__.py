"""The verbs ``status`` and ``history``: what the journal tells, for people and for programs.

They exist so that an operator can ask while the listener works, and while it does not. They only read the
files of the state directory and ask the kernel who lives; supervisord is not asked, and nothing is changed.
"""

from .history import show_history
from .place import Unknown
from .status import show_status

__all__ = ["Unknown", "show_history", "show_status"]

"""What others are told of rollouts: the operator's own commands, a webhook, chats and mail.

Nothing of it ever delays a rollout, but for ``before_rollout``, which is there to do so. Each has threads of
its own, a bounded queue, and a limit; what can't be told is told in the log, and dropped.
"""

from .before import Preparing
from .documents import Documents, Report
from .observing import Telling

__all__ = ["Documents", "Preparing", "Report", "Telling"]

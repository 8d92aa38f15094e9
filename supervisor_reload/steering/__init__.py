"""The verbs that change something, ``start``, ``pause``, ``resume``, ``abort``, and ``wait`` for the outcome.

They exist so that an operator tells a listener what he wants, from a shell or a deploy script. They only ask:
a request goes to it as an event of supervisord's, and the answer is found in the journal.
"""

from .asking import steer
from .waiting import wait

__all__ = ["steer", "wait"]

"""The verb ``plan``: what a change would do. It rehearses with the real core, and touches nothing.

``change`` (what kind of change it is), ``stage`` (a world in which everything goes as the limits allow),
``rehearsal`` (what the core does in it), ``page`` (the words), ``plan`` (the verb).
"""

from .plan import show_plan

__all__ = ["show_plan"]

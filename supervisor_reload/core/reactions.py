"""What a change of a file asks for, by its name: ``signal_on``, ``ignore_on`` and ``run_on``.

Judges names only, and only of files that are watched (which ``filters`` decides); never runs or signals.
"""

from __future__ import annotations

from pathspec import GitIgnoreSpec

from .filters import matchable
from .model import ReactionSettings
from .revision import Weight


class Reactions:
    """The rules of one target; may be asked from any thread.

    Names are relative to the watched path, with ``/`` between their parts; a single watched file has the
    name of its last part.
    """

    def __init__(self, settings: ReactionSettings) -> None:
        self._ignored = _spec(settings.ignore_on)
        self._light = _spec(settings.signal_on)
        self._rules = tuple(GitIgnoreSpec.from_lines(rule.patterns) for rule in settings.run_on)

    def weight(self, relative: str) -> Weight:
        """What a change of this file asks for; ``ignore_on`` goes before ``signal_on``."""
        if self._ignored is not None and _matches(self._ignored, relative):
            return Weight.NONE
        if self._light is not None and _matches(self._light, relative):
            return Weight.LIGHT
        return Weight.CODE

    def rules(self, relative: str) -> tuple[int, ...]:
        """The positions in ``run_on`` of the rules that name this file."""
        return tuple(number for number, spec in enumerate(self._rules) if _matches(spec, relative))


def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec | None:
    return GitIgnoreSpec.from_lines(patterns) if patterns else None


def _matches(spec: GitIgnoreSpec, relative: str) -> bool:
    return spec.check_file(matchable(relative)).include is True

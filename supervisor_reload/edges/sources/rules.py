"""The ``.gitignore`` files of one tree: read where they are new, and handed to the filter.

It never judges a name; a ``.gitignore`` that is a link is read only where links may lead there.
"""

from __future__ import annotations

from ...core.filters import Filter
from .reach import Reach
from .reading import read, read_text


class Rules:
    """The ``.gitignore`` files that the filter has, by the directory that they are in."""

    def __init__(self, chosen: Filter, reach: Reach) -> None:
        self._filter = chosen
        self._reach = reach
        self._records: dict[str, bytes] = {}

    def are_news(self, directory: str, path: str, *, is_there: bool) -> bool:
        """Read the file at an absolute path, if it is another than is known; whether the rules changed."""
        known = self._records.get(directory)
        if not is_there and known is None:
            return False
        content = read(path, known, self._reach, hinted=False) if is_there else None
        if content is None:
            self._records.pop(directory, None)
            return self._filter.set_gitignore(directory, None)
        if content.record is known:
            return False
        self._records[directory] = content.record
        return self._filter.set_gitignore(directory, read_text(path, self._reach))

    def forget(self, directory: str) -> None:
        """The directory is not watched any more."""
        if self._records.pop(directory, None) is not None:
            self._filter.set_gitignore(directory, None)

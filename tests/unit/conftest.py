"""Fixtures of the unit tests."""

from __future__ import annotations

import pytest

from tests.fakes.place import Place


@pytest.fixture
def place(tmp_path):
    """A directory with a configuration and code to watch."""
    return Place(tmp_path)

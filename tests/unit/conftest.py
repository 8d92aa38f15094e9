"""Fixtures of the unit tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.fakes.place import Place


@pytest.fixture
def place(tmp_path):
    """A directory with a configuration and code to watch."""
    return Place(tmp_path)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket of 127.0.0.1, which the children get as their descriptor 0."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server

"""Fixtures of the unit tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.place import Place
from tests.fakes.reader import Reader


@pytest.fixture
def place(tmp_path):
    """A directory with a configuration and code to watch."""
    return Place(tmp_path)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket of 127.0.0.1, which the children get as their descriptor 0."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def reader():
    made = []

    def make(*paths: Path, **settings) -> Reader:
        made.append(Reader(*paths, **settings))
        return made[-1]

    yield make
    for one in made:
        one.sources.close()


@pytest.fixture
def app(tmp_path) -> Path:
    root = tmp_path / "app"
    (root / "pkg").mkdir(parents=True)
    (root / "main.py").write_text("main")
    (root / "pkg" / "mod.py").write_text("mod")
    return root


@pytest.fixture
def out(tmp_path) -> Path:
    """A directory outside of what is watched."""
    made = tmp_path / "out"
    (made / "deep").mkdir(parents=True)
    (made / "x.py").write_text("x")
    (made / "deep" / "y.py").write_text("y")
    return made

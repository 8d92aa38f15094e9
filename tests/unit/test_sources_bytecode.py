"""edges/sources: bytecode that Python would trust though its source was rewritten; the end of the worker."""

from __future__ import annotations

import os
import queue
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.reader import Reader

is_root = os.geteuid() == 0


def run(app: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import mod; print(mod.value)"],
        cwd=app,
        check=True,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    )
    return done.stdout.strip()


def save(path: Path, text: str, second: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(second * 10**9 + 1, second * 10**9 + 1))


@pytest.mark.parametrize("is_discarded", [False, True])
def test_python_boots_the_second_of_two_quick_saves(app, reader, is_discarded):
    """
    Without us a real Python runs the first save's bytecode; with us it runs the second's.
    """
    second = int(time.time())
    save(app / "mod.py", "value = 'first'\n", second)
    web = reader(app)
    web.look()
    assert run(app) == "first"
    save(app / "mod.py", "value = 'newer'\n", second)
    if is_discarded:
        web.look(app / "mod.py")
    assert run(app) == ("newer" if is_discarded else "first")


def test_bytecode_written_late_by_the_old_process_is_discarded_before_a_start(app, reader):
    """
    A process that read the first save may write its bytecode after the second was read.
    """
    second = int(time.time())
    save(app / "mod.py", "value = 'first'\n", second)
    web = reader(app)
    web.look()
    assert run(app) == "first"
    (bytecode,) = (app / "__pycache__").glob("mod.*.pyc")
    late = bytecode.read_bytes()
    save(app / "mod.py", "value = 'newer'\n", second)
    web.look(app / "mod.py")
    bytecode.write_bytes(late)
    assert run(app) == "first"
    web.sources.discard_stale_bytecode("web")
    assert run(app) == "newer"


def test_bytecode_that_can_t_be_stale_stays(app, reader):
    """
    Bytecode that is checked by hash, is of another size, or of another module is none of our business.
    """
    web = reader(app)
    web.look()
    cache = app / "__pycache__"
    cache.mkdir()
    (app / "main.py").write_text("main 2")
    found = (app / "main.py").stat()
    headers = {
        "main.hashed.pyc": (1, int(found.st_mtime), found.st_size),
        "main.size.pyc": (0, int(found.st_mtime), found.st_size + 1),
        "main2.other.pyc": (0, int(found.st_mtime), found.st_size),
        "main.stale.opt-1.pyc": (0, int(found.st_mtime), found.st_size),
        "main.stale.pyc": (0, int(found.st_mtime), found.st_size),
    }
    for name, header in headers.items():
        (cache / name).write_bytes(b"mmmm" + struct.pack("<III", *header))
    (cache / "main.short.pyc").write_bytes(b"m")
    web.look(app / "main.py")
    left = {path.name for path in cache.iterdir()}
    assert left == {"main.hashed.pyc", "main.size.pyc", "main2.other.pyc", "main.short.pyc"}


def test_it_ends_in_time_and_silently(app):
    """
    After close() no fact follows, and its thread is gone.
    """
    web = Reader(app)
    for _ in range(50):
        web.sources.compute("web", (), full=True, final=True)
    web.sources.close()
    count = web.facts.qsize()
    web.sources.compute("web", (), full=True, final=True)
    with pytest.raises(queue.Empty):
        web.facts.get(timeout=0.05) if count == 0 else [web.facts.get(timeout=0.05) for _ in range(count + 1)]


def test_bytecode_behind_a_link_is_left_alone(app, tmp_path, reader):
    """
    It may be another's: who may make a link here must not have us, who may be root, remove it.
    """
    second = int(time.time())
    save(app / "mod.py", "value = 'first'\n", second)
    web = reader(app)
    web.look()
    assert run(app) == "first"
    others = tmp_path / "others"
    (app / "__pycache__").rename(others)
    (app / "__pycache__").symlink_to(others)
    (before,) = os.listdir(others)
    save(app / "mod.py", "value = 'newer'\n", second)
    assert web.look(app / "mod.py").changed == (str(app / "mod.py"),)
    assert os.listdir(others) == [before]
    (app / "__pycache__").unlink()
    others.rename(app / "__pycache__")
    web.sources.discard_stale_bytecode("web")
    assert os.listdir(app / "__pycache__") == []

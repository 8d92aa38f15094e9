"""The program of every trial: at its boot it reads the whole tree, as a program would, and says what it read.

Copied beside the trial's configuration and run there, so it may import nothing of ours. Its digest is made of
names and bytes alone, and never with code of the package that is tested.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator


def counted(top: str) -> Iterator[str]:
    """The code below a directory, in order: ``.py`` files, without what begins with a dot."""
    for directory, directories, files in os.walk(top):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("."):
                yield os.path.join(directory, name)


def digest(top: str) -> str:
    """Of all code below a directory; a file that goes away meanwhile is none."""
    hashed = hashlib.sha256()
    for path in counted(top):
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            continue
        name = os.fsencode(os.path.relpath(path, top))
        hashed.update(b"%d:%d:%b%b" % (len(name), len(content), name, content))
    return hashed.hexdigest()


def main() -> None:
    """Read the tree, append one line of JSON, live until the stop signal."""
    top, boots = sys.argv[1:]
    at = time.monotonic()
    line = {"pid": os.getpid(), "at": at, "digest": digest(top), "directory": os.getcwd()}
    with open(boots, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    signal.pause()


if __name__ == "__main__":
    main()

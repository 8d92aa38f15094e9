"""The words for what a program is, and how its code is replaced. Only words: which program is what stands in
tables."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Care(str, enum.Enum):
    """What becomes of a program when its code changes."""

    REPLACED = "replaced"
    """a new process takes the place of the old one"""
    SIGNALLED = "signalled"
    """it reloads itself when it gets a signal"""
    ITSELF = "reloads itself"
    """it watches its files, or reads them anew for each request: two who do that are one too many"""
    NOT_CODE = "left alone"
    """it runs nobody's own code: a database, a proxy, a daemon of the system"""
    AWAY = "goes away"
    """it puts itself in the background, out of supervisord's hands"""
    ONCE = "runs once"
    """it does its work and ends"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of program."""

    name: str
    """such as ``uvicorn``"""
    what: str
    """in a few words: ``uvicorn, an ASGI server``"""
    care: Care = Care.REPLACED
    why: str = ""
    """a sentence for the one who reads the section: what happens to it, and why so"""
    signal: str = ""
    """for SIGNALLED"""
    include: str = ""
    """patterns of the files that are its code; '' for all"""
    exclude: str = ""
    check: str = ""
    """python, or a command; ``{script}`` is the script's path"""
    port: int = 0
    """where it listens if nothing is said; 0 where that can't be told"""
    is_server: bool = False
    """whether it listens on a port of its own"""
    drain: int = 0
    """Seconds that its work in hand usually needs, and its stopwaitsecs with them; 0: nothing is in hand"""
    min_ready: int = 0
    """Seconds that a new process must live before it counts, where it opens no port that could be asked."""
    swap: str = ""
    """the command with which it loses nothing on a socket of supervisord's; ``{rest}`` is what it had"""
    loses: str = ""
    """which requests it loses when it leaves, and the remedy; '' where none are known"""
    is_pool: bool = False
    """whether work is done by children that must not get the stop signal themselves"""
    is_watched_alone: bool = False
    """whether the program's file itself is its code"""


PYTHON_WEB = "*.py, *.html, *.jinja, *.jinja2"
PYTHON = "*.py"
NODE = "*.js, *.mjs, *.cjs, package.json"
PHP = "*.php, .env, composer.lock"
RUBY = "*.rb, *.ru, *.erb, Gemfile.lock"
OF_PHP = "/storage/, /bootstrap/cache/, /var/"
"""what Laravel and Symfony write beside the code, in files of the same names"""
OF_RUBY = "/tmp/, /log/"  # noqa: S108 - of the project

UNKNOWN = Kind(
    name="unknown",
    what="not recognised",
    why="It was not recognised. This is the safe way for most programs: the old process is asked to stop, "
    "finishes what it has in hand, and then the new one starts. Look at it before you rely on it.",
    min_ready=1,
)

"""Why supervisord can't be asked, in words: what is wrong, and what an operator can do about it.

It exists because "No such file or directory" tells nobody that a cleaner of /tmp was there. It asks nobody,
and never tries again.
"""

from __future__ import annotations

import os
import xmlrpc.client
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from supervisor.options import make_namespec

from .sayings import printable

TOLD = 300
"""Characters that are told of what went wrong: whoever answered has written most of them."""

NO_ANSWER = (ExpatError, xmlrpc.client.ResponseError, ValueError, LookupError, TypeError, ArithmeticError)
"""What reading an answer raises that is not XML, not UTF-8, not XML-RPC, or not about processes."""


def refused(serverurl: str, error: xmlrpc.client.ProtocolError) -> str:
    """It answered, and would not listen."""
    if error.errcode == 401:
        return (
            f"supervisord at {serverurl} refused the user name or password (401): it has those with which it "
            f"was started, and the listener those that it read in [{_server(serverurl)}]. Put the right ones "
            f"there, then supervisorctl restart {ourselves()}"
        )
    return printable(f"supervisord at {serverurl} answered {error.errcode} {error.errmsg[:TOLD]}")


def unreachable(serverurl: str, error: Exception, limit: float) -> str:
    """It gave no answer within ``limit`` seconds, or none that can be read."""
    return printable(f"supervisord at {serverurl} can't be asked: {_reason(serverurl, error, limit)}")


def ourselves() -> str:
    """How supervisorctl names this listener; supervisord tells its children."""
    process = os.environ.get("SUPERVISOR_PROCESS_NAME", "reload")
    return str(make_namespec(os.environ.get("SUPERVISOR_GROUP_NAME", process), process))


def _reason(serverurl: str, error: Exception, limit: float) -> str:
    if isinstance(error, NO_ANSWER):
        told = str(error)[:TOLD] or type(error).__name__
        if isinstance(error, ExpatError):
            told += "; or a name has a character that is none in XML, which supervisor-reload check finds"
        return f"what answers there is no supervisord ({type(error).__name__}: {told})"
    is_file = urlsplit(serverurl).scheme == "unix"
    for kind, remedy in FILE if is_file else ():
        if isinstance(error, kind):
            return f"{error.strerror}: {remedy}"
    if isinstance(error, TimeoutError):
        return f"no answer within {limit:g} s. {HANGS}"
    if isinstance(error, ConnectionRefusedError):
        return f"{error.strerror}: nobody listens there. Is that the address of the supervisord that runs?"
    return str(error)[:TOLD] or type(error).__name__


FILE: tuple[tuple[type[OSError], str], ...] = (
    (
        FileNotFoundError,
        "its socket file is gone, and supervisord makes it only when it starts. Restart it (kill -HUP does, "
        "with all its programs), and keep the file where no cleaner of temporary files, such as "
        "systemd-tmpfiles, removes it: not in /tmp",
    ),
    (
        ConnectionRefusedError,
        "nobody listens on that file. Another supervisord with the same file may have come and gone: "
        "restart the one that runs (kill -HUP does, with all its programs)",
    ),
    (
        PermissionError,
        "our user may not use it. chmod and chown in [unix_http_server] say who may",
    ),
)
"""What to do about what can be wrong with a socket file."""

HANGS = (
    "Is it stopped (ps shows T; kill -CONT goes on), or does it wait for a disk or a log that nobody reads? "
    "supervisorctl would wait, too"
)


def _server(serverurl: str) -> str:
    return "unix_http_server" if urlsplit(serverurl).scheme == "unix" else "inet_http_server"

"""Processes that say words of sd_notify, and a Notices that takes the test for their supervisord."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator

from supervisor_reload.core.model import ReadySettings, SlotName, SlotSettings
from supervisor_reload.edges.notices import Notices

from .children import child

WEB = SlotName("web:web")

SAYS = """
import os, socket, sys, time
def say(text, *more, to=sys.argv[1]):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect("\\0" + to[1:] if to.startswith("@") else to)
        s.sendmsg([text.encode()], more)
{code}
print("up", flush=True)
time.sleep(1000)
"""


def slot(where: str = "", *, scheme: str = "notify", name: SlotName = WEB) -> SlotSettings:
    return SlotSettings(name=name, ready=ReadySettings(scheme=scheme, address=where), notify_socket=where)


def unused() -> str:
    return f"@supervisor-reload-test/{os.getpid()}/{time.monotonic_ns()}"


@contextlib.contextmanager
def hearing(*slots: SlotSettings, supervisor: int = 0) -> Iterator[Notices]:
    """Notices that take this test for their supervisord."""
    notices = Notices(slots, supervisor or os.getpid())
    notices.start()
    try:
        yield notices
    finally:
        notices.close()


def saying(code: str, where: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A process that runs ``code``, where ``say`` sends to ``where``; it is killed at the end."""
    return child(SAYS.format(code=code), where)

"""Which service a run measures: a configuration of ``etc/``, as it is or with gunicorn on its socket.

It exists so that what is measured is what a user copies. It never changes more of a configuration than the
command of its program.
"""

from __future__ import annotations

from .service import ETC, Service

SERVERS = ("uvicorn", "gunicorn")
PROGRAMS = ("[fcgi-program:web]", "[program:web]")
EXEC = "supervisor-reload exec -- "

GUNICORN = "gunicorn wsgi:application --bind fd://0 --workers 2 --worker-class gthread --threads 16"
"""as in etc/gunicorn.conf, but threaded, so that it keeps connections alive, and on the shared socket"""

APPLICATIONS = {"uvicorn": "web.py", "gunicorn": "wsgi.py"}
"""the file that is saved"""

OWN_PORT = {
    "uvicorn": "uvicorn web:app --port 8000 --no-access-log",
    "gunicorn": GUNICORN.replace("fd://0", "127.0.0.1:8000"),
}
"""the same servers on a port of their own"""


def service(name: str, server: str) -> Service:
    """``etc/NAME`` with the server; raises FileNotFoundError, ValueError where it has no program."""
    text = (ETC / name).read_text(encoding="utf-8")
    if server == "gunicorn":
        text = with_command(text, GUNICORN)
    return Service(text, APPLICATIONS[server])


def with_command(text: str, command: str) -> str:
    """The configuration with another server in its program; what prepares the socket stays before it."""
    lines = text.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(PROGRAMS)]
    for index in range(starts[0] + 1 if starts else len(lines), len(lines)):
        if lines[index].startswith("["):
            break
        if lines[index].startswith("command="):
            prefix = EXEC if lines[index].startswith(f"command={EXEC}") else ""
            lines[index] = f"command={prefix}{command}"
            return "\n".join(lines) + "\n"
    raise ValueError(f"the configuration has no command in {' or '.join(PROGRAMS)}")

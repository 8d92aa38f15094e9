"""The program of the kill matrix under gunicorn, which reloads itself at HUP: configuration and application.

    gunicorn --config gunicorned.py "gunicorned:load()"

It answers and writes down as ``server.py`` does, in the name of the master: that is the process which
supervisord knows, and which gets the signals. Copied beside the configuration and run there, so it imports
nothing of ours.
"""

import os
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT, WORK = 0.2, 0.02
"""seconds that it takes to boot, and to answer"""

bind = "fd://0"
workers = 1
chdir = HERE


def say(pid, what):
    """Write it down in the name of a master."""
    slot = f"{os.environ['SUPERVISOR_GROUP_NAME']}:{os.environ['SUPERVISOR_PROCESS_NAME']}"
    with open(f"{HERE}/did", "a") as file:
        file.write(f"{pid} {slot} {what}\n")


def on_starting(server):
    """Count what the master gets; gunicorn looks a signal's method up when it comes."""
    for name in ("term", "hup"):
        setattr(server, f"handle_{name}", _counted(server, name))


def _counted(server, name):
    original = getattr(server, f"handle_{name}")

    def handle():
        say(server.pid, f"SIG{name.upper()}")
        original()

    return handle


def load():
    """The application, in a worker of its own."""
    with open(f"{HERE}/src/code.txt") as file:
        text = file.read().strip()
    time.sleep(BOOT)
    master = os.getppid()
    say(master, f"runs:{text}")

    def application(environ, start_response):
        time.sleep(WORK)
        body = f"{text} {master}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return application

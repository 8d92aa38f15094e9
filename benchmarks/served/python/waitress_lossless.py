"""waitress on supervisord's socket, and it leaves without dropping anybody.

It leans on two class attributes of waitress that its documentation does not name: ``channel_class`` and
``task_class``. A WSGI application itself may not say ``Connection: close``.
"""

import signal
import socket

import waitress
from waitress.channel import HTTPChannel
from waitress.task import WSGITask
from wsgi import application

GRACE = 1.0  # seconds that an idle connection has to speak once more

leaving = False


class Task(WSGITask):
    """One request; once we are leaving, its answer is the connection's last."""

    def build_response_header(self):
        """As if the client had asked for it."""
        if leaving:
            self.request.headers["CONNECTION"] = "close"
        return super().build_response_header()


class Channel(HTTPChannel):
    """One connection."""

    task_class = Task


server = waitress.create_server(application, sockets=[socket.socket(fileno=0)], threads=32)
server.channel_class = Channel


def leave(*_):
    """Accept no more, wait, and then until nothing is under way."""
    global leaving  # noqa: PLW0603
    leaving = True
    server.del_channel()  # on the shared socket the next process accepts
    signal.setitimer(signal.ITIMER_REAL, GRACE, 0.05)


def end_when_idle(*_):
    """supervisord's ``stopwaitsecs`` is the limit."""
    if not any(c.requests or c.total_outbufs_len for c in server.active_channels.values()):
        raise SystemExit


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, end_when_idle)
    signal.signal(signal.SIGTERM, leave)
    server.run()

"""waitress on the socket that supervisord opened: its command line can't, its API can."""

import socket

import waitress
from wsgi import application

if __name__ == "__main__":
    waitress.serve(application, sockets=[socket.socket(fileno=0)], threads=32)

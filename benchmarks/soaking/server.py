"""The program that is replaced ten thousand times: it boots in about 10 ms, answers HTTP, and leaves on TERM.

    python -I -S server.py CODE [PORT]        (without a port: on descriptor 0)

Copied beside the configuration and run there, so it imports nothing of ours. Its code is a file that it reads
once, as it boots.
"""

import os
import signal
import socket
import sys


def main() -> None:
    """Serve until TERM, which ends it between two requests."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # no request is half-done: TERM is let in at accept
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with open(sys.argv[1], "rb") as file:
        body = file.read()
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    own = len(sys.argv) > 2
    listening = socket.create_server(("127.0.0.1", int(sys.argv[2]))) if own else socket.socket(fileno=0)
    while True:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        connection, _ = listening.accept()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            connection.settimeout(2)
            connection.recv(65536)
            connection.sendall(answer)
        except OSError:
            pass
        connection.close()


main()

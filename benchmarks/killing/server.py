"""The program that is reloaded: it boots and drains for a while, and writes down every signal that it gets.

    python -I -S server.py DIRECTORY SLOT BOOT DRAIN [PORT]        (without a port: on descriptor 0)

It answers with its code (read as it boots, and at HUP) and its pid. From USR1 or TERM on it accepts nothing
more; on TERM it finishes what it has accepted, and leaves. Copied beside the configuration and run there, so
it imports nothing of ours.
"""

import os
import select
import signal
import socket
import sys
import threading
import time

WORK = 0.02
"""seconds that it takes to answer; those to boot and to leave are arguments"""

SIGNALS = {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}


class Server:
    """A listening socket, a thread that accepts, one that hears signals, and one for each answer."""

    def __init__(self, directory, slot, boot, drain, port=""):
        self.directory, self.slot, self.drain = directory, slot, float(drain)
        self.log = os.open(f"{directory}/did", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.text = self.code()
        time.sleep(float(boot))
        own = socket.create_server(("127.0.0.1", int(port)), backlog=128) if port else None
        self.listening = own or socket.socket(fileno=0)
        self.listening.setblocking(False)
        self.leave, self.told = os.pipe()

    def say(self, what):
        """Write it down, with the pid."""
        os.write(self.log, f"{os.getpid()} {self.slot} {what}\n".encode())

    def code(self):
        """The code as it is on disk."""
        with open(f"{self.directory}/src/code.txt") as file:
            return file.read().strip()

    def serve(self):
        """Until TERM; signals are waited for here, so that two of a kind are counted as two."""
        accepting = threading.Thread(target=self.accept)
        accepting.start()
        self.say(f"runs:{self.text}")
        while self.hear(signal.sigwait(SIGNALS)) != signal.SIGTERM:
            pass
        until = time.monotonic() + self.drain
        while (left := until - time.monotonic()) > 0:
            if got := signal.sigtimedwait(SIGNALS, left):
                self.hear(got.si_signo)
        accepting.join()  # the threads that answer are joined as Python ends

    def hear(self, number):
        """Do what a signal asks for; its number."""
        self.say(signal.Signals(number).name)
        if number == signal.SIGHUP:
            self.text = self.code()
            self.say(f"runs:{self.text}")
        else:
            os.write(self.told, b".")
        return number

    def accept(self):
        """Take connections until told to leave."""
        while True:
            readable = select.select([self.listening, self.leave], [], [])[0]
            if self.leave in readable:
                return
            try:
                connection = self.listening.accept()[0]
            except OSError:  # another process was faster
                continue
            threading.Thread(target=self.answer, args=(connection,)).start()

    def answer(self, connection):
        """One request, one answer."""
        text = self.text
        with connection:
            try:
                connection.settimeout(5)
                head = b""
                while b"\r\n\r\n" not in head:
                    more = connection.recv(65536)
                    if not more:
                        return
                    head += more
                time.sleep(WORK)
                body = f"{text} {os.getpid()}".encode()
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(body), body)
                )
            except OSError:
                pass


signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # before the first thread: all of them inherit it
Server(*sys.argv[1:]).serve()

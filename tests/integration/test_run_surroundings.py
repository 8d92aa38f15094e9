"""What the command of ``run`` gets, how its output leaves, its socket, and what is said to wrong use."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.integration.running import run
from tests.integration.supervisord import free_port, wait_for

__all__ = ["run"]  # the fixture

pytestmark = pytest.mark.integration

ON_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


HTTP = """\
import http.server, os, signal, socket
VERSION = {version!r}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(VERSION.encode())
class Server(http.server.HTTPServer):
    timeout = 0.02
    serving = True
    def server_bind(self):
        self.socket.close()
        self.socket = socket.socket(fileno=0)
        self.socket.setblocking(False)  # the other process may have accepted first
    def leave(self, *_):
        self.serving = False
server = Server(("127.0.0.1", 0), Handler)
signal.signal(signal.SIGTERM, server.leave)
with open(os.environ["TRACE"], "a") as trace:
    trace.write(f"{{VERSION}} {{os.getpid()}}\\n")
while server.serving:
    server.handle_request()
"""


def ask(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return str(answer.read().decode())


def test_port_swaps_without_a_gap(run):
    """
    With --port one process serves, a save boots the second beside it, and nobody is refused meanwhile.
    """
    port = free_port()
    (run.code / "serve.py").write_text(HTTP.format(version="one"))
    run.serve("--port", str(port))
    assert ask(port) == "one"
    assert run.versions() == ["one"]
    (run.code / "serve.py").write_text(HTTP.format(version="two"))
    answers = []

    def two_answers() -> bool:
        answers.append(ask(port))  # a refusal would raise
        return "started in" in run.said() and answers[-1] == "two"

    wait_for(two_answers, limit=20.0, what="the new code's answer", step=0.001)
    assert set(answers) == {"one", "two"}
    run.stop()
    with pytest.raises(OSError):
        ask(port)


def test_port_in_use(run):
    """
    A port that somebody has is one clear line before anything starts.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run.start("--port", str(port), "--", "true").wait(10) == 1
    assert f"tcp://127.0.0.1:{port}: Address already in use" in run.said()
    assert run.places() == []


LOOK = (
    "import json, os, signal, sys\n"
    "mask = os.umask(0); os.umask(mask)\n"
    "fds = [fd for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')]\n"
    "seen = dict(argv=[os.fsencode(a).hex() for a in sys.argv[1:]], cwd=os.getcwd(), mask=mask,\n"
    "    env={os.fsencode(k).hex(): os.fsencode(v).hex() for k, v in os.environ.items()}, fds=fds,\n"
    "    stdin=sys.stdin.read(), ignored=[s.name for s in signal.valid_signals()\n"
    "    if isinstance(s, signal.Signals) and signal.getsignal(s) is signal.SIG_IGN])\n"
    "with open(os.environ['TRACE'] + '.new', 'w') as file: json.dump(seen, file)\n"
    "os.rename(os.environ['TRACE'] + '.new', os.environ['TRACE'])\n"
)


def test_command_gets_our_surroundings(run):
    """
    Arguments byte for byte, directory, environment, umask and an empty stdin; no traces of supervisord.
    """
    (run.code / "look.py").write_text(LOOK)
    arguments = [
        b"",
        b"--",
        b"two words",
        b"%(ENV_HOME)s 100%",
        b"; # x",
        b"line\nend\r",
        b"\xff\x81\x88",
        b"'\"\\$(id)",
    ]
    odd = {b"ODD%(here)s": b"\xfe %s\nline", b"EMPTY": b""}
    os_environment = {**{os.fsencode(k): os.fsencode(v) for k, v in run.environment.items()}, **odd}
    run.environment = {os.fsdecode(k): os.fsdecode(v) for k, v in os_environment.items()}
    run.start("--", sys.executable, "look.py", *map(os.fsdecode, arguments))
    seen = json.loads(wait_for(lambda: run.trace.exists() and run.trace.read_text(), 10))
    assert [bytes.fromhex(word) for word in seen["argv"]] == arguments
    assert seen["cwd"] == str(run.code)
    assert seen["stdin"] == ""
    assert seen["fds"] == ["0", "1", "2"]
    assert set(seen["ignored"]) <= {"SIGPIPE", "SIGXFSZ"}  # Python's own doing
    environment = {bytes.fromhex(k): bytes.fromhex(v) for k, v in seen["env"].items()}
    for name, value in odd.items():
        assert environment[name] == value
    assert not [name for name in environment if name.startswith(b"SUPERVISOR_")]
    mask = os.umask(0)
    os.umask(mask)
    assert seen["mask"] == mask


@pytest.mark.parametrize("kind", ["appended", "truncated", "pipe"])
def test_output_is_passed_on_byte_for_byte(run, kind):
    """
    Binary output and half lines arrive in order, whatever our stdout is, and what was there stays.
    """
    data = bytes(range(256)) * 400 + b"no line end"
    (run.code / "write.py").write_text(
        "import os, sys\n"
        f"data = {data!r}\n"
        "while data: data = data[os.write(1, data[:70000]):]\n"
        "os.write(2, b'to stderr')\n"
    )
    run.out.write_bytes(b"before\n")
    if kind == "pipe":
        process = run.start("--", sys.executable, "write.py", stdout=subprocess.PIPE)
        assert process.stdout is not None
        got = b""
        while len(got) < len(data):
            got += os.read(process.stdout.fileno(), 65536)
        run.wait_said("to stderr")
        run.stop()
        with process.stdout as rest:
            assert got + rest.read() == data
    else:
        with run.out.open("ab" if kind == "appended" else "wb") as out:
            if kind == "truncated":
                out.write(b"fresh\n")
                out.flush()
            run.start("--", sys.executable, "write.py", stdout=out)
            first = b"before\n" if kind == "appended" else b"fresh\n"
            wait_for(lambda: len(run.out.read_bytes()) >= len(first + data))
            run.wait_said("to stderr")
            assert run.stop() == 0
        assert run.out.read_bytes() == first + data
    assert "to stderr" in run.said()


ON_SCREEN = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGINT, lambda *_: print('INTERRUPTED', flush=True))\n"
    "print('tty', os.isatty(1), os.isatty(2), os.get_terminal_size(1).columns, flush=True)\n"
    "while True: time.sleep(0.05)\n"
)


def test_on_a_terminal(run):
    """
    The command sees the terminal itself, our lines are coloured, and Ctrl-C typed there ends us alone first.
    """
    (run.code / "look.py").write_text(ON_SCREEN)
    master, slave = os.openpty()
    argv = [sys.executable, "-c", ON_TERMINAL, sys.executable, "-m", "supervisor_reload", "run"]
    environment = {**run.environment, "PYTHONPATH": os.getcwd()}
    environment.pop("NO_COLOR", None)
    run.process = subprocess.Popen(
        [*argv, "--", sys.executable, "look.py"],
        cwd=run.code,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    os.set_blocking(master, False)
    shown = b""

    def shows(text: bytes) -> bool:
        nonlocal shown
        with contextlib.suppress(BlockingIOError, OSError):
            shown += os.read(master, 65536)
        return text in shown

    try:
        wait_for(lambda: shows(b"tty True True 0"), what=repr(shown))
        wait_for(lambda: shows(b"started (pid"), what=repr(shown))
        assert b"\x1b[2m[reload] " in shown
        os.write(master, b"\x03")
        assert run.process.wait(10) == 0
        shows(b"")
        assert b"INTERRUPTED" not in shown
    finally:
        os.close(master)
    assert run.processes() == []
    assert run.places() == []


WRONG = {
    "no command": ((), 2, "there is no command"),
    "unknown command": (("--", "no-such-command-at-all"), 127, "no command 'no-such-command-at-all'"),
    "not executable": (("--", "./serve.py"), 126, "can't be run"),
    "watch": (("--watch", "nowhere", "--", "true"), 2, "--watch: 'nowhere' does not exist"),
    "ready": (("--ready", "htp://x", "--", "true"), 2, "--ready: 'htp://x' is of an unknown kind"),
    "ready word": (("--ready", "readiness", "--", "true"), 2, "--ready: 'readiness'"),
    "check": (("--check", "no-such-check", "--", "true"), 2, "--check: 'no-such-check'"),
    "check python": (("--check", "python", "--", "true"), 2, "--check: "),
    "signal": (
        ("--signal", "HUPP", "--", "true"),
        2,
        "--signal: 'HUPP' is not a signal; did you mean 'HUP'?",
    ),
    "stop signal": (("--stop-signal", "FOO", "--", "true"), 2, "--stop-signal: 'FOO' is not a signal"),
    "stop timeout": (("--stop-timeout", "-1", "--", "true"), 2, "--stop-timeout"),
    "quiet period": (("--quiet-period", "soon", "--", "true"), 2, "--quiet-period"),
    "socket": (("--socket", "8000", "--", "true"), 2, "--socket: "),
    "port": (("--port", "99999", "--", "true"), 2, "--port"),
    "both": (("--port", "8000", "--signal", "HUP", "--", "true"), 2, "not allowed with"),
    "pattern": (("--exclude", "a;b", "--", "true"), 2, "--exclude: 'a;b'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_clear_line(run, case):
    """
    A wrong command line says what is wrong before anything starts, and leaves nothing.
    """
    arguments, code, words = WRONG[case]
    run.save("one")
    assert run.start(*arguments).wait(10) == code
    assert words in run.said()
    assert "Traceback" not in run.said()
    assert run.places() == []
    assert run.started() == []

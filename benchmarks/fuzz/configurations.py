"""The configuration reader (config.read), on a main file and up to two included ones.

An input is the text of the files, parted by PART. What must hold: settings or ConfigErrors, whose text a
terminal can show; and what the settings say of files can be turned into filters.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from random import Random

from supervisor_reload import config
from supervisor_reload.config.keys import KEYS
from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.core.filters import filters_of

from .mutating import NUMBERS

PART = b"\n;;;;;;;;\n"
ETC = Path(__file__).resolve().parents[2] / "etc"

SUPERVISORS = {
    "supervisord": "logfile pidfile childlogdir identifier umask minfds nodaemon user directory environment",
    "unix_http_server": "file chmod chown username password",
    "inet_http_server": "port username password",
    "rpcinterface:supervisor": "supervisor.rpcinterface_factory",
    "rpcinterface:reload": "supervisor.rpcinterface_factory groups",
    "supervisorctl": "serverurl username password",
    "include": "files",
    "group:g": "programs priority",
    "program:web": "command process_name numprocs numprocs_start priority autostart startsecs startretries "
    "autorestart exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr "
    "stdout_logfile stdout_logfile_maxbytes stdout_capture_maxbytes environment directory umask serverurl",
}
PROGRAM = SUPERVISORS["program:web"]
SECTIONS = {
    **{section: keys.split() for section, keys in SUPERVISORS.items()},
    "program:other": PROGRAM.split(),
    "fcgi-program:web": [*PROGRAM.split(), "socket", "socket_backlog"],
    "eventlistener:reload": [*PROGRAM.split(), "events", "buffer_size", "result_handler"],
    "reload": [key.name for key in KEYS],
    "reload:web": [key.name for key in KEYS],
    "reload:other": [key.name for key in KEYS],
    "relaod:web": [],
    "DEFAULT": ["watch", "command"],
}
VALUES = [
    "web", "web,other", "web:web_00", "nobody", "true", "false", "TRUE ", "auto", "none", "AUTO", "python",
    "%(here)s", "%(here)s/app", "%(ENV_HOME)s", "%(ENV_NONE)s", "%(nope)s", "%", "%%", "%(", "%()s",
    "%(here)d", "%(process_num)d", "%(process_num)02d", "%(process_num)1000000d",
    "%(program_name)s_%(process_num)s", "%(numprocs)s", "%(here)*s", "%(here)999999999s", "50%", "200%%",
    "1000000%", "-5%", "1MB", "99999GB", "1kb", "TERM", "SIGHUP", "hup", "KILL", "9", "STOP", "65", "0",
    "rolling", "signal", "native", "polling", "json", "running", "accepting", "notify", "message", "exit",
    "connections", "tcp://127.0.0.1:8000", "tcp://:0", "http://127.0.0.1:80%(process_num)02d/",
    "http://[::1", "http://[::1]:99999/", "http://user:pw@h:x/", "https://\u00e4\u0301.example/\u2028",
    "unix:///tmp/s.sock", "unix://", "unix:relative", "http://", "://", "'unbalanced", '"', "\\",
    "a b 'c d' \"e\"", "gunicorn app:app --bind fd://0", "uvicorn a:b --fd 0 --reload", "celery -A a worker",
    "sh -c 'exec x'", "/nonexistent/x", "~root/x", "~nobody-such/x", "~", "..", "/", ".", 'A="1",B=2', "A=",
    "=", "A", 'A="%(here)s', 'PATH="/bin",A="\u00e9"', "*.py", "!*", "[", "a[b-a]", "**/**/**", "\\", "!",
    "#", "a\\", "[[:alpha:]]", "*" * 60, "(" * 300, "a/**/b/" * 50, "{a,b}", "*.py -> true", "-> x", "a ->",
    "a -> 'x", "a -> b -> c", "x" * 70_000, "a," * 5000, "1 ; comment", "TICK_5", "PROCESS_STATE", "EVENT",
    "inc1.conf", "*.conf", "inc[12].conf", "main.conf", "inc1.conf " * 30, "[", "root", "65534", "0022",
    "0999", "supervisor.rpcinterface:make_main_rpcinterface",
    "supervisor_reload.rpcinterface:make_rpcinterface", "127.0.0.1:9001", "*:9001", ":x", "9001", "{SHA}x",
    "\t\n  two\n  three", "\n ;c\n b", "\ufeff", "\x1b[31m",
]  # fmt: skip


class Configurations:
    """A Reader."""

    name = "config"

    def __init__(self) -> None:
        in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._directory = Path(tempfile.mkdtemp(prefix="sr-fuzz-", dir=in_memory))
        (self._directory / "app").mkdir()
        (self._directory / "run").mkdir()
        whole = [path.read_bytes() for path in sorted(ETC.glob("*.conf"))]
        own = b"[include]\nfiles=inc*.conf\n"
        split = [
            text.replace(b"[reload:", PART + b"[reload:", 1) + own for text in whole if b"[reload:" in text
        ]
        self.seeds = whole + split
        names = [f"\n[{section}]\n".encode() for section in SECTIONS]
        keys = sorted({f"\n{key}=".encode() for section in SECTIONS.values() for key in section})
        self.tokens = names + keys + [value.encode() for value in VALUES] + NUMBERS + [PART, b"\n "]

    def fresh(self, chance: Random) -> bytes:
        """A good file with some keys of the table added, or a file made of the table alone."""
        parts = [chance.choice(self.seeds) if chance.random() < 0.6 else b"[supervisord]\n"]
        if chance.random() < 0.3:
            parts.append(b"[include]\nfiles=inc*.conf\n")
            parts.append(PART)
        parts += [_section(chance) for _ in range(chance.randint(1, 5))]
        return b"\n".join(parts)

    def read(self, data: bytes) -> None:
        """As ``supervisor-reload check`` does."""
        for number, text in enumerate(data.split(PART, 2)):
            self._file(number).write_bytes(text)
        try:
            reading = config.read(str(self._file(0)))
        except ConfigErrors as errors:
            assert errors.errors, "an error without a reason"
            assert all(map(_can_be_shown, str(errors).split("\n"))), "an error that would break a terminal"
        else:
            known = reading.configuration
            assert all(_can_be_shown(line) for text in known.warnings for line in text.split("\n"))
            with warnings.catch_warnings():  # of re, about a pattern such as [[: that it reads as we do
                warnings.simplefilter("ignore", FutureWarning)
                filters_of(known.settings.targets)
        finally:
            for number in (1, 2):
                self._file(number).unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self._directory / (f"inc{number}.conf" if number else "main.conf")

    def close(self) -> None:
        """The directory."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self._directory)


def _section(chance: Random) -> bytes:
    section = chance.choice(list(SECTIONS))
    keys = SECTIONS[section]
    lines = [f"[{section}]"]
    for _ in range(chance.choice((0, 1, 2, 3, 8)) if keys else 0):
        values = NUMBERS if chance.random() < 0.3 else [value.encode() for value in VALUES]
        lines.append(f"{chance.choice(keys)}={chance.choice(values).decode(errors='surrogateescape')}")
    return "\n".join(lines).encode(errors="surrogateescape") + b"\n"


def _can_be_shown(line: str) -> bool:
    return line.isprintable()

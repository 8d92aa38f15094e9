"""A directory with a configuration, as the tests of the configuration write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor_reload import config
from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.core.model import Settings, TargetSettings

HEAD = """
[supervisord]
logfile=%(here)s/log/supervisord.log
pidfile=%(here)s/run/supervisord.pid
childlogdir=%(here)s/log

[unix_http_server]
file=%(here)s/run/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

LISTENER = """
[eventlistener:reload]
command=supervisor-reload listen
events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_5
buffer_size=1000
priority=-10
"""

PLAIN = """
[program:web]
command=/bin/cat
"""

SOCKET = """
[fcgi-program:web]
socket=tcp://127.0.0.1:8000
command=/bin/cat
process_name=%(program_name)s_%(process_num)02d
numprocs=4
stopwaitsecs=20
"""

RELOAD = """
[reload:web]
watch=%(here)s/app
"""

GROUPED = """
[group:all]
programs=a,b
[program:a]
command=/bin/cat
process_name=a%(process_num)d
numprocs=2
[program:b]
command=/bin/cat
[program:c]
command=/bin/cat
"""

WEB = "HERE/supervisord.conf: [reload:web] "
"""How an error about [reload:web] begins, after Place made its paths short."""


class Place:
    """A directory with a configuration and the code that it watches."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("app", "log", "run"):
            (directory / name).mkdir()
        self.conf = directory / "supervisord.conf"

    def write(self, text: str) -> Path:
        self.conf.write_text(text)
        return self.conf

    def read(self, *parts: str) -> config.Reading:
        return config.read(str(self.write("".join(parts))))

    def settings(self, *parts: str) -> Settings:
        return self.read(*parts).settings

    def target(self, *parts: str) -> TargetSettings:
        (target,) = self.settings(HEAD, LISTENER, *parts).targets
        return target

    def errors(self, *parts: str) -> list[str]:
        with pytest.raises(ConfigErrors) as caught:
            self.read(*parts)
        return [str(error).replace(str(self.directory), "HERE") for error in caught.value.errors]

    def warnings(self, *parts: str) -> list[str]:
        return [str(warning).replace(str(self.directory), "HERE") for warning in self.read(*parts).warnings]

    def script(self, name: str, text: str) -> str:
        file = self.directory / name
        file.write_text(text)
        file.chmod(0o755)
        return str(file)

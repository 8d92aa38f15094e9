"""As whom a supervisord elsewhere is asked: what was typed, else what supervisorctl takes, else asked for.

It only finds a user name and a password out; it sends them to nobody, and no text of ours holds one.
"""

from __future__ import annotations

import configparser
import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from supervisor.options import UnhosedConfigParser

from ..config.find import find
from ..core.errors import ConfigError, ConfigErrors
from .place import Unknown

SECTION = "supervisorctl"
"""of supervisord.conf, where supervisorctl finds them, too"""

USERNAME, PASSWORD = "SUPERVISOR_USERNAME", "SUPERVISOR_PASSWORD"
"""of the environment, as supervisor.childutils"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Which supervisord is asked, and as whom."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


def completed(server: Server, config_file: str | None, environ: Mapping[str, str] = os.environ) -> Server:
    """The same with what was not typed: of the environment, else of ``[supervisorctl]`` in the configuration.

    A password that belongs to another user name than the one that was typed is not taken. Where there is a
    name and no password, somebody at a terminal is asked. Raises ConfigErrors where a configuration was named
    and can't be read, Unknown where nobody answers, or a user name
    is in the address.
    """
    _refuse_names_in(server.url)
    if server.password:
        return server
    variables = environ.get(USERNAME, ""), environ.get(PASSWORD, "")
    for username, password in (variables, _configured(config_file)):
        if password and (server.username == username or not (server.username and username)):
            return replace(server, username=server.username or username, password=password)
    return _asked_password(server) if server.username and may_ask() else server


def _refuse_names_in(url: str) -> None:
    """A password in an address would be shown with it: by us in every sentence, and by ps."""
    if "@" in url and not url.startswith("unix:"):
        raise Unknown(
            "no user name goes into the address: with -s http://host:port -u NAME the password is asked for, "
            f"or taken from {PASSWORD} in the environment"
        )


def may_ask() -> bool:
    """Whether somebody sits at a terminal."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # closed, or none
        return False


def asked(server: Server) -> Server:
    """What somebody types, asked in supervisorctl's words. Raises Unknown where he ends it (Ctrl-D)."""
    sys.stderr.write("Server requires authentication\nUsername:")
    sys.stderr.flush()
    typed = sys.stdin.readline()
    if not typed:
        raise Unknown("no user name was typed")
    return _asked_password(replace(server, username=typed.strip()))


def _asked_password(server: Server) -> Server:
    try:
        return replace(server, password=getpass.getpass("Password:"))
    except EOFError:
        sys.stderr.write("\n")  # the cursor is still behind the question
        raise Unknown(
            f"no password was typed; {PASSWORD} in the environment, or [{SECTION}] in the configuration, may "
            "have it"
        ) from None


def _configured(config_file: str | None) -> tuple[str, str]:
    """With what supervisorctl would log in; '' where there is nothing. It reads no ``[include]``, either."""
    parser = UnhosedConfigParser()
    parser.expansions = {f"ENV_{name}": value for name, value in os.environ.items()}
    try:
        file = find(config_file)
        parser.read_string(Path(file).read_text(encoding="utf-8"))
        if not parser.has_section(SECTION):
            return "", ""
        username, password = (str(parser.saneget(SECTION, key, "")) for key in ("username", "password"))
    except (OSError, ValueError, configparser.Error, ConfigErrors) as error:
        if config_file is None:
            return "", ""  # none was named, and none is needed
        raise _unreadable(config_file, error) from error
    return username, password


def _unreadable(config_file: str, error: Exception) -> ConfigErrors:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ConfigErrors((ConfigError(file=config_file, section="", key="", message=f"can't be read: {why}"),))

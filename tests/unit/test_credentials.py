"""As whom a supervisord elsewhere is asked, in the order in which supervisorctl's users expect it."""

from __future__ import annotations

import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from supervisor_reload.core.errors import ConfigErrors
from supervisor_reload.showing import afar, credentials
from supervisor_reload.showing.afar import Afar, NotLetIn
from supervisor_reload.showing.credentials import Server, asked, completed
from supervisor_reload.showing.place import Unknown
from supervisor_reload.showing.reading import Reading
from tests.integration.supervisord import free_port

URL = "http://127.0.0.1:9"
ENVIRONMENT = {"SUPERVISOR_USERNAME": "eve", "SUPERVISOR_PASSWORD": "of-env"}
CTL = "[supervisorctl]\nserverurl=http://elsewhere\nusername=me\npassword=of-file\n"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    file = tmp_path / "ctl.conf"
    file.write_text(CTL)
    return file


def who(
    conf: Path | None, environ: dict[str, str], username: str = "", password: str = ""
) -> tuple[str, str]:
    server = Server(url=URL, username=username, password=password)
    found = completed(server, None if conf is None else str(conf), environ)
    return found.username, found.password


def test_what_was_typed_is_taken(conf: Path) -> None:
    assert ("you", "typed") == who(conf, ENVIRONMENT, "you", "typed")


def test_the_environment_then_the_configuration(conf: Path) -> None:
    """
    Both are Supervisor's own places.
    """
    assert ("eve", "of-env") == who(conf, ENVIRONMENT)
    assert ("me", "of-file") == who(conf, {})


def test_a_password_of_somebody_else_is_not_taken(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A name that was typed gets its own password, or one that has no name.
    """
    monkeypatch.setattr(credentials, "may_ask", lambda: False)
    assert ("me", "of-file") == who(conf, ENVIRONMENT, "me")
    assert ("you", "") == who(conf, ENVIRONMENT, "you")
    assert ("you", "of-env") == who(conf, {"SUPERVISOR_PASSWORD": "of-env"}, "you")


def test_somebody_at_a_terminal_is_asked(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    For the password of the name that was typed; for nothing, where no name was.
    """
    monkeypatch.setattr(credentials, "may_ask", lambda: True)
    monkeypatch.setattr(credentials.getpass, "getpass", lambda prompt: f"answer to {prompt}")
    assert ("you", "answer to Password:") == who(conf, {}, "you")
    monkeypatch.setattr(credentials, "find", lambda given: str(conf.with_name("none")))
    assert ("", "") == who(None, {})


def test_a_configuration_without_them(conf: Path, tmp_path: Path) -> None:
    conf.write_text("[supervisord]\n")
    assert ("", "") == who(conf, {})
    conf.write_text("[supervisorctl]\nserverurl=http://elsewhere\n")
    assert ("", "") == who(conf, {})
    conf.write_text("[supervisorctl]\nusername=me\npassword=%(ENV_NOBODYS)s\n")
    with pytest.raises(ConfigErrors, match="NOBODYS"):
        who(conf, {})
    with pytest.raises(ConfigErrors, match=r"none\.conf: can't be read: No such file"):
        who(tmp_path / "none.conf", {})


def test_the_question_is_supervisorctls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("me\n"))
    monkeypatch.setattr(credentials.getpass, "getpass", lambda prompt: "typed")
    found = asked(Server(url=URL))
    assert ("me", "typed") == (found.username, found.password)
    assert capsys.readouterr().err == "Server requires authentication\nUsername:"
    assert "typed" not in repr(found)


def test_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where the first answer was wrong, that is said; where nobody is there, what to do.
    """
    seen: list[str] = []

    def refused(server: Server) -> Reading:
        seen.append(server.username)
        raise NotLetIn("no")

    monkeypatch.setattr(afar, "look_from_afar", refused)
    wrong = Server(url=URL, username="me", password="wrong")
    with pytest.raises(NotLetIn):
        Afar(Server(url=URL), may_ask=lambda: True, ask=lambda server: wrong).look()
    assert ["", "me"] == seen
    for server, may_ask in ((wrong, True), (Server(url=URL), False)):
        with pytest.raises(NotLetIn):
            Afar(server, may_ask=lambda may=may_ask: may, ask=lambda server: pytest.fail("asked")).look()


@pytest.mark.parametrize("url", ["here", "ftp://x", "http://x:port", ""])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(Unknown, match="is no address: http://host:port or unix:///path"):
        Afar(Server(url=url)).look()


class Silent(BaseHTTPRequestHandler):
    """It knows no method, and logs nothing."""

    def log_message(self, *words: object) -> None:
        """Nobody reads it."""


def test_a_server_that_is_no_supervisord() -> None:
    """
    Whatever it answers; the address is probably wrong.
    """
    server = HTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        with pytest.raises(Unknown, match=r"is no supervisord: 501 .*\[inet_http_server\]"):
            Afar(Server(url=f"http://127.0.0.1:{server.server_port}")).look()
    finally:
        thread.join()
        server.server_close()


def test_nobody_listens_there() -> None:
    with pytest.raises(Unknown, match="nobody listens there"):
        Afar(Server(url=f"http://127.0.0.1:{free_port()}")).look()


def test_who_types_nothing(monkeypatch: pytest.MonkeyPatch, conf: Path) -> None:
    """
    Ctrl-D is no password, and an end.
    """

    def ended(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(credentials, "may_ask", lambda: True)
    monkeypatch.setattr(credentials.getpass, "getpass", ended)
    with pytest.raises(Unknown, match="no password was typed; SUPERVISOR_PASSWORD"):
        who(conf, {}, "you")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(Unknown, match="no user name was typed"):
        asked(Server(url=URL))


@pytest.mark.parametrize("url", ["http://bob:pw@host:9001", "http://bob:p/w@host", "bob:pw@host"])
def test_a_user_name_in_the_address(conf: Path, url: str) -> None:
    """
    It is refused before anything is asked, and the password is not shown.
    """
    with pytest.raises(Unknown, match="no user name goes into the address") as raised:
        completed(Server(url=url), str(conf), {})
    assert "pw" not in str(raised.value)

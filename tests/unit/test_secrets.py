"""Secrets are hidden wherever they are written, and nothing else is."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from supervisor_reload.app import log_to
from supervisor_reload.checking import check
from supervisor_reload.core.model import (
    CheckSettings,
    LogFormat,
    ReadySettings,
    Settings,
    SlotName,
    SlotSettings,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.orders import Story
from supervisor_reload.core.secrets import ANYWHERE, HIDDEN, SHORTEST, Redaction, secrets_of
from supervisor_reload.edges.observers.logs import escaped, tell
from supervisor_reload.edges.spawning import run, tail
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD

PASSWORD = "hunter2-hunter2"

SECRETS = st.text(min_size=ANYWHERE).filter(lambda text: "*" not in text)
"""What ``***`` can't make a new one of"""

FORMS = {
    "plain": str,
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "json": lambda text: json.dumps(text)[1:-1],
    "quoted": lambda text: quote(text, ""),
    "quoted, as a path": quote,
    "quoted, as a form": quote_plus,
    "as the log escapes": escaped,
}


@pytest.mark.fault(51)
@limits(max_examples=40)
@given(secret=SECRETS, before=st.text(), after=st.text())
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(form: str, secret: str, before: str, after: str) -> None:
    """Within whatever text."""
    written = FORMS[form](secret)
    assert written not in Redaction([secret])(before + written + after)


@limits(max_examples=40)
@given(st.lists(SECRETS, min_size=1, max_size=5), st.text())
def test_several_secrets_at_once(secrets: list[str], between: str) -> None:
    """Also where one is a part of another: the longest first."""
    shown = Redaction(secrets)(between.join(secrets))
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("abc", "abc abc", "abc abc"),
        ("abc", "http://u:abc@h/ password=abc", "http://***@h/ password=***"),
        ("test", "tests: test 'test' attest latest test1", "tests: *** '***' attest latest test1"),
        ("p%40ssword", "p%40ssword p@ssword p@ssw", "*** *** p@ssw"),
        ("longer-secret", "xlonger-secrety", "x***y"),
    ],
)
def test_short_secrets_do_not_shred_the_log(secret: str, text: str, shown: str) -> None:
    """Below four characters only where a secret stands; below eight as a word."""
    assert (SHORTEST, ANYWHERE) == (4, 8)
    assert Redaction([secret])(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pass@host:80/x", "http://***@host:80/x"),
        ("GET http://:pass@host", "GET http://***@host"),
        ("amqps+x://u:@h", "amqps+x://***@h"),
        ("postgres://u:p:q@r@h/db", "postgres://***@h/db"),
        ("http://user:pa/ss?w#d@host/", "http://***@host/"),
        ("https://ghp_token@github.com/x.git", "https://***@github.com/x.git"),
        ("'http://u:p@h', 'http://v:q@h'", "'http://***@h', 'http://***@h'"),
        ("http://u:p@h\nhttp://v:q@h", "http://***@h\nhttp://***@h"),
        ("password=x", "password=***"),
        ("DB_PASSWORD = 'a b' c", "DB_PASSWORD = *** c"),
        ('client_secret="a b",x=1', "client_secret=***,x=1"),
        ("SECRET_KEY=abc&y=2", "SECRET_KEY=***&y=2"),
        ("Passwd=a", "Passwd=***"),
    ],
)
def test_places_where_secrets_stand(text: str, shown: str) -> None:
    """Nobody must have told them."""
    assert Redaction()(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/healthz",
        "http://127.0.0.1:8000/@vite/client",
        "http://host/a:b@c",
        "ssh://git@github.com/x",
        "mail a@b and c:d@e",
        "unix:///run/x.sock",
        "password: is a hash",
        "the password changed",
        "password=",
        "a=1, b=2",
        "",
    ],
)
def test_nothing_else_is_hidden(text: str) -> None:
    """Ports, paths and words."""
    assert Redaction()(text) == text


def test_hostile_output_takes_no_time() -> None:
    """It is looked through in the one thread that does everything."""
    redact = Redaction([PASSWORD])
    for text in ("a" * 50_000, "password" * 6_000, "a://" * 12_000, "://a:" * 10_000, "=" * 50_000):
        began = time.process_time()
        redact("http://x= " + text)
        assert time.process_time() - began < 1.0


def settings(**options: object) -> Settings:
    ready = ReadySettings(scheme="http", address="http://ann:p%40ss-of-url@127.0.0.1:1/")
    target = TargetSettings(
        name="web",
        slots=(SlotSettings(name=SlotName("web:web"), ready=ready),),
        watch=WatchSettings(paths=("/app",)),
        check=CheckSettings(command=("curl", "-s", "https://token-of-curl@example.org/")),
    )
    return Settings(targets=(target,), username="bob", password=PASSWORD, **options)  # type: ignore[arg-type]


def test_the_secrets_of_a_configuration() -> None:
    """supervisord's password, those in URLs wherever they are, and one in the environment."""
    found = secrets_of(settings(), {"SUPERVISOR_PASSWORD": "of-environment", "HOME": "/root"})
    assert {PASSWORD, "p%40ss-of-url", "token-of-curl", "of-environment"} <= set(found)
    assert not {"", "bob", "/root", "/app", "web"} & set(found)
    shown = Redaction(found)(f"Basic Ym9iOmh1bnRlcjItaHVudGVyMg== {PASSWORD} p@ss-of-url of-environment")
    assert shown == "Basic *** *** *** ***"
    assert secrets_of(Settings(targets=())) == ()
    assert secrets_of(None, {"SUPERVISOR_PASSWORD": "x"}) == ("x",)


def test_records_of_the_journal() -> None:
    """Every text in what JSON can hold; numbers, keys and shape stay."""
    record = {"reason": f"no {PASSWORD}", "list": [PASSWORD, 1, None, True], "in": {"a": ["http://u:p@h"]}}
    assert Redaction([PASSWORD]).within(record) == {  # type: ignore[arg-type]
        "reason": "no ***",
        "list": ["***", 1, None, True],
        "in": {"a": ["http://***@h"]},
    }


@pytest.fixture
def root() -> Iterator[None]:
    """The log as it was."""
    ours, everybody = logging.getLogger("supervisor_reload"), logging.getLogger()
    handlers, levels = everybody.handlers[:], (everybody.level, ours.level)
    yield
    logging.captureWarnings(capture=False)
    everybody.handlers[:] = handlers
    everybody.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("log_format", list(LogFormat))
def test_no_line_of_the_log_has_a_secret(log_format: LogFormat) -> None:
    """Stories, arguments, errors and tracebacks; also of other libraries."""
    stream = io.StringIO()
    log_to(stream, settings(log_format=log_format))
    values = {
        "reason": PASSWORD,
        "output": f'x="{PASSWORD}"\npassword="',
        "revision": "r",
        "changed": (PASSWORD,),
    }
    tell(Story(target="web", event="check failed", values=values, level="warning"))
    log = logging.getLogger("supervisor_reload.x")
    log.warning("it said %s, %r", OSError(PASSWORD), [PASSWORD])
    try:
        raise ValueError("p@ss-of-url")
    except ValueError:
        log.exception("it failed")
    logging.getLogger("urllib3").warning("https://u:p@h?%s", quote(PASSWORD))
    text = stream.getvalue()
    assert PASSWORD not in text
    assert "ss-of-url" not in text
    assert "u:p@h" not in text
    assert text.count(HIDDEN) >= 7
    assert "ValueError: ***" in text
    if log_format is LogFormat.JSON:
        assert [json.loads(line)["level"] for line in text.splitlines()] == [
            "warning",
            "warning",
            "error",
            "warning",
        ]


@pytest.mark.usefixtures("root")
def test_changed_settings_have_other_secrets() -> None:
    """The log is set up again when they are taken over."""
    stream = io.StringIO()
    log_to(stream, Settings(targets=()))
    log_to(stream, settings())
    logging.getLogger("supervisor_reload").warning(PASSWORD)
    assert stream.getvalue().endswith(" WARNING ***\n")


SERVER = f"""
[inet_http_server]
port=127.0.0.1:1
username=bob
password={PASSWORD}
"""


def test_check_shows_none(place, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Neither where all is well nor in an error; control characters come out as text."""
    monkeypatch.setenv("SUPERVISOR_PASSWORD", "of-environment")
    url = "ready=http://ann:p%%40ss-of-url@127.0.0.1:1/\n"
    command = f"check=/bin/echo {PASSWORD} of-environment p@ss-of-url \x1b[31m\n"
    server = HEAD.replace("[unix_http_server]\nfile=%(here)s/run/supervisor.sock\n", SERVER)
    place.write(server + LISTENER + PLAIN + RELOAD + url + command)
    shown = io.StringIO()
    assert check(str(place.conf), shown) == 0
    assert "check      /bin/echo *** *** *** \\x1b[31m (at most" in shown.getvalue()
    assert "ready      http://***@127.0.0.1:1/" in shown.getvalue()
    for wrong in ("ready=htp://a:secret-of-url@h/\n", "ready=http://a:secret/of-url@h:x/\n"):
        place.write(server + LISTENER + PLAIN + RELOAD + wrong)
        shown = io.StringIO()
        assert check(str(place.conf), shown) == 2
        assert "[reload:web] ready: '" in shown.getvalue()
        assert "secret" not in shown.getvalue()


def test_half_a_secret_is_not_shown() -> None:
    """What is cut off is cut between words: its rest would not be recognised."""
    text = f"{PASSWORD} {'x' * 190}"
    assert tail(text) == "x" * 190
    assert tail(f" {PASSWORD}\n") == PASSWORD
    outcome = run(["sh", "-c", f"printf 'a {PASSWORD} '; head -c 16375 /dev/zero | tr '\\0' b"], limit=20)
    assert outcome.output == "b" * 16375

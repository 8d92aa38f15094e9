"""A webhook that refuses, hangs, drips, floods, redirects or closes: each is a sentence within the limit."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import queue
import ssl
import threading
import time

import pytest
import trustme

from supervisor_reload.core.notifying import NotifySettings
from supervisor_reload.edges.telling import posting
from supervisor_reload.edges.telling.posting import post
from tests.fakes.told import report
from tests.fakes.webhook import close, drip, flood, hang, status, webhook
from tests.integration.supervisord import free_port

KEY = "it is a key"


def to(url: str, **settings: str) -> NotifySettings:
    return NotifySettings(url=url, **settings)


def test_what_is_posted():
    """The document, signed as GitHub signs, with what it takes to know one that comes twice, or late."""
    told = report()
    with webhook() as server:
        assert post(to(f"{server.url}/a/b?c=d", secret=KEY), told) == ("", False, 0.0)
    ((path, headers, body),) = server.posted
    assert path == "/a/b?c=d"
    document = json.loads(body)
    assert document["target"] == "web"
    assert (document["id"], document["time"]) == (told.id, told.time)
    digest = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-supervisor-reload-signature"] == f"sha256={digest}"
    assert headers["x-supervisor-reload-delivery"] == told.id
    assert headers["x-supervisor-reload-event"] == "complete"
    assert headers["x-supervisor-reload-time"] == told.time
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"localhost:{server.server_port}"
    assert "authorization" not in headers


def test_the_signature_is_githubs():
    """The example of GitHub's documentation ("Validating webhook deliveries")."""
    signed = posting.signature(b"It's a Secret to Everybody", b"Hello, World!")
    assert signed == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_two_tries_are_alike():
    """But for nothing: the same id, the same body, the same signature."""
    told = report()
    with webhook(status(503), status(200)) as server:
        assert post(to(server.url, secret=KEY), told).problem == "it answered 503"
        assert post(to(server.url, secret=KEY), told).problem == ""
    first, second = server.posted
    assert first == second


def test_without_a_key_nothing_is_signed():
    """It says nothing then, instead of something worthless."""
    with webhook() as server:
        post(to(server.url), report())
    assert "x-supervisor-reload-signature" not in server.posted[0].headers


def test_the_key_of_a_file(tmp_path):
    """Read each time, without the line's end; without a key nothing is sent at all."""
    file = tmp_path / "key"
    with webhook() as server:
        settings = to(server.url, secret_file=str(file))
        assert "No such file" in post(settings, report()).problem
        file.write_text("\n")
        assert post(settings, report()).problem == f"{file} holds no key"
        assert server.posted == []
        file.write_text(f"{KEY}\n")
        assert post(settings, report()).problem == ""
    (sent,) = server.posted
    assert sent.headers["x-supervisor-reload-signature"] == posting.signature(KEY.encode(), sent.body)


def posted_within(limit: float, settings: NotifySettings) -> str:
    """What became of it; queue.Empty where that took longer."""
    problems: queue.SimpleQueue[str] = queue.SimpleQueue()
    send = threading.Thread(target=lambda: problems.put(post(settings, report()).problem), daemon=True)
    send.start()
    return problems.get(timeout=limit)


def test_the_key_of_what_is_no_file(tmp_path):
    """A FIFO that came there later keeps nobody waiting, and no descriptor stays open."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    before = os.listdir("/proc/self/fd")
    with webhook() as server:
        for path in (fifo, tmp_path):
            assert posted_within(10, to(server.url, secret_file=str(path))) == f"{path} is no file"
        assert server.posted == []
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_user_and_password():
    """As HTTP carries them."""
    with webhook() as server:
        post(to(server.url.replace("://", "://me:se%40cret@")), report())
    assert server.posted[0].headers["authorization"] == "Basic bWU6c2VAY3JldA=="
    assert server.posted[0].headers["host"] == f"localhost:{server.server_port}"


@pytest.mark.parametrize(
    ("code", "is_final"),
    [
        (200, None),
        (204, None),
        (400, True),
        (404, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_statuses(code, is_final):
    """What is our mistake is not repeated; what is over soon is."""
    with webhook(status(code)) as server:
        verdict = post(to(server.url), report())
    assert verdict.problem == ("" if is_final is None else f"it answered {code}")
    assert verdict.is_final is bool(is_final)


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("soon", 0.0), ("-1", 0.0), ("9" * 400, 999999.0)])
def test_retry_after(told, seconds):
    """Seconds, of a sane number of digits."""
    with webhook(status(429, Retry_After=told)) as server:
        assert post(to(server.url), report()).wait == seconds


@pytest.mark.fault(28)
@pytest.mark.parametrize("behaviour", [hang, drip])
def test_a_webhook_without_an_end(behaviour):
    """The limit is the wall clock's, however the bytes come."""
    with webhook(behaviour) as server:
        began = time.monotonic()
        assert post(to(server.url), report(), limit=0.5).problem == "no answer within 0.5 s"
        assert time.monotonic() - began < 2


def test_a_webhook_that_floods():
    """A bounded part of it is read."""
    with webhook(flood) as server:
        assert post(to(server.url), report(), limit=5).problem == "no HTTP answer"


def test_a_webhook_that_hangs_up():
    """Without a word."""
    with webhook(close) as server:
        assert post(to(server.url), report()).problem == "no HTTP answer"


def test_nobody_listens():
    """Or there is no such host."""
    assert post(to(f"http://127.0.0.1:{free_port()}"), report()) == ("Connection refused", False, 0.0)
    verdict = post(to("http://nowhere.invalid/"), report())
    assert verdict.problem and not verdict.is_final


@pytest.mark.parametrize("code", [307, 308])
def test_a_redirect_on_the_same_server(code):
    """Is followed, with the POST and its signature; also with user and password."""
    with webhook(status(code, Location="/there"), status(200)) as server:
        url = server.url.replace("://", "://me:secret@")
        assert post(to(f"{url}/here", secret=KEY), report()).problem == ""
    here, there = server.posted
    assert (here.path, there.path) == ("/here", "/there")
    assert here[1:] == there[1:]


@pytest.mark.parametrize("code", [301, 302, 303])
def test_a_redirect_that_makes_it_a_get(code):
    """Would tell nothing."""
    with webhook(status(code, Location="/there")) as server:
        verdict = post(to(server.url), report())
    assert verdict.is_final
    assert verdict.problem.startswith(f"it answered {code}, a redirect")
    assert len(server.posted) == 1


def test_a_redirect_to_another_server():
    """The document, and what signs it, are for nobody else: neither another host nor another port."""
    with webhook() as other:
        elsewhere = (
            other.url,
            f"http://127.0.0.1:{other.server_port}/",
            "//example.com/x",
            "https://localhost/",
        )
        for location in elsewhere:
            with webhook(status(307, Location=location)) as server:
                assert post(to(server.url), report()).is_final
                assert len(server.posted) == 1
    assert other.posted == []


def test_redirects_without_an_end():
    """A few are followed."""
    with webhook(status(307, Location="/")) as server:
        assert post(to(server.url), report()) == ("more than 3 redirects", True, 0.0)
    assert len(server.posted) == 4


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls(authority, monkeypatch, tmp_path):
    """A certificate that the system trusts, for this very name."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with webhook(context=serving(authority, "localhost")) as server:
        assert post(to(server.url, secret=KEY), report()).problem == ""
        assert len(server.posted) == 1
    with webhook(context=serving(authority, "example.com")) as server:
        assert "certificate is not trusted" in post(to(server.url, secret=KEY), report()).problem
        assert server.posted == []


def test_tls_that_nobody_vouches_for(authority):
    """Nothing is sent."""
    with webhook(context=serving(authority, "localhost")) as server:
        verdict = post(to(server.url), report())
        assert verdict.problem.startswith("its certificate is not trusted: ")
        assert server.posted == []


def test_tls_to_a_server_without_it():
    """A handshake has a limit, too, and no other way is tried."""
    with webhook() as server:
        assert post(to(server.url.replace("http:", "https:")), report(), limit=2).problem
        assert server.posted == []

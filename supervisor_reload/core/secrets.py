"""What must never be shown: the passwords of the configuration, however they are written. It shows nothing.

Everything that goes to a log, the journal or a terminal goes through one Redaction. It knows the secrets
themselves, and the places where a secret stands whatever it is: a URL's user, and ``password=``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import quote, quote_plus, unquote

from .model import Settings, Value

HIDDEN = "***"

SHORTEST = 4
"""Characters. What is shorter is hidden in its places only: a log without any ``a`` could not be read."""

ANYWHERE = 8
"""Characters from which on a secret is hidden also within a word; a shorter one may be a part of many."""

# Every repetition has a limit: these look through output of anybody's, in time that grows with its length.
USER_OF_URL = re.compile(
    r"""([A-Za-z][A-Za-z0-9+.-]{0,20}://)      # any scheme
    (?: [^\s/?\#:@"'<>]{0,256} :              # a user, and a password: up to the last @ of the word
        (?! \d{1,5} (?: [/?\#"'\s] | $) )      # no password, but a port
        [^\s"'<>]{0,256} @
    |   (?<=ttp://) [^\s/?\#:@"'<>]{1,256} @   # a token in place of a user
    |   (?<=ttps://) [^\s/?\#:@"'<>]{1,256} @
    )""",
    re.VERBOSE,
)

PASSWORD = re.compile(
    r"""((?:password|passwd|secret)\w{0,40} [ \t]{0,8} = [ \t]{0,8})   # as in a configuration file
    (?: "[^"\n]{1,256}" | '[^'\n]{1,256}' | [^\s"',;&]{1,256} )""",
    re.VERBOSE | re.IGNORECASE,
)

SERVER_PASSWORD = "SUPERVISOR_PASSWORD"  # noqa: S105 - a variable's name
"""what clients of supervisord, and some who write its configuration, keep the password in"""


class Redaction:
    """Hides secrets in texts. Made once for one configuration; may be used from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """``secrets`` in clear text; without any, what stands where secrets stand is hidden all the same."""
        written = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        longest_first = sorted(written, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(_pattern, longest_first))) if written else None

    def __call__(self, text: str) -> str:
        """The text with ``***`` in place of every secret."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if "://" in text:
            text = USER_OF_URL.sub(rf"\g<1>{HIDDEN}@", text)
        return PASSWORD.sub(rf"\g<1>{HIDDEN}", text) if "=" in text else text

    def within(self, value: Value) -> Value:
        """The same for every text in what JSON can hold, such as a record of the journal."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list | tuple):
            return [self.within(each) for each in value]
        if isinstance(value, dict):
            return {key: self.within(each) for key, each in value.items()}
        return value


def secrets_of(settings: Settings | None, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The secrets in the settings (None: they could not be read) and in the environment, each once."""
    found: dict[str, None] = {}
    if settings is not None:
        for text in (settings.password, *_login(settings.username, settings.password)):
            found[text] = None
        for told in (target.notify for target in settings.targets):
            found.update(dict.fromkeys(told.secrets))
        for text in _texts(settings):
            found.update(dict.fromkeys(_in_urls(text)))
    found[(environment or {}).get(SERVER_PASSWORD, "")] = None
    return tuple(secret for secret in found if secret)


def _in_urls(text: str) -> Iterator[str]:
    """The passwords (and tokens) of all URLs in a text."""
    for matched in USER_OF_URL.finditer(text):
        scheme = matched[1]
        user, colon, password = matched[0][len(scheme) : -1].partition(":")
        if colon:
            yield password
            yield from _login(user, password)
            yield from _login(unquote(user), unquote(password))
        else:
            yield user


def _login(user: str, password: str) -> tuple[str, ...]:
    """How HTTP carries both (RFC 7617)."""
    login = f"{user}:{password}".encode("utf-8", "surrogatepass")
    return (base64.b64encode(login).decode("ascii"),) if password else ()


def _forms(secret: str) -> Iterator[str]:
    """How a secret can be written in a log: as it is, quoted for a URL, or escaped in some way."""
    for text in {secret, unquote(secret)}:
        yield text
        yield repr(text)[1:-1]
        yield ascii(text)[1:-1]
        yield json.dumps(text)[1:-1]
        yield "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)  # as the log does
        for safe in ("", "/"):
            yield quote(text, safe, errors="surrogatepass")
        yield quote_plus(text, errors="surrogatepass")


def _pattern(form: str) -> str:
    if len(form) >= ANYWHERE:
        return re.escape(form)
    return rf"(?<!\w){re.escape(form)}(?!\w)"


def _texts(value: object) -> Iterator[str]:
    """Every text in nested settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))

"""Where our numbers are published, as it is written in the configuration: an address becomes its parts.

Every address that other machines could reach is refused here, with a sentence. It opens nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

SCHEMES = ("http", "unix", "textfile")

MODES = {"unix": 0o660, "textfile": 0o644}
"""Permissions of a file where the address names none: a socket is for its group, a textfile for everybody."""

LONGEST_SOCKET = 90
"""bytes of a socket's path; the kernel takes 107 (unix(7)), and it is made under a longer name first"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One place where they are published."""

    scheme: str
    """http, unix (HTTP on a unix socket), or textfile (a file that node_exporter reads)"""
    host: str = ""
    """for http, a loopback address of IPv4 or IPv6"""
    port: int = 0
    """for http"""
    path: str = ""
    """for unix and textfile, absolute"""
    mode: int = 0
    """for unix and textfile: permissions of the file"""

    def __str__(self) -> str:
        """As it may be written."""
        if self.scheme == "http":
            host = f"[{self.host}]" if ":" in self.host else self.host
            return f"http://{host}:{self.port}"
        return f"{self.scheme}://{self.path}"


def publication(text: str) -> Publication:
    """What an address means.

    Raises:
        ValueError: with a sentence for the operator.
    """
    scheme = text.partition("://")[0]
    if scheme not in SCHEMES or "://" not in text:
        raise ValueError(f"{text!r} begins with none of http://, unix:// and textfile://")
    if any(not letter.isprintable() for letter in text):
        raise ValueError(f"{text!r} holds a character that can't be printed")
    try:
        parts = urlsplit(text)
    except ValueError as why:
        raise ValueError(f"{text!r} is no address: {why}") from None
    return _http(text, parts) if scheme == "http" else _file(text, parts)


def _http(text: str, parts: SplitResult) -> Publication:
    if parts.path not in ("", "/", "/metrics") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} may hold a host and a port only, such as http://127.0.0.1:9323")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"{text!r} names no port from 1 to 65535, such as http://127.0.0.1:9323")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    if not _is_loopback(host):
        raise ValueError(
            f"{host!r} is no loopback address, so other machines may reach it: use http://127.0.0.1:{port}, "
            "and where another machine shall ask, a proxy that knows who it is"
        )
    return Publication(scheme="http", host=host, port=port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _file(text: str, parts: SplitResult) -> Publication:
    if parts.netloc or len(parts.path.rstrip("/")) < 2:
        raise ValueError(f"{text!r} must name an absolute path, such as {parts.scheme}:///run/reload.prom")
    if parts.fragment or "%" in parts.path:
        raise ValueError(f"{text!r}: a path may hold no # and no %")
    if parts.scheme == "textfile" and not parts.path.endswith(".prom"):
        raise ValueError(f"{text!r} must end in .prom: node_exporter reads no other files")
    if parts.scheme == "unix" and len(parts.path.encode()) > LONGEST_SOCKET:
        raise ValueError(f"{text!r} is too long: a unix socket's path may have {LONGEST_SOCKET} bytes here")
    mode = _mode(text, parts)
    return Publication(scheme=parts.scheme, path=parts.path, mode=mode)


def _mode(text: str, parts: SplitResult) -> int:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    written = options.pop("mode", f"{MODES[parts.scheme]:04o}")
    if options or not re.fullmatch(r"0?[0-7]{3}", written, re.ASCII):
        raise ValueError(
            f"{text!r}: behind the path may stand ?mode= and three octal digits, such as ?mode=0660"
        )
    return int(written, 8)

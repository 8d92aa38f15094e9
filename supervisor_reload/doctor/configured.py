"""What the configuration itself says: all that ``check`` finds, plugins of supervisorctl, secrets for all to
read."""

from __future__ import annotations

import configparser
import importlib.util
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import ConfigError
from .finding import Finding, error, ok, warning
from .patient import Patient

FACTORY = "supervisor.ctl_factory"

SECRET = re.compile(
    r"(?:password|passwd|secret|token|api_?key)"
    r"(?!\w{0,40}_(?:file|path|dir|url|header|name|ttl|timeout|lifetime|rotation|length)\b)"
    r"(?:\d{0,2}(?:_\w{0,40})?|key)[\"']?\s{0,8}[=:]\s{0,8}[\"']?"
    r"(?!%\(ENV_|(?:true|false|yes|no|on|off|none)\b)[^\s\"',;%]",
    re.IGNORECASE,
)
"""A value that is written out, not taken from the environment; no switch, and not where it is or how long it
holds"""
IN_URL = re.compile(
    r"[a-z][a-z0-9+.-]{0,20}://[^\s/?#:@\"']{0,256}:(?!%\(ENV_)[^\s/@\"']{1,256}@", re.IGNORECASE
)

MOST = 1024 * 1024
"""bytes of a configuration file that are looked at"""


def configuration(patient: Patient) -> Iterator[Finding]:
    """What ``check`` finds; it has the remedy in its words."""
    more = len(patient.conf.files) - 1
    files = f"{patient.main}{f' and {more} included' if more else ''}"
    yield from (_finding(each, is_error=True) for each in patient.errors)
    yield from (_finding(each, is_error=False) for each in patient.warnings)
    if not patient.errors:
        names = ", ".join(target.name for target in patient.targets)
        yield ok("configuration", f"{files}: no errors; targets: {names}")


def _finding(found: ConfigError, *, is_error: bool) -> Finding:
    first, *lines = str(found).splitlines()
    text, _, remedy = first.rpartition(": ") if first.count(": ") > 2 else (first, "", "")
    words = (remedy, *lines) if text and remedy else tuple(lines)
    return (error if is_error else warning)("configuration", text or first, *words)


def ctlplugin(patient: Patient) -> Iterator[Finding]:
    """One plugin of supervisorctl that can't be loaded breaks every command of supervisorctl."""
    written = _sections(patient.main)
    known = [name for name in patient.conf.parser.sections() if name.startswith("ctlplugin:")]
    problems = [*_ignored(patient, known, written), *_broken(written)]
    yield from problems
    if not problems:
        yield ok("ctlplugin", f"{', '.join(f'[{name}]' for name in known) or 'none'}")


def _sections(file: str) -> dict[str, dict[str, str]]:
    """The plugins of the main file, as written: the only ones that supervisorctl looks at."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    try:
        parser.read(file)
    except (configparser.Error, ValueError):
        return {}
    return {name: dict(parser[name]) for name in parser.sections() if name.startswith("ctlplugin:")}


def _ignored(patient: Patient, known: list[str], written: dict[str, dict[str, str]]) -> Iterator[Finding]:
    for name in known:
        if name not in written:
            yield warning(
                "ctlplugin",
                f"[{name}] is in {patient.conf.file_of(name)}, which is included: supervisorctl ignores it "
                "there",
                f"move the section to {patient.main}",
            )


def _broken(written: dict[str, dict[str, str]]) -> Iterator[Finding]:
    for name, keys in written.items():
        named = [key for key, value in keys.items() if "%(here)s" in value]
        if named:
            yield error(
                "ctlplugin",
                f"[{name}] {named[0]} has %(here)s, which supervisorctl can't expand: no command of it works",
                "write the path out",
            )
        module = keys.get(FACTORY, "").partition(":")[0].strip()
        if not module:
            yield error("ctlplugin", f"[{name}] has no {FACTORY}: no command of supervisorctl works")
        elif not _exists(module):
            yield error(
                "ctlplugin",
                f"[{name}] wants the module {module}, which this Python can't find: no command of "
                "supervisorctl works where it is missing",
                f"install it where supervisorctl is, or take [{name}] out",
            )


def _exists(module: str) -> bool:
    """Whether there is such a module. Only the top package is looked for: no code of anybody's runs here."""
    top, *parts = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    if found is None or not parts:
        return found is not None
    folders = [Path(folder, *parts) for folder in found.submodule_search_locations or ()]
    return any(path.is_dir() or path.with_suffix(".py").is_file() for path in folders)


def secrets(patient: Patient) -> Iterator[Finding]:
    """Passwords in a file that every user of the machine may read."""
    found = [file for file in patient.conf.files if _is_open(file) and _has_secret(file)]
    for file in found:
        yield warning(
            "secrets",
            f"{file} has passwords or keys in it, and every user may read it",
            f"chmod o-rwx {file}",
        )
    if not found:
        yield ok("secrets", "no password in a configuration file that every user may read")


def _is_open(file: str) -> bool:
    try:
        return bool(Path(file).stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _has_secret(file: str) -> bool:
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(MOST)
    except OSError:
        return False
    lines = (line for line in text.splitlines() if not line.lstrip().startswith((";", "#")))
    return any(SECRET.search(line) or IN_URL.search(line) for line in lines)

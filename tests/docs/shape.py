"""What of an output is always the same: pids, times, digests and places are taken out of both sides."""

from __future__ import annotations

import re
from pathlib import Path

NAME = r"[\w.:-]+"
NAMES = rf"{NAME}(?:, {NAME})*"
DURATION = r"\d+ ms|\d+\.\d\d s"

WORDINGS = {
    "changed": rf"{NAMES}(?: and \d+ more)?"
    r"|the code that runs is not the code on disk|it is not known which code runs|the code on disk",
    "revision": r"[0-9a-f]{12}(?:\+[0-9a-f]{6})?",
    "newer": r"[0-9a-f]{12}(?:\+[0-9a-f]{6})?",
    "again": r"|, attempt \d+",
    "slot": rf"(?:{NAME})?(?:: )?",
    "slots": NAMES,
    "seconds": DURATION,
    "limit": DURATION,
    "signal": r"[A-Z0-9]+",
    "sign": r"index\.lock|a [\w-]+(?: or [\w-]+(?: \w+)?)?",
    "command": r"\S.*?",
    "pending": r"(?: \(.*?\))?",
    "in_flight": r"(?:, which cuts \d+ busy connections?)?",
    "reason": r"\S.*?",
    "outlook": rf"; (?:{NAMES} still serves|nothing is ready)"
    r"(?:\. Held: it is left alone until the files change|\. Trying again in [\d.]+ s \(\d+ of \d+\))?",
    "pid": r"\d+",
    "holder": r"(?:; \S+ is held by pid \d+ \(.*\), which is not a process of this supervisord)?",
    "last_words": "",
    "output": "",
    "keys": r"\w[\w, ]*",
    "remedy": r".*",
    "groups": NAMES,
    "group": NAME,
    "targets": NAMES,
    "waiting": r"(?: \(until then .* as before\))?",
    "verb": "added|updated|removed",
    "why": rf"(?:{NAMES} was stopped by hand|an operator said so)",
}
"""What may stand in each field of a line of the log."""

_SAME = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
    (r"\brollout \d+", "rollout N"),
    (r"\bpid \d+", "pid N"),
    (r"\b[0-9a-f]{12}\b", "REVISION"),
    (rf"\b(?:{DURATION}|\d+\.\d s)", "DURATION"),
    (r"compile with \S+", "compile with PYTHON"),
    (r"\d+ allowed", "N allowed"),
    (r"\b8000\b", "PORT"),
    (r"/home/me\b", "PLACE"),
)


def shape(text: str, place: Path | None = None, port: int | None = None) -> str:
    """The text with what changes from run to run replaced; ``place`` is what documents call /home/me."""
    if place is not None:
        text = text.replace(str(place), "/home/me")
    if port is not None:
        text = re.sub(rf"\b{port}\b", "8000", text)
    for pattern, word in _SAME:
        text = re.sub(pattern, word, text)
    return text

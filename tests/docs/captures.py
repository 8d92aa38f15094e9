"""Uses a real supervisord through tmux, as a person would, and writes every screen down.

``python -m tests.docs.captures`` writes docs/captures.md, and a picture for the README. Nothing in a screen
is made up; only the directory has another name.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supervisor_reload.showing import Unknown, show_status
from tests.integration.scene import LISTENER
from tests.integration.supervisord import Supervisord, free_port, short_directory

from .blocks import ROOT
from .scenarios import environment
from .tmux import WIDTH, Tmux

FILE = ROOT / "docs" / "captures.md"
IMAGE = ROOT / "docs" / "images" / "status-watch.svg"
SHOWN_AS = "/srv/shop"
SLOTS = 4
LIMIT = 60.0

CONFIGURATION = """
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s

[unix_http_server]
file=%(here)s/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{here}/s.sock

[ctlplugin:rollout]
supervisor.ctl_factory=supervisor_reload.ctlplugin:make_rollout_ctlplugin

[fcgi-program:web]
socket=tcp://127.0.0.1:{port}
command=python %(here)s/server.py
process_name=%(program_name)s_%(process_num)02d
numprocs={slots}
environment=PYTHONPATH="%(here)s/src"
autorestart=true

[reload:web]
watch=%(here)s/src
check=python
failure_limit=1
"""

SLOW = "import time\ntime.sleep({boot})\n"
"""A real application takes a while to import."""

BAD = "import shopping_cart\n"

HEAD = """# What it looks like

Every screen below is that of a terminal of 110 columns, typed into as a person would. A script wrote them
down: `python -m tests.docs.captures`. Nothing is made up; only the directory has another name. Four processes
serve one socket, each takes some time to boot, and one at a time is replaced (the configuration is in the
script).
"""


class Shop:
    """A service with its listener, and the file that is saved."""

    def __init__(self, directory: Path, supervisord: Supervisord, boot: float) -> None:
        self.directory, self.supervisord, self._boot = directory, supervisord, boot

    def save(self, text: str, more: str = "") -> None:
        """Save the code; it takes ``boot`` seconds to import."""
        save(self.directory, text, SLOW.format(boot=self._boot) + more)

    def web(self) -> Any:
        """What ``status --json`` tells of it now."""
        told = io.StringIO()
        try:
            show_status(str(self.supervisord.conf), ("web",), told, io.StringIO(), as_json=True)
            return json.loads(told.getvalue())["targets"][0]
        except (Unknown, IndexError):  # the listener has not written yet
            return {"revision": None}

    def wait_for(self, what: str, **keys: Any) -> Any:
        """Until its target has these values."""
        self.supervisord.wait_for(lambda: keys.items() <= self.web().items(), LIMIT, what)
        return self.web()


def save(directory: Path, text: str, more: str) -> None:
    """As an editor does."""
    new = directory / "src" / ".shop.py.tmp"
    new.write_text(f"TEXT = {text!r}\n{more}", encoding="utf-8")
    new.replace(directory / "src" / "shop.py")


@contextlib.contextmanager
def shop(slots: int, boot: float) -> Iterator[Shop]:
    """The service, all of it ready."""
    directory = short_directory()
    try:
        (directory / "src").mkdir()
        server = (ROOT / "tests" / "integration" / "app.py").read_text(encoding="utf-8")
        server = re.sub(r"import code_under_test as code .*", "import shop as code", server)
        (directory / "server.py").write_text(server, encoding="utf-8")
        save(directory, "one", SLOW.format(boot=boot))
        text = CONFIGURATION.format(here=directory, port=free_port(), slots=slots)
        with Supervisord(directory, text + LISTENER) as supervisord:
            one = Shop(directory, supervisord, boot)
            one.wait_for("all of them", condition="READY")
            yield one
    finally:
        shutil.rmtree(directory, ignore_errors=True)


Screens = dict[str, tuple[str, str]]
"""By heading: a sentence, and the screen."""


def captured(slots: int = SLOTS, boot: float = 0.6) -> Screens:
    """Every screen, in order."""
    screens: Screens = {}
    with shop(slots, boot) as one, Tmux(one.directory, environment()) as terminal:
        terminal.type(f"supervisorctl -c {one.supervisord.conf}")
        terminal.until("supervisorctl", lambda screen: screen.endswith("supervisor>"))
        for act in (rests, rolls, pauses, resumes, fails):
            for heading, (sentence, screen) in act(one, terminal, slots):
                screens[heading] = (sentence, screen.replace(str(one.directory), SHOWN_AS))
    return screens


Acts = Iterator[tuple[str, tuple[str, str]]]


def ask(terminal: Tmux, line: str, shows: str) -> str:
    """Type a line at the top of an empty screen; what is there when it has been answered."""
    terminal.clear()
    terminal.type(line)
    return terminal.until(line, lambda screen: shows in screen and screen.endswith("\nsupervisor>"))


def rests(one: Shop, terminal: Tmux, slots: int) -> Acts:
    """Nothing happens."""
    screen = ask(terminal, "rollout status", "READY")
    yield "Everything serves", ("In supervisorctl's shell. Every process runs the newest code.", screen)


def rolls(one: Shop, terminal: Tmux, slots: int) -> Acts:
    """A save, and what can be seen of it."""
    terminal.clear()
    terminal.type("rollout status --watch")
    terminal.until("the picture", lambda screen: "READY" in screen and "supervisor>" not in screen)
    one.save("two")
    half = f"{slots // 2} of {slots} ready"
    screen = terminal.until("half of it", lambda screen: half in screen and "waits for its probe" in screen)
    yield (
        "A file was saved",
        ("`--watch` draws it anew while it rolls. Half of the processes have the new code.", screen),
    )
    terminal.until("the end", lambda screen: screen.count("READY") == slots + 1 and "ROLLING" not in screen)
    terminal.press("C-c")
    screen = terminal.until("supervisorctl", lambda screen: screen.endswith("supervisor>"))
    yield "It is done", ("Ctrl-C ends it; the last view stays.", screen)


def pauses(one: Shop, terminal: Tmux, slots: int) -> Acts:
    """Saves that wait."""
    before = one.web()["revision"]
    ask(terminal, "rollout pause", "web: paused")
    for text in ("three", "four", "five"):
        one.save(text)
    one.supervisord.wait_for(lambda: one.web()["revision"] != before, LIMIT, "the saves")
    terminal.type("rollout status")
    screen = terminal.until("status", lambda screen: screen.count("supervisor>") == 3 and "PAUSED" in screen)
    yield "Paused", ("Three saves later: the code on disk is newer than what every process runs.", screen)


def resumes(one: Shop, terminal: Tmux, slots: int) -> Acts:
    """One rollout for all of them."""
    ask(terminal, "rollout resume", "web: resumed")
    terminal.type("rollout wait web")
    terminal.until("its end", lambda screen: " serves" in screen and screen.endswith("supervisor>"))
    terminal.type("rollout history")
    screen = terminal.until(
        "history", lambda screen: "complete" in screen and screen.count("supervisor>") == 4
    )
    yield "Resumed", ("What was saved meanwhile is one rollout.", screen)


def fails(one: Shop, terminal: Tmux, slots: int) -> Acts:
    """Code that does not start."""
    terminal.clear()
    one.save("six", BAD)
    one.wait_for("what comes of it", condition="HELD")
    screen = ask(terminal, "rollout why web", "shopping_cart")
    yield (
        "A bad save",
        ("The first process that got it did not start. The others were not touched, and serve on.", screen),
    )
    one.save("seven")
    ask(terminal, "rollout wait web", " serves")
    screen = ask(terminal, "rollout history", "halted")
    yield "The next good save", ("brings everything back.", screen)


def document(screens: Screens) -> str:
    """The page."""
    parts = [HEAD.strip()]
    for heading, (sentence, screen) in screens.items():
        parts.append(f"## {heading}\n\n{sentence}\n\n```text\n{screen}\n```")
    return "\n\n".join(parts) + "\n"


def picture(screen: str) -> str:
    """A screen as SVG, for the README."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(screen))
    svg = console.export_svg(title="supervisorctl: rollout status --watch", unique_id="watch")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is fetched to show it


def main() -> None:
    """Write the page anew, and the picture where rich is installed; takes about half a minute."""
    screens = captured()
    FILE.write_text(document(screens), encoding="utf-8")
    if IMAGE.parent.is_dir():
        with contextlib.suppress(ImportError):
            IMAGE.write_text(picture(screens["A file was saved"][1]), encoding="utf-8")


if __name__ == "__main__":
    main()

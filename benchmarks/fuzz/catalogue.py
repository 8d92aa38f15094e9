"""Every reader that is fuzzed, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .answers import Answers, RealAnswers
from .configurations import Configurations
from .events import Events
from .journals import Journals
from .reader import Reader
from .rpc import Rpc
from .words import Sockets, Words

READERS: Mapping[str, Callable[[], Reader]] = {
    "config": Configurations,
    "events": Events,
    "sd_notify": Words,
    "sd_notify-socket": Sockets,
    "http": Answers,
    "http-socket": RealAnswers,
    "rpc": Rpc,
    "journal": Journals,
}

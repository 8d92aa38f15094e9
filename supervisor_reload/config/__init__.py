"""The door to the configuration: supervisord.conf in, frozen settings out, or every error at once.

It changes nothing, imports no plugin of anybody, and talks to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor_reload.core.configuration import Configuration, GroupSettings
from supervisor_reload.core.errors import ConfigError
from supervisor_reload.core.model import LogFormat, Settings

from .contradictions import note_contradictions
from .find import find
from .findings import Findings
from .groups import groups_of
from .handovers import note_handovers
from .key import Key
from .keys import KEYS
from .leaving import note_ways_out
from .metrics import note_metrics
from .ownlistener import note_listener, own_listeners
from .pins import note_pins
from .rights import note_rights
from .sections import COMMON, OwnSection, own_sections
from .state import credentials, server_of, state_dir
from .supervisorconf import read_supervisorconf
from .targets import read_target
from .trust import note_trust

__all__ = ["KEYS", "Key", "Reading", "find", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reading of the configuration gave."""

    settings: Settings
    warnings: tuple[ConfigError, ...]
    """what works, but hardly as it was meant"""
    files: tuple[str, ...]
    """the main file and every included one"""
    server_url: str
    """where supervisord listens, as it tells its listeners in SUPERVISOR_SERVER_URL"""
    patterns: tuple[str, ...] = ()
    """absolute glob patterns of what ``[include]`` names"""
    groups: tuple[GroupSettings, ...] = ()
    own_group: str = ""
    """the group of our own listener"""

    @property
    def configuration(self) -> Configuration:
        """The same in the core's words."""
        return Configuration(
            settings=self.settings,
            groups=self.groups,
            own_group=self.own_group,
            server_url=self.server_url,
            files=self.files,
            patterns=self.patterns,
            warnings=tuple(map(str, self.warnings)),
        )


def read(path: str | None = None, text: str | None = None) -> Reading:
    """Read the configuration; ``text`` stands for what the main file is about to hold.

    Without a path: that of the supervisord that runs us, else the first on Supervisor's search path.
    Raises ConfigErrors with everything that is wrong.
    """
    findings = Findings()
    conf = read_supervisorconf(find(path), findings, text)
    listeners = own_listeners(conf)
    note_listener(conf, listeners, findings)
    common = OwnSection(conf, COMMON, findings)
    sections = own_sections(conf, findings)
    server = server_of(conf, listeners)
    url = server.url if server else ""
    targets = [target for section in sections if (target := read_target(section, url))]
    directory = state_dir(conf, common, server)
    username, password = credentials(conf, server, findings)
    settings = Settings(
        targets=tuple(target.settings for target in targets),
        config_file=conf.main,
        state_dir=directory,
        log_format=common.value("log_format", LogFormat),
        log_level=common.value("log_level", str),
        metrics=common.value("metrics", tuple),
        reload_config=common.value("reload_config", bool),
        username=username,
        password=password,
    )
    note_contradictions(conf, targets, directory, findings)
    note_ways_out(targets)
    note_handovers(conf, listeners, targets)
    note_pins(conf, common, directory, targets)
    note_rights(conf, listeners, targets)
    note_trust(conf, common, listeners, targets)
    note_metrics(common)
    findings.raise_errors()
    return Reading(
        settings=settings,
        warnings=tuple(findings.warnings),
        files=conf.files,
        server_url=url,
        patterns=conf.patterns,
        groups=groups_of(conf.processes),
        own_group=listeners[0].group if listeners else "",
    )

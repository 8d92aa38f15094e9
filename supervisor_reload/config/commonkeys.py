"""The part of the table of keys that holds for all targets; ``keys`` holds the whole."""

from __future__ import annotations

from functools import partial

from supervisor.datatypes import boolean

from supervisor_reload.core.model import LogFormat

from . import values
from .key import Key
from .metrics import addresses

COMMON_KEYS: tuple[Key, ...] = (
    Key(
        name="reload_config",
        default="false",
        convert=boolean,
        only_common=True,
        doc="When program sections of supervisord.conf change: do what supervisorctl update does, for just "
        "those groups, each drained first. Changes of our own sections are taken over in any case.",
    ),
    Key(
        name="state_dir",
        default="(supervisor_reload-IDENTIFIER beside supervisord's socket or pid file)",
        convert=str.strip,
        only_common=True,
        doc="Our own directory: what an interrupted update owes to processes; no watch may lie in it.",
    ),
    Key(
        name="log_format",
        default="text",
        convert=partial(values.one_of, LogFormat),
        only_common=True,
        doc="How a log line is written: text or json.",
    ),
    Key(
        name="log_level",
        default="info",
        convert=values.log_level,
        only_common=True,
        doc="The least important line that is written.",
    ),
    Key(
        name="metrics",
        default="none",
        convert=addresses,
        only_common=True,
        doc="Where numbers for Prometheus are published: http://127.0.0.1:PORT (loopback only), unix:///PATH "
        "(?mode=0660), textfile:///PATH.prom (for node_exporter); several with commas. Needs the extra "
        "[metrics].",
    ),
    Key(
        name="trust_writable",
        default="false",
        convert=boolean,
        only_common=True,
        doc="Whether a listener that is root runs commands, and reads configuration, that others can write.",
    ),
)

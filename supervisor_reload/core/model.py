"""The words that everything else is said in: states, phases, settings.

Nothing here decides or does anything; of ours it imports only words.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NewType

from .notifying import NotifySettings

Revision = NewType("Revision", str)
"""Short digest of the content of a target's watched files; equal content is an equal revision."""

LIGHT = "+"
"""In a revision: what follows is of the files of which the processes are only told by a signal."""

UNKNOWN = Revision("unknown")
"""What a process runs of which nobody can say on which code it was started; equal to no wanted revision."""

SlotName = NewType("SlotName", str)
"""A process as supervisord names it in its interfaces: always ``group:process``."""

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""what JSON can hold"""

Record = dict[str, Value]
"""What is kept in the journal under one key."""


class ProcessState(enum.Enum):
    """What supervisord says of a process (``supervisor.states.ProcessStates``, same names)."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"

    @property
    def has_process(self) -> bool:
        """Whether a process exists in this state."""
        return self in _WITH_PROCESS

    @property
    def is_up(self) -> bool:
        """Whether the process is meant to go on running."""
        return self in (ProcessState.STARTING, ProcessState.RUNNING)


_WITH_PROCESS = (ProcessState.STARTING, ProcessState.RUNNING, ProcessState.STOPPING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process as supervisord reported it at one moment."""

    name: SlotName
    state: ProcessState
    pid: int = 0
    """0 where there is none, or where the report did not say (a STARTING event does not)."""
    born: str = ""
    """what no other process of the same pid has: when the kernel started it; '' where that is not known"""
    started: float | None = None
    """monotonic seconds; None where nobody can tell"""
    detail: str = ""
    """supervisord's own words, such as the spawn error or the exit status."""


class Strategy(enum.Enum):
    """How a slot gets new code: a new process, or a signal to the one it has."""

    ROLLING = "rolling"
    SIGNAL = "signal"


class ObserverKind(enum.Enum):
    """Where file events come from."""

    AUTO = "auto"
    NATIVE = "native"
    POLLING = "polling"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """What a target watches. Paths are absolute, as configured (links are resolved by the edge)."""

    paths: tuple[str, ...]
    include: tuple[str, ...] = ()
    """gitignore patterns; empty means every file."""
    exclude: tuple[str, ...] = ()
    """gitignore patterns, added to the built-in ones."""
    gitignore: bool = True
    follow_symlinks: bool = False
    """whether links that lead out of the watched paths are followed: to files, and into directories"""
    observer: ObserverKind = ObserverKind.AUTO
    poll_interval: float = 1.0
    """seconds between two looks of the polling observer"""
    quiet_period: float = 0.05
    """seconds of silence that end a burst"""
    max_wait: float = 2.0
    """seconds after which a burst ends although it never went quiet"""
    git_wait: float = 30.0
    """seconds for which git at work may keep a burst open"""
    rescan_interval: float = 30.0
    """seconds between two looks at every watched file, whatever the events say; 0 for none"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """As whom a command of the operator's runs. It matters only where we are root."""

    user: int | None = None
    """uid, of the program's ``user=``; None: as we run"""
    trust_writable: bool = False
    """whether root runs it also where others can write it: the operator says so, or it is the interpreter of
    a program that runs as root itself"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRule:
    """One line of ``run_on``: a command that must succeed after certain files changed."""

    patterns: tuple[str, ...]
    """gitignore patterns, from each watched path down"""
    command: tuple[str, ...]
    """argv, run without a shell"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionSettings:
    """What a change of certain files means, where that is not "replace the processes"."""

    signal_on: tuple[str, ...] = ()
    """gitignore patterns: where only these changed, the processes get ``signal`` and go on"""
    ignore_on: tuple[str, ...] = ()
    """gitignore patterns: a change of these alone concerns no process"""
    run_on: tuple[RunRule, ...] = ()
    """in the order in which they are run, before the check"""
    run_timeout: float = 600.0
    """seconds for one command"""
    directory: str = ""
    """working directory of the commands: the program's, or where supervisord runs"""
    rights: Rights = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """What must pass before anything is touched. At most one of the two is set."""

    command: tuple[str, ...] = ()
    """argv, run without a shell"""
    python: str = ""
    """the program's own interpreter, for ``check=python``"""
    timeout: float = 60.0
    """seconds"""
    directory: str = ""
    """working directory of the command: the program's, or where supervisord runs"""
    rights: Rights = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """The operator's own commands around a rollout; argv, run without a shell; () for none."""

    before: tuple[str, ...] = ()
    """must succeed before anything is started or stopped"""
    after: tuple[str, ...] = ()
    """when it is complete"""
    on_failure: tuple[str, ...] = ()
    """when it did not come to that, or the code was refused"""
    timeout: float = 60.0
    """seconds for each"""
    directory: str = ""
    """working directory: the program's, or where supervisord runs"""
    rights: Rights = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadySettings:
    """How a new process shows that it may receive work."""

    scheme: str = "running"
    """key of the probe registry: running, accepting, tcp, http, unix, command, notify, message"""
    address: str = ""
    """the URL for tcp, http and unix, per slot, already expanded; for accepting the program's socket, if
    supervisord opens it; for notify where the word is heard"""
    command: tuple[str, ...] = ()
    """argv for command"""
    interval: float = 0.05
    """seconds between two attempts"""
    timeout: float = 60.0
    """seconds from the start of the process until it counts as failed"""
    min_ready: float = 0.0
    """seconds for which it must stay ready before it counts"""
    rights: Rights = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSettings:
    """How we know that the in-flight work of an old process is done."""

    scheme: str = "exit"
    """exit: the process ends when it is done; else a key of the drain registry: connections, http, command,
    message"""
    address: str = ""
    """the URL for http; per slot, already expanded"""
    command: tuple[str, ...] = ()
    """argv for command"""
    interval: float = 0.1
    """seconds between two looks"""
    rights: Rights = Rights()

    @property
    def is_measured(self) -> bool:
        """Whether the work is looked at from outside, before the stop signal is sent."""
        return self.scheme != "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSettings:
    """What the configuration says of one process of a target."""

    name: SlotName
    startsecs: float = 1.0
    """seconds, the program's own key"""
    ready: ReadySettings = ReadySettings()
    drain: DrainSettings = DrainSettings()
    notify_socket: str = ""
    """where the process sends its sd_notify datagrams: a path, or ``@name`` (abstract); '' for nowhere"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSettings:
    """One ``[reload:NAME]`` section, complete: what runs the code, and how it is replaced."""

    name: str
    slots: tuple[SlotSettings, ...]
    """in the order in which they are replaced"""
    watch: WatchSettings
    check: CheckSettings = CheckSettings()
    reactions: ReactionSettings = ReactionSettings()
    hooks: HookSettings = HookSettings()
    notify: NotifySettings = field(default_factory=NotifySettings)
    strategy: Strategy = Strategy.ROLLING
    signal: str = "HUP"
    """for ``strategy=signal`` and ``signal_on``, without SIG"""
    stop_signal: str = "TERM"
    """the graceful signal of a slot that is replaced in place, without SIG"""
    quiesce_signal: str = ""
    """asks a process to take no new work, before the stop signal; '' for none, without SIG"""
    lame_duck: float = 0.0
    """seconds after the quiesce signal for others to notice"""
    replicas: int = 1
    max_surge: int = 0
    max_unavailable: int = 1
    drain_timeout: float = 10.0
    """seconds for in-flight work: with drain=exit after the stop signal, else before it"""
    stop_timeout: float = 10.0
    """seconds, the program's stopwaitsecs: then supervisord kills"""
    failure_limit: int = 3
    min_interval: float = 0.0
    """seconds between the beginnings of two rollouts"""
    max_per_hour: int = 0
    """rollouts; 0 is no limit"""

    @property
    def has_spare(self) -> bool:
        """Whether new processes come up beside old ones, instead of in their place."""
        return self.strategy is Strategy.ROLLING and self.max_surge > 0


class LogFormat(enum.Enum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the configuration says to us."""

    targets: tuple[TargetSettings, ...]
    config_file: str = ""
    state_dir: str = ""
    log_format: LogFormat = LogFormat.TEXT
    log_level: str = "info"
    metrics: tuple[str, ...] = ()
    """where our numbers are published: addresses as ``publication`` reads them"""
    reload_config: bool = False
    """whether a change of program sections becomes supervisord's own reread and update"""
    username: str = ""
    password: str = ""

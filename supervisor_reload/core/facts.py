"""What happened, in the past tense: the only thing that enters the one inbox. Facts are immutable."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from .configfacts import (
    ConfigurationRead,
    ConfigurationRefused,
    GroupRefused,
    GroupReplaced,
    GroupsChanged,
    GroupsCompared,
    RereadRefused,
)
from .model import Process, Revision, SlotName, TargetSettings
from .requests import Requested


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessChanged:
    """supervisord's event said that a process changed. A hint: events come late, twice or never."""

    name: SlotName
    exited_pid: int = 0
    """the process that ended by itself or by a signal (EXITED), though another may be up by now"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessObserved:
    """supervisord was asked, and told the state of one process."""

    process: Process


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessesObserved:
    """supervisord listed all its processes: the whole truth at one moment."""

    processes: tuple[Process, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExited:
    """The kernel told that a process ended; supervisord may not know it yet."""

    name: SlotName
    pid: int


class ChangeKind(enum.Enum):
    """What a file event said, as far as it matters."""

    WRITING = "writing"
    """created empty, or written to, and not closed yet: its content may be half"""
    SETTLED = "settled"
    """closed after writing, moved, or deleted"""
    RESCAN = "rescan"
    """something below this directory changed, and what is not known"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanged:
    """A watched file's event. A hint: only the revision tells whether the content changed."""

    target: str
    path: str
    """absolute; may hold any character but NUL (bytes that are not UTF-8 as surrogate escapes)"""
    kind: ChangeKind
    is_polled: bool = field(default=False, compare=False)
    """found by polling: whatever was written since that look is not told yet"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionComputed:
    """The content of a target's files was read."""

    target: str
    revision: Revision
    changed: tuple[str, ...] = ()
    """absolute paths whose content differs from the reading before, sorted"""
    rules: tuple[int, ...] = ()
    """positions in ``run_on`` of the rules that name one of them, sorted"""
    mark: str = ""
    """Names this content, also that of ``ignore_on``. The first reading after our death tells as ``changed``
    what differs from the one that the journal names by it."""
    written: float | None = None
    """With the first reading: when the newest file changed (monotonic seconds), where that can be known"""
    full: bool = False
    """everything was looked at, not only what hints named"""
    final: bool = True
    """False for an early reading, inside a burst that goes on"""
    counted: tuple[int, int] | None = field(default=None, compare=False)
    """how many files and directories are watched, where everything was looked at"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionFailed:
    """The content could not be read (permission, I/O); it is tried again."""

    target: str
    reason: str
    final: bool = True
    """False for an early reading, inside a burst that goes on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPassed:
    """The check let a revision through."""

    target: str
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed:
    """The check refused a revision."""

    target: str
    revision: Revision
    reason: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSucceeded:
    """A command of ``run_on`` did what it is for."""

    target: str
    rule: int
    """its position in ``run_on``"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFailed:
    """A command of ``run_on`` failed, or took too long."""

    target: str
    rule: int
    reason: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSucceeded:
    """What must be done before a rollout was done."""

    target: str
    rollout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailed:
    """What must be done before a rollout failed, or took too long."""

    target: str
    rollout: int
    reason: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePassed:
    """A readiness probe of this very process succeeded."""

    name: SlotName
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFailed:
    """A readiness probe did not succeed yet; the newest detail explains a later timeout."""

    name: SlotName
    pid: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDrained:
    """The in-flight work of this very process is done."""

    name: SlotName
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPending:
    """The process has work in hand, or nobody can tell; the newest detail explains a later timeout."""

    name: SlotName
    pid: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """supervisord answered an order about a process with a fault."""

    name: SlotName
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSent:
    """supervisord passed our signal on: this very process got it."""

    name: SlotName
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFailed:
    """The journal can't be written (a full disk, a permission): what we intend would die with us."""

    reason: str
    is_dire: bool = False
    """what was reserved for the rollout in hand is nearly used up, too"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalMended:
    """The journal is written again, with all that is known now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHeld:
    """git is (or is no longer) at work in a watched tree: it holds its index lock, or is rebasing."""

    target: str
    held: bool
    sign: str = "index.lock"
    """by what it is seen: ``index.lock``, or such as ``a rebase``"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """supervisord's TICK: time to compare what is believed with what is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorStopping:
    """supervisord shuts down or restarts: no order may be given any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerClosed:
    """Our stdin ended, or we were told to leave: the listener's life is over."""

    reason: str
    is_expected: bool = True
    """False where supervisord should start us again"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBy:
    """A fact about files, from eyes that were opened while we run; it counts while their rules do."""

    settings: TargetSettings
    fact: FileChanged | GitHeld | RevisionComputed | RevisionFailed


Fact = (
    ProcessChanged
    | ProcessObserved
    | ProcessesObserved
    | ProcessExited
    | FileChanged
    | RevisionComputed
    | RevisionFailed
    | CheckPassed
    | CheckFailed
    | CommandSucceeded
    | CommandFailed
    | HookSucceeded
    | HookFailed
    | ProbePassed
    | ProbeFailed
    | WorkDrained
    | WorkPending
    | OrderRefused
    | SignalSent
    | JournalFailed
    | JournalMended
    | GitHeld
    | Ticked
    | SupervisorStopping
    | ListenerClosed
    | GroupsChanged
    | ConfigurationRead
    | ConfigurationRefused
    | GroupsCompared
    | RereadRefused
    | GroupReplaced
    | GroupRefused
    | SeenBy
    | Requested
)

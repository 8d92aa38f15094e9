"""What shall be done, in the imperative: the only thing that leaves the core. Orders are immutable."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Revision, Settings, SlotName, TargetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One line of a rollout's story, for the observers: a constant message with its values."""

    target: str
    event: str
    """constant, such as ``rollout began`` or ``slot ready``"""
    rollout: int = 0
    level: str = "info"
    values: dict[str, object] = field(default_factory=dict)
    last_words_of: SlotName | None = None
    """whose last lines of stderr belong to it, as the value ``last_words``"""
    in_flight_of: tuple[SlotName, int] | None = None
    """which process's busy connections belong to it, as the value ``in_flight`` (None: can't tell)"""
    holder_of: tuple[SlotName, str] | None = None
    """whose failure a stranger on its address may explain, and that address as far as it is known ('' where
    not); as the value ``holder``, a sentence"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProcess:
    """Ask supervisord to start the slot's process (``wait=False``)."""

    name: SlotName


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProcess:
    """Ask supervisord to stop the slot's process (``wait=False``)."""

    name: SlotName


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalProcess:
    """Ask supervisord to send a signal to the slot's process."""

    name: SlotName
    pid: int
    signal: str
    """without SIG"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginProbing:
    """Probe this process for readiness, again and again, until EndProbing comes."""

    name: SlotName
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndProbing:
    """Stop probing this slot."""

    name: SlotName


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginDraining:
    """Look at this process's in-flight work, again and again, until EndDraining comes."""

    name: SlotName
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDraining:
    """Stop looking at this slot's work."""

    name: SlotName


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeRevision:
    """Read the files named by the hints, or all of them (``full``), and tell the revision."""

    target: str
    hints: tuple[str, ...] = ()
    full: bool = False
    final: bool = True
    since: float | None = None
    """Tell as changed, too, what came to be what it is after this moment (monotonic seconds)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheck:
    """Run the target's check for a revision."""

    target: str
    revision: Revision
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCheck:
    """End the check that is running for a target; its code is no longer on disk."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """Run a command of the target's ``run_on`` for a revision."""

    target: str
    rule: int
    """its position in ``run_on``"""
    revision: Revision
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHook:
    """Do what must be done before a rollout; HookSucceeded or HookFailed follows."""

    target: str
    rollout: int
    revision: Revision
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelHook:
    """End what is done before a rollout; nothing is to be heard of it any more."""

    target: str
    rollout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskGit:
    """Find out whether git is still at work in the target's trees."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Tell the observers one line of the story."""

    story: Story


@dataclass(frozen=True, slots=True, kw_only=True)
class RereadConfiguration:
    """Have supervisord read its configuration again and tell what differs; it touches no process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceGroup:
    """Remove an empty group from supervisord and add it as it is configured now, as one step."""

    group: str
    remove: bool = True
    add: bool = True
    start: tuple[SlotName, ...] = ()
    """processes to start afterwards, which supervisord would not start by itself"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareEyes:
    """Watch a target as these settings say, beside those that still hold, and read all its files once."""

    settings: TargetSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DropEyes:
    """Take back a PrepareEyes: it is no longer wanted."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """From now on these settings hold; what no target needs any more is closed."""

    settings: Settings
    targets: tuple[str, ...] = ()
    """those that are new, or whose settings changed"""


Order = (
    StartProcess
    | StopProcess
    | SignalProcess
    | BeginProbing
    | EndProbing
    | BeginDraining
    | EndDraining
    | ComputeRevision
    | RunCheck
    | CancelCheck
    | RunCommand
    | RunHook
    | CancelHook
    | AskGit
    | Tell
    | RereadConfiguration
    | ReplaceGroup
    | PrepareEyes
    | DropEyes
    | TakeOver
)

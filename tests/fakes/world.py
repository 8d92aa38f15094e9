"""A whole world around the real engine and core: files, supervisord, probes and time, all in memory.

Deterministic and without threads: facts lie in a heap until their time has come, and a test may lose,
double or delay those that the outside world may lose, double or delay.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from supervisor_reload.core.adoption import SLACK
from supervisor_reload.core.coordinator import Coordinator
from supervisor_reload.core.facts import (
    ChangeKind,
    Fact,
    FileChanged,
    GitHeld,
    ProbeFailed,
    ProbePassed,
    ProcessChanged,
    ProcessExited,
    RevisionComputed,
    Ticked,
    WorkDrained,
    WorkPending,
)
from supervisor_reload.core.model import (
    CheckSettings,
    DrainSettings,
    ProcessState,
    ReadySettings,
    Revision,
    SlotName,
    SlotSettings,
    Strategy,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.orders import Story
from supervisor_reload.core.phase import Phase
from supervisor_reload.core.recall import Recollection
from supervisor_reload.engine import Engine, Inbox
from supervisor_reload.outside import Outside

from .journal import FakeJournal, Killed
from .ports import Checks, Commands, Draining, Exits, Hooks, Probing, Recorded
from .supervisord import Boot, FakeClock, FakeSupervisord, Program


@dataclass(frozen=True, kw_only=True)
class Code:
    """What lies on disk: its revision, whether the check passes, and how a process that boots it behaves."""

    revision: str
    passes: bool = True
    boot: Boot = field(default_factory=Boot)


def web(
    numprocs: int = 2,
    *,
    replicas: int = 1,
    max_surge: int = 1,
    max_unavailable: int = 1,
    check: bool = False,
    scheme: str = "http",
    ready_timeout: float = 5.0,
    drain: str = "exit",
    **changes: object,
) -> TargetSettings:
    """Settings of a target ``web`` with slots web:web_00 ..."""
    ready = ReadySettings(scheme=scheme, timeout=ready_timeout)
    slots = tuple(
        SlotSettings(name=SlotName(f"web:web_{number:02d}"), ready=ready, drain=DrainSettings(scheme=drain))
        for number in range(numprocs)
    )
    return TargetSettings(
        name="web",
        slots=slots,
        watch=WatchSettings(paths=("/app",)),
        check=CheckSettings(command=("true",)) if check else CheckSettings(),
        replicas=replicas,
        max_surge=max_surge,
        max_unavailable=max_unavailable,
        **changes,  # type: ignore[arg-type]
    )


@dataclass
class World:
    """The engine under test and everything around it."""

    settings: TargetSettings
    code: Code = field(default_factory=lambda: Code(revision="r0"))
    autorestart: str = "true"
    lose_events: bool = False
    lose_exits: bool = False
    lose_file_events: bool = False

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        slots = self.settings.slots
        self.supervisor = FakeSupervisord(
            self.clock,
            [
                Program(
                    name=slot.name,
                    boot=lambda: self.code.boot,
                    startsecs=slot.startsecs,
                    stopwaitsecs=self.settings.stop_timeout,
                    autorestart=self.autorestart,
                )
                for slot in slots
            ],
        )
        self.supervisor.on_change = self._on_change
        self.supervisor.on_exit = self._on_exit
        self.stories: list[Story] = []
        self.orders: list[tuple[str, SlotName]] = []
        self.on_order: Callable[[str, SlotName], None] = lambda verb, name: None
        self.after_order: Callable[[], None] = lambda: None
        """called once supervisord has done it, before its answer comes; may raise Killed"""
        self.git_held = False
        self.check_seconds = 0.02
        self.commands: list[tuple[int, float, bool]] = []
        """the rules of run_on whose command was run, when it began, and whether it will succeed"""
        self.command_seconds = 0.02
        self.command_succeeds = True
        self.hooks: list[tuple[int, str]] = []
        """for which rollouts, of which revisions, before_rollout was run"""
        self.cancelled_hooks: list[int] = []
        self.hook_seconds = 0.02
        self.hook_succeeds = True
        self._due: list[tuple[float, int, Fact]] = []
        self._number = itertools.count()
        self._probing: dict[SlotName, int] = {}
        self._draining: dict[SlotName, int] = {}
        self.busy: dict[SlotName, float | None] = {}
        """when the work in hand of a slot's process will be done; None is never"""
        self.saves: Counter[int] = Counter()
        """of files that a rule of run_on names"""
        self._marks: dict[str, tuple[str, Counter[int]]] = {"": ("", Counter())}
        """the content of each final reading"""
        self.untold: set[object] = set()
        """pids that a listener was about to stop when it was killed: their drain was over"""
        self._mark = ""
        self.saved_at = 0.0
        self.saved_for: dict[int, float] = {}
        """when a file was saved that a rule of run_on names"""
        self.down_until: float | None = None
        """the listener was killed, and is started again then"""
        self.down_for = 0.05
        self.journal = FakeJournal()
        self.start_listener()

    def start_listener(self, past: Recollection | None = None) -> None:
        """A new listener, which knows nothing, or what the one before left behind."""
        past = past or Recollection()
        self._due.clear()
        self._probing.clear()
        self._draining.clear()
        outside = Outside(
            supervisor=Recorded(self),
            sources=self,
            watch=self,
            checks=Checks(self),
            commands=Commands(self),
            hooks=Hooks(self),
            probing=Probing(self),
            draining=Draining(self),
            exits=Exits(self),
            observers=(self.stories.append,),
            clock=self.clock,
            journal=self.journal,
            wall=lambda: 1_700_000_000.0 + self.clock(),
        )
        self.journal.is_failing, self.journal.is_dire, self.journal.lost = False, False, {}
        self.journal.put = lambda fact: self.put(fact, 0.0)
        self.core = Coordinator([self.settings], past=past, now=self.clock())
        self.engine = Engine(self.core, Inbox(), outside, kept=past.records)
        self.put(Ticked(), 0.0)

    def restart_listener(self) -> None:
        """The listener was killed, and supervisord started it again."""
        self.down_until = None
        self._mark = str(self.journal.found().get("target web", {}).get("mark", ""))
        past = self.past()
        for record in past.records.values():
            if record.get("phase") == Phase.STOPPING.value or record.get("is_drained"):
                self.untold.add(record.get("pid"))
        self.start_listener(past)

    def past(self, lines: int | None = None) -> Recollection:
        """What the journal says after so many lines."""
        return Recollection(records=self.journal.found(lines), is_same_life=True)

    @property
    def target(self):  # type: ignore[no-untyped-def]
        return self.core.targets["web"]

    # -- what happens

    def save(
        self,
        revision: str,
        *,
        passes: bool = True,
        boot: Boot | None = None,
        name: str = "app.py",
        rules: tuple[int, ...] = (),
    ) -> None:
        """Somebody saves a file, one that these rules of run_on name."""
        self.saves.update(rules)
        self.saved_at = self.clock.now
        self.saved_for.update(dict.fromkeys(rules, self.clock.now))
        self.code = Code(revision=revision, passes=passes, boot=boot or Boot())
        self.touch(name)

    def touch(self, name: str = "app.py", kind: ChangeKind = ChangeKind.SETTLED) -> None:
        """A file event."""
        if not self.lose_file_events:
            self.put(FileChanged(target="web", path=f"/app/{name}", kind=kind), 0.001)

    def advance(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass, and everything happen that it brings."""
        end = self.clock.now + seconds
        while True:
            self.turn()
            at = min([t for t in self._times() if t is not None] + [end, self.clock.now + step])
            if at >= end and self.clock.now >= end:
                return
            self.clock.now = max(self.clock.now + 1e-6, min(at, end))
            self.supervisor.settle()
            self._probe()
            if self.clock.now - self._ticked >= 5 and self.down_until is None:
                self.put(Ticked(), 0.0)

    _ticked = _probed_at = 0.0

    def turn(self) -> None:
        """One turn of the engine with the facts that are due; it may be killed in it."""
        if self.down_until is not None:
            if self.clock.now < self.down_until:
                return
            self.restart_listener()
        try:
            self._turn()
        except Killed:
            self.kill_listener()

    def kill_listener(self) -> None:
        """It dies, with everything that it knows; supervisord will start it again."""
        self.down_until = self.clock.now + self.down_for
        self.journal.before = self.journal.after = self.after_order = lambda: None
        self._due.clear()
        self._probing.clear()
        self._draining.clear()

    def _turn(self) -> None:
        facts = []
        while self._due and self._due[0][0] <= self.clock.now:
            fact = heapq.heappop(self._due)[2]
            if isinstance(fact, Ticked):
                self._ticked = self.clock.now
            facts.append(fact)
        assert self.engine.turn(facts) is None

    def put(self, fact: Fact, delay: float = 0.001) -> None:
        """A fact comes soon, if there is somebody to hear it."""
        if self.down_until is not None:
            return
        heapq.heappush(self._due, (self.clock.now + delay, next(self._number), fact))

    def _times(self) -> list[float | None]:
        if self.down_until is not None:
            return [self.down_until, self.supervisor.next_event_at()]
        return [
            self.engine.wakes_at(self.clock.now),
            self.supervisor.next_event_at(),
            self._due[0][0] if self._due else None,
            self._probed_at + 0.05 if self._probing or self._draining else None,
        ]

    def _on_change(self, name: SlotName) -> None:
        if not self.lose_events:
            program = self.supervisor.programs.get(name)
            exited = program.ended_pid if program and program.state is ProcessState.EXITED else 0
            self.put(ProcessChanged(name=name, exited_pid=exited), 0.3)

    def _on_exit(self, name: SlotName, pid: int) -> None:
        if not self.lose_exits:
            self.put(ProcessExited(name=name, pid=pid), 0.001)

    def _probe(self) -> None:
        if self.clock.now < self._probed_at + 0.05:
            return
        self._probed_at = self.clock.now
        for name, pid in self._probing.items():
            program = self.supervisor.programs[name]
            if program.pid == pid and program.is_ready(self.clock.now):
                self.put(ProbePassed(name=name, pid=pid), 0.001)
            else:
                self.put(ProbeFailed(name=name, pid=pid, detail="HTTP status 503"), 0.001)

        for name, pid in self._draining.items():
            program = self.supervisor.programs[name]
            if program.pid == pid and self.in_flight(name):
                self.put(WorkPending(name=name, pid=pid, detail="1 busy connection"), 0.001)
            else:
                self.put(WorkDrained(name=name, pid=pid), 0.001)

    def in_flight(self, name: SlotName) -> int:
        """How many connections of a slot are busy."""
        done_at = self.busy.get(name, 0.0)
        return int(done_at is None or done_at > self.clock.now)

    # -- the ports Sources and Watch

    def compute(
        self, target: str, hints: tuple[str, ...], *, full: bool, final: bool, since: float | None = None
    ) -> None:
        revision, saves = self._marks[self._mark]
        if not self._mark:  # nobody knows of a reading before
            revision, saves = self.code.revision, self.saves
        rules = tuple(rule for rule in sorted(self.saves) if self.saves[rule] > saves[rule])
        is_changed = self.code.revision != revision or bool(rules)
        if since is not None:
            since -= SLACK
            rules = tuple({*rules, *(rule for rule, at in self.saved_for.items() if at > since)})
            is_changed |= self.saved_at > since
        changed = ("/app/app.py",) if is_changed else ()
        if final:
            self._mark = f"m{len(self._marks)}"
            self._marks[self._mark] = self.code.revision, self.saves.copy()
        fact = RevisionComputed(
            target=target,
            revision=Revision(self.code.revision),
            changed=changed,
            rules=rules,
            mark=self._mark,
            written=self.saved_at,
            full=full,
            final=final,
        )
        self.put(fact, 0.004)

    def ask_git(self, target: str) -> None:
        self.put(GitHeld(target=target, held=self.git_held), 0.001)

    def discard_stale_bytecode(self, target: str) -> None:
        pass

    def tick(self) -> None:
        pass

    def close(self) -> None:
        pass

    # -- what is asked of it

    def states(self) -> list[ProcessState]:
        return [program.state for program in self.supervisor.programs.values()]

    def ready(self) -> list[SlotName]:
        """The slots whose process really answers."""
        return [
            n for n, p in self.supervisor.programs.items() if p.state.is_up and p.is_ready(self.clock.now)
        ]

    def events(self) -> list[str]:
        """What the story told so far."""
        return [story.event for story in self.stories]

    def story(self, event: str) -> Story:
        """The newest story of this event."""
        return next(story for story in reversed(self.stories) if story.event == event)


def settled(world: World) -> World:
    """The world once supervisord has started everything and the listener has come to rest."""
    world.supervisor.boot_all()
    world.advance(6)
    world.orders.clear()
    world.stories.clear()
    return world


SIGNAL = Strategy.SIGNAL

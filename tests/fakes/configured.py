"""A world whose configuration is edited while everything runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from supervisor_reload.core.configfacts import (
    ConfigurationRead,
    ConfigurationRefused,
)
from supervisor_reload.core.configuration import Configuration, GroupSettings, group_of
from supervisor_reload.core.coordinator import Coordinator
from supervisor_reload.core.facts import (
    ChangeKind,
    FileChanged,
    RevisionComputed,
    SeenBy,
    Ticked,
)
from supervisor_reload.core.model import (
    Revision,
    Settings,
    SlotName,
    SlotSettings,
    TargetSettings,
    WatchSettings,
)
from supervisor_reload.core.recall import Recollection
from supervisor_reload.engine import Engine, Inbox
from supervisor_reload.surroundings import Eyes, Hands

from .ports import Checks, Commands, Draining, Hooks, Probing
from .supervisord import Program
from .world import World, settled, web


@dataclass
class ConfiguredWorld(World):
    """The same, and what its files say."""

    reload_config: bool = False
    own_group: str = "reload"
    built: list[str] = field(default_factory=list)
    """what new settings made, and what was closed"""
    reading_seconds: float = 0.02
    open: list[TargetSettings] = field(default_factory=list)
    """by what settings other eyes than the first look now"""

    def start_listener(self, past: Recollection | None = None) -> None:
        """A new listener, and the first reading of the files."""
        past = past or Recollection()
        super().start_listener(past)
        self.configuration = self.configured(self.settings)
        self.core = Coordinator([self.settings], self.configuration, past, self.clock())
        self.engine = Engine(self.core, Inbox(), self.engine._outside, Building(self), past.records)
        self.put(Ticked(), 0.0)
        self.put(ConfigurationRead(configuration=self.configuration), 0.1)

    def configured(self, *targets: TargetSettings, **changes: object) -> Configuration:
        """A configuration with these targets, and the groups that supervisord has configured."""
        known = self.supervisor.configured or self.supervisor.groups()
        groups = tuple(
            GroupSettings(
                name=name,
                processes=tuple(program.name for program in programs),
                autostart=tuple(program.name for program in programs if program.autostart),
            )
            for name, programs in known.items()
        )
        settings = Settings(targets=targets, reload_config=self.reload_config)
        settings = replace(settings, **changes)  # type: ignore[arg-type]
        return Configuration(settings=settings, groups=groups, own_group=self.own_group)

    def edit(self, *targets: TargetSettings, warnings: tuple[str, ...] = (), **changes: object) -> None:
        """Save a good configuration."""
        self.configuration = replace(self.configured(*targets, **changes), warnings=warnings)
        self.put(ConfigurationRead(configuration=self.configuration))

    def spoil(self, *errors: str) -> None:
        """Save one that can't be used."""
        self.put(ConfigurationRefused(errors=errors))

    def configure(self, *names: str, keep: tuple[str, ...] = (), **changes: object) -> None:
        """Write these processes' program sections anew; those of the groups in ``keep`` stay as they run."""
        configured = {name: programs for name, programs in self.supervisor.groups().items() if name in keep}
        for name in names:
            program = Program(name=SlotName(name), boot=lambda: self.code.boot, **changes)  # type: ignore[arg-type]
            configured.setdefault(group_of(program.name), []).append(program)
        self.supervisor.configured = configured

    def touch(self, name: str = "app.py", kind: ChangeKind = ChangeKind.SETTLED) -> None:
        """A file event, seen by all eyes that are open."""
        super().touch(name, kind)
        for settings in self.open:
            event = FileChanged(target="web", path=f"/app/{name}", kind=kind)
            self.put(SeenBy(settings=settings, fact=event), 0.001)

    @property
    def remembered(self) -> tuple[SlotName, ...]:
        """What the journal says that we owe a start."""
        return tuple(self.journal.found().get("owed", {}).get("names", ()))


class Building:
    """The port ``Build``: each new pair of eyes calls the same code by another revision."""

    def __init__(self, world: ConfiguredWorld) -> None:
        self._world = world

    def eyes(self, targets: tuple[TargetSettings, ...], by: TargetSettings | None = None) -> Eyes:
        made = NewEyes(self._world, f"eyes {'+'.join(target.name for target in targets)}", by)
        self._world.built.append(made.name)
        return Eyes(sources=made, watch=made)

    def hands(self, targets: tuple[TargetSettings, ...]) -> Hands:
        self._world.built.append(f"hands {'+'.join(target.name for target in targets)}")
        world = self._world
        return Hands(
            checks=Checks(world),
            commands=Commands(world),
            hooks=Hooks(world),
            probing=Probing(world),
            draining=Draining(world),
        )

    def settle(self, settings: Settings) -> None:
        self._world.built.append(f"log {settings.log_level}")


class NewEyes:
    """Watches and reads as the world does, but by rules of its own."""

    def __init__(self, world: ConfiguredWorld, name: str, by: TargetSettings | None) -> None:
        self._world = world
        self.name = name
        self._by = by
        self.is_open = True
        if by is not None:
            world.open.append(by)
        self._mark = f"~{len(world.built)}"
        self._read = ""
        self.ask_git = world.ask_git
        self.discard_stale_bytecode = world.discard_stale_bytecode
        self.tick = world.tick

    def compute(
        self, target: str, hints: tuple[str, ...], *, full: bool, final: bool, since: float | None = None
    ) -> None:
        revision = self._world.code.revision + self._mark
        changed = () if self._read in ("", revision) else ("/app/app.py",)
        if final:
            self._read = revision
        fact = RevisionComputed(target=target, revision=Revision(revision), changed=changed, final=final)
        seen = fact if self._by is None else SeenBy(settings=self._by, fact=fact)
        self._world.put(seen, self._world.reading_seconds)

    def close(self) -> None:
        closed = f"closed {self.name}"
        if self.is_open and self._by is not None:
            self._world.open.remove(self._by)
        if self.is_open:
            self._world.built.append(closed)
        self.is_open = False


JOB = SlotName("job:job")


def other(name: str, *slots: str) -> TargetSettings:
    """Settings of another target, with everything by default."""
    return TargetSettings(
        name=name,
        slots=tuple(SlotSettings(name=SlotName(slot)) for slot in slots),
        watch=WatchSettings(paths=("/other",)),
    )


def world_of(settings: TargetSettings | None = None, **changes: object) -> ConfiguredWorld:
    """At rest, after its first reading."""
    world = ConfiguredWorld(settings or web(), **changes)  # type: ignore[arg-type]
    settled(world)
    return world


def with_job(**changes: object) -> ConfiguredWorld:
    """Beside web a program that is no target."""
    world = ConfiguredWorld(web(), **changes)  # type: ignore[arg-type]
    world.supervisor.programs[JOB] = Program(name=JOB, boot=lambda: world.code.boot)
    world.start_listener()
    settled(world)
    return world

"""The one table of everything that is measured. docs/metrics.md is compared with it; it measures nothing.

Every label has a closed set of values, or is the name of a target: no path, pid or text of others is one.
Only ``revision`` has an open set, and of it there is one value for each target at a time.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ...core.condition import Condition
from ...core.trigger import Trigger

PREFIX = "supervisor_reload_"

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of the histograms: from a swap of a small program to a long drain."""

OUTCOMES = ("complete", "halted", "refused", "aborted", "withdrawn", "superseded")
"""how a rollout can end: the word of its event in the story"""

DECISIVE = ("complete", "halted", "refused", "aborted")
"""the ends that say whether the code came through; a rollout that is superseded has a successor that will"""

TRIGGERS = tuple(trigger.value for trigger in Trigger)
CONDITIONS = tuple(condition.value for condition in Condition)
CHECKERS = ("check", "run_on")
PHASES = ("check", "run_on", "before_rollout", "boot", "drain", "stop")
WAYS = ("finished", "stopped", "killed")


class Kind(enum.Enum):
    """What a metric is (Prometheus' types)."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One metric."""

    short_name: str
    """without the prefix that all have"""
    kind: Kind
    doc: str
    labels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """every value of the label behind ``target``, where that is a closed set"""

    @property
    def name(self) -> str:
        """As it is exposed; of a histogram without ``_bucket``, ``_sum`` and ``_count``."""
        return PREFIX + self.short_name

    @property
    def is_of_target(self) -> bool:
        """Whether each target has series of its own."""
        return self.labels[:1] == ("target",)


def _of_target(name: str, kind: Kind, doc: str, label: str = "", values: tuple[str, ...] = ()) -> Definition:
    labels = ("target", label) if label else ("target",)
    return Definition(short_name=name, kind=kind, doc=doc, labels=labels, values=values)


def _counter(name: str, doc: str, label: str = "", values: tuple[str, ...] = ()) -> Definition:
    return _of_target(name, Kind.COUNTER, doc, label, values)


def _gauge(name: str, doc: str, label: str = "", values: tuple[str, ...] = ()) -> Definition:
    return _of_target(name, Kind.GAUGE, doc, label, values)


def _histogram(name: str, doc: str, label: str = "", values: tuple[str, ...] = ()) -> Definition:
    return _of_target(name, Kind.HISTOGRAM, doc, label, values)


def _own(name: str, doc: str, *labels: str) -> Definition:
    return Definition(short_name=name, kind=Kind.GAUGE, doc=doc, labels=labels)


ROLLOUTS = _counter("rollouts_total", "Rollouts that ended, by how they did.", "outcome", OUTCOMES)
BEGUN = _counter("rollouts_begun_total", "Rollouts that began, by why.", "trigger", TRIGGERS)
REFUSALS = _counter(
    "refusals_total", "Revisions refused before anything was touched, by what refused them.", "by", CHECKERS
)
FAILURES = _counter(
    "process_failures_total", "Processes that died, or did not become ready in time, whatever the reason."
)
LEFT = _counter(
    "processes_left_total",
    "Old processes that left: finished by themselves, stopped when drain_timeout was over, or killed.",
    "how",
    WAYS,
)
DRAINED = _counter(
    "drained_connections_total",
    "Busy connections that old processes finished on their way out, where they could be counted.",
)
CUT = _counter(
    "cut_connections_total",
    "Busy connections cut with old processes that did not leave in time, where they could be counted.",
)
MISSED = _counter("missed_changes_total", "Changes that no file event told, found by a rescan.")

ROLLOUT_SECONDS = _histogram(
    "rollout_duration_seconds", "From the beginning of a rollout until it was complete."
)
PHASE_SECONDS = _histogram(
    "phase_duration_seconds",
    "How long each phase took: the check, a command of run_on, before_rollout, a boot (from the start of a "
    "process until it was ready), a drain, a stop.",
    "phase",
    PHASES,
)
SAVE_SECONDS = _histogram(
    "save_to_ready_seconds",
    "From the first file event of a burst until every process was ready on its code, with all waits between.",
)

CONDITION = _gauge(
    "target_condition", "1 for the condition in which a target is, 0 for all others.", "condition", CONDITIONS
)
READY = _gauge("ready_processes", "Processes that may receive work.")
WANTED = _gauge("wanted_processes", "Processes that should (replicas).")
OUTDATED = _gauge("outdated_processes", "Processes that are not known to run the newest accepted code.")
FILES = _gauge("watched_files", "Watched files, as of the last reading of all.")
DIRECTORIES = _gauge("watched_directories", "Watched directories, as of the last reading of all.")
READABLE = _gauge("files_readable", "1 while the watched files can be read.")
REVISION = _gauge(
    "revision_info", "1 for the newest accepted revision of the code: it runs, or is rolled out.", "revision"
)
LAST_SECONDS = _gauge(
    "last_rollout_duration_seconds",
    "How long the last rollout took that was complete, halted, refused or aborted.",
)
LAST_TIME = _gauge("last_rollout_timestamp_seconds", "When it ended, in seconds since 1970.")
LAST_SUCCESS = _gauge("last_rollout_success", "1 if it was complete.")

REACHABLE = _own("supervisord_up", "1 while supervisord answers.")
JOURNALED = _own("journal_writable", "1 while the journal can be written; no rollout begins while it can't.")
CONFIGURED = _own(
    "config_last_read_successful",
    "1 unless the configuration in the files is refused, and the last good one holds.",
)
UPDATED = _own(
    "updated_timestamp_seconds", "When the numbers were brought up to date, in seconds since 1970."
)
STARTED = _own("start_time_seconds", "When the listener was started, in seconds since 1970.")
BUILD = _own("build_info", "1, with the versions.", "version", "supervisor", "python")

DEFINITIONS = (
    *(ROLLOUTS, BEGUN, REFUSALS, FAILURES, LEFT, DRAINED, CUT, MISSED),
    *(ROLLOUT_SECONDS, PHASE_SECONDS, SAVE_SECONDS),
    *(CONDITION, READY, WANTED, OUTDATED, FILES, DIRECTORIES, READABLE, REVISION),
    *(LAST_SECONDS, LAST_TIME, LAST_SUCCESS),
    *(REACHABLE, JOURNALED, CONFIGURED, UPDATED, STARTED, BUILD),
)
"""every metric, in the order in which they are exposed"""

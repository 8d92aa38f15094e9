"""The rules about the way out and the way in: what would never be sent, never end, or prove nothing.

A rule notes where it is broken, no more.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from supervisor_reload.core.model import Strategy

from .targets import Target

WAY_OUT = ("quiesce_signal", "lame_duck", "drain", "drain_interval")


def note_ways_out(targets: Sequence[Target]) -> None:
    """Apply every rule to every target."""
    for target in targets:
        for rule in RULES:
            rule(target)


def _nothing_leaves(target: Target) -> None:
    if target.settings.strategy is not Strategy.SIGNAL:
        return
    for key in WAY_OUT:
        if target.section.is_set(key):
            message = "strategy=signal takes no process out of service, so nothing would come of it"
            target.section.error(key, message)


def _lame_duck_needs_signal(target: Target) -> None:
    if target.settings.lame_duck and not target.settings.quiesce_signal:
        message = "waits for others to notice the quiesce_signal, and there is none: name the signal too"
        target.section.error("lame_duck", message)


def _quiesce_is_no_stop(target: Target) -> None:
    """It would end the process, and autorestart would fill the slot that was to be empty."""
    signal = target.settings.quiesce_signal
    stops = {target.settings.stop_signal, *(process.stopsignal for process in target.processes)}
    if signal and signal in stops:
        message = (
            f"{signal} is the stop signal: a process that ends on it needs no quiesce_signal "
            "(drain=exit waits for its end)"
        )
        target.section.error("quiesce_signal", message)


def _interval_needs_looks(target: Target) -> None:
    is_measured = any(slot.drain.is_measured for slot in target.settings.slots)
    if target.section.is_set("drain_interval") and not is_measured:
        target.section.warning("drain_interval", "drain=exit looks at nothing, so nothing would come of it")


def _several_looks(target: Target) -> None:
    for slot in target.settings.slots:
        if slot.drain.is_measured and slot.drain.interval > target.settings.drain_timeout:
            message = (
                f"{slot.drain.interval:g} seconds are more than drain_timeout "
                f"({target.settings.drain_timeout:g}), so there would be one look only"
            )
            target.section.warning("drain_interval", message)
            return


def _work_keeps_coming(target: Target) -> None:
    is_measured = any(slot.drain.is_measured for slot in target.settings.slots)
    if is_measured and not target.settings.quiesce_signal:
        message = (
            "nothing tells a process to take no new work before it is looked at, so under load its work "
            "never ends and drain_timeout decides: set quiesce_signal, or drain=exit if it finishes by itself"
        )
        target.section.warning("drain", message)


def _whose_work(target: Target) -> None:
    """On a shared socket whoever is free answers, and a quiesced process never does."""
    addresses = [slot.drain.address for slot in target.settings.slots if slot.drain.scheme == "http"]
    if len(addresses) > len(set(addresses)):
        message = (
            f"several processes would be asked at {addresses[0]}, and only an answer of the very process "
            "counts: give each an address of its own, with %(process_num)d"
        )
        target.section.warning("drain", message)


def _whose_answer(target: Target) -> None:
    """An answer counts only where the kernel can say that the new process gave it."""
    for key in ("ready", "drain"):
        ways = [slot.ready if key == "ready" else slot.drain for slot in target.settings.slots]
        hosts = [urlsplit(way.address).hostname or "" for way in ways if way.scheme in ("tcp", "http")]
        host = next(filter(_is_elsewhere, hosts), "")
        if host:
            message = (
                f"{host} is not this machine, so nobody can tell which process answers there: "
                "ask at 127.0.0.1, or at the address of the program's own socket"
            )
            target.section.error(key, message)


def _is_elsewhere(host: str) -> bool:
    """Whether an address is surely not of this machine; a name may be anything, and is not looked up."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return True
    return False


def _shared_command(target: Target) -> None:
    shares = [process for process in target.processes if process.has_socket]
    if len(shares) < 2:
        return
    if any(slot.ready.scheme == "command" for slot in target.settings.slots):
        message = (
            "the processes share a socket, so the command itself must tell the new one from the old: it "
            "finds its pid in SUPERVISOR_RELOAD_PID"
        )
        target.section.warning("ready", message)


RULES = (
    _nothing_leaves,
    _lame_duck_needs_signal,
    _quiesce_is_no_stop,
    _interval_needs_looks,
    _several_looks,
    _work_keeps_coming,
    _whose_work,
    _whose_answer,
    _shared_command,
)

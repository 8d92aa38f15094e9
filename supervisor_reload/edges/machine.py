"""Tells one boot of this machine from another, so that what was kept of processes is not believed after it.

It only reads; it decides nothing.
"""

from __future__ import annotations

from pathlib import Path

BOOT = "/proc/sys/kernel/random/boot_id"
"""random(4): made anew at each boot"""


def boot_id() -> str:
    """What no other boot of any machine has; '' where the kernel does not tell (no Linux, no /proc)."""
    try:
        return Path(BOOT).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""

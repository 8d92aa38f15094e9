"""Ways that must come out wrong, to show that the harness sees it: they are in no table."""

from __future__ import annotations

import time

from .site import Site
from .way import Way


def _twice(site: Site, number: int) -> None:
    site.save(number)
    time.sleep(0.4)  # the stimulus: two saves that are two
    site.save(number, "pkg/a.py")


UNWATCHED = Way(
    group="controls",
    name="control: a tree that is not watched",
    act=lambda site, number: site.save(number),
    settings="exclude=*.py",
)
TWICE = Way(
    group="controls",
    name="control: two saves apart, quiet_period=0",
    act=_twice,
    settings="quiet_period=0",
)
CONTROLS = (UNWATCHED, TWICE)

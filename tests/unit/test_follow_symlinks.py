"""The key ``follow_symlinks``: where it is written, what it makes different, and that it is taken over."""

from __future__ import annotations

import os
from dataclasses import replace

from supervisor_reload.core.configuration import sees_the_same
from supervisor_reload.core.likeness import eyes_of
from supervisor_reload.core.model import Rights, TargetSettings
from tests.fakes.configured import world_of
from tests.fakes.place import HEAD, LISTENER, PLAIN, RELOAD
from tests.fakes.world import web


def following(settings: TargetSettings) -> TargetSettings:
    return replace(settings, watch=replace(settings.watch, follow_symlinks=True))


def test_where_it_is_written(place):
    """
    In a target's section, or for all of them; without it nothing outside is followed.
    """
    assert not place.target(PLAIN, RELOAD).watch.follow_symlinks
    assert place.target(PLAIN, RELOAD, "follow_symlinks=on\n").watch.follow_symlinks
    assert place.target(PLAIN, RELOAD, "[reload]\nfollow_symlinks=true\n").watch.follow_symlinks
    (error,) = place.errors(HEAD, LISTENER, PLAIN, RELOAD, "follow_symlinks=outside\n")
    assert error.endswith("follow_symlinks: not a valid boolean value: 'outside'")


def test_revisions_with_and_without_it_are_not_compared():
    """
    The same files count otherwise, also for a journal of a listener before.
    """
    assert not sees_the_same(web(), following(web()))
    assert eyes_of(web()) != eyes_of(following(web()))


def test_it_is_taken_over_while_we_run():
    """
    New eyes see the same code by another name: nothing is replaced.
    """
    world = world_of()
    world.edit(following(web()))
    world.advance(5)
    assert ["settings taken over"] == world.events()
    assert {"keys": "follow_symlinks"} == world.story("settings taken over").values
    assert ["eyes web", "log info", "hands web"] == world.built
    assert [] == world.orders


def test_whose_a_socket_of_notify_must_be(place):
    """
    Of the user that the program runs as; where there is none, ours.
    """
    notify = "ready=notify\n"
    (slot,) = place.target(PLAIN, "user=nobody\n" if os.geteuid() == 0 else "", RELOAD, notify).slots
    assert slot.ready.rights == Rights(user=65534 if os.geteuid() == 0 else None)
    (slot,) = place.target(PLAIN, RELOAD, notify).slots
    assert slot.ready.rights == Rights()

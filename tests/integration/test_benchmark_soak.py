"""The soak, for a few rollouts: every shape is rolled out, and what is read of the processes is true."""

from __future__ import annotations

import os
import threading

import pytest

from benchmarks.soak import marks, report, soaked
from benchmarks.soaking.sampling import Held, Sample, held, slope, verdicts
from benchmarks.soaking.site import SHAPES, Site

FLAT = Held(own=20_000, pss=21_000, rss=30_000, descriptors=20, threads=15)


@pytest.mark.fault(55)
@pytest.mark.integration
def test_a_few_rollouts() -> None:
    """Three of each shape, by one listener, whose samples tell of a living process."""
    with Site(tuple(SHAPES)) as site:
        samples, seconds = soaked(site, 9, 3, settling=0.05)
    assert [1, 3, 6, 9] == [sample.rollouts for sample in samples]
    assert 9 == len(seconds)
    assert all(sample.listener.own > 5_000 and sample.listener.threads > 3 for sample in samples)
    assert samples[0].listener.pss < samples[0].listener.rss
    assert "| listener: own memory, kB " in report(samples, seconds)


def samples_of(*kilobytes: float, descriptors: tuple[int, ...] = (20,) * 8) -> list[Sample]:
    """One after each 1,000 rollouts."""
    made = []
    for number, (own, count) in enumerate(zip(kilobytes, descriptors, strict=False), 1):
        listener = Held(own=own, pss=own, rss=own, descriptors=count, threads=15)
        made.append(Sample(rollouts=number * 1000, listener=listener, supervisord=FLAT, state_dir=10))
    return made


def words(samples: list[Sample]) -> dict[str, str]:
    return {row.name: row.word for row in verdicts(samples)}


@pytest.mark.parametrize(
    ("kilobytes", "word"),
    [
        ((20_000,) * 8, "flat"),
        ((*(20_000,) * 5, 20_400, 20_000, 20_000), "flat"),  # one high sample
        ((20_000, 20_500, 21_000, *(21_500,) * 5), "flat"),  # the allocators' first steps
        (tuple(range(20_000, 20_480, 60)), "grows"),  # 60 bytes a rollout
        ((*range(20_000, 20_300, 60), 20_900, 20_360, 20_420), "grows"),  # the same with a high one
        ((20_000, 40_000), "too short"),
    ],
)
def test_the_verdict(kilobytes: tuple[float, ...], word: str) -> None:
    """By the slope, not by the first and the last."""
    assert word == words(samples_of(*kilobytes))["listener: own memory, kB"]


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ((20, 20, 20, 20, 20), "flat"),
        ((20, 21, 20, 20, 21), "flat"),  # just in use
        ((20, 20, 21, 21, 21), "grows"),
        ((20, 21, 22, 23, 22), "grows"),
    ],
)
def test_one_descriptor_that_is_kept_is_growth(counts: tuple[int, ...], word: str) -> None:
    """It is there in every look that follows."""
    assert word == words(samples_of(*[20_000] * 5, descriptors=counts))["listener: descriptors"]


def test_what_is_held_is_seen() -> None:
    """Memory, a descriptor and a thread more than before."""
    before = held(os.getpid())
    room, ended = bytearray(os.urandom(8_000_000)), threading.Event()
    thread = threading.Thread(target=ended.wait, args=[10])
    thread.start()
    descriptor = os.open("/dev/null", os.O_RDONLY)
    try:
        after = held(os.getpid())
    finally:
        ended.set()
        thread.join()
        os.close(descriptor)
    assert room and after.own - before.own > 5_000
    assert (before.descriptors + 1, before.threads + 1) == (after.descriptors, after.threads)


def test_marks() -> None:
    """The first look is early, and the last at the end."""
    assert [100, 1000, 2000, 2500] == marks(2500, 1000)
    assert 2.0 == slope([(0, 0), (1000, 2), (2000, 4), (3000, 6)])

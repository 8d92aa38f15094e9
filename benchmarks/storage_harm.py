"""What is left of a storage whose files were cut or changed, or met a full disk: part of ``storage``.

It counts; what is good enough is for the reader to say.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from .storages import CONTENDERS, LEFT, Damaged, Kept, Ours, Refused, Storage, turn

TURNS = 40
"""that were kept before the harm was done"""

NEWEST, EARLIER, TOLD, WRONG = "all, newest", "an earlier state", "damage told", "wrong, nothing told"

DISK = "1m"


def harm(directory: Path, places: int) -> list[tuple[str, ...]]:
    """A table: of so many cuts and so many flipped bits, what was read afterwards."""
    lines = [("harm", "n", NEWEST, EARLIER, TOLD, "  of it right", WRONG, "crashes", "slowest")]
    for name in LEFT:
        files = _written(directory / f"harm {name}", name)
        for kind, change in {"cut": _cut, "flip": _flip}.items():
            found, right, slowest = _trials(directory / "trial", name, files, change, places)
            share = f"{right / found[TOLD] * 100:.0f} % of records" if found[TOLD] else "-"
            counts = [str(found[one]) for one in (NEWEST, EARLIER, TOLD)]
            crashes = str(found["crash"])
            slow = f"{slowest * 1000:.1f} ms"
            lines.append((f"{kind}: {name}", str(places), *counts, share, str(found[WRONG]), crashes, slow))
    return lines


def _written(place: Path, name: str) -> dict[str, bytes]:
    """The files as a writer leaves them that is killed after the last turn."""
    place.mkdir(0o700)
    storage = CONTENDERS[name](place)
    for number in range(TURNS):
        storage.write(turn(number))
    files = {path.name: path.read_bytes() for path in place.iterdir() if not path.name.endswith("reserve")}
    storage.close()
    return {name: content for name, content in files.items() if not name.endswith("-shm")}


def _states() -> list[Kept]:
    states: list[Kept] = [{}]
    for number in range(TURNS):
        states.append(states[-1] | turn(number))
    return states


def _trials(
    trial: Path, name: str, files: dict[str, bytes], change: Callable[[bytes, int], bytes], places: int
) -> tuple[Counter[str], float, float]:
    """What was found how often; the sum of the shares that were right where damage was told; seconds."""
    rng = random.Random(1)
    states = _states()
    found: Counter[str] = Counter()
    right = slowest = 0.0
    for _ in range(places):
        harmed = rng.choices(list(files), [len(content) for content in files.values()])[0]
        content = change(files[harmed], rng.randrange(len(files[harmed])))
        _lay_out(trial, files | {harmed: content})
        began = time.perf_counter()
        try:
            kept = LEFT[name](trial)
        except Damaged as damaged:
            found[TOLD] += 1
            right += sum(damaged.kept.get(key) == one for key, one in states[-1].items()) / len(states[-1])
        except Exception:  # noqa: BLE001 - what else it does is what is counted
            found["crash"] += 1
        else:
            found[NEWEST if kept == states[-1] else EARLIER if kept in states else WRONG] += 1
        slowest = max(slowest, time.perf_counter() - began)
    return found, right, slowest


def _lay_out(trial: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(trial, ignore_errors=True)
    trial.mkdir()
    for name, content in files.items():
        (trial / name).write_bytes(content)


def _cut(content: bytes, place: int) -> bytes:
    return content[:place]


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def full_disk(directory: Path) -> list[tuple[str, ...]]:
    """A table: what can still be kept when somebody else fills a disk of 1 MB."""
    lines = [("full disk", "told", "turns kept after that", "is left", "after room was made")]
    for name in LEFT:
        with _small(directory / "disk") as disk:
            if disk is None:
                return [("full disk", ""), ("not measured: no file system may be mounted here", "")]
            storage = CONTENDERS[name](disk)
            lines.append((name, *_fill(storage, disk, LEFT[name])))
            storage.close()
    return lines


def _fill(storage: Storage, disk: Path, left: Callable[[Path], Kept]) -> tuple[str, str, str, str]:
    storage.write(turn(0))
    with contextlib.suppress(OSError), (disk / "filling").open("ab", buffering=0) as filling:
        while filling.write(b"x" * 1024):
            pass
    told, number = "nothing", 0
    while told == "nothing":
        number += 1
        told = _refusal(storage, number)
    first = number
    while left(disk)["target web"] == turn(number)["target web"] and number < first + 10_000:
        number += 1
        _refusal(storage, number)
    is_left = "the newest that it kept" if left(disk)["target web"] != turn(number)["target web"] else "all"
    (disk / "filling").unlink()
    if isinstance(storage, Ours):
        storage.tick()
        after = "all is kept" if left(disk)["target web"] == turn(number)["target web"] else "nothing new"
    else:
        after = _refusal(storage, number + 1)
        after = "works again; what was refused is lost" if after == "nothing" else after
    return told.split("reason=")[-1].split(": ")[-1][:60], f"{number - first:,}", is_left, after


def _refusal(storage: Storage, number: int) -> str:
    try:
        storage.write(turn(number))
    except Refused as refused:
        return str(refused)
    return "nothing"


@contextlib.contextmanager
def _small(directory: Path) -> Iterator[Path | None]:
    directory.mkdir(exist_ok=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "none", str(directory))
    try:
        is_mounted = subprocess.run(mount, capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        is_mounted = False
    try:
        yield directory if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(("umount", str(directory)), check=True, timeout=10)

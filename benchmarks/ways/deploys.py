"""Ways of deployments: release links, copies, archives, whole trees that are exchanged, mounts."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from .site import FILES, Site
from .way import Act, Lay, Way, nothing

GROUP = "deploys"


def _releases(site: Site) -> None:
    site.grow("releases/0", 0)
    os.symlink("releases/0", site.path("current"))


def _release(site: Site, number: int) -> None:
    site.grow(f"releases/{number}", number)


def _swap(site: Site, number: int | str) -> None:
    site.run(f"ln -sfn releases/{number} current")


def _rename_link(site: Site, number: int) -> None:
    os.symlink(f"releases/{number}", site.path("current.new"))
    site.run("mv -T current.new current")


def _swapped(site: Site, number: int) -> None:
    _release(site, number)
    _rename_link(site, number)


def _swap_and_remove(site: Site, number: int) -> None:
    _rename_link(site, number)
    site.remove(f"releases/{number - 1}")


def _same_release(site: Site, number: int) -> None:
    site.grow(f"releases/same{number}", 0)
    _swap(site, f"same{number}")


def _nested(site: Site) -> None:
    _releases(site)
    os.symlink("current", site.path("live"))


def _app_in_link(site: Site) -> None:
    site.grow("releases/0/app", 0)
    os.symlink("releases/0", site.path("current"))


def _swap_above(site: Site, number: int) -> None:
    site.grow(f"releases/{number}/app", number)
    _rename_link(site, number)


def _volume(site: Site) -> None:
    site.grow("app/..0", 0)
    os.symlink("..0", site.app / "..data")
    for name in ("main.py", "pkg"):
        os.symlink(f"..data/{name}", site.app / name)


def _configmap(site: Site, number: int) -> None:
    """As the kubelet's AtomicWriter does it."""
    site.grow(f"app/..{number}", number)
    os.symlink(f"..{number}", site.app / "..data_tmp")
    os.rename(site.app / "..data_tmp", site.app / "..data")
    shutil.rmtree(site.app / f"..{number - 1}")


def _source(site: Site, number: int) -> None:
    site.remove("next")
    site.grow("next", number)


def _many_sources(site: Site, number: int) -> None:
    """500 files of which none has the name of one of the last try."""
    site.remove("next")
    site.grow("next", number)
    for each in range(500):
        site.write(f"next/many/d{each // 50}/v{number}_{each}.py", number)


def _rsync(options: str) -> Act:
    return lambda site, number: site.run(f"rsync {options} next/ app/")


def _tarred(site: Site, number: int) -> None:
    _source(site, number)
    site.run("tar cf next.tar -C next .")


def _zipped(site: Site, number: int) -> None:
    with zipfile.ZipFile(site.path("next.zip"), "w") as archive:
        _source(site, number)
        for name in FILES:
            archive.write(site.path(f"next/{name}"), name)


def _exchanged(site: Site, number: int) -> None:
    site.shell("mv app last && mv next app")
    site.remove("last")


def _root_anew(site: Site, number: int) -> None:
    site.shell("rm -rf app && cp -r next app")


def _wheel(site: Site, number: int) -> None:
    """A wheel by hand: what pip unpacks is real, and no network is asked."""
    site.remove("wheels")
    site.path("wheels").mkdir()
    info = f"vendored-{number}.dist-info"
    with zipfile.ZipFile(site.path(f"wheels/vendored-{number}-py3-none-any.whl"), "w") as wheel:
        for each in range(20):
            wheel.writestr(f"vendored/m{each}.py", f"VERSION = {number}\n")
        wheel.writestr("vendored/__init__.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: vendored\nVersion: {number}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def _pip(site: Site, number: int) -> None:
    options = "--quiet --no-index --no-deps --root-user-action=ignore --upgrade --target app/vendor"
    (wheel,) = site.path("wheels").glob("*.whl")
    site.run(f"{shlex.quote(sys.executable)} -m pip install {options} {wheel}")


def _mounted(command: str) -> Lay:
    def lay(site: Site) -> None:
        site.grow("host", 0)
        site.app.mkdir()
        try:
            site.run(f"{command} host app")
        except AssertionError as error:
            raise PermissionError(f"can't mount here: {error}") from error

    return lay


def _overlaid(site: Site) -> None:
    """As a container's image with a layer on top."""
    for name in ("upper", "work"):
        site.path(name).mkdir()
    _mounted("mount -t overlay -o lowerdir=host,upperdir=upper,workdir=work")(site)


def _in_memory(site: Site) -> None:
    _mounted("mount -t tmpfs")(site)
    site.grow("app", 0)


def _unmount(site: Site) -> None:
    """All that is mounted there, the newest first; what stays busy is let go lazily."""
    while subprocess.run(["umount", "-l", str(site.app)], capture_output=True, check=False).returncode == 0:
        pass


def _mounted_over(site: Site, number: int) -> None:
    site.grow(f"host{number}", number)
    site.run(f"mount --bind host{number} app")


def _in_place_of_the_mount(site: Site, number: int) -> None:
    site.grow(f"host{number}", number)
    site.shell(f"umount -l app; mount --bind host{number} app")


def _lower(site: Site, number: int) -> None:
    """Each try takes another file, which is copied up when it is first written."""
    site.save(number, FILES[number % len(FILES)])


def _current(site: Site) -> Path:
    return site.path("current").resolve()


def _way(name: str, act: Act, **more: Any) -> Way:
    return Way(group=GROUP, name=name, act=act, **more)


def _link(name: str, act: Act, **more: Any) -> Way:
    return _way(name, act, **{"watched": "current", "lay": _releases, "prepare": _release, **more})


LINKS = (
    _link("`ln -sfn releases/N current`", _swap),
    _link("`mv -T` of a new link over `current`", _rename_link),
    _link("`current` back to the release before", lambda s, n: _swap(s, n - 1), prepare=_swapped),
    _link("`current` swapped, old release removed", _swap_and_remove),
    _link("release with the same content", _same_release, prepare=nothing, expected=0),
    _link("`directory=` through `current`", _swap, program="directory=%(here)s/current", runs_in=_current),
    _link("save in the new release", lambda s, n: s.save(n + 100), prepare=_swapped),
    _link(
        "write to the old release",
        lambda s, n: s.write(f"releases/{n - 1}/main.py", n + 100),
        prepare=_swapped,
        expected=0,
    ),
    _link("link to the link", _swap, lay=_nested, watched="live"),
    _link("link above the watched directory", _swap_above, lay=_app_in_link, watched="current/app"),
    _way("Kubernetes ConfigMap volume (`..data` renamed)", _configmap, lay=_volume),
)

COPIES = (
    _way("rsync", _rsync("-a"), prepare=_source, needs=["rsync"]),
    _way("rsync --inplace", _rsync("-a --inplace"), prepare=_source, needs=["rsync"]),
    _way("rsync --delay-updates", _rsync("-a --delay-updates"), prepare=_source, needs=["rsync"]),
    _way("rsync --delete, 500 files", _rsync("-a --delete"), prepare=_many_sources, needs=["rsync"]),
    _way("tar x", lambda s, n: s.run("tar xf next.tar -C app"), prepare=_tarred, needs=["tar"]),
    _way("unzip -o", lambda s, n: s.run("unzip -qo next.zip -d app"), prepare=_zipped, needs=["unzip"]),
    _way("cp -r over it", lambda s, n: s.run("cp -r next/. app/"), prepare=_source),
    _way("cp of one file", lambda s, n: s.run("cp next/main.py app/main.py"), prepare=_source),
    _way("install -m 644", lambda s, n: s.run("install -m 644 next/main.py app/main.py"), prepare=_source),
    _way("tree moved away, another in its place", _exchanged, prepare=_source),
    _way("watched directory removed and made anew", _root_anew, prepare=_source),
    _way("pip install --target --upgrade", _pip, prepare=_wheel),
)

MOUNTS = (
    _way(
        "bind mount, written on the other side",
        lambda s, n: s.write("host/main.py", n),
        lay=_mounted("mount --bind"),
        clear=_unmount,
        needs=["mount"],
    ),
    _way(
        "bind mount over the bind mount",
        _mounted_over,
        lay=_mounted("mount --bind"),
        clear=_unmount,
        needs=["mount"],
    ),
    _way(
        "bind mount taken away, another in its place",
        _in_place_of_the_mount,
        lay=_mounted("mount --bind"),
        clear=_unmount,
        needs=["mount"],
    ),
    _way("overlayfs", lambda s, n: s.save(n, f"new{n}.py"), lay=_overlaid, clear=_unmount, needs=["mount"]),
    _way("overlayfs, file of the lower layer", _lower, lay=_overlaid, clear=_unmount, needs=["mount"]),
    _way("tmpfs", lambda s, n: s.save(n), lay=_in_memory, clear=_unmount, needs=["mount"]),
    _way(
        "bindfs (FUSE), written beneath it",
        lambda s, n: s.write("host/main.py", n),
        lay=_mounted("bindfs"),
        clear=_unmount,
        needs=["bindfs"],
        observer="auto",
    ),
)

WAYS = LINKS + COPIES + MOUNTS

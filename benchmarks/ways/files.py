"""Ways of programs and people with single files and directories: writes, renames, links, deletions."""

from __future__ import annotations

import mmap
import os
import shutil
import time
from typing import Any

from .site import Site, text_of
from .way import Act, Way

GROUP = "files"


def _twice(site: Site, number: int) -> None:
    with (site.app / "main.py").open("w") as file:
        file.write(text_of(number)[:10])
        file.flush()
        time.sleep(0.1)  # the stimulus itself: a writer that pauses
        file.write(text_of(number)[10:])


def _truncated(site: Site, number: int) -> None:
    with (site.app / "main.py").open("r+") as file:
        file.truncate(0)
        file.write(text_of(number))


def _appended(site: Site, number: int) -> None:
    with (site.app / "main.py").open("a") as file:
        file.write(f"X = {number}\n")


def _mapped(site: Site, number: int) -> None:
    path = site.app / "main.py"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[-2:-1] = b"%d" % (number % 10)


def _replaced(site: Site, number: int) -> None:
    os.replace(site.write("app/main.py.new", number), site.app / "main.py")


def _from_elsewhere(site: Site, number: int) -> None:
    os.replace(site.write("unpacked.py", number), site.app / "main.py")


def _linked(site: Site, number: int) -> None:
    site.write("other.py", number)
    site.run("ln -f other.py app/main.py")
    os.unlink(site.path("other.py"))


def _renamed(site: Site, number: int) -> None:
    os.rename(site.app / f"named{number - 1}.py", site.app / f"named{number}.py")


def _named(site: Site) -> None:
    site.grow("app", 0)
    site.save(0, "named0.py")


def _to_be_deleted(site: Site, number: int) -> None:
    site.save(number, "extra.py")


def _new_directory(site: Site, number: int) -> None:
    site.shell(f"mkdir -p app/new{number}/b/c && echo X={number} > app/new{number}/b/c/x.py")


def _deep(site: Site, number: int) -> None:
    site.write("deep/a/b/c/d/e/x.py", number)
    os.rename(site.path("deep"), site.app / f"deep{number}")


def _deep_then_saved(site: Site, number: int) -> None:
    (site.app / f"deep{number}" / "a/b/c/d/e/x.py").write_text(text_of(number + 100))


def _outside(site: Site) -> None:
    site.grow("app", 0)
    site.write("outside0.py", 0)
    os.symlink("../outside0.py", site.app / "linked.py")


def _retargeted(site: Site, number: int) -> None:
    site.write(f"outside{number}.py", number)
    site.run(f"ln -sfn ../outside{number}.py app/linked.py")


def _removed_and_made(site: Site, number: int) -> None:
    shutil.rmtree(site.app / "pkg")
    site.grow("next", number)
    shutil.copytree(site.path("next/pkg"), site.app / "pkg")


def _two(site: Site, number: int) -> None:
    site.save(number)
    time.sleep(0.01)  # the stimulus: "save all"
    site.save(number, "pkg/a.py")


def _many(site: Site, number: int) -> None:
    for each in range(200):
        site.save(number, f"many/d{each // 50}/m{each}.py")


def _touched(site: Site, number: int) -> None:
    site.run("touch app/main.py app/pkg/a.py")


def _same_again(site: Site, number: int) -> None:
    path = site.app / "main.py"
    path.write_bytes(path.read_bytes())


def _modes(site: Site, number: int) -> None:
    site.run(f"chmod {'755' if number % 2 else '644'} app/main.py app/pkg/a.py")


def _there_and_back(site: Site, number: int) -> None:
    path = site.app / "main.py"
    before = path.read_bytes()
    path.write_bytes(b"X = 1\n")
    path.write_bytes(before)


def _way(name: str, act: Act, **more: Any) -> Way:
    return Way(group=GROUP, name=name, act=act, **more)


WAYS = (
    _way("written in place", lambda site, n: site.save(n)),
    _way("written in place, in two halves 100 ms apart", _twice),
    _way("truncated, then written", _truncated),
    _way("appended to", _appended),
    _way("written through mmap", _mapped),
    _way("written beside, renamed over", _replaced),
    _way("unpacked elsewhere, renamed over", _from_elsewhere),
    _way("hard link over it (`ln -f`)", _linked),
    _way("file renamed", _renamed, lay=_named),
    _way("file deleted", lambda site, n: os.unlink(site.app / "extra.py"), prepare=_to_be_deleted),
    _way("new file", lambda site, n: site.save(n, f"new{n}.py")),
    _way("new directories, written to at once", _new_directory),
    _way(
        "empty file in a new directory",
        lambda site, n: site.shell(f"mkdir app/empty{n} && : > app/empty{n}/x.py"),
    ),
    _way("deep tree moved in", _deep),
    _way("save in a deep tree that was moved in", _deep_then_saved, prepare=_deep),
    _way("directory removed and made anew", _removed_and_made),
    _way("link to a file outside pointed elsewhere", _retargeted, lay=_outside),
    _way("200 files written one after another", _many, lay=lambda site: site.grow("app", 0, 200)),
    _way("two files 10 ms apart (save all)", _two),
    _way("touch", _touched, expected=0),
    _way("chmod", _modes, expected=0),
    _way("the same bytes again", _same_again, expected=0),
    _way("other bytes, and back at once", _there_and_back, expected=0),
)

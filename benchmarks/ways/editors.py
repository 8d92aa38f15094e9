"""Ways of editors: the real vim, nano, emacs, sed, perl and ed; what others do at a save, step by step."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

from .site import Site, text_of
from .terminal import typed
from .way import Act, Way

GROUP = "editors"


def _type(site: Site, command: str, *keys: tuple[bytes, bytes]) -> None:
    typed(command, keys, site.app, site.environment)


def _vim(options: str) -> Callable[[Site, int], None]:
    def act(site: Site, number: int) -> None:
        change = f":1s/.*/VERSION = {number}/\r".encode()
        _type(site, f"vim -i NONE {options} main.py", (b"VERSION", change), (b"VERSION", b":wq\r"))

    return act


def _nano(options: str) -> Callable[[Site, int], None]:
    def act(site: Site, number: int) -> None:
        line = b"\x0bVERSION = %d\r\x0f" % number  # Ctrl-K cuts the first line, Ctrl-O saves
        keys = ((b"VERSION", line), (b"Write", b"\r"), (b"Wrote", b"\x18"))
        _type(site, f"nano --ignorercfiles {options} main.py", *keys)

    return act


_CHANGE = '(progn (goto-char (point-min)) (kill-line) (insert "VERSION = {}"))'


def _emacs_batch(site: Site, number: int) -> None:
    """It locks the file at the first change, renames the old one to main.py~, writes, unlocks."""
    steps = (_CHANGE.format(number), "(sit-for 0.05)", "(save-buffer)")
    evals = " ".join(f"--eval '{step}'" for step in steps)
    site.run(f"emacs -Q --batch main.py {evals}", cwd=site.app)


def _emacs(site: Site, number: int) -> None:
    keys = b"\x0bVERSION = %d\x18\x13" % number  # C-k, the line, C-x C-s
    _type(site, "emacs -nw -Q main.py", (b"VERSION", keys), (b"Wrote", b"\x18\x03"))


def _ed(site: Site, number: int) -> None:
    site.run("ed -s main.py", cwd=site.app, stdin=f"1s/.*/VERSION = {number}/\nw\nq\n")


def _jetbrains(site: Site, number: int) -> None:
    """Safe write of PyCharm and its sisters."""
    main = site.app / "main.py"
    new, old = f"{main}___jb_tmp___", f"{main}___jb_old___"
    site.write("app/main.py___jb_tmp___", number)
    os.rename(main, old)
    os.rename(new, main)
    os.unlink(old)


def _sftp(site: Site, number: int) -> None:
    """An IDE's upload: the file in place, in packets, then its time."""
    main = site.app / "main.py"
    text = text_of(number).encode()
    with main.open("wb", buffering=0) as file:
        for begin in range(0, len(text), 8):
            file.write(text[begin : begin + 8])
            time.sleep(0.005)  # the stimulus: packets of a network
    os.utime(main, (1_600_000_000 + number, 1_600_000_000 + number))


def _vscode(site: Site, number: int) -> None:
    """Truncated when it is opened, written, flushed to the disk."""
    descriptor = os.open(site.app / "main.py", os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(descriptor, text_of(number).encode())
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _vscode_atomic(site: Site, number: int) -> None:
    os.rename(site.write("app/main.py.vsctmp", number), site.app / "main.py")


def _gio(site: Site, number: int) -> None:
    """GLib's GFile replace, as gedit and GNOME Text Editor save."""
    main = site.app / "main.py"
    new = site.write(f"app/.goutputstream-{number:06d}", number)
    os.chmod(new, stat.S_IMODE(main.stat().st_mode))
    os.rename(new, main)


def _qsavefile(site: Site, number: int) -> None:
    """Qt's QSaveFile, as Kate saves: an unnamed file gets a random name, then the old one's."""
    main, new = site.app / "main.py", site.app / f"main.py.{number:06d}"
    descriptor = os.open(site.app, os.O_TMPFILE | os.O_RDWR, 0o644)
    try:
        os.write(descriptor, text_of(number).encode())
        # naming any directory makes Python call linkat(2), which alone follows the link in /proc
        os.link(f"/proc/self/fd/{descriptor}", new, src_dir_fd=descriptor, follow_symlinks=True)
    finally:
        os.close(descriptor)
    os.rename(new, main)


def _formatted(site: Site, number: int) -> None:
    """A save, and 30 ms later the formatter's."""
    site.save(number)
    time.sleep(0.03)  # the stimulus
    with (site.app / "main.py").open("a") as file:
        file.write("X = 1\n")


def _way(name: str, act: Act, *needs: str) -> Way:
    return Way(group=GROUP, name=name, act=act, needs=needs)


WAYS = (
    _way("vim", _vim(""), "vim", "setsid"),
    _way("vim, backup, backupcopy=yes", _vim("-c 'set backup backupcopy=yes'"), "vim", "setsid"),
    _way("vim, backup, backupcopy=no", _vim("-c 'set backup backupcopy=no'"), "vim", "setsid"),
    _way("nano", _nano(""), "nano", "setsid"),
    _way("nano --backup", _nano("--backup"), "nano", "setsid"),
    _way("emacs -nw", _emacs, "emacs", "setsid"),
    _way("emacs --batch, lock and backup", _emacs_batch, "emacs"),
    _way("sed -i", lambda s, n: s.run(f"sed -i '1s/.*/VERSION = {n}/' app/main.py"), "sed"),
    _way("perl -i", lambda s, n: s.run(f"perl -i -pe 's/^VERSION.*/VERSION = {n}/' app/main.py"), "perl"),
    _way("ed", _ed, "ed"),
    _way("PyCharm, safe write", _jetbrains),
    _way("PyCharm, upload (SFTP)", _sftp),
    _way("VS Code", _vscode),
    _way("VS Code, atomic", _vscode_atomic),
    _way("gedit (GIO)", _gio),
    _way("Kate (QSaveFile)", _qsavefile),
    _way("format on save, 30 ms after it", _formatted),
)

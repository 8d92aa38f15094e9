"""On which file system a directory is, and whether the kernel is told there of every change.

inotify tells what is done through this machine's kernel. On a network or shared file system the other side
changes files without this kernel's knowing, and no event comes. It only reads the mount table.

Which file systems are local is decided by what is usual, not by what is possible. A wrong "local" delays
changes that are made beneath until the next rescan; a wrong "silent" costs the work of polling. So the ones
in ``_LOCAL_FUSE`` are those under which nobody but themselves changes files: whole disks (fuseblk, NTFS,
exFAT, ext), encryption (the files beneath are not readable there), containers' layers (fuse-overlayfs) and
pools of disks that are used through the pool (mergerfs). Not bindfs: it shows a directory that goes on being
used where it is, often over NFS or a virtual machine's share. Any FUSE not known is taken for silent, since
most of them fetch from elsewhere (sshfs, s3fs, rclone, gcsfuse, glusterfs), and so is a plain ``fuse``, which
hides what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NETWORKS = (
    *("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "auristorfs", "coda"),
    *("ceph", "lustre", "lustre_lite", "gpfs", "mmfs", "beegfs", "glusterfs", "orangefs", "pvfs2", "panfs"),
    *("wekafs", "gfs2", "ocfs2", "davfs"),
)
_SHARES = (
    *("9p", "virtiofs"),  # QEMU and what is built on it; 9p is also how WSL 2 shows the drives of Windows
    *("vboxsf", "vmhgfs", "prl_fs", "prl_fs_freeze"),  # VirtualBox, VMware, Parallels
    *("osxfs", "grpcfuse", "fakeowner"),  # Docker Desktop
    "drvfs",  # WSL 1
)
_SILENT = frozenset((*_NETWORKS, *_SHARES, "fuse"))

_LOCAL_FUSE = frozenset(
    (
        *("ntfs", "ntfs-3g", "exfat", "ext2", "ext4", "fuse2fs", "apfs", "lklfuse", "zfs", "squashfuse"),
        *("encfs", "gocryptfs", "cryfs", "securefs", "cppcryptfs", "veracrypt"),
        *("fuse-overlayfs", "overlayfs", "unionfs", "unionfs-fuse", "mergerfs"),
    )
)

_TABLE = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")
_FIELDS_BEFORE = 5
"""of a line of proc_pid_mountinfo(5): id, parent, device, root, mount point; after a lone hyphen, the type"""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table."""

    number: int
    point: str
    kind: str
    """type of file system, with its subtype: ext4, nfs4, fuse.sshfs"""

    @property
    def is_silent(self) -> bool:
        """Whether files may change here without an event."""
        if self.kind.startswith("fuse."):
            return self.kind.removeprefix("fuse.") not in _LOCAL_FUSE
        return self.kind in _SILENT


class Mounts:
    """The mount table at one moment. Where there is none (not Linux), nothing is known to be silent."""

    def __init__(self, text: str) -> None:
        by_point: dict[str, Mount] = {}
        for mount in _parse(text):
            by_point[mount.point] = mount  # what was mounted last on the same point hides the others
        self._by_point = by_point

    def of(self, directory: str) -> Mount | None:
        """The one that a directory without links in its path is on."""
        here = directory
        while here not in self._by_point and here not in ("/", ""):
            here = here.rpartition("/")[0] or "/"
        return self._by_point.get(here)

    def below(self, directory: str) -> list[Mount]:
        """Those inside a directory, by mount point."""
        prefix = directory.rstrip("/") + "/"
        points = sorted(point for point in self._by_point if point.startswith(prefix) and point != prefix)
        return [self._by_point[point] for point in points]


class MountTable:
    """The mount table of this process, read again whenever it is asked for."""

    def __init__(self, path: Path = _TABLE) -> None:
        self._path = path
        self._text = ""
        self._mounts = Mounts("")

    def now(self) -> Mounts:
        """As it is now; the same object as long as nothing was mounted or unmounted."""
        try:
            text = os.fsdecode(self._path.read_bytes())  # as text, a carriage return in a name would be lost
        except OSError:
            return self._mounts
        if text != self._text:
            self._text, self._mounts = text, Mounts(text)
        return self._mounts


def _parse(text: str) -> Iterable[Mount]:
    for line in text.split("\n"):
        before, hyphen, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if hyphen and len(fields) >= _FIELDS_BEFORE and fields[0].isdigit():
            yield Mount(int(fields[0]), _plain(fields[4]), _plain(kinds[0]))


def _plain(field: str) -> str:
    """Blanks, line ends and backslashes are written in octal; a byte each, so all of them plain ASCII."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)

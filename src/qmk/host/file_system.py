"""What kind of file system a folder is on: SQLite's locks and its shared memory do not hold over a network."""

from __future__ import annotations

import re
from pathlib import Path

from qmk.base.errors import QmkError

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "pvfs2", "gfs2"),
        *("orangefs", "ocfs2", "coda", "davfs", "fuse.davfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs"),
        *("fuse.rclone", "fuse.goofys", "fuse.gcsfuse", "fuse.moosefs"),
    ]
)
_OCTAL = re.compile(r"\\([0-7]{3})")


def kind_of(folder: Path, mounts: str | None = None) -> str:
    """The file system's type, such as ``ext4``; empty where the system does not tell. ``mounts`` is the text of
    ``/proc/self/mountinfo`` (man 5 proc)."""
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(errors="surrogateescape")
        except OSError:
            return ""
    where = folder.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        depth = len(point.parts)
        if (where == point or point in where.parents) and depth >= best:
            best, kind = depth, right.split()[0]
    return kind


def require_local(folder: Path, mounts: str | None = None) -> None:
    """Raises RESOURCE_EXHAUSTED when the folder is on a network file system."""
    kind = kind_of(folder, mounts)
    if kind in NETWORK:
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"{folder} is on a network file system ({kind}), where SQLite's locks do not hold",
            file_system=kind,
            retryable=False,
            help="name a local folder with --data-dir, or keep the journal in PostgreSQL with --database",
        )

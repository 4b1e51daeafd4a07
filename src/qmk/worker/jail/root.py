"""Gives a process in a mount namespace of its own a root that holds what an engine reads, and an empty /tmp.

The root is made once for all workers of an engine, and nobody can write to it; each worker gets a /tmp of its own. What
is shown keeps its path, and is read-only. Nothing of /proc, /sys, /home, /var or /run is there unless the Python
or the engine lies in it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable

from qmk.worker.jail.kernel import LIBC, call, check

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
_PIVOT_ROOT = 155
_PLACE = "/tmp"
"""Where the new root is made: every system has this folder, and what lies in it is hidden from the jail anyway."""
SCRATCH_BYTES = 64 << 20
SCRATCH_FILES = 4096
_BOUNDS = f"size={SCRATCH_BYTES},nr_inodes={SCRATCH_FILES},mode=0755"

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
SCRATCHES = SCRATCH, _OTHER_SCRATCH = "/tmp", "/var/tmp"
WRITABLE_DEVICES = ("/dev/null",)
WRITABLE = (SCRATCH, *WRITABLE_DEVICES)
_STATVFS_FLAGS = {1: 1, 2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""What statvfs(3) says of a mount, as flags of mount(2): a remount must not drop them."""


def folders_of_python() -> tuple[str, ...]:
    """What this Python reads: its prefixes, and every folder on its search path."""
    named = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *sys.path]
    named.append(os.path.dirname(os.path.realpath(sys.executable)))
    found = {real for path in named if os.path.isdir(path) for real in (os.path.abspath(path), os.path.realpath(path))}
    return tuple(sorted(found - {"/"}))


def paths_of(more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The paths that a jail shows, none beneath another: those of the system, of this Python, and ``more``."""
    system = [path for path in SYSTEM if os.path.exists(path)]
    out: list[str] = []
    for path in sorted({*system, *folders_of_python(), *map(os.path.abspath, more)}):
        if not any(path.startswith(f"{above}/") for above in out):
            out.append(path)
    return tuple(out)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    words = (source.encode(), target.encode(), kind.encode() if kind else None)
    check(LIBC.mount(*words, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def scratch_of(paths: Iterable[str]) -> str:
    """The folder of a jail that can be written: /tmp, unless what the jail shows lies beneath it."""
    return _OTHER_SCRATCH if any(f"{path}/".startswith(f"{SCRATCH}/") for path in paths) else SCRATCH


def mount_scratch(path: str) -> None:
    """Mounts an empty folder of bounded size and number of files."""
    _mount("qmk", path, "tmpfs", MS_NOSUID | MS_NODEV, _BOUNDS)


def enter(paths: tuple[str, ...]) -> None:
    """Makes the root, moves into it, and makes it read-only. Needs a mount namespace with the right to mount."""
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    links = {path: os.readlink(path) for path in paths if os.path.islink(path)}
    held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in (*paths, *DEVICES) if path not in links}
    folders = {path for path in held if os.path.isdir(path)}
    mount_scratch(_PLACE)
    os.makedirs(_PLACE + scratch_of(paths))
    for path, to in links.items():
        os.makedirs(os.path.dirname(_PLACE + path), exist_ok=True)
        os.symlink(to, _PLACE + path)
    for path, fd in held.items():
        _show(path, fd, path in folders)
        os.close(fd)
    os.chdir(_PLACE)
    call(_PIVOT_ROOT, b".", b".")
    check(LIBC.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")
    _mount("none", "/", None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _show(path: str, fd: int, is_folder: bool) -> None:
    """Binds what ``fd`` refers to at ``path`` of the new root, read-only but for devices."""
    target = _PLACE + path
    os.makedirs(target if is_folder else os.path.dirname(target), exist_ok=True)
    if not is_folder:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    _mount(f"/proc/self/fd/{fd}", target, None, MS_BIND | MS_REC)
    if path not in DEVICES:
        flags = os.statvfs(target).f_flag
        kept = sum(flag for bit, flag in _STATVFS_FLAGS.items() if flags & bit)
        _mount("none", target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | kept)

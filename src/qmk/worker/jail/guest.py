"""Gives up what a worker does not need in a sandbox that holds it already: what its kernel tells of itself, its rights,
and its calls. What is left to attack of the sandbox is then as small as of a jail."""

from __future__ import annotations

import os
import sys

from qmk.worker.jail import entry, root, seccomp, syscalls
from qmk.worker.jail import kernel as linux
from qmk.worker.jail.root import MNT_DETACH
from qmk.worker.memory import PEAK


def confine(memory_bytes: int = 0, *, devices: bool = False) -> None:
    """Confines this process, for good: /proc and /sys are gone, rights and most calls too, and it may take
    ``memory_bytes`` more (0: without bound). With ``devices`` it keeps ioctl, by which a driver is asked. Raises
    ``OSError``."""
    PEAK.reset()  # it opens files that are out of reach later
    entry.bound(entry.address_space(memory_bytes))
    for path in ("/proc", "/sys"):
        if os.path.isdir(path) and os.listdir(path):
            linux.check(linux.LIBC.umount2(path.encode(), MNT_DETACH), f"umount {path}")
    place = next((each for each in root.SCRATCHES if os.access(each, os.W_OK)), "")
    if not place:
        place = root.scratch_of(sys.path)
        root.mount_scratch(place)
    os.environ.update(HOME=place, TMPDIR=place)
    entry.drop_capabilities()
    more = (syscalls.IOCTL,) if devices else ()
    allowed = (*syscalls.ALLOWED.values(), *more)
    seccomp.install(seccomp.program(os.getpid(), seccomp.REFUSE, allowed), listen=False)

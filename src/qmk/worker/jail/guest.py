"""Gives up what a worker does not need in a sandbox that holds it already: what its kernel tells of itself, its rights,
and its calls. What is left to attack of the sandbox is then as small as of a jail."""

from __future__ import annotations

import contextlib
import os

from qmk.worker.jail import entry, seccomp
from qmk.worker.jail import kernel as linux
from qmk.worker.jail.root import MNT_DETACH
from qmk.worker.memory import PEAK


def confine(memory_bytes: int = 0) -> None:
    """Confines this process, for good: /proc and /sys are gone, rights and most calls too, and it may take
    ``memory_bytes`` more (0: without bound). Raises ``OSError``."""
    PEAK.reset()  # it opens files that are out of reach later
    entry.bound(memory_bytes)
    for path in (b"/proc", b"/sys"):
        with contextlib.suppress(OSError):  # not shown, or not ours to take away
            linux.check(linux.LIBC.umount2(path, MNT_DETACH), "umount")
    os.environ.update(HOME="/tmp", TMPDIR="/tmp")
    entry.drop_capabilities()
    seccomp.install(seccomp.program(os.getpid(), seccomp.REFUSE), listen=False)

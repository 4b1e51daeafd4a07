"""Has the system kill a child and its process group when this process ends, however it ends: on Linux.

``worker.process.settle`` asks for the same, but a child that is stopped before it gets there, or whose parent dies
before, would stay. So a child inherits one more descriptor: the read end of a pipe whose write end this process alone
has. The system tells the owner of that end when the last writer is gone, and the signal is SIGKILL, which reaches
stopped processes too. The child need do nothing for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator

_lock = threading.Lock()
_pipe: list[int] = []
"""Both ends of the pipe, once there is a child."""


def _forget() -> None:
    """A fork is a process of its own, with children of its own: it closes what it has of the pipe."""
    while _pipe:
        os.close(_pipe.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextlib.contextmanager
def tie() -> Generator[tuple[tuple[int, ...], Callable[[int], None]]]:
    """What a child has to inherit, and what to call with its process id once it leads a process group. Where the system
    has no such signals, nothing is inherited and the call does nothing."""
    fd = _read_end()
    if fd < 0:
        yield (), lambda pid: None
        return
    try:
        yield (fd,), lambda pid: _sign(fd, pid)
    finally:
        os.close(fd)


def _read_end() -> int:
    """A read end with an owner of its own; -1 where there is none."""
    if sys.platform != "linux":
        return -1
    with _lock, contextlib.suppress(OSError):
        if not _pipe:
            _pipe.extend(os.pipe())
        return os.open(f"/proc/self/fd/{_pipe[0]}", os.O_RDONLY | os.O_CLOEXEC)
    return -1


def _sign(fd: int, pid: int) -> None:
    import fcntl  # which other systems do not have; this file is read on all

    with contextlib.suppress(OSError):  # it has ended already
        fcntl.fcntl(fd, fcntl.F_SETOWN, -pid)
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)

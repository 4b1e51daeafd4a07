"""Has the system kill a child and its process group when this process ends, however it ends: on Linux.

``worker.process.settle`` asks for the same, but a child that is stopped before it gets there, or whose parent dies
before, would stay. So a child inherits one more descriptor: the read end of a pipe whose write end this process alone
has. The system tells the owner of that end when the last writer is gone, and the signal is SIGKILL, which reaches
stopped processes too. The child need do nothing for it.

It does not reach the first process of a namespace of processes, to which a signal of this kind is as one from inside.
The keeper of a jail is one; until it leads a group of its own it is in that of its zygote. So the group gets SIGCONT
too, from a second end: a keeper that was stopped goes on, and finds that its parent is gone.
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
_SIGNALS = (signal.SIGKILL, signal.SIGCONT) if sys.platform == "linux" else ()


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
    fds = _read_ends()
    try:
        yield fds, lambda pid: _sign(fds, pid)
    finally:
        for fd in fds:
            os.close(fd)


def _read_ends() -> tuple[int, ...]:
    """A read end for each signal, each with an owner of its own; none where there are none."""
    fds: list[int] = []
    if sys.platform == "linux":
        with _lock, contextlib.suppress(OSError):
            if not _pipe:
                _pipe.extend(os.pipe())
            for _ in _SIGNALS:
                fds.append(os.open(f"/proc/self/fd/{_pipe[0]}", os.O_RDONLY | os.O_CLOEXEC))
    return tuple(fds)


def _sign(fds: tuple[int, ...], pid: int) -> None:
    import fcntl  # which other systems do not have; this file is read on all

    with contextlib.suppress(OSError):  # it has ended already
        for fd, number in zip(fds, _SIGNALS, strict=False):
            fcntl.fcntl(fd, fcntl.F_SETOWN, -pid)
            fcntl.fcntl(fd, fcntl.F_SETSIG, number)
            fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)

"""The set-up of a worker or translator process: it dies with its parent, leaves signals to the host, and bounds its
threads and memory. Linux gives all of it; elsewhere the closed socket pair still ends the process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import resource
import signal
import sys
from collections.abc import Generator

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


def settle(name: str, threads: int, nice: int = 0) -> None:
    """Makes this process a child that cannot outlive or disturb its host. Call before importing anything heavy.

    SIGINT is ignored (Ctrl-C in a terminal reaches the host, which decides), SIGTERM kills, no signal is blocked,
    SIGPIPE stays an error return. The kernel's out-of-memory killer is told to take this process before the host.
    """
    die_with_parent(name)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    _wish("oom_score_adj", "900")
    if nice:
        os.nice(nice)
        _wish("autogroup", str(nice))  # where each session has its share, that share gives way


def _wish(name: str, value: str) -> None:
    """Set what the system says of this process; some containers have no writable /proc."""
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self", name).write_text(value)


def die_with_parent(name: str) -> None:
    """Has the system kill this process when the thread that started it ends, and calls it ``name`` in its lists."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


@contextlib.contextmanager
def memory_at_most(more_bytes: int) -> Generator[None]:
    """Inside this context, the process may take ``more_bytes`` of address space beyond what it has; further allocations
    fail with MemoryError. It is for libraries without a bound of their own. On systems that do not tell a process its
    size, nothing is bounded."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        yield
        return
    limit = pages * resource.getpagesize() + more_bytes
    bounds = [limit, *(old for old in (soft, hard) if old != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def bound_memory(memory_bytes: int) -> None:
    """Makes allocations beyond ``memory_bytes`` of address space fail with MemoryError."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))

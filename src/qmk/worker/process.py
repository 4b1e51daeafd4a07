"""What a worker or translator process does to itself first: die with its parent, leave signals to the host, bound its
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


def settle(name: str, threads: int) -> None:
    """Make this process a child that cannot outlive or disturb its host. Call before importing anything heavy.

    SIGINT is ignored (Ctrl-C in a terminal reaches the host, which decides), SIGTERM kills, no signal is blocked,
    SIGPIPE stays an error return. The kernel's out-of-memory killer is told to take this process before the host.
    """
    _die_with_parent(name)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    with contextlib.suppress(OSError):  # a wish: some containers have no writable /proc
        pathlib.Path("/proc/self/oom_score_adj").write_text("900")


def _die_with_parent(name: str) -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


@contextlib.contextmanager
def memory_at_most(more_bytes: int) -> Generator[None]:
    """Within it, this process may take ``more_bytes`` of address space beyond what it has; then allocations fail with
    MemoryError. For libraries that have no bound of their own. Where the system does not say what a process has, there
    is no bound."""
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
    """Allocations past ``memory_bytes`` of address space fail with MemoryError."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))

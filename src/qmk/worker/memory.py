"""Measures the peak of this process's resident memory: during one job where the system can reset the peak, else since
the process started."""

from __future__ import annotations

import os
import sys

_FROM_NOW = b"5"
"""What resets the peak, and nothing else, in Linux's ``clear_refs`` (proc(5))."""


class Peak:
    """The peak since ``reset``. ``since_reset`` says whether it is that, or the peak of the process's whole life."""

    def __init__(self) -> None:
        self.since_reset = False
        self._clear = self._status = -1

    def reset(self, proc: int | None = None) -> None:
        """Starts counting anew, if the system can: Linux with a writable /proc. ``proc``: that folder, open, for a
        process that cannot reach it by name."""
        at = "/proc/self" if proc is None else "self"
        try:
            if self._clear < 0:
                self._clear = os.open(f"{at}/clear_refs", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
                self._status = os.open(f"{at}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
            os.pwrite(self._clear, _FROM_NOW, 0)
        except OSError:  # another system, or a container without it: the peak is then the whole life's
            self.since_reset = False
            return
        self.since_reset = True

    @property
    def files(self) -> tuple[int, ...]:
        """The descriptors that it keeps open."""
        return tuple(fd for fd in (self._clear, self._status) if fd >= 0)

    def bytes(self) -> int:
        """The peak in bytes; 0 on a system that does not say it. Without a reset it may include what the parent had at
        the fork, as getrusage(2) counts."""
        if self.since_reset:
            status = os.pread(self._status, 4096, 0)
            at = status.find(b"VmHWM:")
            if at >= 0:
                return int(status[at + 6 : status.index(b"kB", at)]) * 1024
        try:
            import resource
        except ImportError:  # Windows
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


PEAK = Peak()
"""The peak of this process. A worker resets it before each job; in a script that runs jobs in its own process it is not
reset."""

"""The resources of this machine for jobs, within the limits of its container. They are read once, at start."""

from __future__ import annotations

import os
from pathlib import Path

MEMORY_SHARE = 0.85
"""The share of available memory that jobs get; the rest is for the daemon, the page cache and errors of prediction."""

_UNLIMITED_BYTES = 1 << 60


def cpus() -> int:
    """Processors this process may use: affinity, then the container's quota."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit():
        available = min(available, max(1, int(quota[0]) // int(quota[1])))
    return available


def memory_bytes() -> int:
    """Bytes that jobs may be given together."""
    return int(MEMORY_SHARE * min(_available_bytes(), _container_bytes()))


def _available_bytes() -> int:
    for line in _read("/proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _container_bytes() -> int:
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    used = _read("/sys/fs/cgroup/memory.current").strip()
    if not limit.isdigit():
        return _UNLIMITED_BYTES
    return max(0, int(limit) - (int(used) if used.isdigit() else 0))


def _read(path: str) -> str:
    """The file's text, empty when this system has no such file."""
    file = Path(path)
    return file.read_text() if file.is_file() else ""


class ProcessorWait:
    """Tells how long the main thread of a process was ready to run and had no processor, as ``/proc/PID/schedstat`` of
    Linux counts it. The file stays open, because opening it costs fifty times as much as reading it."""

    def __init__(self, pid: int) -> None:
        try:
            self._file = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def seconds(self) -> float:
        """Give the seconds since the process began; 0 where the system does not say, and for a process that is gone."""
        try:
            return int(os.pread(self._file, 64, 0).split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

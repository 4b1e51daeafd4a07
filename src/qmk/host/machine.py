"""The resources of this machine for jobs, within the limits of its container. They are read once, at start."""

from __future__ import annotations

import ctypes
import os
import time
from collections import deque
from pathlib import Path

MEMORY_SHARE = 0.85
"""The share of available memory that jobs get; the rest is for the daemon, the page cache and errors of prediction."""

_UNLIMITED_BYTES = 1 << 60


ROOT = Path("/")
"""Where the system's files about itself are found."""


def cpus(root: Path = ROOT) -> int:
    """Processors this process may use: affinity, then the quota of its control group, of version 2 or 1."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_read(folder / "cpu.max") for folder in _group_folders(root, "")]
    for folder in _group_folders(root, "cpu"):
        quotas.append(f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}")
    for quota in quotas:
        numbers = quota.split()
        if len(numbers) == 2 and all(each.isdigit() and int(each) for each in numbers):
            available = min(available, max(1, int(numbers[0]) // int(numbers[1])))
    return available


def memory_bytes(root: Path = ROOT) -> int:
    """Bytes that jobs may be given together."""
    return int(MEMORY_SHARE * min(_available_bytes(root), _container_bytes(root)))


def return_memory() -> None:
    """Has the C library give back what was freed: between blocks that are in use it keeps hundreds of megabytes."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _available_bytes(root: Path) -> int:
    kib = _row(_read(root / "proc/meminfo"), "MemAvailable:")
    return kib * 1024 if kib else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _container_bytes(root: Path) -> int:
    """What the control groups of this process leave it, of version 2 and 1. Both count pages of files as used memory,
    and give up those that are not in use when memory is short."""
    left = [_UNLIMITED_BYTES]
    for folder in _group_folders(root, ""):
        left += _left_in(folder, "memory.max", "memory.current", "inactive_file")
    for folder in _group_folders(root, "memory"):
        left += _left_in(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    return max(0, min(left))


def _left_in(folder: Path, limit: str, used: str, cache: str) -> list[int]:
    """Bytes that the control group leaves, if it has a limit."""
    limit_bytes = _number(folder / limit)
    if not limit_bytes:
        return []
    return [limit_bytes - max(0, _number(folder / used) - _row(_read(folder / "memory.stat"), cache))]


RECENT_LOOKS = 15
"""Looks at the count of out-of-memory kills before a worker's end, one of which may be that end."""


class OutOfMemoryKills:
    """Counts the processes that this machine, or our control group, has ended for want of memory."""

    def __init__(self, root: Path = ROOT) -> None:
        self._files = [folder / "memory.events" for folder in _group_folders(root, "")]
        self._files += [folder / "memory.oom_control" for folder in _group_folders(root, "memory")]
        self._files.append(root / "proc/vmstat")
        self._seen = deque([self.count()], maxlen=RECENT_LOOKS)

    def look(self) -> None:
        """Notes the number, now and then."""
        self._seen.append(self.count())

    def any_lately(self) -> bool:
        return self.count() > self._seen[0]

    def count(self) -> int:
        """A number that grows with each of them."""
        return sum(_row(_read(file), "oom_kill") for file in self._files)


def _group_folders(root: Path, controller: str) -> list[Path]:
    """The folders of our control group and of those that it is in, for a controller of version 1, or "" for version 2.
    In a container the path that the system names may be the host's; then the group is what is mounted."""
    top = root / "sys/fs/cgroup" / controller
    named = ""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(","):
            named = path.strip("/")
    folders = [top]
    for part in named.split("/") if named else ():
        folders.append(folders[-1] / part)
    return [folder for folder in folders if folder.is_dir()]


def _row(text: str, name: str) -> int:
    """The number in the row that begins with this word, 0 if there is none."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return 0


def _number(path: Path) -> int:
    """The number in the file; 0 where there is none, as there is for "max"."""
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0


def _read(path: Path) -> str:
    """The file's text, empty when this system has no such file."""
    try:
        return path.read_text()
    except OSError:
        return ""


class ProcessorTime:
    """Tells how long the main thread of a process ran, and how long it was ready to run and had no processor, as
    ``/proc/PID/schedstat`` of Linux counts it. The file stays open, because opening it costs fifty times as much as
    reading it."""

    def __init__(self, pid: int) -> None:
        try:
            self._file = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def ran_s(self) -> float:
        """Give the seconds that it ran; where the system does not say, those of the clock."""
        return self._field(0) if self._file >= 0 else time.monotonic()

    def waited_s(self) -> float:
        """Give the seconds that it waited; 0 where the system does not say, and for a process that is gone."""
        return self._field(1)

    def _field(self, number: int) -> float:
        try:
            return int(os.pread(self._file, 64, 0).split()[number]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process, its children that run and those that have ended have taken; 0 where the
    system does not say."""
    ticks, waiting = 0, [str(pid)]
    while waiting:
        place = Path("/proc", waiting.pop())
        try:
            ticks += sum(map(int, (place / "stat").read_bytes().rpartition(b")")[2].split()[11:15]))
            waiting += [
                child for task in (place / "task").iterdir() for child in (task / "children").read_text().split()
            ]
        except (OSError, ValueError):
            continue  # it has ended
    return ticks / os.sysconf("SC_CLK_TCK")

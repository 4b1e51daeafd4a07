"""Looks at a process from outside, to find one that will never answer.

A beat sent by the process itself would tell less: a thread beside the computation needs the interpreter's lock, which
a call into a library may keep for hours, and it would go on beating beside a computation that hangs. Linux says what
the process does. Elsewhere nothing is found.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
LOOK_EVERY_S = 2.0
STOPPED_LOOKS = 4
STUCK_LOOKS = 30
DEAF_LOOKS = 15


def parent_of(pid: int, proc: Path = PROC) -> int:
    """The parent of a process; 0 where the system does not say."""
    try:
        return int((proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def innermost(pid: int, proc: Path = PROC) -> int:
    """The process that a chain of programs, each the only child of the one before, has in the end started; ``pid``
    itself where there is none, or the system does not say."""
    while True:
        try:
            children = (proc / str(pid) / "task" / str(pid) / "children").read_text().split()
        except OSError:
            return pid
        if len(children) != 1:
            return pid
        pid = int(children[0])


class Watch:
    """One process. Looks are counted, not seconds: a daemon that was stopped itself has not looked."""

    def __init__(self, pid: int, every_s: float = LOOK_EVERY_S, proc: Path = PROC) -> None:
        self._every_s = every_s
        self._ticks = -1
        self._stopped = self._stuck = self._deaf = 0
        try:
            self._file = os.open(proc / str(pid) / "stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def look(self, unread: bool = False) -> str:
        """Look once, every ``every_s``. Gives what is wrong with the process, once that is certain, else "".
        ``unread``: it has not read what it was sent, though it has nothing else to do."""
        try:
            fields = os.pread(self._file, 1024, 0).rpartition(b")")[2].split()
            state, ticks = fields[0], int(fields[11]) + int(fields[12])
        except (OSError, IndexError, ValueError):
            return ""
        rests, self._ticks = ticks == self._ticks, ticks
        self._stopped = self._stopped + 1 if state == b"T" else 0
        self._stuck = self._stuck + 1 if state == b"D" and rests else 0
        self._deaf = self._deaf + 1 if state == b"S" and rests and unread else 0
        if self._stopped >= STOPPED_LOOKS:
            return f"was stopped (SIGSTOP) for {self._seconds(STOPPED_LOOKS)} s"
        if self._stuck >= STUCK_LOOKS:
            return f"hung in a call of the system for {self._seconds(STUCK_LOOKS)} s, without processor time"
        if self._deaf >= DEAF_LOOKS:
            return f"did not read its program for {self._seconds(DEAF_LOOKS)} s, without processor time"
        return ""

    def _seconds(self, looks: int) -> str:
        return f"{looks * self._every_s:g}"

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

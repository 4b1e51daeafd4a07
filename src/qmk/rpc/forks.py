"""A lock that a forked process does not inherit."""

from __future__ import annotations

import os
import threading


class ForkedLock:
    """A lock of the threads of one process. A process forked while one of them holds it has a lock of its own: nobody
    there would ever let go of the parent's. What it guards must be whole between any two of its steps."""

    def __init__(self) -> None:
        self._locks = {os.getpid(): threading.RLock()}

    def acquire(self) -> None:
        pid = os.getpid()
        (self._locks.get(pid) or self._locks.setdefault(pid, threading.RLock())).acquire()

    def release(self) -> None:
        self._locks[os.getpid()].release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *failure: object) -> None:
        self.release()

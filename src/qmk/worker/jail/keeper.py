"""The first process of a jail: it refuses and counts calls, and ends with what the worker ended with.

It is process 1 of the jail's process namespace, so that everything in the jail dies with it, and it dies with the
process that made it. The worker is its only child.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import time
from collections import Counter

from qmk.worker.jail import seccomp, syscalls

REPORT_EVERY_S = 0.2
REPORT = struct.Struct("=II")
"""Number of a call, and how often it was refused since the report before."""
SIGNAL_STATUS = 128
"""A worker that signal N killed gives the status of shells, 128 + N."""


def keep(worker: int, listener: int, reports: int) -> int:
    """Serves the listener until the worker ends; gives its status, as a shell does."""
    refused: Counter[int] = Counter()
    pidfd = os.pidfd_open(worker)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if listener >= 0:
        poll.register(listener, select.POLLIN)
    due_s = 0.0
    while True:
        ready = dict(poll.poll(REPORT_EVERY_S * 1e3 if refused else None))
        if ready.get(listener, 0) & select.POLLIN:
            number = seccomp.answer_one(listener)
            if number is not None:
                refused[min(number, syscalls.BEYOND)] += 1
        elif listener in ready:
            poll.unregister(listener)
        now_s = time.monotonic()
        if refused and (now_s >= due_s or pidfd in ready):
            _report(reports, refused)
            due_s = now_s + REPORT_EVERY_S
        if pidfd in ready:
            break
    _, status = os.waitpid(worker, 0)
    ended = os.waitstatus_to_exitcode(status)
    return ended if ended >= 0 else SIGNAL_STATUS - ended


def _report(reports: int, refused: Counter[int]) -> None:
    with contextlib.suppress(OSError):  # nobody counts any more
        os.write(reports, b"".join(REPORT.pack(*row) for row in refused.items()))
    refused.clear()

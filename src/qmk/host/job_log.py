"""What the daemon's log says of jobs: each line about a job has its trace, and the last lines are kept for who looks at
one job."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable

from qmk.kernel.objects.job import Job
from qmk.rpc.op_metrics import LogLine

KEPT = 4096
"""Lines about jobs that are kept in memory."""
LINE_CHARACTERS = 2000
"""Characters of a line that are kept."""
_JOB = re.compile(r"\bjob_[0-9a-f]{32}\b", re.ASCII)


class JobLog(logging.Filter):
    """A filter that lets every record pass. It adds the facts ``job`` and ``trace`` to those that name a job: the trace
    of the request that made it, or that of its id. ``find`` gives a job that is remembered."""

    def __init__(self, find: Callable[[str], Job | None]) -> None:
        super().__init__()
        self._find = find
        self._kept: deque[tuple[str, LogLine]] = deque(maxlen=KEPT)

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (found := _JOB.search(text)) is not None and not hasattr(record, "facts"):
            id = found[0]
            job = self._find(id)
            record.facts = {"job": id, "trace": (job.submitted.trace if job is not None else "") or id[len("job_") :]}
            line = {"level": record.levelname.lower(), "logger": record.name, "message": text[:LINE_CHARACTERS]}
            self._kept.append((id, LogLine(at_s=record.created, **line)))
        return True

    def lines_of(self, job: str) -> list[LogLine]:
        """The lines about a job that are kept, oldest first."""
        return [line for id, line in list(self._kept) if id == job]

    def join(self) -> None:
        """Sees what the handlers of the root logger write from now on, instead of an earlier one."""
        for handler in logging.getLogger().handlers:
            for earlier in [each for each in handler.filters if isinstance(each, JobLog)]:
                handler.removeFilter(earlier)
            handler.addFilter(self)

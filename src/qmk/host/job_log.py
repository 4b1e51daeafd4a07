"""What the daemon's log says: each line about a job has its trace, and the last lines are kept for whoever looks."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from itertools import count

from qmk.kernel.objects.job import Job
from qmk.rpc.op_metrics import LogLine, LogQuery

KEPT = 8192
"""Lines that are kept in memory."""
LINE_CHARACTERS = 2000
"""Characters of a line that are kept."""
_JOB = re.compile(r"\bjob_[0-9a-f]{32}\b", re.ASCII)


class JobLog(logging.Filter):
    """A filter that lets every record pass. It adds the facts ``job`` and ``trace`` to those that name a job: the trace
    of the request that made it, or that of its id. ``find`` gives a job that is remembered."""

    def __init__(self, find: Callable[[str], Job | None]) -> None:
        super().__init__()
        self._find = find
        self._numbers = count(1)
        self._kept: deque[LogLine] = deque(maxlen=KEPT)

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "facts"):
            return True
        text = record.getMessage()
        ids = dict.fromkeys(_JOB.findall(text))
        jobs = [self._find(id) for id in ids]
        tenants = {job.tenant if job is not None else "" for job in jobs}
        id = next(iter(ids), "")
        if id:
            record.facts = {"job": id, "trace": (jobs[0].submitted.trace if jobs[0] else "") or id[len("job_") :]}
        self._kept.append(
            LogLine(
                number=next(self._numbers),
                at_s=record.created,
                level=record.levelname.lower(),
                logger=record.name,
                message=text[:LINE_CHARACTERS],
                job=id,
                tenant=tenants.pop() if len(tenants) == 1 else "",
            )
        )
        return True

    def find(self, query: LogQuery) -> list[LogLine]:
        """The lines that are kept and fit, the newest first."""
        found: list[LogLine] = []
        text = query.text.lower()
        for line in reversed(list(self._kept)):
            if len(found) == query.limit or line.at_s < query.since:
                break
            if (
                (not query.before or line.number < query.before)
                and (not query.until or line.at_s < query.until)
                and query.tenant in ("", line.tenant)
                and (not query.job or query.job in line.message)
                and text in line.message.lower()
            ):
                found.append(line)
        return found

    def join(self) -> None:
        """Sees what the handlers of the root logger write from now on, instead of an earlier one."""
        for handler in logging.getLogger().handlers:
            for earlier in [each for each in handler.filters if isinstance(each, JobLog)]:
                handler.removeFilter(earlier)
            handler.addFilter(self)

"""The packed graphs of jobs that have not ended, in memory within a bound; the others are read from the journal."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

HELD_BYTES = 256 << 20


class Graphs:
    """``read`` gives the graph of a job that is in the journal."""

    def __init__(self, read: Callable[[str], bytes], limit_bytes: int = HELD_BYTES) -> None:
        self._read = read
        self._limit = limit_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self.held_bytes = 0

    def put(self, job: str, graph: bytes) -> None:
        """Keeps a graph, and drops the oldest when there is no room: their jobs' records are in the journal by then. An
        empty one was left out of its record."""
        self.drop(job)
        if not graph:
            return
        self._held[job] = graph
        self.held_bytes += len(graph)
        while self.held_bytes > self._limit and len(self._held) > 1:
            self.drop(next(iter(self._held)))

    def get(self, job: str) -> bytes:
        """Gives the graph. Raises INTERNAL_ERROR when the journal does not have it either."""
        found = self._held.get(job)
        return self._read(job) if found is None else found

    def drop(self, job: str) -> None:
        self.held_bytes -= len(self._held.pop(job, b""))

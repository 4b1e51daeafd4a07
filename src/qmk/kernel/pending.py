"""Jobs in VALIDATING: accepted by the kernel, not yet by the router and the journal."""

from __future__ import annotations

from collections.abc import Iterator, ValuesView

import msgspec

from qmk.kernel.events import Submitted


class Pending(msgspec.Struct):
    """A job that waits for the router, or for the graph of an earlier job. ``draft`` lacks what is being waited for;
    ``callers`` are to be answered, as callers of ``method``. ``held``: capabilities that its session held."""

    draft: Submitted
    callers: list[tuple[int, int]]
    method: str = "q_submit"
    held: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[str, str]:
        """What a repeated request is known by."""
        return self.draft.tenant, self.draft.idempotency_key


class PendingTable:
    """Jobs in VALIDATING by id, with those of an idempotency key and of a caller's connection at hand."""

    def __init__(self) -> None:
        self._by_id: dict[str, Pending] = {}
        self._by_key: dict[tuple[str, str], Pending] = {}
        self._of_conn: dict[int, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __getitem__(self, job: str) -> Pending:
        return self._by_id[job]

    def values(self) -> ValuesView[Pending]:
        return self._by_id.values()

    def add(self, pending: Pending) -> None:
        self._by_id[pending.draft.job] = pending
        if pending.draft.idempotency_key:
            self._by_key[pending.key] = pending
        for conn, _ in pending.callers:
            self._of_conn.setdefault(conn, {})[pending.draft.job] = None

    def find_repeat(self, tenant: str, idempotency_key: str) -> Pending | None:
        """The job of an earlier request with that key."""
        return self._by_key.get((tenant, idempotency_key))

    def join(self, pending: Pending, conn: int, ref: int) -> None:
        """Adds a caller who waits for the job."""
        pending.callers.append((conn, ref))
        self._of_conn.setdefault(conn, {})[pending.draft.job] = None

    def take(self, job: str) -> Pending | None:
        """Takes it out, if it is there."""
        pending = self._by_id.pop(job, None)
        if pending is None:
            return None
        self._by_key.pop(pending.key, None)
        for conn in {conn for conn, _ in pending.callers}:
            jobs = self._of_conn[conn]
            del jobs[job]
            if not jobs:
                del self._of_conn[conn]
        return pending

    def disconnect(self, conn: int) -> None:
        """Drops the callers of a connection that is gone; the jobs go on."""
        for job in self._of_conn.pop(conn, ()):
            pending = self._by_id[job]
            pending.callers = [caller for caller in pending.callers if caller[0] != conn]

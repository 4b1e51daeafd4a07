"""Keeps calls that are answered later: waits, and asks that a job answers at its next fence, or once it is placed.

A wait is a q_wait or q_events call, an ask a q_checkpoint, q_migrate or q_rollback call. What callers wait for lives
here, and apart from it what a launch was asked to do, so that it is asked once however many wait for it. None of it is
in the journal: a client that loses its daemon asks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from qmk.abi.calls.q_get_mapping import Placement
from qmk.kernel.policy import Refusals

STATUS_WAIT = -1
CHECKPOINT = "checkpoint"
MIGRATE = "migrate"
ROLLBACK = "rollback"


class OpenCall(msgspec.Struct, gc=False, kw_only=True):
    """``under`` is the capability that let it in, if its uses are counted. Its table gives it the ``key``."""

    key: str = ""
    conn: int
    ref: int
    session: str
    job: str
    under: str = ""


class Wait(OpenCall, gc=False, kw_only=True):
    """``after`` is the last event already seen by a q_events, ``STATUS_WAIT`` for a q_wait. ``key`` names its timer."""

    after: int
    timed: bool


class Ask(OpenCall, gc=False, kw_only=True):
    """``kind`` is one of the above. ``checkpoint`` is the id of the one to make, ``region`` where to, ``epoch`` back to
    which. ``placements`` is the map that a migration's answer is made of, None until it was read."""

    kind: str
    checkpoint: str = ""
    region: str = ""
    epoch: int = 0
    placements: list[Placement] | None = None


class Asked(msgspec.Struct, frozen=True, gc=False):
    """An interrupt that a launch was sent and has not answered."""

    ref: str
    why: str


C = TypeVar("C", bound=OpenCall)


class OpenCalls(Generic[C]):
    """Calls by key, with those of a job, a connection and a session at hand. ``limit`` bounds those of one session.
    ``freed`` collects the sessions whose calls went and had been let in by a capability that counts its uses."""

    def __init__(self, kind: str, limit: int, refusals: Refusals) -> None:
        self.limit = limit
        self.freed: list[str] = []
        self._kind, self._refusals = kind, refusals
        self._asked: dict[str, tuple[int, dict[str, Asked]]] = {}
        self._count = 0
        self._by_key: dict[str, C] = {}
        self._keys: dict[tuple[str, str | int], dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._by_key.values()))

    def add(self, call: C) -> C:
        """Takes it in under a new key. Raises QUOTA_EXCEEDED when the session has as many open as it may."""
        if self.count_of_session(call.session) >= self.limit:
            raise self._refusals.too_many_open_calls(self._kind, self.limit)
        self._count += 1
        call.key = f"{self._kind}:{self._count}"
        self._by_key[call.key] = call
        for row in _rows(call):
            self._keys.setdefault(row, {})[call.key] = None
        return call

    def remove(self, call: C) -> None:
        del self._by_key[call.key]
        if call.under:
            self.freed.append(call.session)
        for row in _rows(call):
            keys = self._keys[row]
            del keys[call.key]
            if not keys:
                del self._keys[row]

    def get(self, key: str) -> C | None:
        return self._by_key.get(key)

    def of_job(self, job: str) -> list[C]:  # asked with every record of a job: one function call less
        keys = self._keys.get(("job", job))
        return [self._by_key[key] for key in keys] if keys else []

    def of_conn(self, conn: int) -> list[C]:
        return self._of("conn", conn)

    def of_session(self, session: str) -> list[C]:
        return self._of("session", session)

    def count_of_session(self, session: str) -> int:
        return len(self._keys.get(("session", session), ()))

    def asked_of(self, job: str, fence: int) -> dict[str, Asked]:
        """What launch ``fence`` of the job was asked and has not answered, by kind of interrupt; to be written to."""
        found = self._asked.get(job)
        if found is None or found[0] != fence:
            found = self._asked[job] = (fence, {})
        return found[1]

    def forget_asked(self, job: str) -> None:
        self._asked.pop(job, None)

    def _of(self, what: str, value: str | int) -> list[C]:
        keys = self._keys.get((what, value))
        return [self._by_key[key] for key in keys] if keys else []


def _rows(call: OpenCall) -> tuple[tuple[str, str | int], ...]:
    return ("job", call.job), ("conn", call.conn), ("session", call.session)

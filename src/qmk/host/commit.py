"""Commits in groups: what one turn of the host produced becomes durable together, then the effects that waited for it
are released.

Small batches that need not wait for a disk or a server are written at once, on the loop; others in a thread, one batch
at a time, while the next one gathers. If a batch cannot be written the host has broken a promise to itself: what waited
is refused and ``broken`` is called, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qmk.base.errors import QmkError
from qmk.host.journal import Batch, Journal
from qmk.host.results import Result
from qmk.host.seals import Seal
from qmk.host.sql.database import is_damage
from qmk.kernel.effects import Audit, Charge, DropBlob
from qmk.kernel.events import Record

Held = Any
"""An effect that waits for the journal."""


class Committer:
    """``schedule(f)`` calls ``f`` at the end of this turn. ``in_thread(work, then)`` runs ``work`` in a thread and
    calls ``then(error or None)`` back on the loop; None: there are no threads, everything is written at once.
    ``wrote(batch, seconds)`` hears of each batch, in the thread that wrote it."""

    def __init__(
        self,
        journal: Journal,
        release: Callable[[list[Held]], None],
        refuse: Callable[[list[Held], QmkError], None],
        schedule: Callable[[Callable[[], None]], object],
        in_thread: Callable[[Callable[[], None], Callable[[BaseException | None], None]], None] | None = None,
        broken: Callable[[QmkError], None] | None = None,
        wrote: Callable[[Batch, float], None] | None = None,
    ) -> None:
        self._journal = journal
        self._release = release
        self._refuse = refuse
        self._schedule = schedule
        self._in_thread = in_thread
        self._broken = broken
        self._wrote = wrote
        self._batch = Batch()
        self._held: list[Held] = []
        self._gathered = False
        self._writing: list[Held] | None = None
        self._touched: set[str] = set()
        self._being_written: set[str] = set()
        self._scheduled = False
        self._failed: QmkError | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is gathered and nothing is being written."""
        return not self._gathered and self._writing is None

    @property
    def behind(self) -> bool:
        """Whether something that was recorded is not in the journal yet, or never will be. What depends on it must be
        held."""
        return self._failed is not None or not self.idle

    def is_behind_for(self, job: str) -> bool:
        """As ``behind``, for what is known of one job."""
        return self._failed is not None or any({job, ""} & touched for touched in (self._touched, self._being_written))

    def record(self, record: Record, durable: bool, data: bytes = b"") -> None:
        self._touched.add(getattr(record, "job", ""))
        self._batch.records.append(record)
        self._batch.data.append(data)
        self._batch.durable |= durable
        self._ask()

    def result(self, job: str, result: Result) -> None:
        self._batch.results.append((job, result))
        self._ask()

    def copy(self, job: str, source: str) -> None:
        """Gives ``job`` the result of ``source``."""
        self._batch.copies.append((job, source))
        self._ask()

    def charge(self, charge: Charge) -> None:
        self._batch.charges.append(charge)
        self._ask()

    def audit(self, entry: Audit) -> None:
        self._batch.audit.append(entry)
        self._ask()

    def seal(self, seal: Seal) -> None:
        """The seal is durable, as ``audit.head`` will have it: a log that is behind that was cut."""
        self._batch.seals.append(seal)
        self._batch.durable = True
        self._ask()

    def drop_blob(self, drop: DropBlob) -> None:
        self._batch.dropped.append(drop)
        self._ask()

    def forget(self, job: str) -> None:
        self._touched.add(job)
        self._batch.forgotten.append(job)
        self._ask()

    def hold(self, effect: Held) -> None:
        """Releases ``effect`` when everything recorded so far is durable."""
        self._held.append(effect)
        self._ask()

    def drop(self, unwanted: Callable[[Held], bool]) -> bool:
        """Drops held effects, and says whether there were any."""
        found = False
        for held in (self._held, self._writing or []):
            for effect in [effect for effect in held if unwanted(effect)]:
                held.remove(effect)
                found = True
        return found

    def _ask(self) -> None:
        self._gathered = True
        if not self._scheduled and self._writing is None:
            self._scheduled = True
            self._schedule(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        if self._writing is not None or not self._gathered:
            return
        batch, self._batch = self._batch, Batch()
        self._being_written, self._touched = self._touched, set()
        self._writing, self._held = self._held, []
        self._gathered = False
        if self._failed is not None:
            self._after_write(self._failed)
        elif not batch:
            self._after_write(None)  # what was written while they came is all that they waited for
        elif self._in_thread is not None and self._is_slow(batch):
            self._in_thread(lambda: self._write(batch), self._after_write)
        else:
            self._after_write(self._try_write(batch))

    def _is_slow(self, batch: Batch) -> bool:
        """Whether writing it would hold up everybody else."""
        return self._journal.far or batch.heavy or (batch.durable and self._journal.waits_for_disk)

    def _try_write(self, batch: Batch) -> BaseException | None:
        try:
            self._write(batch)
        except Exception as error:
            return error
        return None

    def _write(self, batch: Batch) -> None:
        begun_s = time.perf_counter()
        self._journal.write(batch)
        if self._wrote is not None:
            self._wrote(batch, time.perf_counter() - begun_s)

    def _after_write(self, error: BaseException | None) -> None:
        held, self._writing = self._writing or [], None
        self._being_written = set()
        if error is None:
            self._release(held)
        else:
            self._fail(held, error)
        if not self.idle:
            self._ask()

    def give_up(self, why: str) -> None:
        """Stops after a failed write: nothing may be promised any more, and a restart goes on from what is in the
        journal."""
        self._fail([], RuntimeError(why))

    def _fail(self, held: list[Held], error: BaseException) -> None:
        first = self._failed is None
        if self._failed is None:
            self._failed = _cannot_write(error)
        self._refuse(held, self._failed)
        if first and self._broken is not None:
            self._broken(self._failed)


def _cannot_write(error: BaseException) -> QmkError:
    """A disk that is full or read-only and a database that is not there are the operator's to mend, others ours."""
    why = f"the journal cannot be written: {error}"
    if isinstance(error, OSError):
        return QmkError("RESOURCE_EXHAUSTED", why, journal=True, help="free some space and start the daemon again")
    if isinstance(error, QmkError) and (error.kind.name == "RESOURCE_EXHAUSTED" or is_damage(error)):
        return QmkError(error.kind.name, why, **{**error.fields, "journal": True})
    return QmkError("INTERNAL_ERROR", why, journal=True)

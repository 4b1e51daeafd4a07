"""What is lost of a damaged journal, by job and tenant: the rows that are there are compared with each other and with
the audit log, which names every job that was ever accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.host.results import Head, decode_head
from qmk.host.seals import UNREADABLE
from qmk.host.sql.database import Row
from qmk.host.sql.salvage import ARCHIVED, AUDIT, CHECKPOINT, JOURNAL, LEDGER, PAGE, RESULT, Table
from qmk.kernel.events import Ending, Finished, Forgotten, JobState, OfLaunch, Recovered, Submitted, TenantSet
from qmk.kernel.objects.archive import Archived
from qmk.kernel.objects.job import COMPLETED
from qmk.kernel.records import decode_record
from qmk.kernel.rewriting import ChangeRefused, Rewritten

_OF_JOB = (Submitted, OfLaunch, JobState, Rewritten, ChangeRefused, *Ending.__args__)
FINISHED = Finished.__name__

_TOLD = (b'"job.admit"', b'"job.end"', b'"tenant.set"')
_entry = msgspec.json.Decoder(tuple[int, int, int, str, str, dict[str, Any]]).decode


class Loss(msgspec.Struct, frozen=True):
    """``part``: program, result, end, graph, state, charge, tenant or audit. ``text`` is a phrase that names it."""

    part: str
    text: str
    job: str = ""
    tenant: str = ""


class Known(msgspec.Struct):
    """All that is left of one job. ``told`` and ``told_end`` are from the audit log, ``charge`` the newest row of the
    ledger; ``archived``: the job is in an archive, beside which stands its program (``has_graph``); ``blobs``: what
    stands beside the journal, as what it is and its name."""

    tenant: str = ""
    program: bool = False
    archived: bool = False
    has_graph: bool = False
    seen: bool = False
    ended: str = ""
    fence: int = 0
    head: Head | None = None
    pages: set[int] = msgspec.field(default_factory=set[int])
    blobs: list[tuple[str, str]] = []
    told: dict[str, Any] = {}
    told_seq: int = 0
    told_end: dict[str, Any] = {}
    ended_ns: int = 0
    charge: Row = ()

    @property
    def is_completed(self) -> bool:
        return self.ended == FINISHED or (not self.ended and self.told_end.get("state") == COMPLETED)

    @property
    def pages_missing(self) -> bool:
        """Whether the result is not all there."""
        head = self.head
        if head is None:
            return True
        count = -(-head.shots // head.page_shots) if head.row_bytes else 0
        return not self.pages.issuperset(range(count))


class Inventory:
    """Takes every row that was found, in any order; then ``losses`` says what is missing."""

    def __init__(self) -> None:
        self.jobs: dict[str, Known] = {}
        self.tenants: set[str] = set()
        self.told_tenants: set[str] = set()
        self._forgotten: set[str] = set()
        self.last_ns = self.fence = self.generation = 0
        self._entries = self._last_entry = self.entries_known = 0
        self._take: dict[str, Callable[[Row], None]] = {
            JOURNAL.name: self._record,
            ARCHIVED.name: self._program,
            RESULT.name: self._result,
            PAGE.name: self._page,
            CHECKPOINT.name: self._checkpoint,
            LEDGER.name: self._charge,
            AUDIT.name: self._entry,
        }

    @property
    def entries_lost(self) -> int:
        """How many entries the audit log lacks; ``entries_known``: of which an earlier repair has said so."""
        return max(0, self._last_entry - self._entries)

    def take(self, table: Table, row: Row) -> None:
        """Notes what the row tells of its job."""
        take = self._take.get(table.name)
        if take is not None:
            take(row)

    def _of(self, job: str, tenant: str = "") -> Known:
        found = self.jobs.get(job)
        if found is None:
            found = self.jobs[job] = Known()
        found.tenant = found.tenant or tenant
        return found

    def _record(self, row: Row) -> None:
        record = decode_record(row[2])
        self.last_ns = max(self.last_ns, record.now_ns)
        if isinstance(record, Recovered):
            self.generation = max(self.generation, record.generation)
        elif isinstance(record, TenantSet):
            self.tenants.add(record.config.name)
        elif isinstance(record, Forgotten):
            self._forgotten.add(record.job)
        elif isinstance(record, Archived):
            for put in record.rows:
                known = self._of(put.job, record.tenant)
                known.seen = known.program = known.archived = True
                known.ended = FINISHED if put.state == COMPLETED else put.state
        elif isinstance(record, _OF_JOB):
            known = self._of(getattr(record, "job", ""), getattr(record, "tenant", ""))
            known.seen = True
            known.program = known.program or isinstance(record, Submitted)
            known.fence = max(known.fence, getattr(record, "fence", 0))
            self.fence = max(self.fence, known.fence)
            if isinstance(record, Ending) and not getattr(record, "died", False):
                known.ended = type(record).__name__
            if row[4]:
                known.blobs = [*known.blobs, ("program", row[4])]

    def _program(self, row: Row) -> None:
        """The program of a job in an archive, whose other records have gone into that."""
        record = decode_record(row[2])
        known = self._of(row[0], getattr(record, "tenant", ""))
        known.seen = known.has_graph = True
        known.program = known.program or isinstance(record, Submitted)
        if row[4]:
            known.blobs = [*known.blobs, ("program", row[4])]

    def _result(self, row: Row) -> None:
        known = self._of(row[0])
        known.seen, known.head = True, decode_head(row[1])

    def _page(self, row: Row) -> None:
        known = self._of(row[0])
        known.seen = True
        known.pages.add(row[1])
        if row[4]:
            known.blobs = [*known.blobs, ("result", row[4])]

    def _checkpoint(self, row: Row) -> None:
        known = self._of(row[1])
        known.blobs = [*known.blobs, ("state", row[2])]

    def _charge(self, row: Row) -> None:
        known = self._of(row[3], row[1])
        known.charge = max(known.charge, row, key=lambda row: row[4] if row else -1)

    def _entry(self, row: Row) -> None:
        self._entries += 1
        self._last_entry = max(self._last_entry, row[0])
        if not any(kind in row[1] for kind in _TOLD):
            return
        try:
            _, _, now_ns, kind, tenant, fields = _entry(row[1])
        except UNREADABLE:
            return
        if kind == "tenant.set":
            self.told_tenants.add(tenant)
        elif not isinstance(fields.get("job"), str):
            return
        elif kind == "job.admit":
            known = self._of(fields["job"], tenant)
            known.told, known.told_seq = fields, row[0]
        elif kind == "job.end":
            known = self._of(fields["job"], tenant)
            known.told_end, known.ended_ns = fields, now_ns

    def losses(self, get_blob: Callable[[str], object], damaged: bool) -> Iterator[Loss]:
        """What is missing. ``get_blob`` reads a blob, and raises QmkError when it is not there or damaged. ``damaged``:
        something is wrong with the files themselves; else a row of the ledger that is not there never was."""
        oldest: dict[str, int] = {}
        for known in self.jobs.values():
            if known.seen and known.told_seq:
                oldest[known.tenant] = min(known.told_seq, oldest.get(known.tenant, known.told_seq))
        for job, known in sorted(self.jobs.items()):
            if job not in self._forgotten:
                part, words = _part_lost(known, get_blob)
                if (
                    not part
                    and damaged
                    and not known.seen
                    and known.told_seq > oldest.get(known.tenant, known.told_seq)
                ):
                    part, words = "program", "all (unless it was forgotten before)"
                if not part and damaged and known.ended == FINISHED and not known.charge:
                    part, words = "charge", "the ledger's row"
                if part:
                    of = f" (tenant {known.tenant})" if known.tenant else ""
                    yield Loss(part, f"{words} of {job}{of}", job, known.tenant)
        for tenant in sorted(self.told_tenants - self.tenants):
            yield Loss("tenant", f"the settings and quotas of tenant {tenant}", tenant=tenant)
        gone = self.entries_lost - self.entries_known
        if gone > 0:
            yield Loss("audit", f"{gone} {'entry' if gone == 1 else 'entries'} of the audit log")


def _part_lost(known: Known, get_blob: Callable[[str], object]) -> tuple[str, str]:
    """What of a job is missing, and how a sentence names it."""
    if not known.program:
        unended = bool(known.told) and not known.told_end
        return ("program", "the program") if known.seen or unended else ("", "")
    damaged = {part for part, name in known.blobs if not _can_get(get_blob, name)}
    if known.is_completed and (known.pages_missing or "result" in damaged):
        return "result", "the result" if known.head is None else "part of the result"
    if known.archived and not known.has_graph and known.ended == FINISHED:
        return "graph", "the program, for a replay,"
    if "program" in damaged and known.ended in ("", FINISHED):
        return ("graph", "the program, for a replay,") if known.ended else ("program", "the program")
    if not known.ended and (known.head is not None or known.told_end):
        return "end", "the end"
    return ("state", "a saved state") if "state" in damaged else ("", "")


def _can_get(get_blob: Callable[[str], object], name: str) -> bool:
    try:
        get_blob(name)
    except QmkError:
        return False
    return True


def describe(losses: Iterable[Loss], shown: int = 3) -> str:
    """The losses as the end of a sentence."""
    every = [loss.text for loss in losses]
    rest = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown]) + rest

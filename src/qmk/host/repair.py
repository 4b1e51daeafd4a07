"""Repairs a damaged journal: a fresh one is written of everything that is whole, and the old one is kept beside it.

The old files are never written to. A job whose program or result is lost ends as FAILED with an error that says so; one
that had not ended, and has its program, goes on. The ledger's key, job and attempt, keeps a launch that runs again from
being charged again.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import structs

from qmk.base.units import SECOND_NS
from qmk.host import ledger
from qmk.host.blob_files import sync_folder
from qmk.host.blobs import MemoryBlobs
from qmk.host.journal import Batch
from qmk.host.places import open_file
from qmk.host.results import checksum
from qmk.host.seals import AuditTail
from qmk.host.sql.database import Row, Statement
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.log import log_of
from qmk.host.sql.losses import Inventory, Known, Loss
from qmk.host.sql.rows import encode as rows_encode
from qmk.host.sql.salvage import ARCHIVED, JOURNAL, LOST_ENTRIES, PAGE, RESULT, TABLES, Salvage, Table
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import JOURNAL_NAME, UNFINISHED_NAME
from qmk.host.survey import Survey, blobs_getter, source_of, take_inventory
from qmk.kernel.audit import GENESIS, clip_names, entry_bytes, entry_hash
from qmk.kernel.effects import Audit
from qmk.kernel.events import Cancelled, Ending, Failed, Finished, Record, Recovered, Submitted
from qmk.kernel.jobs import GENERATION_BITS
from qmk.kernel.objects.archive import Archive, Archived, pack
from qmk.kernel.objects.job import CANCELLED, FAILED
from qmk.kernel.records import decode_record
from qmk.kernel.succession import reported_error

ROWS_A_TIME = 500
AUDITED = "journal.repair"
_LOST = "INSERT INTO meta (key, value) VALUES (?, ?)"
_SIDES = ("", "-wal")


class Repaired(msgspec.Struct, frozen=True):
    """``kept``: the folder with the damaged files. ``failed``: jobs that now end as FAILED because of what is lost."""

    found: Survey
    kept: str
    failed: list[str]


def repair(data_dir: Path) -> Repaired:
    """Repairs the journal of a data folder whose lock the caller holds."""
    path = source_of(data_dir)
    found, inventory, salvage = take_inventory(data_dir, path, blobs_getter(data_dir, deep=True))
    aside = path.parent if path.parent != data_dir else _new_folder(data_dir)
    draft = data_dir / "repair.sqlite"
    for side in (*_SIDES, "-shm"):
        draft.with_name(draft.name + side).unlink(missing_ok=True)
    ends = _Ends(inventory, found.losses)
    database = SqliteDatabase(draft, "power")
    _copy(salvage, database, ends)
    journal = SqlJournal(database, MemoryBlobs())
    records = ends.records()
    journal.write(Batch(records=records, audit=[_note(journal.audit_tail(), found, ends.failed, aside)], durable=True))
    database.write([Statement(_LOST, [(LOST_ENTRIES, str(journal.count_lost_entries()))])], durable=True)
    journal.close()
    _swap(data_dir, aside, draft)
    return Repaired(found, str(aside), ends.failed)


class _Ends:
    """How the jobs that have lost something end. ``failed`` are those that fail because of it."""

    def __init__(self, inventory: Inventory, losses: list[Loss]) -> None:
        self._inventory = inventory
        self._losses = {loss.job: loss for loss in losses if loss.part in ("program", "result", "end")}
        self.failed = [job for job, loss in self._losses.items() if loss.part != "end"]

    def keep(self, table: Table, row: Row) -> tuple[Table, Row] | None:
        """The row as it is true from now on, and where it belongs; None when nothing of it is."""
        if table is ARCHIVED and not self._inventory.jobs[row[0]].archived:
            table, row = JOURNAL, (row[1], row[0], *row[2:])  # the archive is lost
        if table is JOURNAL and row[1].startswith("archive:"):
            return table, self._mark_archived(row)
        loss = self._losses.get(row[1] if table is JOURNAL else row[0]) if table in (JOURNAL, RESULT, PAGE) else None
        if loss is None or loss.part == "end":
            return table, row
        known = self._inventory.jobs[loss.job]
        if table is not JOURNAL or not known.program or isinstance(decode_record(row[2]), Ending):
            return None
        return table, row

    def _mark_archived(self, row: Row) -> Row:
        """An archive in which the jobs that have lost their results are FAILED."""
        record = decode_record(row[2])
        lost = [put.job for put in record.rows if put.job in self._losses] if isinstance(record, Archived) else []
        if not isinstance(record, Archived) or not lost:
            return row
        jobs = Archive(record).unpack()
        for id in lost:
            failed = _fail(id, self._losses[id], self._inventory.last_ns)
            jobs[id].state = FAILED
            jobs[id].error = reported_error(failed.kind, failed.message, failed.fields).to_dict()
        rows = tuple(structs.replace(put, state=FAILED) if put.job in lost else put for put in record.rows)
        data = rows_encode(structs.replace(record, rows=rows, data=pack(list(jobs.values()))))
        return row[0], row[1], data, checksum(row[1], data), row[4]

    def records(self) -> list[Record]:
        """The records that say what became of them."""
        now_ns = self._inventory.last_ns
        made: list[Record] = []
        generation = max(self._inventory.generation, self._inventory.fence >> GENERATION_BITS)
        if generation > self._inventory.generation:
            made.append(Recovered(now_ns=now_ns, generation=generation))
        for job, loss in self._losses.items():
            known = self._inventory.jobs[job]
            if known.archived:
                continue
            if loss.part == "end":
                made += _end(job, known, now_ns)
                continue
            if not known.program and not known.tenant:
                continue  # nobody could ask for it
            if not known.program:
                made.append(_stand_in(job, known, now_ns))
            made.append(_fail(job, loss, now_ns))
        return made


def _end(job: str, known: Known, now_ns: int) -> Iterator[Record]:
    """The end of a job that is known from its result or from the audit log; none: it runs again, with the same bits."""
    if known.head is not None:
        usage = {"result_bytes": 0}
        if known.charge:
            charge = _charge(known)
            usage = {
                "engine_seconds": charge.engine_ns / SECOND_NS,
                "cpu_seconds": charge.cpu_ns / SECOND_NS,
                "result_bytes": charge.bytes_stored,
            }
        yield Finished(now_ns=now_ns, job=job, fence=known.fence or 1, usage=usage, version=known.head.version)
    elif known.told_end.get("state") == CANCELLED:
        yield Cancelled(now_ns=now_ns, job=job)
    elif known.told_end.get("state") == FAILED:
        kind = known.told_end.get("error") or "JOB_FAILED"
        yield Failed(now_ns=now_ns, job=job, fence=0, kind=kind, message="the job failed; why was lost", fields={})


def _charge(known: Known) -> ledger.Row:
    return ledger.Row(**dict(zip(ledger.COLUMNS, known.charge[:-1], strict=True)))


def _stand_in(job: str, known: Known, now_ns: int) -> Submitted:
    """What the audit log and the ledger tell of a job without its program."""
    told = known.told
    charge = _charge(known) if known.charge else None
    return Submitted(
        now_ns=now_ns,
        job=job,
        tenant=known.tenant,
        session="",
        digest=told.get("digest", ""),
        graph=b"",
        shots=told.get("shots") or (charge.shots if charge else 0) or 1,
        seed=0,
        policy={},
        engine=told.get("engine", charge.engine if charge else ""),
        method=told.get("method", charge.method if charge else ""),
    )


def _fail(job: str, loss: Loss, now_ns: int) -> Failed:
    retryable = loss.part == "result"
    again = "submit it again with its seed for the same bits" if retryable else "submit the program again"
    return Failed(
        now_ns=now_ns,
        job=job,
        fence=0,
        kind="INTERNAL_ERROR",
        message=f"{loss.text} was lost when the journal was damaged, and the journal has been repaired since",
        fields={"lost": loss.part, "retryable": retryable, "help": again},
    )


def _copy(salvage: Salvage, database: SqliteDatabase, ends: _Ends) -> None:
    """Writes every row that is whole and still true."""
    waiting: dict[str, list[Row]] = {table.insert: [] for table in TABLES}

    def write(least: int) -> None:
        full = [
            Statement(sql.replace("INSERT INTO", "INSERT OR IGNORE INTO", 1), rows)
            for sql, rows in waiting.items()
            if len(rows) >= least
        ]
        database.write(full, durable=False)
        waiting.update({sql: [] for sql, rows in waiting.items() if len(rows) >= least})

    for table, row in salvage.rows():
        kept = ends.keep(table, row)
        if kept is not None:
            waiting[kept[0].insert].append(kept[1])
            if len(waiting[kept[0].insert]) >= ROWS_A_TIME:
                write(ROWS_A_TIME)
    write(1)


def _note(tail: AuditTail, found: Survey, failed: list[str], aside: Path) -> Audit:
    """The entry of the audit log that says what was done, as the kernel would write it."""
    seq, now_ns = tail.seq + 1, time.time_ns()
    epoch = tail.epoch if tail.open else tail.epoch + 1
    parts = Counter(loss.part for loss in found.losses)
    fields = {"kept": aside.name, "lost": dict(sorted(parts.items())), "failed": clip_names(failed), "jobs": found.jobs}
    data = entry_bytes(seq, epoch, now_ns, AUDITED, "", fields)
    before = bytes.fromhex(tail.head) if tail.head else GENESIS
    return Audit(seq, epoch, now_ns, AUDITED, "", fields, entry_hash(before, data).hex(), data)


def _new_folder(data_dir: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = data_dir / f"damaged-{stamp}"
    count = 1
    while folder.exists():
        count += 1
        folder = data_dir / f"damaged-{stamp}-{count}"
    return folder


def _swap(data_dir: Path, aside: Path, draft: Path) -> None:
    """Puts the new journal in the place of the old one, whose files get a second name first. Whatever interrupts it,
    the next start finds the old journal, the new one, or the file that says that the repair is to be run again."""
    journal = data_dir / JOURNAL_NAME
    old = [journal.with_name(journal.name + side) for side in _SIDES] + [log_of(journal)]
    marker = data_dir / UNFINISHED_NAME
    if not marker.exists():
        aside.mkdir(mode=0o700)
        for path in old:
            if path.exists():
                os.link(path, aside / path.name)
        sync_folder(aside)
        with os.fdopen(open_file(marker, os.O_WRONLY | os.O_TRUNC), "w") as file:
            file.write(aside.name + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(data_dir)
    for path in (*old[1:], journal.with_name(journal.name + "-shm")):
        path.unlink(missing_ok=True)
    draft.replace(journal)
    sync_folder(data_dir)
    marker.unlink()
    sync_folder(data_dir)

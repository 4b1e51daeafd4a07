"""The log before the database: what was written is there after any end, and nothing that has a hole before it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.audit_reader import AuditReader
from qmk.host.blobs import MemoryBlobs
from qmk.host.journal import INLINE_BYTES, Batch
from qmk.host.results import Head, Result
from qmk.host.seals import Seal
from qmk.host.sql import journal as sql_journal
from qmk.host.sql.database import Statement
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.log import BEHIND, CUT, BatchLog, entries, log_of
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import JOURNAL_NAME, open_journal
from qmk.host.survey import survey
from qmk.kernel.effects import Audit, Charge
from qmk.kernel.events import Finished, Record, Recovered, Saved, Started

COUNTED = Result(
    Head(counts={"0": 3}, registers=[], event_names=[], event_widths=[], row_bytes=0, shots=3, version="1", notes={}),
    b"",
)


def started(number: int) -> Started:
    return Started(now_ns=number, job=f"job_{number}", fence=1)


def a_batch(number: int) -> Batch:
    """A job's end with all that comes with one."""
    return Batch(
        records=[Finished(now_ns=number, job=f"job_{number}", fence=1, usage={"engine_seconds": 0.25})],
        results=[(f"job_{number}", COUNTED)],
        charges=[Charge(number, "lab", "s", f"job_{number}", 1, {"shots_period": 3}, "e", "m", "completed")],
        audit=[Audit(number, 1, number, "job.end", "lab", {}, f"{number:064x}", b"%d" % number)],
        seals=[Seal(number, b"body %d" % number, b"signature")],
        durable=True,
    )


def left_behind(folder: Path, other: Path) -> Path:
    """The files of a journal as a daemon that is killed now leaves them."""
    shutil.copytree(folder, other)
    return other


def rows_of(path: Path) -> int:
    database = SqliteDatabase(path)
    (count,) = next(database.read("SELECT count(*) FROM journal"))
    database.close()
    return count


@pytest.mark.parametrize("durability", ["process", "power"])
def test_the_next_start_finds_everything(tmp_path: Path, durability: str):
    journal = open_journal(tmp_path / "one", "", durability)  # type: ignore[arg-type]
    for number in range(1, 4):
        journal.write(a_batch(number))
    killed = left_behind(tmp_path / "one", tmp_path / "two")
    assert rows_of(left_behind(killed, tmp_path / "three") / JOURNAL_NAME) == 0, "the log alone has it"
    again = open_journal(killed)
    assert list(again.records()) == [record for number in range(1, 4) for record in a_batch(number).records]
    assert again.head("job_2") == COUNTED.head
    assert [row.job for row in again.charges()] == ["job_1", "job_2", "job_3"]
    assert [row[0] for row in again.audit_entries()] == [1, 2, 3]
    assert [row.number for row in again.seals()] == [1, 2, 3]
    again.write(a_batch(4))
    again.close()
    assert [record.now_ns for record in open_journal(killed).records()] == [1, 2, 3, 4]
    journal.close()
    assert log_of(tmp_path / "one" / JOURNAL_NAME).stat().st_size > 0


def test_reading_sees_what_was_written_at_once(tmp_path: Path):
    journal = open_journal(tmp_path)
    journal.write(a_batch(1))
    assert journal.head("job_1") == COUNTED.head
    journal.write(a_batch(2))
    with AuditReader(tmp_path / JOURNAL_NAME) as reader:
        assert [row[0] for row in reader.audit_entries()] == [1, 2]
        assert [row[0] for row in reader.audit_entries(2)] == [2]
        assert [row.number for row in reader.seals()] == [1, 2]
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME)] == ["job_1", "job_2"]
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME, "lab", from_ns=2)] == ["job_2"]
    assert list(ledger.read(tmp_path / JOURNAL_NAME, "another")) == []
    journal.write(Batch(charges=a_batch(1).charges))
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME)] == ["job_1", "job_2"], "a launch is charged once"
    journal.close()


def test_what_waits_is_moved_now_and_then(tmp_path: Path):
    journal = open_journal(tmp_path)
    journal.write(a_batch(1))
    assert next(journal.database.read("SELECT count(*) FROM journal")) == (0,)
    journal.tend()
    assert next(journal.database.read("SELECT count(*) FROM journal")) == (1,)
    journal.close()


@pytest.mark.parametrize(
    "other",
    [
        Batch(forgotten=["job_9"]),
        Batch(records=[Saved(now_ns=5, job="job_1", fence=1, checkpoint="c", epoch=1, blob="b", size_bytes=4)]),
        Batch(records=[Recovered(now_ns=5)]),
        Batch(copies=[("job_3", "job_1")], records=[started(3)]),
        Batch(results=[("job_3", Result(COUNTED.head, bytes(INLINE_BYTES + 1)))]),
    ],
    ids=["forgotten", "saved", "superseding", "copied", "large"],
)
def test_what_does_more_than_add_goes_into_the_database_behind_the_log(tmp_path: Path, other: Batch):
    journal = open_journal(tmp_path / "one")
    journal.write(a_batch(1))
    journal.write(other)
    (count,) = next(journal.database.read("SELECT count(*) FROM journal"))
    assert count == 1 + len(other.records)
    journal.write(Batch(forgotten=["job_1"]))
    assert journal.head("job_1") is None
    journal.close()


@pytest.mark.parametrize("end", ["whole", "entry lost", "database cut", "log cut"])
def test_a_loss_of_what_went_past_the_log_is_told(tmp_path: Path, end: str, caplog: pytest.LogCaptureFixture):
    journal = open_journal(tmp_path / "one")
    journal.write(a_batch(1))
    journal.tend()
    before = (tmp_path / "one" / f"{JOURNAL_NAME}-wal").stat().st_size
    journal.write(Batch(records=[Recovered(now_ns=9)]))
    log_bytes = log_of(tmp_path / "one" / JOURNAL_NAME).stat().st_size
    journal.write(a_batch(2))
    killed = left_behind(tmp_path / "one", tmp_path / "two")
    journal.close()
    if end == "entry lost":  # killed between the transaction and its entry, which promised nothing
        os.truncate(log_of(killed / JOURNAL_NAME), log_bytes - 16)
    elif end == "database cut":
        os.truncate(killed / f"{JOURNAL_NAME}-wal", before)
    elif end == "log cut":
        os.truncate(log_of(killed / JOURNAL_NAME), 0)
    found = survey(killed)
    again = open_journal(killed)
    assert [record.now_ns for record in again.records()] == {
        "whole": [1, 9, 2],
        "entry lost": [1, 9],
        "database cut": [1, 2],
        "log cut": [1, 9],
    }[end]
    again.close()
    told = {"database cut": [BEHIND], "log cut": [CUT]}.get(end, [])
    for words in (found.notes, [record.getMessage() for record in caplog.records]):
        assert [way for text in words for way in (BEHIND, CUT) if way in text] == told


def log_with(path: Path, numbers: list[int]) -> BatchLog:
    made = BatchLog(path, synced=False)
    for number in numbers:
        made.append(number, b"entry %d" % number, durable=True)
    return made


def test_entries_end_where_a_number_is_missing_or_bytes_are_torn(tmp_path: Path):
    path = tmp_path / "j.log"
    assert list(entries(path, 0)) == []
    log_with(path, [4, 5, 6, 8]).close()
    assert list(entries(path, 3)) == [b"entry 4", b"entry 5", b"entry 6"]
    assert list(entries(path, 5)) == [b"entry 6"]
    assert list(entries(path, 2)) == [], "what comes after a hole was promised to nobody"
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        assert len(list(entries(path, 3))) == min(3, length // (16 + 7))
    for at in range(16 + 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert list(entries(path, 3)) == []


def test_a_log_that_cannot_be_appended_to_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = log_with(tmp_path / "j.log", [1])
    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", lambda fd, data, at: len(data) - 1)
        with pytest.raises(OSError, match="full"):
            made.append(2, b"more", durable=False)
    made.append(2, b"again", durable=False)
    assert list(entries(made.path, 0)) == [b"entry 1", b"again"]
    made.close()


def test_a_long_log_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql_journal, "LOG_BYTES", 10)
    journal = open_journal(tmp_path)
    for number in range(1, 4):
        journal.write(a_batch(number))
        list(journal.records())
        assert log_of(tmp_path / JOURNAL_NAME).stat().st_size == 0
    journal.close()
    assert len(list(open_journal(tmp_path).records())) == 3


def test_nothing_is_written_past_a_database_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    journal = open_journal(tmp_path / "one")
    journal.write(a_batch(1))

    def fail(statements: list[Statement], durable: bool) -> None:
        raise OSError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(journal.database, "write", fail)
        with pytest.raises(OSError, match="fire"):
            list(journal.records())
    for attempt in (lambda: journal.write(a_batch(2)), lambda: list(journal.records())):
        with pytest.raises(OSError, match="fire"):
            attempt()
    again = open_journal(left_behind(tmp_path / "one", tmp_path / "two"))
    assert [record.now_ns for record in again.records()] == [1]


def test_a_log_that_does_not_fit_the_database_is_told(tmp_path: Path):
    journal = open_journal(tmp_path / "one")
    journal.write(a_batch(1))
    killed = left_behind(tmp_path / "one", tmp_path / "two")
    database = SqliteDatabase(killed / JOURNAL_NAME)
    database.write([Statement("INSERT INTO audit (seq, entry, hash) VALUES (1, x'00', x'00')", [()])], durable=True)
    database.close()
    with pytest.raises(QmkError, match=r"journal\.log.* does not fit"):
        open_journal(killed)
    journal.close()


def test_many_batches_are_moved_when_too_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql_journal, "WAITING_BATCHES", 3)
    database = SqliteDatabase(tmp_path / "j.sqlite")
    journal = SqlJournal(database, MemoryBlobs(), batch_log=BatchLog(log_of(tmp_path / "j.sqlite"), synced=False))
    found: list[int] = []
    written: list[Record] = [started(number) for number in range(9)]
    for record in written:
        journal.write(Batch(records=[record]))
        found += next(database.read("SELECT count(*) FROM journal"))
    assert found == [0, 0, 3, 3, 3, 6, 6, 6, 9]
    assert list(journal.records()) == written
    journal.close()

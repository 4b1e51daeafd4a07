"""The journal on SQLite: what was written comes back in order, damage and strangers are told."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from qmk.base.errors import QmkError
from qmk.host.journal import Batch
from qmk.host.results import Head, Result
from qmk.host.store import SqliteJournal
from qmk.kernel.events import Cancelled, Event, Progressed, Started, Submitted


def submitted(job: str) -> Submitted:
    return Submitted(
        now_ns=1,
        job=job,
        tenant="local",
        session="s",
        digest="d",
        graph=b"\x00\xffgraph",
        shots=10,
        seed=2**63 - 1,
        policy={"priority": 1},
        engine="e",
        method="",
        reasons=[{"engine": "e"}],
        seconds=0.5,
        memory_bytes=1 << 40,
    )


def a_result(shots: int = 25_000) -> Result:
    head = Head(
        counts={"0": shots},
        registers=[],
        event_names=["m"],
        event_widths=[1],
        row_bytes=1,
        shots=shots,
        version="1",
        notes={},
    )
    return Result(head, bytes(number % 251 for number in range(shots)))


@pytest.fixture(params=["process", "power"])
def journal(request: pytest.FixtureRequest, tmp_path: Path):
    opened = SqliteJournal(tmp_path / "j.sqlite", request.param)
    yield opened
    opened.close()


RECORDS: list[Event] = [
    submitted("job_a"),
    Started(now_ns=2, job="job_a", fence=1),
    submitted("job_b"),
    Progressed(now_ns=3, job="job_a", fence=1, shots_done=4),
    Cancelled(now_ns=4, job="job_b", reason="why not"),
]


def test_records_come_back_in_order_after_a_restart(journal: SqliteJournal):
    journal.write(Batch(records=RECORDS[:2], durable=True))
    journal.write(Batch(records=RECORDS[2:]))
    again = SqliteJournal(journal.path)
    assert list(again.records()) == RECORDS
    again.close()


def test_results_are_read_page_by_page(journal: SqliteJournal):
    result = a_result()
    journal.write(Batch(results=[("job_a", result)]))
    head = journal.head("job_a")
    assert head is not None
    assert head == result.head
    assert journal.head("job_b") is None
    pages = [bytes(journal.page("job_a", number, head)) for number in range(3)]
    assert b"".join(pages) == result.bits
    assert len(pages[0]) == head.page_shots


def test_a_forgotten_job_leaves_nothing(journal: SqliteJournal):
    journal.write(Batch(records=RECORDS, results=[("job_a", a_result())]))
    journal.write(Batch(forgotten=["job_a"]))
    assert [record.job for record in journal.records()] == ["job_b", "job_b"]  # type: ignore[attr-defined]
    assert journal.head("job_a") is None


def test_a_batch_is_written_as_a_whole_or_not_at_all(journal: SqliteJournal):
    head = msgspec_broken_head()
    with pytest.raises(TypeError):
        journal.write(Batch(records=RECORDS, results=[("job_a", Result(head, b""))]))
    assert list(journal.records()) == []
    journal.write(Batch(records=RECORDS))
    assert list(journal.records()) == RECORDS


def msgspec_broken_head() -> Head:
    return Head(
        counts={},
        registers=[],
        event_names=[],
        event_widths=[],
        row_bytes=0,
        shots=0,
        version="",
        notes={"x": object()},
    )


@pytest.mark.parametrize("kind", ["BLOB", "TEXT"])
@pytest.mark.parametrize("table", ["journal", "result", "page"])
def test_damage_is_told_and_names_the_file(tmp_path: Path, table: str, kind: str):
    path = tmp_path / "j.sqlite"
    journal = SqliteJournal(path)
    journal.write(Batch(records=RECORDS, results=[("job_a", a_result())]))
    journal.close()
    column = {"journal": "record", "result": "head", "page": "bits"}[table]
    with sqlite3.connect(path) as raw:
        raw.execute(f"UPDATE {table} SET {column} = CAST(x'a7' || substr({column}, 2) AS {kind})")
    journal = SqliteJournal(path)
    reads = {
        "journal": lambda: list(journal.records()),
        "result": lambda: journal.head("job_a"),
        "page": lambda: journal.page("job_a", 0, a_result().head),
    }
    with pytest.raises(QmkError, match=r"j\.sqlite is damaged") as caught:
        reads[table]()
    assert caught.value.kind.name == "INTERNAL_ERROR"
    journal.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(QmkError, match="is damaged"):
        SqliteJournal(path)


def test_a_journal_of_another_schema_is_refused(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    SqliteJournal(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE meta SET value='99'")
    with pytest.raises(QmkError, match="schema 99; this release reads 1"):
        SqliteJournal(path)


KILLED = """
import os, signal, sys
from pathlib import Path
from qmk.host.journal import Batch
from qmk.host.store import SqliteJournal
from qmk.kernel.events import Started
journal = SqliteJournal(Path(sys.argv[1]), "process")
for number in range(2000):
    journal.write(Batch(records=[Started(now_ns=number, job=f"job_{number}", fence=1)], durable=True))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_written_survives_kill_9(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=dict(os.environ), check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = SqliteJournal(path)
    assert [record.now_ns for record in journal.records()] == list(range(2000))
    journal.close()
    assert not path.with_name("j.sqlite-wal").exists()

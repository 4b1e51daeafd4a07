"""Collecting: what nothing names goes, what a job may need stays, and a dry run says the same and does nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmk.host.blob_files import FileBlobs
from qmk.host.gc import DAY_S, GRACE_S, Plan, collect
from qmk.host.journal import INLINE_BYTES, Batch
from qmk.host.results import Head, Result
from qmk.host.sql.database import Statement
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.rows import CHECKPOINT
from qmk.host.store import blobs_of, open_journal
from qmk.kernel.effects import Charge
from qmk.kernel.events import Finished, Started, Submitted

SECOND = 1_000_000_000
NOW_S = 2_000_000_000.0
"""Years after every file of the test was written."""


_SEQ = itertools.count(1)


def submitted(job: str, graph: bytes) -> Submitted:
    return Submitted(
        now_ns=1,
        job=job,
        seq=next(_SEQ),
        tenant="local",
        session="s",
        digest="d",
        graph=graph,
        shots=10,
        seed=1,
        policy={},
        engine="e",
        method="",
        reasons=[],
        seconds=0.5,
        memory_bytes=0,
    )


def finished(job: str, ended_s: float) -> list[Started | Finished]:
    started = Started(now_ns=2, job=job, fence=1)
    return [started, Finished(now_ns=int(ended_s * SECOND), job=job, fence=1, usage={})]


def result(fill: bytes) -> Result:
    shots = INLINE_BYTES // 8
    head = Head(
        counts={"0": shots},
        registers=[],
        event_names=["m"],
        event_widths=[80],
        row_bytes=10,
        shots=shots,
        version="1",
        notes={},
    )
    return Result(head, fill * shots * 10)


@pytest.fixture
def journal(tmp_path: Path, database_url: str) -> Iterator[SqlJournal]:
    """An old job with a large result, a young one with another, one that still waits with a large graph, one with a
    checkpoint; beside them a blob that nothing names and a draft."""
    made = open_journal(tmp_path, database_url)
    state = made.blobs.put(b"state" * INLINE_BYTES)
    made.write(
        Batch(
            records=[
                submitted("job_old", b"g"),
                submitted("job_young", b"g"),
                submitted("job_waits", b"w" * (INLINE_BYTES + 1)),
                *finished("job_old", NOW_S - 40 * DAY_S),
                *finished("job_young", NOW_S - 20 * DAY_S),
                Started(now_ns=2, job="job_waits", fence=2),
            ],
            results=[("job_old", result(b"o")), ("job_young", result(b"y"))],
            charges=[Charge(1, "local", "s", "job_old", 1, {"shots_period": 10})],
        )
    )
    made.database.write([Statement(CHECKPOINT, [("c", "job_waits", state, 5, 1, 0, 3)])], durable=True)
    made.blobs.put(b"nobody needs this")
    (tmp_path / "blobs" / "ab" / "77.1.draft").write_bytes(b"half")
    yield made
    made.close()


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    store = blobs_of(tmp_path)
    store._clock_s = lambda: NOW_S
    return store


def test_a_sweep_takes_what_nothing_names(journal: SqlJournal, blobs: FileBlobs):
    found = collect(journal, blobs, Plan(), lambda: NOW_S)
    assert (found.jobs, found.blobs, found.drafts, found.kept_jobs) == (0, 1, 1, 3)
    assert (found.blob_bytes, found.draft_bytes) == (len(b"nobody needs this"), 4)
    assert found.missing == []
    assert set(blobs.names()) == journal.blobs_named()
    assert len(journal.blobs_named()) == 4


def test_old_jobs_go_with_all_they_have_but_the_bill(journal: SqlJournal, blobs: FileBlobs):
    planned = collect(journal, blobs, Plan(30 * DAY_S, dry_run=True), lambda: NOW_S)
    assert len(list(blobs.names())) == 5, "a dry run takes nothing"
    assert journal.head("job_old") is not None
    found = collect(journal, blobs, Plan(30 * DAY_S), lambda: NOW_S)
    assert {**found.to_dict(), "dry_run": True} == planned.to_dict()
    assert (found.jobs, found.blobs, found.kept_jobs) == (1, 2, 2)
    assert found.freed_bytes > 10 * INLINE_BYTES // 8
    assert journal.head("job_old") is None
    assert journal.head("job_young") is not None
    assert journal.graph("job_waits") == b"w" * (INLINE_BYTES + 1)
    assert [row.shots for row in journal.charges()] == [10]
    assert set(blobs.names()) == journal.blobs_named()


def test_what_was_put_lately_stays(journal: SqlJournal, blobs: FileBlobs):
    store_s = next(iter(blobs.files())).path.stat().st_mtime
    blobs._clock_s = lambda: store_s + GRACE_S / 2
    found = collect(journal, blobs, Plan(), lambda: NOW_S)
    assert (found.blobs, found.drafts) == (0, 0)
    assert len(list(blobs.names())) == 5


def test_a_named_blob_that_is_gone_is_reported(journal: SqlJournal, blobs: FileBlobs):
    (name,) = [name for (name,) in journal.database.read("SELECT blob FROM checkpoint")]
    blobs.path_of(name).unlink()
    assert collect(journal, blobs, Plan(dry_run=True), lambda: NOW_S).missing == [name]

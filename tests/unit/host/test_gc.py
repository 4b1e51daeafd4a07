"""Collecting: what nothing names goes, what a job may need stays, and a dry run says the same and does nothing. It is
the same with a daemon and without one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qmk.abi.operator import op_gc
from qmk.host.blobs import MemoryBlobs
from qmk.host.config import HostConfig
from qmk.host.gc import Collector
from qmk.host.journal import INLINE_BYTES, Batch
from qmk.host.operating import operate
from qmk.host.results import Head, Result
from qmk.host.states import States
from qmk.host.store import blobs_of, open_journal
from qmk.kernel.effects import Charge, Collect, DropBlob
from qmk.kernel.events import Finished, Saved, Started, Submitted
from qmk.kernel.objects.checkpoint import Checkpoint, CheckpointTable
from qmk.policy.index import Index
from qmk.simulation.disk import Disk, SimJournal

SECOND = 1_000_000_000
DAY_S = 86_400.0


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
def config(tmp_path: Path, database_url: str) -> HostConfig:
    """An old job with a large result, a young one with another, one that still waits with a large graph and a saved
    state; beside them a blob that nothing names and a draft."""
    found = HostConfig(data_dir=tmp_path / "state", database=database_url)
    made = open_journal(found.data_dir, database_url)
    state = made.blobs.put(b"state" * INLINE_BYTES)
    ended = time.time()
    made.write(
        Batch(
            records=[
                submitted("job_old", b"g"),
                submitted("job_young", b"g"),
                submitted("job_waits", b"w" * (INLINE_BYTES + 1)),
                *finished("job_old", ended - 40 * DAY_S),
                *finished("job_young", ended - 20 * DAY_S),
                Started(now_ns=2, job="job_waits", fence=2),
                Saved(now_ns=3, job="job_waits", fence=2, checkpoint="c", epoch=1, blob=state, size_bytes=5),
            ],
            results=[("job_old", result(b"o")), ("job_young", result(b"y"))],
            charges=[Charge(1, "local", "s", "job_old", 1, {"shots_period": 10})],
        )
    )
    made.blobs.put(b"nobody needs this")
    (found.data_dir / "blobs" / "ab" / "77.1.draft").write_bytes(b"half")
    made.close()
    return found


def files(config: HostConfig) -> set[str]:
    return {name for name, _ in blobs_of(config.data_dir).list_blobs()}


def collect(config: HostConfig, **params: Any) -> op_gc.Reply:
    return operate(config, "op_gc", **params)


def test_a_sweep_takes_what_nothing_names_however_young(config: HostConfig):
    found = collect(config)
    assert (found.jobs, found.blobs, found.drafts, found.kept_jobs, found.going_jobs) == (0, 1, 1, 3, 1)
    assert (found.blob_bytes, found.draft_bytes) == (len(b"nobody needs this"), 4)
    assert (found.kept_blobs, found.kept_states, found.missing) == (4, 1, [])
    journal = open_journal(config.data_dir, config.database)
    assert files(config) == {*journal.blobs_named(), *(blob for _, blob in journal.checkpoints())}
    journal.close()


def test_old_jobs_go_with_all_they_have_but_the_bill(config: HostConfig):
    planned = collect(config, older_than_s=30 * DAY_S, dry_run=True)
    assert len(files(config)) == 5, "a dry run takes nothing"
    found = collect(config, older_than_s=30 * DAY_S)
    assert (found.jobs, found.blobs, found.drafts, found.kept_jobs) == (1, 2, 1, 2)
    assert (planned.jobs, planned.blobs, planned.blob_bytes) == (found.jobs, found.blobs, found.blob_bytes)
    assert (planned.dry_run, planned.kept_jobs, planned.kept_blobs) == (True, found.kept_jobs, found.kept_blobs)
    journal = open_journal(config.data_dir, config.database)
    assert journal.head("job_old") is None
    assert journal.head("job_young") is not None
    assert journal.graph("job_waits") == b"w" * (INLINE_BYTES + 1)
    assert [row.shots for row in journal.charges() if row.job == "job_old"] == [10]
    assert all(getattr(record, "job", "") != "job_old" for record in journal.records())
    journal.close()
    assert len(files(config)) == 3


def test_a_named_blob_that_is_gone_is_reported(config: HostConfig):
    journal = open_journal(config.data_dir, config.database)
    ((_, state),) = journal.checkpoints()
    (graph,) = [name for name in journal.blobs_named() if blobs_of(config.data_dir).get(name)[:1] == b"w"]
    journal.close()
    for name in (state, graph):
        blobs_of(config.data_dir).delete(name)
    assert collect(config, dry_run=True).missing == sorted([state, graph])


class Store:
    """A store whose threads are stepped by hand, with one kept checkpoint in it."""

    def __init__(self) -> None:
        self.journal = SimJournal(Disk())
        self.blobs = MemoryBlobs()
        self.journal.blobs = self.blobs
        self.work: list[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = []
        self.states = States(self.journal, lambda work, then: self.work.append((work, then)))
        self.table = CheckpointTable(lambda tenant, size: None, Index())
        self.dropped: list[DropBlob] = []
        self.found: list[Any] = []
        self.collector = Collector(
            self.journal, self, self.table, self.dropped.append, lambda work, then: self.work.append((work, then))
        )
        self.names("kept", self.blobs.put(b"kept"))

    def names(self, id: str, blob: str) -> None:
        self.table.add(Checkpoint(id, "job_1", "local", 1, blob, 4, kept=True, saved_ns=1))

    def drop_unused(self, blobs: Any, then: Any = None) -> None:
        self.states.drop([blob for blob in blobs if not self.table.uses(blob)], then)

    def collect(self) -> None:
        self.collector.collect(Collect(1, 1), self.found.append)

    def step(self) -> None:
        work, then = self.work.pop(0)
        work()
        then(None)


def test_a_state_that_comes_in_during_a_sweep_stays():
    store = Store()
    unneeded, again, later = (store.blobs.put(text) for text in (b"unneeded", b"again", b"later"))
    store.collect()
    store.step()  # it has looked, and has the three in view
    store.states.put(("job_2", 1), b"again", lambda name, error: store.names("chk_2", name))
    while store.work:
        store.step()
    assert store.blobs.has(again), "it was coming in, or was written again after the sweep"
    assert not store.blobs.has(unneeded)
    assert not store.blobs.has(later)
    store.states.put(("job_3", 1), b"later", lambda name, error: store.names("chk_3", name))
    store.collect()
    while store.work:
        store.step()
    assert store.blobs.has(later)
    assert [reply.blobs for reply in store.found][1] == 0


def test_rows_of_checkpoints_that_the_kernel_does_not_know_go():
    store = Store()
    store.journal.checkpoints = lambda: [("kept", "b1"), ("stale", "b2")]  # type: ignore[method-assign]
    store.collect()
    while store.work:
        store.step()
    assert store.dropped == [DropBlob("stale", "b2")]

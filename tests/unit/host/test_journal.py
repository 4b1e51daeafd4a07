"""The journal on SQLite and on PostgreSQL: what was written comes back in order, whole, and checked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from qmk.abi.shapes import Footprint
from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.audit_reader import AuditReader
from qmk.host.blob_files import FileBlobs
from qmk.host.blobs import name_of
from qmk.host.journal import INLINE_BYTES, Batch
from qmk.host.results import Head, Result, checksum
from qmk.host.seals import Seal, SealBody
from qmk.host.sql import rows
from qmk.host.sql.database import Database, Statement
from qmk.host.sql.journal import DOOMED_S, SqlJournal
from qmk.host.sql.log import BatchLog, log_of
from qmk.host.sql.sqlite import SqliteDatabase
from qmk.host.store import open_journal
from qmk.kernel.config import TenantConfig
from qmk.kernel.effects import Audit, Charge, DropBlob
from qmk.kernel.events import (
    Cancelled,
    ChannelChanged,
    ChannelForgotten,
    CheckpointDropped,
    Finished,
    Forgotten,
    JobState,
    Progressed,
    Record,
    Recovered,
    Saved,
    SharesSettled,
    ShuttingDown,
    Started,
    Submitted,
    TenantSet,
    TokenIssued,
    TokenRevoked,
)
from qmk.kernel.objects.archive import Archived, ArchivedJob, ArchiveForgotten
from qmk.kernel.rewriting import Rewritten

FOOTPRINT = Footprint(
    machine="surface(d=3)",
    noise="p=1e-3",
    distance=3,
    physical_qubits=9,
    patch_qubits=9,
    patches=1,
    tiles=1,
    factory_qubits=0,
    cycles=2,
    rounds=6,
    epoch_rounds=[3, 3],
)
Open = Callable[[], SqlJournal]
LARGE = bytes(number % 251 for number in range(INLINE_BYTES + 1))


def submitted(job: str, graph: bytes = b"\x00\xffgraph") -> Submitted:
    return Submitted(
        now_ns=1,
        job=job,
        tenant="local",
        session="s",
        digest="d",
        graph=graph,
        shots=10,
        seed=2**63 - 1,
        policy={"priority": 1},
        engine="e",
        method="",
        reasons=[{"engine": "e"}],
        seconds=0.5,
        memory_bytes=1 << 40,
    )


def rewritten(job: str, epoch: int, graph: bytes = b"anew") -> Rewritten:
    """Without its graph, as it comes back."""
    return Rewritten(
        now_ns=epoch,
        job=job,
        fence=1,
        epoch=epoch,
        digest=f"d{epoch}",
        graph=graph,
        graph_bytes=4,
        nodes=3,
        epoch_nodes=[1, 2],
        footprint=FOOTPRINT,
        change={"epoch": epoch, "made": True},
    )


def a_result(shots: int = 25_000, row_bytes: int = 1) -> Result:
    head = Head(
        counts={"0": shots},
        registers=[],
        event_names=["m"],
        event_widths=[8 * row_bytes],
        row_bytes=row_bytes,
        shots=shots,
        version="1",
        notes={},
    )
    return Result(head, bytes(number % 251 for number in range(shots * row_bytes)))


def saved(checkpoint: str, blob: str, job: str = "job_a") -> Saved:
    return Saved(now_ns=5, job=job, fence=1, checkpoint=checkpoint, epoch=1, blob=blob, size_bytes=4)


def charge(tenant: str, now_ns: int, attempt: int = 1, **amounts: float) -> Charge:
    return Charge(now_ns, tenant, "s", "job_a", attempt, amounts, "e", "m", "completed")


def entry(seq: int, epoch: int) -> Audit:
    data = msgspec.json.encode([seq, epoch, 7, "job.admit", "local", {"n": seq}])
    return Audit(seq, epoch, 7, "job.admit", "local", {"n": seq}, f"{seq:064x}", data)


def seal(number: int, last_seq: int, epoch: int) -> Seal:
    body = SealBody("form", number, epoch, 1, last_seq, "r", f"{last_seq:064x}", "p", "k")
    return Seal(number, msgspec.json.encode(body), b"signature")


RECORDS: list[Record] = [
    submitted("job_a"),
    Started(now_ns=2, job="job_a", fence=1),
    submitted("job_b"),
    Progressed(now_ns=3, job="job_a", fence=1, shots_done=4),
    Cancelled(now_ns=4, job="job_b", reason="why not"),
]


class Clock:
    now_s = 1e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite-process", "sqlite-power", "postgresql-process", "postgresql-power"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the journal of this test; what was open before is closed."""
    kind, durability = request.param.split("-")
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    held: list[SqlJournal] = []

    def database() -> Database:
        if not url:
            return SqliteDatabase(tmp_path / "j.sqlite", durability)
        from qmk.host.sql.postgres import PostgresDatabase

        return PostgresDatabase(url)

    def again() -> SqlJournal:
        while held:
            held.pop().close()
        batch_log = None if url else BatchLog(log_of(tmp_path / "j.sqlite"), durability == "power")
        held.append(SqlJournal(database(), FileBlobs(tmp_path / "blobs", durability == "power"), clock, batch_log))
        return held[0]

    yield again
    for journal in held:
        journal.close()


@pytest.fixture
def journal(reopen: Open) -> SqlJournal:
    return reopen()


def test_records_come_back_in_order_after_a_restart(journal: SqlJournal, reopen: Open):
    journal.write(Batch(records=RECORDS[:2], durable=True))
    journal.write(Batch(records=RECORDS[2:]))
    again = reopen()
    assert list(again.records()) == RECORDS
    again.write(Batch(records=RECORDS[1:2]))
    assert list(reopen().records()) == [*RECORDS, RECORDS[1]]


def test_more_records_than_are_read_at_a_time(journal: SqlJournal):
    many: list[Record] = [Started(now_ns=number, job=f"job_{number}", fence=1) for number in range(4001)]
    journal.write(Batch(records=many))
    assert list(journal.records()) == many


def test_results_are_read_page_by_page(journal: SqlJournal):
    result = a_result()
    journal.write(Batch(results=[("job_a", result)]))
    head = journal.head("job_a")
    assert head is not None
    assert head == result.head
    assert journal.head("job_b") is None
    pages = [bytes(journal.page("job_a", number, head)) for number in range(3)]
    assert b"".join(pages) == result.bits
    assert len(pages[0]) == head.page_shots


def test_a_result_written_again_replaces_the_first(journal: SqlJournal):
    journal.write(Batch(results=[("job_a", a_result(100))]))
    journal.write(Batch(results=[("job_a", a_result(200))]))
    head = journal.head("job_a")
    assert head is not None
    assert head.shots == 200
    assert bytes(journal.page("job_a", 0, head)) == a_result(200).bits


def test_a_copied_result_is_the_jobs_own(journal: SqlJournal, reopen: Open):
    """Of a result of an earlier batch, of the same one, and of a copy in it; one that is gone is copied by nobody."""
    result = a_result()
    journal.write(Batch(results=[("job_a", result)]))
    journal.write(Batch(copies=[("job_b", "job_a"), ("job_c", "job_b"), ("job_d", "job_none")]))
    journal.write(Batch(results=[("job_e", result)], copies=[("job_f", "job_e")], forgotten=["job_a"]))
    fresh = reopen()
    for job in ("job_b", "job_c", "job_f"):
        head = fresh.head(job)
        assert head == result.head
        assert bytes(fresh.page(job, 0, head)) == bytes(result.page(0))  # pyright: ignore[reportArgumentType]
        assert bytes(fresh.page(job, 2, head)) == bytes(result.page(2))  # pyright: ignore[reportArgumentType]
    assert fresh.head("job_a") is None
    assert fresh.head("job_d") is None


def test_a_forgotten_job_leaves_nothing(journal: SqlJournal):
    journal.write(Batch(records=[*RECORDS, saved("c", "b" * 64)], results=[("job_a", a_result())]))
    journal.write(Batch(forgotten=["job_a"]))
    assert [record.job for record in journal.records()] == ["job_b", "job_b"]  # type: ignore[attr-defined]
    assert journal.head("job_a") is None
    assert journal.blobs_named() == set()
    with pytest.raises(QmkError, match="the graph of job_a is not in the journal"):
        journal.graph("job_a")


def test_a_record_that_comes_with_its_bytes_is_not_encoded_again(
    journal: SqlJournal, reopen: Open, monkeypatch: pytest.MonkeyPatch
):
    data = [msgspec.msgpack.encode(record) for record in RECORDS]
    with monkeypatch.context() as patch:
        patch.setattr(rows, "encode", None)
        journal.write(Batch(records=RECORDS, data=data))
    assert list(reopen().records()) == RECORDS


def test_a_batch_is_written_as_a_whole_or_not_at_all(journal: SqlJournal, reopen: Open):
    journal.write(Batch(audit=[entry(1, 1)]))
    with pytest.raises(Exception, match=r"(?i)unique"):
        journal.write(Batch(records=RECORDS, charges=[charge("a", 1)], audit=[entry(1, 1)], forgotten=["job_x"]))
    assert list(journal.records()) == []
    assert list(journal.charges()) == []
    journal.write(Batch(records=RECORDS))
    assert list(reopen().records()) == RECORDS


def test_what_cannot_be_encoded_is_told_before_anything_is_written(journal: SqlJournal):
    head = msgspec.structs.replace(a_result().head, notes={"x": object()})
    with pytest.raises(TypeError):
        journal.write(Batch(records=RECORDS, results=[("job_a", Result(head, b""))]))
    assert list(journal.records()) == []
    journal.write(Batch(records=RECORDS))
    assert list(journal.records()) == RECORDS


def test_large_pages_and_graphs_are_blobs_and_are_kept_once(journal: SqlJournal, reopen: Open):
    result = a_result(12_000, row_bytes=20)
    records: list[Record] = [submitted("job_a", LARGE), submitted("job_b", LARGE), submitted("job_c")]
    journal.write(Batch(records=records, results=[("job_a", result), ("job_b", result)]))
    again = reopen()
    assert [len(record.graph) for record in again.records()] == [0, 0, 7]  # type: ignore[attr-defined]
    assert again.graph("job_a") == again.graph("job_b") == LARGE
    assert again.graph("job_c") == b"\x00\xffgraph"
    for job in ("job_a", "job_b"):
        assert b"".join(bytes(again.page(job, number, result.head)) for number in range(2)) == result.bits
    assert len(again.blobs_named()) == 2, "the graph and the first page; the second page is short"
    assert {name for name, _ in again.blobs.list_blobs()} == again.blobs_named()


def test_a_blob_goes_some_time_after_its_last_name(journal: SqlJournal, clock: Clock):
    journal.write(Batch(records=[submitted("job_a", LARGE), submitted("job_b", LARGE)]))
    journal.write(Batch(forgotten=["job_a"]))
    clock.now_s += DOOMED_S + 1
    journal.tend()
    assert journal.graph("job_b") == LARGE, "it has another name still"
    journal.write(Batch(forgotten=["job_b"]))
    journal.write(Batch(records=[submitted("job_d", LARGE)]))
    clock.now_s += DOOMED_S + 1
    journal.tend()
    assert journal.graph("job_d") == LARGE, "it was named again in time"
    journal.write(Batch(forgotten=["job_d"]))
    journal.tend()
    assert journal.blobs.has(name_of(LARGE)), "a backup under way may have copied its name"
    clock.now_s += DOOMED_S + 1
    journal.tend()
    assert list(journal.blobs.list_blobs()) == []


def test_a_blob_that_lost_its_last_name_goes_with_the_end_of_an_idle_daemon(journal: SqlJournal, reopen: Open):
    journal.write(Batch(records=[submitted("job_a", LARGE)]))
    journal.write(Batch(forgotten=["job_a"]))
    assert list(reopen().blobs.list_blobs()) == []


def test_checkpoints_have_rows_until_they_are_dropped(journal: SqlJournal):
    blobs = [journal.blobs.put(text) for text in (b"one", b"two", b"three")]
    journal.write(Batch(records=[saved("c1", blobs[0]), saved("c2", blobs[1]), saved("c3", blobs[2])]))
    assert journal.checkpoints() == [("c1", blobs[0]), ("c2", blobs[1]), ("c3", blobs[2])]
    journal.write(Batch(records=[CheckpointDropped(now_ns=6, checkpoint="c1")], dropped=[DropBlob("c1", blobs[0])]))
    journal.write(Batch(dropped=[DropBlob("c2", blobs[1])]))
    assert journal.checkpoints() == [("c3", blobs[2])]


def test_what_a_row_needs_is_not_discarded(journal: SqlJournal):
    state = journal.blobs.put(b"state")
    journal.write(Batch(records=[submitted("job_a", LARGE)]))
    assert journal.discard([state, name_of(LARGE), "0" * 64]) == [state]
    assert journal.graph("job_a") == LARGE


def issued(serial: str, tenant: str = "chem") -> TokenIssued:
    return TokenIssued(now_ns=1, tenant=tenant, serial=serial, expires_ns=0, rights=())


def revoked(serial: str) -> TokenRevoked:
    return TokenRevoked(now_ns=2, tenant="chem", serial=serial)


def weighed(weight: float) -> TenantSet:
    return TenantSet(now_ns=1, config=TenantConfig(name="chem", weight=weight))


def channel(id: str, used: int) -> ChannelChanged:
    return ChannelChanged(now_ns=1, channel=id, state={"pairs_used": used})


def state(launches: int) -> JobState:
    return JobState(now_ns=9, job="job_a", state={"launches": launches})


def shares(v: int) -> SharesSettled:
    return SharesSettled(now_ns=9, times={"": v})


def archived(number: int, *jobs: str) -> Archived:
    rows = tuple(ArchivedJob(job, "CANCELLED", 1, 5) for job in jobs)
    return Archived(now_ns=5, tenant="local", number=number, rows=rows, data=b"packed", seq=1, oldest_ns=4)


def gone(job: str, archive: int) -> Forgotten:
    return Forgotten(now_ns=6, job=job, archive=archive)


def dropped(job: str) -> CheckpointDropped:
    return CheckpointDropped(now_ns=6, checkpoint="chk", job=job)


def emptied(number: int) -> ArchiveForgotten:
    return ArchiveForgotten(now_ns=7, number=number)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ([weighed(1.0), weighed(2.0)], [weighed(2.0)]),
        ([issued("a"), issued("b"), revoked("a")], [issued("b")]),
        ([issued("a"), issued("b"), issued("a", "chem2"), revoked("")], [issued("a", "chem2")]),
        ([channel("c", 1), channel("d", 1), channel("c", 2)], [channel("d", 1), channel("c", 2)]),
        ([channel("c", 1), channel("d", 1), ChannelForgotten(now_ns=2, channel="c")], [channel("d", 1)]),
        ([Recovered(now_ns=1), ShuttingDown(now_ns=2), Recovered(now_ns=3)], [Recovered(now_ns=3)]),
        ([shares(1), *RECORDS[:2], shares(2)], [*RECORDS[:2], shares(2)]),
        ([*RECORDS, state(1), RECORDS[1], state(2)], [RECORDS[0], RECORDS[2], RECORDS[4], state(2)]),
        ([*RECORDS, archived(1, "job_a"), dropped("job_a")], [*RECORDS[2:5:2], archived(1, "job_a"), dropped("job_a")]),
        (
            [*RECORDS, archived(1, "job_a"), archived(10, "job_b"), gone("job_b", 10), emptied(1)],
            [archived(10, "job_b"), gone("job_b", 10)],
        ),
        ([*RECORDS, archived(1, "job_a", "job_b"), gone("job_b", 1), gone("job_a", 1), emptied(1)], []),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_of_records_that_supersede_others_the_newest_are_left(
    journal: SqlJournal, reopen: Open, written: list[Record], left: list[Record], at_once: bool
):
    for batch in [written] if at_once else [[record] for record in written]:
        journal.write(Batch(records=batch))
    assert list(journal.records()) == left
    again = reopen()
    again.write(Batch(records=[RECORDS[2]]))
    assert list(again.records()) == [*left, RECORDS[2]]


@pytest.mark.parametrize("graph", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("at_once", [True, False])
def test_the_graph_of_a_job_is_the_newest_that_was_written(
    journal: SqlJournal, reopen: Open, graph: bytes, at_once: bool
) -> None:
    """Also once the state of the job has taken the place of its records; and it goes with the job."""
    job = "job_a"
    records: list[Record] = [RECORDS[0], rewritten(job, 1), RECORDS[1], state(1), rewritten(job, 2, graph), state(2)]
    for batch in [records] if at_once else [[record] for record in records]:
        journal.write(Batch(records=batch))
    assert journal.graph(job) == graph
    again = reopen()
    assert again.graph(job) == graph
    assert list(again.records()) == [RECORDS[0], rewritten(job, 2, b""), state(2)]
    assert name_of(graph) in again.blobs_named()
    again.write(Batch(forgotten=[job]))
    assert again.blobs_named() == set()
    with pytest.raises(QmkError):
        again.graph(job)


@pytest.mark.parametrize("graph", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("anew", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_archived_job_keeps_its_program_until_it_is_forgotten(
    journal: SqlJournal, reopen: Open, clock: Clock, graph: bytes, anew: bool, at_once: bool
) -> None:
    """The rows of its records go, all but what is needed to run the program again."""
    first = submitted("job_a", b"old" if anew else graph)
    records: list[Record] = [first, RECORDS[1], *([rewritten("job_a", 1, graph)] if anew else []), submitted("job_b")]
    records += [archived(1, "job_a"), dropped("job_a")]
    for batch in [records] if at_once else [[record] for record in records]:
        journal.write(Batch(records=batch))
    again = reopen()
    assert list(again.records()) == records[-3:]
    assert [again.graph(job) for job in ("job_a", "job_b")] == [graph, b"\x00\xffgraph"]
    named = {name_of(graph)} if anew or graph is LARGE else set()
    assert again.blobs_named() == named
    assert again.blobs_named(without=["job_a"]) == set()
    assert again.discard(named) == []
    again.write(Batch(records=[gone("job_a", 1)], forgotten=["job_a"]))
    clock.now_s += 100
    again.tend()
    assert list(again.blobs.list_blobs()) == []
    assert list(again.records()) == [records[-3], records[-2], gone("job_a", 1)]
    with pytest.raises(QmkError):
        again.graph("job_a")


def test_a_damaged_row_of_an_archived_job_is_told(journal: SqlJournal) -> None:
    journal.write(Batch(records=[submitted("job_a"), archived(1, "job_a")]))
    journal.database.write([Statement("UPDATE archived SET checksum = 1", [()])], durable=False)
    with pytest.raises(QmkError, match=r"job_a .*checksum"):
        journal.graph("job_a")


def test_the_rows_of_an_earlier_release_are_superseded_too(journal: SqlJournal, reopen: Open):
    old = [Recovered(now_ns=1), issued("a"), weighed(1.0), channel("c", 1), *RECORDS[:1]]
    journal.write(Batch(records=old))
    journal.database.write(
        [
            Statement(
                "UPDATE journal SET job='', checksum=? WHERE seq=?",
                [(checksum("", msgspec.msgpack.encode(record)), seq) for seq, record in enumerate(old[:4], 1)],
            )
        ],
        durable=True,
    )
    again = reopen()
    assert list(again.records()) == old
    again.write(Batch(records=[revoked("a"), weighed(2.0), channel("c", 2), Recovered(now_ns=9)]))
    expected = [old[0], RECORDS[0], weighed(2.0), channel("c", 2), Recovered(now_ns=9)]
    assert list(again.records()) == expected, "only what the old start did to ended jobs stands nowhere else"


def test_the_ledger_adds_up_and_outlives_its_jobs(journal: SqlJournal, reopen: Open):
    rows = [charge("a", 10, 1, shots_period=5, engine_seconds=0.5), charge("b", 20, 2, gates=1)]
    journal.write(Batch(charges=rows))
    journal.write(Batch(charges=[charge("a", 30, 3, shots_period=7)], forgotten=["job_a"]))
    again = reopen()
    assert list(again.charges()) == [ledger.row_of(row) for row in (*rows, charge("a", 30, 3, shots_period=7))]
    nothing = {"shots_period": 0, "gates": 0, "engine_seconds": 0.0}
    assert again.usage_since(20) == {"a": {**nothing, "shots_period": 7}, "b": {**nothing, "gates": 1}}
    assert again.usage_since()["a"] == {"shots_period": 12, "gates": 0, "engine_seconds": 0.5}


def test_a_launch_is_charged_once(journal: SqlJournal):
    journal.write(Batch(charges=[charge("a", 10, shots_period=5)]))
    journal.write(Batch(charges=[charge("a", 11, shots_period=5), charge("a", 12, 2, shots_period=1)]))
    assert [(row.attempt, row.shots) for row in journal.charges()] == [(1, 5), (2, 1)]


def test_ledger_and_audit_log_are_read_beside_the_daemon(journal: SqlJournal, tmp_path: Path):
    journal.write(Batch(charges=[charge("a", 10), charge("b", 20, 2)], audit=[entry(1, 1)], seals=[seal(1, 1, 1)]))
    path, url = tmp_path / "j.sqlite", getattr(journal.database, "url", "")
    assert [row.tenant for row in ledger.read(path, "", 0, 20, url)] == ["a"]
    assert [row.attempt for row in ledger.read(path, "b", database=url)] == [2]
    with AuditReader(path, url) as log:
        journal.write(Batch(audit=[entry(2, 1)]))
        assert list(log.seals()) == [seal(1, 1, 1)]
        assert [seq for seq, _, _ in log.audit_entries()] in ([1], [1, 2])
        assert [seq for seq, _, _ in log.audit_entries(2)] in ([], [2])


def test_the_audit_log_goes_on_where_it_ended(journal: SqlJournal, reopen: Open):
    assert journal.audit_tail().seq == 0
    journal.write(Batch(audit=[entry(1, 1), entry(2, 1)]))
    journal.write(Batch(audit=[entry(3, 2)], seals=[seal(1, 2, 1)]))
    again = reopen()
    tail = again.audit_tail()
    assert (tail.seq, tail.epoch, tail.head, tail.open) == (3, 2, f"{3:064x}", (f"{3:064x}",))
    assert list(again.audit_entries(2)) == [(x.seq, x.data, bytes.fromhex(x.hash)) for x in (entry(2, 1), entry(3, 2))]
    assert list(again.seals()) == [seal(1, 2, 1)]


@pytest.mark.parametrize("table", ["journal", "result", "page", "ledger"])
def test_damage_is_told(reopen: Open, table: str):
    result = a_result()
    reopen().write(Batch(records=RECORDS, results=[("job_a", result)], charges=[charge("a", 1)]))
    journal = reopen()
    column = {"journal": "record", "result": "head", "page": "bits", "ledger": "shots"}[table]
    value: Any = b"\xa7rubbish" if table != "ledger" else 2
    journal.database.write([Statement(f"UPDATE {table} SET {column} = ?", [(value,)])], durable=False)
    reads: dict[str, Callable[[], Any]] = {
        "journal": lambda: list(journal.records()),
        "result": lambda: journal.head("job_a"),
        "page": lambda: journal.page("job_a", 0, result.head),
        "ledger": lambda: list(journal.charges()),
    }
    with pytest.raises(QmkError, match=r"is damaged: .* checksum") as caught:
        reads[table]()
    assert caught.value.kind.name == "INTERNAL_ERROR"
    assert journal.database.name in caught.value.message


def test_a_ledger_of_the_second_schema_is_read_before_and_after_it_is_brought_up_to_date(reopen: Open, tmp_path: Path):
    """Schema 2 knew nothing of patches."""
    reopen().write(Batch(charges=[charge("lab", 1, shots_period=10)]))
    journal = reopen()
    path, url = tmp_path / "j.sqlite", getattr(journal.database, "url", "")
    drop = [Statement(f"ALTER TABLE ledger DROP COLUMN {name}", [()]) for name in ledger.SINCE_3]
    drop.append(Statement("DROP TABLE archived", [()]))
    journal.database.write([*drop, Statement("UPDATE meta SET value = ?", [("2",)])], durable=True)
    (old,) = ledger.read(path, database=url)
    journal = reopen()
    journal.write(Batch(charges=[charge("lab", 2, 2, physical_qubits=441, rounds=2000)]))
    before, after = ledger.read(path, database=url)
    assert before == old
    assert (before.physical_qubits, before.rounds) == (0, 0)
    assert (after.physical_qubits, after.rounds) == (441, 2000)
    assert reopen().usage_since(0)["lab"]["shots_period"] == 10


def test_a_journal_of_another_schema_is_refused(journal: SqlJournal, reopen: Open):
    journal.database.write([Statement("UPDATE meta SET value = ?", [("99",)])], durable=True)
    with pytest.raises(QmkError, match="schema 99; this release reads 1 to 5"):
        reopen()


KILLED = """
import os, signal, sys
from pathlib import Path
from qmk.host.journal import Batch
from qmk.host.store import open_journal
from qmk.kernel.events import Started
journal = open_journal(Path(sys.argv[1]), sys.argv[2], "process")
for number in range(1000):
    journal.write(Batch(records=[Started(now_ns=number, job=f"job_{number}", fence=1)], durable=True))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_written_survives_kill_9(tmp_path: Path, database_url: str):
    arguments = [sys.executable, "-c", KILLED, str(tmp_path), database_url]
    ended = subprocess.run(arguments, env=dict(os.environ), check=False)
    assert ended.returncode == -signal.SIGKILL
    journal = open_journal(tmp_path, database_url)
    assert [record.now_ns for record in journal.records()] == list(range(1000))
    journal.close()
    assert not (tmp_path / "journal.sqlite-wal").exists()


def test_a_finished_job_and_its_result_come_together(journal: SqlJournal, reopen: Open):
    ended = Finished(now_ns=9, job="job_a", fence=1, usage={"engine_seconds": 0.25})
    journal.write(Batch(records=[ended], results=[("job_a", a_result(10))], durable=True))
    again = reopen()
    assert list(again.records()) == [ended]
    assert again.head("job_a") == a_result(10).head


def test_a_replay_has_the_graphs_it_needs(journal: SqlJournal):
    plain, debugged = submitted("job_a", LARGE), submitted("job_b", LARGE)
    debugged = msgspec.structs.replace(debugged, policy={"debug": True})
    journal.write(Batch(records=[plain, debugged]))
    assert [len(record.graph) for record in journal.records() if isinstance(record, Submitted)] == [0, len(LARGE)]
    assert journal.graph("job_a") == journal.graph("job_b") == LARGE

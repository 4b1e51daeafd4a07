"""The journal on PostgreSQL: one daemon at a time, nothing twice and nothing lost when connections or servers go."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from qmk.base.errors import QmkError
from qmk.host.blobs import MemoryBlobs
from qmk.host.journal import Batch
from qmk.host.sql.database import Statement
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.postgres import PostgresDatabase
from qmk.kernel.events import Started
from qmk.sql.postgres import without_password
from tools.throwaway_postgres import Cluster


def record(number: int) -> Started:
    return Started(now_ns=number, job=f"job_{number}", fence=1)


def numbers(journal: SqlJournal) -> list[int]:
    return [found.now_ns for found in journal.records()]


@pytest.fixture
def journal(postgres_url: str) -> Iterator[SqlJournal]:
    made = SqlJournal(PostgresDatabase(postgres_url, patience_s=5.0), MemoryBlobs())
    yield made
    made.close()


def end_sessions(database: Any) -> None:
    """What a restart of the server, or a firewall, does to the daemon's connections."""
    with psycopg.connect(database.url, autocommit=True) as admin:
        for connection in (database._writer, database._reader):
            admin.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))


def test_a_second_daemon_is_refused_and_told_who_is_there(journal: SqlJournal):
    database: Any = journal.database
    with pytest.raises(QmkError, match=r"another daemon \(qmk .*:\d+\) uses the database postgresql://qmk@/postgres"):
        PostgresDatabase(database.url, patience_s=0.0)
    journal.write(Batch(records=[record(1)]))
    assert numbers(journal) == [1]


def test_generations_grow(postgres_url: str):
    for expected in (1, 2, 3):
        database = PostgresDatabase(postgres_url)
        assert database.generation == expected
        database.close()


def test_a_lost_connection_is_renewed_and_the_batch_written_once(journal: SqlJournal):
    journal.write(Batch(records=[record(1)]))
    end_sessions(journal.database)
    journal.write(Batch(records=[record(2)]))
    assert numbers(journal) == [1, 2]


def test_a_batch_whose_answer_was_lost_is_not_written_again(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch):
    database: Any = journal.database
    carried_out = PostgresDatabase._transact

    def cut_after(self: Any, statements: Any, durable: bool) -> None:
        monkeypatch.setattr(PostgresDatabase, "_transact", carried_out)
        carried_out(self, statements, durable)
        end_sessions(self)
        self._writer.execute("SELECT 1")

    monkeypatch.setattr(PostgresDatabase, "_transact", cut_after)
    journal.write(Batch(records=[record(1)]))
    journal.write(Batch(records=[record(2)]))
    assert numbers(journal) == [1, 2]
    assert database._batch == 2


def test_a_daemon_that_was_replaced_writes_nothing(journal: SqlJournal):
    database: Any = journal.database
    journal.write(Batch(records=[record(1)]))
    end_sessions(database)
    other = SqlJournal(PostgresDatabase(database.url), MemoryBlobs())
    other.write(Batch(records=[record(2)]))
    database._patience_s = 0.2
    with pytest.raises(QmkError, match="another daemon"):
        journal.write(Batch(records=[record(3)]))
    other.close()
    with pytest.raises(QmkError, match="another daemon has taken over"):
        journal.write(Batch(records=[record(3)]))
    assert numbers(journal) == [1, 2]


def test_a_generation_is_checked_in_the_transaction_itself(journal: SqlJournal):
    """Even with the lock: a pooler between us and the server could hold it for somebody else."""
    database: Any = journal.database
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("UPDATE leader SET generation = generation + 1")
    with pytest.raises(QmkError, match="another daemon has taken over"):
        journal.write(Batch(records=[record(1)]))
    assert numbers(journal) == []


def test_a_server_that_forgot_what_it_confirmed_is_not_trusted(journal: SqlJournal):
    database: Any = journal.database
    for number in (1, 2, 3):
        journal.write(Batch(records=[record(number)], durable=True))
    end_sessions(database)
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("UPDATE leader SET batch = 1")
    with pytest.raises(QmkError, match="without the last 2 batches that it had confirmed"):
        journal.write(Batch(records=[record(4)]))


def test_a_server_that_forgot_what_was_not_durable_gets_it_again(journal: SqlJournal):
    database: Any = journal.database
    for number in (1, 2, 3, 4):
        journal.write(Batch(records=[record(number)], durable=number == 2))
    end_sessions(database)
    with psycopg.connect(database.url, autocommit=True) as admin:  # as if it had crashed right after the second
        admin.execute("UPDATE leader SET batch = 2")
        admin.execute("DELETE FROM journal WHERE seq > 2")
    journal.write(Batch(records=[record(5)]))
    assert numbers(journal) == [1, 2, 3, 4, 5]
    assert database._unsure == [], "what is written again is durable"


def test_so_many_batches_at_most_are_on_no_disk(journal: SqlJournal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("qmk.host.sql.postgres.UNSURE_BATCHES", 3)
    database: Any = journal.database
    waiting = []
    for number in range(9):
        journal.write(Batch(records=[record(number)]))
        waiting.append(len(database._unsure))
    assert waiting == [1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_crashes_of_the_server_lose_nothing(tmp_path: Path):
    """Immediate stops, in the middle of writing: durable batches and others, each is there once."""
    cluster = Cluster.start()
    try:
        journal = SqlJournal(PostgresDatabase(cluster.new_schema(), patience_s=60.0), MemoryBlobs())
        written = threading.Semaphore(0)

        def write_all() -> None:
            for number in range(200):
                journal.write(Batch(records=[record(number)], durable=number % 10 == 0))
                written.release()

        with ThreadPoolExecutor(1) as threads:
            writing = threads.submit(write_all)
            for _ in range(2):
                for _ in range(50):
                    assert written.acquire(timeout=60)
                cluster.stop("immediate")
                cluster.resume()
            writing.result(120)
        journal.write(Batch(records=[record(200)], durable=True))  # with it what was last written, on disk or not
        assert numbers(journal) == list(range(201))
        journal.close()
    finally:
        cluster.remove()


def test_a_server_that_is_starting_is_waited_for(caplog: pytest.LogCaptureFixture):
    cluster = Cluster.start()
    try:
        url = cluster.new_schema()
        cluster.stop()
        with ThreadPoolExecutor(1) as threads:
            opening = threads.submit(PostgresDatabase, url, 60.0)
            while "waiting for it for up to 60 s" not in caplog.text:
                assert not opening.done()
            cluster.resume()
            opening.result(60).close()
    finally:
        cluster.remove()


def test_an_error_of_the_values_leaves_the_connection_usable(journal: SqlJournal):
    with pytest.raises(psycopg.errors.UniqueViolation):
        journal.database.write([Statement("INSERT INTO meta (key, value) VALUES (?, ?)", [("schema", "3")])], True)
    journal.write(Batch(records=[record(1)]))
    assert numbers(journal) == [1]


def test_a_server_that_goes_and_comes_back(tmp_path: Path):
    cluster = Cluster.start()
    try:
        journal = SqlJournal(PostgresDatabase(cluster.new_schema(), patience_s=20.0), MemoryBlobs())
        journal.write(Batch(records=[record(1)], durable=True))
        cluster.stop()
        cluster.resume()
        assert numbers(journal) == [1]
        journal.write(Batch(records=[record(2)], durable=True))
        assert numbers(journal) == [1, 2]
        database: Any = journal.database
        database._patience_s = 0.2
        cluster.stop()
        with pytest.raises(QmkError, match="cannot use the database"):
            journal.write(Batch(records=[record(3)], durable=True))
        journal.close()
        cluster.resume()
    finally:
        cluster.remove()


def test_a_server_that_is_not_there_is_named_without_the_password():
    url = "postgresql://me:secret@127.0.0.1:1/jobs?connect_timeout=2"
    assert without_password(url) == "postgresql://me@127.0.0.1:1/jobs"
    with pytest.raises(QmkError, match=r"cannot use the database postgresql://me@127\.0\.0\.1:1/jobs") as caught:
        PostgresDatabase(url, patience_s=0.0)
    assert "secret" not in caught.value.message


def test_threads_that_find_the_reader_gone_share_one_new_connection(journal: SqlJournal):
    database: Any = journal.database
    end_sessions(database)
    opened: list[Any] = []
    together = threading.Barrier(2)
    connect = database._connect

    def connect_and_meet() -> Any:
        opened.append(connect())
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.3)  # for another thread that does the same, if there is one
        return opened[-1]

    database._connect = connect_and_meet
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: next(database.read("SELECT 1 + ?", (number,)))[0], range(4)))
    assert answers == [1, 2, 3, 4]
    assert len(opened) == 1


def test_a_connection_that_breaks_while_it_is_renewed_is_closed(journal: SqlJournal):
    database: Any = journal.database
    opened: list[Any] = []
    connect, take_lock = database._connect, database._take_lock

    def lose_the_first(patience_s: float) -> None:
        if len(opened) == 1:
            raise psycopg.OperationalError("the server went away again")
        take_lock(patience_s)

    database._connect = lambda: opened.append(connect()) or opened[-1]
    database._take_lock = lose_the_first
    database._writer.close()
    journal.write(Batch(records=[record(1)]))
    assert numbers(journal) == [1]
    assert [connection.closed for connection in opened] == [True, False]


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("postgresql://me@127.0.0.1:1/jobs", "start the server"),
        ("postgresql://me@nowhere.invalid/jobs", "name a host"),
        ("postgresql://me@127.0.0.1/jobs?color=red", "write it as postgresql://"),
        ("postgresql://me:p@ss@127.0.0.1/jobs", "%XX"),
    ],
)
def test_a_url_that_is_wrong_is_answered_with_what_to_do(url: str, fix: str):
    with pytest.raises(QmkError) as caught:
        PostgresDatabase(url, patience_s=0.0)
    assert fix in caught.value.fields["help"]


def test_a_database_that_is_not_there_is_answered_with_how_to_make_it(postgres_url: str):
    start, _, options = postgres_url.partition("?")
    missing = start.rpartition("/")[0] + "/no_such_database" + (f"?{options}" if options else "")
    with pytest.raises(QmkError) as caught:
        PostgresDatabase(missing)
    assert "createdb" in caught.value.fields["help"]

"""The journal on PostgreSQL: one daemon at a time, nothing twice and nothing lost when connections or servers go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from qmk.base.errors import QmkError
from qmk.host.blobs import MemoryBlobs
from qmk.host.journal import Batch
from qmk.host.sql.database import Statement
from qmk.host.sql.journal import SqlJournal
from qmk.host.sql.postgres import PostgresDatabase, shown
from qmk.kernel.events import Started
from tools.throwaway_postgres import Cluster


def record(number: int) -> Started:
    return Started(now_ns=number, job=f"job_{number}", fence=1)


def numbers(journal: SqlJournal) -> list[int]:
    return [found.now_ns for found in journal.records()]


@pytest.fixture
def journal(postgres_url: str) -> Iterator[SqlJournal]:
    made = SqlJournal(PostgresDatabase(postgres_url, "process", patience_s=5.0), MemoryBlobs())
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
        journal.write(Batch(records=[record(number)]))
    end_sessions(database)
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute("UPDATE leader SET batch = 1")
    with pytest.raises(QmkError, match="without the last 2 batches that it had confirmed"):
        journal.write(Batch(records=[record(4)]))


def test_an_error_of_the_values_leaves_the_connection_usable(journal: SqlJournal):
    with pytest.raises(psycopg.errors.UniqueViolation):
        journal.database.write([Statement("INSERT INTO meta (key, value) VALUES (?, ?)", [("schema", "3")])], True)
    journal.write(Batch(records=[record(1)]))
    assert numbers(journal) == [1]


def test_a_server_that_goes_and_comes_back(tmp_path: Path):
    cluster = Cluster.start()
    try:
        journal = SqlJournal(PostgresDatabase(cluster.new_schema(), "power", patience_s=20.0), MemoryBlobs())
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
    assert shown(url) == "postgresql://me@127.0.0.1:1/jobs"
    with pytest.raises(QmkError, match=r"cannot use the database postgresql://me@127\.0\.0\.1:1/jobs") as caught:
        PostgresDatabase(url)
    assert "secret" not in caught.value.message

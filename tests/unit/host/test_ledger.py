"""The ledger in its file: rows with their records or not at all, once, and readable while a daemon writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qmk.base.errors import QmkError
from qmk.host import ledger
from qmk.host.journal import Batch
from qmk.host.store import JOURNAL_NAME, open_journal
from qmk.kernel.effects import Charge
from qmk.simulation.disk import Disk, SimJournal

S = 1_000_000_000


def charge(job: str = "job_a", attempt: int = 1, time_s: int = 100, tenant: str = "lab", **amounts: float) -> Charge:
    given = {"shots_period": 10, "gates": 20, "engine_seconds": 0.1, "cpu_seconds": 0.2, **amounts}
    return Charge(time_s * S, tenant, "ses_x", job, attempt, given, "stabilizer", "", "completed")


@pytest.fixture(params=["sqlite", "memory"])
def journal(request: Any, tmp_path: Path) -> Any:
    made = open_journal(tmp_path) if request.param == "sqlite" else SimJournal(Disk())
    yield made
    made.close()


def test_sums_of_a_period_by_tenant(journal: Any) -> None:
    rows = [charge("job_a"), charge("job_b"), charge("job_c", time_s=99), charge("job_d", tenant="other")]
    journal.write(Batch(charges=rows))
    assert journal.usage_since(100 * S) == {
        "lab": {"shots_period": 20, "gates": 40, "engine_seconds": 0.2},
        "other": {"shots_period": 10, "gates": 20, "engine_seconds": 0.1},
    }
    assert journal.usage_since(101 * S) == {}


def test_an_attempt_is_charged_once_whoever_writes_it_twice(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.write(Batch(charges=[charge()]))
    journal.write(Batch(charges=[charge(engine_seconds=9.0), charge(attempt=2)]))
    assert journal.usage_since(0)["lab"]["engine_seconds"] == 0.2
    assert [row.attempt for row in ledger.read(tmp_path / JOURNAL_NAME)] == [1, 2]
    journal.close()


def test_rows_outlive_their_jobs_and_the_daemon(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.write(Batch(charges=[charge()]))
    journal.write(Batch(forgotten=["job_a"]))
    journal.close()
    again = open_journal(tmp_path)
    assert again.usage_since(0)["lab"]["shots_period"] == 10
    again.close()


def test_a_batch_that_fails_charges_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with pytest.raises(Exception, match=r"ncod"):
        journal.write(Batch(records=[object()], charges=[charge()]))  # type: ignore[list-item]
    assert journal.usage_since(0) == {}
    journal.close()


def test_rows_are_read_by_tenant_and_time_while_the_journal_is_open(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.write(
        Batch(charges=[charge("job_b", time_s=2), charge("job_a", time_s=1), charge("job_c", tenant="o'; --")])
    )
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME)] == ["job_a", "job_b", "job_c"]
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME, "lab", 2 * S)] == ["job_b"]
    assert [row.job for row in ledger.read(tmp_path / JOURNAL_NAME, to_ns=2 * S)] == ["job_a"]
    (row,) = ledger.read(tmp_path / JOURNAL_NAME, "o'; --")
    assert (row.shots, row.gates, row.engine_ns, row.cpu_ns, row.qubits) == (10, 20, S // 10, S // 5, 0)
    journal.close()


def test_rounds_are_covered_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_NAME
    journal = open_journal(tmp_path)
    journal.write(Batch(charges=[charge(physical_qubits=441, rounds=2000)]))
    journal.close()
    for value in (1000, 0):
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE ledger SET rounds = ?", (value,))
            database.commit()
        with pytest.raises(QmkError, match="checksum"):
            list(ledger.read(path))


def test_a_journal_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(QmkError, match="there is no journal") as caught:
        list(ledger.read(tmp_path / JOURNAL_NAME))
    assert caught.value.kind.name == "INVALID_PARAMS"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / JOURNAL_NAME).write_bytes(b"no database at all, " * 100)
    with pytest.raises(QmkError, match="cannot be read"):
        list(ledger.read(tmp_path / JOURNAL_NAME))

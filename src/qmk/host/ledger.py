"""The ledger: one row for every launch that ended, from which quotas are counted after a restart and bills are written.

A row is written in the transaction of the record that ended the launch; (job, attempt) is its key, so nothing is ever
charged twice. Rows outlive their jobs. Times and engine time are whole nanoseconds, so that sums are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.kernel.effects import Charge

NS = 1_000_000_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One launch. ``time_ns``: when it ended. ``gates`` is nodes times shots, ``qubits`` those alive at once,
    ``bytes_stored`` the graph and result that the job keeps. Shots, gates and bytes stand in the last launch's row."""

    time_ns: int
    tenant: str
    session: str
    job: str
    attempt: int
    outcome: str
    engine: str
    method: str
    shots: int
    gates: int
    qubits: int
    engine_ns: int
    cpu_ns: int
    bytes_stored: int
    queue_ns: int


COLUMNS = Row.__struct_fields__
_TEXT = {"tenant", "session", "job", "outcome", "engine", "method"}
TABLE = (
    "CREATE TABLE IF NOT EXISTS ledger ("
    + ", ".join(f"{name} {'TEXT' if name in _TEXT else 'INTEGER'} NOT NULL" for name in COLUMNS)
    + ", PRIMARY KEY (job, attempt)) WITHOUT ROWID; CREATE INDEX IF NOT EXISTS ledger_by_time ON ledger (time_ns);"
)
INSERT = f"INSERT OR IGNORE INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
SELECT = (
    f"SELECT {', '.join(COLUMNS)} FROM ledger WHERE time_ns >= ? AND time_ns < ? AND (?3 = '' OR tenant = ?3) "
    "ORDER BY time_ns, job, attempt"
)
USED = "SELECT tenant, sum(shots), sum(gates), sum(engine_ns) FROM ledger WHERE time_ns >= ? GROUP BY tenant"
END_NS = (1 << 63) - 1


def row_of(charge: Charge) -> Row:
    amounts = charge.amounts
    return Row(
        time_ns=charge.now_ns,
        tenant=charge.tenant,
        session=charge.session,
        job=charge.job,
        attempt=charge.attempt,
        outcome=charge.outcome,
        engine=charge.engine,
        method=charge.method,
        shots=int(amounts.get("shots_period", 0)),
        gates=int(amounts.get("gates", 0)),
        qubits=int(amounts.get("logical_qubits", 0)),
        engine_ns=round(amounts.get("engine_seconds", 0.0) * NS),
        cpu_ns=round(amounts.get("cpu_seconds", 0.0) * NS),
        bytes_stored=int(amounts.get("bytes_stored", 0)),
        queue_ns=round(amounts.get("queue_seconds", 0.0) * NS),
    )


def values(charges: Iterable[Charge]) -> list[tuple[Any, ...]]:
    """Rows as ``INSERT`` takes them."""
    return [msgspec.structs.astuple(row_of(charge)) for charge in charges]


def amounts_used(shots: int, gates: int, engine_ns: int) -> dict[str, float]:
    """Sums of one tenant as ``Recovered.used`` has them."""
    return {"shots_period": shots, "gates": gates, "engine_seconds": engine_ns / NS}


def used(rows: Iterable[Row], period_start_ns: int) -> dict[str, dict[str, float]]:
    """What each tenant spent since ``period_start_ns``, by quota."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.time_ns >= period_start_ns:
            for at, amount in enumerate((row.shots, row.gates, row.engine_ns)):
                sums[row.tenant][at] += amount
    return {tenant: amounts_used(*amounts) for tenant, amounts in sums.items()}


def read(path: Path, tenant: str = "", from_ns: int = 0, to_ns: int = END_NS) -> Iterator[Row]:
    """The rows of a journal file, oldest first, also while a daemon writes it. Raises INVALID_PARAMS when there is no
    such file, INTERNAL_ERROR when it is damaged."""
    import sqlite3

    if not path.exists():
        raise QmkError(
            "INVALID_PARAMS",
            f"there is no journal {path}",
            field="data_dir",
            help="name the data folder of the daemon with --data-dir; 'qmk serve' makes it",
        )
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name='ledger'").fetchone()
            if not tables[0]:
                return  # written by a release that had none
            for found in connection.execute(SELECT, (from_ns, to_ns, tenant)):
                yield Row(**dict(zip(COLUMNS, found, strict=True)))
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise QmkError("INTERNAL_ERROR", f"the journal {path} cannot be read: {error}") from error

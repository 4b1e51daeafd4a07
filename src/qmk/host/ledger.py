"""The ledger: one row for every launch that ended, from which quotas are counted after a restart and bills are written.

A row is written in the transaction of the record that ended the launch; (job, attempt) is its key, so nothing is ever
charged twice. Rows outlive their jobs, and each carries a checksum. Times and engine time are whole nanoseconds, so
that sums are exact.
"""

from __future__ import annotations

import heapq
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from qmk.base.units import SECOND_NS
from qmk.host.sql.database import damage
from qmk.host.sql.reading import Reading
from qmk.kernel.effects import Charge


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One launch. ``time_ns``: when it ended. ``gates`` is nodes times shots, ``qubits`` those alive at once,
    ``bytes_stored`` the graph and result that the job keeps. ``physical_qubits`` are those under its logical ones,
    ``rounds`` of syndrome extraction times shots; both are 0 of a job that named no machine. Shots, gates, rounds and
    bytes stand in the last launch's row."""

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
    physical_qubits: int = 0
    rounds: int = 0


COLUMNS = Row.__struct_fields__
SINCE_3 = ("physical_qubits", "rounds")
"""Columns that schema 3 has added; rows without them are as if they were 0."""
OLDEST = COLUMNS[: -len(SINCE_3)]
NEW = "{int} NOT NULL DEFAULT 0"
TEXT = {"tenant", "session", "job", "outcome", "engine", "method"}
TABLE = (
    "CREATE TABLE ledger ("
    + ", ".join(f"{name} {'{text}' if name in TEXT else '{int}'} NOT NULL" for name in OLDEST)
    + "".join(f", {name} {NEW}" for name in SINCE_3)
    + ", checksum {int} NOT NULL, PRIMARY KEY (job, attempt)); CREATE INDEX ledger_by_time ON ledger (time_ns);"
)
"""The table, in the form of ``sql.schema``."""
ADDED = "".join(f"ALTER TABLE ledger ADD COLUMN {name} {NEW};\n" for name in SINCE_3)
INSERT = (
    f"INSERT INTO ledger ({', '.join(COLUMNS)}, checksum) VALUES ({', '.join('?' * (len(COLUMNS) + 1))}) "
    "ON CONFLICT (job, attempt) DO NOTHING"
)
SELECT = (
    "SELECT {columns}, checksum FROM ledger WHERE time_ns >= ? AND time_ns < ? "
    "AND (? = '' OR tenant = ?) AND (time_ns, job, attempt) > (?, ?, ?) ORDER BY time_ns, job, attempt LIMIT ?"
)
END_NS = (1 << 63) - 1
READ_ROWS = 2000


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
        engine_ns=round(amounts.get("engine_seconds", 0.0) * SECOND_NS),
        cpu_ns=round(amounts.get("cpu_seconds", 0.0) * SECOND_NS),
        bytes_stored=int(amounts.get("bytes_stored", 0)),
        queue_ns=round(amounts.get("queue_seconds", 0.0) * SECOND_NS),
        physical_qubits=int(amounts.get("physical_qubits", 0)),
        rounds=int(amounts.get("rounds", 0)),
    )


def values(charges: Iterable[Charge]) -> list[tuple[Any, ...]]:
    """The rows in the form that ``INSERT`` takes."""
    rows = (msgspec.structs.astuple(row_of(charge)) for charge in charges)
    return [(*row, checksum_of(row)) for row in rows]


def checksum_of(row: tuple[Any, ...]) -> int:
    """CRC-32 of the whole row, or of its first columns if the others are 0, as in rows of the first releases."""
    told = row if any(row[len(OLDEST) :]) else row[: len(OLDEST)]
    return zlib.crc32("\0".join(map(str, told)).encode())


def amounts_used(shots: int, gates: int, engine_ns: int) -> dict[str, float]:
    """Sums of one tenant as ``Recovered.used`` has them."""
    return {"shots_period": shots, "gates": gates, "engine_seconds": engine_ns / SECOND_NS}


def usage_since(rows: Iterable[Row], period_start_ns: int) -> dict[str, dict[str, float]]:
    """What each tenant spent since ``period_start_ns``, by quota."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.time_ns >= period_start_ns:
            for at, amount in enumerate((row.shots, row.gates, row.engine_ns)):
                sums[row.tenant][at] += amount
    return {tenant: amounts_used(*amounts) for tenant, amounts in sums.items()}


def rows(
    query: Callable[[str, tuple[Any, ...]], Iterator[Any]],
    name: str,
    tenant: str = "",
    from_ns: int = 0,
    to_ns: int = END_NS,
    columns: tuple[str, ...] = COLUMNS,
) -> Iterator[Row]:
    """The rows of a database that has these ``columns``, oldest first. Raises INTERNAL_ERROR when one does not match
    its checksum."""
    after: tuple[int, str, int] = (-1, "", 0)
    select = SELECT.format(columns=", ".join(columns))
    while True:
        found = list(query(select, (from_ns, to_ns, tenant, tenant, *after, READ_ROWS)))
        for *row, stored in found:
            if checksum_of(tuple(row)) != stored:
                raise damage(name, f"the ledger's row of {row[3]}, attempt {row[4]}, does not match its checksum")
            yield Row(**dict(zip(columns, row, strict=True)))
        if len(found) < READ_ROWS:
            return
        after = (found[-1][0], found[-1][3], found[-1][4])


def read(path: Path, tenant: str = "", from_ns: int = 0, to_ns: int = END_NS, database: str = "") -> Iterator[Row]:
    """The rows of a journal, its file or its ``database`` URL, oldest first, also while a daemon writes it. Raises
    INVALID_PARAMS when there is no such file, INTERNAL_ERROR when it is damaged."""
    with Reading(path, database) as reading:
        if reading.has_table("ledger"):  # the first releases had none
            columns = COLUMNS if reading.has_column("ledger", SINCE_3[0]) else OLDEST
            kept = rows(reading.read, reading.name, tenant, from_ns, to_ns, columns)
            yield from heapq.merge(kept, _later(reading, tenant, from_ns, to_ns), key=_place)


def _later(reading: Reading, tenant: str, from_ns: int, to_ns: int) -> list[Row]:
    """The rows of launches that are not in the table yet, each once."""
    found = {(row.job, row.attempt): row for row in map(row_of, reversed(reading.later().charges))}
    return sorted(
        (
            row
            for key, row in found.items()
            if from_ns <= row.time_ns < to_ns
            and tenant in ("", row.tenant)
            and next(reading.read("SELECT 1 FROM ledger WHERE job=? AND attempt=?", key), None) is None
        ),
        key=_place,
    )


def _place(row: Row) -> tuple[int, str, int]:
    return row.time_ns, row.job, row.attempt

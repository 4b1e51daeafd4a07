"""Copies every row of a journal from one database into another, of either kind: what a backup of PostgreSQL and a
restore into it do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from qmk.host.sql.database import Database, Row, Statement
from qmk.host.sql.salvage import LOST_ENTRIES, TABLES

ROWS_A_TIME = 500
KEYS = {
    "journal": ("seq",),
    "archived": ("job",),
    "result": ("job",),
    "page": ("job", "number"),
    "checkpoint": ("id",),
    "ledger": ("job", "attempt"),
    "seal": ("number",),
    "audit": ("seq",),
}
"""By which columns the rows of each table are told apart."""
_META = "INSERT INTO meta (key, value) VALUES (?, ?)"
_COLUMNS = re.compile(r"\(([^)]*)\) VALUES")
Read = Callable[[str, Row], Iterator[Row]]


def copy_rows(read: Read, into: Database) -> None:
    """Writes what ``read`` finds, of one moment, into a database that has the tables and no rows."""
    for table in TABLES:
        found = _COLUMNS.search(table.insert)
        assert found is not None
        for rows in _pages(read, table.name, found[1].split(", ")):
            into.write([Statement(table.insert, rows)], durable=False)
    lost = list(read("SELECT key, value FROM meta WHERE key=?", (LOST_ENTRIES,)))
    into.write([Statement(_META, lost)] if lost else [], durable=True)


def is_empty(read: Read) -> bool:
    """Whether a database holds no row that anybody was promised."""
    return not any(next(read(f"SELECT count(*) FROM {name}", ()))[0] for name in KEYS)


def _pages(read: Read, table: str, columns: list[str]) -> Iterator[list[Row]]:
    """All rows of a table in the order of its key, some at a time."""
    keys = KEYS[table]
    places = [columns.index(name) for name in keys]
    query = f"SELECT {', '.join(columns)} FROM {table}"
    order = f" ORDER BY {', '.join(keys)} LIMIT {ROWS_A_TIME}"
    past = f" WHERE ({', '.join(keys)}) > ({', '.join('?' * len(keys))})"
    rows = list(read(query + order, ()))
    while rows:
        yield rows
        rows = list(read(query + past + order, tuple(rows[-1][place] for place in places)))

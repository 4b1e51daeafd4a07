"""What can still be read of a journal: its rows out of damaged pages and a damaged log, each checked by itself.

``TABLES`` says of each table how a row of it is recognised, when it is whole, and how it is written again: one line
a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from qmk.host import ledger
from qmk.host.blobs import MemoryBlobs
from qmk.host.results import checksum, decode_head
from qmk.host.seals import UNREADABLE, Seal
from qmk.host.sql import rows
from qmk.host.sql.database import Row
from qmk.host.sql.log import LogRead, decode_entry, join, log_of, read_log
from qmk.host.sql.pages import INDEX_LEAF, Cell, Pages
from qmk.kernel.records import decode_record

LOST_ENTRIES = "lost_entries"
"""Under which ``meta`` says how many entries of the audit log a repair has found missing."""


class Table(msgspec.Struct, frozen=True):
    """``types`` are those of the columns as SQLite stores them, of which the last ``added`` may be missing in rows of
    earlier releases: they are ``default`` then. ``make`` gives the row as ``insert`` takes it; ``whole``: it is as it
    was written; ``label`` names it in a message."""

    name: str
    types: tuple[type, ...]
    make: Callable[[Cell], Row]
    whole: Callable[[Row], bool]
    insert: str
    label: Callable[[Row], str]
    added: int = 0
    default: Any = ""

    def row(self, cell: Cell) -> Row | None:
        """The row that the cell holds; None when it is not of this table."""
        values = cell.values
        missing = len(self.types) - len(values)
        if not 0 <= missing <= self.added or any(type(x) is not t for x, t in zip(values, self.types, strict=False)):
            return None
        return self.make(cell._replace(values=(*values, *[self.default] * missing)))


def _put_number(cell: Cell) -> Row:
    """A row whose first column is its number, which stands outside it."""
    return (cell.rowid, *cell.values[1:])


def _reads(read: Callable[[Any], Any], data: Any) -> bool:
    try:
        read(data)
    except UNREADABLE:
        return False
    return True


def _is_seal(row: Row) -> bool:
    return row[1].startswith(b'["qmk audit seal') and _reads(Seal.read, Seal(*row))


def _is_entry(row: Row) -> bool:
    return row[1].startswith(b"[%d," % row[0]) and len(row[2]) == 32


def _charge(cell: Cell) -> Row:
    """A row of the ledger. What schema 3 has added stands behind the checksum in a table that was made before."""
    row, old = cell.values, len(ledger.OLDEST)
    moved = (*row[:old], *row[old + 1 :], row[old])
    return moved if _is_charge(moved) and not _is_charge(row) else row


def _is_charge(row: Row) -> bool:
    return ledger.checksum_of(row[:-1]) == row[-1]


NONE = type(None)
JOURNAL = Table(
    "journal",
    (NONE, str, bytes, int, str),
    _put_number,
    lambda row: checksum(row[1], row[2]) == row[3] and _reads(decode_record, row[2]),
    rows.RECORD,
    lambda row: f"record {row[0]} of {row[1]}",
    added=1,
)
ARCHIVED = Table(
    "archived",
    (str, int, bytes, int, str),
    lambda cell: cell.values,
    lambda row: JOURNAL.whole((row[1], row[0], *row[2:])),
    rows.ARCHIVED,
    lambda row: f"the program of {row[0]}",
)
RESULT = Table(
    "result",
    (NONE, str, bytes, int),
    lambda cell: cell.values[1:],
    lambda row: checksum(row[0], row[1]) == row[2] and _reads(decode_head, row[1]),
    rows.RESULT,
    lambda row: f"the result of {row[0]}",
)
PAGE = Table(
    "page",
    (NONE, str, int, bytes, int, str),
    lambda cell: cell.values[1:],
    lambda row: rows.is_whole_page(*row),
    rows.PAGE,
    lambda row: f"events page {row[1]} of {row[0]}",
    added=1,
)
CHECKPOINT = Table(
    "checkpoint",
    (str, str, str, int, int, int, int),
    lambda cell: cell.values,
    lambda row: True,
    rows.CHECKPOINT,
    lambda row: f"checkpoint {row[0]} of {row[1]}",
)
LEDGER = Table(
    "ledger",
    (*(str if name in ledger.TEXT else int for name in ledger.COLUMNS), int),
    _charge,
    _is_charge,
    ledger.INSERT,
    lambda row: f"the ledger's row of {row[3]}, attempt {row[4]}",
    added=len(ledger.SINCE_3),
    default=0,
)
SEAL = Table(
    "seal", (NONE, bytes, bytes), _put_number, _is_seal, rows.SEAL, lambda row: f"seal {row[0]} of the audit log"
)
AUDIT = Table(
    "audit", (NONE, bytes, bytes), _put_number, _is_entry, rows.AUDIT, lambda row: f"entry {row[0]} of the audit log"
)
TABLES = (JOURNAL, ARCHIVED, RESULT, PAGE, CHECKPOINT, LEDGER, SEAL, AUDIT)
_OF_INSERT = {table.insert: table for table in TABLES}


class Salvage:
    """Goes through the journal file at ``path`` and its log. ``spoiled`` names the rows that are there and are not
    whole, ``strange`` pages with what is wrong with them; both once ``rows`` is through, as ``log`` is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spoiled: list[str] = []
        self.strange: list[tuple[int, str]] = []
        self.log = LogRead([], [], 0, False, [], False)
        self.wal_damaged = False
        self.lost_entries = 0
        self._begun: int | None = None
        self._past = 0
        self._moved: int | None = None

    def rows(self) -> Iterator[tuple[Table, Row]]:
        """Every whole row with its table. One that stood in two places may come twice."""
        self.spoiled, self._moved = [], None
        last_record = last_entry = 0
        in_log = {record for _, entry in read_log(log_of(self.path), 0).entries for record in decode_entry(entry).data}
        twice: set[bytes] = set()
        with Pages(self.path) as pages:
            for cell in pages.cells():
                if cell.kind == INDEX_LEAF:
                    self._note_meta(cell)
                    continue
                found = self._table(cell)
                if found is None:
                    continue
                table, row = found
                if table is JOURNAL:
                    last_record = max(last_record, row[0])
                    twice.update({row[2]} & in_log)
                last_entry = max(last_entry, row[0]) if table is AUDIT else last_entry
                yield table, row
            self.strange = pages.strange
            self.wal_damaged = pages.log_damaged
        yield from self._of_log(last_record, last_entry, twice)

    def _table(self, cell: Cell) -> tuple[Table, Row] | None:
        candidates = [(table, row) for table in TABLES if (row := table.row(cell)) is not None]
        for table, row in candidates:
            if table.whole(row):
                return table, row
        if candidates:
            table, row = candidates[-1]
            self.spoiled.append(f"{table.label(row)} does not match its checksum")
        return None

    def _note_meta(self, cell: Cell) -> None:
        """Reads the table ``meta``, which stands where indexes do."""
        if len(cell.values) != 2 or not str(cell.values[1]).isdecimal():
            return
        if cell.values[0] == "moved":
            self._moved = int(cell.values[1])
        elif cell.values[0] == "begun":
            self._begun = int(cell.values[1])
        elif cell.values[0] == "past":
            self._past = int(cell.values[1])
        elif cell.values[0] == LOST_ENTRIES:
            self.lost_entries = int(cell.values[1])

    def _of_log(self, last_record: int, last_entry: int, twice: set[bytes]) -> Iterator[tuple[Table, Row]]:
        """The rows of the entries that the database lacks. Where it does not say how many it has, those whose entries
        of the audit log it lacks. What it says may be out of date: no record that it has comes ``twice``."""
        moved = self._moved or 0
        self.log = read_log(log_of(self.path), moved, moved if self._begun is None else self._begun, self._past)
        batches = [decode_entry(entry) for _, entry in self.log.entries]
        if self._moved is None:
            self.log = self.log._replace(missing=self.log.missing[1:])
            batches = [batch for batch in batches if all(entry.seq > last_entry for entry in batch.audit)]
        for statement in rows.Rows(MemoryBlobs(), last_record).statements(join(batches)):
            table = _OF_INSERT.get(statement.sql)
            if table is not None:
                yield from (
                    (table, tuple(row)) for row in statement.rows if table is not JOURNAL or row[2] not in twice
                )

"""Reading the audit log out of a journal, beside its daemon or after it, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qmk.host.seals import Seal, row_of_entry
from qmk.host.sql.reading import Reading

READ_ROWS = 2000


class AuditReader(Reading):
    """See ``Reading`` for arguments and errors."""

    def audit_entries(self, from_seq: int = 1) -> Iterator[tuple[int, bytes, bytes]]:
        """(seq, bytes, hash) of the entries from ``from_seq`` on, as they are stored."""
        query = "SELECT seq, CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?"
        later = self.later().audit
        found: list[Any] = []
        while not found or len(found) == READ_ROWS:
            found = list(self.read(query, (from_seq, READ_ROWS)))
            yield from found
            if not found:
                break
            from_seq = found[-1][0] + 1
        yield from (row_of_entry(entry) for entry in later if entry.seq >= from_seq)

    def seals(self) -> Iterator[Seal]:
        query = "SELECT number, CAST(body AS BLOB), CAST(signature AS BLOB) FROM seal ORDER BY number"
        later = self.later().seals
        known = 0
        for row in self.read(query):
            known = row[0]
            yield Seal(*row)
        yield from (seal for seal in later if seal.number > known)

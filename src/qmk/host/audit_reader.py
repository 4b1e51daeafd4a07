"""Reading the audit log out of a journal, beside its daemon or after it, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qmk.host.seals import Seal, row_of_entry
from qmk.host.sql.reading import Reading
from qmk.kernel.audit import GENESIS, entry_hash

READ_ROWS = 2000


class Link(NamedTuple):
    """One entry in its chain. ``whole``: its hash is that of its bytes and of the hash ``before`` it."""

    seq: int
    data: bytes
    before: bytes
    hash: bytes
    whole: bool


def newest(path: Path, below: int, limit: int, database: str = "") -> list[Link]:
    """The newest ``limit`` entries with numbers below ``below``, 0 for all, the newest first. Raises as ``Reading``."""
    with AuditReader(path, database) as log:
        rows = log.newest_entries(below or 1 << 62, limit + 1)
    hashes = {seq: bytes(hash) for seq, _, hash in rows} | {0: GENESIS}
    links: list[Link] = []
    for seq, data, hash in rows[:limit]:
        before = hashes.get(seq - 1, b"")
        links.append(Link(seq, bytes(data), before, bytes(hash), entry_hash(before, bytes(data)) == bytes(hash)))
    return links


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

    def newest_entries(self, below: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """(seq, bytes, hash) of the newest ``limit`` entries with numbers below ``below``, the newest first."""
        query = "SELECT seq, CAST(entry AS BLOB), CAST(hash AS BLOB) FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?"
        found = {row[0]: row for row in map(row_of_entry, self.later().audit) if row[0] < below}
        found |= {row[0]: (row[0], row[1], row[2]) for row in self.read(query, (below, limit))}
        return [found[seq] for seq in sorted(found, reverse=True)[:limit]]

    def seals(self) -> Iterator[Seal]:
        query = "SELECT number, CAST(body AS BLOB), CAST(signature AS BLOB) FROM seal ORDER BY number"
        later = self.later().seals
        known = 0
        for row in self.read(query):
            known = row[0]
            yield Seal(*row)
        yield from (seal for seal in later if seal.number > known)

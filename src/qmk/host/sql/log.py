"""A file that batches are appended to before they reach the database: one write of some hundred bytes, where a
transaction of SQLite copies whole pages.

Entries are numbered without a gap from the one after what the database has; each carries a CRC-32 over its number and
its bytes. The file ends where the next number is missing or an entry is torn: what a power failure left behind a hole
was promised to nobody, since a durable entry is on disk with all before it.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from qmk.host.journal import Batch
from qmk.host.places import open_file
from qmk.host.results import Result
from qmk.host.seals import Seal
from qmk.host.sql.database import Row
from qmk.host.sql.rows import encode, record_bytes
from qmk.kernel.effects import Audit, Charge
from qmk.kernel.records import decode_record

_HEAD = struct.Struct("<QII")
"""Number, bytes, checksum."""
MOVED = """INSERT INTO meta (key, value) VALUES ('moved', ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value"""


def last_moved(read: Callable[[str], Iterator[Row]]) -> int:
    """The number of the last entry that the database has."""
    return int(next(read("SELECT value FROM meta WHERE key='moved'"), ("0",))[0])


def log_of(journal: Path) -> Path:
    """Where the log of the journal file ``journal`` is."""
    return journal.with_suffix(".log")


def entries(path: Path, after: int) -> Iterator[bytes]:
    """The entries of the log at ``path`` past number ``after``, which the database has."""
    data = path.read_bytes() if path.exists() else b""
    at = 0
    while at + _HEAD.size <= len(data):
        number, size, checksum = _HEAD.unpack_from(data, at)
        at += _HEAD.size + size
        entry = data[at - size : at]
        if at > len(data) or checksum != _checksum(number, entry) or number > after + 1:
            return
        if number == after + 1:
            after = number
            yield entry


class BatchLog:
    """``path`` is made when it is not there. ``synced``: a durable entry is on disk when ``append`` returns."""

    def __init__(self, path: Path, synced: bool) -> None:
        self.path = path
        self._synced = synced
        self._fd = open_file(path, os.O_RDWR)
        self.size_bytes = os.fstat(self._fd).st_size

    def append(self, number: int, entry: bytes, durable: bool) -> None:
        """Raises OSError when the disk is full or fails; then nothing was appended."""
        data = _HEAD.pack(number, len(entry), _checksum(number, entry)) + entry
        try:
            if os.pwrite(self._fd, data, self.size_bytes) != len(data):
                raise OSError("the disk is full")
            if durable and self._synced:
                os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.size_bytes)
            raise
        self.size_bytes += len(data)

    def restart(self) -> None:
        """Begin anew: the database has everything, on disk where that was promised."""
        os.ftruncate(self._fd, 0)
        self.size_bytes = 0

    def close(self) -> None:
        os.close(self._fd)


class _Entry(msgspec.Struct, array_like=True):
    records: list[bytes]
    results: list[tuple[str, Result]]
    charges: list[Charge]
    audit: list[Audit]
    seals: list[Seal]


_decode = msgspec.msgpack.Decoder(_Entry).decode


def encode_entry(batch: Batch) -> bytes:
    """A batch that ``only_adds``; its records are encoded in ``data`` from now on."""
    batch.data = [record_bytes(batch, index) for index in range(len(batch.records))]
    return encode(_Entry(batch.data, batch.results, batch.charges, batch.audit, batch.seals))


def decode_entry(entry: bytes) -> Batch:
    found = _decode(entry)
    records = [decode_record(data) for data in found.records]
    return Batch(records, found.records, found.results, charges=found.charges, audit=found.audit, seals=found.seals)


def join(batches: list[Batch]) -> Batch:
    """Batches that only add, as one."""
    together = Batch()
    for batch in batches:
        together.records += batch.records
        together.data += batch.data
        together.results += batch.results
        together.charges += batch.charges
        together.audit += batch.audit
        together.seals += batch.seals
    return together


def _checksum(number: int, entry: bytes) -> int:
    return zlib.crc32(entry, zlib.crc32(number.to_bytes(8, "little")))

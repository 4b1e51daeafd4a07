"""A file that batches are appended to before they reach the database: one write of some hundred bytes, where a
transaction of SQLite copies whole pages.

Entries are numbered without a gap from the one after what the database has; each carries a CRC-32 over its number and
its bytes. An entry that is torn ends the file: a crash cut it short, and it was promised to nobody. A number that is
missing before others is damage: a start says so, and a repair takes what stands behind. A batch that went past the log
into the database has a number, too, and leaves an empty entry: a database that has lost it is found out.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from qmk.host.journal import Batch
from qmk.host.places import open_file
from qmk.host.results import Result
from qmk.host.seals import Seal
from qmk.host.sql.database import Row, damage
from qmk.host.sql.rows import encode, record_bytes
from qmk.kernel.effects import Audit, Charge
from qmk.kernel.records import decode_record

_HEAD = struct.Struct("<QII")
"""Number, bytes, checksum."""
_JOB = re.compile(rb"job_[0-9a-f]{32}")
CUT = "ends before what the database has from it: what was written last may be lost"
BEHIND = "has lost batches that its log names: what was written last is lost"
_LIKE_A_HEAD = re.compile(rb"(?=(?!\0{5}).{5}\0{3}.{3}\0)", re.DOTALL)
"""A number from 1 to 2**40, fewer than 2**24 bytes."""
MOVED = """INSERT INTO meta (key, value) VALUES ('moved', ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value"""
BEGUN = MOVED.replace("'moved'", "'begun'")
"""The number of the last entry before the log was begun anew."""
PAST = MOVED.replace("'moved'", "'past'")
"""The number of the last batch that went past the log."""


def last_moved(read: Callable[[str], Iterator[Row]]) -> int:
    """The number of the last entry that the database has."""
    text = next(read("SELECT value FROM meta WHERE key='moved'"), ("0",))[0]
    if not text.isdecimal():
        raise damage("of this daemon", f"it says '{text[:40]}' for how many batches of its log it has")
    return int(text)


def last_begun(read: Callable[[str], Iterator[Row]]) -> int:
    """The number of the last entry before the log was begun anew; the newest where a release before did not say."""
    text = next(read("SELECT value FROM meta WHERE key='begun'"), (None,))[0]
    return int(text) if text is not None and text.isdecimal() else last_moved(read)


def last_past(read: Callable[[str], Iterator[Row]]) -> int:
    """The number of the last batch that went past the log, 0 when there was none."""
    text = next(read("SELECT value FROM meta WHERE key='past'"), ("0",))[0]
    return int(text) if text.isdecimal() else 0


def log_of(journal: Path) -> Path:
    """Where the log of the journal file ``journal`` is."""
    return journal.with_suffix(".log")


class LogRead(NamedTuple):
    """What stands in a log. ``entries`` past the number that was asked for; ``missing``: the first and the last number
    of each stretch of them that cannot be read and has readable ones behind it; ``torn_bytes``: the rest of the file,
    begun and not ended; ``spoiled``: that rest is not what a write that was cut short leaves. ``jobs``: whose names
    stand in what cannot be read. ``cut``: the file lacks even what the database has from it. ``behind``: the database
    lacks a batch that went past the log."""

    entries: list[tuple[int, bytes]]
    missing: list[tuple[int, int]]
    torn_bytes: int
    spoiled: bool
    jobs: list[str]
    cut: bool

    @property
    def behind(self) -> bool:
        return any(not entry for _, entry in self.entries)


def read_log(path: Path, after: int, begun: int = 0, past: int = 0) -> LogRead:
    """Reads the log at ``path`` past number ``after``, which the database has; what is damaged is stepped over. The
    file was begun anew after number ``begun``; batch ``past`` went past it, and a crash may have kept its entry out."""
    data = path.read_bytes() if path.exists() else b""
    found: list[tuple[int, bytes]] = []
    missing: list[tuple[int, int]] = []
    at, last = 0, None
    jobs: dict[bytes, None] = {}
    while (head := _next_head(data, at, last or 0)) is not None:
        number, entry, end = head
        jobs.update(dict.fromkeys(_JOB.findall(data, at, end - len(entry))))
        at = end
        due = after if last is None else max(after, last)
        if number > due + 1:
            missing.append((due + 1, number - 1))
        if number > after:
            found.append((number, entry))
        last = number
    rest = data[at:]
    jobs.update(dict.fromkeys(_JOB.findall(rest)))
    names = [name.decode() for name in jobs]
    cut = (last or begun) < after - (past == after)
    return LogRead(found, missing, len(rest), not _is_torn(rest, last), names, cut)


def prefix_bytes(data: bytes, after: int) -> int:
    """How much of a log that was read while its daemon wrote goes with a database that has everything up to number
    ``after``: up to the first batch past that which is in the database alone, or which was half written."""
    at = last = 0
    while (found := _entry_at(data, at, last)) is not None and (found[1] or found[0] <= after):
        last, _, at = found
    return at


def entries(path: Path, after: int) -> Iterator[bytes]:
    """The entries of the log at ``path`` past number ``after`` up to the first that is missing."""
    for number, entry in read_log(path, after).entries:
        if number > after + 1:
            return
        after = number
        yield entry


def _next_head(data: bytes, at: int, last: int) -> tuple[int, bytes, int] | None:
    """The number and the bytes of the next whole entry from ``at`` on, numbered past ``last``, and where it ends."""
    found = _entry_at(data, at, last)
    if found is None and at + _HEAD.size < len(data):
        starts = (match.start() for match in _LIKE_A_HEAD.finditer(data, at + 1))
        found = next(filter(None, (_entry_at(data, start, last) for start in starts)), None)
    return found


def _entry_at(data: bytes, at: int, last: int) -> tuple[int, bytes, int] | None:
    """The number and the bytes of the entry that begins at ``at``, and where it ends."""
    if at + _HEAD.size > len(data):
        return None
    number, size, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + size
    if number <= last or end > len(data):
        return None
    entry = data[end - size : end]
    return (number, entry, end) if checksum == _checksum(number, entry) else None


def _is_torn(rest: bytes, last: int | None) -> bool:
    """Whether the end of a log is that of a write which a crash or a power failure has cut short: the beginning of an
    entry, then nothing or zeros."""
    rest = rest.rstrip(b"\0")
    if len(rest) <= _HEAD.size:
        return True
    number, size, _ = _HEAD.unpack_from(rest)
    return len(rest) < _HEAD.size + size and (last is None or number == last + 1)


def missing_words(missing: list[tuple[int, int]]) -> list[str]:
    """The stretches that cannot be read, as phrases."""
    return [f"entry {first}" if first == last else f"entries {first} to {last}" for first, last in missing]


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
                raise OSError(errno.ENOSPC, "the disk is full")
            if durable and self._synced:
                os.fdatasync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self.size_bytes)
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error
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
    if not entry:
        return Batch()
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

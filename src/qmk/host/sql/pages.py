"""Reads the rows out of a SQLite file whose pages are damaged, page by page, without SQLite and without writing.

SQLite itself gives up at the first damaged page on its way down a tree. Here every page that holds rows is
read by itself, so a damaged page costs its own rows and those that go on in it. Where a page stands in a tree does not
matter. Source of the layout: https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
PAGE_BYTES = 4096
"""SQLite's own choice, which our files have; taken for granted where the header cannot be read."""
TABLE_LEAF, INDEX_LEAF = 13, 10
_KINDS = frozenset((2, 5, INDEX_LEAF, TABLE_LEAF))
FREE, OVERFLOW = 2, (3, 4)
ROOT, NODE = 1, 5
LOG_MAGIC = 0x377F0682
LOG_HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">6I")
_INT_BYTES = (0, 1, 2, 3, 4, 6, 8)
_LONGEST_VARINT = 9


class Cell(NamedTuple):
    """One row. ``kind`` is that of its page: a table's row has its number in ``rowid``."""

    page: int
    kind: int
    rowid: int
    values: tuple[Any, ...]


class Pages:
    """The pages of the database file at ``path`` with those of its write-ahead log over them."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        size = path.stat().st_size
        self._data: mmap.mmap | bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        self._log: dict[int, bytes] = {}
        self.log_damaged = False
        """SQLite would stop before transactions that stand in its log."""
        self.page_bytes = PAGE_BYTES
        self._read_log(path.with_name(path.name + "-wal"))
        first = self.page(1)
        if first[:16] == MAGIC:
            self.page_bytes = int.from_bytes(first[16:18]) or PAGE_BYTES
            self.page_bytes = 65_536 if self.page_bytes == 1 else self.page_bytes
        self._usable = self.page_bytes - (first[20] if first[:16] == MAGIC else 0)
        self.count = max(-(-len(self._data) // self.page_bytes), *self._log, 0, 0)
        self.strange: list[tuple[int, str]] = []
        """Pages in use of which not everything could be read, and why, once ``cells`` is through."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if isinstance(self._data, mmap.mmap):
            self._data.close()
        self._file.close()

    def _read_log(self, path: Path) -> None:
        """The newest frame of each page up to the last commit, damaged ones too: every row has a checksum of ours."""
        data = path.read_bytes() if path.exists() else b""
        if len(data) < LOG_HEADER.size + FRAME.size + PAGE_BYTES:
            return
        magic, _, _, _, *salt, first, second = LOG_HEADER.unpack_from(data)
        places = range(LOG_HEADER.size, len(data) - FRAME.size - PAGE_BYTES + 1, FRAME.size + PAGE_BYTES)
        order = "<" if magic & ~1 == LOG_MAGIC and not magic & 1 else ">"
        sums = _add_up(order, data[: LOG_HEADER.size - 8], (0, 0))
        sound = magic & ~1 == LOG_MAGIC and sums == (first, second)
        if not sound:
            ((found, _),) = Counter(FRAME.unpack_from(data, at)[2:4] for at in places).most_common(1)
            salt = list(found)
        waiting: dict[int, bytes] = {}
        for at in places:
            number, commit, *own_salt, first, second = FRAME.unpack_from(data, at)
            page = data[at + FRAME.size : at + FRAME.size + PAGE_BYTES]
            if sound:
                sums = _add_up(order, data[at : at + 8] + page, sums)
                sound = own_salt == salt and sums == (first, second)
            if own_salt != salt or not 0 < number < 1 << 31:
                continue
            waiting[number] = page
            if commit:
                self._log.update(waiting)
                waiting = {}
                self.log_damaged = self.log_damaged or not sound

    def page(self, number: int) -> bytes:
        """The bytes of a page, counted from 1; what the file lacks is zeros."""
        found = self._log.get(number)
        if found is None:
            found = bytes(self._data[(number - 1) * self.page_bytes : number * self.page_bytes])
        return found.ljust(self.page_bytes, b"\0")

    def _use(self, number: int) -> int:
        """What the map of pages says that this one is for; 0 where the map says nothing."""
        each = self._usable // 5 + 1
        at = (number - 2) // each * each + 2
        if number < 3 or number == at:
            return 0
        entry = self.page(at)[(number - at - 1) * 5 :][:5]
        return entry[0] if entry[0] <= NODE else 0

    def _is_map(self, number: int) -> bool:
        return number >= 2 and (number - 2) % (self._usable // 5 + 1) == 0

    def cells(self) -> Iterator[Cell]:
        """Every row on every page that is in use, in the order of pages."""
        self.strange = []
        for number in range(1, self.count + 1):
            use = self._use(number)
            if use == FREE or use in OVERFLOW or self._is_map(number):
                continue
            page = self.page(number)
            start = HEADER_BYTES if number == 1 else 0
            kind = page[start]
            if kind in (TABLE_LEAF, INDEX_LEAF):
                yield from self._cells(number, page, start, kind)
            elif kind not in _KINDS and use in (ROOT, NODE):
                self.strange.append((number, "is not a page of a database"))

    def _cells(self, number: int, page: bytes, start: int, kind: int) -> Iterator[Cell]:
        count = int.from_bytes(page[start + 3 : start + 5])
        bad = 0
        for index in range(min(count, (self._usable - start - 8) // 2)):
            at = int.from_bytes(page[start + 8 + 2 * index :][:2])
            try:
                yield self._cell(number, page, at, kind)
            except (ValueError, IndexError):
                bad += 1
        if bad:
            self.strange.append((number, f"has {bad} rows that cannot be read"))

    def _cell(self, number: int, page: bytes, at: int, kind: int) -> Cell:
        """Raises ValueError or IndexError when there is no such row."""
        size, at = _varint(page, at)
        rowid = 0
        most = self._usable - 35
        if kind == TABLE_LEAF:
            rowid, at = _varint(page, at)
        else:
            most = (self._usable - 12) * 64 // 255 - 23
        if size > self.count * self.page_bytes:
            raise ValueError("longer than the file")
        least = (self._usable - 12) * 32 // 255 - 23
        local = size
        if size > most:
            spill = least + (size - least) % (self._usable - 4)
            local = spill if spill <= most else least
        payload = page[at : at + local]
        if size > local:
            payload += self._overflow(int.from_bytes(page[at + local : at + local + 4]), size - local)
        if len(payload) != size:
            raise ValueError("torn")
        return Cell(number, kind, rowid, _record(payload))

    def _overflow(self, number: int, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if not 1 < number <= self.count:
                raise ValueError("goes on nowhere")
            page = self.page(number)
            part = page[4 : min(self._usable, 4 + size)]
            parts.append(part)
            size -= len(part)
            number = int.from_bytes(page[:4])
        return b"".join(parts)


def _add_up(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    """The checksum of SQLite's log, carried on over more bytes."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first = first + one + second & 0xFFFFFFFF
        second = second + other + first & 0xFFFFFFFF
    return first, second


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT - 1):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9


def _record(payload: bytes) -> tuple[Any, ...]:
    """The values of a row. Raises ValueError or IndexError when it is none."""
    end, at = _varint(payload, 0)
    body = end
    values: list[Any] = []
    while at < end:
        kind, at = _varint(payload, at)
        if kind < 0 or kind in (10, 11):
            raise ValueError("no such type")
        size = _INT_BYTES[kind] if kind < 7 else 8 if kind == 7 else 0 if kind < 12 else (kind - 12) // 2
        data = payload[body : body + size]
        if len(data) != size:
            raise ValueError("torn")
        body += size
        values.append(_value(kind, data))
    return tuple(values)


def _value(kind: int, data: bytes) -> Any:
    if kind == 0:
        return None
    if kind < 7:
        return int.from_bytes(data, signed=True)
    if kind == 7:
        return struct.unpack(">d", data)[0]
    if kind < 12:
        return kind - 8
    return data.decode() if kind % 2 else data

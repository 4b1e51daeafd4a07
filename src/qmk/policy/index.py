"""Listings: what there is of a kind, in groups, newest first; a page costs what it shows, however long the list is.

A row is (moment in ns, id). A page ends with a cursor, which names the last row shown: it holds while rows come and go,
also after a restart, and tells its reader nothing that is not in that row.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice

from qmk.base.errors import QmkError

CHUNK = 256
Row = tuple[int, str]


class _Chunk:
    """Rows side by side: a tuple and a number of its own for each would take more than the ids."""

    __slots__ = ("ids", "times")

    def __init__(self, times: Iterable[int], ids: list[str]) -> None:
        self.times, self.ids = array("q", times), ids

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, row: Row) -> int:
        """Where the row stands, or would stand."""
        low = bisect_left(self.times, row[0])
        return bisect_left(self.ids, row[1], low, bisect_right(self.times, row[0], low))

    def put(self, row: Row) -> None:
        at = self.at(row)
        self.times.insert(at, row[0])
        self.ids.insert(at, row[1])

    def drop(self, row: Row) -> None:
        at = self.at(row)
        del self.times[at], self.ids[at]

    def split(self) -> tuple[_Chunk, _Chunk]:
        times, ids = self.times, self.ids
        return _Chunk(times[:CHUNK], ids[:CHUNK]), _Chunk(times[CHUNK:], ids[CHUNK:])

    def before(self, end: int) -> Iterator[Row]:
        """The rows before a place, the last first."""
        return zip(reversed(self.times[:end]), reversed(self.ids[:end]), strict=True)


class _Rows:
    """Rows of one group in order, in chunks, so that none of them is ever moved far. No chunk is empty."""

    __slots__ = ("chunks",)

    def __init__(self) -> None:
        self.chunks: list[_Chunk] = []

    def _at(self, row: Row) -> int:
        """The chunk whose first row is the last not after ``row``; 0 when there is none."""
        if len(self.chunks) == 1:
            return 0
        return max(0, bisect_right(self.chunks, row, key=lambda chunk: (chunk.times[0], chunk.ids[0])) - 1)

    def put(self, row: Row) -> None:
        chunks = self.chunks
        last = chunks[-1] if chunks else None
        if last is None or (row > (last.times[-1], last.ids[-1]) and len(last.ids) >= CHUNK):
            chunks.append(_Chunk((row[0],), [row[1]]))
            return
        at = self._at(row)
        chunks[at].put(row)
        if len(chunks[at].ids) > 2 * CHUNK:
            chunks[at : at + 1] = chunks[at].split()

    def drop(self, row: Row) -> None:
        at = self._at(row)
        self.chunks[at].drop(row)
        if not self.chunks[at].ids:
            del self.chunks[at]

    def before(self, row: Row | None) -> Iterator[Row]:
        """Newest first."""
        if not self.chunks:
            return
        at = len(self.chunks) - 1 if row is None else self._at(row)
        chunk = self.chunks[at]
        yield from chunk.before(len(chunk) if row is None else chunk.at(row))
        while at:
            at -= 1
            yield from self.chunks[at].before(len(self.chunks[at]))


class Index:
    """Rows by group; an id is in a group at most once. Implements ``qmk.kernel.policy.Index``."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Rows] = {}

    def put(self, group: Hashable, at_ns: int, id: str) -> None:
        rows = self._groups.get(group)
        if rows is None:
            rows = self._groups[group] = _Rows()
        rows.put((at_ns, id))

    def drop(self, group: Hashable, at_ns: int, id: str) -> None:
        """The row must be there."""
        rows = self._groups[group]
        rows.drop((at_ns, id))
        if not rows.chunks:
            del self._groups[group]

    def oldest(self, group: Hashable) -> list[str]:
        """All ids of the group, oldest first."""
        rows = self._groups.get(group)
        return [id for chunk in rows.chunks for id in chunk.ids] if rows is not None else []

    def page(self, groups: Sequence[Hashable], cursor: str, limit: int) -> tuple[list[str], str | None]:
        """At most ``limit`` ids of these groups together, newest first, from behind the cursor ("": from the newest);
        and the cursor of the next page, None when nothing is left. Raises INVALID_PARAMS for what is not a cursor."""
        last = _row_of(cursor) if cursor else None
        lists = [self._groups[group].before(last) for group in groups if group in self._groups]
        rows = list(islice(heapq.merge(*lists, reverse=True), limit + 1))
        shown = rows[:limit]
        more = len(rows) > limit
        return [id for _, id in shown], f"{shown[-1][0]:x}-{shown[-1][1]}" if more else None


def _row_of(cursor: str) -> Row:
    moment, _, id = cursor.partition("-")
    try:
        return int(moment, 16), id
    except ValueError:
        raise QmkError(
            "INVALID_PARAMS",
            f"'{cursor[:64]}' is not a cursor",
            field="cursor",
            help="send the 'next' of the page before, or none to begin with the newest",
        ) from None

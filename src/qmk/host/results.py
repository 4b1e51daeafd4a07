"""The result of a finished job, and the answer made from it: counts and figures in one head, per-shot events in pages.

Per-shot events stay packed, one bit a bit; a page is what one answer carries and what the store keeps as one row, so
reading shot 90,000,000 costs no more than reading shot 0.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec

from qmk.abi.calls import q_result
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.qvm.graph import Output
from qmk.qvm.outputs import ESTIMATE_BYTES, Values
from qmk.worker.messages import Done, Partial

PAGE_BYTES = 1 << 20
"""Most packed bytes in a page of events; one bit becomes one character of the answer."""

COUNT_BYTES = 8
HEAD_BYTES = 512
LARGE_BYTES = 256 << 10
"""A longer answer, by a rough count, is made beside the loop, from the store."""

RECENT_BYTES = 4 << 20
"""Of results that are kept in memory after their jobs' ends."""

ROWS_BYTES = 64 << 10
"""Packed bytes that are written as texts at once: a thread that does so keeps the others waiting meanwhile."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What a result has beside its counts, values and events. ``row_bytes`` is 0 when no events were kept."""

    registers: list[q_result.Register]
    event_names: list[str]
    event_widths: list[int]
    row_bytes: int
    shots: int
    version: str
    notes: dict[str, Any]
    isolation: str = ""

    @property
    def page_shots(self) -> int:
        """Shots in a page of events."""
        return max(1, min(LIMITS.page_shots, PAGE_BYTES // max(1, self.row_bytes)))


class Head(Outline, frozen=True, kw_only=True):
    """The head of a result with its counts and values."""

    counts: dict[str, int]
    values: Values | None = None


class PackedHead(Outline, frozen=True, kw_only=True):
    """A head from the store whose counts and values are still packed, as hundreds of thousands of them may be."""

    counts: msgspec.Raw
    values: msgspec.Raw = msgspec.Raw(b"\xc0")


class Result(msgspec.Struct, frozen=True):
    """A head and the packed event bits, shots x row_bytes."""

    head: Head
    bits: bytes

    def page(self, number: int) -> memoryview:
        """The packed bits of one page."""
        step = self.head.page_shots * self.head.row_bytes
        return memoryview(self.bits)[number * step : (number + 1) * step]

    def pages(self) -> Iterator[tuple[int, memoryview]]:
        """Page number and packed bits of every page."""
        step = self.head.page_shots * self.head.row_bytes
        view = memoryview(self.bits)
        for number, start in enumerate(range(0, len(view), step) if step else ()):
            yield number, view[start : start + step]


_HEAD_ENCODER = msgspec.msgpack.Encoder()
_HEAD_DECODER = msgspec.msgpack.Decoder(Head)
_PACKED_HEAD_DECODER = msgspec.msgpack.Decoder(PackedHead)


def encode_head(head: Head) -> bytes:
    return _HEAD_ENCODER.encode(head)


def decode_head(data: bytes) -> Head:
    return _HEAD_DECODER.decode(data)


def open_head(data: bytes) -> Head | PackedHead:
    """The head, but for the largest parts of a large one: to make objects of these would keep all threads waiting."""
    return decode_head(data) if len(data) <= LARGE_BYTES else _PACKED_HEAD_DECODER.decode(data)


def of_done(done: Done, version: str) -> Result:
    """The result of a worker's answer. Raises JOB_FAILED (blame engine) when its parts do not fit each other."""
    total = sum(done.counts.values())
    if total != done.shots and (done.counts or done.values is None):
        raise _inconsistent(f"counts of {total} shots in a run of {done.shots}")
    width = sum(done.event_widths)
    row_bytes = (width + 7) // 8 if done.event_bits else 0
    if len(done.event_bits) != row_bytes * done.shots or len(done.event_names) != len(done.event_widths):
        raise _inconsistent(f"{len(done.event_bits)} bytes of events for {done.shots} shots of {width} bits")
    head = Head(
        counts=done.counts,
        registers=_registers(done.registers),
        event_names=done.event_names,
        event_widths=done.event_widths,
        row_bytes=row_bytes,
        shots=done.shots,
        version=version,
        notes=done.notes,
        isolation=done.isolation,
        values=done.values,
    )
    return Result(head, done.event_bits)


def partial_reply(known: q_result.Reply, partial: Partial) -> q_result.Reply:
    """The answer to q_result of a job that runs: what the kernel knows, and what is there so far."""
    return msgspec.structs.replace(
        known,
        shots=partial.shots,
        counts=partial.counts,
        registers=_registers(partial.registers),
        values=partial.values,
        provenance=msgspec.structs.replace(known.provenance, notes=partial.notes),
        partial=True,
    )


def _registers(rows: Iterable[Output]) -> list[q_result.Register]:
    return [q_result.Register(row.name, list(row.bits), row.descending) for row in rows]


def usage_of(done: Done) -> dict[str, Any]:
    """What the run took, as the kernel books it and the result shows it."""
    return {
        "engine_seconds": done.prepare_s + done.run_s,
        "prepare_seconds": done.prepare_s,
        "run_seconds": done.run_s,
        "cpu_seconds": done.cpu_s,
        "peak_rss_bytes": done.peak_rss_bytes,
        "result_bytes": result_bytes(done),
        **pairs_of(done.notes),
    }


def pairs_of(notes: dict[str, Any]) -> dict[str, int]:
    """Bell pairs that the program's channels delivered, and the links' raw pairs that went into them."""
    rows = notes.get("channels") or ()
    if not rows:
        return {}
    return {
        name: sum(int(row[key]) for row in rows)
        for name, key in (("bell_pairs", "pairs_total"), ("raw_pairs", "raw_pairs"))
    }


def result_bytes(done: Done) -> int:
    """What the result takes in the store, within a few per cent: packed events, counts, names."""
    width = len(next(iter(done.counts), ""))
    values = 0 if done.values is None else len(msgspec.msgpack.encode(done.values))
    return (
        values
        + len(done.event_bits)
        + len(done.counts) * (width + COUNT_BYTES)
        + 16 * len(done.event_names)
        + HEAD_BYTES
    )


def _inconsistent(what: str) -> QmkError:
    return QmkError("JOB_FAILED", f"the engine's answer contradicts itself: {what}")


def reply(
    known: q_result.Reply, head: Head | PackedHead, from_shot: int, read_page: Callable[[int], bytes | memoryview]
) -> q_result.Reply:
    """The answer to q_result: what the kernel knows, completed. ``read_page`` gives packed bits by page number. What is
    packed in the head is JSON in the answer."""
    if from_shot > head.shots:
        raise QmkError(
            "INVALID_PARAMS", f"from_shot {from_shot} is past the job's {head.shots} shots", field="from_shot"
        )
    provenance = msgspec.structs.replace(
        known.provenance, version=head.version, notes=head.notes, isolation=head.isolation
    )
    return msgspec.structs.replace(
        known,
        counts=head.counts if isinstance(head, Head) else _json(head.counts),
        registers=head.registers,
        events=event_page(head, from_shot, read_page),
        provenance=provenance,
        values=head.values if isinstance(head, Head) else _json(head.values),
    )


def _json(packed: msgspec.Raw) -> msgspec.Raw:
    """Writes packed values as JSON, while other threads go on."""
    import qmk_native

    return msgspec.Raw(qmk_native.json_of_msgpack(bytes(packed)))


def event_page(
    head: Head | PackedHead, from_shot: int, read_page: Callable[[int], bytes | memoryview]
) -> q_result.EventPage | None:
    if not head.row_bytes:
        return None
    number, skip = divmod(from_shot, head.page_shots)
    end = min(head.shots, (number + 1) * head.page_shots)
    packed = read_page(number)[skip * head.row_bytes :] if from_shot < head.shots else b""
    return q_result.EventPage(
        from_shot=from_shot,
        names=head.event_names,
        widths=head.event_widths,
        rows=rows(packed, head.row_bytes, sum(head.event_widths)),
        next_shot=end if end < head.shots else None,
    )


def rows(packed: bytes | memoryview, row_bytes: int, width: int) -> list[str]:
    """Writes packed bits as one string of 0 and 1 a shot."""
    import qmk_native

    view, step = memoryview(packed), row_bytes * max(1, ROWS_BYTES // row_bytes)
    pieces = (bytes(view[start : start + step]) for start in range(0, len(view), step))
    return list(chain.from_iterable(qmk_native.bit_rows(piece, row_bytes, width) for piece in pieces))


def checksum(job: str, data: bytes | memoryview) -> int:
    """CRC-32 over the job's name and the data: a row that was damaged or moved is told."""
    return zlib.crc32(data, zlib.crc32(job.encode()))


class RecentResults:
    """The last results, within ``limit_bytes``, so that answering a wait reads no disk. Those whose answers are large
    are left out: to make these is not for the loop. A small result counts some 2.4 kB; whoever asks later
    has it read."""

    def __init__(self, limit_bytes: int = RECENT_BYTES) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._results: OrderedDict[str, Result] = OrderedDict()

    def put(self, job: str, result: Result) -> None:
        self.drop(job)
        size = _size(result)
        if size > self._limit or _answer_bytes(result) > LARGE_BYTES:
            return
        self._results[job] = result
        self._held += size
        while self._held > self._limit:
            self.drop(next(iter(self._results)))

    def share(self, source: str, job: str) -> None:
        """Gives ``job`` the result of ``source``, if that is here."""
        result = self._results.get(source)
        if result is not None:
            self.put(job, result)

    def get(self, job: str) -> Result | None:
        return self._results.get(job)

    def drop(self, job: str) -> None:
        result = self._results.pop(job, None)
        if result is not None:
            self._held -= _size(result)


def _size(result: Result) -> int:
    """A rough count of the bytes a result holds in memory."""
    return 2 * _values_bytes(result.head) + len(result.bits) + 200 * (len(result.head.counts) + 10)


def _answer_bytes(result: Result) -> int:
    """A rough count of the bytes of an answer with the result."""
    head = result.head
    width = len(next(iter(head.counts), ""))
    return 2 * _values_bytes(head) + (width + COUNT_BYTES) * len(head.counts) + 8 * min(len(result.bits), PAGE_BYTES)


def _values_bytes(head: Head) -> int:
    points = () if head.values is None else head.values.points
    return sum(
        len(point.state)
        + ESTIMATE_BYTES * (len(point.expectations) + len(point.amplitudes) + len(point.counts))
        + ESTIMATE_BYTES * sum(len(each) for each in (*point.gradients, *point.probabilities))
        for point in points
    )

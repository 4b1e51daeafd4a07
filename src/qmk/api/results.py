"""Results of runs in this process: what takes longer than a look at the shots is made when somebody reads it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from qmk.abi.calls.q_result import EventPage, Fallback, Provenance, Register, Reply
from qmk.client.result import Printed, Result

if TYPE_CHECKING:
    from qmk.api.executed import Executed
    from qmk.api.source import Source
    from qmk.host.results import Head


class HasRegisters(Protocol):
    """A circuit of the native core, or what was drawn of it."""

    @property
    def registers(self) -> list[tuple[str, list[int], bool]]: ...


def result_of(executed: Executed, source: Source) -> Result:
    """Builds the result. Registers, provenance and events come from the graph, which is read from the program's text if
    need be."""
    from qmk.worker.memory import PEAK

    usage = executed.usage if "peak_rss_bytes" in executed.usage else {**executed.usage, "peak_rss_bytes": PEAK.bytes()}
    known = Reply(
        job_id="",
        shots=source.shots,
        seed=source.seed,
        counts={} if executed.drawn is not None else executed.counts,
        values=executed.values,
        usage={**usage, "attempts": 1},
        warnings=msgspec.to_builtins(source.warnings),
        provenance=Provenance(digest="", engine=executed.engine, method=executed.method, seed=source.seed),
    )
    events = _Events(executed, source)
    complete = partial(_complete, executed, source, events)
    printed = _printed_bits(executed, source)
    if executed.drawn is None:
        return Result(known, events.page, complete, None, events.pack_all, printed)
    layout = partial(layout_of, executed.drawn)
    return Result(known, events.page, complete, layout, events.pack_all, printed, tally=lambda: executed.counts)


def _printed_bits(executed: Executed, source: Source) -> Printed | None:
    """How to get the printed bits from the core's memory, which takes no graph; None where they are elsewhere, or are
    not kept."""
    from qmk.worker.native import events_dropped

    drawn = executed.drawn
    if drawn is None or not source.keep_events:
        return None
    columns = [cbit for _, cbits, _ in drawn.registers for cbit in cbits]
    width = max(columns, default=-1) + 1
    return None if events_dropped(width, source.shots) else lambda: (drawn.pack_bits(width), columns)


def layout_of(circuit: HasRegisters) -> list[Register]:
    """The registers that the native core prints, without the events of their bits."""
    return [Register(name, [None] * len(cbits), descending) for name, cbits, descending in circuit.registers]


def _complete(executed: Executed, source: Source, events: _Events, known: Reply) -> Reply:
    head = events.head
    reasons = executed.reasons if len(executed.reasons) > 1 else list_candidates(source)
    seconds, uncertainty = _prediction(executed, reasons)
    provenance = msgspec.structs.replace(
        known.provenance,
        digest=source.digest,
        version=executed.version,
        reasons=reasons,
        predicted_seconds=seconds,
        uncertainty=uncertainty,
        fallbacks=[Fallback(**row) for row in executed.fallbacks],
        notes={**executed.notes, **events.note, **source.notes},
        isolation=head.isolation,
    )
    return msgspec.structs.replace(known, registers=head.registers, events=events.page(0), provenance=provenance)


def _prediction(executed: Executed, reasons: list[dict[str, Any]]) -> tuple[float, float]:
    """Seconds and the factor within which they are believed, as the reasons have them of what ran: with reading and
    planning, which the core's own prediction leaves out."""
    for row in reasons:
        if (row["engine"], row["method"]) == (executed.engine, executed.method) and row["seconds"] is not None:
            return row["seconds"], row["uncertainty"]
    return executed.predicted_s, executed.uncertainty


def list_candidates(source: Source) -> list[dict[str, Any]]:
    """Lists every engine and method with its predicted cost, or with what it lacks, the chosen one first."""
    from qmk import router
    from qmk.api.plans import memory_bytes
    from qmk.router import rates
    from qmk.router.features import features

    method = (source.options.engine or "").partition(":")[2] or "auto"
    known = features(source.graph, source.digest, method, source.packed_graph)
    rows = router.explain(
        known,
        source.shots,
        engine=source.options.engine,
        memory_bytes=memory_bytes(),
        declarations=rates.installed_rating().declarations,
    )
    return msgspec.to_builtins(rows)


class _Events:
    """The per-shot events of a run, page by page."""

    def __init__(self, executed: Executed, source: Source) -> None:
        self._executed, self._source = executed, source
        self._head: Head | None = None
        self.note: dict[str, str] = {}

    @property
    def head(self) -> Head:
        if self._head is None:
            self._head = self._make_head()
        return self._head

    def _make_head(self) -> Head:
        from qmk.host import results
        from qmk.ir.lower import outputs_of
        from qmk.worker.native import events_dropped, events_of

        executed = self._executed
        if executed.stored is not None:
            return executed.stored.head
        names, widths = events_of(self._source.graph)
        if self._source.keep_events:
            self.note = events_dropped(sum(widths), self._source.shots)
        kept = self._source.keep_events and not self.note
        return results.Head(
            counts={},  # pages of events have no counts
            registers=[
                Register(row.name, list(row.bits), row.descending) for row in outputs_of(self._source.graph, names)
            ],
            event_names=names,
            event_widths=widths,
            row_bytes=(sum(widths) + 7) // 8 if kept else 0,
            shots=self._source.shots,
            version=executed.version,
            notes=executed.notes,
        )

    def _pack_rows(self, number: int) -> bytes | memoryview:
        executed, head = self._executed, self.head
        if executed.stored is not None:
            return executed.stored.page(number)
        assert executed.drawn is not None
        first = number * head.page_shots
        stop = min(self._source.shots, first + head.page_shots)
        return executed.drawn.pack_bits(sum(head.event_widths), first, stop)

    def pack_all(self) -> bytes:
        """The packed events of all shots."""
        executed, width = self._executed, sum(self.head.event_widths)
        if executed.stored is not None:
            return executed.stored.bits
        assert executed.drawn is not None
        return executed.drawn.pack_bits(width, 0, self._source.shots)

    def page(self, from_shot: int) -> EventPage | None:
        """The page that begins at ``from_shot``."""
        from qmk.host.results import event_page

        return event_page(self.head, from_shot, self._pack_rows)


def brief(executed: Executed, source: Source) -> Result:
    """Builds a result with no more than counts that the native core drew from a text. No graph is read, so the digest
    is empty, and registers have names and widths only."""
    assert executed.drawn is not None
    provenance = Provenance(
        digest="",
        engine=executed.engine,
        method=executed.method,
        version=executed.version,
        seed=source.seed,
        predicted_seconds=executed.predicted_s,
        uncertainty=executed.uncertainty,
        notes={**executed.notes, **source.notes},
    )
    return Result(
        Reply(
            job_id="",
            shots=source.shots,
            seed=source.seed,
            counts=executed.counts,
            registers=layout_of(executed.drawn),
            provenance=provenance,
            usage=executed.usage,
        )
    )

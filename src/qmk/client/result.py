"""The result of a job, wherever it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from qmk.abi.calls.q_result import EventPage, Provenance, Register, Reply
from qmk.base.errors import Finding, QmkError
from qmk.qvm.outputs import Values

Fetch = Callable[[int], EventPage | None]
"""Gives the page of per-shot events that begins at a shot."""


class _Pages:
    """Pages of events that are at hand."""

    def __init__(self, pages: list[EventPage]) -> None:
        self._pages = pages

    def __call__(self, from_shot: int) -> EventPage | None:
        """The page that a shot is on."""
        within = (page for page in self._pages if 0 <= from_shot - page.from_shot < len(page.rows))
        return next(within, None)


class Result:
    """Counts and per-shot events of a completed job.

    ``counts`` maps a printed bitstring (registers in order, separated by one space, bits as each register prints them)
    to its number of shots; ``registers`` says which event each printed bit is. ``seed``, ``engine``, ``provenance`` and
    the program reproduce it bit for bit. ``usage`` is what the run took. ``values``: expectation values and the like,
    where the job was asked for them. ``warnings``: what is doubtful in the program, each with its place and the fix.
    """

    def __init__(
        self, reply: Reply, fetch: Fetch | None = None, complete: Callable[[Reply], Reply] | None = None
    ) -> None:
        """``complete`` makes the registers, the provenance and the first page of events when one of them is read."""
        self.job_id: str = reply.job_id
        self.counts: dict[str, int] = reply.counts
        self.shots: int = reply.shots
        self.seed: int = reply.seed
        self.engine: str = reply.provenance.engine
        self.method: str = reply.provenance.method
        self.usage: dict[str, Any] = reply.usage
        self.warnings: list[Finding] = msgspec.convert(reply.warnings, list[Finding])
        self.values: Values | None = reply.values
        self._reply = reply
        self._fetch = fetch
        self._complete = complete

    def _whole(self) -> Reply:
        if self._complete is not None:
            self._reply, self._complete = self._complete(self._reply), None
        return self._reply

    @property
    def registers(self) -> list[Register]:
        """Registers in printed order, with the event of each printed bit."""
        return self._whole().registers

    @property
    def provenance(self) -> Provenance:
        """What reproduces the result, and why this engine."""
        return self._whole().provenance

    @property
    def has_events(self) -> bool:
        """Whether per-shot events were kept."""
        return self._whole().events is not None

    @property
    def event_names(self) -> list[str]:
        """The events of ``rows`` in order."""
        page = self._whole().events
        return [] if page is None else page.names

    @property
    def event_widths(self) -> list[int]:
        """Bits of each event: 1, or 2 (phase, parity) for a one-event Bell measurement."""
        page = self._whole().events
        return [] if page is None else page.widths

    def rows(self, from_shot: int = 0) -> Iterator[str]:
        """One string of 0 and 1 a shot, events in the order of ``event_names``; later pages are fetched as needed.

        Raises NOT_COMPLETED when no events were kept.
        """
        page = self._whole().events
        if page is None:
            raise QmkError("NOT_COMPLETED", "no per-shot events were kept for this job", help="use keep_events=True")
        while from_shot < self.shots:
            if not page.from_shot <= from_shot < page.from_shot + len(page.rows):
                page = self._fetch_page(from_shot)
            yield from page.rows[from_shot - page.from_shot :]
            from_shot = page.from_shot + len(page.rows)

    def events(self, from_shot: int = 0) -> Iterator[dict[str, int]]:
        """Every shot's events by name; a two-bit event reads as phase * 2 + parity."""
        places: list[tuple[str, int, int]] = []
        start = 0
        for name, width in zip(self.event_names, self.event_widths, strict=True):
            places.append((name, start, start + width))
            start += width
        for row in self.rows(from_shot):
            yield {name: int(row[begin:end], 2) for name, begin, end in places}

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and copies take: the whole result, with all of its events. Raises as ``rows`` does."""
        page = self._whole().events
        pages: list[EventPage] = []
        while page is not None:
            pages.append(page)
            page = None if page.next_shot is None else self._fetch_page(page.next_shot)
        return {**self.__dict__, "_fetch": _Pages(pages)}

    def _fetch_page(self, from_shot: int) -> EventPage:
        page = None if self._fetch is None else self._fetch(from_shot)
        if page is None or not page.rows:
            raise QmkError("CONNECTION_LOST", f"the events from shot {from_shot} cannot be fetched")
        return page

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON-compatible data, without per-shot events: what ``qmk run --json`` prints."""
        return {
            "counts": self.counts,
            "shots": self.shots,
            "seed": self.seed,
            "engine": self.engine,
            "registers": msgspec.to_builtins(self.registers),
            "provenance": msgspec.to_builtins(self.provenance),
            "usage": self.usage,
            "warnings": msgspec.to_builtins(self.warnings),
            **({} if self.values is None else {"values": msgspec.to_builtins(self.values)}),
        }

    def __repr__(self) -> str:
        most = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:4]
        shown = ", ".join(f"{bits or repr(bits)}: {count}" for bits, count in most)
        more = f", ... {len(self.counts)} outcomes" if len(self.counts) > len(most) else ""
        return f"<Result {self.shots} shots on {self.engine}: {shown}{more}>"

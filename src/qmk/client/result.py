"""The result of a job, wherever it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from qmk.abi.calls.q_result import EventPage, Provenance, Register, Reply
from qmk.base.errors import Finding, QmkError
from qmk.client.counts import SHOWN, Counts, Group, Layout, draw_run, groups_of, places_of, summarize
from qmk.client.trajectory import Trajectory
from qmk.qvm.outputs import Values
from qmk.scripts.messages import Usage
from qmk.scripts.result import ScriptResult

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from qmk.client.document import DensityMatrix, Modes
    from qmk.client.tables import TableName

Fetch = Callable[[int], EventPage | None]
"""Gives the page of per-shot events that begins at a shot."""
Packed = Callable[[], bytes]
"""Gives the packed events of all shots: a row a shot, padded to whole bytes as ``numpy.packbits`` does."""
Tally = Callable[[], Mapping[str, int]]
"""Counts the shots by what they print."""
Printed = Callable[[], tuple[bytes, list[int]]]
"""Gives packed bits of all shots in the same form, and the column among them of each printed bit; -1: constant 0."""
_ROWS = 1024
"""Shots that ``bits`` unpacks at once."""


class _Whole:
    """The reply of a job. What costs more than its counts is completed when it is first asked for."""

    def __init__(self, reply: Reply, complete: Callable[[Reply], Reply] | None) -> None:
        self._reply, self._complete = reply, complete

    def __call__(self) -> Reply:
        if self._complete is not None:
            self._reply, self._complete = self._complete(self._reply), None
        return self._reply

    def registers(self) -> list[Register]:
        return self().registers


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
    to its number of shots, and has marginals, distances and the like as methods; ``registers`` says which event each
    printed bit is. ``seed``, ``engine``, ``provenance`` and the program reproduce it bit for bit. ``usage`` is what the
    run took. ``values``: expectation values and the like, where the job was asked for them. ``partial``: the job still
    runs, and ``counts`` or ``values`` are of its first ``shots`` shots. ``warnings``: what is doubtful in the program,
    each with its place and the fix. ``modes``: numbers of photons a shot and mode, and ``densities``: density matrices,
    where the result has them.
    """

    def __init__(
        self,
        reply: Reply,
        fetch: Fetch | None = None,
        complete: Callable[[Reply], Reply] | None = None,
        layout: Layout | None = None,
        packed: Packed | None = None,
        printed: Printed | None = None,
        modes: Modes | None = None,
        densities: Sequence[DensityMatrix] = (),
        tally: Tally | None = None,
    ) -> None:
        """``complete`` makes the registers, the provenance and the first page of events when one of them is read.
        ``layout`` gives the registers without their events, ``packed`` all events, ``printed`` the printed bits, where
        that costs less. ``tally``: shots are not counted before ``counts`` is read; ``layout`` is given, too."""
        self.job_id: str = reply.job_id
        self._whole = _Whole(reply, complete)
        self._layout: Layout = layout or self._whole.registers
        self._tally = tally
        self._counts = None if tally is not None else Counts.of_run(reply.counts, self._layout)
        self.shots: int = reply.shots
        self.seed: int = reply.seed
        self.engine: str = reply.provenance.engine
        self.method: str = reply.provenance.method
        self.usage: dict[str, Any] = reply.usage
        self.warnings: list[Finding] = msgspec.convert(reply.warnings, list[Finding])
        self.values: Values | None = reply.values
        self.partial: bool = reply.partial
        self.modes: Modes | None = modes
        self.densities: list[DensityMatrix] = list(densities)
        self._fetch = fetch
        self._packed = packed
        self._printed = printed

    @property
    def reply(self) -> Reply:
        """What the daemon answered."""
        return self._whole()

    @property
    def counts(self) -> Counts:
        """Printed bitstrings to their numbers of shots."""
        if self._counts is None:
            assert self._tally is not None, "what is not counted yet has a tally"
            self._counts = Counts.of_run(self._tally(), self._layout)
        return self._counts

    def _groups(self) -> tuple[Group, ...]:
        """The registers with the places of their bits, for which nothing is counted."""
        if self._tally is None:
            return self.counts.groups
        return groups_of((row.name, row.descending, len(row.bits)) for row in self._layout())

    @property
    def script(self) -> ScriptResult:
        """What the script that the job is gave. Raises NOT_COMPLETED for a job of another program."""
        found = self.provenance.notes.get("script")
        if found is None:
            raise QmkError("NOT_COMPLETED", "the job is not a script", help="submit one with Client.submit_script")
        how = {**found["provenance"], "process": self.provenance.isolation}
        usage = msgspec.convert(found["usage"], Usage)
        return ScriptResult(found["value"], self.seed, list(found["log"]), usage, how)

    @property
    def trajectory(self) -> Trajectory:
        """The observables of an evolution over time. Raises NOT_COMPLETED where the job gave none."""
        return Trajectory.of(self.values)

    @property
    def density(self) -> NDArray[np.complex128]:
        """The density matrix of the final state, shape (2^n, 2^n), qubit 0 the highest bit of an index. Raises
        NOT_COMPLETED where the job was not asked for it."""
        import numpy as np

        packed = self.values.points[0].density if self.values is not None and self.values.points else b""
        if not packed:
            fix = "ask for it with qmk.outputs(program, density=True)"
            raise QmkError("NOT_COMPLETED", "the job gave no density matrix", help=fix)
        side = int((len(packed) // 16) ** 0.5)
        return np.frombuffer(packed, dtype="<c16").reshape(side, side)

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

    def packed_events(self) -> NDArray[np.uint8]:
        """All events as packed bits, shape (shots, bytes of a row): the bits of ``event_names`` in order, the first in
        the highest bit of the first byte, as ``numpy.packbits`` has them. Nothing is copied where the run's own memory
        holds them. Raises NOT_COMPLETED when no events were kept."""
        import numpy as np

        row_bytes = (sum(self.event_widths) + 7) // 8
        if self._packed is not None and self.has_events:
            return np.frombuffer(self._packed(), dtype=np.uint8).reshape(self.shots, row_bytes)
        digits = np.frombuffer("".join(self.rows()).encode(), dtype=np.uint8).reshape(self.shots, -1)
        return np.packbits(digits - ord("0"), axis=1)

    def bits(self, register: str | None = None) -> NDArray[np.uint8]:
        """The shots as a matrix of 0 and 1, shape (shots, bits): a column for each bit, as printed from left to right,
        of one register or of all. Raises NOT_COMPLETED when no events were kept, INVALID_PARAMS for a register that is
        not there."""
        import numpy as np

        if self._printed is not None:
            rows, columns = self._printed()
            packed = np.frombuffer(rows, dtype=np.uint8).reshape(self.shots, -1)
        else:
            packed, columns = self.packed_events(), self._printed_columns()
        wanted = columns if register is None else [columns[place] for place in places_of(self._groups(), register)]
        if wanted and wanted == list(range(max(wanted[0], 0), wanted[-1] + 1)):  # ten times as fast as by their numbers
            events = np.unpackbits(packed, axis=1, count=wanted[-1] + 1)
            return np.ascontiguousarray(events[:, wanted[0] :])
        zero = 8 * packed.shape[1]  # past the last byte numpy unpacks zeros: what is constant 0 is there
        columns = [zero if column < 0 else column for column in wanted]
        count = max(columns, default=-1) + 1
        found = np.zeros((self.shots, len(columns)), np.uint8)
        rows = self.shots if columns and packed.shape[1] else 0  # numpy unpacks rows of no bytes to what memory holds
        for start in range(0, rows, _ROWS):  # blocks that stay in the cache
            block = np.unpackbits(packed[start : start + _ROWS], axis=1, count=count)
            np.take(block, columns, axis=1, out=found[start : start + _ROWS], mode="clip")
        return found

    def numbers(self, *registers: str) -> NDArray[np.int64]:
        """The value of each register in each shot, such as photon numbers; shape (shots, registers), int64. The columns
        are those of ``registers``; if none are named, all, in the order in which the program writes them. The bit of
        the highest index is the most significant. Raises NOT_COMPLETED when no events were kept, INVALID_PARAMS for a
        register that is not there or has more than 63 bits."""
        import numpy as np

        first = {name: at for at, name in enumerate(self.event_names)}
        groups = {group.name: group for group in self._groups()}
        order = sorted(
            self.registers, key=lambda each: min((first.get(event or "", -1) for event in each.bits), default=-1)
        )
        columns: list[NDArray[np.int64]] = []
        for name in registers or [each.name for each in order]:
            bits = self.bits(name)
            if bits.shape[1] > 63:
                text = f"register '{name}' has {bits.shape[1]} bits; a number of at most 63 fits"
                raise QmkError("INVALID_PARAMS", text, field="register", help="read its bits with bits(register)")
            bits = bits[:, ::-1] if groups[name].descending else bits
            columns.append(bits.astype(np.int64) @ (1 << np.arange(bits.shape[1], dtype=np.int64)))
        return np.stack(columns, axis=1) if columns else np.zeros((self.shots, 0), np.int64)

    def _printed_columns(self) -> list[int]:
        """The column of each printed bit among the bits of the events; -1 for a constant 0."""
        first: dict[str, tuple[int, int]] = {}
        start = 0
        for name, width in zip(self.event_names, self.event_widths, strict=True):
            first[name] = (start, width)
            start += width
        columns: list[int] = []
        for register in self.registers:
            for event in register.bits:
                at, width = (-1, 1) if event is None else first[event]
                columns += range(at, at + width)
        return columns

    def _attributes(self) -> dict[str, Any]:
        made = {"engine": self.engine, "method": self.method, "seed": self.seed, "digest": self.provenance.digest}
        return {name: str(value) for name, value in made.items()}

    def to_pandas(self, table: TableName = "shots") -> Any:
        """A ``pandas.DataFrame``. ``table``: ``"shots"`` has a row a shot and a column of 0 and 1 for each printed bit
        (``c[0]``, ...), ``"counts"`` a row an outcome, ``"values"`` a row a value, ``"modes"`` a row a shot and a
        column of photon numbers a mode. Raises NOT_COMPLETED for what the job did not give or keep, UNSUPPORTED without
        pandas."""
        from qmk.client import tables

        columns = tables.columns_of(self, table)
        return tables.to_pandas(columns, "shot" if table in ("shots", "modes") else None)

    def to_xarray(self) -> Any:
        """An ``xarray.Dataset`` with an array (shot, bit as printed) for each register; engine, seed and digest are its
        attributes. Raises as ``to_pandas``, for xarray."""
        from qmk.client import tables

        bits = self.bits()
        registers = {group.name or "bits": bits[:, list(group.places)] for group in self.counts.groups}
        return tables.to_xarray(registers, self._attributes())

    def to_arrow(self, table: TableName = "shots") -> Any:
        """A ``pyarrow.Table`` with the rows and columns of ``to_pandas``, bits as truth values; engine, seed, digest
        and the rest of the result are in its metadata. Raises as ``to_pandas``, for pyarrow."""
        from qmk.client import tables

        return tables.to_arrow(self, table, self._attributes())

    def to_parquet(self, path: str | Path, table: TableName = "shots") -> None:
        """Writes ``to_arrow(table)`` into a Parquet file, which ``load`` reads. Raises as ``to_arrow``, INVALID_PARAMS
        when the file cannot be written."""
        from qmk.client import tables

        tables.write_parquet(self.to_arrow(table), path)

    def to_json(self) -> str:
        """The whole result as JSON, per-shot events among it, in the form of ``docs/spec/results.md``."""
        from qmk.client import document

        return document.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Result:
        """The result that ``to_json`` wrote. Raises INVALID_PARAMS naming what is wrong with the text."""
        from qmk.client import document

        return document.decode(text)

    def save(self, path: str | Path) -> None:
        """Writes ``to_json()`` into a file. Raises INVALID_PARAMS when it cannot be written."""
        from qmk.client import document

        document.write(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """The result in a file that ``save`` or ``to_parquet`` wrote; a Parquet file has the one table that was
        written, and no events that no register prints. Raises INVALID_PARAMS for a file that is neither, or cannot be
        read."""
        from qmk.client import document

        return document.read(path)

    def to(self, framework: str, form: str = "") -> Any:
        """The result as an object of another framework, in its order of bits, such as a ``PrimitiveResult`` for
        "qiskit"; ``form`` picks one of several. Raises UNSUPPORTED for a framework or form that there is not, for a
        framework that is not installed, and for what the framework has no place for."""
        from qmk.client import converting

        return converting.convert(self, framework, form)

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and copies take: the whole result, with all of its events. Raises as ``rows`` does."""
        page = self._whole().events
        pages: list[EventPage] = []
        while page is not None:
            pages.append(page)
            page = None if page.next_shot is None else self._fetch_page(page.next_shot)
        at_hand = {"_counts": self.counts, "_layout": self._whole.registers, "_fetch": _Pages(pages)}
        return {**self.__dict__, **at_hand, "_packed": None, "_printed": None, "_tally": None}

    def _fetch_page(self, from_shot: int) -> EventPage:
        page = None if self._fetch is None else self._fetch(from_shot)
        if page is None or not page.rows:
            raise QmkError("CONNECTION_LOST", f"the events from shot {from_shot} cannot be fetched")
        return page

    def plot(self, top: int = 20, ax: Axes | None = None, theme: str = "light") -> Figure:
        """A histogram of the counts, and the Matplotlib figure: see ``qmk.plot.histogram``."""
        return self.counts.plot(top, ax, theme)

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
            **({"partial": True} if self.partial else {}),
        }

    def __repr__(self) -> str:
        more = f", ... {len(self.counts)} outcomes" if len(self.counts) > SHOWN else ""
        partial = " so far" if self.partial else ""
        return f"<Result {self.shots} shots{partial} on {self.engine}: {summarize(self.counts)}{more}>"

    def _repr_html_(self) -> str:
        return draw_run(self.counts, f"{self.shots} shots on {self.engine}:{self.method}, seed {self.seed}")

"""A result as one document of JSON, there and back. ``docs/spec/results.md`` describes it, for readers and writers that
are not QMK; ``schemas/result-1.0.schema.json`` is made from the types here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from qmk.abi import shapes
from qmk.abi.calls.q_result import EventPage, Provenance, Register, Reply
from qmk.base.errors import QmkError
from qmk.models import files
from qmk.models.arguments import show
from qmk.qvm.outputs import Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qmk.client.result import Result

MAX_BYTES = 1 << 32
"""Largest file of a result that is read."""
PAGE_SHOTS = 10_000
"""Shots whose events are made into text at once."""


class _Part(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of every part of a document."""


class Events(_Part, frozen=True):
    """The events of every shot."""

    names: Annotated[list[str], Meta(description="the events, in order")]
    widths: Annotated[list[int], Meta(description="bits of each: 1, or 2 for a one-event Bell measurement")]
    bits: Annotated[
        bytes,
        Meta(description="base64: a row a shot, its bits in the order of names, the first in the highest bit of the "
             "first byte, each row padded with zeros to whole bytes"),
    ]  # fmt: skip


class Modes(_Part, frozen=True):
    """What detectors behind optical modes saw."""

    names: Annotated[list[str], Meta(description="the modes, in order")]
    photons: Annotated[
        list[list[Annotated[int, Meta(ge=0)]]], Meta(description="a row a shot, a number of photons a mode")
    ]

    @property
    def array(self) -> NDArray[np.int64]:
        """The numbers of photons, of shape (shots, modes)."""
        import numpy as np

        return np.array(self.photons, np.int64).reshape(len(self.photons), len(self.names))


class DensityMatrix(_Part, frozen=True):
    """The state of some qubits, at one point of a sweep."""

    qubits: Annotated[list[int], Meta(description="the first is the most significant bit of an index")]
    matrix: Annotated[bytes, Meta(description="base64: rows after one another, complex128 little-endian")]
    point: Annotated[int, Meta(description="number of the point", ge=0)] = 0

    @classmethod
    def of(cls, matrix: NDArray[Any], qubits: list[int], point: int = 0) -> DensityMatrix:
        """The part for a matrix of shape (2**n, 2**n)."""
        return cls(qubits=qubits, matrix=matrix.astype("<c16").tobytes(), point=point)

    @property
    def array(self) -> NDArray[np.complex128]:
        """The matrix, of shape (2**n, 2**n)."""
        import numpy as np

        return np.frombuffer(self.matrix, dtype="<c16").reshape((2 ** len(self.qubits),) * 2)


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a job gave. A part that is not there was not asked for."""

    format: Literal["qmk.result"]
    version: Literal["1.0"]
    shots: Annotated[int, Meta(ge=0, le=shapes.INT_MAX)]
    seed: Annotated[int, Meta(description="seed of every random choice", ge=0, le=shapes.INT_MAX)]
    registers: Annotated[list[Register], Meta(description="in printed order")] = []
    counts: Annotated[
        dict[str, Annotated[int, Meta(ge=0)]],
        Meta(description="printed bitstring to number of shots: registers in order, one space between"),
    ] = {}
    events: Events | None = None
    values: Annotated[Values | None, Meta(description="expectation values, states and the like")] = None
    densities: list[DensityMatrix] = []
    modes: Modes | None = None
    provenance: Annotated[Provenance, Meta(description="what reproduces the result, and why this engine")]
    job_id: Annotated[str, Meta(description="empty for a run without a daemon")] = ""
    usage: Annotated[dict[str, Any], Meta(description="what the run took")] = {}
    warnings: shapes.Warnings = []
    partial: Annotated[bool, Meta(description="the job was still running")] = False


_DECODER = msgspec.json.Decoder(Document)


def of_result(result: Result, events: bool = True) -> Document:
    """The document of a result, its per-shot events only with ``events``."""
    kept = None
    if events and result.has_events:
        packed = result.packed_events().tobytes()
        kept = Events(names=result.event_names, widths=result.event_widths, bits=packed)
    return Document(
        format="qmk.result",
        version="1.0",
        job_id=result.job_id,
        shots=result.shots,
        seed=result.seed,
        registers=result.registers,
        counts=dict(result.counts),
        events=kept,
        values=result.values,
        densities=result.densities,
        modes=result.modes,
        provenance=result.provenance,
        usage=result.usage,
        warnings=msgspec.to_builtins(result.warnings),
        partial=result.partial,
    )


def encode(result: Result) -> bytes:
    """A result as JSON, with all of its events."""
    return msgspec.json.encode(of_result(result)) + b"\n"


def decode(data: str | bytes, name: str = "the result") -> Result:
    """The result that JSON holds. Raises INVALID_PARAMS with the place of what is wrong."""
    if not isinstance(data, (str, bytes)):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller without types
        raise _wrong(f"{show(data)} is not the text of a result", "give what to_json gave")
    try:
        return to_result(_DECODER.decode(data), name)
    except (msgspec.DecodeError, UnicodeError) as error:
        fix = "give what to_json or save wrote; docs/spec/results.md describes it"
        raise _wrong(f"{name}: {error}", fix) from None


def to_result(document: Document, name: str = "the result") -> Result:
    """The result that a document is of. Raises INVALID_PARAMS for parts that do not fit each other."""
    from qmk.client.result import Result

    _require(document, name)
    reply = Reply(
        job_id=document.job_id,
        shots=document.shots,
        seed=document.seed,
        counts=document.counts,
        registers=document.registers,
        values=document.values,
        provenance=document.provenance,
        usage=document.usage,
        warnings=document.warnings,
        partial=document.partial,
    )
    parts: dict[str, Any] = {"modes": document.modes, "densities": document.densities}
    events = document.events
    if events is None:
        return Result(reply, **parts)
    return Result(
        reply,
        lambda from_shot: _page(events, from_shot, document.shots),
        lambda known: msgspec.structs.replace(known, events=_page(events, 0, document.shots)),
        packed=lambda: events.bits,
        **parts,
    )


def _page(events: Events, from_shot: int, shots: int) -> EventPage:
    import numpy as np

    width = sum(events.widths)
    packed = np.frombuffer(events.bits, np.uint8).reshape(shots, -1)[from_shot : from_shot + PAGE_SHOTS]
    digits = np.unpackbits(packed, axis=1, count=width) + ord("0")
    following = from_shot + len(packed)
    rows = [row.tobytes().decode() for row in digits]
    return EventPage(from_shot, events.names, events.widths, rows, following if following < shots else None)


def read(path: str | Path) -> Result:
    """The result in a file that ``Result.save`` or ``Result.to_parquet`` wrote. Raises INVALID_PARAMS for a file that
    cannot be read or is neither."""
    from qmk.client import tables

    try:
        data = files.read_included(Path(path), MAX_BYTES)
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _wrong(f"cannot read {show(path, files.PATH_CHARS)}: {reason}", "give the path of a file") from None
    if len(data) > MAX_BYTES:
        raise _wrong(f"{show(path, files.PATH_CHARS)} has more than {MAX_BYTES} bytes", "split the result")
    if data.startswith(b"PAR1"):
        return tables.read_parquet(data, str(path))
    return decode(data, str(path))


def write(result: Result, path: str | Path) -> None:
    """Writes the document. Raises INVALID_PARAMS when the file cannot be written."""
    try:
        Path(path).write_bytes(encode(result))
    except (OSError, ValueError, TypeError) as error:
        raise _wrong(f"cannot write {show(path, files.PATH_CHARS)}: {error}", "give the path of a file") from None


def _require(document: Document, name: str) -> None:
    for bits in document.counts:
        if bits.strip("01L "):
            raise _wrong(f"{name}: counts: {show(bits, 60)} is not a bitstring", "give 0, 1, or L for a lost atom")
    printed = {tuple(map(len, bits.split(" "))) for bits in document.counts}
    if len(printed) > 1:
        raise _wrong(f"{name}: counts: the bitstrings have different lengths", "give each outcome all bits")
    events = document.events
    widths: dict[str | None, int] = {None: 1}
    if events is not None:
        widths |= dict(zip(events.names, events.widths, strict=False))
        row_bytes = (sum(events.widths) + 7) // 8
        if len(events.names) != len(events.widths) or len(events.bits) != row_bytes * document.shots:
            raise _wrong(
                f"{name}: events: {len(events.bits)} bytes for {document.shots} shots of {row_bytes} bytes",
                "give a width for each name, and a row for each shot",
            )
        for register in document.registers:
            missing = [bit for bit in register.bits if bit not in widths]
            if missing:
                raise _wrong(f"{name}: registers: there is no event {show(missing[0])}", "name events of the document")
    shown = tuple(sum(widths.get(bit, 1) for bit in register.bits) for register in document.registers)
    if document.registers and events is not None and printed - {shown}:
        raise _wrong(f"{name}: counts: a bitstring does not fit the registers", f"print {shown} bits")
    if document.modes is not None:
        modes = document.modes
        if len(modes.photons) != document.shots or any(len(row) != len(modes.names) for row in modes.photons):
            raise _wrong(f"{name}: modes: not a number for each mode and shot", "give a row a shot, a number a mode")
    for density in document.densities:
        if len(density.qubits) > 26 or len(density.matrix) != 16 * 4 ** len(density.qubits):
            raise _wrong(f"{name}: densities: not a matrix of {len(density.qubits)} qubits", "give 2**n rows of 2**n")


def _wrong(message: str, help: str) -> QmkError:
    return QmkError("INVALID_PARAMS", message, field="result", help=help)

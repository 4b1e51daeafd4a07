"""The bytes of a saved run of the branching walk, format 1: MessagePack of ``Saved``.

They come back from a store, perhaps from another machine, so nothing in them is trusted: every size, number and state
is checked against the plan that is to go on, and whatever does not fit is refused with ``Unsupported``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from qmk.base.limits import LIMITS
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.sdk.engine import Unsupported

FORMAT = 1
OWNER = np.dtype("<u4")


class Header(msgspec.Struct, frozen=True):
    """What the state belongs to: nothing else can resume it. ``program`` is the SHA-256 of the lowered instructions,
    which the digest of the graph does not determine across releases."""

    engine: str
    method: str
    version: str
    digest: str
    program: str

    @classmethod
    def of(cls, program: Program, engine: str, method: str, version: str) -> Header:
        return cls(engine, method, version, program.digest, fingerprint(program))


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chunk under way: ``states`` in the engine's form, ``rng`` the position of the generator, ``bits`` the
    classical bits in packed rows. ``owners`` gives the branch of each shot (little-endian uint32) where branches have
    states of their own; ``bits`` and ``states`` are then one a branch."""

    rng: bytes = msgspec.field(name="dice")
    states: list[bytes]
    bits: bytes = b""
    owners: bytes = b""


class Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``done`` shots have their final bits in ``samples`` (packed rows). Of the chunk that follows, ``epoch`` segments
    have run; ``body`` is None where it has not begun."""

    format: int
    head: Header
    shots: int
    seed: int
    done: int
    samples: bytes
    epoch: int = 0
    body: Body | None = None


def _parts(value: Any) -> Any:
    """A complex number, the entry of a Kraus operator."""
    if isinstance(value, complex):
        return (value.real, value.imag)
    raise TypeError(f"a {type(value).__name__} in a program")


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Saved)
_CANONICAL = msgspec.msgpack.Encoder(order="deterministic", enc_hook=_parts)


def fingerprint(program: Program) -> str:
    """SHA-256 of the instructions that engines run, in hexadecimal."""
    names = [type(item).__name__ for item in program.instructions]
    body = (program.n_qubits, program.n_cbits, names, program.instructions)
    return hashlib.sha256(_CANONICAL.encode(body)).hexdigest()


def encode(saved: Saved) -> bytes:
    return _ENCODER.encode(saved)


def decode(data: bytes, head: Header) -> Saved:
    """Reads a saved run. Raises ``Unsupported`` when ``data`` is not one, or does not belong to what ``head`` says."""
    try:
        saved = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unsupported(f"engine {head.engine} cannot read this saved state: {error}") from error
    if saved.format != FORMAT:
        raise Unsupported(f"this saved state has format {saved.format}; engine {head.engine} reads format {FORMAT}")
    for name, word in _DIFFERENT.items():
        theirs, ours = getattr(saved.head, name), getattr(head, name)
        if theirs != ours:
            raise Unsupported(f"this saved state is of {word} '{theirs}', not of '{ours}': it cannot be continued here")
    return saved


_DIFFERENT = {
    "engine": "engine",
    "method": "method",
    "version": "library version",
    "digest": "the program",
    "program": "the lowered program",
}


def damage_error(what: str) -> Unsupported:
    return Unsupported(f"this saved state is damaged: {what}")


def check(fits: bool, what: str) -> None:
    """Raises ``Unsupported``, which names ``what`` is damaged, unless it ``fits``."""
    if not fits:
        raise damage_error(what)


def check_counts(saved: Saved, segments: int) -> None:
    """Checks the numbers alone; sizes that follow from them are checked where they are used."""
    check(0 <= saved.shots <= LIMITS.shots, f"{saved.shots} shots")
    check(0 <= saved.seed < 1 << 63, f"seed {saved.seed}")
    check(0 <= saved.done <= saved.shots, f"{saved.done} of {saved.shots} shots are done")
    check(0 <= saved.epoch < segments, f"epoch {saved.epoch} of {segments}")


def pack_rows(bits: Bits) -> bytes:
    return np.packbits(bits, axis=1).tobytes()


def unpack_rows(data: bytes, rows: int, n_cbits: int, what: str) -> Bits:
    width = (n_cbits + 7) // 8
    check(len(data) == rows * width, f"{what} have {len(data)} bytes, not {rows * width}")
    if not width or not rows:
        return np.zeros((rows, n_cbits), dtype=np.uint8)
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8).reshape(rows, width), axis=1, count=n_cbits)


def pack_owners(shots: int, groups: Sequence[npt.NDArray[np.intp]]) -> bytes:
    owners = np.zeros(shots, dtype=OWNER)
    for number, group in enumerate(groups):
        owners[group] = number
    return owners.tobytes()


def unpack_owners(data: bytes, shots: int, branches: int) -> list[npt.NDArray[np.intp]]:
    """The shots of each branch, ascending; every branch has some."""
    check(len(data) == shots * OWNER.itemsize, f"owners have {len(data)} bytes, not {shots * OWNER.itemsize}")
    owners = np.frombuffer(data, dtype=OWNER)
    check(branches <= shots and int(owners.max(initial=0)) < branches, "a shot of a branch that is not there")
    order = np.argsort(owners, kind="stable")
    sizes = np.bincount(owners, minlength=branches)
    check(bool(sizes.all()), "a branch without shots")
    return np.split(order, np.cumsum(sizes)[:-1])


def set_position(rng: Rng, position: bytes) -> Rng:
    """Moves ``rng`` to a saved position."""
    try:
        rng.go_to(position)
    except ValueError as error:
        raise damage_error(str(error)) from error
    return rng

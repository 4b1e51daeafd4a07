"""Classical bits of many shots at once: conditions, event logic, printed counts and packed events.

Everywhere ``bits`` is a uint8 array of shape (shots, n_cbits) holding 0 and 1, row = shot, column = cbit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qmk.base.seeds import substream
from qmk.ir.program import Cond, Logic, Misread, Program, Register

Bits = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def holds(cond: Cond, bits: Bits) -> Mask:
    """In which shots ``cond`` is true; shape (shots,)."""
    kind = cond[0]
    if kind == "bit":
        return bits[:, cond[1]].astype(bool)
    if kind == "not":
        return ~holds(cond[1], bits)
    combine = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[kind]
    return combine.reduce([holds(part, bits) for part in cond[1:]], axis=0)


def holds_once(cond: Cond, bits: Sequence[int]) -> bool:
    """Whether ``cond`` is true for the cbits of one shot."""
    kind = cond[0]
    if kind == "bit":
        cbit: int = cond[1]
        return bool(bits[cbit])
    if kind == "not":
        return not holds_once(cond[1], bits)
    if kind == "and":
        return all(holds_once(part, bits) for part in cond[1:])
    if kind == "or":
        return any(holds_once(part, bits) for part in cond[1:])
    return sum(holds_once(part, bits) for part in cond[1:]) % 2 == 1


def compute(item: Logic, bits: Bits) -> None:
    """Fill the column of ``item`` in every shot where its condition holds."""
    size = len(item.inputs)
    table = np.array([(item.table >> k) & 1 for k in range(1 << size)], dtype=np.uint8)
    index = np.zeros(len(bits), dtype=np.intp)
    for position, cbit in enumerate(item.inputs):
        index |= bits[:, cbit].astype(np.intp) << position
    value = table[index]
    bits[:, item.cbit] = value if item.cond is None else value * holds(item.cond, bits)


def compute_once(item: Logic, bits: Sequence[int]) -> int:
    """The value of ``item`` for one shot, its condition aside."""
    return (item.table >> sum(bits[cbit] << k for k, cbit in enumerate(item.inputs))) & 1


def finish(program: Program, bits: Bits, seed: int = 0) -> Bits:
    """Computes ``program.post`` in ``bits``. Each reading that may be wrong draws from a generator of its own under
    ``seed``."""
    if not program.post:
        return bits
    if not bits.flags.writeable:
        bits = bits.copy()
    for item in program.post:
        if isinstance(item, Misread):
            misread(item, bits, np.random.Generator(np.random.PCG64(substream(seed, "misread", item.cbit))))
        else:
            compute(item, bits)
    return bits


def misread(item: Misread, bits: Bits, rng: np.random.Generator) -> None:
    """Fill the column of ``item`` in every shot where its condition holds."""
    true = bits[:, item.source]
    wrong = rng.random(len(bits)) < np.where(true, item.p10, item.p01)
    bits[:, item.cbit] = true ^ wrong if item.cond is None else (true ^ wrong) * holds(item.cond, bits)


def counts(registers: Sequence[Register], bits: Bits) -> dict[str, int]:
    """Printed bitstrings to shots, in ascending order: registers left to right, one space between them."""
    columns = [cbit for register in registers for cbit in register.cbits]
    shots = len(bits)
    if not columns:
        return {" " * max(len(registers) - 1, 0): shots} if shots else {}
    stops = np.cumsum([len(register.cbits) for register in registers])[:-1].tolist()

    def text(word: str) -> str:
        return " ".join(word[a:b] for a, b in zip([0, *stops], [*stops, len(word)], strict=True)) if stops else word

    chosen = _columns(columns, bits)
    if any(register.lost for register in registers):
        return _with_losses(registers, chosen, bits, text)
    width = len(columns)
    if width <= 16:
        weights = (1 << np.arange(width - 1, -1, -1)).astype(np.int32)
        found = np.bincount(chosen.astype(np.int32) @ weights if width > 1 else chosen[:, 0])
        return {text(format(int(k), f"0{width}b")): int(found[k]) for k in np.flatnonzero(found)}
    packed = np.packbits(chosen, axis=1)
    if width <= 64:
        words = np.zeros((shots, 8), dtype=np.uint8)
        words[:, : packed.shape[1]] = packed
        values, number = np.unique(words.view(">u8")[:, 0].astype(np.uint64), return_counts=True)
        return {
            text(format(int(v), "064b")[:width]): int(n) for v, n in zip(values.tolist(), number.tolist(), strict=True)
        }
    step, raw = packed.shape[1], packed.tobytes()
    tally = Counter(raw[k : k + step] for k in range(0, len(raw), step))
    pad = step * 8
    return {text(format(int.from_bytes(word), f"0{pad}b")[:width]): tally[word] for word in sorted(tally)}


def _with_losses(registers: Sequence[Register], chosen: Bits, bits: Bits, text: Callable[[str], str]) -> dict[str, int]:
    """Writes an L into ``counts`` at each place whose atom is lost."""
    flags = [flag for register in registers for flag in register.lost or (-1,) * len(register.cbits)]
    letters = np.ascontiguousarray(np.where(_columns(flags, bits), ord("L"), chosen + ord("0")).astype(np.uint8))
    step, raw = letters.shape[1], letters.tobytes()
    tally = Counter(raw[k : k + step] for k in range(0, len(raw), step))
    return {text(word.decode()): tally[word] for word in sorted(tally)}


def _columns(columns: list[int], bits: Bits) -> Bits:
    """The cbits of ``columns`` in that order; -1 is a constant 0."""
    if columns == list(range(bits.shape[1])):
        return bits
    if -1 not in columns:
        return bits[:, columns]
    out = np.zeros((len(bits), len(columns)), dtype=np.uint8)
    real = [k for k, cbit in enumerate(columns) if cbit >= 0]
    out[:, real] = bits[:, [columns[k] for k in real]]
    return out


def pack_events(program: Program, bits: Bits) -> bytes:
    """``numpy.packbits`` of the events' cbits in the order of ``program.events``, each shot padded to whole bytes."""
    columns = [cbit for event in program.events.values() for cbit in event]
    return np.packbits(_columns(columns, bits), axis=1).tobytes() if columns else b""

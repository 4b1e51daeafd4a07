"""Amplitudes of the qubits that are not in a known state, and the bits of those that are."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from qmk.engines.segments.gates import Gates, ReadNumbers
from qmk.exact.dense import NORM_ERROR, STORED
from qmk.ir.bits import Bits
from qmk.ir.segment_costs import WIDEST

Amplitudes = npt.NDArray[np.complex128]


class VectorState:
    """``order``: the qubits of ``amplitudes``, of shape (2^k,), the first the most significant bit of an index.
    ``known``: a bit for every qubit of the program; those in ``order`` are not looked at."""

    kind = "vector"
    infidelity = 0.0

    def __init__(self, order: list[int], amplitudes: Amplitudes, known: npt.NDArray[np.uint8]) -> None:
        self.order = order
        self.amplitudes = amplitudes
        self.known = known

    def apply(self, gates: Gates) -> None:
        pauli = gates.pauli
        if pauli is not None and pauli.qubits[0] not in self.order:
            self.known[pauli.qubits[0]] ^= pauli.name != "z"
            return
        self.admit(gates.touched)
        if gates.gates:
            gates.of_vector(tuple(self.order)).apply(self.amplitudes.view(np.float64))

    def admit(self, touched: list[int]) -> None:
        """Gives amplitudes to qubits that were known."""
        new = [qubit for qubit in touched if qubit not in self.order]
        if not new:
            return
        if len(self.order) + len(new) > WIDEST:
            raise MemoryError(f"a vector of {len(self.order) + len(new)} qubits, {WIDEST} are allowed")
        size = len(self.amplitudes)
        row = sum(int(self.known[qubit]) << at for at, qubit in enumerate(reversed(new)))
        wider = np.zeros(size << len(new), dtype=np.complex128)
        wider[row * size : (row + 1) * size] = self.amplitudes
        self.order, self.amplitudes = [*new, *self.order], wider

    def _halves(self, qubit: int) -> Amplitudes:
        return self.amplitudes.reshape(1 << self.order.index(qubit), 2, -1)

    def chance(self, qubit: int) -> float:
        if qubit not in self.order:
            return float(self.known[qubit])
        zero, one = (float(np.linalg.norm(self._halves(qubit)[:, value])) ** 2 for value in (0, 1))
        return one / (zero + one)

    def project(self, qubit: int, outcome: int) -> None:
        if qubit not in self.order:
            return
        left = np.ascontiguousarray(self._halves(qubit)[:, outcome]).reshape(-1)
        self.amplitudes = left / np.linalg.norm(left)
        self.order = [each for each in self.order if each != qubit]
        self.known[qubit] = outcome

    def copy(self) -> VectorState:
        return VectorState(list(self.order), self.amplitudes.copy(), self.known.copy())

    def in_order(self) -> tuple[list[int], Amplitudes]:
        """The qubits in ascending order, and the amplitudes in that order."""
        order = sorted(self.order)
        axes = [self.order.index(qubit) for qubit in order]
        return order, np.ascontiguousarray(self.amplitudes.reshape((2,) * len(order)).transpose(axes)).reshape(-1)

    def read(self, numbers: ReadNumbers) -> Bits:
        """Outcomes of all qubits, each under those before it. Shape (shots, n_qubits)."""
        out = np.tile(self.known, (len(numbers), 1))
        order, amplitudes = self.in_order()
        weights = amplitudes.real**2 + amplitudes.imag**2
        levels = [weights]
        while len(levels[-1]) > 1:
            levels.append(levels[-1].reshape(-1, 2).sum(axis=1))
        levels.reverse()
        at = np.zeros(len(numbers), dtype=np.intp)
        for depth, qubit in enumerate(order):
            zero = levels[depth + 1][2 * at] / levels[depth][at]
            out[:, qubit] = numbers.outcomes(qubit, zero)
            at = 2 * at + out[:, qubit]
        return out

    def to_bytes(self) -> bytes:
        parts = self.order, self.known.tobytes(), self.amplitudes.astype(STORED, copy=False).tobytes()
        return msgspec.msgpack.encode(parts)

    def distance(self, other: Any) -> float:
        """The largest difference of an amplitude; phases count."""
        if not isinstance(other, VectorState) or sorted(self.order) != sorted(other.order):
            return 2.0
        rest = [qubit for qubit in range(len(self.known)) if qubit not in self.order]
        if (self.known[rest] != other.known[rest]).any():
            return 2.0
        return float(np.abs(self.in_order()[1] - other.in_order()[1]).max())


_DECODER = msgspec.msgpack.Decoder(tuple[list[int], bytes, bytes])


def load_vector(data: bytes, n_qubits: int) -> VectorState:
    """The inverse of ``to_bytes``. Raises ``ValueError`` for anything else."""
    try:
        order, known, raw = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a vector: {error}") from error
    fits = len(set(order)) == len(order) <= WIDEST and all(0 <= qubit < n_qubits for qubit in order)
    if not fits or len(known) != n_qubits or max(known, default=0) > 1 or len(raw) != 16 << len(order):
        raise ValueError(f"a vector that does not fit {n_qubits} qubits")
    amplitudes = np.frombuffer(raw, dtype=STORED).astype(np.complex128)
    with np.errstate(all="ignore"):  # hostile bytes may be any numbers
        norm = float(np.linalg.norm(amplitudes)) ** 2
    if not abs(norm - 1) < NORM_ERROR:  # also when it is not a number
        raise ValueError(f"amplitudes of norm {norm:g} are not a state")
    return VectorState(order, amplitudes, np.frombuffer(known, dtype=np.uint8).copy())

"""State vectors as a backend of the branching walk, whatever applies their gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qmk.exact.rng import Rng
from qmk.exact.simulator import TINY, Chances
from qmk.ir.bits import Bits
from qmk.ir.program import Gate
from qmk.ir.unitary import Array, apply, apply_gate
from qmk.qvm.op import Matrix

STORED = np.dtype("<c16")
NORM_ERROR = 1e-6
"""How far from 1 the norm of a loaded state may be; rounding in any run stays far below."""

Circuit = Callable[[Array], Array]
"""Gates on flat amplitudes; may reuse the array it is given."""


class DenseState:
    """``amplitudes``: shape (2^n,), complex128. Qubit q is bit ``places[q]`` of an index."""

    __slots__ = ("amplitudes", "places")

    def __init__(self, amplitudes: Array, places: tuple[int, ...]) -> None:
        self.amplitudes = amplitudes
        self.places = places

    def apply(self, gates: Circuit) -> None:
        self.amplitudes = gates(self.amplitudes)

    def _halves(self, qubit: int) -> Array:
        """A view of shape (.., 2, ..) with the qubit's value in the middle."""
        return self.amplitudes.reshape(-1, 2, 1 << self.places[qubit])

    def chance(self, qubit: int) -> float:
        zero, one = (_weight(self._halves(qubit)[:, value]) for value in (0, 1))
        return one / (zero + one)

    def project(self, qubit: int, outcome: int) -> None:
        halves = self._halves(qubit)
        halves[:, 1 - outcome] = 0
        self.amplitudes /= np.sqrt(_weight(halves[:, outcome]))

    def _transform(self, matrix: Matrix, qubits: tuple[int, ...]) -> Array:
        n = len(self.places)
        axes = tuple(n - 1 - self.places[qubit] for qubit in qubits)
        state = apply(self.amplitudes.reshape((2,) * n), np.array(matrix, dtype=np.complex128), axes)
        return np.ascontiguousarray(state).reshape(-1)

    def weight(self, matrix: Matrix, qubits: tuple[int, ...]) -> float:
        return _weight(self._transform(matrix, qubits).reshape(1, -1))

    def transform(self, matrix: Matrix, qubits: tuple[int, ...]) -> None:
        self.amplitudes = self._transform(matrix, qubits)
        self.amplitudes /= np.sqrt(_weight(self.amplitudes.reshape(1, -1)))

    def copy(self) -> DenseState:
        return DenseState(self.amplitudes.copy(), self.places)

    def sample(self, qubits: list[int], shots: int, rng: Rng) -> Bits:
        totals = self._chances(qubits)
        np.cumsum(totals, out=totals)
        total = float(totals[-1])
        fell = np.searchsorted(totals, rng.uniform(shots) * total, side="right")
        outcomes = np.minimum(fell, int(np.searchsorted(totals, total)))  # rounding may step past the last one
        shifts = np.arange(len(qubits) - 1, -1, -1)
        return ((outcomes[:, None] >> shifts) & 1).astype(np.uint8)

    def _chances(self, qubits: list[int]) -> Chances:
        """Weights of the outcomes of measuring ``qubits``, first qubit most significant. The state is used up: a second
        array as large as it may be more than memory holds."""
        parts = self.amplitudes.view(np.float64)
        np.multiply(parts, parts, out=parts)
        found = parts.reshape(-1, 2).sum(axis=1)
        self.amplitudes = np.zeros(0, dtype=np.complex128)
        n = len(self.places)
        axes = [n - 1 - self.places[qubit] for qubit in qubits]
        rest = tuple(axis for axis in range(n) if axis not in axes)
        if rest:
            found = found.reshape((2,) * n).sum(axis=rest)
        rank = np.argsort(np.argsort(axes))  # the marginal's axes are in ascending order
        found = np.ascontiguousarray(np.transpose(found.reshape((2,) * len(axes)), rank)).reshape(-1)
        found[found < TINY] = 0
        return found

    def to_bytes(self) -> bytes:
        return self.amplitudes.astype(STORED, copy=False).tobytes()

    def distance(self, other: DenseState) -> float:
        """The largest difference of an amplitude; phases count."""
        return float(np.abs(self.amplitudes - other.amplitudes).max())


def _weight(part: Array) -> float:
    return float(np.einsum("ij,ij->", part.real, part.real) + np.einsum("ij,ij->", part.imag, part.imag))


@dataclass(frozen=True)
class DenseBackend:
    """``maker(n_qubits, gates)`` makes circuits; it is a function of a module, so that plans can be pickled.
    ``first_highest``: qubit 0 is the most significant bit of an index, else the least."""

    n_qubits: int
    maker: Callable[[int, tuple[Gate, ...]], Circuit]
    first_highest: bool = True

    @property
    def state_bytes(self) -> int:
        return 16 << self.n_qubits

    @property
    def places(self) -> tuple[int, ...]:
        order = range(self.n_qubits)
        return tuple(reversed(order)) if self.first_highest else tuple(order)

    def compile(self, gates: tuple[Gate, ...]) -> Circuit:
        return self.maker(self.n_qubits, gates)

    def zero(self) -> DenseState:
        amplitudes = np.zeros(1 << self.n_qubits, dtype=np.complex128)
        amplitudes[0] = 1
        return DenseState(amplitudes, self.places)

    def load(self, data: bytes) -> DenseState:
        if len(data) != self.state_bytes:
            raise ValueError(f"a state of {self.n_qubits} qubits has {self.state_bytes} bytes, not {len(data)}")
        amplitudes = np.frombuffer(data, dtype=STORED).astype(np.complex128)
        with np.errstate(all="ignore"):  # hostile bytes may be any numbers
            norm = _weight(amplitudes.reshape(1, -1))
        if not abs(norm - 1) < NORM_ERROR:  # also when it is not a number
            raise ValueError(f"amplitudes of norm {norm:g} are not a state")
        return DenseState(amplitudes, self.places)


class NumpyCircuit:
    """Gates one after the other by ``ir.unitary``; qubit 0 is the most significant bit."""

    def __init__(self, n_qubits: int, gates: tuple[Gate, ...]) -> None:
        self.shape = (2,) * n_qubits
        self.gates = gates

    def __call__(self, amplitudes: Array) -> Array:
        state = amplitudes.reshape(self.shape)
        for gate in self.gates:
            state = apply_gate(state, gate)
        return np.ascontiguousarray(state).reshape(-1)

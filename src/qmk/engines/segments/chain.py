"""Matrix product states: taken through gates by the native core, projected and read out here.

Site k is qubit k. Tensors are of shape (left bond, 2, right bond) with orthonormal rows; ``values[k]`` are the Schmidt
values of the bond to the left of site k (Schollwöck, Annals of Physics 326, 96 (2011)).
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import qmk_native
import stim

from qmk.engines.segments.gates import Gates, ReadNumbers
from qmk.engines.segments.tableau import Tableau, of_vector, to_vector
from qmk.engines.segments.vector import VectorState
from qmk.exact.simulator import TINY
from qmk.ir.bits import Bits
from qmk.ir.program import Gate
from qmk.ir.segment_costs import LARGEST_BOND_LOG2, WIDEST
from qmk.sdk.engine import Unsupported

Tensor = npt.NDArray[np.complex128]
Values = npt.NDArray[np.float64]

CUT = 1e-13
"""Largest weight that one step may drop."""

BOND = 1 << int(LARGEST_BOND_LOG2)
READ_SHOTS = 4096
"""Shots that are read out together."""

ORTHONORMAL = 1e-6
VECTOR_FIRST = 16
"""Up to this many open qubits a stabilizer state becomes a chain by way of its amplitudes, beyond by its circuit."""


class ChainState:
    kind = "chain"

    def __init__(self, chain: qmk_native.MpsChain) -> None:
        self.chain = chain

    @property
    def infidelity(self) -> float:
        """A bound on 1 - fidelity from what was cut off."""
        return self.chain.lost

    def apply(self, gates: Gates) -> None:
        if gates.gates:
            self.chain = gates.of_chain().apply(self.chain, BOND)

    def site(self, at: int) -> tuple[Tensor, Values]:
        left, right, re, im, values = self.chain.tensor(at)
        parts = (np.frombuffer(part).reshape(left, 2, right) for part in (re, im))
        real, imaginary = parts
        return real + 1j * imaginary, np.frombuffer(values)

    def sites(self) -> list[Tensor]:
        return [self.site(at)[0] for at in range(len(self.chain))]

    def chance(self, qubit: int) -> float:
        tensor, values = self.site(qubit)
        weights = np.einsum("l,lsr->s", values**2, np.abs(tensor) ** 2)
        return float(weights[1] / weights.sum())

    def project(self, qubit: int, outcome: int) -> None:
        tensors = [tensor.copy() for tensor in self.sites()]
        tensors[0] = tensors[0] * self.site(0)[1][:, None, None]
        tensors[qubit][:, 1 - outcome] = 0
        self.chain = _canonical(tensors, self.infidelity)

    def copy(self) -> ChainState:
        return ChainState(self.chain)

    def read(self, numbers: ReadNumbers) -> Bits:
        """Outcomes of all qubits, each under those before it. Shape (shots, n_qubits)."""
        shots, tensors = len(numbers), self.sites()
        out = np.zeros((shots, len(tensors)), dtype=np.uint8)
        front = np.ones((shots, 1), dtype=np.complex128)
        for qubit, tensor in enumerate(tensors):
            left, _, right = tensor.shape
            both = [front[s : s + READ_SHOTS] @ tensor.reshape(left, -1) for s in range(0, shots, READ_SHOTS)]
            parts = np.concatenate(both).reshape(shots, 2, right) if shots else np.zeros((0, 2, right), np.complex128)
            weights = (np.abs(parts) ** 2).sum(axis=2)
            out[:, qubit] = numbers.outcomes(qubit, weights[:, 0] / weights.sum(axis=1))
            front = parts[np.arange(shots), out[:, qubit]]
            front /= np.linalg.norm(front, axis=1)[:, None]
        return out

    def to_bytes(self) -> bytes:
        rows = [self.chain.tensor(at) for at in range(len(self.chain))]
        return msgspec.msgpack.encode((self.infidelity, rows))

    def distance(self, other: Any) -> float:
        """How far two states can be apart: by their overlap, so that phases do not count."""
        if not isinstance(other, ChainState):
            return 2.0
        left = np.ones((1, 1), dtype=np.complex128)
        for a, b in zip(self.sites(), other.sites(), strict=True):
            left = np.einsum("xy,xsa,ysb->ab", left, a.conj(), b, optimize=True)
        return math.sqrt(max(0.0, 2 - 2 * abs(complex(left[0, 0]))))


def _chain_of(tensors: list[Tensor], values: list[Values], lost: float) -> qmk_native.MpsChain:
    rows: list[tuple[int, int, bytes, bytes, bytes]] = []
    for tensor, singular in zip(tensors, values, strict=True):
        left, _, right = tensor.shape
        rows.append((left, right, tensor.real.tobytes(), tensor.imag.tobytes(), singular.tobytes()))
    return qmk_native.MpsChain(rows, lost, CUT)


def _add(lost: float, more: float) -> float:
    """Bounds on 1 - fidelity of two steps, for both: the angles between states add up at most."""
    angle = math.asin(math.sqrt(min(1.0, lost))) + math.asin(math.sqrt(min(1.0, more)))
    return math.sin(min(angle, math.pi / 2)) ** 2


def _split(matrix: Tensor, lost: float) -> tuple[Tensor, Values, Tensor, float]:
    """Left part, singular values (of norm 1) and orthonormal rows; ``lost`` with what was cut off."""
    left, singular, rows = np.linalg.svd(matrix, full_matrices=False)
    weights = singular**2 / (singular**2).sum()
    tails = np.cumsum(weights[::-1])[::-1]  # the weight from here on
    keep = max(1, int((tails > CUT).sum()))
    if keep > BOND:
        raise MemoryError(f"a bond reached dimension {keep}, {BOND} are allowed")
    cut = float(tails[keep]) if keep < len(tails) else 0.0
    kept = singular[:keep] / np.linalg.norm(singular[:keep])
    return left[:, :keep], kept, rows[:keep], _add(lost, cut)


def _canonical(tensors: list[Tensor], lost: float) -> qmk_native.MpsChain:
    """The chain of any tensors, normalised."""
    for at in range(len(tensors) - 1):
        left, _, right = tensors[at].shape
        basis, rest = np.linalg.qr(tensors[at].reshape(left * 2, right))
        tensors[at] = basis.reshape(left, 2, -1)
        tensors[at + 1] = np.tensordot(rest, tensors[at + 1], axes=1)
    values: list[Values] = [np.ones(1)] * len(tensors)
    for at in range(len(tensors) - 1, 0, -1):
        left, _, right = tensors[at].shape
        part, values[at], rows, lost = _split(tensors[at].reshape(left, 2 * right), lost)
        tensors[at] = rows.reshape(-1, 2, right)
        tensors[at - 1] = np.tensordot(tensors[at - 1], part * values[at], axes=1)
    tensors[0] = tensors[0] / np.linalg.norm(tensors[0])
    return _chain_of(tensors, values, lost)


def of_amplitudes(vector: VectorState) -> ChainState:
    """The chain of a vector. What each cut drops, at most ``CUT``, is in its ``lost``."""
    order, rest = vector.in_order()
    n, lost, right = len(vector.known), 0.0, 1
    tensors: list[Tensor] = [np.zeros((0, 2, 0), np.complex128)] * n
    values: list[Values] = [np.ones(1)] * n
    singular: Values = np.ones(1)  # of the bond to the right of the site at hand
    inner = set(order)
    for qubit in range(n - 1, -1, -1):
        if qubit not in inner:
            tensors[qubit] = np.zeros((right, 2, right), np.complex128)
            tensors[qubit][:, vector.known[qubit]] = np.eye(right)
            values[qubit] = singular
            continue
        part, singular, rows, lost = _split(rest.reshape(-1, 2 * right), lost)
        tensors[qubit], values[qubit] = rows.reshape(-1, 2, right), singular
        rest, right = (part * singular).reshape(-1), len(singular)
    phase = complex(rest[0])
    tensors[0] = tensors[0] * (phase / abs(phase))
    return ChainState(_chain_of(tensors, values, lost))


def to_amplitudes(state: ChainState) -> VectorState:
    """The vector of a chain. Raises ``Unsupported`` where more qubits are open than a vector holds."""
    n = len(state.chain)
    ones = [state.chance(qubit) for qubit in range(n)]
    order = [qubit for qubit, one in enumerate(ones) if TINY <= one <= 1 - TINY]
    if len(order) > WIDEST:
        raise Unsupported(f"{len(order)} qubits of the matrix product state are open, a vector holds {WIDEST}")
    amplitudes: Tensor = np.ones((1, 1), np.complex128)
    for qubit, tensor in enumerate(state.sites()):
        left, _, right = tensor.shape
        if TINY <= ones[qubit] <= 1 - TINY:
            amplitudes = (amplitudes @ tensor.reshape(left, -1)).reshape(-1, right)
        else:
            amplitudes = amplitudes @ tensor[:, int(ones[qubit] > 0.5)]
    flat = amplitudes.reshape(-1)
    known = np.array([one > 0.5 for one in ones], dtype=np.uint8)
    return VectorState(order, flat / np.linalg.norm(flat), known)


def of_tableau(tableau: Tableau) -> ChainState:
    """By its amplitudes where few qubits are open, else by a circuit that makes it of |0..0>."""
    n = tableau.n_qubits
    if sum(tableau.state.simulator.peek_z(qubit) == 0 for qubit in range(n)) <= VECTOR_FIRST:
        return of_amplitudes(to_vector(tableau))
    made = tableau.state.simulator.current_inverse_tableau().inverse().to_circuit("elimination")
    names = {"H": "h", "S": "s", "CX": "cnot"}
    gates: list[Gate] = []
    for step in made:
        assert isinstance(step, stim.CircuitInstruction), "a circuit of gates has no loops"
        for group in step.target_groups():
            gates.append(Gate(names[step.name], tuple(target.value for target in group)))
    state = of_amplitudes(VectorState([], np.ones(1, np.complex128), np.zeros(n, np.uint8)))
    state.apply(Gates(n, tuple(gates)))
    return state


def to_tableau(state: ChainState) -> Tableau:
    return of_vector(to_amplitudes(state))


_DECODER = msgspec.msgpack.Decoder(tuple[float, list[tuple[int, int, bytes, bytes, bytes]]])


def load_chain(data: bytes, n_qubits: int) -> ChainState:
    """The inverse of ``to_bytes``. Raises ``ValueError`` for anything else."""
    try:
        lost, rows = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a matrix product state: {error}") from error
    if len(rows) != n_qubits or not 0 <= lost <= 1 or any(not 1 <= side <= BOND for row in rows for side in row[:2]):
        raise ValueError(f"not a matrix product state of {n_qubits} qubits")
    if any(len(part) % 8 for row in rows for part in row[2:]):
        raise ValueError("a tensor that is not of doubles")
    state = ChainState(qmk_native.MpsChain(rows, lost, CUT))
    for at in range(n_qubits):
        tensor, values = state.site(at)
        matrix = tensor.reshape(len(tensor), -1)
        with np.errstate(all="ignore"):  # hostile bytes may be any numbers
            off = np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max()
            norm = float((values**2).sum())
        if not (off < ORTHONORMAL and abs(norm - 1) < ORTHONORMAL):
            raise ValueError(f"the tensor of site {at} is not in canonical form")
    return state

"""Tableaus as a backend of the branching walk (``exact.branching``): Clifford programs with any condition.

A saved state is the inverse tableau: the images of X and Z of every qubit, n^2 / 2 bytes and some signs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
import stim

from qmk.exact.chunks import tableau_bytes
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.ir.names import names
from qmk.ir.program import Gate
from qmk.qvm.op import Matrix
from qmk.sdk.engine import Unsupported

STIM_NAMES = names("stim")
"""Gates that a tableau goes through, and what stim calls them."""

_SAMPLE_BYTES = 1 << 25
"""Bytes of random words drawn at a time."""


class TableauState:
    """A stabilizer state. Outcomes are chosen here: the simulator's own random numbers are never used where they
    matter."""

    __slots__ = ("simulator",)

    def __init__(self, simulator: stim.TableauSimulator) -> None:
        self.simulator = simulator

    def apply(self, gates: stim.Circuit) -> None:
        self.simulator.do_circuit(gates)

    def chance(self, qubit: int) -> float:
        return (1 - self.simulator.peek_z(qubit)) / 2

    def project(self, qubit: int, outcome: int) -> None:
        self.simulator.postselect_z(qubit, desired_value=bool(outcome))

    def weight(self, matrix: Matrix, qubits: tuple[int, ...]) -> float:
        raise Unsupported("a tableau is sent to another by Clifford operations only")

    def transform(self, matrix: Matrix, qubits: tuple[int, ...]) -> None:
        raise Unsupported("a tableau is sent to another by Clifford operations only")

    def copy(self) -> TableauState:
        return TableauState(self.simulator.copy())

    def sample(self, qubits: list[int], shots: int, rng: Rng) -> Bits:
        """The outcomes are those of any one measurement, flipped along random combinations: U^-1 Z_q U flips with the
        k-th random sign of |0...0> where it has an X on qubit k."""
        inverse = self.simulator.current_inverse_tableau()
        moves = inverse.to_numpy()[2][qubits].T  # [k, q]
        moves = np.packbits(moves[moves.any(axis=1)], axis=1)
        simulator: Any = _simulator(inverse)
        one = np.array(simulator.measure_many(*qubits), dtype=np.uint8)
        return np.unpackbits(_combinations(moves, shots, rng), axis=1, count=len(qubits)) ^ one

    def to_bytes(self) -> bytes:
        parts = self.simulator.current_inverse_tableau().to_numpy(bit_packed=True)
        return b"".join(part.tobytes() for part in parts)

    def distance(self, other: TableauState) -> float:
        """0.0 when every stabilizer is the same with the same sign, else 1.0."""
        same = self.simulator.canonical_stabilizers() == other.simulator.canonical_stabilizers()
        return 0.0 if same else 1.0


def _combinations(rows: npt.NDArray[np.uint8], shots: int, rng: Rng) -> npt.NDArray[np.uint8]:
    """The sum modulo 2 of a random half of ``rows`` (packed bits) for every shot. Eight rows at a time are looked up
    in the table of their 256 sums."""
    out = np.zeros((shots, rows.shape[1]), dtype=np.uint8)
    groups = [rows[start : start + 8] for start in range(0, len(rows), 8)]
    step = max(1, _SAMPLE_BYTES // max(1, len(groups)))
    for start in range(0, shots if groups else 0, step):
        part = out[start : start + step]
        count = len(part) * len(groups)
        octets = rng.words((count + 7) // 8).astype("<u8", copy=False).view(np.uint8)[:count]
        for group, octet in zip(groups, octets.reshape(len(groups), -1), strict=True):
            table = np.zeros((1 << len(group), rows.shape[1]), dtype=np.uint8)
            for k, row in enumerate(group):
                table[1 << k : 2 << k] = table[: 1 << k] ^ row
            part ^= table[octet & (len(table) - 1)]
    return out


def _simulator(inverse: stim.Tableau) -> stim.TableauSimulator:
    simulator = stim.TableauSimulator(seed=0)
    simulator.set_inverse_tableau(inverse)
    return simulator


class TableauBackend(msgspec.Struct, frozen=True):
    n_qubits: int

    @property
    def state_bytes(self) -> int:
        return tableau_bytes(self.n_qubits)

    def compile(self, gates: tuple[Gate, ...]) -> stim.Circuit:
        lines = [
            f"{STIM_NAMES[gate.name]} {' '.join(map(str, gate.qubits))}" for gate in gates if gate.name != "gphase"
        ]
        return stim.Circuit("\n".join(lines))

    def zero(self) -> TableauState:
        simulator = stim.TableauSimulator(seed=0)
        simulator.set_num_qubits(self.n_qubits)
        return TableauState(simulator)

    def load(self, data: bytes) -> TableauState:
        n = self.n_qubits
        width, signs = (n + 7) // 8, (n + 7) // 8
        if len(data) != 4 * n * width + 2 * signs:
            raise ValueError(f"a tableau of {n} qubits has {4 * n * width + 2 * signs} bytes, not {len(data)}")
        raw = np.frombuffer(data, dtype=np.uint8)
        bits = np.unpackbits(raw[: 4 * n * width].reshape(4 * n, width), axis=1, bitorder="little").astype(np.bool_)
        sign = np.unpackbits(raw[4 * n * width :].reshape(2, signs), axis=1, bitorder="little").astype(np.bool_)
        if bits[:, n:].any() or sign[:, n:].any():
            raise ValueError("bits beyond the last qubit of a tableau")
        x2x, x2z, z2x, z2z = bits[:, :n].reshape(4, n, n)
        # a static method, whatever its stub says; raises ValueError where it is not a Clifford operation
        from_numpy = cast("Callable[..., stim.Tableau]", stim.Tableau.from_numpy)
        inverse = from_numpy(x2x=x2x, x2z=x2z, z2x=z2x, z2z=z2z, x_signs=sign[0, :n], z_signs=sign[1, :n])
        return TableauState(_simulator(inverse))
